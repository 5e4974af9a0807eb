/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recordings that only others can read: a process (perf script, or a child of our own around
 * libtracecmd) turns them into text, which comes through a pipe. A reader that crashes on a damaged
 * file takes nobody with it.
 */
#ifndef WORKLOADS_TRACE_CHILD_H
#define WORKLOADS_TRACE_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "sim/base/err.h"

struct trace_child {
	pid_t pid;        /* 0 = none */
	int errors;       /* what it says on standard error, as a file without a name */
	const char *what; /* for messages: "perf script" */
};

/* What runs in the child: reads the file `in` (at its start) and writes text to `out`. */
typedef int trace_child_fn(int in, int out);

/* Runs argv (from PATH, `in` as standard input), or fn if argv is NULL. *out: the end to read. */
bool trace_child_start(struct trace_child *child, const char *what, char *const *argv,
		       trace_child_fn *fn, int in, int *out, struct err *err);
/* Waits for it; false, with what it said last, if it failed. */
bool trace_child_end(struct trace_child *child, const char *file, struct err *err);
/* Nobody wants the rest. */
void trace_child_stop(struct trace_child *child);

#endif
