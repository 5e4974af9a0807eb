/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the random tests of memory operations share: the window of pages that they work in, the
 * machines they run on, and the check that frames and page tables agree.
 */
#ifndef TESTS_MODELS_MM_TEST_H
#define TESTS_MODELS_MM_TEST_H

#include "tests/models/model.h"

#include "models/kernel/huge_memory.h"
#include "sim/base/datadir.h"

#define BASE (MMAP_BASE - PAGES * PAGE_SIZE)
#define HEAP UINT64_C(0x555555800000)
#define RWX  (PROT_READ | PROT_WRITE | PROT_EXEC)

enum { PAGES = 4096, HEAP_PAGES = 256, TABLE = 512 /* pages of a page table */ };

static inline uint64_t addr_of(unsigned int page)
{
	return BASE + page * PAGE_SIZE;
}

/* By frame; huge: by head. */
struct frame_use {
	uint32_t mapped, writers, huge;
};

static inline void count_frames(const struct page_table *table, struct frame_use *use)
{
	for (unsigned int i = 0; i < PTRS_PER_TABLE; i++) {
		uint64_t pte = table->slot.pte[i];
		bool huge = table->level == PT_PMD && pte & PTE_HUGE;

		if (table->level > PT_PTE && pte && !huge)
			count_frames(table->slot.child[i], use);
		if ((table->level > PT_PTE && !huge) || !pte || pte & (PTE_ZERO | PTE_FILE))
			continue;
		if (!(pte & (PTE_PRESENT | PTE_PROTNONE))) /* swapped out, or on its way */
			continue;
		use[pte_pfn(pte)].huge += huge;
		for (uint32_t f = pte_pfn(pte); f < pte_pfn(pte) + (huge ? HPAGE_PAGES : 1); f++) {
			use[f].mapped++;
			use[f].writers += (pte & PTE_WRITE) != 0;
		}
	}
}

/* No frame is mapped more often than its mapcount says, nor free while it is mapped. */
static inline void check_frames(struct kernel *k, bool shared)
{
	struct frame_use *use = calloc(k->pages->nr, sizeof(*use));

	for (const struct mm *mm = k->mms; mm; mm = mm->next)
		if (mm->pgd)
			count_frames(mm->pgd, use);
	for (uint32_t f = 2; f < k->pages->nr; f++) {
		struct page *page = pfn_page(k, f), *folio = page_folio(page);
		uint32_t mapped = use[f].mapped, huge = use[f - page->tail].huge;

		expect(k, mapped <= page->mapcount + (folio->order ? folio->pmd_maps : 0),
		       "frame %u: %u PTEs, mapcount %u, of its PMD %u", f, mapped, page->mapcount,
		       folio->pmd_maps);
		expect(k, !folio->order || huge <= folio->pmd_maps, "frame %u: %u PMDs, not %u", f,
		       huge, folio->pmd_maps);
		expect(k, !mapped || !page->free, "frame %u is free and mapped", f);
		expect(k, shared || !use[f].writers || mapped == 1,
		       "frame %u is writable and has %u PTEs", f, mapped);
	}
	free(use);
}

/* Machines that are small enough to meet each other on: settings to begin with. */
#define FOUR_CORES "topology.l3_per_socket=2", "topology.cores_per_l3=2"
#define TWO_NODES  "topology.sockets=2", "topology.l3_per_socket=1", "topology.cores_per_l3=4"

static const char *const four_cores[] = { FOUR_CORES, NULL };
/* One page-table lock for all tables of an mm, and mmap_lock for all. */
static inline const char *const *few_locks(void)
{
	static const char *const few[] = { FOUR_CORES, "table-locks=unsplit",
					   "mmap-locking=mmap-lock", NULL };

	return few;
}

/* khugepaged would change the frames that some tests follow. */
#define HUGE_PAGES "huge-pages=always", "collapse.khugepaged=false"
static const char *const huge_pages[] = { FOUR_CORES, HUGE_PAGES, NULL };

/* What the runs below are made on. */
static const char *machine;
static const char *const *settings = four_cores;

static inline void for_all_policies(void (*fn)(const char *policy))
{
	char **names;
	size_t n = datadir_list("configs/policies", ".yaml", &names);

	assert_true(n >= 5);
	for (size_t i = 0; i < n; i++)
		fn(names[i]);
	datadir_free_list(names, n);
}

#endif
