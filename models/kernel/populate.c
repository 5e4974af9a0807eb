// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Pages faulted in ahead of use: MAP_POPULATE, and MADV_POPULATE_READ and _WRITE of Linux 5.14. By
 * get_user_pages, without exceptions: under one hold of mmap_lock for as long as no page has to be
 * waited for.
 */
#include <errno.h>

#include "models/kernel/fault.h"
#include "models/kernel/huge_memory.h"

/* follow_page: nothing is to be done. */
static bool is_there(struct task *t, const struct mm *mm, uint64_t addr, enum user_access access)
{
	uint64_t pte = leaf_read(mm, addr);

	spend(t, t->k->cost.pte_read);
	return pte & PTE_PRESENT && (access != USER_WRITE || pte & PTE_WRITE);
}

/* [addr, end) of one VMA. Returns where it does not allow the access, or where it has gone
 * meanwhile; else end or more. */
static uint64_t populate_vma(struct task *t, struct mm *mm, uint64_t addr, uint64_t end,
			     enum user_access access, struct read_hold *hold)
{
	while (addr < end) {
		if (!is_there(t, mm, addr, access)) {
			if (!fault_in_locked_page(t, mm, addr, access, hold))
				return addr;
			continue; /* looked at again, as it may be gone */
		}
		addr = leaf_read(mm, addr) & PTE_HUGE ? (addr & ~(PMD_SIZE - 1)) + PMD_SIZE
						      : addr + PAGE_SIZE;
		settle(t);
		cond_resched(t);
	}
	return addr;
}

static bool accessible(const struct vma *vma)
{
	return vma->prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
}

/* mm_populate: what may be written privately is, so that it need not be copied later. */
void mm_populate(struct task *t, struct mm *mm, uint64_t addr, uint64_t end)
{
	struct read_hold hold;

	mmap_read_lock(t, mm, &hold);
	while (addr < end) {
		size_t i = vma_index(mm, addr);
		struct vma *vma = i < mm->nr_vmas ? mm->vmas[i] : NULL;
		enum user_access access;
		uint64_t stop;

		if (!vma || vma->start >= end)
			break;
		addr = vma->start > addr ? vma->start : addr;
		stop = vma->end < end ? vma->end : end;
		access = vma->prot & PROT_WRITE && !(vma->flags & MAP_SHARED) ? USER_WRITE
									      : USER_READ;
		if (accessible(vma) && populate_vma(t, mm, addr, stop, access, &hold) < stop)
			break; /* unmapped meanwhile: nobody is told */
		addr = stop;
	}
	mmap_read_unlock(t, mm, &hold);
}

int madvise_populate(struct task *t, struct mm *mm, uint64_t addr, uint64_t end, int advice)
{
	enum user_access access = advice == MADV_POPULATE_WRITE ? USER_WRITE : USER_READ;
	struct read_hold hold;
	int ret = 0;

	mmap_read_lock(t, mm, &hold);
	while (addr < end && !ret) {
		struct vma *vma = vma_lookup(mm, addr);
		uint64_t stop = vma && vma->end < end ? vma->end : end;

		if (vma)
			addr = populate_vma(t, mm, addr, stop, access, &hold);
		if (!vma || addr < stop)
			ret = vma_lookup(mm, addr) ? -EFAULT : -ENOMEM;
	}
	mmap_read_unlock(t, mm, &hold);
	return ret;
}
