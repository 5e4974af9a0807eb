// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * batched-unmap: per-page, a flush for every PTE that reclaim clears, under its lock.
 */
#include "models/kernel/tlb_batch.h"

static bool never(const void *p, struct task *t, struct mm *mm)
{
	(void)p, (void)t, (void)mm;
	return false;
}

static void nothing(const void *p, struct task *t, struct tlbflush_unmap_batch *batch)
{
	(void)p, (void)t, (void)batch;
}

static const struct unmap_ops ops = { never, nothing };
static const struct policy_choice choice = {
	.axis = AXIS_BATCHED_UNMAP,
	.name = "per-page",
	.summary = "ptep_clear_flush: every PTE is flushed at once (until Linux 4.2; arm64: 6.5)",
	.source = "mm/rmap.c before batched unmap",
	.ops = &ops,
};
POLICY(choice);
