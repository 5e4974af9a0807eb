/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fair class's run queues: who is next, and whether one who wakes up goes before who runs.
 * EEVDF as in Linux 6.12 to 6.18 with its default features (RUN_TO_PARITY, PLACE_LAG,
 * DELAY_DEQUEUE), all tasks of one weight and one slice. Which CPU a task goes to is not decided
 * here (sched.c).
 */
#ifndef MODELS_KERNEL_FAIR_H
#define MODELS_KERNEL_FAIR_H

#include "models/kernel/kernel.h"

void fair_init(struct kernel *k);
/* Queues t, which is on no queue. True: who runs there has used up its slice and is to be told. */
bool fair_enqueue(struct kcpu *c, struct task *t);
/* Takes t off its queue, to be queued elsewhere. */
void fair_dequeue(struct task *t);
/* A sleeper that owes time and still stands on c's queue (t->delayed) is awake again. */
bool fair_requeue(struct kcpu *c, struct task *t);
/* Who ran on c goes on to wait for it, or sleeps. A sleeper that has had more than its share stays
 * on the queue until the others have caught up. */
void fair_put_prev(struct kcpu *c, struct task *t);
/* Takes the next task off the queue; NULL: none. prev: who ran until now, or NULL. */
struct task *fair_pick(struct kcpu *c, struct task *prev);
/* Does t, just queued, go before who runs on c? */
bool fair_preempts(struct kcpu *c, struct task *t);
/* Should who runs on c give way? */
bool fair_tick(struct kcpu *c);
/* sched_yield (Linux 6.18): gives up the rest of its slice. */
void fair_yield(struct kcpu *c);

#endif
