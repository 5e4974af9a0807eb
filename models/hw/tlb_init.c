// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The shape of a TLB: which arrays a machine has, which page sizes share one, what each thread of a
 * core has of them.
 */
#include <string.h>

#include "models/hw/machine.h"
#include "models/hw/tlb.h"

const char *const tlb_smt_modes[] = { "none", "shared", "split", NULL };

static void level_init(struct tlb_level *level, uint32_t entries, uint32_t ways)
{
	uint32_t buckets = 16;

	level->ways = ways && ways < entries ? ways : ways ? entries : 1;
	level->sets = entries / (level->ways ? level->ways : 1);
	if (!level->ways)
		level->ways = 1;
	if (!level->sets)
		level->sets = 1;
	while (buckets < 2 * level->sets * level->ways)
		buckets *= 2;
	level->bucket_mask = buckets - 1;
}

/* An array of its own, or `shared` if the machine has none for this. */
static struct tlb_level *own_or(struct tlb *tlb, unsigned int *n, uint32_t entries, uint32_t ways,
				struct tlb_level *shared)
{
	struct tlb_level *level = &tlb->array[*n];

	if (!entries && shared)
		return shared;
	(*n)++;
	level_init(level, entries, ways);
	return level;
}

static void set_policies(struct tlb *tlb, const struct machine_desc *desc)
{
	uint32_t pcids = desc->tlb.l2_pcids;

	tlb->l1d_keeps_pcids = desc->tlb.l1d_keeps_pcids;
	/* With page-table isolation an address space has two. */
	tlb->l2_pcids = (uint8_t)(desc->flush.pti && pcids > 1 ? pcids / 2 : pcids);
	for (enum tlb_side side = TLB_DATA; side < TLB_SIDES; side++)
		for (enum tlb_size size = TLB_4K; size < TLB_SIZES; size++) {
			tlb->l1[side][size]->replacement = (uint8_t)desc->tlb.l1_replacement;
			tlb->l2[side][size]->replacement = (uint8_t)desc->tlb.l2_replacement;
			tlb->l2[side][size]->hash = (uint8_t)desc->tlb.l2_hash;
		}
}

/* What one thread of a core has of so many entries. */
static uint32_t part(const struct machine_desc *desc, uint32_t smt, uint32_t entries)
{
	bool split = smt == TLB_SMT_SPLIT && desc->topo.threads_per_core == 2;

	return split && entries > 1 ? entries / 2 : entries;
}

void tlb_init(struct tlb *tlb, const struct machine_desc *desc)
{
	struct tlb_level *(*l1)[TLB_SIZES] = tlb->l1, *(*l2)[TLB_SIZES] = tlb->l2;
	const uint32_t walk[TLB_WALK_LEVELS] = { desc->tlb.pde_entries, desc->tlb.pdpte_entries,
						 desc->tlb.pml4e_entries };
	unsigned int n = 0;

	memset(tlb, 0, sizeof(*tlb));
	tlb->contexts.deaths = tlb->walk_contexts.deaths = 1;
	l1[TLB_DATA][TLB_4K] = own_or(tlb, &n, part(desc, desc->tlb.smt_l1d, desc->tlb.l1d_entries),
				      desc->tlb.l1d_ways, NULL);
	l1[TLB_DATA][TLB_2M] = own_or(tlb, &n,
				      part(desc, desc->tlb.smt_l1d, desc->tlb.l1d_2m_entries),
				      desc->tlb.l1d_2m_ways, l1[TLB_DATA][TLB_4K]);
	l1[TLB_DATA][TLB_1G] = own_or(tlb, &n,
				      part(desc, desc->tlb.smt_l1d, desc->tlb.l1d_1g_entries),
				      desc->tlb.l1d_1g_ways, l1[TLB_DATA][TLB_2M]);
	l1[TLB_CODE][TLB_4K] = own_or(tlb, &n, part(desc, desc->tlb.smt_l1i, desc->tlb.l1i_entries),
				      desc->tlb.l1i_ways, NULL);
	l1[TLB_CODE][TLB_2M] = own_or(tlb, &n,
				      part(desc, desc->tlb.smt_l1i, desc->tlb.l1i_2m_entries),
				      desc->tlb.l1i_2m_ways, l1[TLB_CODE][TLB_4K]);
	l1[TLB_CODE][TLB_1G] = l1[TLB_CODE][TLB_2M];
	l2[TLB_DATA][TLB_4K] = own_or(tlb, &n, part(desc, desc->tlb.smt_l2, desc->tlb.l2_entries),
				      desc->tlb.l2_ways, NULL);
	l2[TLB_DATA][TLB_2M] = l2[TLB_DATA][TLB_4K];
	l2[TLB_DATA][TLB_1G] = own_or(tlb, &n,
				      part(desc, desc->tlb.smt_l2, desc->tlb.l2_1g_entries),
				      desc->tlb.l2_1g_ways, l2[TLB_DATA][TLB_4K]);
	l2[TLB_CODE][TLB_4K] = own_or(tlb, &n, part(desc, desc->tlb.smt_l2, desc->tlb.l2i_entries),
				      desc->tlb.l2i_ways, l2[TLB_DATA][TLB_4K]);
	l2[TLB_CODE][TLB_2M] = l2[TLB_CODE][TLB_4K];
	l2[TLB_CODE][TLB_1G] = desc->tlb.l2i_entries ? l2[TLB_CODE][TLB_4K] : l2[TLB_DATA][TLB_1G];
	for (unsigned int i = 0; i < TLB_WALK_LEVELS; i++)
		if (walk[i])
			level_init(&tlb->walk[i], walk[i], walk[i]);
	set_policies(tlb, desc);
}

void tlb_share(struct tlb *tlb, struct tlb *sibling, const struct machine_desc *desc)
{
	const uint32_t l1[TLB_SIDES] = { desc->tlb.smt_l1d, desc->tlb.smt_l1i };

	for (enum tlb_side side = TLB_DATA; side < TLB_SIDES; side++)
		for (enum tlb_size size = TLB_4K; size < TLB_SIZES; size++) {
			if (l1[side] == TLB_SMT_SHARED)
				tlb->l1[side][size] = sibling->l1[side][size];
			if (desc->tlb.smt_l2 == TLB_SMT_SHARED)
				tlb->l2[side][size] = sibling->l2[side][size];
		}
	tlb->contexts.thread = 1;
	tlb->contexts.other = &sibling->contexts;
	sibling->contexts.other = &tlb->contexts;
}
