/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mmsim import: a recording in text form to mmsim's compact one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "workloads/trace.h"

struct import_command {
	char *output;
};

static const struct param options[] = {
	{ .name = "output",
	  .type = PARAM_STRING,
	  .def = "",
	  .offset = offsetof(struct import_command, output),
	  .help = "the .mmt file to write" },
	PARAM_END,
};

static bool show(void *arg, double part, uint64_t events)
{
	(void)arg;
	if (part >= 0)
		fprintf(stderr, "\r\033[K%3.0f%%, %" PRIu64 " events", 100 * part, events);
	else
		fprintf(stderr, "\r\033[K%" PRIu64 " events", events);
	return true;
}

static int run(const struct invocation *inv, struct err *err)
{
	const struct import_command *o = inv->options;
	bool terminal = isatty(STDERR_FILENO), ok;
	struct trace_stats stats;

	if (!*o->output) {
		err_set(err, "import: where to? (-o FILE.mmt)");
		return EXIT_USAGE;
	}
	ok = trace_import(inv->args[0], o->output, terminal ? show : NULL, NULL, &stats, err);
	if (terminal)
		fputs("\r\033[K", stderr);
	if (!ok)
		return EXIT_USAGE;
	printf("%s: %" PRIu64 " events of %" PRIu64 " lines", o->output, stats.events, stats.lines);
	if (stats.ignored)
		printf(", %" PRIu64 " of no use here", stats.ignored);
	if (stats.lost)
		printf(", %" PRIu64 " lost by the recorder", stats.lost);
	if (stats.clock_steps)
		printf(", %" PRIu64 " steps back of the clock", stats.clock_steps);
	putchar('\n');
	return EXIT_OK;
}

static const struct command command = {
	.name = "import",
	.args = "FILE",
	.summary = "Turn a recording (text of perf or ftrace) into a .mmt file",
	.details = "FILE is '-' for standard input. The output appears whole or not at all.",
	.min_args = 1,
	.max_args = 1,
	.options = options,
	.options_size = sizeof(struct import_command),
	.output_option = "output",
	.run = run,
};
COMMAND(command);
