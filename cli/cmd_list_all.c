/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mmsim list: the names of everything that can be listed, by kind. What there is to say about each
 * is in the commands of the single kinds.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/list.h"
#include "sim/base/datadir.h"
#include "sim/metrics.h"
#include "workloads/recorded.h"
#include "workloads/workload.h"

enum { LINE_COLUMNS = 80, INDENT = 2 };

struct names {
	struct json json;
	bool as_json;
	int column; /* of the text's line */
};

static void begin_kind(struct names *out, const char *kind)
{
	if (out->as_json) {
		json_array(&out->json, kind);
		return;
	}
	printf("%s\n ", kind);
	out->column = INDENT - 1;
}

static void end_kind(struct names *out)
{
	if (out->as_json)
		json_end_array(&out->json);
	else
		puts("\n");
}

static void add_name(struct names *out, const char *name)
{
	int width = 1 + (int)strlen(name); /* with the space before it */

	if (out->as_json) {
		json_string(&out->json, NULL, name);
		return;
	}
	if (out->column >= INDENT && out->column + width > LINE_COLUMNS) {
		fputs("\n ", stdout);
		out->column = INDENT - 1;
	}
	printf(" %s", name);
	out->column += width;
}

static void add_names(struct names *out, char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_name(out, names[i]);
	datadir_free_list(names, n);
}

static void add_files(struct names *out, const char *folder)
{
	char **names;
	size_t n = datadir_list(folder, ".yaml", &names);

	add_names(out, names, n);
}

static void add_workloads(struct names *out)
{
	const struct workload_type **types;
	size_t n = workload_types(&types);
	char **names;

	for (size_t i = 0; i < n; i++)
		add_name(out, types[i]->name);
	free(types);
	n = recorded_list(&names);
	add_names(out, names, n);
}

static void add_metrics(struct names *out)
{
	const struct metric_desc **descs;
	size_t n = metric_descs(&descs);

	for (size_t i = 0; i < n; i++)
		add_name(out, descs[i]->name);
	free(descs);
}

static int list_all(const struct invocation *inv, struct err *err)
{
	static const struct {
		const char *kind, *folder; /* of files; else by its function */
		void (*add)(struct names *out);
	} kinds[] = {
		{ "machines", "configs/machines", NULL },
		{ "policies", "configs/policies", NULL },
		{ "scenarios", "configs/scenarios", NULL },
		{ "workloads", NULL, add_workloads },
		{ "metrics", NULL, add_metrics },
	};
	struct names out = { .as_json = ((const struct list_command *)inv->options)->json };

	(void)err;
	if (out.as_json) {
		json_init(&out.json, stdout);
		json_object(&out.json, NULL);
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		begin_kind(&out, kinds[i].kind);
		if (kinds[i].folder)
			add_files(&out, kinds[i].folder);
		else
			kinds[i].add(&out);
		end_kind(&out);
	}
	if (out.as_json)
		json_end_object(&out.json);
	else
		puts("mmsim list KIND tells more about each.");
	return EXIT_OK;
}

static const struct command list_command = {
	.name = "list",
	.args = "",
	.summary = "Names of all machines, policies, scenarios, workloads and metrics",
	.options = list_options,
	.options_size = sizeof(struct list_command),
	.run = list_all,
};
COMMAND(list_command);
