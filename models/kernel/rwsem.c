// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * rw_semaphore. The count and the owner are two lines; who holds the semaphore is decided in the
 * order in which accesses reach the count. Waiters that sleep stand in one queue under wait_lock.
 */
#include "models/kernel/kernel.h"

/* A writer gives up spinning on readers after 10 us + 0.5 us a reader, at most 25 us. */
#define READER_SPIN_BASE  (10 * SIM_US)
#define READER_SPIN_EACH  (SIM_US / 2)
#define READER_SPIN_COUNT 30
#define RWSEM_WAIT_HZ     250 /* RWSEM_WAIT_TIMEOUT: 4 ms in jiffies, rounded up */

void rwsem_init(struct kernel *k, struct rwsem *sem, struct lock_class *class)
{
	*sem = (struct rwsem){ .class = class };
	line_init(&sem->count_line, class->line_class);
	line_init(&sem->owner_line, class->line_class);
	sem->osq.line = &sem->owner_line;
	spin_lock_init(k, &sem->wait_lock, lock_class_get(k, "rwsem.wait_lock"));
	sem->wait_lock.beside = &sem->owner_line;
}

void rwsem_free(struct kernel *k, struct rwsem *sem)
{
	sim_check(k->sim, !sem->writer && !sem->readers && !sem->head, "lock-leak",
		  "%s freed while held or waited for", sem->class->name);
	line_free(&sem->count_line, k->m);
	line_free(&sem->owner_line, k->m);
	spin_lock_free(k, &sem->wait_lock);
}

/* One atomic on the count; the caller decides what it finds at once, then waits for it. */
static sim_ps count_access(struct task *t, struct rwsem *sem)
{
	settle(t);
	return line_access(t->k->m, &sem->count_line, this_cpu(t)->cpu->core, LINE_ATOMIC,
			   sim_now(t->k->sim));
}

static void complete(struct task *t, sim_ps done)
{
	cpu_stall(this_cpu(t)->cpu, done);
}

static void got_read(struct task *t, struct rwsem *sem, struct read_hold *hold)
{
	post_store(t, &sem->owner_line);
	hold_begin(t, sem->class, &hold->hold);
}

static void got_write(struct task *t, struct rwsem *sem)
{
	post_store(t, &sem->owner_line);
	hold_begin(t, sem->class, &sem->hold);
	sem->next_held = t->held_write;
	t->held_write = sem;
}

static bool free_for_write(const struct rwsem *sem)
{
	return !sem->writer && !sem->readers;
}

/* ---- the queue of sleepers ---- */

/* On the sleeper's stack, and in its cache. */
static struct rwsem_waiter new_waiter(struct task *t, const struct rwsem *sem, bool write)
{
	struct rwsem_waiter w = { .task = t, .write = write };

	line_init(&w.line, sem->class->waiter_line_class);
	w.line.owner = w.line.last = (uint16_t)this_cpu(t)->cpu->core;
	return w;
}

static void enqueue(struct rwsem *sem, struct rwsem_waiter *w)
{
	const struct kernel *k = w->task->k;
	uint32_t hz = k->m->desc.hz_tick;

	w->timeout = jiffies(k) + (hz + RWSEM_WAIT_HZ - 1) / RWSEM_WAIT_HZ;
	w->next = NULL;
	if (sem->tail)
		touch_line(w->task, &sem->tail->line, LINE_WRITE);
	if (sem->tail)
		sem->tail->next = w;
	else
		sem->head = w;
	sem->tail = w;
}

/* By t, under wait_lock. Its neighbours' links change, too. */
static void unlink_waiter(struct task *t, struct rwsem *sem, struct rwsem_waiter *w)
{
	struct rwsem_waiter **link = &sem->head, *prev = NULL;

	while (*link != w) {
		prev = *link;
		link = &prev->next;
	}
	touch_line(t, &w->line, LINE_WRITE);
	if (prev)
		touch_line(t, &prev->line, LINE_WRITE);
	if (w->next)
		touch_line(t, &w->next->line, LINE_WRITE);
	*link = w->next;
	if (sem->tail == w)
		sem->tail = prev;
	if (!sem->head)
		sem->handoff = false;
}

static bool waited_too_long(const struct rwsem_waiter *w)
{
	return jiffies(w->task->k) > w->timeout;
}

/* Nobody else gets it from now on. */
static void ask_for_handoff(struct rwsem *sem)
{
	sem->handoff = true;
	sem->head->handoff_set = true;
}

/* Under wait_lock: who stands first among the sleepers is to be woken, with all readers if it is
 * one. The lock is theirs from here on; a writer must still take it, and may find it stolen. */
static void mark_wake(struct task *t, struct rwsem *sem, bool readers_only, struct wake_q *q)
{
	struct rwsem_waiter *w = sem->head, *marked = NULL, **tail = &marked, *next;
	unsigned int n = 0;

	if (!w)
		return;
	touch_line(t, &w->line, LINE_READ);
	if (w->write) {
		if (!readers_only)
			wake_q_add(t, q, w->task);
		return;
	}
	if (sem->writer) {
		if (waited_too_long(w))
			ask_for_handoff(sem);
		return;
	}
	for (; w && n < RWSEM_READERS_WAKEUP_MAX; w = next) {
		next = w->next;
		if (w->write)
			continue;
		sem->readers++;
		unlink_waiter(t, sem, w);
		w->next = NULL;
		*tail = w;
		tail = &w->next;
		n++;
	}
	sem->handoff = false;
	touch_line(t, &sem->count_line, LINE_ATOMIC);
	settle(t);
	for (w = marked; w; w = next) {
		struct task *sleeper = w->task;

		next = w->next;
		w->granted = true; /* the waiter is gone as soon as its task sees this */
		wake_q_add(t, q, sleeper);
	}
}

static void wake_marked(struct task *t, struct rwsem *sem, bool readers_only)
{
	struct wake_q q = { 0 };

	spin_lock_irq(t, &sem->wait_lock);
	mark_wake(t, sem, readers_only, &q);
	spin_unlock_irq(t, &sem->wait_lock);
	wake_up_q(t, &q);
}

/* rwsem_cond_wake_waiter, under wait_lock, by one who has just queued: whoever could have woken the
 * first one may have been there before him. */
static void mark_wake_if_free(struct task *t, struct rwsem *sem, struct wake_q *q)
{
	if (sem->writer)
		return;
	if (!sem->readers)
		sem->nonspinnable = false;
	mark_wake(t, sem, sem->readers, q);
}

/* The head of the optimistic spinners sees the change when the lines have come to it. */
static void notify_spinner(struct task *t, struct rwsem *sem)
{
	struct osq_waiter *w = sem->osq.head;

	if (w) {
		unsigned int core = this_cpu(w->task)->cpu->core;
		sim_ps seen = line_access(t->k->m, &sem->owner_line, core, LINE_READ,
					  sim_now(t->k->sim));

		sim_unpark_at(t->k->sim, w->task->actor, seen);
	}
}

void rwsem_owner_off_cpu(struct task *t)
{
	for (struct rwsem *sem = t->held_write; sem; sem = sem->next_held)
		if (sem->osq.head)
			sim_unpark(t->k->sim, sem->osq.head->task->actor);
}

/* ---- readers ---- */

static void read_sleep(struct task *t, struct rwsem *sem)
{
	struct rwsem_waiter w = new_waiter(t, sem, false);
	struct wake_q q = { 0 };

	spend(t, t->k->cost.lock_slow);
	spin_lock_irq(t, &sem->wait_lock);
	if (!sem->head && !sem->writer) {
		/* It came free while we took wait_lock. */
		sem->readers++;
		w.granted = true;
	} else {
		enqueue(sem, &w);
		complete(t, count_access(t, sem));
		mark_wake_if_free(t, sem, &q);
	}
	spin_unlock_irq(t, &sem->wait_lock);
	wake_up_q(t, &q);
	while (!w.granted)
		sched_block(t, sem->class->name);
	touch_line(t, &w.line, LINE_READ);
	line_free(&w.line, t->k->m);
}

bool down_read_trylock(struct task *t, struct rwsem *sem, struct read_hold *hold)
{
	bool ok;

	settle(t);
	ok = !sem->writer && !sem->head && !sem->handoff;
	if (!ok) {
		touch_line(t, &sem->count_line, LINE_READ);
		return false;
	}
	lock_acquired(t, sem->class, true);
	sem->readers++;
	complete(t, count_access(t, sem));
	got_read(t, sem, hold);
	return true;
}

void down_read(struct task *t, struct rwsem *sem, struct read_hold *hold)
{
	struct part_timer asked;
	sim_ps done;

	settle(t);
	lock_acquired(t, sem->class, false);
	asked = part_begin(t);
	done = count_access(t, sem);
	/* Fast path, or a reader that steals: no writer and no hand-off, and not behind a queue
	 * that another reader already stands in front of. */
	if (!sem->writer && !sem->handoff && (!sem->head || !sem->readers)) {
		sem->readers++;
		complete(t, done);
		if (sem->head && sem->readers == 1) /* then other readers may come, too */
			wake_marked(t, sem, true);
		got_read(t, sem, hold);
		return;
	}
	complete(t, done);
	read_sleep(t, sem);
	lock_waited(t, sem->class, asked);
	got_read(t, sem, hold);
}

void up_read(struct task *t, struct rwsem *sem, const struct read_hold *hold)
{
	sim_ps done = count_access(t, sem);

	sim_check(t->k->sim, sem->readers > 0, "lock-balance", "%s: up_read without a reader",
		  sem->class->name);
	hold_end(t, sem->class, &hold->hold);
	lock_released(t, sem->class);
	sem->readers--;
	complete(t, done);
	if (sem->readers || sem->writer)
		return;
	sem->nonspinnable = false;
	notify_spinner(t, sem);
	if (sem->head)
		wake_marked(t, sem, false);
}

/* ---- writers ---- */

static bool try_write(struct task *t, struct rwsem *sem)
{
	sim_ps done = count_access(t, sem);
	bool ok = free_for_write(sem) && !sem->handoff;

	if (ok)
		sem->writer = t;
	complete(t, done);
	return ok;
}

/* Not past sleepers either: their flag is in the count, which must be 0. */
bool down_write_trylock(struct task *t, struct rwsem *sem)
{
	settle(t);
	if (sem->head) {
		touch_line(t, &sem->count_line, LINE_ATOMIC);
		return false;
	}
	if (!try_write(t, sem))
		return false;
	lock_acquired(t, sem->class, true);
	got_write(t, sem);
	return true;
}

bool upgrade_read_trylock(struct task *t, struct rwsem *sem, const struct read_hold *hold)
{
	sim_ps done = count_access(t, sem);
	bool ok = sem->readers == 1 && !sem->writer && !sem->head && !sem->handoff;

	if (ok) {
		sem->readers = 0;
		sem->writer = t;
	}
	complete(t, done);
	if (ok) {
		hold_end(t, sem->class, &hold->hold);
		got_write(t, sem);
	}
	return ok;
}

static bool may_spin(struct task *t, const struct rwsem *sem, sim_ps readers_until)
{
	if (this_cpu(t)->need_resched || sem->nonspinnable)
		return false;
	if (sem->writer)
		return owner_on_cpu(sem->writer);
	return !sem->readers || sim_now(t->k->sim) < readers_until;
}

static sim_ps reader_deadline(struct task *t, const struct rwsem *sem)
{
	unsigned int n = sem->readers < READER_SPIN_COUNT ? sem->readers : READER_SPIN_COUNT;

	return sim_now(t->k->sim) + READER_SPIN_BASE + n * READER_SPIN_EACH;
}

/* True: the lock was taken while spinning. */
static bool optimistic_spin(struct task *t, struct rwsem *sem)
{
	struct osq_waiter w;
	sim_ps readers_until = SIM_NEVER;
	bool taken = false;

	if (!may_spin(t, sem, SIM_NEVER))
		return false;
	preempt_disable(t);
	if (!osq_lock(t, &sem->osq, &w, sem->class->name)) {
		preempt_enable(t);
		return false;
	}
	for (;;) {
		if (free_for_write(sem) && !sem->handoff && try_write(t, sem)) {
			taken = true;
			break;
		}
		if (sem->readers && readers_until == SIM_NEVER)
			readers_until = reader_deadline(t, sem);
		if (!may_spin(t, sem, readers_until)) {
			sem->nonspinnable |= sem->readers && sim_now(t->k->sim) >= readers_until;
			break;
		}
		if (!free_for_write(sem) || sem->handoff)
			spin_wait(t, sem->readers ? readers_until : SIM_NEVER, sem->class->name);
		if (sem->handoff)
			break;
	}
	osq_unlock(t, &sem->osq, &w);
	preempt_enable(t);
	return taken;
}

/* Under wait_lock: rwsem_try_write_lock. */
static bool try_write_waiter(struct task *t, struct rwsem *sem, struct rwsem_waiter *w)
{
	sim_ps done = count_access(t, sem);
	bool got = free_for_write(sem) && !(sem->head->handoff_set && sem->head != w);

	if (got) {
		sem->writer = t;
		sem->handoff = false;
		unlink_waiter(t, sem, w);
	} else if (!free_for_write(sem) && !sem->handoff && waited_too_long(w)) {
		ask_for_handoff(sem);
	}
	complete(t, done);
	return got;
}

static void write_sleep(struct task *t, struct rwsem *sem)
{
	struct rwsem_waiter w = new_waiter(t, sem, true);
	struct wake_q q = { 0 };

	spend(t, t->k->cost.lock_slow);
	spin_lock_irq(t, &sem->wait_lock);
	enqueue(sem, &w);
	if (sem->head != &w)
		mark_wake_if_free(t, sem, &q);
	if (q.first) {
		spin_unlock_irq(t, &sem->wait_lock);
		wake_up_q(t, &q);
		spin_lock_irq(t, &sem->wait_lock);
	}
	while (!try_write_waiter(t, sem, &w)) {
		spin_unlock_irq(t, &sem->wait_lock);
		/* With the hand-off ours and the owner running, it is worth to wait awake. */
		if (w.handoff_set && sem->writer && owner_on_cpu(sem->writer))
			spin_wait(t, sim_now(t->k->sim) + SIM_US, sem->class->name);
		else if (!free_for_write(sem) || (sem->head->handoff_set && !w.handoff_set))
			sched_block(t, sem->class->name);
		spin_lock_irq(t, &sem->wait_lock);
	}
	spin_unlock_irq(t, &sem->wait_lock);
	line_free(&w.line, t->k->m);
}

void down_write(struct task *t, struct rwsem *sem)
{
	struct part_timer asked;

	sim_check(t->k->sim, sem->writer != t, "self-deadlock", "%s taken twice by %s",
		  sem->class->name, t->comm);
	settle(t);
	lock_acquired(t, sem->class, false);
	asked = part_begin(t);
	if (try_write(t, sem)) {
		got_write(t, sem);
		return;
	}
	if (!optimistic_spin(t, sem))
		write_sleep(t, sem);
	lock_waited(t, sem->class, asked);
	got_write(t, sem);
}

static void drop_held(struct task *t, struct rwsem *sem)
{
	struct rwsem **link = &t->held_write;

	while (*link && *link != sem)
		link = &(*link)->next_held;
	sim_check(t->k->sim, *link == sem, "lock-balance", "%s released by %s, not its writer",
		  sem->class->name, t->comm);
	if (*link)
		*link = sem->next_held;
}

void up_write(struct task *t, struct rwsem *sem)
{
	sim_ps done;

	post_store(t, &sem->owner_line);
	done = count_access(t, sem);
	hold_end(t, sem->class, &sem->hold);
	drop_held(t, sem);
	lock_released(t, sem->class);
	sem->writer = NULL;
	complete(t, done);
	notify_spinner(t, sem);
	if (sem->head)
		wake_marked(t, sem, false);
}

void downgrade_write(struct task *t, struct rwsem *sem, struct read_hold *hold)
{
	sim_ps done = count_access(t, sem);

	hold_end(t, sem->class, &sem->hold);
	drop_held(t, sem);
	sem->writer = NULL;
	sem->readers++;
	complete(t, done);
	post_store(t, &sem->owner_line);
	hold_go_on(t, &hold->hold);
	notify_spinner(t, sem);
	if (sem->head)
		wake_marked(t, sem, true);
}
