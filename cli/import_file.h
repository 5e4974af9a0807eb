/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From any recording to a .mmt file, with a progress bar on a terminal and one line about what was
 * in it: what `mmsim import` does, and `mmsim record` after it has recorded.
 */
#ifndef CLI_IMPORT_FILE_H
#define CLI_IMPORT_FILE_H

#include <signal.h>

#include "workloads/trace.h"

/* *stop (may be NULL) other than 0 ends it early. Prints to standard output if it succeeds. */
bool import_file(const char *in, const char *out, const volatile sig_atomic_t *stop,
		 struct trace_stats *stats, struct err *err);

#endif
