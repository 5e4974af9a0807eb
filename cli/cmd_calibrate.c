/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mmsim calibrate: measures this computer, prints the figures, writes a machine file, or compares
 * with one written earlier. Measuring and deriving are in analysis/calibrate.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/calibrate/calibrate.h"
#include "analysis/json.h"
#include "analysis/table.h"
#include "cli/command.h"
#include "sim/base/text.h"

struct calibrate_command {
	char *output, *base, *check;
	double time;
	bool json;
};

#define O(field) offsetof(struct calibrate_command, field)

static const struct param options[] = {
	{ .name = "output",
	  .type = PARAM_STRING,
	  .def = "",
	  .offset = O(output),
	  .help = "write the machine to this file" },
	{ .name = "base",
	  .type = PARAM_STRING,
	  .def = "",
	  .offset = O(base),
	  .help = "machine that gives what cannot be measured; default: by vendor and guest" },
	{ .name = "time",
	  .type = PARAM_DOUBLE,
	  .def = "75",
	  .offset = O(time),
	  .min = 1,
	  .max = 3600,
	  .help = "seconds of measuring" },
	{ .name = "check",
	  .type = PARAM_STRING,
	  .def = "",
	  .offset = O(check),
	  .help = "measure again and compare with this file; exit status 1 if a figure has moved" },
	{ .name = "json",
	  .type = PARAM_BOOL,
	  .def = "false",
	  .offset = O(json),
	  .help = "print JSON" },
	PARAM_END,
};

enum { BAR = 40 };

/* One line that is drawn over and over. */
static void draw_bar(void *arg, double share, const char *what)
{
	int filled = (int)(BAR * (share < 0 ? 0 : share > 1 ? 1 : share));

	(void)arg;
	if (share >= 1)
		fprintf(stderr, "\r\033[K");
	else
		fprintf(stderr, "\r[%.*s%*s] %3.0f%%  %s\033[K", filled,
			"########################################", BAR - filled, "", 100 * share,
			what);
	fflush(stderr);
}

/* ---- figures ---- */

static double percent(double part, double whole)
{
	return 100 * part / fmax(fabs(whole), 1e-9);
}

static void print_figures(const struct calibration *c)
{
	static const char *const columns[] = { "figure", "unit",    "min",       "median",
					       "spread", "repeats", "discarded", "outliers" };
	struct table *t = table_new();

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		table_column(t, columns[i], i < 2 ? TABLE_LEFT : TABLE_RIGHT);
	for (size_t i = 0; i < c->figures.n; i++) {
		const struct figure *fig = c->figures.v[i];
		struct summary s;

		if (!fig->round.n || fig->detail)
			continue;
		s = figure_summary(fig);
		table_cell(t, "%s", fig->name);
		table_cell(t, "%s", fig->unit);
		table_cell(t, "%.4g", s.min);
		table_cell(t, "%.4g", s.median);
		table_cell(t, "%.1f%%", percent(s.spread, s.median));
		table_cell(t, "%zu", s.repeats);
		table_cell(t, "%zu", s.discarded);
		table_cell(t, "%zu", s.outliers);
	}
	table_print(t, stdout, 0);
	table_free(t);
}

static void print_checks(const struct calibration *c)
{
	struct table *t = table_new();

	printf("\nWhat the models make of it (kernel.scale %s; steps within a factor of %.2f)\n",
	       constant_find(c, "kernel.scale")->text, exp(c->misfit));
	table_column(t, "step", TABLE_LEFT);
	table_column(t, "measured ns", TABLE_RIGHT);
	table_column(t, "model ns", TABLE_RIGHT);
	table_column(t, "model", TABLE_RIGHT);
	for (size_t i = 0; i < c->n_checks; i++) {
		const struct model_check *k = &c->check[i];

		table_cell(t, "%s", k->name);
		table_cell(t, "%.0f", k->measured_ns);
		table_cell(t, "%.0f", k->model_ns);
		table_cell(t, "%+.0f%%", percent(k->model_ns - k->measured_ns, k->measured_ns));
	}
	table_print(t, stdout, 2);
	table_free(t);
}

static void json_summary(struct json *j, const struct summary *s)
{
	json_double(j, "min", s->min);
	json_double(j, "median", s->median);
	json_double(j, "spread", s->spread);
	json_u64(j, "rounds", s->rounds);
	json_u64(j, "repeats", s->repeats);
	json_u64(j, "discarded", s->discarded);
	json_u64(j, "outliers", s->outliers);
}

static void json_constants(struct json *j, const struct calibration *c)
{
	json_array(j, "constants");
	for (size_t i = 0; i < c->n_constants; i++) {
		const struct constant *k = &c->constant[i];

		json_object(j, NULL);
		json_string(j, "key", k->key);
		json_string(j, "value", k->text);
		json_string(j, "source", k->source == CONSTANT_READ ? "read" : "measured");
		json_string(j, "how", k->note);
		json_end_object(j);
	}
	json_end_array(j);
}

static void json_calibration(const struct calibration *c)
{
	struct json j;

	json_init(&j, stdout);
	json_object(&j, NULL);
	json_string(&j, "date", c->date);
	json_string(&j, "base", c->base);
	json_string(&j, "cpu", c->topo.model);
	json_bool(&j, "guest", c->topo.guest);
	json_u64(&j, "cpus", c->topo.n);
	json_array(&j, "figures");
	for (size_t i = 0; i < c->figures.n; i++) {
		const struct figure *fig = c->figures.v[i];
		struct summary s;

		if (!fig->round.n)
			continue;
		s = figure_summary(fig);
		json_object(&j, NULL);
		json_string(&j, "name", fig->name);
		json_string(&j, "unit", fig->unit);
		json_bool(&j, "detail", fig->detail);
		json_summary(&j, &s);
		json_end_object(&j);
	}
	json_end_array(&j);
	json_constants(&j, c);
	json_array(&j, "model_checks");
	for (size_t i = 0; i < c->n_checks; i++) {
		json_object(&j, NULL);
		json_string(&j, "step", c->check[i].name);
		json_double(&j, "measured_ns", c->check[i].measured_ns);
		json_double(&j, "model_ns", c->check[i].model_ns);
		json_end_object(&j);
	}
	json_end_array(&j);
	json_string(&j, "not_measured", c->skipped);
	json_end_object(&j);
}

/* ---- --check ---- */

static void check_columns(struct table *t)
{
	static const char *const columns[] = { "figure", "unit",   "then",   "spread",
					       "now",    "spread", "change", "verdict" };

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		table_column(t, columns[i], i < 2 || i == 7 ? TABLE_LEFT : TABLE_RIGHT);
}

static void check_cells(struct table *t, const char *name, const char *unit,
			const struct summary *then, const struct summary *now, const char *verdict)
{
	table_cell(t, "%s", name);
	table_cell(t, "%s", unit);
	table_cell(t, "%.4g", then->median);
	table_cell(t, "%.1f%%", percent(then->spread, then->median));
	if (!now) {
		for (int i = 0; i < 3; i++)
			table_cell(t, "-");
	} else {
		table_cell(t, "%.4g", now->median);
		table_cell(t, "%.1f%%", percent(now->spread, now->median));
		table_cell(t, "%+.1f%%", percent(now->median - then->median, then->median));
	}
	table_cell(t, "%s", verdict);
}

static void json_check(struct json *j, const char *name, const struct summary *then,
		       const struct summary *now, const char *verdict)
{
	json_object(j, NULL);
	json_string(j, "name", name);
	json_double(j, "then", then->median);
	json_double(j, "then_spread", then->spread);
	if (now) {
		json_double(j, "now", now->median);
		json_double(j, "now_spread", now->spread);
	} else {
		json_null(j, "now");
		json_null(j, "now_spread");
	}
	json_string(j, "verdict", verdict);
	json_end_object(j);
}

/* What could be measured then and cannot be now has moved, too. */
static int compare(const struct earlier *e, const struct calibration *c, bool json)
{
	struct table *t = table_new();
	size_t moved = 0;
	struct json j;

	check_columns(t);
	if (json) {
		json_init(&j, stdout);
		json_array(&j, NULL);
	}
	for (size_t i = 0; i < e->n; i++) {
		const struct figure *fig = figure_find(&c->figures, e->v[i].name);
		struct summary now = { 0 };
		bool agree = false;
		const char *verdict;

		if (fig) {
			now = figure_summary(fig);
			agree = summaries_agree(&e->v[i].s, &now);
		}
		verdict = agree ? "within spread" : fig ? "moved" : "not measured now";
		moved += !agree;
		if (json)
			json_check(&j, e->v[i].name, &e->v[i].s, fig ? &now : NULL, verdict);
		else
			check_cells(t, e->v[i].name, e->v[i].unit, &e->v[i].s, fig ? &now : NULL,
				    verdict);
	}
	if (json)
		json_end_array(&j);
	else
		table_print(t, stdout, 0);
	table_free(t);
	if (!json)
		printf("\n%zu of %zu figures have moved since %s\n", moved, e->n, e->date);
	return moved ? EXIT_RUN : EXIT_OK;
}

/* ---- the command ---- */

/* A place that cannot be written is told before a minute of measuring. */
static bool check_output(const char *path, struct err *err)
{
	char folder[4096];
	const char *slash = strrchr(path, '/');

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		 slash ? path : ".");
	return access(folder, W_OK) == 0 ||
	       err_set(err, "%s: its folder does not exist or cannot be written", path);
}

static int measured(const struct calibrate_command *o, const struct earlier *e,
		    const struct calibration *c, struct err *err)
{
	if (*o->check)
		return compare(e, c, o->json);
	if (o->json) {
		json_calibration(c);
	} else {
		print_figures(c);
		print_checks(c);
		if (*c->skipped)
			printf("\nNot measured:\n%s", c->skipped);
	}
	if (!*o->output)
		return EXIT_OK;
	if (!machine_file_save(c, o->output, err))
		return EXIT_RUN;
	if (!o->json)
		printf("\nWrote %s; what was not measured is from %s\n", o->output, c->base);
	return EXIT_OK;
}

static int run_calibrate(const struct invocation *inv, struct err *err)
{
	const struct calibrate_command *o = inv->options;
	struct calibrate_options opt = { .base = *o->base ? o->base : NULL,
					 .seconds = o->time,
					 .progress = isatty(STDERR_FILENO) ? draw_bar : NULL };
	struct machine_desc desc = { 0 };
	struct calibration c = { 0 };
	struct earlier e = { 0 };
	int code = EXIT_RUN;

	if (*o->check && *o->output) {
		err_set(err, "--check writes nothing: leave out --output");
		return EXIT_USAGE;
	}
	if ((*o->output && !check_output(o->output, err)) ||
	    (*o->check && !earlier_load(o->check, &e, err)) ||
	    (*o->base && !machine_load(o->base, &desc, NULL, err))) {
		earlier_free(&e);
		return EXIT_USAGE;
	}
	machine_desc_free(&desc);
	/* The scale is fitted from the same base as then, or it could not be compared. */
	if (*o->check && !*o->base && *e.base)
		opt.base = e.base;
	if (calibrate_run(&opt, &c, err))
		code = measured(o, &e, &c, err);
	calibration_free(&c);
	earlier_free(&e);
	return code;
}

static const struct command calibrate_command = {
	.name = "calibrate",
	.args = "",
	.summary = "Measure this computer and write it as a machine",
	.details = "Figures are minimum over all repeats, median and interquartile range over "
		   "rounds spread over\nthe time. docs/calibrate.md says what is measured and how "
		   "the machine's constants follow.",
	.options = options,
	.options_size = sizeof(struct calibrate_command),
	.output_option = "output",
	.run = run_calibrate,
};
COMMAND(calibrate_command);
