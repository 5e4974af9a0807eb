// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * SRCU as of 6.1 to 6.18: two counters a CPU and index, a worker that sums them. A reader that has
 * taken its index but not counted yet is caught by the second scan of the next grace period.
 */
#include <stdlib.h>

#include "models/kernel/srcu.h"

METRIC(desc_gp, "srcu.grace_period", METRIC_HISTOGRAM, "ps", "srcu",
       "length of SRCU grace periods");

#define SRCU_RETRY       (5 * SIM_US)  /* between looks within one run of the worker */
#define SRCU_EXP_HOLDOFF (25 * SIM_US) /* exp_holdoff: quiet for this long, the next hurries */
#define SRCU_MAX_DELAY   10            /* jiffies */

void srcu_init(struct kernel *k, struct srcu *s, const char *name)
{
	struct line_class *class = line_class_get(k->m, "srcu");

	*s = (struct srcu){ .k = k, .name = name };
	line_init(&s->idx_line, class);
	s->cpu = calloc(k->nr_cpus, sizeof(*s->cpu));
	for (unsigned int i = 0; i < k->nr_cpus; i++)
		line_init(&s->cpu[i].line, class);
	s->gp = metric_get(sim_metrics(k->sim), &desc_gp, name);
}

void srcu_free(struct srcu *s)
{
	uint64_t locks = 0, unlocks = 0;

	for (unsigned int i = 0; i < s->k->nr_cpus; i++) {
		locks += s->cpu[i].locks[0] + s->cpu[i].locks[1];
		unlocks += s->cpu[i].unlocks[0] + s->cpu[i].unlocks[1];
		line_free(&s->cpu[i].line, s->k->m);
	}
	sim_check(s->k->sim, locks == unlocks, "lock-leak", "%llu readers of SRCU %s at the end",
		  (unsigned long long)(locks - unlocks), s->name);
	line_free(&s->idx_line, s->k->m);
	free(s->cpu);
}

static void memory_barrier(struct task *t)
{
	spend_time(t, t->k->m->desc.line.atomic);
}

unsigned int srcu_read_lock(struct task *t, struct srcu *s)
{
	unsigned int idx;

	touch_line(t, &s->idx_line, LINE_READ);
	settle(t);
	idx = s->idx;
	preempt_disable(t);
	touch_line(t, &s->cpu[t->cpu].line, LINE_WRITE);
	settle(t);
	s->cpu[t->cpu].locks[idx]++;
	preempt_enable(t);
	memory_barrier(t);
	return idx;
}

void srcu_read_unlock(struct task *t, struct srcu *s, unsigned int idx)
{
	memory_barrier(t);
	preempt_disable(t);
	touch_line(t, &s->cpu[t->cpu].line, LINE_WRITE);
	settle(t);
	s->cpu[t->cpu].unlocks[idx]++;
	preempt_enable(t);
}

/* ---- grace periods ---- */

static uint64_t sum(struct task *t, struct srcu *s, unsigned int idx, bool unlocks)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < t->k->nr_cpus; i++) {
		touch_line(t, &s->cpu[i].line, LINE_READ);
		settle(t);
		n += unlocks ? s->cpu[i].unlocks[idx] : s->cpu[i].locks[idx];
	}
	return n;
}

/* Unlocks first: a reader that is counted out was counted in before. */
static bool nobody_is_in(struct task *t, struct srcu *s, unsigned int idx)
{
	uint64_t unlocks = sum(t, s, idx, true);

	memory_barrier(t);
	return sum(t, s, idx, false) == unlocks;
}

/* Tries of one phase that an expedited grace period makes without sleeping. */
static unsigned int zero_delay_tries(const struct kernel *k)
{
	unsigned int tries = 2000000 / k->m->desc.hz_tick / 5;

	return tries < 3 ? 3 : tries > 1000 ? 1000 : tries;
}

static void wait_until_empty(struct task *t, struct srcu *s, unsigned int idx, sim_ps start,
			     bool expedited)
{
	unsigned int tries = 0, free_tries = expedited ? zero_delay_tries(t->k) : 1;

	while (!nobody_is_in(t, s, idx)) {
		uint64_t delay = 1 + to_jiffies(t->k, sim_now(t->k->sim) - start);

		if (++tries <= free_tries) {
			spend_time(t, SRCU_RETRY);
			settle(t);
			continue;
		}
		if (delay > SRCU_MAX_DELAY)
			delay = SRCU_MAX_DELAY;
		sched_sleep(t, delay * t->k->jiffy, "SRCU readers");
	}
}

static void grace_period(struct task *t, struct srcu *s, bool expedited)
{
	sim_ps start = sim_now(t->k->sim);

	if (!expedited)
		sched_sleep(t, t->k->jiffy, "SRCU, its next run");
	wait_until_empty(t, s, !s->idx, start, expedited);
	touch_line(t, &s->idx_line, LINE_WRITE);
	settle(t);
	s->idx = !s->idx;
	memory_barrier(t);
	wait_until_empty(t, s, !s->idx, start, expedited);
	hist_add(&s->gp->hist, sim_now(t->k->sim) - start);
}

static void srcu_worker(struct task *t, void *arg)
{
	struct srcu *s = arg;

	for (;;) {
		struct srcu_waiter *served;
		bool expedited;

		while (!s->waiting)
			sched_block(t, "SRCU, a callback");
		served = s->waiting;
		expedited = s->expedited;
		s->waiting = NULL;
		s->expedited = false;
		s->running = true;
		grace_period(t, s, expedited);
		s->running = false;
		s->ended = sim_now(t->k->sim);
		while (served) {
			struct srcu_waiter *w = served;

			served = w->next; /* the waiter is gone once it knows */
			w->done = true;
			sched_wake(t, w->task);
		}
	}
}

static void wait_for_gp(struct task *t, struct srcu *s, bool expedited)
{
	struct srcu_waiter w = { .task = t };

	settle(t);
	memory_barrier(t);
	w.next = s->waiting;
	s->waiting = &w;
	s->expedited |= expedited;
	if (!s->worker)
		s->worker = kthread_spawn(t->k, "srcu", srcu_worker, s);
	else
		sched_wake(t, s->worker);
	while (!w.done)
		sched_block(t, "an SRCU grace period");
}

void synchronize_srcu(struct task *t, struct srcu *s)
{
	bool quiet = !s->running && !s->waiting &&
		     sim_now(t->k->sim) >= s->ended + SRCU_EXP_HOLDOFF;

	wait_for_gp(t, s, quiet);
}

void synchronize_srcu_expedited(struct task *t, struct srcu *s)
{
	wait_for_gp(t, s, true);
}
