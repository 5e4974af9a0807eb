/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Locks of the simulated kernel. Every acquisition and release goes through the lock's cache lines,
 * so hand-overs cost by distance and contention queues up. Wait and hold times go to the class;
 * holds that contain a wait for an IPI are told apart. After linux-locks behaviour of 6.1 to 6.18.
 */
#ifndef MODELS_KERNEL_LOCK_H
#define MODELS_KERNEL_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "models/hw/line.h"
#include "sim/sim.h"

struct kernel;
struct task;
struct metric;

struct lock_class {
	const char *name;
	unsigned int id; /* from 0, in the order of their making */
	struct lock_class *next;
	struct line_class *line_class;
	struct metric *wait, *hold, *hold_ipi, *acquired, *contended;
};

struct lock_class *lock_class_get(struct kernel *k, const char *name);

/* Lock order (lockdep.c): before one is waited for, or after a try got it; and when it is let go.
 */
void lock_acquired(struct task *t, const struct lock_class *class, bool trylock);
void lock_released(struct task *t, const struct lock_class *class);

struct spin_waiter {
	struct task *task;
	struct spin_waiter *next;
	sim_ps granted_at; /* SIM_NEVER until the lock is handed over */
};

/* qspinlock: one waiter spins on the lock's line, the others each on a line of its own, first in
 * first out. Preemption is off while it is held or waited for. */
struct spinlock {
	struct line line;
	struct lock_class *class;
	struct task *owner;
	struct spin_waiter *head, *tail;
	sim_ps since;
	uint64_t ipi_waits; /* of the owner, when it got the lock */
};

void spin_lock_init(struct kernel *k, struct spinlock *lock, struct lock_class *class);
void spin_lock_free(struct kernel *k, struct spinlock *lock);
void spin_lock(struct task *t, struct spinlock *lock);
bool spin_trylock(struct task *t, struct spinlock *lock);
void spin_unlock(struct task *t, struct spinlock *lock);
void spin_lock_irq(struct task *t, struct spinlock *lock);
void spin_unlock_irq(struct task *t, struct spinlock *lock);

struct rwsem_waiter {
	struct task *task;
	struct rwsem_waiter *next;
	bool write, granted;
	sim_ps deadline; /* a writer that waits longer asks for a hand-off */
};

/* rw_semaphore: writers spin optimistically behind an MCS queue while the owner runs, readers never
 * spin; sleepers queue in order; readers are woken in batches; a writer that has waited 4 ms
 * (rounded up to jiffies) gets a hand-off. Fields in the order of the kernel's: count on one line,
 * owner on the next. */
struct rwsem {
	struct line count_line, owner_line;
	struct lock_class *class;
	struct task *writer;
	unsigned int readers;
	bool handoff, nonspinnable;
	struct spinlock wait_lock;
	struct rwsem_waiter *head, *tail;
	struct spin_waiter *osq_head, *osq_tail; /* optimistic spinners */
	sim_ps since;
	uint64_t ipi_waits;
	struct rwsem *next_held; /* in the writer's list of held semaphores */
};

#define RWSEM_READERS_WAKEUP_MAX 256

void rwsem_init(struct kernel *k, struct rwsem *sem, struct lock_class *class);
void rwsem_free(struct kernel *k, struct rwsem *sem);
/* A reader keeps its own record of the hold. */
struct read_hold {
	sim_ps since;
	sim_ps traced; /* mmap_lock: when mmap_lock_acquire_returned fired */
	uint64_t ipi_waits;
};
void down_read(struct task *t, struct rwsem *sem, struct read_hold *hold);
bool down_read_trylock(struct task *t, struct rwsem *sem, struct read_hold *hold);
void up_read(struct task *t, struct rwsem *sem, const struct read_hold *hold);
void down_write(struct task *t, struct rwsem *sem);
bool down_write_trylock(struct task *t, struct rwsem *sem);
void up_write(struct task *t, struct rwsem *sem);
void downgrade_write(struct task *t, struct rwsem *sem, struct read_hold *hold);
/* The task leaves its CPU: spinners on what it holds must notice. */
void rwsem_owner_off_cpu(struct task *t);

#endif
