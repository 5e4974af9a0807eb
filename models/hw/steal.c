// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * When a host takes a virtual CPU and for how long: a Poisson process over the time that it
 * executes, and a shortest stay plus an exponential one, from a named random stream a CPU.
 */
#include "models/hw/steal.h"

#include <stdlib.h>

#include "models/hw/cpu.h"

static sim_ps draw(struct steal *s, sim_ps mean)
{
	return (sim_ps)rng_exp(&s->rng, (double)mean);
}

void steal_init(struct cpu *cpu)
{
	const struct machine_desc *d = &cpu->m->desc;

	cpu->steal_at = SIM_NEVER;
	if (!d->virt.guest || !d->virt.steal_interval)
		return;
	cpu->steal = calloc(1, sizeof(*cpu->steal));
	rng_init(&cpu->steal->rng, sim_seed(cpu->m->sim), "virt.steal", cpu->id);
	cpu->steal_at = draw(cpu->steal, d->virt.steal_interval);
}

void steal_free(struct cpu *cpu)
{
	free(cpu->steal);
	cpu->steal = NULL;
}

void steal_resume(struct cpu *cpu)
{
	sim_ps now = sim_now(cpu->m->sim);

	if (cpu->steal && cpu->steal_at < now)
		cpu->steal_at = now + draw(cpu->steal, cpu->m->desc.virt.steal_interval);
}

/* The host writes to the shared line from the core that it took. */
static void tell(struct cpu *cpu, enum line_access how)
{
	struct sim *sim = cpu->m->sim;

	if (cpu->steal->line)
		line_access(cpu->m, cpu->steal->line, cpu->core, how, sim_now(sim));
}

void steal_take(struct cpu *cpu)
{
	const struct machine_desc *d = &cpu->m->desc;
	sim_ps more = d->virt.steal_mean > d->virt.steal_min
			      ? d->virt.steal_mean - d->virt.steal_min
			      : 0;
	struct sim *sim = cpu->m->sim;
	struct steal *s = cpu->steal;
	sim_ps begin = sim_now(sim);

	tell(cpu, LINE_WRITE);
	s->preempted = true;
	sim_sleep_until(sim, begin + d->virt.steal_min + draw(s, more));
	tell(cpu, LINE_ATOMIC);
	s->preempted = false;
	if (s->flush_asked) {
		tlb_flush_all(&cpu->tlb, true);
		s->flushes++;
	}
	s->flush_asked = false;
	s->times++;
	s->total += sim_now(sim) - begin;
	cpu->in_host = cpu_irq_pending(cpu, sim_now(sim));
	cpu->steal_at = sim_now(sim) + draw(s, d->virt.steal_interval);
}

bool steal_is_preempted(const struct cpu *cpu)
{
	return cpu->steal && cpu->steal->preempted;
}

bool steal_ask_flush(struct cpu *cpu)
{
	if (!steal_is_preempted(cpu))
		return false;
	cpu->steal->flush_asked = true;
	return true;
}
