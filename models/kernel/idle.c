// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The idle loop: halts until an interrupt (or, where idle CPUs poll, a store to their flags) brings
 * work, and pays for leaving the idle state. Also how a CPU is told to reschedule.
 */
#include <stdio.h>
#include <stdlib.h>

#include "models/hw/ipi.h"
#include "models/kernel/cpuidle.h"
#include "models/kernel/kernel.h"
#include "models/kernel/rcu.h"
#include "models/kernel/runqueue.h"
#include "models/kernel/smp.h"

/* Also where another CPU has taken what was queued: whoever queues next sees the flag and tells
 * nobody.
 */
static bool must_leave(const struct kcpu *c)
{
	return c->nr_queued || c->need_resched;
}

static void idle_once(struct task *t, struct kcpu *c)
{
	const struct machine_desc *d = &t->k->m->desc;

	cpuidle_enter(t, c);
	if (must_leave(c) || runqueue_steal(c))
		return;
	tick_nohz_idle_stop(t);
	rcu_idle(t, true);
	settle(t);
	if (must_leave(c)) {
		rcu_idle(t, false);
		return;
	}
	cpumask_set(&t->k->idle_mask, c->id);
	c->idle_halted = !d->idle_polls;
	cpuidle_halt(c);
	cpu_set_busy(c->cpu, false);
	cpu_wait(c->cpu, SIM_NEVER, "idle");
	cpu_set_busy(c->cpu, true);
	if (c->idle_halted)
		spend_time(t, cpuidle_exit(c));
	rcu_idle(t, false);
	c->cpu->irq_off++; /* the exit itself is not interrupted */
	settle(t);
	c->cpu->irq_off--;
	if (cpu_irq_pending(c->cpu, sim_now(t->k->sim)))
		handle_irqs(t);
	c->idle_halted = false;
}

/* Whoever found the queue filled has sent no interrupt. */
static void flush_woken(struct task *t, struct kcpu *c)
{
	if (!c->ttwu_pending)
		return;
	irq_disable(t);
	flush_smp_call_function_queue(t);
	irq_enable(t);
}

/* The idle task is not preempted anywhere else. */
static void schedule_idle(struct task *t)
{
	t->preempt_off--;
	schedule(t);
	t->preempt_off++;
}

static void idle_main(void *arg)
{
	struct task *t = arg;
	struct kcpu *c = this_cpu(t);

	t->preempt_off++;
	cpu_set_busy(c->cpu, true);
	for (;;) {
		c->idle_looks = true;
		while (!must_leave(c))
			idle_once(t, c);
		c->idle_looks = false;  /* before the last look: who comes later interrupts */
		c->idle_halted = false; /* also where work came before it ever halted */
		flush_woken(t, c);
		if (!t->k->m->desc.idle_polls) {
			spend_time(t, t->k->m->desc.virt.idle_leave);
			tick_nohz_idle_exit(t);
		}
		schedule_idle(t);
	}
}

void ensure_idle(struct kcpu *c)
{
	struct task *t = c->idle;
	char name[24];

	if (t->actor)
		return;
	snprintf(name, sizeof(name), "swapper/%u", c->id);
	t->actor = sim_spawn(c->k->sim, name, c->id, true, idle_main, t);
	c->cpu->runner = t->actor;
}

/* It polls, or waits in MWAIT, or has not halted yet, and has not left its loop. */
bool idle_sees_stores(const struct kcpu *c)
{
	const struct machine_desc *d = &c->k->m->desc;
	bool halted = !d->idle_polls && (!d->idle_mwait || d->virt.guest) && c->idle_halted;

	return c->idle_looks && !halted;
}

sim_ps idle_store(struct task *t, struct kcpu *c)
{
	struct line *flags = &c->idle->state_line;

	touch_line(t, flags, LINE_READ);
	touch_line(t, flags, LINE_ATOMIC);
	settle(t);
	return line_access(t->k->m, flags, c->cpu->core, LINE_READ, sim_now(t->k->sim));
}

static void send(struct task *t, struct kcpu *to, enum ipi_kind kind, enum irq_vector vector)
{
	tracepoint(t);
	settle(t);
	exit_to_host(t);
	count_ipis(t, kind, 1, to->isolated);
	ipi_send_one(this_cpu(t)->cpu, to->id, vector);
}

/* False: it does not look, and needs an interrupt. */
static bool told_by_store(struct task *t, struct kcpu *c)
{
	sim_ps seen;

	if (!idle_sees_stores(c))
		return false;
	seen = idle_store(t, c);
	if (c->idle_looks && c->cpu->waiting) /* else it looks by itself */
		sim_unpark_at(t->k->sim, c->idle->actor, seen);
	return true;
}

void send_wakeup(struct task *t, struct kcpu *to)
{
	if (!told_by_store(t, to))
		send(t, to, IPI_WAKEUP, IRQ_CALL_FUNCTION_SINGLE);
}

void resched_cpu(struct task *t, unsigned int cpu)
{
	struct kcpu *c = &t->k->cpus[cpu];

	/* On this CPU need_resched is looked at on the way out of whatever runs here. */
	if (cpu != t->cpu && !told_by_store(t, c))
		send(t, c, IPI_RESCHEDULE, IRQ_RESCHEDULE);
}
