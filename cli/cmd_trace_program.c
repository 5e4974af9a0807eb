/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mmsim trace program: what a replay makes each task do, as it was read from the recording. For
 * whoever asks why a replay does what it does.
 */
#include <stdio.h>

#include "cli/command.h"
#include "workloads/program.h"

static int run_program(const struct invocation *inv, struct err *err)
{
	struct program *p = program_load(inv->args[0], err);

	if (!p)
		return EXIT_USAGE;
	program_dump(stdout, p);
	program_free(p);
	return EXIT_OK;
}

static const struct command program_command = {
	.name = "trace program",
	.args = "FILE",
	.summary = "Print what a replay would do, task by task",
	.details = "Each operation stands behind the task's own work before it.",
	.min_args = 1,
	.max_args = 1,
	.run = run_program,
};
COMMAND(program_command);
