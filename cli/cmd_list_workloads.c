/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mmsim list workloads: the synthetic loads and the replay with their parameters, as registered,
 * and the recordings that come with mmsim.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/list.h"
#include "sim/base/datadir.h"
#include "workloads/recorded.h"
#include "workloads/workload.h"

static const char recorded_source[] = "workloads/recorded/README.md";

static const char *kind_of(const struct workload_type *type)
{
	return strcmp(type->name, "replay") ? "synthetic" : "any recording";
}

static void print_types(const struct workload_type **types, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		printf("%s (%s)\n    %s\n    source: %s\n", types[i]->name, kind_of(types[i]),
		       types[i]->summary, types[i]->source);
		list_params_print("", types[i]->params);
	}
}

static void print_recordings(char *const *names, size_t n)
{
	printf("\nRecordings to replay (%s)\n", recorded_source);
	for (size_t i = 0; i < n; i++)
		printf("  %s\n", names[i]);
}

static void json_row(struct json *j, const char *name, const char *kind, const char *summary,
		     const char *source, const struct param *params)
{
	json_object(j, NULL);
	json_string(j, "workload", name);
	json_string(j, "kind", kind);
	json_string(j, "description", summary);
	json_string(j, "source", source);
	list_params_json(j, params);
	json_end_object(j);
}

static int list_workloads(const struct invocation *inv, struct err *err)
{
	const struct list_command *o = inv->options;
	const struct workload_type **types, *replay = workload_find("replay", err);
	size_t n = workload_types(&types), n_names;
	struct json j;
	char **names;

	n_names = recorded_list(&names);
	if (o->json) {
		json_init(&j, stdout);
		json_array(&j, NULL);
		for (size_t i = 0; i < n; i++)
			json_row(&j, types[i]->name, kind_of(types[i]), types[i]->summary,
				 types[i]->source, types[i]->params);
		for (size_t i = 0; i < n_names; i++)
			json_row(&j, names[i], "recording", "replay of a recorded program",
				 recorded_source, replay->params);
		json_end_array(&j);
	} else {
		print_types(types, n);
		print_recordings(names, n_names);
	}
	datadir_free_list(names, n_names);
	free(types);
	return EXIT_OK;
}

LIST_COMMAND(workloads, "Synthetic loads with their parameters, and recordings");
