/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between program_build.c (threads, sleeps, own work) and program_calls.c (calls, faults, locks):
 * the steps in which a thread's list of operations grows.
 */
#ifndef WORKLOADS_PROGRAM_EVENTS_H
#define WORKLOADS_PROGRAM_EVENTS_H

#include "workloads/program_build.h"

int32_t builder_new_task(struct builder *b, int32_t tid, uint64_t now);
int32_t builder_find(const struct builder *b, int32_t tid); /* NO_TASK: not seen */
int32_t builder_new_proc(struct builder *b, int32_t pid);

/* Adds an operation; the note says what was before it. */
void task_append(struct build_task *t, const struct program_op *op, const struct build_note *note);
/* A new stretch of own work begins; `events` of the recorder are in it already. */
void task_mark(struct build_task *t, uint64_t now, uint32_t events);
/* The stretch ends here with an operation. */
struct build_note task_note(struct build_task *t, uint64_t now);

/* Calls, faults and forks. False: not such an event. */
bool calls_event(struct builder *b, int32_t self, const struct trace_event *e);
/* Forgets what the thread was in the middle of, after a loss of events. */
void calls_lost(struct builder *b, struct build_task *t);
/* Threads without a process number share a process if they lock the same mm. */
void builder_learn_mm(struct builder *b, struct build_task *t, const struct trace_event *e);
/* Follows mmap_lock: who waits for it, and what an event costs. */
void calls_lock(struct builder *b, struct build_task *t, const struct trace_event *e);
/* The first event of a thread whose creation was seen: now its process is known. */
void calls_child_starts(struct builder *b, struct build_task *t);

#endif
