/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the table-freeing choices share: the end of a page table.
 */
#ifndef MODELS_POLICY_TABLES_COMMON_H
#define MODELS_POLICY_TABLES_COMMON_H

#include "models/kernel/mm.h"

/* Frees one table and its frame; t == NULL after the run. */
static inline void free_one_table(struct kernel *k, struct task *t, struct mm *mm,
				  struct page_table *table, sim_ps unhooked_at)
{
	hist_add(&k->metric.table_free_delay->hist, sim_now(k->sim) - unhooked_at);
	k->metric.tables_freed->value++;
	if (t)
		free_page(t, table->pfn);
	else
		free_page_quietly(k, table->pfn);
	pt_free_table(k, mm, table);
}

#endif
