// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * mremap: shrinking, growing in place, and moving to a new range: whole page tables and huge pages
 * where both sides are aligned to 2 MiB, else PTEs, with one flush for each table under both locks.
 */
#include <errno.h>

#include "models/kernel/mmu_notifier.h"
#include "models/kernel/huge_memory.h"
#include "models/kernel/rmap.h"
#include "models/kernel/tlb_batch.h"

static struct spinlock *ptl_of(struct task *t, struct page_table *table)
{
	return pte_lockptr(t, t->mm, table);
}

/* Moves what one old table holds of [old, old + len); the new side may straddle two tables, so len
 * ends at whichever boundary comes first. */
static void move_ptes(struct task *t, struct page_table *from, uint64_t old, uint64_t new,
		      uint64_t len)
{
	struct page_table *to = pt_alloc(t, t->mm, new);
	struct spinlock *first = ptl_of(t, from), *second = ptl_of(t, to);
	bool present = false;

	t->mm->changing++;
	spin_lock(t, first);
	if (second != first)
		spin_lock(t, second);
	flush_tlb_batched_pending(t, t->mm);
	for (uint64_t off = 0; off < len; off += PAGE_SIZE) {
		uint64_t pte = from->slot.pte[pt_index(old + off, PT_PTE)];

		spend(t, pte ? t->k->cost.pte_move : t->k->cost.pte_skip);
		if (!pte)
			continue;
		pt_set(from, old + off, 0);
		pt_set(to, new + off, pte);
		present |= (pte & PTE_PRESENT) != 0;
	}
	if (present)
		flush_tlb_mm_range(t, t->mm, old, old + len, false);
	t->mm->changing--;
	if (second != first)
		spin_unlock(t, second);
	spin_unlock(t, first);
}

/* A whole table at once (HAVE_MOVE_PMD), if none was left where it goes. */
static bool move_normal_pmd(struct task *t, struct page_table *table, uint64_t old, uint64_t new,
			    uint64_t len)
{
	struct mm *mm = t->mm;
	struct page_table *from = pmd_lookup(mm, old), *to;
	struct spinlock *first, *second;

	if (old % PMD_SIZE || new % PMD_SIZE || len < PMD_SIZE)
		return false;
	to = pmd_alloc(t, mm, new);
	if (to->slot.pte[pt_index(new, PT_PMD)])
		return false;
	first = pmd_lockptr(t, mm, from);
	second = pmd_lockptr(t, mm, to);
	mm->changing++;
	spin_lock(t, first);
	if (second != first)
		spin_lock(t, second);
	spend(t, t->k->cost.pte_clear + t->k->cost.pte_set);
	pmd_set(from, old, 0);
	pmd_populate(to, table, new);
	flush_tlb_mm_range(t, mm, old, old + PMD_SIZE, false);
	mm->changing--;
	if (second != first)
		spin_unlock(t, second);
	spin_unlock(t, first);
	return true;
}

static void move_page_tables(struct task *t, uint64_t old, uint64_t new, uint64_t len)
{
	while (len) {
		uint64_t step = PMD_SIZE - old % PMD_SIZE, other = PMD_SIZE - new % PMD_SIZE;
		struct page_table *from;

		step = step < other ? step : other;
		step = step < len ? step : len;
		from = move_huge_pmd(t, t->mm, old, new, step) ? NULL : pt_lookup(t->mm, old);
		if (from && !move_normal_pmd(t, from, old, new, step))
			move_ptes(t, from, old, new, step);
		cond_resched(t);
		old += step;
		new += step;
		len -= step;
	}
}

/* Pages that were touched keep their index, so that the reverse mapping finds them again. */
static void copy_vma(struct task *t, const struct vma *vma, uint64_t old, uint64_t new,
		     uint64_t new_len)
{
	struct vma *copy;

	if (!vma->mapping && !vma->anon_vma) {
		vma_insert(t, t->mm, new, new + new_len, vma->prot, vma->flags);
		return;
	}
	spend_vma_alloc(t);
	spend_vma_store(t);
	copy = vma_insert_copy(t, t->mm, new, new + new_len, linear_page_index(vma, old), vma);
	anon_vma_clone(t, copy, vma);
}

static int64_t move_vma(struct task *t, struct vma *vma, uint64_t old, uint64_t old_len,
			uint64_t new_len, unsigned int flags, uint64_t new)
{
	struct mm *mm = t->mm;

	if (!(flags & MREMAP_FIXED))
		new = vma_find_gap(mm, new_len);
	if (!new)
		return -ENOMEM;
	vma_start_write(t, mm, vma);
	if (flags & MREMAP_FIXED)
		do_munmap_locked(t, mm, new, new + new_len);
	copy_vma(t, vma_lookup(mm, old), old, new, new_len);
	notifier_range_start(t, mm, old, old + old_len);
	move_page_tables(t, old, new, old_len < new_len ? old_len : new_len);
	notifier_range_end(t, mm, old, old + old_len);
	do_munmap_locked(t, mm, old, old + old_len);
	return (int64_t) new;
}

/* Shrinking lets go of mmap_lock as munmap does: *unlocked. */
static int64_t do_mremap(struct task *t, uint64_t old, uint64_t old_len, uint64_t new_len,
			 unsigned int flags, uint64_t new, bool *unlocked)
{
	struct mm *mm = t->mm;
	struct vma *vma = vma_lookup(mm, old);
	size_t i = vma_index(mm, old);

	if (flags & MREMAP_FIXED && new < old + old_len &&old < new + new_len)
		return -EINVAL; /* onto itself */
	if (!vma || old + old_len > vma->end)
		return -EFAULT;
	if (!(flags & MREMAP_FIXED) && new_len <= old_len) {
		*unlocked = new_len < old_len;
		if (*unlocked)
			do_munmap_downgrade(t, mm, old + new_len, old + old_len);
		return (int64_t)old;
	}
	if (!(flags & MREMAP_FIXED) && old + old_len == vma->end &&
	    (i + 1 == mm->nr_vmas || mm->vmas[i + 1]->start >= old + new_len)) {
		vma_start_write(t, mm, vma);
		spend_vma_store(t);
		i_mmap_lock_write(t, vma);
		anon_vma_lock_write(t, vma);
		vma->end = old + new_len;
		anon_vma_unlock_write(t, vma);
		i_mmap_unlock_write(t, vma);
		return (int64_t)old;
	}
	if (!(flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	return move_vma(t, vma, old, old_len, new_len, flags, new);
}

int64_t sys_mremap(struct task *t, uint64_t old, uint64_t old_len, uint64_t new_len,
		   unsigned int flags, uint64_t new_addr)
{
	int64_t ret = -EINVAL;
	bool unlocked = false;

	syscall_enter(t);
	old_len = (old_len + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	new_len = (new_len + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	if (old % PAGE_SIZE == 0 && new_addr % PAGE_SIZE == 0 && new_len && old_len &&
	    new_len < TASK_SIZE) {
		mmap_write_lock(t, t->mm);
		spend_mmap_base(t);
		settle(t);
		ret = do_mremap(t, old, old_len, new_len, flags, new_addr, &unlocked);
		if (!unlocked)
			mmap_write_unlock(t, t->mm);
	}
	syscall_exit(t);
	return ret;
}
