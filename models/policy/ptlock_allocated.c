// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * table-locks: allocated, a spinlock for every table in memory of its own, with a pointer to it in
 * the table's descriptor: one more cache line to fetch for each lock, and a slab object to make and
 * free with each table. What Linux does where a spinlock is too large for the descriptor.
 */
#include "models/kernel/mm.h"

static struct spinlock *lockptr(const void *p, struct mm *mm, struct page_table *table)
{
	(void)p, (void)mm;
	return &table->ptl;
}

static const struct table_lock_ops ops = { lockptr, lockptr, .indirect = true };
static const struct policy_choice choice = {
	.axis = AXIS_TABLE_LOCKS,
	.name = "allocated",
	.summary = "a spinlock for every table, allocated apart from its descriptor",
	.source = "include/linux/mm.h, ALLOC_SPLIT_PTLOCKS; ptdesc series v6, 2023",
	.ops = &ops,
};
POLICY(choice);
