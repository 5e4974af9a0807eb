// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Stacks: a fault below a VMA that grows down, and the gap that stays free below it.
 */
#include "models/kernel/rmap.h"

#define STACK_GUARD_GAP (256 * PAGE_SIZE)   /* stack_guard_gap */
#define STACK_LIMIT     (UINT64_C(8) << 20) /* RLIMIT_STACK, as nearly everywhere */

/* The stack that addr would belong to, if it may grow so far. */
static struct vma *stack_above(struct mm *mm, uint64_t addr)
{
	size_t i = vma_index(mm, addr);
	struct vma *vma = i < mm->nr_vmas ? mm->vmas[i] : NULL;
	const struct vma *below = i ? mm->vmas[i - 1] : NULL;

	if (!vma || !(vma->flags & MAP_GROWSDOWN) || vma->end - addr > STACK_LIMIT)
		return NULL;
	if (below && below->prot && !(below->flags & MAP_GROWSDOWN) &&
	    addr - below->end < STACK_GUARD_GAP)
		return NULL;
	return vma;
}

static void grow(struct task *t, struct vma *vma, uint64_t addr)
{
	spend_vma_store(t);
	settle(t);
	if (addr < vma->start) {
		vma->pgoff -= (vma->start - addr) >> PAGE_SHIFT;
		vma->start = addr;
	}
}

/* Until Linux 6.4: the anon_vma's lock and page_table_lock keep others away, not mmap_lock. */
static struct vma *expand_under_read_lock(struct task *t, struct mm *mm, uint64_t addr)
{
	struct vma *vma = stack_above(mm, addr);

	if (!vma)
		return NULL;
	if (!vma->anon_vma)
		anon_vma_create(t, vma);
	anon_vma_lock_write(t, vma);
	spin_lock(t, &mm->page_table_lock);
	grow(t, vma, addr);
	spin_unlock(t, &mm->page_table_lock);
	anon_vma_unlock_write(t, vma);
	return vma;
}

static struct vma *expand_under_write_lock(struct task *t, struct mm *mm, uint64_t addr)
{
	struct vma *vma = vma_lookup(mm, addr);

	if (vma) /* another thread was faster, while there was no lock */
		return vma;
	vma = stack_above(mm, addr);
	if (!vma)
		return NULL;
	if (!vma->anon_vma)
		anon_vma_create(t, vma);
	vma_start_write(t, mm, vma);
	anon_vma_lock_write(t, vma);
	grow(t, vma, addr);
	anon_vma_unlock_write(t, vma);
	return vma;
}

struct vma *expand_stack(struct task *t, struct mm *mm, uint64_t addr, struct read_hold *hold)
{
	const struct mmap_lock_ops *ops = t->k->policy.pick[AXIS_MMAP_LOCKING].choice->ops;
	struct vma *vma;

	addr &= ~(PAGE_SIZE - 1);
	if (!stack_above(mm, addr))
		return NULL;
	/* Under the write lock since Linux 6.5, that is, about when faults got the VMA's lock. */
	if (!ops->fault_takes_vma_lock)
		return expand_under_read_lock(t, mm, addr);
	if (!mmap_upgrade_trylock(t, mm, hold)) {
		mmap_read_unlock(t, mm, hold);
		mmap_write_lock(t, mm);
	}
	vma = expand_under_write_lock(t, mm, addr);
	mmap_write_downgrade(t, mm, hold);
	return vma;
}
