/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Secondary TLBs: what mm operations tell those who keep translations beside the CPUs. Ranges begin
 * before PTEs change and end after the flush, and may sleep; the flush itself has a hook that must
 * not. What is done then is the policy's (axis secondary-tlbs).
 */
#ifndef MODELS_KERNEL_MMU_NOTIFIER_H
#define MODELS_KERNEL_MMU_NOTIFIER_H

#include "models/kernel/mm.h"
#include "models/kernel/srcu.h"

/* Of a kernel: one SRCU for the notifiers of all mms, one invalidation queue of the IOMMU. */
struct secondary {
	struct srcu srcu;
	struct spinlock queue_lock;
	struct metric *ranges, *invalidations, *invalidation_time;
};

void secondary_init(struct kernel *k);
void secondary_free(struct kernel *k);

/* mmu_notifier_invalidate_range_start and _end: must come in pairs. */
void notifier_range_start(struct task *t, struct mm *mm, uint64_t start, uint64_t end);
void notifier_range_end(struct task *t, struct mm *mm, uint64_t start, uint64_t end);
/* At the end of flush_tlb_mm_range, behind the CPUs' flush. */
void arch_invalidate_secondary_tlbs(struct task *t, struct mm *mm, uint64_t start, uint64_t end);
/* exit_mmap: nobody is inside any more when this returns. */
void mmu_notifier_release(struct task *t, struct mm *mm);

#endif
