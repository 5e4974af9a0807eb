/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Swap: slots in clusters with a lock each, counts of the PTEs that name a slot, the swap cache
 * (which page holds a slot's contents), and the fault that brings a page back. As Linux 6.18: a
 * CPU allocates from a cluster of its own, whose lock guards the cache of its slots, too.
 */
#ifndef MODELS_KERNEL_SWAP_H
#define MODELS_KERNEL_SWAP_H

#include "models/kernel/mm.h"

/* A PTE that names a slot: PTE_SWAP, the slot where a frame would be, PTE_WRITE if nobody else has
 * the page (pte_swp_exclusive). */
static inline uint64_t swap_pte(uint32_t slot, bool exclusive)
{
	return (uint64_t)slot << PAGE_SHIFT | PTE_SWAP | (exclusive ? PTE_WRITE : 0);
}

void swap_init(struct kernel *k);
void swap_free(struct kernel *k);
/* After the run: pages that only the swap cache still holds go. */
void swap_drain(struct kernel *k);

/* The locked page gets a slot and enters the swap cache, dirty. False: swap is full. */
bool add_to_swap(struct task *t, uint32_t pfn);
/* What is written to the page's slot. */
void swap_write_contents(struct kernel *k, uint32_t pfn);
/* One more or one less PTE names the slot; with the last its page goes, too, if it can. */
void swap_duplicate(struct task *t, uint32_t slot);
void free_swap_and_cache(struct task *t, uint32_t slot);
/* Takes the locked page out of the cache. */
void delete_from_swap_cache(struct task *t, uint32_t pfn);
/* Another frame takes the place of a cached page. */
void swap_cache_replace(struct task *t, uint32_t from, uint32_t to);
/* The same if no PTE names its slot any more: from then on its only copy is the page. */
bool folio_free_swap(struct task *t, uint32_t pfn);
/* A page that is mapped once: its slot is of no use if it is written to. */
void drop_swap_copy(struct task *t, uint32_t pfn);
/* Of an unmapped page that is about to lose its last user. */
void free_swap_cache(struct task *t, uint32_t pfn);

/*
 * A fault on a PTE that names a slot. 0: done, or the PTE has changed and the access comes again.
 * Otherwise the page that must be waited for, with a reference, after all locks are dropped.
 */
uint32_t do_swap_page(struct task *t, struct vma *vma, uint64_t addr, uint64_t pte, bool write);

#endif
