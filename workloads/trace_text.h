/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recordings as text: what the two ways to print them (perf script, ftrace) have in common. Lines
 * and what is not an event are trace_text.c's, the part of a line before the event's name is
 * trace_perf.c's or trace_ftrace.c's, names and arguments are trace_fields.c's.
 */
#ifndef WORKLOADS_TRACE_TEXT_H
#define WORKLOADS_TRACE_TEXT_H

#include "workloads/trace_fields.h"
#include "workloads/trace_reader.h"

struct trace_head { /* of a line: who */
	const char *comm, *comm_end;
};

/*
 * How a line of one kind begins: fills in pid, tid, cpu and time_ns, and *head; returns what
 * follows the time and its colon, NULL if the line does not begin so.
 */
typedef const char *text_head_fn(const char *line, const char *end, struct trace_event *event,
				 struct trace_head *head);
text_head_fn perf_head, ftrace_head;

/*
 * Calls by number (raw_syscalls). raw_call turns one into what the call's own tracepoint would have
 * shown; false: none of the calls that we read. raw_fault learns from a page fault.
 */
struct raw_calls;
struct raw_calls *raw_new(void);
void raw_free(struct raw_calls *r);
bool raw_call(struct raw_calls *r, uint64_t nr, struct trace_event *e);
void raw_fault(struct raw_calls *r, const struct trace_event *e);

/* For formats that others turn into text. */
int trace_text_next(struct trace_reader *reader, struct trace_event *event, struct err *err);
void trace_text_close(void *state);

static inline const char *text_spaces(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/* A task's number (perf prints -1 where it knows none); returns what follows it, or NULL. */
const char *text_task(const char *p, const char *end, int32_t *value);
/* "[CPU]", 0 to TRACE_CPUS_MAX - 1. */
const char *text_cpu(const char *p, const char *end, uint16_t *cpu);
/* "SECONDS.FRACTION:"; the fraction has 1 to 9 digits. */
const char *text_time(const char *p, const char *end, uint64_t *ns);

#endif
