/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mmsim validate: runs what the published tables measured and shows both side by side.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/json.h"
#include "cli/command.h"
#include "cli/validate_recording.h"
#include "cli/validate_tables.h"
#include "cli/workers.h"

struct validate_options {
	bool json, markdown;
	char *plot, *recording, *machine, *policy;
	uint32_t seeds, jobs;
};

enum { RECORDING_SEEDS = 12 }; /* who gets a lock first decides a tenth of some counts */

#define ROW(field) .name = #field, .offset = offsetof(struct validate_options, field)

static const struct param options[] = {
	{ ROW(json), .type = PARAM_BOOL, .def = "false", .help = "print JSON" },
	{ ROW(markdown), .type = PARAM_BOOL, .def = "false",
	  .help = "print Markdown, as docs/validation.md has it" },
	{ ROW(plot), .type = PARAM_STRING, .def = "",
	  .help = "folder for a picture of each table, TABLE.svg" },
	{ ROW(recording), .type = PARAM_STRING, .def = "",
	  .help = "replay this recording instead, and show what was recorded beside it" },
	{ ROW(machine), .type = PARAM_STRING, .def = "zen5-vm2",
	  .help = "the machine that it is replayed on" },
	{ ROW(policy), .type = PARAM_STRING, .def = "linux-6.18", .help = "its kernel" },
	{ ROW(seeds), .type = PARAM_U32, .def = "0", .max = 100,
	  .help = "runs averaged for each point; 0 = as configs/validation/tables.yaml says, 12 "
		  "for a recording" },
	{ ROW(jobs), .type = PARAM_U32, .def = "0", .max = 256,
	  .help = "runs at once; 0 = one for each CPU of this computer" },
	PARAM_END,
};

static bool add(void *arg, const struct planned_run *run, struct outcome *o, struct err *err)
{
	bool ok = validation_plan_add(arg, run, o, err);

	outcome_free(o);
	return ok;
}

/* Series of one table lie together: calls fn for each table. */
static bool each_table(const struct validation_plan *v,
		       bool (*fn)(const struct validation_plan *v, size_t first, size_t n,
				  const struct validate_options *o, struct err *err),
		       const struct validate_options *o, struct err *err)
{
	size_t n;

	for (size_t i = 0; i < v->n_series; i += n) {
		n = 1;
		while (i + n < v->n_series && !strcmp(v->series[i].table, v->series[i + n].table))
			n++;
		if (!fn(v, i, n, o, err))
			return false;
	}
	return true;
}

static bool is_off(const struct validation_plan *v, size_t series)
{
	const struct validation_series *s = &v->series[series];

	return validation_mean_error(s) > v->spec[series].limit_mean ||
	       validation_max_error(s) > v->spec[series].limit_worst;
}

static void print_off(const struct validation_plan *v, size_t first, size_t n, const char *prefix)
{
	for (size_t i = first; i < first + n; i++)
		if (is_off(v, i))
			printf("%sOFF: %s (limits %g%% mean, %g%% worst). %s\n", prefix,
			       v->series[i].name, 100 * v->spec[i].limit_mean,
			       100 * v->spec[i].limit_worst,
			       *v->spec[i].reason ? v->spec[i].reason : "The reason is not known.");
}

static bool print_table(const struct validation_plan *v, size_t first, size_t n,
			const struct validate_options *o, struct err *err)
{
	const char *table = v->series[first].table;

	(void)err;
	if (!o->markdown) {
		printf("%s on %s\n%s\n\n", table, v->spec[first].machine,
		       validation_plan_source(v, table));
		validation_print(&v->series[first], n, stdout);
		print_off(v, first, n, "  ");
		putchar('\n');
		return true;
	}
	printf("### %s\n\n%s. Machine: `%s`.\n\n", table, validation_plan_source(v, table),
	       v->spec[first].machine);
	validation_markdown(&v->series[first], n, stdout);
	putchar('\n');
	print_off(v, first, n, "");
	if (*o->plot)
		printf("\n![%s](images/validate-%s.svg)\n", table, table);
	putchar('\n');
	return true;
}

static bool plot_table(const struct validation_plan *v, size_t first, size_t n,
		       const struct validate_options *o, struct err *err)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/validate-%s.svg", o->plot, v->series[first].table);
	return validation_plot(&v->series[first], n, path, err);
}

static void print_other(void *arg, const char *table, const char *why)
{
	const struct validate_options *o = arg;

	if (o->markdown)
		printf("- `%s`: %s\n", table, why);
	else
		printf("  %s: %s\n", table, why);
}

static void print_json(const struct validation_plan *v)
{
	struct json j;

	json_init(&j, stdout);
	json_array(&j, NULL);
	for (size_t i = 0; i < v->n_series; i++)
		validation_json(&v->series[i], &j);
	json_end_array(&j);
}

static bool show(const struct validation_plan *v, const struct validate_options *o, bool all,
		 struct err *err)
{
	if (*o->plot) {
		if (mkdir(o->plot, 0777) && errno != EEXIST)
			return err_set(err, "%s: %s", o->plot, strerror(errno));
		if (!each_table(v, plot_table, o, err))
			return false;
	}
	if (o->json) {
		print_json(v);
		return true;
	}
	each_table(v, print_table, o, err);
	if (all) {
		puts(o->markdown ? "### Tables that are no predictions\n"
				 : "Tables that are no predictions");
		validation_plan_others(v, print_other, (void *)(uintptr_t)o);
	}
	return true;
}

static int run_recording(const struct invocation *inv, struct err *err)
{
	const struct validate_options *o = inv->options;
	struct recording_options r = {
		.file = o->recording,
		.machine = o->machine,
		.policy = o->policy,
		.plot = o->plot,
		.seeds = o->seeds ? o->seeds : RECORDING_SEEDS,
		.jobs = o->jobs,
		.json = o->json,
	};

	if (!inv->n_args && !o->markdown)
		return validate_recording(&r, err);
	err_set(err, "--recording goes with neither tables nor --markdown");
	return EXIT_USAGE;
}

static int run(const struct invocation *inv, struct err *err)
{
	const struct validate_options *o = inv->options;
	struct validation_plan v;
	struct workers_options w = {
		.jobs = o->jobs, .done = add, .arg = &v, .progress = isatty(STDERR_FILENO)
	};
	int code = EXIT_USAGE;

	if (*o->recording)
		return run_recording(inv, err);
	if (invocation_given(inv, "machine") || invocation_given(inv, "policy")) {
		err_set(err,
			"--machine and --policy go with --recording: each table names its own");
		return EXIT_USAGE;
	}
	if (validation_plan_load(&v, inv->args, o->seeds, err))
		code = workers_run(&v.plan, &w, err);
	if (code == EXIT_OK) {
		validation_plan_finish(&v);
		code = show(&v, o, !inv->n_args, err) ? EXIT_OK : EXIT_RUN;
	}
	validation_plan_free(&v);
	return code;
}

static const struct command command = {
	.name = "validate",
	.args = "[TABLE...]",
	.summary = "Simulate what others have measured, and show both",
	.details = "TABLE is a key of configs/validation/tables.yaml; without one, all are run. "
		   "That file\n"
		   "says how a table becomes runs; published.yaml beside it has the measured "
		   "figures.\n"
		   "A point to which a constant was fitted is marked: it is no evidence. A series "
		   "beyond\n"
		   "its limits is called off, with the suspected reason.\n"
		   "With --recording, calls, locks, IPIs and flushes of a replay are compared with "
		   "what\n"
		   "the recorder saw of the real kernel.",
	.max_args = 64,
	.options = options,
	.options_size = sizeof(struct validate_options),
	.output_option = "plot",
	.run = run,
};
COMMAND(command);
