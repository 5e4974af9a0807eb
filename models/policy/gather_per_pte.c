// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * flush-gathering: per-pte, the absence of batching: every PTE that is cleared is flushed on all
 * CPUs at once, under its lock. What gathering saves is told by comparing with this.
 */
#include "models/kernel/mm.h"

static void pte_cleared(const void *p, struct task *t, struct mmu_gather *tlb, uint64_t addr)
{
	(void)p, (void)addr;
	tlb_flush_mmu_tlbonly(t, tlb);
}

static unsigned int max_pages(const void *p)
{
	(void)p;
	return 1; /* the page is free as soon as its flush is done */
}

static bool gather_across_ranges(const void *p)
{
	(void)p;
	return false;
}

static const struct gather_ops ops = { pte_cleared, max_pages, gather_across_ranges };
static const struct policy_choice choice = {
	.axis = AXIS_FLUSH_GATHERING,
	.name = "per-pte",
	.summary = "a flush on all CPUs for every PTE, under its lock",
	.source = "what ptep_clear_flush does for one PTE, applied to all",
	.ops = &ops,
};
POLICY(choice);
