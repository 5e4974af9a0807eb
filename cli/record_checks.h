/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What recording needs of this computer, looked at before anything is recorded: perf, the right to
 * use it, tracefs, and the kernel's tracepoints. Each thing that is missing is one line that says
 * what to do.
 */
#ifndef CLI_RECORD_CHECKS_H
#define CLI_RECORD_CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct record_events { /* "SYSTEM:EVENT", those that this kernel has */
	const char **name;
	size_t n;
};

/*
 * Writes a line for each thing that is missing ("missing: ...") or that the recording will lack
 * ("note: ..."); returns how many are missing. tracefs: where it is mounted, "" = the usual places.
 */
int record_check(const char *command, const char *tracefs, struct record_events *events, FILE *out);
/* For each CPU, in KiB, a power of two. */
unsigned long record_buffer_kb(void);

#endif
