/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mmsim list policies: every choice on every axis with its source and parameters, as registered,
 * and the policy sets below configs/policies.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/list.h"
#include "models/policy/policy.h"
#include "sim/base/datadir.h"

static const char *shown(const char *text)
{
	return text ? text : "";
}

static void print_choices(const struct policy_choice **choices, size_t n)
{
	char prefix[64];

	for (unsigned int axis = 0; axis < POLICY_AXES; axis++) {
		printf("%s: %s\n", policy_axes[axis].name, policy_axes[axis].help);
		for (size_t i = 0; i < n; i++) {
			if (choices[i]->axis != axis)
				continue;
			printf("  %s\n      %s\n      source: %s\n", choices[i]->name,
			       shown(choices[i]->summary), shown(choices[i]->source));
			snprintf(prefix, sizeof(prefix), "%s.", policy_axes[axis].name);
			list_params_print(prefix, choices[i]->params);
		}
	}
}

static void print_sets(void)
{
	char **names;
	size_t n = datadir_list("configs/policies", ".yaml", &names);

	puts("\nPolicy sets (configs/policies)");
	for (size_t i = 0; i < n; i++) {
		struct policy_set set = { 0 };
		struct err err = { 0 };

		if (!policy_set_load(names[i], &set, &err)) {
			printf("  %s\n      %s\n", names[i], err.msg);
			continue;
		}
		printf("  %s\n      %s\n     ", names[i], shown(set.description));
		for (unsigned int axis = 0; axis < POLICY_AXES; axis++)
			printf(" %s=%s", policy_axes[axis].name, set.pick[axis].choice->name);
		putchar('\n');
		policy_set_free(&set);
	}
	datadir_free_list(names, n);
}

static void json_choices(struct json *j, const struct policy_choice **choices, size_t n)
{
	json_array(j, "choices");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		json_string(j, "axis", policy_axes[choices[i]->axis].name);
		json_string(j, "name", choices[i]->name);
		json_string(j, "summary", choices[i]->summary);
		json_string(j, "source", choices[i]->source);
		list_params_json(j, choices[i]->params);
		json_end_object(j);
	}
	json_end_array(j);
}

static void json_sets(struct json *j)
{
	char **names;
	size_t n = datadir_list("configs/policies", ".yaml", &names);

	json_array(j, "sets");
	for (size_t i = 0; i < n; i++) {
		struct policy_set set = { 0 };
		struct err err = { 0 };
		bool ok = policy_set_load(names[i], &set, &err);

		json_object(j, NULL);
		json_string(j, "name", names[i]);
		json_string(j, "description", ok ? set.description : NULL);
		json_string(j, "error", ok ? NULL : err.msg);
		for (unsigned int axis = 0; ok && axis < POLICY_AXES; axis++)
			json_string(j, policy_axes[axis].name, set.pick[axis].choice->name);
		json_end_object(j);
		if (ok)
			policy_set_free(&set);
	}
	json_end_array(j);
	datadir_free_list(names, n);
}

static int list_policies(const struct invocation *inv, struct err *err)
{
	const struct list_command *o = inv->options;
	const struct policy_choice **choices;
	size_t n = policy_choices(&choices);
	struct json j;

	(void)err;
	if (o->json) {
		json_init(&j, stdout);
		json_object(&j, NULL);
		json_choices(&j, choices, n);
		json_sets(&j);
		json_end_object(&j);
	} else {
		print_choices(choices, n);
		print_sets();
	}
	free(choices);
	return EXIT_OK;
}

LIST_COMMAND(policies, "Policy choices by axis, their parameters, and policy sets");
