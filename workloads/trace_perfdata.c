/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf.data, by `perf script`: the format changes with perf's version, and perf reads them all. The
 * text that comes out is trace_text.c's.
 */
#include <string.h>

#include "workloads/trace_child.h"
#include "workloads/trace_text.h"

static bool perfdata_detect(const unsigned char *head, size_t n)
{
	return n >= 8 && !memcmp(head, "PERFILE2", 8);
}

/* --force: the file may be somebody else's; whoever names it means it. */
static void *perfdata_open(struct trace_reader *reader, struct err *err)
{
	static const char *const argv[] = { "perf",
					    "script",
					    "--force",
					    "-i",
					    "/dev/stdin",
					    "--ns",
					    "--show-lost-events",
					    "-F",
					    "comm,pid,tid,cpu,time,event,trace",
					    NULL };

	if (!input_through(&reader->in, "perf script", (char *const *)argv, NULL, err))
		return NULL;
	return trace_format_text.open(reader, err);
}

const struct trace_format trace_format_perfdata = {
	.name = "perf.data",
	.detect = perfdata_detect,
	.open = perfdata_open,
	.next = trace_text_next,
	.close = trace_text_close,
};
