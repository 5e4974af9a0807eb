/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the random tests of memory operations share: the window of pages that they work in, the
 * machines they run on, and the check that frames and page tables agree.
 */
#ifndef TESTS_MODELS_MM_TEST_H
#define TESTS_MODELS_MM_TEST_H

#include "tests/models/model.h"

#include "sim/base/datadir.h"

#define BASE (MMAP_BASE - PAGES * PAGE_SIZE)
#define HEAP UINT64_C(0x555555800000)
#define RWX  (PROT_READ | PROT_WRITE | PROT_EXEC)
#ifndef MREMAP_MAYMOVE /* a GNU extension of sys/mman.h */
#define MREMAP_MAYMOVE 1
#define MREMAP_FIXED   2
#endif

enum { PAGES = 4096, HEAP_PAGES = 256, TABLE = 512 /* pages of a page table */ };

static inline uint64_t addr_of(unsigned int page)
{
	return BASE + page * PAGE_SIZE;
}

static inline void count_frames(const struct page_table *table, uint32_t *mapped, uint32_t *writers)
{
	for (unsigned int i = 0; i < PTRS_PER_TABLE; i++) {
		uint64_t pte = table->slot.pte[i];

		if (table->level > PT_PTE && table->slot.child[i])
			count_frames(table->slot.child[i], mapped, writers);
		if (table->level > PT_PTE || !pte || pte & (PTE_ZERO | PTE_FILE))
			continue;
		mapped[pte_pfn(pte)]++;
		writers[pte_pfn(pte)] += (pte & PTE_WRITE) != 0;
	}
}

/* No frame is mapped more often than its mapcount says, nor free while it is mapped. */
static inline void check_frames(struct kernel *k, bool shared)
{
	uint32_t *mapped = calloc(k->pages->nr, 4), *writers = calloc(k->pages->nr, 4);

	for (const struct mm *mm = k->mms; mm; mm = mm->next)
		if (mm->pgd)
			count_frames(mm->pgd, mapped, writers);
	for (uint32_t f = 2; f < k->pages->nr; f++) {
		expect(k, mapped[f] <= pfn_page(k, f)->mapcount, "frame %u: %u PTEs, mapcount %u",
		       f, mapped[f], pfn_page(k, f)->mapcount);
		expect(k, !mapped[f] || !pfn_page(k, f)->free, "frame %u is free and mapped", f);
		expect(k, shared || !writers[f] || mapped[f] == 1,
		       "frame %u is writable and has %u PTEs", f, mapped[f]);
	}
	free(mapped);
	free(writers);
}

static const char *const eight_cpus[] = { "topology.l3_per_socket", "2", "topology.cores_per_l3",
					  "2", NULL };

/* What the runs below are made on. */
static const char *machine;
static const char *const *settings = eight_cpus;

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
