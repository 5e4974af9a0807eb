/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mmsim import: a recording of perf or ftrace to mmsim's compact one.
 */
#include <stddef.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/import_file.h"

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

static int run(const struct invocation *inv, struct err *err)
{
	const struct import_command *o = inv->options;
	struct trace_stats stats;

	if (!*o->output) {
		err_set(err, "import: where to? (-o FILE.mmt)");
		return EXIT_USAGE;
	}
	return import_file(inv->args[0], o->output, NULL, &stats, err) ? EXIT_OK : EXIT_USAGE;
}

static const struct command command = {
	.name = "import",
	.args = "FILE",
	.summary = "Turn a recording of perf or ftrace into a .mmt file",
	.details =
		"FILE is perf.data, the text of perf script, ftrace text or trace.dat, plain or\n"
		"compressed with zstd, gzip or xz; '-' is standard input. The output appears "
		"whole\n"
		"or not at all.",
	.min_args = 1,
	.max_args = 1,
	.options = options,
	.options_size = sizeof(struct import_command),
	.output_option = "output",
	.run = run,
};
COMMAND(command);
