/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sleepable RCU: readers count themselves in and out on their own CPU's line, by one of two
 * indices, and may sleep in between. A grace period sums the counts of all CPUs, twice.
 */
#ifndef MODELS_KERNEL_SRCU_H
#define MODELS_KERNEL_SRCU_H

#include "models/kernel/kernel.h"

struct srcu_waiter {
	struct task *task;
	struct srcu_waiter *next;
	bool done;
};

struct srcu {
	struct kernel *k;
	const char *name;
	struct line idx_line;
	unsigned int idx;
	struct srcu_cpu {
		struct line line;
		uint64_t locks[2], unlocks[2];
	} * cpu;
	struct task *worker;         /* made at the first need */
	struct srcu_waiter *waiting; /* for a grace period that has not begun */
	bool expedited;              /* the next one does not wait for jiffies */
	bool running;
	sim_ps ended; /* the last one */
	struct metric *gp;
};

void srcu_init(struct kernel *k, struct srcu *s, const char *name);
/* Readers that are left are a violation. */
void srcu_free(struct srcu *s);
/* The index goes to the unlock, which may come on another CPU. */
unsigned int srcu_read_lock(struct task *t, struct srcu *s);
void srcu_read_unlock(struct task *t, struct srcu *s, unsigned int idx);
/* Sleeps until all readers that are inside now have left. The first after a quiet time is
 * expedited, as in the kernel. */
void synchronize_srcu(struct task *t, struct srcu *s);
void synchronize_srcu_expedited(struct task *t, struct srcu *s);

#endif
