/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mmsim list machines|scenarios|metrics: what there is, from the registries and the data folders;
 * and what all lists share. Policies and workloads have parameters to tell of, in files of their
 * own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/json.h"
#include "analysis/table.h"
#include "cli/list.h"
#include "cli/scenario.h"
#include "models/hw/machine.h"
#include "sim/base/datadir.h"
#include "sim/metrics.h"

const struct param list_options[] = {
	{ .name = "json",
	  .type = PARAM_BOOL,
	  .def = "false",
	  .offset = offsetof(struct list_command, json),
	  .help = "print JSON" },
	PARAM_END,
};

/* Rows that come out as a table, or as a JSON list of objects whose keys are the columns. */
struct listing {
	const char *const *columns; /* NULL-terminated */
	size_t next;
	struct table *table; /* NULL: JSON */
	struct json json;
};

static void listing_begin(struct listing *l, const struct invocation *inv,
			  const char *const *columns)
{
	const struct list_command *o = inv->options;

	*l = (struct listing){ .columns = columns };
	if (o->json) {
		json_init(&l->json, stdout);
		json_array(&l->json, NULL);
		return;
	}
	l->table = table_new();
	for (size_t i = 0; columns[i]; i++)
		table_column(l->table, columns[i], TABLE_LEFT);
}

/* The next cell of the row; NULL = "". */
static void listing_cell(struct listing *l, const char *text)
{
	const char *column = l->columns[l->next];

	text = text ? text : "";
	if (l->table) {
		table_cell(l->table, "%s", text);
	} else {
		if (!l->next)
			json_object(&l->json, NULL);
		json_string(&l->json, column, text);
	}
	l->next++;
	if (!l->columns[l->next]) {
		if (!l->table)
			json_end_object(&l->json);
		l->next = 0;
	}
}

static void listing_end(struct listing *l)
{
	if (!l->table) {
		json_end_array(&l->json);
		return;
	}
	table_print(l->table, stdout, 0);
	table_free(l->table);
}

void list_params_print(const char *prefix, const struct param *params)
{
	char expects[200];

	for (const struct param *p = params; p && p->name; p++)
		printf("      %s%s (%s; default %s): %s\n", prefix, p->name,
		       param_expects(p, expects, sizeof(expects)), p->def ? p->def : "",
		       p->help ? p->help : "");
}

void list_params_json(struct json *j, const struct param *params)
{
	char expects[200];

	json_array(j, "params");
	for (const struct param *p = params; p && p->name; p++) {
		json_object(j, NULL);
		json_string(j, "name", p->name);
		json_string(j, "expects", param_expects(p, expects, sizeof(expects)));
		json_string(j, "default", p->def);
		json_string(j, "help", p->help);
		json_end_object(j);
	}
	json_end_array(j);
}

/* Each file of a kind as a row; a file that does not load shows its error in place of a summary. */
static int list_files(const struct invocation *inv, const char *kind, const char *const *columns,
		      void (*row)(struct listing *l, const char *name))
{
	struct listing l;
	char **names;
	size_t n = datadir_list(kind, ".yaml", &names);

	listing_begin(&l, inv, columns);
	for (size_t i = 0; i < n; i++)
		row(&l, names[i]);
	listing_end(&l);
	datadir_free_list(names, n);
	return EXIT_OK;
}

static void machine_row(struct listing *l, const char *name)
{
	struct machine_desc desc = { 0 };
	struct err err = { 0 };
	char cpus[32] = "";
	bool ok = machine_load(name, &desc, NULL, &err);

	if (ok)
		snprintf(cpus, sizeof(cpus), "%u", machine_desc_cpus(&desc));
	listing_cell(l, name);
	listing_cell(l, cpus);
	listing_cell(l, ok ? desc.description : err.msg);
	if (ok)
		machine_desc_free(&desc);
}

static int list_machines(const struct invocation *inv, struct err *err)
{
	static const char *const columns[] = { "machine", "cpus", "description", NULL };

	(void)err;
	return list_files(inv, "configs/machines", columns, machine_row);
}

static void scenario_row(struct listing *l, const char *name)
{
	struct scenario s;
	struct err err = { 0 };
	bool ok = scenario_init(&s, &err) && scenario_load(&s, name, &err);

	listing_cell(l, name);
	listing_cell(l, ok ? s.workload : "");
	listing_cell(l, ok ? s.description : err.msg);
	scenario_free(&s);
}

static int list_scenarios(const struct invocation *inv, struct err *err)
{
	static const char *const columns[] = { "scenario", "workload", "description", NULL };

	(void)err;
	return list_files(inv, "configs/scenarios", columns, scenario_row);
}

static int list_metrics(const struct invocation *inv, struct err *err)
{
	static const char *const columns[] = { "metric", "kind",        "unit",
					       "label",  "description", NULL };
	static const char *const kinds[] = { [METRIC_COUNTER] = "counter",
					     [METRIC_GAUGE] = "gauge",
					     [METRIC_HISTOGRAM] = "histogram",
					     [METRIC_SERIES] = "series" };
	const struct metric_desc **descs;
	size_t n = metric_descs(&descs);
	struct listing l;

	(void)err;
	listing_begin(&l, inv, columns);
	for (size_t i = 0; i < n; i++) {
		listing_cell(&l, descs[i]->name);
		listing_cell(&l, kinds[descs[i]->kind]);
		listing_cell(&l, descs[i]->unit);
		listing_cell(&l, descs[i]->label);
		listing_cell(&l, descs[i]->help);
	}
	free(descs);
	listing_end(&l);
	return EXIT_OK;
}

LIST_COMMAND(machines, "Machines to simulate (configs/machines)");
LIST_COMMAND(scenarios, "Scenarios that come with mmsim (configs/scenarios)");
LIST_COMMAND(metrics, "What a run measures");
