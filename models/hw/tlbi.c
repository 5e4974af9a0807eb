// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The interconnect serves one broadcast invalidation after the other. Each reaches the farthest CPU
 * of the machine, whether that uses the address space or not: hardware keeps no mm_cpumask.
 */
#include "models/hw/tlbi.h"

static enum distance farthest(const struct machine *m, unsigned int core)
{
	enum distance first = machine_core_distance(m, core, 0);
	enum distance last = machine_core_distance(m, core, m->nr_cores - 1);

	return first > last ? first : last;
}

void tlbi_send(struct cpu *from, uint64_t n)
{
	struct machine *m = from->m;
	sim_ps now = sim_now(m->sim), begin = m->broadcast_free > now ? m->broadcast_free : now;

	if (!n)
		return;
	m->broadcast_free = begin + n * m->desc.flush.tlbi_occupancy;
	from->tlbi_done = m->broadcast_free + m->desc.flush.dsb_base +
			  (sim_ps)farthest(m, from->core) * m->desc.flush.dsb_remote;
}

sim_ps tlbi_complete_at(const struct cpu *from)
{
	sim_ps now = sim_now(from->m->sim);

	return from->tlbi_done > now ? from->tlbi_done : now;
}

uint64_t tlbi_ops(uint64_t pages, bool range)
{
	uint64_t ops = pages & 1;

	if (!range)
		return pages;
	for (uint64_t pairs = pages / 2; pairs; pairs /= 32)
		ops += pairs % 32 != 0;
	return ops;
}
