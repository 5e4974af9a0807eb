// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * table-freeing: rcu-batch, what Linux 6.14 and later does on x86-64: tables of a gather collect in
 * a batch page and are freed by one RCU callback after a grace period, so no walker needs an IPI.
 */
#include <stdlib.h>

#include "models/policy/tables_common.h"

struct params {
	uint32_t batch;
	bool pt_reclaim;
};

static const struct param params[] = {
	{ .name = "batch",
	  .type = PARAM_U32,
	  .offset = offsetof(struct params, batch),
	  .def = "509",
	  .min = 1,
	  .max = 4096,
	  .help = "MAX_TABLE_BATCH: tables freed by one callback" },
	{ .name = "pt_reclaim",
	  .type = PARAM_BOOL,
	  .offset = offsetof(struct params, pt_reclaim),
	  .def = "true",
	  .help = "MADV_DONTNEED frees whole tables (x86-64 of 6.14)" },
	PARAM_END
};

struct batch {
	struct mm *mm;
	sim_ps unhooked_at;
	unsigned int n;
	union {
		struct page_table *table;
		uint32_t pfn; /* of one that has ended */
	} item[];
};

static void free_batch(struct kernel *k, struct task *t, void *arg)
{
	struct batch *b = arg;

	for (unsigned int i = 0; i < b->n; i++)
		b->item[i].pfn = end_table(k, b->mm, b->item[i].table, b->unhooked_at);
	for (unsigned int i = 0; t && i < b->n; i++)
		free_pcp_page(t, b->item[i].pfn);
	free(b);
}

static void flush(const void *p, struct task *t, struct mmu_gather *tlb)
{
	struct batch *b;

	(void)p;
	if (!tlb->nr_tables)
		return;
	b = malloc(sizeof(*b) + tlb->nr_tables * sizeof(b->item[0]));
	b->mm = tlb->mm;
	b->unhooked_at = sim_now(t->k->sim);
	b->n = tlb->nr_tables;
	for (unsigned int i = 0; i < b->n; i++)
		b->item[i].table = tlb->tables[i];
	tlb->nr_tables = 0;
	call_rcu_pinning(t, free_batch, b, b->n * PAGE_SIZE);
}

static void remove_table(const void *arg, struct task *t, struct mmu_gather *tlb,
			 struct page_table *table)
{
	const struct params *p = arg;

	if (!tlb->tables)
		tlb->tables = calloc(p->batch, sizeof(*tlb->tables));
	tlb->tables[tlb->nr_tables++] = table;
	if (tlb->nr_tables < p->batch)
		return;
	tlb_flush_mmu_tlbonly(t, tlb);
	flush(p, t, tlb);
}

static bool pt_reclaim(const void *p)
{
	return ((const struct params *)p)->pt_reclaim;
}

static const struct table_free_ops ops = { remove_table, flush, .pt_reclaim = pt_reclaim };
static const struct policy_choice choice = {
	.axis = AXIS_TABLE_FREEING,
	.name = "rcu-batch",
	.summary = "batches of tables are freed after an RCU grace period, without an IPI",
	.source = "mm/mmu_gather.c, tlb_remove_table with MMU_GATHER_RCU_TABLE_FREE",
	.params = params,
	.params_size = sizeof(struct params),
	.ops = &ops,
};
POLICY(choice);
