// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Interrupts that end sleeps: a timer or a device comes in on one CPU, and its handler wakes a task
 * there or elsewhere, by an IPI if need be. When a sleeper wakes by itself (sched_sleep), nobody
 * pays and no CPU is named; that is in sched.c.
 */
#include "models/kernel/hrtimer.h"

#include "models/kernel/cpuidle.h"

/* From the moment when the interrupt comes due to its handler's first step, as one_irq has it. */
static sim_ps lead(const struct kcpu *c, sim_ps out_of_idle)
{
	const struct machine_desc *d = &c->k->m->desc;

	return d->ipi.entry + c->k->cost.irq + out_of_idle;
}

static sim_ps lead_now(const struct kcpu *c)
{
	const struct machine_desc *d = &c->k->m->desc;

	if (c->curr == c->idle && c->cpu->waiting)
		return lead(c, cpuidle_latency(c));
	return lead(c, d->virt.guest ? d->virt.receive : 0);
}

static sim_ps longest_lead(const struct kcpu *c)
{
	const struct machine_desc *d = &c->k->m->desc;
	sim_ps most = d->virt.guest ? d->virt.receive : d->ipi.idle_exit;

	most = d->virt.idle_exit > most ? d->virt.idle_exit : most;
	return lead(c, d->virt.deep_exit > most ? d->virt.deep_exit : most);
}

static sim_ps before(sim_ps at, sim_ps by, sim_ps now)
{
	return at > now + by ? at - by : now;
}

/* When to look whether t's CPU is idle, so that a handler can run at `end`. */
static sim_ps hrtimer_look(const struct task *t, sim_ps end)
{
	const struct kcpu *c = &t->k->cpus[t->timer_cpu];

	return before(end, longest_lead(c), sim_now(t->k->sim));
}

static void raise_irq(struct kcpu *c, sim_ps when)
{
	ensure_idle(c);
	cpu_raise(c->cpu, IRQ_HRTIMER, when);
}

void hrtimer_start(struct task *t)
{
	struct kcpu *c = &t->k->cpus[t->timer_cpu];

	t->irq_due = before(t->timer_end, lead_now(c), sim_now(t->k->sim));
	t->next_fired = c->fired;
	c->fired = t;
	t->timer_fired = true;
	raise_irq(c, t->irq_due);
}

void hrtimer_cancel(struct task *t)
{
	struct task **link;

	if (!t->timer_fired)
		return;
	link = &t->k->cpus[t->timer_cpu].fired;
	while (*link != t)
		link = &(*link)->next_fired;
	*link = t->next_fired;
	t->timer_fired = false;
}

/* The one whose sleep ended first; NULL: none has. */
static struct task *first_due(const struct kcpu *c, sim_ps now)
{
	struct task *first = NULL;

	for (struct task *t = c->fired; t; t = t->next_fired)
		if (t->timer_end <= now && (!first || t->timer_end <= first->timer_end))
			first = t;
	return first;
}

void hrtimer_interrupt(struct task *t)
{
	struct kcpu *c = this_cpu(t);
	struct task *sleeper;

	while ((sleeper = first_due(c, sim_now(t->k->sim)))) {
		hrtimer_cancel(sleeper);
		sleeper->timer_cpu = NO_CPU;
		sched_wake(t, sleeper);
	}
	/* The way here was shorter than was thought, or it is another's interrupt. */
	for (struct task *later = c->fired; later; later = later->next_fired) {
		if (later->irq_due <= sim_now(t->k->sim))
			later->irq_due = later->timer_end;
		cpu_raise(c->cpu, IRQ_HRTIMER, later->irq_due);
	}
}

void task_sleep_for_irq(struct task *t, sim_ps duration, unsigned int cpu)
{
	settle(t);
	t->timer_end = sim_now(t->k->sim) + duration;
	t->timer_cpu = (int)cpu;
	while (t->timer_cpu != NO_CPU) {
		settle(t);
		t->timer = hrtimer_look(t, t->timer_end);
		sched_block(t, "an interrupt");
		t->timer = SIM_NEVER;
	}
}
