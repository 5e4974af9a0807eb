// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * batched-unmap: batched, one flush for all that reclaim unmaps from one list of folios, unless no
 * other CPU can have the translation.
 */
#include "models/kernel/tlb_batch.h"

static bool should_defer(const void *p, struct task *t, struct mm *mm)
{
	(void)p;
	/* A flush of this CPU alone is cheap; broadcast hardware makes no such difference. */
	return t->k->tlb_broadcast || cpumask_any_but(&mm->cpumask, t->cpu);
}

static void flush(const void *p, struct task *t, struct tlbflush_unmap_batch *batch)
{
	(void)p;
	arch_tlbbatch_flush(t, batch);
}

static const struct unmap_ops ops = { should_defer, flush };
static const struct policy_choice choice = {
	.axis = AXIS_BATCHED_UNMAP,
	.name = "batched",
	.summary = "one flush for a batch of up to 32 folios (Linux 4.3; arm64: 6.6)",
	.source = "mm/rmap.c, try_to_unmap_flush and tlb_ubc",
	.ops = &ops,
};
POLICY(choice);
