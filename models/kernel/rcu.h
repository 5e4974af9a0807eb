/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tree RCU with real grace periods: callbacks wait on their CPU, a grace-period kthread waits for a
 * quiescent state of every CPU, and callbacks run in batches in softirq. The tree is folded to one
 * node with one lock, as on machines of up to 16 CPUs; larger ones get one leaf lock for 16 CPUs.
 */
#ifndef MODELS_KERNEL_RCU_H
#define MODELS_KERNEL_RCU_H

#include "models/kernel/kernel.h"

/* t == NULL: the run is over, nothing costs time any more. */
typedef void rcu_fn(struct kernel *k, struct task *t, void *arg);

struct rcu_cb {
	struct rcu_cb *next;
	rcu_fn *fn;
	void *arg;
	sim_ps queued_at;
};

void rcu_init(struct kernel *k);
void rcu_free(struct kernel *k);
void call_rcu(struct task *t, rcu_fn *fn, void *arg);
/* Sleeps until a grace period has passed. */
void synchronize_rcu(struct task *t);
/* From the tick, with interrupts off: notes and reports quiescent states. */
void rcu_tick(struct task *t);
/* At a context switch on t's CPU. */
void rcu_note_context_switch(struct task *t);
/* On the way out of an interrupt: invokes callbacks whose grace period has ended. */
void rcu_softirq(struct task *t);
/* After the run: every callback's work is done at no cost, so that leaks can be told. */
void rcu_drain(struct kernel *k);

#endif
