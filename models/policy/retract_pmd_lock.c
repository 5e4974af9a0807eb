// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * retract: pmd-lock, what Linux does since 6.6: in every mm, whoever uses it, under the locks of
 * the PMD and of the PTE table alone; the table is freed by RCU, for somebody may still walk it.
 */
#include "models/kernel/huge_file.h"

static void retract_one(struct task *t, struct vma *vma, uint64_t addr)
{
	struct mm *mm = vma->mm;
	struct spinlock *pml = pmd_lockptr(t, mm, pmd_lookup(mm, addr)), *ptl;
	struct page_table *table;

	spin_lock(t, pml);
	table = pt_lookup(mm, addr);
	ptl = table ? pte_lockptr(t, mm, table) : pml;
	if (ptl != pml)
		spin_lock(t, ptl);
	if (table && !vma->anon_vma)
		pmdp_collapse_flush(t, mm, addr);
	else
		table = NULL;
	if (ptl != pml)
		spin_unlock(t, ptl);
	spin_unlock(t, pml);
	count_retract(t, table ? "retracted" : "skipped");
	if (table)
		pte_free_defer(t, mm, table);
}

static void retract(const void *p, struct task *t, struct address_space *m, uint64_t index)
{
	struct read_hold hold;
	uint64_t addr;

	(void)p;
	down_read(t, &m->i_mmap_rwsem, &hold);
	for (struct vma *vma = m->i_mmap; vma; vma = vma->i_mmap_next)
		if (retract_candidate(vma, index, &addr))
			retract_one(t, vma, addr);
	up_read(t, &m->i_mmap_rwsem, &hold);
}

/* collapse_pte_mapped_thp, under mmap_lock for reading. What is cleared is flushed with the PMD. */
static void collapse_mapped(const void *p, struct task *t, struct mm *mm, uint64_t addr)
{
	struct read_hold hold;
	struct vma *vma;
	uint32_t folio;

	(void)p;
	mmap_read_lock(t, mm, &hold);
	vma = vma_lookup(mm, addr);
	folio = lock_pte_mapped_folio(t, vma, addr);
	mm->changing++;
	if (folio && clear_pte_mapped_folio(t, mm, addr, folio))
		retract_one(t, vma, addr);
	mm->changing--;
	if (folio)
		unlock_pte_mapped_folio(t, folio);
	mmap_read_unlock(t, mm, &hold);
}

static const struct retract_ops ops = { retract, collapse_mapped };
static const struct policy_choice choice = {
	.axis = AXIS_RETRACT,
	.name = "pmd-lock",
	.summary = "under the PMD's and the table's lock, the table freed by RCU",
	.source = "Hugh Dickins, mm: free retracted page table by RCU, Linux 6.6",
	.ops = &ops,
};
POLICY(choice);
