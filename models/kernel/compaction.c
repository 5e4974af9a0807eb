// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Moving pages on demand: compaction (pages of the LRU lists go to other frames, 32 isolated at a
 * time, as kcompactd does it) and move_pages. What compaction is for, contiguous memory, is always
 * there in this model; what it costs others is modelled.
 */
#include "models/kernel/migrate.h"
#include "models/kernel/reclaim.h"

#define COMPACT_CLUSTER_MAX 32

uint64_t sys_compact_memory(struct task *t, uint64_t pages)
{
	static const enum lru_list lists[] = { LRU_INACTIVE_ANON, LRU_INACTIVE_FILE,
					       LRU_ACTIVE_ANON, LRU_ACTIVE_FILE };
	uint64_t moved = 0;

	spend(t, t->k->cost.syscall);
	for (unsigned int i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		while (pages) {
			uint32_t pfn[COMPACT_CLUSTER_MAX];
			unsigned int n = pages < COMPACT_CLUSTER_MAX ? (unsigned int)pages
								     : COMPACT_CLUSTER_MAX;

			lru_add_drain(t);
			n = lru_isolate(t, lists[i], n, pfn);
			if (!n)
				break;
			moved += migrate_pages(t, pfn, n, NO_NODE);
			pages -= n;
		}
	}
	settle(t);
	return moved;
}

/* Isolates what is mapped by one PTE only, as move_pages without MPOL_MF_MOVE_ALL. */
static unsigned int isolate_range(struct task *t, uint64_t addr, uint64_t n, uint32_t *pfn)
{
	unsigned int got = 0;

	for (uint64_t end = addr + n * PAGE_SIZE; addr < end; addr += PAGE_SIZE) {
		struct spinlock *ptl;
		struct page_table *table = pte_offset_map_lock(t, t->mm, addr, &ptl);
		uint64_t pte;

		if (!table)
			continue;
		spend(t, t->k->cost.pte_read);
		pte = table->slot.pte[pt_index(addr, PT_PTE)];
		if (pte & PTE_PRESENT && !(pte & PTE_ZERO) &&
		    pfn_page(t->k, pte_pfn(pte))->mapcount == 1 &&
		    folio_isolate_lru(t, pte_pfn(pte)))
			pfn[got++] = pte_pfn(pte);
		pte_unmap_unlock(t, table, ptl);
	}
	return got;
}

uint64_t sys_move_pages(struct task *t, uint64_t addr, uint64_t n, unsigned int node)
{
	uint32_t pfn[COMPACT_CLUSTER_MAX];
	struct read_hold hold;
	uint64_t moved = 0;

	spend(t, t->k->cost.syscall);
	lru_add_drain(t);
	for (uint64_t done = 0, now; done < n; done += now) {
		unsigned int got;

		now = n - done < COMPACT_CLUSTER_MAX ? n - done : COMPACT_CLUSTER_MAX;
		mmap_read_lock(t, t->mm, &hold);
		got = isolate_range(t, addr + done * PAGE_SIZE, now, pfn);
		mmap_read_unlock(t, t->mm, &hold);
		if (got)
			moved += migrate_pages(t, pfn, got, (uint8_t)node);
	}
	settle(t);
	return moved;
}
