/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mmsim compare: differences between stored runs with their confidence intervals.
 */
#include <stdio.h>

#include "analysis/compare.h"
#include "cli/command.h"
#include "cli/filter.h"

struct compare_command {
	struct filter_options filter;
	uint32_t by;
	char *baseline;
	char **metric, **stat;
	double confidence;
	bool json;
};

#define ROW(field) .name = #field, .offset = offsetof(struct compare_command, field)

static const struct param options[] = {
	{ ROW(by), .type = PARAM_ENUM, .def = "policy", .choices = run_dim_names,
	  .help = "what the compared runs differ in" },
	{ ROW(baseline), .type = PARAM_STRING, .def = "",
	  .help = "what to compare with; default linux-6.18, or else the first" },
	{ ROW(metric), .type = PARAM_LIST, .def = "",
	  .help = "patterns of metric names or NAME/LABEL ('op.latency/munmap'); default: "
		  "throughput, latencies, IPIs, flushes, locks" },
	{ ROW(stat), .type = PARAM_LIST, .def = "",
	  .help = "value, count, sum, mean, p50, p90, p99, p999, max; default: what fits the "
		  "metric" },
	{ ROW(confidence), .type = PARAM_DOUBLE, .def = "0.95", .min = 0.5, .max = 0.9999,
	  .help = "confidence of the intervals" },
	FILTER_ROWS(struct compare_command),
	{ ROW(json), .type = PARAM_BOOL, .def = "false", .help = "print JSON" },
	PARAM_END,
};

static int run(const struct invocation *inv, struct err *err)
{
	const struct compare_command *o = inv->options;
	const struct compare_options options_ = { .by = o->by,
						  .baseline = *o->baseline ? o->baseline : NULL,
						  .metrics = o->metric,
						  .stats = o->stat,
						  .confidence = o->confidence };
	const struct run_filter filter = run_filter_of(&o->filter);
	struct store *store = store_open(inv->args[0], STORE_READ, err);
	struct compare *c = store ? compare_runs(store, &filter, &options_, err) : NULL;
	struct json j;

	if (c && o->json) {
		json_init(&j, stdout);
		compare_json(c, &j);
	} else if (c) {
		compare_print(c, stdout);
	}
	compare_free(c);
	store_close(store);
	return c ? EXIT_OK : EXIT_USAGE;
}

static const struct command command = {
	.name = "compare",
	.args = "DATABASE",
	.summary = "Show differences between stored runs with confidence intervals",
	.details = "Runs that are equal in everything but --by and the seed are compared. Several "
		   "runs of\n"
		   "one configuration and seed count once, the last of them.",
	.min_args = 1,
	.max_args = 1,
	.options = options,
	.options_size = sizeof(struct compare_command),
	.run = run,
};
COMMAND(command);
