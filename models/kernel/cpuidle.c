// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The menu governor in outline (Documentation/admin-guide/pm/cpuidle.rst of Linux 6.15), without
 * its corrections for timers and load, and leave_mm of intel_idle's states that lose the TLB.
 */
#include "models/kernel/cpuidle.h"

#include "models/kernel/code_cache.h"
#include "models/kernel/mm.h"

METRIC(desc_deep, "sched.deep_idle", METRIC_COUNTER, "1", NULL,
       "halts in the deep idle state, which loses the TLB");

#define CLOSE_VARIANCE (400.0 * SIM_US * SIM_US) /* always close together */
#define CLOSE_SIGMAS   6.0 /* or where the mean is greater than so many standard deviations */
#define MOST_DROPPED   (IDLE_INTERVALS / 4)

sim_ps idle_typical_interval(const sim_ps *times, unsigned int n)
{
	double left[IDLE_INTERVALS];

	if (n < IDLE_INTERVALS)
		return SIM_NEVER;
	for (unsigned int i = 0; i < n; i++)
		left[i] = (double)times[i];
	for (unsigned int dropped = 0; dropped <= MOST_DROPPED; dropped++) {
		double mean = 0, variance = 0;
		unsigned int farthest = 0;

		for (unsigned int i = 0; i < n; i++)
			mean += left[i];
		mean /= n;
		for (unsigned int i = 0; i < n; i++) {
			double d = left[i] - mean, f = left[farthest] - mean;

			variance += d * d / n;
			farthest = d * d > f * f ? i : farthest;
		}
		if (variance <= CLOSE_VARIANCE ||
		    mean * mean > CLOSE_SIGMAS * CLOSE_SIGMAS * variance)
			return (sim_ps)mean;
		left[farthest] = left[--n];
	}
	return SIM_NEVER;
}

static bool has_deep_state(const struct kcpu *c)
{
	const struct machine_desc *d = &c->k->m->desc;

	return d->ipi.deep_exit && !d->virt.guest && !d->idle_polls;
}

/* The tick, or a sleeper that was last here: its timer is on this CPU. */
static sim_ps until_timer(const struct kcpu *c)
{
	sim_ps now = sim_now(c->k->sim), next = c->cpu->irq_due[IRQ_TICK];

	for (const struct task *t = c->k->tasks; t; t = t->next)
		if ((t->timer_cpu == NO_CPU ? t->cpu : (unsigned int)t->timer_cpu) == c->id &&
		    t->state == TASK_BLOCKED && t->timer < next)
			next = t->timer;
	if (next == SIM_NEVER)
		return SIM_NEVER;
	return next > now ? next - now : 0;
}

void cpuidle_enter(struct task *idle, struct kcpu *c)
{
	struct idle_history *h = &c->idle_history;
	sim_ps typical, timer;

	h->deep = false;
	if (!has_deep_state(c))
		return;
	typical = idle_typical_interval(h->recent, h->n);
	timer = until_timer(c);
	h->deep = (typical < timer ? typical : timer) >= c->k->m->desc.ipi.deep_residency;
	if (!h->deep || !c->tlbstate.loaded_mm)
		return;
	irq_disable(idle);
	switch_mm_irqs_off(idle, NULL); /* leave_mm */
	irq_enable(idle);
}

void cpuidle_halt(struct kcpu *c)
{
	struct idle_history *h = &c->idle_history;

	h->since = sim_now(c->k->sim);
	c->cpu->idle_exit = c->k->m->desc.ipi.idle_exit;
	if (!h->deep)
		return;
	c->cpu->idle_exit = c->k->m->desc.ipi.deep_exit;
	tlb_flush_all(&c->cpu->tlb, true);
	metric_get(sim_metrics(c->k->sim), &desc_deep, "")->value++;
}

/* Of a guest: its host idles by a governor of its own, which is told here by how long it has been.
 */
static bool host_sleeps_deeply(const struct kcpu *c)
{
	const struct machine_desc *d = &c->k->m->desc;

	return d->virt.guest && d->virt.deep_exit &&
	       sim_now(c->k->sim) - c->idle_history.since >= d->virt.deep_residency;
}

sim_ps cpuidle_latency(const struct kcpu *c)
{
	const struct machine_desc *d = &c->k->m->desc;

	if (d->idle_polls)
		return 0;
	if (!d->virt.guest)
		return c->cpu->idle_exit;
	return host_sleeps_deeply(c) ? d->virt.deep_exit : d->virt.idle_exit;
}

/* A host takes longer one time than another. Not where a timer ends a sleep: it comes due early
 * enough for its end to be where it was recorded (hrtimer.c). */
static sim_ps with_jitter(struct kcpu *c, sim_ps latency)
{
	double jitter = c->k->m->desc.virt.idle_jitter, factor;

	if (jitter <= 0 || cpu_irq_first(c->cpu, sim_now(c->k->sim)) == IRQ_HRTIMER)
		return latency;
	factor = 1.0 + jitter * rng_normal(&c->k->idle_rng);
	return (sim_ps)((double)latency * (factor < 0.5 ? 0.5 : factor));
}

sim_ps cpuidle_exit(struct kcpu *c)
{
	struct idle_history *h = &c->idle_history;
	sim_ps latency = with_jitter(c, cpuidle_latency(c));

	h->recent[h->next] = sim_now(c->k->sim) - h->since;
	if (host_sleeps_deeply(c))
		code_cache_lose(c->code, &c->k->code_model);
	h->next = (h->next + 1) % IDLE_INTERVALS;
	h->n += h->n < IDLE_INTERVALS;
	return latency;
}
