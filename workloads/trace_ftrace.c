/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a line of ftrace begins: "COMM-TID (TGID) [CPU] FLAGS SECONDS.FRACTION:", of which (TGID) and
 * FLAGS may be missing: the kernel's trace and trace_pipe files, and what trace-cmd report makes of
 * trace.dat. The name of a task may hold anything, so it is told by what is behind it.
 */
#include <ctype.h>
#include <string.h>

#include "workloads/trace_text.h"

enum { WIDEST = 16 }; /* columns, of what stands between a task's number and the time */

/* "(  1234)", or "(-------)" where the kernel had not saved it. */
static const char *parse_tgid(const char *p, const char *end, int32_t *tgid)
{
	const char *close = memchr(p, ')', (size_t)(end - p > WIDEST ? WIDEST : end - p));

	*tgid = -1;
	if (!close)
		return NULL;
	p = text_spaces(p + 1, close);
	if (p < close && *p == '-') {
		while (p < close && *p == '-')
			p++;
		return p == close ? close + 1 : NULL;
	}
	return text_task(p, close, tgid) == close ? close + 1 : NULL;
}

/* Interrupts, preemption and the like: one token of signs, letters and digits without a '.' that
 * would make it a time (the kernel prints '.' for "no", but never digits on both sides of it). */
static const char *skip_flags(const char *p, const char *end)
{
	const char *q = p;

	while (q < end && q - p < WIDEST && *q != ' ' && *q != ':')
		q++;
	return q < end && *q == ' ' ? text_spaces(q, end) : p;
}

static const char *parse_tail(const char *p, const char *end, struct trace_event *event)
{
	p = text_task(p, end, &event->tid);
	if (!p || p == end || *p != ' ')
		return NULL;
	p = text_spaces(p, end);
	event->pid = event->tid == 0 ? 0 : -1;
	if (p < end && *p == '(') {
		int32_t tgid;

		p = parse_tgid(p, end, &tgid);
		if (!p)
			return NULL;
		event->pid = tgid >= 0 ? tgid : event->pid;
		p = text_spaces(p, end);
	}
	if (p == end || *p != '[')
		return NULL;
	p = text_cpu(p, end, &event->cpu);
	if (!p)
		return NULL;
	p = skip_flags(text_spaces(p, end), end);
	return text_time(p, end, &event->time_ns);
}

const char *ftrace_head(const char *line, const char *end, struct trace_event *event,
			struct trace_head *head)
{
	const char *rest;

	head->comm = text_spaces(line, end);
	for (const char *p = head->comm; p + 1 < end; p++) {
		if (*p != '-' || !isdigit((unsigned char)p[1]))
			continue;
		rest = parse_tail(p + 1, end, event);
		if (!rest)
			continue;
		head->comm_end = p;
		if (p - head->comm == 5 && !memcmp(head->comm, "<...>", 5))
			head->comm_end = head->comm; /* the kernel had forgotten it */
		return rest;
	}
	return NULL;
}
