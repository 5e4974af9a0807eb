// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The walker: loads from the first level that the page-walk caches do not know down to the last
 * table there is.
 */
#include "models/hw/walk.h"

#include "models/hw/usermem.h"

#define INDEX_BITS 9
#define PAGE_BITS  12

static uint64_t entry_address(uint64_t frame, uint64_t vpn, unsigned int level)
{
	uint64_t index = vpn >> (INDEX_BITS * level) & ((1u << INDEX_BITS) - 1);

	return (frame << PAGE_BITS) + index * sizeof(uint64_t);
}

/* Where the loads begin. A table that is no longer on the path was unhooked but not yet flushed:
 * the CPU finds nothing in it, and comes back from the top. */
static unsigned int begin(struct cpu *cpu, uint32_t context, uint64_t vpn,
			  const struct walk_path *path, struct tlb_entry *from, bool *known)
{
	const struct tlb_entry *e;
	unsigned int level = tlb_walk_start(&cpu->tlb, context, vpn, &e);

	*known = e != NULL;
	if (!e)
		return level;
	*from = *e;
	if (level >= path->leaf && e->pte == path->table[level].frame &&
	    e->life == path->table[level].life)
		return level;
	tlb_forget(&cpu->tlb, context, vpn);
	return WALK_LEVELS - 1;
}

sim_ps walk_tables(struct cpu *cpu, uint32_t context, uint64_t vpn, const struct walk_path *path,
		   struct tlb_entry *from, bool *known)
{
	unsigned int level = begin(cpu, context, vpn, path, from, known);
	struct machine *m = cpu->m;
	sim_ps loads = 0, first = m->mem->latency[MEM_L1];

	for (unsigned int at = level + 1; at > path->leaf; at--) {
		level = at - 1;
		loads += usermem_load(m, cpu->core,
				      entry_address(path->table[level].frame, vpn, level));
		if (level > path->leaf)
			tlb_walk_fill(&cpu->tlb, context, vpn, level,
				      (struct tlb_entry){ .pte = path->table[level - 1].frame,
							  .life = path->table[level - 1].life });
	}
	return m->desc.tlb.walk + (loads > first ? loads - first : 0);
}
