// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * retract: mmap-trylock, what Linux did until 6.5: in every mm whose mmap_lock can be had for
 * writing at once, with an IPI to all CPUs before the table is freed. Where it cannot be had, the
 * table stays and faults go on by PTEs, until khugepaged comes by again.
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

/* khugepaged_collapse_pte_mapped_thps: at the next visit, if mmap_lock can be had then. */
static void collapse_mapped(const void *p, struct task *t, struct mm *mm, uint64_t addr)
{
	struct page_table *table = NULL;
	struct address_space *m;
	struct vma *vma;
	uint32_t folio;

	(void)p;
	if (!mmap_write_trylock(t, mm)) {
		count_retract(t, "deferred");
		return;
	}
	vma = vma_lookup(mm, addr);
	folio = lock_pte_mapped_folio(t, vma, addr);
	if (folio) {
		m = vma->mapping;
		vma_start_write(t, mm, vma);
		down_write(t, &m->i_mmap_rwsem);
		mm->changing++;
		if (clear_pte_mapped_folio(t, mm, addr, folio))
			table = pmdp_collapse_flush(t, mm, addr);
		mm->changing--;
		if (table) {
			tlb_remove_table_sync_one(t);
			pte_free_now(t, mm, table);
		}
		up_write(t, &m->i_mmap_rwsem);
		count_retract(t, table ? "retracted" : "skipped");
		unlock_pte_mapped_folio(t, folio);
	}
	mmap_write_unlock(t, mm);
}

static const struct retract_ops ops = { retract, collapse_mapped };
static const struct policy_choice choice = {
	.axis = AXIS_RETRACT,
	.name = "mmap-trylock",
	.summary = "where mmap_lock can be had for writing at once, behind an IPI to every CPU",
	.source = "mm/khugepaged.c, retract_page_tables of Linux 5.8 to 6.5",
	.ops = &ops,
};
POLICY(choice);
