// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * table-locks: split, a spinlock in every page table, as Linux is built for 4 CPUs or more.
 */
#include "models/kernel/mm.h"

static struct spinlock *lockptr(const void *p, struct mm *mm, struct page_table *table)
{
	(void)p, (void)mm;
	return &table->ptl;
}

static const struct table_lock_ops ops = { lockptr, lockptr };
static const struct policy_choice choice = {
	.axis = AXIS_TABLE_LOCKS,
	.name = "split",
	.summary = "a spinlock in every PTE and PMD table",
	.source = "Documentation/mm/split_page_table_lock.rst",
	.ops = &ops,
};
POLICY(choice);
