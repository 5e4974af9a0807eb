// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * qspinlock. Who owns the lock is decided in the order in which accesses reach its line; the time
 * that this takes is the line's. The release is a plain store that the owner does not wait for; the
 * next owner, who spins on a copy, sees it when the line has come to it again.
 */
#include <stdlib.h>

#include "models/kernel/kernel.h"

METRIC(desc_wait, "lock.wait", METRIC_HISTOGRAM, "ps", "class", "time waited for a contended lock");
METRIC(desc_hold, "lock.hold", METRIC_HISTOGRAM, "ps", "class", "time held, no IPI wait inside");
METRIC(desc_hold_ipi, "lock.hold_ipi", METRIC_HISTOGRAM, "ps", "class",
       "time held, with a wait for an IPI inside");
METRIC(desc_acquired, "lock.acquired", METRIC_COUNTER, "1", "class", "acquisitions");
METRIC(desc_contended, "lock.contended", METRIC_COUNTER, "1", "class",
       "acquisitions that had to wait");

struct lock_class *lock_class_get(struct kernel *k, const char *name)
{
	struct metrics *m = sim_metrics(k->sim);
	struct lock_class *c;

	for (c = k->lock_classes; c; c = c->next)
		if (c->name == name)
			return c;
	c = calloc(1, sizeof(*c));
	c->name = name;
	c->line_class = line_class_get(k->m, name);
	c->wait = metric_get(m, &desc_wait, name);
	c->hold = metric_get(m, &desc_hold, name);
	c->hold_ipi = metric_get(m, &desc_hold_ipi, name);
	c->acquired = metric_get(m, &desc_acquired, name);
	c->contended = metric_get(m, &desc_contended, name);
	c->next = k->lock_classes;
	c->id = c->next ? c->next->id + 1 : 0;
	k->lock_classes = c;
	return c;
}

void spin_lock_init(struct kernel *k, struct spinlock *lock, struct lock_class *class)
{
	(void)k;
	*lock = (struct spinlock){ .class = class };
	line_init(&lock->line, class->line_class);
}

void spin_lock_free(struct kernel *k, struct spinlock *lock)
{
	/* A kernel thread is cut off wherever it is when the run ends. */
	sim_check(k->sim, !lock->owner || lock->owner->kthread, "lock-leak",
		  "%s freed while %s holds it", lock->class->name, lock->owner->comm);
	line_free(&lock->line, k->m);
}

/*
 * Ownership and places in the queue are given in the order in which accesses reach the line, before
 * their time passes: what is decided here cannot be overtaken while the line is on its way.
 */
static void reach_line(struct task *t, struct spinlock *lock)
{
	cpu_stall(this_cpu(t)->cpu, line_access(t->k->m, &lock->line, this_cpu(t)->cpu->core,
						LINE_ATOMIC, sim_now(t->k->sim)));
}

static void got_lock(struct task *t, struct spinlock *lock)
{
	lock->since = sim_now(t->k->sim);
	lock->ipi_waits = t->ipi_waits;
	lock->class->acquired->value++;
}

static void take_free(struct task *t, struct spinlock *lock)
{
	lock->owner = t;
	reach_line(t, lock);
	got_lock(t, lock);
}

bool spin_trylock(struct task *t, struct spinlock *lock)
{
	preempt_disable(t);
	settle(t);
	if (lock->owner) {
		touch_line(t, &lock->line, LINE_READ);
		preempt_enable(t);
		return false;
	}
	lock_acquired(t, lock->class, true);
	take_free(t, lock);
	return true;
}

static void wait_in_queue(struct task *t, struct spinlock *lock)
{
	struct spin_waiter w = { .task = t, .granted_at = SIM_NEVER };
	sim_ps asked_at = sim_now(t->k->sim);

	if (lock->tail)
		lock->tail->next = &w;
	else
		lock->head = &w;
	lock->tail = &w;
	reach_line(t, lock);
	while (w.granted_at == SIM_NEVER)
		spin_wait(t, SIM_NEVER, lock->class->name);
	cpu_stall(this_cpu(t)->cpu, w.granted_at);
	got_lock(t, lock);
	lock->class->contended->value++;
	hist_add(&lock->class->wait->hist, lock->since - asked_at);
}

void spin_lock(struct task *t, struct spinlock *lock)
{
	sim_check(t->k->sim, lock->owner != t, "self-deadlock", "%s taken twice by %s",
		  lock->class->name, t->comm);
	lock_acquired(t, lock->class, false);
	preempt_disable(t);
	settle(t);
	if (lock->owner)
		wait_in_queue(t, lock);
	else
		take_free(t, lock);
}

void spin_unlock(struct task *t, struct spinlock *lock)
{
	struct lock_class *class = lock->class;
	struct spin_waiter *w;
	sim_ps held;

	settle(t);
	lock_released(t, class);
	sim_check(t->k->sim, lock->owner == t, "lock-balance", "%s released by %s, not its owner",
		  class->name, t->comm);
	held = sim_now(t->k->sim) - lock->since;
	hist_add(t->ipi_waits != lock->ipi_waits ? &class->hold_ipi->hist : &class->hold->hist,
		 held);
	post_store(t, &lock->line);
	w = lock->head;
	if (w) {
		struct machine *m = t->k->m;
		unsigned int core = this_cpu(w->task)->cpu->core;
		sim_ps seen = line_access(m, &lock->line, core, LINE_READ, sim_now(t->k->sim));

		lock->head = w->next;
		if (!lock->head)
			lock->tail = NULL;
		lock->owner = w->task;
		/* Its own store of the lock byte is posted: it goes on when it has read. */
		w->granted_at = seen;
		line_access(m, &lock->line, core, LINE_WRITE, seen);
		sim_unpark_at(t->k->sim, w->task->actor, w->granted_at);
	} else {
		lock->owner = NULL;
	}
	preempt_enable(t);
}

void spin_lock_irq(struct task *t, struct spinlock *lock)
{
	irq_disable(t);
	spin_lock(t, lock);
}

void spin_unlock_irq(struct task *t, struct spinlock *lock)
{
	spin_unlock(t, lock);
	irq_enable(t);
}
