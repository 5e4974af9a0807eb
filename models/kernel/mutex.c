// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * mutex: an owner word with flags, taken by one atomic; optimistic spinning while the owner runs;
 * sleepers in order under wait_lock. The first sleeper that was woken and lost asks for a hand-off
 * at once, so nobody waits behind more than one stealer. Owner, queues and flags share a line.
 */
#include "models/kernel/kernel.h"

void mutex_init(struct kernel *k, struct mutex *lock, struct lock_class *class)
{
	*lock = (struct mutex){ .class = class };
	line_init(&lock->line, class->line_class);
	lock->osq.line = &lock->line;
	spin_lock_init(k, &lock->wait_lock, lock_class_get(k, "mutex.wait_lock"));
}

void mutex_free(struct kernel *k, struct mutex *lock)
{
	sim_check(k->sim, (!lock->owner || lock->owner->kthread) && !lock->head, "lock-leak",
		  "%s freed while held or waited for", lock->class->name);
	line_free(&lock->line, k->m);
	spin_lock_free(k, &lock->wait_lock);
}

/* One atomic on the owner word; what it finds is decided when it begins. */
static bool try_owner(struct task *t, struct mutex *lock, bool ask_handoff)
{
	bool ok;
	sim_ps done;

	settle(t);
	done = line_access(t->k->m, &lock->line, this_cpu(t)->cpu->core, LINE_ATOMIC,
			   sim_now(t->k->sim));
	ok = !lock->owner && (!lock->pickup || lock->pickup == t);
	if (ok) {
		lock->owner = t;
		lock->pickup = NULL;
	} else if (ask_handoff) {
		lock->handoff = true;
	}
	cpu_stall(this_cpu(t)->cpu, done);
	return ok;
}

static void got_mutex(struct task *t, struct mutex *lock)
{
	hold_begin(t, lock->class, &lock->hold);
	lock->next_held = t->held_mutex;
	t->held_mutex = lock;
}

/* ---- spinning ---- */

static bool may_spin(const struct task *t, const struct mutex *lock)
{
	return !this_cpu(t)->need_resched && (!lock->owner || lock->owner->on_cpu);
}

/* Who spins on the owner: the head of the queue of spinners, and the first sleeper once it was
 * woken. Both see a change when the line has come to them. */
static void tell_spinners(struct mutex *lock)
{
	for (unsigned int i = 0; i < MUTEX_SPINNERS; i++) {
		struct task *s = lock->spinner[i];
		struct kernel *k;

		if (!s)
			continue;
		k = s->k;
		sim_unpark_at(k->sim, s->actor,
			      line_access(k->m, &lock->line, this_cpu(s)->cpu->core, LINE_READ,
					  sim_now(k->sim)) +
				      k->m->desc.pause / 2);
	}
}

void mutex_owner_off_cpu(struct task *t)
{
	for (struct mutex *lock = t->held_mutex; lock; lock = lock->next_held)
		tell_spinners(lock);
}

static bool spin_on_owner(struct task *t, struct mutex *lock, unsigned int place)
{
	bool taken = false;

	lock->spinner[place] = t;
	touch_line(t, &lock->line, LINE_READ);
	settle(t);
	while (!taken && may_spin(t, lock)) {
		if (lock->owner)
			spin_wait(t, SIM_NEVER, lock->class->name);
		else if (!lock->pickup || lock->pickup == t)
			taken = try_owner(t, lock, false);
		else
			break; /* handed to somebody else, who must first wake up */
	}
	lock->spinner[place] = NULL;
	return taken;
}

static bool optimistic_spin(struct task *t, struct mutex *lock)
{
	struct osq_waiter w;
	bool taken = false;

	if (!may_spin(t, lock))
		return false;
	preempt_disable(t);
	if (osq_lock(t, &lock->osq, &w, lock->class->name)) {
		taken = spin_on_owner(t, lock, MUTEX_SPINS_IN_QUEUE);
		osq_unlock(t, &lock->osq, &w);
	}
	preempt_enable(t);
	return taken;
}

/* ---- sleeping ---- */

static void enqueue(struct mutex *lock, struct mutex_waiter *w)
{
	if (lock->tail)
		lock->tail->next = w;
	else
		lock->head = w;
	lock->tail = w;
}

static void dequeue(struct mutex *lock, struct mutex_waiter *w)
{
	struct mutex_waiter **link = &lock->head, *prev = NULL;

	while (*link != w) {
		prev = *link;
		link = &prev->next;
	}
	*link = w->next;
	if (lock->tail == w)
		lock->tail = prev;
	if (!lock->head)
		lock->handoff = false;
}

/* Asleep until woken by an unlock; then a try that asks for a hand-off, and a spin if it failed. */
static bool wait_once(struct task *t, struct mutex *lock, const struct mutex_waiter *w)
{
	bool taken;

	sched_block(t, lock->class->name);
	if (try_owner(t, lock, lock->head == w))
		return true;
	if (lock->head != w)
		return false;
	preempt_disable(t);
	taken = spin_on_owner(t, lock, MUTEX_SPINS_FIRST);
	preempt_enable(t);
	return taken;
}

static void sleep_for(struct task *t, struct mutex *lock)
{
	struct mutex_waiter w = { .task = t };
	bool taken = false;

	spend(t, t->k->cost.lock_slow);
	spin_lock(t, &lock->wait_lock);
	enqueue(lock, &w); /* from now on an unlock looks at the queue */
	while (!taken && !try_owner(t, lock, false)) {
		spin_unlock(t, &lock->wait_lock);
		taken = wait_once(t, lock, &w);
		spin_lock(t, &lock->wait_lock);
	}
	dequeue(lock, &w);
	spin_unlock(t, &lock->wait_lock);
}

/* ---- taking and letting go ---- */

void mutex_lock(struct task *t, struct mutex *lock)
{
	struct part_timer asked;

	sim_check(t->k->sim, lock->owner != t, "self-deadlock", "%s taken twice by %s",
		  lock->class->name, t->comm);
	sim_check(t->k->sim, !t->preempt_off && !this_cpu(t)->in_irq, "atomic-sleep",
		  "%s takes %s, a mutex, with preemption off or in an interrupt", t->comm,
		  lock->class->name);
	settle(t);
	lock_acquired(t, lock->class, false);
	asked = part_begin(t);
	if (!try_owner(t, lock, false)) {
		if (!optimistic_spin(t, lock))
			sleep_for(t, lock);
		lock_waited(t, lock->class, asked);
	}
	got_mutex(t, lock);
}

bool mutex_trylock(struct task *t, struct mutex *lock)
{
	if (!try_owner(t, lock, false))
		return false;
	lock_acquired(t, lock->class, true);
	got_mutex(t, lock);
	return true;
}

static void drop_held(struct task *t, struct mutex *lock)
{
	struct mutex **link = &t->held_mutex;

	while (*link && *link != lock)
		link = &(*link)->next_held;
	sim_check(t->k->sim, *link == lock, "lock-balance", "%s released by %s, not its owner",
		  lock->class->name, t->comm);
	if (*link)
		*link = lock->next_held;
}

/* With a hand-off asked for, the owner word goes from this task to the first waiter, who picks it
 * up; else whoever comes may take it, and the first waiter is woken to try. */
static void wake_first(struct task *t, struct mutex *lock, bool handoff)
{
	struct wake_q q = { 0 };

	spin_lock(t, &lock->wait_lock);
	if (lock->head)
		wake_q_add(t, &q, lock->head->task);
	if (handoff) {
		lock->handoff = false;
		lock->pickup = lock->head ? lock->head->task : NULL;
		lock->owner = NULL;
		tell_spinners(lock);
	}
	spin_unlock(t, &lock->wait_lock);
	wake_up_q(t, &q);
}

void mutex_unlock(struct task *t, struct mutex *lock)
{
	sim_ps done;
	bool handoff;

	settle(t);
	hold_end(t, lock->class, &lock->hold);
	drop_held(t, lock);
	lock_released(t, lock->class);
	done = line_access(t->k->m, &lock->line, this_cpu(t)->cpu->core, LINE_ATOMIC,
			   sim_now(t->k->sim));
	handoff = lock->handoff;
	if (!handoff) {
		lock->owner = NULL;
		tell_spinners(lock);
	}
	cpu_stall(this_cpu(t)->cpu, done);
	if (lock->head)
		wake_first(t, lock, handoff);
}
