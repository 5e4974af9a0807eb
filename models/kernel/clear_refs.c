// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * /proc/PID/clear_refs: "4" write-protects all that is mapped, so that the next writes fault and
 * tell what is dirty (soft-dirty); "1" clears accessed bits. Under mmap_lock for writing.
 */
#include "models/kernel/huge_memory.h"
#include "models/kernel/tlb_batch.h"

METRIC(desc_cleared, "mm.clear_refs_ptes", METRIC_COUNTER, "1", NULL,
       "PTEs that clear_refs write-protected or made old");

static void clear_table(struct task *t, struct mm *mm, uint64_t addr, uint64_t end, uint64_t bits)
{
	struct spinlock *ptl;
	struct page_table *table = pte_offset_map_lock(t, mm, addr, &ptl);

	if (!table)
		return;
	flush_tlb_batched_pending(t, mm);
	for (; addr < end; addr += PAGE_SIZE) {
		uint64_t pte = table->slot.pte[pt_index(addr, PT_PTE)];

		spend(t, t->k->cost.pte_read);
		if (!(pte & PTE_PRESENT) || !(pte & bits))
			continue;
		spend(t, t->k->cost.pte_clear + t->k->cost.pte_set);
		pt_set(table, addr, pte & ~bits);
		metric_get(sim_metrics(t->k->sim), &desc_cleared, "")->value++;
	}
	pte_unmap_unlock(t, table, ptl);
}

static void clear_mm(struct task *t, struct mm *mm, uint64_t bits)
{
	for (size_t i = 0; i < mm->nr_vmas; i++) {
		uint64_t addr = mm->vmas[i]->start, end = mm->vmas[i]->end;

		for (uint64_t next; addr < end; addr = next) {
			next = (addr & ~(PMD_SIZE - 1)) + PMD_SIZE;
			next = next < end ? next : end;
			spend(t, t->k->cost.pte_read);
			if (bits & PTE_WRITE && pmd_read(mm, addr))
				split_huge_pmd(t, mm,
					       addr); /* the kernel changes the PMD in place */
			if (pt_lookup(mm, addr))
				clear_table(t, mm, addr, next, bits);
			cond_resched(t);
		}
	}
}

void sys_clear_refs(struct task *t, bool soft_dirty)
{
	struct mm *mm = t->mm;

	spend(t, t->k->cost.syscall / 2);
	mmap_write_lock(t, mm);
	if (soft_dirty) {
		for (size_t i = 0; i < mm->nr_vmas; i++)
			vma_start_write(t, mm, mm->vmas[i]);
		touch_line(t, &mm->pending_line, LINE_ATOMIC);
		settle(t);
		mm->tlb_flush_pending++;
	}
	clear_mm(t, mm, soft_dirty ? PTE_WRITE : PTE_ACCESSED);
	if (soft_dirty) {
		flush_tlb_mm(t, mm);
		touch_line(t, &mm->pending_line, LINE_ATOMIC);
		settle(t);
		mm->tlb_flush_pending--;
	}
	mmap_write_unlock(t, mm);
	spend(t, t->k->cost.syscall / 2);
	settle(t);
}
