// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * qspinlock, access by access. Who is next is decided by the first atomic, in the order in which
 * accesses reach the lock's line; the other accesses of the slow path cost time on their lines.
 * Those who spin on a line fetch it again whenever somebody has written to it, which is what makes
 * an arrival or a release on a contended lock expensive. After the native slow path of 6.1 to 6.18.
 */
#include "models/kernel/kernel.h"

struct spin_waiter {
	struct task *task;
	struct spin_waiter *next, *prev;
	bool watches;     /* spins on the lock's line */
	bool in_tail;     /* is in the lock word's tail: who came before must pass the head on */
	bool is_head;     /* of the queue */
	bool knows_next;  /* looked who is behind it while it waited for the lock itself */
	bool wants_next;  /* owns the lock, and waits to learn who is behind it */
	sim_ps linked_at; /* when who is before it can see it there; SIM_NEVER: not yet */
	sim_ps seen_at;   /* when it has the line on which it was told something */
};

void spin_lock_init(struct kernel *k, struct spinlock *lock, struct lock_class *class)
{
	(void)k;
	*lock = (struct spinlock){ .class = class, .polled_at = SIM_NEVER };
	line_init(&lock->line, class->line_class);
}

void spin_lock_free(struct kernel *k, struct spinlock *lock)
{
	/* A kernel thread is cut off wherever it is when the run ends. */
	sim_check(k->sim, !lock->owner || lock->owner->kthread, "lock-leak",
		  "%s freed while %s holds it", lock->class->name, lock->owner->comm);
	line_free(&lock->line, k->m);
}

/* The whole lock word is zero. */
static bool is_free(const struct spinlock *lock)
{
	return !lock->owner && !lock->pending && !lock->head;
}

/* ---- the lock's line ---- */

static struct line *line_of(struct spinlock *lock)
{
	return lock->beside ? lock->beside : &lock->line;
}

static unsigned int core_of(const struct task *t)
{
	return this_cpu(t)->cpu->core;
}

/* A spinner looks once a PAUSE: it sees a change half of one late, on average. */
static sim_ps poll_delay(const struct kernel *k)
{
	return k->m->desc.pause / 2;
}

static sim_ps fetch(const struct spin_waiter *w, struct line *line, sim_ps at)
{
	struct kernel *k = w->task->k;

	return line_access(k->m, line, core_of(w->task), LINE_READ, at);
}

/* Spinners whose copy was taken away have fetched it back, if time was enough for that. */
static void spinners_polled(struct spinlock *lock, sim_ps now)
{
	struct spin_waiter *const all[] = { lock->pending, lock->next_pending, lock->head };

	if (lock->polled_at > now)
		return;
	for (unsigned int i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i] && all[i]->watches)
			fetch(all[i], line_of(lock), lock->polled_at);
	lock->polled_at = SIM_NEVER;
}

static sim_ps take_line(struct task *t, struct spinlock *lock, enum line_access how)
{
	sim_ps now = sim_now(t->k->sim), done;

	spinners_polled(lock, now);
	done = line_access(t->k->m, line_of(lock), core_of(t), how, now);
	if (lock->polled_at == SIM_NEVER)
		lock->polled_at = done + poll_delay(t->k);
	return done;
}

static void atomic(struct task *t, struct spinlock *lock)
{
	cpu_stall(this_cpu(t)->cpu, take_line(t, lock, LINE_ATOMIC));
}

static void store(struct task *t, struct spinlock *lock)
{
	take_line(t, lock, LINE_WRITE);
}

/* What has just been stored concerns w. */
static void tell(struct spin_waiter *w, struct spinlock *lock)
{
	struct kernel *k = w->task->k;

	if (!w->watches)
		return;
	w->seen_at = fetch(w, line_of(lock), sim_now(k->sim)) + poll_delay(k);
	sim_unpark_at(k->sim, w->task->actor, w->seen_at);
}

static void watch(struct task *t, struct spinlock *lock, struct spin_waiter *w)
{
	w->watches = true;
	touch_line(t, line_of(lock), LINE_READ);
}

static void have_seen(struct task *t, const struct spin_waiter *w)
{
	cpu_stall(this_cpu(t)->cpu, w->seen_at);
}

/* ---- the second contender: the pending bit ---- */

static void wait_pending(struct task *t, struct spinlock *lock, struct spin_waiter *w)
{
	atomic(t, lock); /* the try that failed */
	watch(t, lock, w);
	while (lock->next_pending == w) /* "pending" alone: a hand-over is under way */
		spin_wait(t, SIM_NEVER, lock->class->name);
	have_seen(t, w);
	atomic(t, lock); /* sets the bit */
	while (lock->owner)
		spin_wait(t, SIM_NEVER, lock->class->name);
	have_seen(t, w);
	lock->owner = t;
	lock->pending = lock->next_pending;
	lock->next_pending = NULL;
	store(t, lock);
	if (lock->pending)
		tell(lock->pending, lock);
}

/* ---- the others: the MCS queue ---- */

static void join_queue(struct spinlock *lock, struct spin_waiter *w)
{
	w->prev = lock->tail;
	w->is_head = !lock->tail;
	if (lock->tail)
		lock->tail->next = w;
	else
		lock->head = w;
	lock->tail = w;
}

/* Behind w->prev, which stays until it has passed the head on. */
static void wait_for_head(struct task *t, struct spinlock *lock, struct spin_waiter *w)
{
	struct spin_waiter *prev = w->prev;

	w->linked_at = post_store(t, &this_cpu(prev->task)->mcs_line);
	if (prev->wants_next)
		sim_unpark_at(t->k->sim, prev->task->actor, w->linked_at);
	while (!w->is_head)
		spin_wait(t, SIM_NEVER, lock->class->name);
	have_seen(t, w);
}

/* As the new head: most often whoever is behind it has come by now, and the look costs nothing of
 * the time that the lock is held. */
static void look_behind(struct task *t, struct spin_waiter *w)
{
	touch_line(t, &this_cpu(t)->mcs_line, LINE_READ);
	settle(t);
	w->knows_next = w->next && w->next->linked_at <= sim_now(t->k->sim);
}

static void pass_head(struct task *t, struct spinlock *lock, struct spin_waiter *w)
{
	struct spin_waiter *next = w->next;

	if (!w->knows_next) {
		w->wants_next = true;
		while (next->linked_at == SIM_NEVER)
			spin_wait(t, SIM_NEVER, lock->class->name);
		cpu_stall(this_cpu(t)->cpu, next->linked_at);
		touch_line(t, &this_cpu(t)->mcs_line, LINE_READ);
	}
	post_store(t, &this_cpu(next->task)->mcs_line);
	next->is_head = true;
	next->seen_at = fetch(next, &this_cpu(next->task)->mcs_line, sim_now(t->k->sim)) +
			poll_delay(t->k);
	sim_unpark_at(t->k->sim, next->task->actor, next->seen_at);
}

static void head_takes(struct task *t, struct spinlock *lock, struct spin_waiter *w)
{
	struct spin_waiter *next = w->next;

	lock->owner = t;
	lock->head = next;
	if (!next)
		lock->tail = NULL;
	if (next && next->in_tail) {
		store(t, lock);
		pass_head(t, lock, w);
		return;
	}
	if (next)
		next->is_head = true; /* its exchange of the tail will find nobody */
	atomic(t, lock);
}

static void wait_in_queue(struct task *t, struct spinlock *lock, struct spin_waiter *w)
{
	join_queue(lock, w);
	atomic(t, lock); /* the try that failed */
	touch_line(t, &this_cpu(t)->mcs_line, LINE_WRITE);
	touch_line(t, line_of(lock), LINE_READ); /* one more look */
	settle(t);
	w->in_tail = true;
	atomic(t, lock);
	if (!w->is_head)
		wait_for_head(t, lock, w);
	look_behind(t, w);
	watch(t, lock, w);
	while (lock->owner || lock->pending)
		spin_wait(t, SIM_NEVER, lock->class->name);
	have_seen(t, w);
	head_takes(t, lock, w);
}

/* ---- taking and letting go ---- */

static void wait_for_lock(struct task *t, struct spinlock *lock)
{
	struct spin_waiter w = { .task = t, .linked_at = SIM_NEVER };
	struct part_timer asked = part_begin(t);

	if (lock->head || lock->next_pending || (lock->owner && lock->pending)) {
		wait_in_queue(t, lock, &w);
	} else {
		*(lock->pending ? &lock->next_pending : &lock->pending) = &w;
		wait_pending(t, lock, &w);
	}
	lock_waited(t, lock->class, asked);
}

static void take_free(struct task *t, struct spinlock *lock)
{
	lock->owner = t;
	cpu_stall(this_cpu(t)->cpu,
		  line_access(t->k->m, line_of(lock), core_of(t), LINE_ATOMIC, sim_now(t->k->sim)));
	hold_begin(t, lock->class, &lock->hold);
}

bool spin_trylock(struct task *t, struct spinlock *lock)
{
	preempt_disable(t);
	settle(t);
	if (!is_free(lock)) {
		touch_line(t, line_of(lock), LINE_READ);
		preempt_enable(t);
		return false;
	}
	lock_acquired(t, lock->class, true);
	take_free(t, lock);
	return true;
}

void spin_lock(struct task *t, struct spinlock *lock)
{
	sim_check(t->k->sim, lock->owner != t, "self-deadlock", "%s taken twice by %s",
		  lock->class->name, t->comm);
	lock_acquired(t, lock->class, false);
	preempt_disable(t);
	settle(t);
	if (is_free(lock)) {
		take_free(t, lock);
		return;
	}
	wait_for_lock(t, lock);
	hold_begin(t, lock->class, &lock->hold);
}

/* A plain store, which the owner does not wait for. */
void spin_unlock(struct task *t, struct spinlock *lock)
{
	struct lock_class *class = lock->class;
	struct spin_waiter *next;

	settle(t);
	lock_released(t, class);
	sim_check(t->k->sim, lock->owner == t, "lock-balance", "%s released by %s, not its owner",
		  class->name, t->comm);
	hold_end(t, class, &lock->hold);
	lock->owner = NULL;
	store(t, lock);
	next = lock->pending ? lock->pending : lock->head;
	if (next)
		tell(next, lock);
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
