// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * try_to_wake_up: where a sleeper wakes, who tells that CPU and how, and the lines of task_struct
 * that travel between waker and sleeper. How an idle CPU is told is in idle.c.
 */
#include "models/kernel/fair.h"
#include "models/kernel/hrtimer.h"
#include "models/kernel/kernel.h"
#include "models/kernel/runqueue.h"

void task_lines_init(struct task *t)
{
	struct line_class *class = line_class_get(t->k->m, "task_struct");

	line_init(&t->state_line, class);
	line_init(&t->se_line, class);
	line_init(&t->pi_line, class);
}

void task_lines_free(struct task *t)
{
	line_free(&t->state_line, t->k->m);
	line_free(&t->se_line, t->k->m);
	line_free(&t->pi_line, t->k->m);
}

void task_lines_write(struct task *t, struct task *changed)
{
	touch_line(t, &changed->state_line, LINE_WRITE);
	touch_line(t, &changed->se_line, LINE_WRITE);
}

static unsigned int idle_cpu_near(const struct kernel *k, unsigned int cpu)
{
	unsigned int core = machine_core_of(k->m, cpu), best = NR_CPUS;
	enum distance best_distance = DISTANCES;

	cpumask_for_each(c, &k->idle_mask) {
		enum distance d = machine_core_distance(k->m, core, machine_core_of(k->m, c));

		if (k->cpus[c].isolated)
			continue;
		/* An idle sibling of a busy core is the last resort within a distance. */
		if (d == DIST_SAME_CORE && c != cpu)
			d = DIST_CROSS_SOCKET;
		if (d < best_distance) {
			best_distance = d;
			best = c;
		}
		if (best_distance <= DIST_SAME_L3)
			break;
	}
	return best;
}

static unsigned int select_cpu(const struct task *t)
{
	unsigned int cpu, home;

	if (t->bound != NO_CPU)
		return (unsigned int)t->bound;
	home = t->k->cpus[t->cpu].isolated ? 0 : t->cpu;
	if (cpumask_test(&t->k->idle_mask, home))
		return home;
	cpu = idle_cpu_near(t->k, home);
	return cpu < NR_CPUS ? cpu : home;
}

/* One that still stands on a queue asleep wakes up there, unless it is bound elsewhere. */
static struct kcpu *woken_cpu(struct task *t)
{
	if (t->delayed && (t->bound == NO_CPU || t->bound == (int)t->cpu))
		return this_cpu(t);
	return &t->k->cpus[select_cpu(t)];
}

static bool wake_on(struct kcpu *c, struct task *t)
{
	if (!t->delayed)
		return runqueue_add(c, t);
	if (c == this_cpu(t))
		return fair_requeue(c, t);
	fair_dequeue(t);
	return runqueue_add(c, t);
}

/* Who is to run there now that t is queued? True: that CPU must be told. */
static bool must_resched(struct kcpu *c, struct task *t, bool served)
{
	bool now = served || fair_preempts(c, t) || t->goes_first;

	tick_restart(c);
	if (t->goes_first)
		c->buddy = t;
	if (!now || c->need_resched) /* it has been told */
		return false;
	ensure_idle(c);
	/* If it is the waker's own, this is seen when that may be preempted. */
	c->need_resched = true;
	return true;
}

void wake_place(struct task *waker, struct task *t)
{
	struct kcpu *c = woken_cpu(t);
	bool now;

	if (waker)
		spin_lock_irq(waker, &c->rq_lock);
	now = must_resched(c, t, wake_on(c, t));
	if (waker)
		spin_unlock_irq(waker, &c->rq_lock);
	if (!now)
		return;
	if (waker)
		resched_cpu(waker, c->id);
	else
		cpu_raise(c->cpu, IRQ_HRTIMER, sim_now(t->k->sim));
}

/* ---- ttwu_queue_wakelist: left to that CPU, by its call_single_queue ---- */

/* One in another L3 group, and one that has nothing to do. */
static bool by_wakelist(const struct task *waker, const struct task *t, const struct kcpu *c)
{
	const struct kcpu *own = this_cpu(waker);

	if (t->delayed || c == own)
		return false;
	if (machine_core_distance(waker->k->m, own->cpu->core, c->cpu->core) > DIST_SAME_L3)
		return true;
	return !c->nr_queued && c->curr == c->idle;
}

/* True: nothing was queued there, so that it must be told. */
static bool add_to_wakelist(struct task *waker, struct kcpu *c)
{
	bool first;

	touch_line(waker, &c->call_queue_line, LINE_ATOMIC);
	settle(waker);
	first = !c->call_queue && !c->ttwu_pending;
	c->ttwu_pending = true;
	return first;
}

/* The run queue changes here and now, although that CPU pays for it later. */
static void queue_by_wakelist(struct task *waker, struct task *t, struct kcpu *c)
{
	bool first = add_to_wakelist(waker, c);

	must_resched(c, t, wake_on(c, t));
	if (!first)
		return;
	send_wakeup(waker, c);
}

void sched_ttwu_pending(struct task *t)
{
	struct kcpu *c = this_cpu(t);

	spin_lock_irq(t, &c->rq_lock);
	spin_unlock_irq(t, &c->rq_lock);
}

/* ---- try_to_wake_up ---- */

/* Up to the choice of a CPU. False: it does not sleep. */
static bool look_at_state(struct task *waker, struct task *sleeper)
{
	touch_line(waker, &sleeper->pi_line, LINE_ATOMIC);
	touch_line(waker, &sleeper->state_line, LINE_READ);
	settle(waker);
	if (sleeper->state != TASK_BLOCKED)
		return false;
	tracepoint(waker);
	touch_line(waker, &sleeper->se_line, LINE_READ);
	touch_line(waker, &sleeper->state_line, LINE_WRITE);
	spend(waker, waker->k->cost.wakeup);
	settle(waker);
	return sleeper->state == TASK_BLOCKED;
}

/* A task that is still leaving a CPU on which nobody else waits is left to that CPU, by an IPI. */
static void wake_after_switch(struct task *waker, struct task *sleeper)
{
	struct kcpu *c = this_cpu(sleeper);

	sleeper->wake_after_switch = true;
	if (waker && !c->nr_queued && c != this_cpu(waker))
		send_wakeup(waker, c);
}

static bool try_to_wake_up(struct task *waker, struct task *sleeper)
{
	struct kcpu *c;

	if (waker ? !look_at_state(waker, sleeper) : sleeper->state != TASK_BLOCKED) {
		sleeper->wake_token = true;
		return false;
	}
	sleeper->state = TASK_RUNNING;
	hrtimer_cancel(sleeper);
	if (sleeper->on_cpu) {
		wake_after_switch(waker, sleeper);
		return true;
	}
	c = woken_cpu(sleeper);
	if (waker && by_wakelist(waker, sleeper, c))
		queue_by_wakelist(waker, sleeper, c);
	else
		wake_place(waker, sleeper);
	return true;
}

bool sched_wake(struct task *waker, struct task *sleeper)
{
	bool woken;

	if (!waker)
		return try_to_wake_up(NULL, sleeper);
	preempt_disable(waker);
	woken = try_to_wake_up(waker, sleeper);
	preempt_enable(waker);
	return woken;
}

/* ---- wake_q: who is to be woken once a lock is let go ---- */

void wake_q_add(struct task *t, struct wake_q *q, struct task *sleeper)
{
	touch_line(t, &sleeper->state_line, LINE_ATOMIC); /* usage */
	touch_line(t, &sleeper->pi_line, LINE_ATOMIC);    /* wake_q */
	if (sleeper->in_wake_q)
		return; /* whoever has queued it wakes it after this */
	sleeper->in_wake_q = true;
	sleeper->wake_q_next = NULL;
	*(q->last ? &q->last->wake_q_next : &q->first) = sleeper;
	q->last = sleeper;
}

void wake_up_q(struct task *t, struct wake_q *q)
{
	struct task *next;

	for (struct task *s = q->first; s; s = next) {
		next = s->wake_q_next;
		s->in_wake_q = false;
		sched_wake(t, s);
	}
}
