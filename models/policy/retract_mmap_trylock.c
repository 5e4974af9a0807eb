// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * retract: mmap-trylock, what Linux did until 6.5: in every mm whose mmap_lock can be had for
 * writing at once, with an IPI to all CPUs before the table is freed. Where it cannot be had, the
 * table stays and faults go on by PTEs (Linux came back to it at khugepaged's next visit).
 */
#include "models/kernel/huge_file.h"
#include "models/kernel/smp.h"

static void retract_one(struct task *t, struct vma *vma, uint64_t addr)
{
	struct mm *mm = vma->mm;
	struct page_table *table;

	if (!mmap_write_trylock(t, mm)) {
		count_retract(t, "deferred");
		return;
	}
	vma_start_write(t, mm, vma);
	if (!vma->anon_vma && pt_lookup(mm, addr)) {
		table = pmdp_collapse_flush(t, mm, addr);
		tlb_remove_table_sync_one(t);
		pte_free_now(t, mm, table);
		count_retract(t, "retracted");
	} else {
		count_retract(t, "skipped");
	}
	mmap_write_unlock(t, mm);
}

static void retract(const void *p, struct task *t, struct address_space *m, uint64_t index)
{
	uint64_t addr;

	(void)p;
	down_write(t, &m->i_mmap_rwsem);
	for (struct vma *vma = m->i_mmap; vma; vma = vma->i_mmap_next)
		if (retract_candidate(vma, index, &addr))
			retract_one(t, vma, addr);
	up_write(t, &m->i_mmap_rwsem);
}

static const struct retract_ops ops = { retract };
static const struct policy_choice choice = {
	.axis = AXIS_RETRACT,
	.name = "mmap-trylock",
	.summary = "where mmap_lock can be had for writing at once, behind an IPI to every CPU",
	.source = "mm/khugepaged.c, retract_page_tables of Linux 5.8 to 6.5",
	.ops = &ops,
};
POLICY(choice);
