// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * How the current task spends time, and the interrupts that cut into it. Handlers run in the
 * context of the task that they interrupt, on its time.
 */
#include <string.h>

#include "models/hw/ipi.h"
#include "models/kernel/entry.h"
#include "models/kernel/blk.h"
#include "models/kernel/hrtimer.h"
#include "models/kernel/kernel.h"
#include "models/kernel/numa.h"
#include "models/kernel/rcu.h"
#include "models/kernel/smp.h"

/* Does an interrupt that falls into `work` meet it with interrupts disabled? */
static bool falls_into(struct task *t, sim_ps masked, sim_ps work)
{
	return masked && rng_unit(&t->k->mask_rng) * (double)work < (double)masked;
}

void settle(struct task *t)
{
	if (t->pace) {
		t->debt += t->debt * t->pace / PACE_UNIT;
		t->masked += t->masked * t->pace / PACE_UNIT;
	}
	while (t->debt) {
		sim_ps work = t->debt, all = work, masked = t->masked;

		t->debt = t->masked = 0;
		if (!cpu_spend(this_cpu(t)->cpu, &work)) {
			this_cpu(t)->irq_masked = falls_into(t, masked, all);
			handle_irqs(t);
			t->debt += work;
			t->masked += (sim_ps)((double)masked * (double)work / (double)all);
		}
	}
}

void touch_line(struct task *t, struct line *line, enum line_access how)
{
	struct machine *m = t->k->m;
	unsigned int core = this_cpu(t)->cpu->core;
	sim_ps now = sim_now(t->k->sim);

	if (line_is_hit(m, line, core, how) && line->busy_until <= now) {
		t->debt += line_access(m, line, core, how, now) - now;
		return;
	}
	settle(t);
	core = this_cpu(t)->cpu->core; /* settling may have moved the task */
	cpu_stall(this_cpu(t)->cpu, line_access(m, line, core, how, sim_now(t->k->sim)));
}

sim_ps post_store(struct task *t, struct line *line)
{
	settle(t);
	return line_access(t->k->m, line, this_cpu(t)->cpu->core, LINE_WRITE, sim_now(t->k->sim));
}

#define SOFT_LOCKUP (20 * SIM_S) /* as the kernel's watchdog; ticks would go on for ever */

void spin_wait(struct task *t, sim_ps until, const char *why)
{
	struct kcpu *c;

	if (t->debt) {
		/* What the caller looked at may have changed meanwhile, and its waker have gone. */
		settle(t);
		return;
	}
	if (t->spin_end != sim_now(t->k->sim))
		t->spin_start = sim_now(t->k->sim);
	if (sim_now(t->k->sim) - t->spin_start > SOFT_LOCKUP)
		sim_die(t->k->sim, "soft lockup: CPU %u has spun for 20 s on %s", t->cpu, why);
	c = this_cpu(t);
	cpu_wait(c->cpu, until, why);
	if (!c->cpu->irq_off && cpu_irq_pending(c->cpu, sim_now(t->k->sim)))
		handle_irqs(t);
	t->spin_end = sim_now(t->k->sim);
}

void irq_disable(struct task *t)
{
	settle(t);
	this_cpu(t)->cpu->irq_off++;
}

void irq_enable(struct task *t)
{
	struct kcpu *c = this_cpu(t);

	settle(t);
	if (--c->cpu->irq_off)
		return;
	c->irq_masked = cpu_irq_pending(c->cpu, sim_now(t->k->sim));
	if (may_preempt(c) || cpu_irq_pending(c->cpu, sim_now(t->k->sim)))
		handle_irqs(t);
}

void preempt_enable(struct task *t)
{
	sim_check(t->k->sim, t->preempt_off > 0, "preempt-balance",
		  "preempt_enable without disable");
	if (--t->preempt_off == 0) {
		struct kcpu *c = this_cpu(t);

		if (may_preempt(c) && !c->cpu->irq_off && !c->in_irq)
			schedule(t);
	}
}

/* rcu_needs_cpu; also for callbacks of what is not simulated (kernel_rcu_busy). */
static bool may_stop_tick(const struct kcpu *c)
{
	return !c->nr_queued && (!c->rcu.pending || c->rcu.offloaded) &&
	       sim_now(c->k->sim) >= c->k->rcu_busy_until;
}

/*
 * At a tick. nohz_full: whatever needs the tick starts it again. Idle: the menu governor, which
 * expects a wake-up before it, has kept it until now; haltpoll, which guests have, has stopped it
 * at once (tick_nohz_idle_stop).
 */
static bool stops_at_tick(const struct kcpu *c)
{
	if (!may_stop_tick(c))
		return false;
	if (c->curr == c->idle)
		return !c->k->m->desc.virt.guest;
	return c->isolated && c->k->m->desc.nohz_full && !c->curr->kthread;
}

/* Stopping it, and starting it again, is the same way through its timer. */
static void write_tick(struct task *t)
{
	spend(t, t->k->cost.tick_stop);
	spend_time(t, t->k->m->desc.virt.timer_write);
	settle(t);
}

void tick_nohz_idle_stop(struct task *t)
{
	struct kcpu *c = this_cpu(t);
	const struct machine_desc *d = &t->k->m->desc;

	if (!d->virt.guest || d->idle_polls || c->next_tick == SIM_NEVER || !may_stop_tick(c))
		return;
	c->next_tick = SIM_NEVER;
	cpu_unraise(c->cpu, IRQ_TICK);
	c->tick_stopped = true;
	write_tick(t);
}

void tick_nohz_idle_exit(struct task *t)
{
	struct kcpu *c = this_cpu(t);

	if (c->tick_stopped)
		write_tick(t);
	c->tick_stopped = false;
}

static void tick(struct task *t)
{
	struct kcpu *c = this_cpu(t);

	t->k->metric.ticks->value++;
	spend(t, t->k->cost.tick);
	settle(t);
	if (!stops_at_tick(c)) {
		while (c->next_tick <= sim_now(t->k->sim))
			c->next_tick += t->k->jiffy;
		cpu_raise(c->cpu, IRQ_TICK, c->next_tick);
	} else {
		c->next_tick = SIM_NEVER;
	}
	sched_tick(t);
	task_tick_numa(t);
	rcu_tick(t);
}

static void run_vector(struct task *t, enum irq_vector vector)
{
	switch (vector) {
	case IRQ_CALL_FUNCTION:
	case IRQ_CALL_FUNCTION_SINGLE:
		tracepoint(t);
		flush_smp_call_function_queue(t);
		tracepoint(t);
		break;
	case IRQ_TICK:
		tick(t);
		break;
	case IRQ_DISK:
		blk_done(t);
		break;
	case IRQ_HRTIMER:
		hrtimer_interrupt(t);
		break;
	default: /* reschedule: its work was done by who raised it */
		break;
	}
}

/* What an interrupt costs a virtual CPU before the entry: with posted interrupts those of other
 * CPUs come in without an exit; timers are its host's. */
static sim_ps arrival(const struct kcpu *c)
{
	const struct cpu *cpu = c->cpu;
	const struct machine_desc *d = &cpu->m->desc;

	if (cpu->in_host)
		return d->virt.inject;
	if (!d->virt.posted || cpu_irq_first(cpu, sim_now(cpu->m->sim)) >= IRQ_TICK)
		return d->virt.receive + (c->irq_masked ? d->virt.window : 0);
	return d->virt.posted_receive;
}

static void one_irq(struct task *t)
{
	const struct machine_desc *d = &t->k->m->desc;
	struct kcpu *c = this_cpu(t);
	enum irq_vector vector;

	c->cpu->irq_off++;
	c->in_irq = true;
	/* A guest's own timer is taken in guest mode by the same forced exit as an IPI. */
	if (d->virt.guest && !c->idle_halted)
		spend(t, arrival(c));
	c->irq_masked = false;
	c->cpu->in_host = false;
	spend(t, d->ipi.entry + t->k->cost.irq);
	settle(t);
	vector = cpu_irq_take(c->cpu, sim_now(t->k->sim));
	run_vector(t, vector);
	spend_time(t, d->ipi.exit);
	settle(t);
	c->in_irq = false;
	c->cpu->irq_off--;
}

void handle_irqs(struct task *t)
{
	struct kcpu *c = this_cpu(t);
	unsigned int held_base = t->held_base;
	bool from_user = t->in_user;
	sim_ps debt = t->debt, masked = t->masked, start = sim_now(t->k->sim), part[HOLD_PARTS];

	/* What the interrupted code still owed is not the handler's, nor are its locks. */
	t->debt = t->masked = 0;
	t->held_base = t->nr_held;
	memcpy(part, t->part, sizeof(part));
	t->in_user = false;
	if (from_user)
		enter_kernel(t);
	while (!c->cpu->irq_off && cpu_irq_pending(c->cpu, sim_now(t->k->sim)))
		one_irq(t);
	if (!c->cpu->irq_off && !c->in_irq) {
		rcu_softirq(t);
	}
	/* Whatever they did, to the locks that t holds it was an interruption. */
	memcpy(t->part, part, sizeof(part));
	t->part[HOLD_IRQ] += sim_now(t->k->sim) - start;
	if (!c->cpu->irq_off && !c->in_irq) {
		if (may_preempt(c) && !t->preempt_off)
			schedule(t);
	}
	if (from_user) /* where it gives way in any case */
		exit_kernel(t);
	t->in_user = from_user;
	t->held_base = held_base;
	t->debt += debt;
	t->masked += masked;
}
