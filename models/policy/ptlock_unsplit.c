// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * table-locks: unsplit, mm->page_table_lock for all tables of an mm, as Linux is built for fewer
 * than 4 CPUs. Whether it could go was asked in 2023; a sweep over CPUs answers it.
 */
#include "models/kernel/mm.h"

static struct spinlock *lockptr(const void *p, struct mm *mm, struct page_table *table)
{
	(void)p, (void)table;
	return &mm->page_table_lock;
}

static const struct table_lock_ops ops = { lockptr, lockptr };
static const struct policy_choice choice = {
	.axis = AXIS_TABLE_LOCKS,
	.name = "unsplit",
	.summary = "one page_table_lock for all tables of an mm",
	.source = "mm/Kconfig, SPLIT_PTLOCK_CPUS; linux-mm, July 2023",
	.ops = &ops,
};
POLICY(choice);
