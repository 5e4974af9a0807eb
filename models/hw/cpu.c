// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Time on a CPU: spending it, waiting on it, and interrupts that cut it short.
 */
#include "models/hw/cpu.h"

#include "models/hw/steal.h"

void cpu_init(struct cpu *cpu, struct machine *m, unsigned int id)
{
	cpu->m = m;
	cpu->id = id;
	cpu->core = machine_core_of(m, id);
	cpu->sibling = id;
	if (m->desc.topo.threads_per_core == 2)
		cpu->sibling = id < m->nr_cores ? id + m->nr_cores : id - m->nr_cores;
	for (unsigned int v = 0; v < NR_IRQS; v++)
		cpu->irq_due[v] = SIM_NEVER;
	cpu->irq_min = SIM_NEVER;
	tlb_init(&cpu->tlb, &m->desc);
	if (cpu->sibling < id)
		tlb_share(&cpu->tlb, &m->cpus[cpu->sibling].tlb, &m->desc);
	steal_init(cpu);
	cpu->idle_exit = m->desc.ipi.idle_exit;
}

static bool slowed(const struct cpu *cpu)
{
	return cpu->sibling != cpu->id && cpu->m->cpus[cpu->sibling].busy;
}

bool cpu_spend(struct cpu *cpu, sim_ps *work)
{
	struct sim *sim = cpu->m->sim;
	double factor = cpu->m->desc.smt_slowdown;

	while (*work || cpu->owed) {
		sim_ps start, need, end, used;
		bool slow;

		*work += cpu->owed;
		cpu->owed = 0;
		need = *work;
		if (cpu->steal_at <= sim_now(sim))
			steal_take(cpu);
		start = sim_now(sim);
		slow = slowed(cpu);
		if (slow)
			need = (sim_ps)((double)need * factor);
		end = start + need;
		if (!cpu->irq_off && cpu->irq_min < end) {
			end = cpu->irq_min;
			if (end <= start)
				return false;
		}
		if (cpu->steal_at < end)
			end = cpu->steal_at;
		cpu->waiting = true;
		sim_park_until(sim, end, "CPU time");
		cpu->waiting = false;
		used = sim_now(sim) - start;
		cpu->busy_ps += used;
		if (slow && used < need)
			used = (sim_ps)((double)used / factor);
		*work = used >= *work || sim_now(sim) == start + need ? 0 : *work - used;
	}
	return cpu->irq_off || cpu->irq_min > sim_now(sim);
}

void cpu_stall(struct cpu *cpu, sim_ps t)
{
	struct sim *sim = cpu->m->sim;

	if (t > sim_now(sim)) {
		cpu->busy_ps += t - sim_now(sim);
		sim_sleep_until(sim, t);
	}
}

void cpu_wait(struct cpu *cpu, sim_ps t, const char *why)
{
	struct sim *sim = cpu->m->sim;
	sim_ps start = sim_now(sim);

	if (!cpu->irq_off && cpu->irq_min < t)
		t = cpu->irq_min;
	if (cpu->busy && cpu->steal_at < t)
		t = cpu->steal_at;
	if (t <= start) {
		if (cpu->busy && cpu->steal_at <= start)
			steal_take(cpu);
		return;
	}
	cpu->waiting = true;
	sim_park_until(sim, t, why);
	cpu->waiting = false;
	if (!cpu->busy)
		return;
	cpu->busy_ps += sim_now(sim) - start;
	cpu->owed -= cpu->owed < sim_now(sim) - start ? cpu->owed : sim_now(sim) - start;
	if (cpu->steal_at <= sim_now(sim))
		steal_take(cpu);
}

void cpu_raise(struct cpu *cpu, enum irq_vector vector, sim_ps t)
{
	struct sim *sim = cpu->m->sim;

	if (t >= cpu->irq_due[vector])
		return;
	cpu->irq_due[vector] = t;
	if (t >= cpu->irq_min)
		return;
	cpu->irq_min = t;
	if (cpu->waiting && !cpu->irq_off)
		sim_unpark_at(sim, cpu->runner, t > sim_now(sim) ? t : sim_now(sim));
}

void cpu_unraise(struct cpu *cpu, enum irq_vector vector)
{
	cpu->irq_due[vector] = SIM_NEVER;
	cpu->irq_min = SIM_NEVER;
	for (unsigned int v = 0; v < NR_IRQS; v++)
		if (cpu->irq_due[v] < cpu->irq_min)
			cpu->irq_min = cpu->irq_due[v];
}

enum irq_vector cpu_irq_first(const struct cpu *cpu, sim_ps now)
{
	enum irq_vector first = NR_IRQS;

	for (unsigned int v = 0; v < NR_IRQS; v++)
		if (cpu->irq_due[v] <= now &&
		    (first == NR_IRQS || cpu->irq_due[v] < cpu->irq_due[first]))
			first = (enum irq_vector)v;
	return first;
}

enum irq_vector cpu_irq_take(struct cpu *cpu, sim_ps now)
{
	enum irq_vector first = cpu_irq_first(cpu, now);

	if (first == NR_IRQS)
		return NR_IRQS;
	cpu_unraise(cpu, first);
	return first;
}

void cpu_set_busy(struct cpu *cpu, bool busy)
{
	struct cpu *sibling = &cpu->m->cpus[cpu->sibling];

	if (cpu->busy == busy)
		return;
	cpu->busy = busy;
	if (busy)
		steal_resume(cpu);
	/* Wake the sibling's work so that it goes on at its new speed; a spin or a halt sleeps on.
	 */
	if (sibling != cpu && sibling->waiting && sibling->busy)
		sim_unpark(cpu->m->sim, sibling->runner);
}
