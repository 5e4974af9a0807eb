// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * IPI timing. A destination's interrupt comes due a delivery latency (by distance, with the
 * machine's jitter) after the ICR write that reaches it has begun.
 */
#include "models/hw/ipi.h"

#define X2APIC_CLUSTER 16
#define PV_IPI_WINDOW  128

static sim_ps delivery(struct machine *m, unsigned int from_core, unsigned int to_core)
{
	sim_ps latency = m->ipi_latency[machine_core_distance(m, from_core, to_core)];
	double factor = 1.0 + m->desc.ipi.jitter * rng_normal(&m->ipi_rng);

	if (factor < 0.5) /* a normal has tails that no interconnect has */
		factor = 0.5;
	return (sim_ps)((double)latency * factor);
}

/* The nth CPU that one write reaches: a host wakes them one after the other. */
static void raise_at(struct cpu *from, unsigned int target, enum irq_vector vector,
		     unsigned int nth)
{
	struct machine *m = from->m;
	struct cpu *to = &m->cpus[target];
	sim_ps host = m->desc.virt.guest ? nth * m->desc.virt.icr_target : 0;

	cpu_raise(to, vector, sim_now(m->sim) + host + delivery(m, from->core, to->core));
}

/* The sender is deaf while it is in its host, and finds what has come meanwhile on its return. */
static void icr_write(struct cpu *from, unsigned int targets)
{
	const struct machine_desc *d = &from->m->desc;
	sim_ps cost = d->virt.guest ? d->virt.icr_exit + targets * d->virt.icr_target
				    : d->ipi.icr_write;

	from->irq_off++;
	cpu_spend(from, &cost);
	from->irq_off--;
	from->in_host = d->virt.guest && cpu_irq_pending(from, sim_now(from->m->sim));
}

unsigned int ipi_send_one(struct cpu *from, unsigned int target, enum irq_vector vector)
{
	raise_at(from, target, vector, 1);
	icr_write(from, 1);
	return 1;
}

/* CPUs that one write reaches together share this key. */
static unsigned int group_of(const struct machine *m, unsigned int cpu, bool many)
{
	if (m->desc.virt.guest && m->desc.virt.pv_ipi && many)
		return cpu / PV_IPI_WINDOW;
	return m->desc.ipi.mode == IPI_X2APIC_CLUSTER ? cpu / X2APIC_CLUSTER : cpu;
}

unsigned int ipi_send(struct cpu *from, const struct cpumask *targets, enum irq_vector vector)
{
	bool many = cpumask_weight(targets) > 1;
	unsigned int writes = 0, group = UINT32_MAX;

	cpumask_for_each(cpu, targets) {
		unsigned int g = group_of(from->m, cpu, many);

		if (g != group) {
			unsigned int n = 0;

			/* The write reaches all of its group: raise them before its cost is spent.
			 */
			group = g;
			for (unsigned int c = cpu; c < NR_CPUS && group_of(from->m, c, many) == g;
			     c = cpumask_next(targets, c + 1))
				raise_at(from, c, vector, ++n);
			icr_write(from, n);
			writes++;
		}
	}
	return writes;
}
