/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What happens when memory is short (machine.memory.size): watermarks, kswapd, direct reclaim, and
 * what else drops pages: MADV_PAGEOUT. After mm/vmscan.c of Linux 6.12 to 6.18 without the
 * multi-generational LRU.
 */
#ifndef MODELS_KERNEL_RECLAIM_H
#define MODELS_KERNEL_RECLAIM_H

#include "models/kernel/mm.h"

#define SWAP_CLUSTER_MAX 32

void reclaim_init(struct kernel *k);
void reclaim_free(struct kernel *k);
/* Before a frame is taken while the zone is below its low watermark: wakes kswapd, and below the
 * minimum reclaims itself. Ends the run if nothing can be reclaimed. */
void reclaim_for_alloc(struct task *t);
/* Isolated folios (each with a reference of the caller's): unmaps, writes, frees what it can, puts
 * the others back. How many were freed. */
unsigned int reclaim_pages(struct task *t, uint32_t *pfn, unsigned int n);

/* MADV_FREE, MADV_COLD and MADV_PAGEOUT of a range of the task's own mm (madvise_lru.c). */
void madvise_free(struct task *t, uint64_t addr, uint64_t end);
void madvise_cold(struct task *t, uint64_t addr, uint64_t end, bool pageout);

enum ttu_flags {
	TTU_BATCH_FLUSH = 1, /* the caller flushes before it frees */
	TTU_MIGRATION = 2,   /* migration entries stay in the PTEs' place */
};
/* Unmaps the locked page everywhere. False: some PTE still maps it. */
bool try_to_unmap(struct task *t, uint32_t pfn, unsigned int flags);

#endif
