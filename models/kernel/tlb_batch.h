/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Unmapping in batches: reclaim and migration clear PTEs of many pages, note the CPUs that may hold
 * their translations (tlb_ubc of the task), and flush once before any of the pages goes on. Which
 * PTEs may wait, and how the batch is flushed, is the policy axis batched-unmap.
 */
#ifndef MODELS_KERNEL_TLB_BATCH_H
#define MODELS_KERNEL_TLB_BATCH_H

#include "models/kernel/mm.h"

struct tlbflush_unmap_batch {
	struct cpumask cpumask;
	bool flush_required, writable;
	/* The truth, for the checks: mms whose PTEs are ahead of the TLBs. */
	struct mm **mms;
	size_t nr_mms, cap_mms;
};

/* May the flush of a PTE that was just cleared wait? Else it is flushed at once. */
bool should_defer_flush(struct task *t, struct mm *mm);
/* It waits. Under the PTL. */
void set_tlb_ubc_flush_pending(struct task *t, struct mm *mm, uint64_t addr, uint64_t pte);
/* All that waits in this task's batch is flushed. */
void try_to_unmap_flush(struct task *t);
/* The same if a page in it may have been written to through a stale translation. */
void try_to_unmap_flush_dirty(struct task *t);
/* Under a PTL, before PTEs are changed: what reclaim may have left unflushed in this mm goes first.
 */
void flush_tlb_batched_pending(struct task *t, struct mm *mm);
/* What Linux' batches do on x86, Arm and with INVLPGB: the shootdown policy knows. */
void arch_tlbbatch_add_pending(struct task *t, struct mm *mm, uint64_t addr,
			       struct tlbflush_unmap_batch *batch);
void arch_tlbbatch_flush(struct task *t, struct tlbflush_unmap_batch *batch);
void tlb_batch_free(struct task *t);

#endif
