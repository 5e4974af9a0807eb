/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the table-freeing choices share: the end of a page table.
 */
#ifndef MODELS_POLICY_TABLES_COMMON_H
#define MODELS_POLICY_TABLES_COMMON_H

#include "models/kernel/mm.h"

/* As pt_end_table, with the time that the table was unhooked. */
static inline uint32_t end_table(struct kernel *k, struct mm *mm, struct page_table *table,
				 sim_ps unhooked_at)
{
	hist_add(&k->metric.table_free_delay->hist, sim_now(k->sim) - unhooked_at);
	return pt_end_table(k, mm, table);
}

#endif
