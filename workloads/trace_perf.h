/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The arguments of perf's text lines: one table from tracepoint name to event type and fields. The
 * prefix of a line (task, CPU, time) and the stream of lines are trace_perf.c's.
 */
#ifndef WORKLOADS_TRACE_PERF_H
#define WORKLOADS_TRACE_PERF_H

#include "workloads/trace_reader.h"

struct perf_event_row;

/* Open addressing over the rows, filled by perf_events_init. */
struct perf_events {
	uint8_t slot[128]; /* row + 1 */
};

void perf_events_init(struct perf_events *events);
/* NULL: not an event that mmsim reads. */
const struct perf_event_row *perf_events_find(const struct perf_events *events, const char *name,
					      size_t n);
/*
 * Fills type, nr, arg, text and text2 from [p, end). On a bad line returns false, with *expected a
 * static text or format-free name of what should have been at *at.
 */
bool perf_parse_args(const struct perf_event_row *row, const char *p, const char *end,
		     struct strtab *names, struct trace_event *event, const char **expected,
		     const char **at);
/* A number: decimal with sign, or 0x hexadecimal; returns what follows it, NULL if there is none.
 */
const char *perf_number(const char *p, const char *end, uint64_t *value);
/* The last place of needle in [p, end), or NULL. */
const char *perf_find_last(const char *p, const char *end, const char *needle);

#endif
