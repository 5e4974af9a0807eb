/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Locks of the simulated kernel. Every acquisition and release goes through the lock's cache lines,
 * so hand-overs cost by distance and contention queues up. Wait and hold times go to the class,
 * holds by what they contain. After linux-locks behaviour of 6.1 to 6.18.
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

/* ---- what a hold contains (lockstat.c) ---- */

/* Parts of a task's time that are told apart in the holds of its locks; the rest is other work. */
enum hold_part {
	HOLD_IPI,    /* waiting for acknowledgements of IPIs */
	HOLD_NESTED, /* waiting for another lock */
	HOLD_PAGES,  /* zeroing, copying, taking and freeing pages */
	HOLD_IRQ,    /* in interrupts that came meanwhile, whatever they did */
	HOLD_PARTS
};

struct lock_class {
	const char *name;
	unsigned int id; /* from 0, in the order of their making */
	struct lock_class *next;
	struct line_class *line_class, *waiter_line_class; /* of the lock; of who sleeps for it */
	struct metric *wait, *acquired, *contended;
	struct metric *hold[HOLD_PARTS];             /* [HOLD_IRQ]: none of the others */
	struct metric *held, *held_part[HOLD_PARTS]; /* sums of time */
};

struct lock_class *lock_class_get(struct kernel *k, const char *name);

/* The beginning of a hold: when, and what its task had spent on each part by then. */
struct lock_hold {
	sim_ps since, part[HOLD_PARTS];
};

void hold_begin(const struct task *t, struct lock_class *class, struct lock_hold *hold);
/* The same where no acquisition came before: a writer goes on as a reader. */
void hold_go_on(const struct task *t, struct lock_hold *hold);
void hold_end(struct task *t, struct lock_class *class, const struct lock_hold *hold);
/* The time between these two is spent on one part, but for what other parts got of it. Neither
 * settles. */
struct part_timer {
	sim_ps start, parts;
};
struct part_timer part_begin(const struct task *t);
void part_end(struct task *t, struct part_timer timer, enum hold_part part);
/* The wait for a lock that was asked for when the timer was made is over. */
void lock_waited(struct task *t, struct lock_class *class, struct part_timer timer);

/* Lock order (lockdep.c): before one is waited for, or after a try got it; and when it is let go.
 */
void lock_acquired(struct task *t, const struct lock_class *class, bool trylock);
void lock_released(struct task *t, const struct lock_class *class);
void lockdep_free(struct kernel *k);

/* ---- spinlocks (spinlock.c) ---- */

struct spin_waiter;

/* qspinlock. A free lock has no owner and no waiter. The first waiter sets the pending bit and
 * spins on the lock's line; later ones queue, each spinning on its CPU's MCS node, and the head of
 * the queue on the lock's line. Preemption is off while it is held or waited for. */
struct spinlock {
	struct line line, *beside; /* its own line; or the one that it shares with others */
	struct lock_class *class;
	struct task *owner;
	struct spin_waiter *pending;
	struct spin_waiter *next_pending; /* waits for the pending one's hand-over to set the bit */
	struct spin_waiter *head, *tail;
	sim_ps polled_at; /* its spinners lost their copies of the line and fetch it back then */
	struct lock_hold hold;
};

void spin_lock_init(struct kernel *k, struct spinlock *lock, struct lock_class *class);
void spin_lock_free(struct kernel *k, struct spinlock *lock);
void spin_lock(struct task *t, struct spinlock *lock);
bool spin_trylock(struct task *t, struct spinlock *lock);
void spin_unlock(struct task *t, struct spinlock *lock);
void spin_lock_irq(struct task *t, struct spinlock *lock);
void spin_unlock_irq(struct task *t, struct spinlock *lock);

/* ---- the queue of optimistic spinners (osq.c) ---- */

struct osq_waiter {
	struct task *task;
	struct osq_waiter *prev, *next;
};

struct osq {
	struct line *line; /* that its tail is on */
	struct osq_waiter *head, *tail;
};

/* Preemption is off. True: t is the head, until osq_unlock; false: it must reschedule. */
bool osq_lock(struct task *t, struct osq *q, struct osq_waiter *w, const char *why);
void osq_unlock(struct task *t, struct osq *q, struct osq_waiter *w);

/* ---- mutexes (mutex.c) ---- */

struct mutex_waiter {
	struct task *task;
	struct mutex_waiter *next;
};

enum { MUTEX_SPINS_IN_QUEUE, MUTEX_SPINS_FIRST, MUTEX_SPINNERS };

struct mutex {
	struct line line;
	struct lock_class *class;
	struct task *owner;
	struct task *pickup; /* handed to this one, who alone may take it */
	bool handoff;        /* the first waiter has asked for that */
	struct osq osq;
	struct task *spinner[MUTEX_SPINNERS];
	struct spinlock wait_lock;
	struct mutex_waiter *head, *tail;
	struct lock_hold hold;
	struct mutex *next_held; /* in the owner's list */
};

void mutex_init(struct kernel *k, struct mutex *lock, struct lock_class *class);
void mutex_free(struct kernel *k, struct mutex *lock);
void mutex_lock(struct task *t, struct mutex *lock);
bool mutex_trylock(struct task *t, struct mutex *lock);
void mutex_unlock(struct task *t, struct mutex *lock);
/* The task leaves its CPU: spinners on what it holds must notice. */
void mutex_owner_off_cpu(struct task *t);

/* ---- rw_semaphores (rwsem.c) ---- */

struct rwsem_waiter {
	struct line line; /* of the sleeper's stack */
	struct task *task;
	struct rwsem_waiter *next;
	bool write, granted;
	bool handoff_set; /* the lock is to be handed over, to this one */
	uint64_t timeout; /* jiffies: who waits longer asks for a hand-off to the first */
};

/* rw_semaphore: writers spin optimistically behind an MCS queue while the owner runs, readers never
 * spin; sleepers queue in order; readers are woken in batches; who has waited 4 ms (rounded up to
 * jiffies, and one tick begun) gets a hand-off when it is first. Fields in the order of the
 * kernel's: count on one line, owner on the next. */
struct rwsem {
	struct line count_line, owner_line;
	struct lock_class *class;
	struct task *writer;
	unsigned int readers;
	bool handoff, nonspinnable;
	struct spinlock wait_lock;
	struct rwsem_waiter *head, *tail;
	struct osq osq;          /* optimistic spinners; its tail is on the owner's line */
	struct lock_hold hold;   /* the writer's */
	struct rwsem *next_held; /* in the writer's list of held semaphores */
};

#define RWSEM_READERS_WAKEUP_MAX 256

void rwsem_init(struct kernel *k, struct rwsem *sem, struct lock_class *class);
void rwsem_free(struct kernel *k, struct rwsem *sem);
/* A reader keeps its own record of the hold. */
struct read_hold {
	struct lock_hold hold;
	sim_ps traced; /* mmap_lock: when mmap_lock_acquire_returned fired */
};
void down_read(struct task *t, struct rwsem *sem, struct read_hold *hold);
bool down_read_trylock(struct task *t, struct rwsem *sem, struct read_hold *hold);
void up_read(struct task *t, struct rwsem *sem, const struct read_hold *hold);
void down_write(struct task *t, struct rwsem *sem);
bool down_write_trylock(struct task *t, struct rwsem *sem);
void up_write(struct task *t, struct rwsem *sem);
bool upgrade_read_trylock(struct task *t, struct rwsem *sem, const struct read_hold *hold);
void downgrade_write(struct task *t, struct rwsem *sem, struct read_hold *hold);
/* The task leaves its CPU: spinners on what it holds must notice. */
void rwsem_owner_off_cpu(struct task *t);

#endif
