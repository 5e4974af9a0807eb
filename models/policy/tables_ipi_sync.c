// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * table-freeing: ipi-sync, each table is freed at once behind an interrupt to every CPU, which
 * waits for walkers that run with interrupts off. Linux' fallback when no batch page can be had.
 */
#include "models/kernel/smp.h"
#include "models/policy/tables_common.h"

static void remove_table(const void *p, struct task *t, struct mmu_gather *tlb,
			 struct page_table *table)
{
	sim_ps unhooked_at;

	(void)p;
	settle(t);
	unhooked_at = sim_now(t->k->sim);
	tlb_flush_mmu_tlbonly(t, tlb);
	tlb_remove_table_sync_one(t);
	free_pcp_page(t, end_table(t->k, tlb->mm, table, unhooked_at));
}

static void flush(const void *p, struct task *t, struct mmu_gather *tlb)
{
	(void)p, (void)t, (void)tlb;
}

static const struct table_free_ops ops = { remove_table, flush, .frees_at_once = true };
static const struct policy_choice choice = {
	.axis = AXIS_TABLE_FREEING,
	.name = "ipi-sync",
	.summary = "each table is freed at once, behind an IPI to every CPU",
	.source = "mm/mmu_gather.c, tlb_remove_table_sync_one and tlb_remove_table_one",
	.ops = &ops,
};
POLICY(choice);
