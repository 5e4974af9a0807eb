/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a line of perf script begins: "COMM PID/TID [CPU] SECONDS.FRACTION:", of which COMM, PID/ and
 * [CPU] may be missing. A task's name may hold anything, so it is told by what is behind it.
 */
#include <ctype.h>

#include "workloads/trace_text.h"

enum { PERF_COMM_COLUMNS = 16 }; /* perf right-aligns names in so many */

/* "PID/TID [CPU] FLAGS TIME:" or with TID alone, or without [CPU] or FLAGS. */
static const char *parse_tail(const char *p, const char *end, struct trace_event *event)
{
	int32_t pid = -1, tid;

	p = text_task(p, end, &tid);
	if (p && p < end && *p == '/') {
		pid = tid;
		p = text_task(p + 1, end, &tid);
	}
	if (!p || p == end || *p != ' ')
		return NULL;
	p = text_spaces(p, end);
	event->cpu = TRACE_CPU_UNKNOWN;
	if (p < end && *p == '[') {
		p = text_cpu(p, end, &event->cpu);
		if (!p)
			return NULL;
		p = text_spaces(p, end);
		while (p < end && isupper((unsigned char)*p)) /* -F misc: "K", "U", "GK" */
			p++;
		p = text_spaces(p, end);
	}
	p = text_time(p, end, &event->time_ns);
	event->pid = pid;
	event->tid = tid;
	return p;
}

/* The tail is where perf puts it, or at the first number behind a space that starts one. */
const char *perf_head(const char *line, const char *end, struct trace_event *event,
		      struct trace_head *head)
{
	const char *p = line + PERF_COMM_COLUMNS, *rest;

	head->comm = line;
	if (end - line > PERF_COMM_COLUMNS && *p == ' ') {
		head->comm_end = p;
		rest = parse_tail(text_spaces(p, end), end, event);
		if (rest)
			return rest;
	}
	for (p = line; p < end; p++) {
		if ((p > line && p[-1] != ' ') || (*p != '-' && !isdigit((unsigned char)*p)))
			continue;
		head->comm_end = p;
		rest = parse_tail(p, end, event);
		if (rest)
			return rest;
	}
	return NULL;
}
