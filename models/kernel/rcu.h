/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tree RCU with real grace periods: callbacks wait on their CPU, a grace-period kthread waits for a
 * quiescent state of every CPU, and callbacks run in batches. Readers are stretches with preemption
 * or interrupts off. CPUs report to leaves of 16, leaves to a root of up to 64 (rcu.c); callbacks
 * and where they run are in rcu_callbacks.c, expedited grace periods in rcu_exp.c.
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
	uint64_t pins; /* bytes that its waiting keeps from being used again */
	sim_ps queued_at;
};

void rcu_init(struct kernel *k);
void rcu_free(struct kernel *k);
/* An offloaded CPU that is lazy may let it wait for long. */
void call_rcu(struct task *t, rcu_fn *fn, void *arg);
void call_rcu_pinning(struct task *t, rcu_fn *fn, void *arg, uint64_t bytes);
/* Blocks until all readers that are inside now have left. */
void synchronize_rcu(struct task *t);
/* The same by interrupting every CPU that is not idle; one grace period at a time, and those who
 * waited for their turn share the next. */
void synchronize_rcu_expedited(struct task *t);
/* From the tick, with interrupts off: notes and reports quiescent states. */
void rcu_tick(struct task *t);
/* At a context switch on t's CPU. */
void rcu_note_context_switch(struct task *t);
/* From schedule(): an expedited grace period may wait for this CPU. */
void rcu_exp_quiescent(struct task *t);
/* The idle loop begins or ends: the CPU is, or is no more, in an extended quiescent state. */
void rcu_idle(struct task *t, bool enter);
/* The same for user mode, which only nohz_full CPUs track. */
void rcu_user(struct task *t, bool enter);
/* On the way out of an interrupt: invokes callbacks whose grace period has ended. */
void rcu_softirq(struct task *t);
/* After the run: every callback's work is done at no cost, so that leaks can be told. */
void rcu_drain(struct kernel *k);

#endif
