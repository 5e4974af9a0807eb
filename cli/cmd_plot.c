/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mmsim plot KIND: pictures of stored runs. One row of a table a kind.
 */
#include "analysis/plot.h"
#include "cli/command.h"
#include "cli/filter.h"

struct plot_command {
	struct filter_options filter;
	char *output, *title, *metric, *label, *stat;
};

#define ROW(field)                                                                                 \
	.name = #field, .offset = offsetof(struct plot_command, field), .type = PARAM_STRING,      \
	.def = ""

static const struct param options[] = {
	{ ROW(output), .help = "file to draw: .png, .svg or .pdf; default: text on the terminal" },
	{ ROW(title), .help = "title; default: what the runs have in common" },
	{ ROW(metric), .help = "metric to draw, in place of the kind's usual one" },
	{ ROW(label),
	  .help = "cdf: the operation, default that with the most time in it; scaling: the "
		  "metric's label" },
	{ ROW(stat), .help = "scaling, hold: value, mean, p50, p90, p99, ..." },
	FILTER_ROWS(struct plot_command),
	PARAM_END,
};

static const char *unless_empty(const char *text)
{
	return *text ? text : NULL;
}

static int draw(const struct invocation *inv, plot_fn *fn, struct err *err)
{
	const struct plot_command *o = inv->options;
	const struct plot_options plot = { .filter = run_filter_of(&o->filter),
					   .output = unless_empty(o->output),
					   .title = unless_empty(o->title),
					   .metric = unless_empty(o->metric),
					   .label = unless_empty(o->label),
					   .stat = unless_empty(o->stat) };
	struct store *store = store_open(inv->args[0], STORE_READ, err);
	bool ok = store && fn(store, &plot, err);

	store_close(store);
	return ok ? EXIT_OK : EXIT_RUN;
}

#define PLOT(kind, summary_)                                                                       \
	static int run_##kind(const struct invocation *inv, struct err *err)                       \
	{                                                                                          \
		return draw(inv, plot_##kind, err);                                                \
	}                                                                                          \
	static const struct command command_##kind = {                                             \
		.name = "plot " #kind,                                                             \
		.args = "DATABASE",                                                                \
		.summary = summary_,                                                               \
		.min_args = 1,                                                                     \
		.max_args = 1,                                                                     \
		.options = options,                                                                \
		.options_size = sizeof(struct plot_command),                                       \
		.output_option = "output",                                                         \
		.run = run_##kind,                                                                 \
	};                                                                                         \
	COMMAND(command_##kind)

PLOT(cdf, "Draw the distribution of an operation's latency by policy");
PLOT(scaling, "Draw throughput over threads by policy");
PLOT(timeline, "Draw a level over simulated time (memory that waits for RCU) by policy");
PLOT(hold, "Draw lock hold and wait times by lock class and policy");
PLOT(bars, "Draw a counter's reasons (TLB flushes) by policy");
