// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * table-freeing: page-batch, what Linux did on x86-64 before 6.14, but in guests with a
 * para-virtual TLB flush: tables stand in the gather's batches among the pages and are freed right
 * after the flush, whose interrupt no lockless walker can have ignored.
 */
#include <stdlib.h>

#include "models/policy/tables_common.h"

/* Grows by doubling from here. */
#define TABLES_AT_FIRST 8

static void flush(const void *p, struct task *t, struct mmu_gather *tlb)
{
	sim_ps now = sim_now(t->k->sim);

	(void)p;
	for (unsigned int i = 0; i < tlb->nr_tables; i++)
		free_pcp_page(t, end_table(t->k, tlb->mm, tlb->tables[i], now));
	tlb->nr_tables = 0;
}

/* Capacities are powers of two: full when the number is one. */
static void make_room(struct mmu_gather *tlb)
{
	unsigned int n = tlb->nr_tables;

	if (!n)
		tlb->tables = realloc(tlb->tables, TABLES_AT_FIRST * sizeof(*tlb->tables));
	else if (n >= TABLES_AT_FIRST && !(n & (n - 1)))
		tlb->tables = realloc(tlb->tables, 2 * n * sizeof(*tlb->tables));
}

static void remove_table(const void *p, struct task *t, struct mmu_gather *tlb,
			 struct page_table *table)
{
	(void)p;
	tlb->tables_take_slots = true;
	make_room(tlb);
	tlb->tables[tlb->nr_tables++] = table;
	spend(t, t->k->cost.gather_page);
	if (tlb_gather_is_full(t, tlb))
		tlb_flush_mmu(t, tlb);
}

/* Under the lock of a table that faults may wait for it cannot be freed: no PT_RECLAIM. */
static const struct table_free_ops ops = { remove_table, flush, .frees_at_once = true };
static const struct policy_choice choice = {
	.axis = AXIS_TABLE_FREEING,
	.name = "page-batch",
	.summary = "tables are freed with the gather's pages, right after its flush",
	.source = "arch/x86/include/asm/tlb.h and mm/mmu_gather.c of Linux 5.10 to 6.13",
	.ops = &ops,
};
POLICY(choice);
