// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * table-freeing: rcu-sync, the tables of a gather are freed by the caller itself once it has waited
 * for a grace period of RCU: nothing is deferred and no memory stays pinned behind its back, but
 * munmap takes as long as RCU does. Expedited, it interrupts every CPU that is not idle instead.
 */
#include <stdlib.h>

#include "models/policy/tables_common.h"

struct params {
	bool expedited;
};

static const struct param params[] = { { .name = "expedited",
					 .type = PARAM_BOOL,
					 .offset = offsetof(struct params, expedited),
					 .def = "false",
					 .help = "wait for an expedited grace period: tens of "
						 "microseconds and an IPI to each busy CPU" },
				       PARAM_END };

static void remove_table(const void *p, struct task *t, struct mmu_gather *tlb,
			 struct page_table *table)
{
	unsigned int n = tlb->nr_tables;

	(void)p, (void)t;
	if (!(n & (n - 1))) /* full at each power of two */
		tlb->tables = realloc(tlb->tables, (n ? 2 * n : 1) * sizeof(*tlb->tables));
	tlb->tables[tlb->nr_tables++] = table;
}

static void flush(const void *arg, struct task *t, struct mmu_gather *tlb)
{
	const struct params *p = arg;
	sim_ps unhooked_at;

	if (!tlb->nr_tables)
		return;
	settle(t);
	unhooked_at = sim_now(t->k->sim);
	if (p->expedited)
		synchronize_rcu_expedited(t);
	else
		synchronize_rcu(t);
	while (tlb->nr_tables)
		free_pcp_page(t,
			      end_table(t->k, tlb->mm, tlb->tables[--tlb->nr_tables], unhooked_at));
}

static const struct table_free_ops ops = { remove_table, flush };
static const struct policy_choice choice = {
	.axis = AXIS_TABLE_FREEING,
	.name = "rcu-sync",
	.summary = "freed by the caller, who waits for a grace period, normal or expedited",
	.source = "linux-mm, 2025: synchronize_rcu in place of tlb_remove_table_sync_one",
	.params = params,
	.params_size = sizeof(struct params),
	.ops = &ops,
};
POLICY(choice);
