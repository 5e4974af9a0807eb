/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Run queues, between sched.c, wakeup.c and the idle loop.
 */
#ifndef MODELS_KERNEL_RUNQUEUE_H
#define MODELS_KERNEL_RUNQUEUE_H

#include "models/kernel/kernel.h"

/* Queues a task that is on no queue. True: who runs there has had what it asked for. */
bool runqueue_add(struct kcpu *c, struct task *t);
/* Newly idle balance: pulls a task that waits elsewhere and is not bound. True if it got one. */
bool runqueue_steal(struct kcpu *c);

/* ---- wake-ups (wakeup.c) ---- */

/* Queues t where it should run. waker == NULL: nobody pays (a timer, the task itself). */
void wake_place(struct task *waker, struct task *t);
/* What others queued for this CPU on its call_single_queue goes to its run queue. */
void sched_ttwu_pending(struct task *t);
void task_lines_init(struct task *t);
void task_lines_free(struct task *t);
/* `t` writes what a switch changes of a task: on_cpu, on_rq and its scheduling entity. */
void task_lines_write(struct task *t, struct task *changed);

#endif
