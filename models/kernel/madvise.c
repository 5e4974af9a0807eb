// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * madvise: what DONTNEED drops is zapped here, and what ages pages is in madvise_lru.c; other
 * advice takes its lock and changes nothing. Which lock DONTNEED takes is the locking policy's.
 */
#include <errno.h>

#include "models/kernel/filemap.h"
#include "models/kernel/khugepaged.h"
#include "models/kernel/ksm.h"
#include "models/kernel/mmu_notifier.h"
#include "models/kernel/reclaim.h"

METRIC(desc_ignored, "mm.advice_ignored", METRIC_COUNTER, "1", NULL,
       "madvise calls whose advice has no effect in this model");

struct advice {
	struct vma *vma; /* locked by itself, or NULL: mmap_lock */
	struct read_hold hold;
};

static void lock_advice(struct task *t, struct advice *a, uint64_t addr, uint64_t end, int advice)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_MMAP_LOCKING];
	const struct mmap_lock_ops *ops = p->choice->ops;

	a->vma = NULL;
	if (ops->madvise_takes_vma_lock(p->params, advice)) {
		a->vma = vma_start_read(t, t->mm, addr);
		if (a->vma && a->vma->end >= end)
			return;
		if (a->vma)
			vma_end_read(t, t->mm, a->vma);
		a->vma = NULL;
	}
	mmap_read_lock(t, t->mm, &a->hold);
}

static void unlock_advice(struct task *t, struct advice *a)
{
	if (a->vma)
		vma_end_read(t, t->mm, a->vma);
	else
		mmap_read_unlock(t, t->mm, &a->hold);
}

static bool one_gather(const struct task *t)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_FLUSH_GATHERING];

	return ((const struct gather_ops *)p->choice->ops)->gather_across_ranges(p->params);
}

/* Into the gather of the whole call, or, if that is NULL, into one for each VMA. */
static int zap_vmas(struct task *t, struct mmu_gather *shared, uint64_t addr, uint64_t end)
{
	struct mm *mm = t->mm;
	struct mmu_gather own, *tlb = shared ? shared : &own;
	int ret = 0;

	while (addr < end) {
		size_t i = vma_index(mm, addr);
		struct vma *vma = i < mm->nr_vmas ? mm->vmas[i] : NULL;
		uint64_t stop;

		if (!vma || vma->start >= end) {
			ret = -ENOMEM;
			break;
		}
		if (vma->start > addr) {
			ret = -ENOMEM; /* a hole: told at the end, the rest is done */
			addr = vma->start;
		}
		stop = vma->end < end ? vma->end : end;
		lru_drain_for_zap(t);
		notifier_range_start(t, mm, addr, stop);
		if (!shared)
			tlb_gather_mmu(t, tlb, mm);
		zap_range(t, tlb, vma, addr, stop, true);
		if (!shared)
			tlb_finish_mmu(t, tlb);
		notifier_range_end(t, mm, addr, stop);
		addr = stop;
	}
	return ret;
}

static int dontneed(struct task *t, uint64_t addr, uint64_t end)
{
	struct mmu_gather tlb;
	int ret;

	if (!one_gather(t))
		return zap_vmas(t, NULL, addr, end);
	tlb_gather_mmu(t, &tlb, t->mm);
	ret = zap_vmas(t, &tlb, addr, end);
	tlb_finish_mmu(t, &tlb);
	return ret;
}

static uint64_t range_end(uint64_t addr, uint64_t len)
{
	return (addr + len + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

static bool bad_range(uint64_t addr, uint64_t len)
{
	uint64_t end = range_end(addr, len);

	return addr % PAGE_SIZE || end < addr || end > TASK_SIZE;
}

/* Under the lock of the advice; shared: the call's gather or NULL. */
static int advise(struct task *t, struct mmu_gather *shared, uint64_t addr, uint64_t end,
		  int advice)
{
	if (advice == MADV_DONTNEED)
		return shared ? zap_vmas(t, shared, addr, end) : dontneed(t, addr, end);
	if (advice == MADV_FREE)
		madvise_free(t, addr, end);
	else if (advice == MADV_COLD || advice == MADV_PAGEOUT)
		madvise_cold(t, addr, end, advice == MADV_PAGEOUT);
	else
		metric_get(sim_metrics(t->k->sim), &desc_ignored, "")->value++;
	return 0;
}

/* Advice that changes nothing but flags of VMAs. */
static const struct flag_advice {
	int advice;
	unsigned int set, clear;
} flag_advice[] = {
	{ MADV_DONTFORK, VM_DONTCOPY, 0 },     { MADV_DOFORK, 0, VM_DONTCOPY },
	{ MADV_DONTDUMP, VM_DONTDUMP, 0 },     { MADV_DODUMP, 0, VM_DONTDUMP },
	{ MADV_WIPEONFORK, VM_WIPEONFORK, 0 }, { MADV_KEEPONFORK, 0, VM_WIPEONFORK },
};

static const struct flag_advice *find_flags(int advice)
{
	for (size_t i = 0; i < sizeof(flag_advice) / sizeof(*flag_advice); i++)
		if (flag_advice[i].advice == advice)
			return &flag_advice[i];
	return NULL;
}

static bool changes_vmas(int advice)
{
	return find_flags(advice) || advice == MADV_HUGEPAGE || advice == MADV_NOHUGEPAGE ||
	       advice == MADV_MERGEABLE || advice == MADV_UNMERGEABLE;
}

/* Under mmap_lock for writing, in all versions. */
static int change_vmas(struct task *t, uint64_t addr, uint64_t end, int advice)
{
	const struct flag_advice *flags = find_flags(advice);
	struct mm *mm = t->mm;
	int ret;

	mmap_write_lock(t, mm);
	spend(t, t->k->cost.madvise_base);
	if (flags)
		ret = vma_change_flags(t, mm, addr, end, flags->set, flags->clear);
	else if (advice == MADV_HUGEPAGE || advice == MADV_NOHUGEPAGE)
		ret = hugepage_madvise(t, mm, addr, end, advice);
	else
		ret = ksm_madvise(t, mm, addr, end, advice);
	mmap_write_unlock(t, mm);
	return ret;
}

int sys_madvise(struct task *t, uint64_t addr, uint64_t len, int advice)
{
	uint64_t end = range_end(addr, len);
	struct advice a;
	int ret = 0;

	syscall_enter(t);
	if (bad_range(addr, len)) {
		ret = -EINVAL;
	} else if (len && changes_vmas(advice)) {
		ret = change_vmas(t, addr, end, advice);
	} else if (advice == MADV_COLLAPSE) {
		ret = madvise_collapse(t, t->mm, addr, end);
	} else if (advice == MADV_REMOVE) {
		ret = madvise_remove(t, t->mm, addr, end);
	} else if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE) {
		ret = madvise_populate(t, t->mm, addr, end, advice);
	} else if (len) {
		lock_advice(t, &a, addr, end, advice);
		spend(t, t->k->cost.madvise_base);
		ret = advise(t, NULL, addr, end, advice);
		unlock_advice(t, &a);
	}
	syscall_exit(t);
	return ret;
}

/* The ranges of one call, under one lock (Linux 6.15) or one lock each if that is the VMA's. */
static int64_t advise_ranges(struct task *t, struct mmu_gather *shared, bool lock_each,
			     const struct user_range *range, size_t n, int advice)
{
	int64_t done = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t addr = range[i].addr, end = range_end(addr, range[i].len);
		struct advice a;
		int ret;

		spend(t, t->k->cost.madvise_base);
		if (bad_range(addr, range[i].len))
			return done ? done : -EINVAL;
		if (lock_each)
			lock_advice(t, &a, addr, end, advice);
		ret = advise(t, shared, addr, end, advice);
		if (lock_each)
			unlock_advice(t, &a);
		if (ret)
			return done ? done : ret;
		done += (int64_t)range[i].len;
	}
	return done;
}

int64_t sys_process_madvise(struct task *t, const struct user_range *range, size_t n, int advice)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_MMAP_LOCKING];
	const struct mmap_lock_ops *ops = p->choice->ops;
	bool lock_each = ops->madvise_takes_vma_lock(p->params, advice) ||
			 (ops->locks_each_range && ops->locks_each_range(p->params));
	bool gather = advice == MADV_DONTNEED && one_gather(t);
	struct mmu_gather tlb;
	struct read_hold hold;
	int64_t ret;

	syscall_enter(t);
	spend(t, t->k->cost.process_base);
	if (!lock_each)
		mmap_read_lock(t, t->mm, &hold);
	if (gather)
		tlb_gather_mmu(t, &tlb, t->mm);
	ret = advise_ranges(t, gather ? &tlb : NULL, lock_each, range, n, advice);
	if (gather)
		tlb_finish_mmu(t, &tlb);
	if (!lock_each)
		mmap_read_unlock(t, t->mm, &hold);
	syscall_exit(t);
	return ret;
}
