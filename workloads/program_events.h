/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between program_build.c (threads, own work), program_switches.c (sleeps, wake-ups, CPUs) and
 * program_calls.c (calls, faults, locks): the steps in which a thread's list of operations grows.
 */
#ifndef WORKLOADS_PROGRAM_EVENTS_H
#define WORKLOADS_PROGRAM_EVENTS_H

#include "workloads/program_build.h"

int32_t builder_new_task(struct builder *b, int32_t tid, uint64_t now);
int32_t builder_find(const struct builder *b, int32_t tid); /* NO_TASK: not seen */
/* The same for an event that happens now: a number whose task has gone may be another's. */
int32_t builder_now(struct builder *b, int32_t tid);
/* A thread that is not its process's leader goes into execve. */
void builder_may_inherit(struct builder *b, int32_t task);
/* Something may be open in it that a loss of events ends. */
void builder_touch(struct builder *b, int32_t task);
int32_t builder_new_proc(struct builder *b, int32_t pid);

/* Adds an operation; the note says what was before it. */
void task_append(struct build_task *t, const struct program_op *op, const struct build_note *note);
/* A new stretch of own work begins; `events` of the recorder are in it already. */
void task_mark(struct build_task *t, uint64_t now, uint32_t events);
/* The stretch ends here with an operation. */
struct build_note task_note(struct build_task *t, uint64_t now);
/* The same with a sleep or a wake-up, whose end says nothing about how long a fault takes. */
struct build_note task_cut(struct build_task *t, uint64_t now);

/* The first event of its own since it was off the CPU. */
void switches_settle(struct builder *b, struct build_task *t, const struct trace_event *e);
void switches_event(struct builder *b, const struct trace_event *e);
/* A wake-up, seen in self's context. True if it became an operation of its. */
bool switches_waking(struct builder *b, const struct trace_event *e, int32_t self);
/* One of the wake-ups that t's time so far ended with was of `woken` (NO_TASK: of whomever), who
 * goes before somebody. */
void switches_preempt(struct build_task *t, int32_t woken, uint64_t now);
/* The load of an mm for who comes next on that CPU, which t has left or leaves unseen. */
void switches_load_mm(struct builder *b, struct build_task *t, const struct trace_event *e);
int16_t event_cpu(const struct trace_event *e); /* NO_CPU: not told */

/* Calls, faults and forks. False: not such an event. */
bool calls_event(struct builder *b, int32_t self, const struct trace_event *e);
/* Faults of the kernel in a process's memory. False: not such an event. */
bool copies_event(struct builder *b, struct build_task *t, const struct trace_event *e);
/* Forgets what the thread was in the middle of, after a loss of events. */
void calls_lost(struct builder *b, struct build_task *t);
/* Threads without a process number share a process if they lock the same mm. */
void builder_learn_mm(struct builder *b, struct build_task *t, const struct trace_event *e);
/* Follows mmap_lock: who waits for it, and what an event costs. */
void calls_lock(struct builder *b, struct build_task *t, const struct trace_event *e);
/* Notes who had the range of a new mapping before (program_order.c). */
void order_of_call(struct builder *b, struct build_task *t, struct program_op *op);
/* A munmap, which lets go of its range before it returns. */
void order_munmap_begins(struct builder *b, struct build_task *t);
/* The first event of a thread whose creation was seen: now its process is known. */
void calls_child_starts(struct builder *b, struct build_task *t);

#endif
