// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Microcode's time. A halted core leaves its idle state for it, in hardware only, and loses nothing
 * else by it.
 */
#include "models/hw/rar.h"

sim_ps rar_arrive(struct cpu *to, sim_ps at, uint64_t pages)
{
	const struct machine_desc *d = &to->m->desc;
	sim_ps cost = d->flush.rar_base + (pages ? pages * d->flush.rar_page : d->flush.cr3_write);
	sim_ps begin = at > to->rar_free ? at : to->rar_free;

	if (to->busy)
		to->owed += cost;
	else if (!d->idle_polls)
		begin += to->idle_exit;
	to->rar_free = begin + cost;
	return to->rar_free;
}
