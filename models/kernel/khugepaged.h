/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making huge pages of small ones: collapse.c does it for 2 MiB, khugepaged.c goes through the
 * address spaces that may have some, at its pace.
 */
#ifndef MODELS_KERNEL_KHUGEPAGED_H
#define MODELS_KERNEL_KHUGEPAGED_H

#include "models/kernel/huge_memory.h"

/* The VMA may have huge pages from now on: khugepaged will visit its mm. */
void khugepaged_enter_vma(struct task *t, struct vma *vma);
/* The mm ends: waits if khugepaged is in it. */
void khugepaged_exit(struct task *t, struct mm *mm);
void khugepaged_free(struct kernel *k);

const struct collapse_settings *collapse_settings(const struct task *t);

/* What came of 2 MiB, named as in the kernel's mm_khugepaged tracepoints. */
enum scan_result {
	SCAN_SUCCEED,
	SCAN_PMD_NULL,
	SCAN_PMD_MAPPED,
	SCAN_EXCEED_NONE_PTE,
	SCAN_EXCEED_SWAP_PTE,
	SCAN_EXCEED_SHARED_PTE,
	SCAN_PAGE_RO,
	SCAN_LACK_REFERENCED_PAGE,
	SCAN_PAGE_COUNT,
	SCAN_PAGE_LRU,
	SCAN_PAGE_LOCK,
	SCAN_DEL_PAGE_LRU,
	SCAN_VMA_CHECK,
	SCAN_ANY_PROCESS,
	SCAN_ALLOC_HUGE_PAGE_FAIL,
	SCAN_PAGE_FILLED,
	SCAN_RESULTS
};

/* Who collapses: khugepaged minds its limits, MADV_COLLAPSE does not. */
struct collapse_control {
	bool is_khugepaged;
};

/* Under mmap_lock for reading (*hold); tries to make 2 MiB at addr one page. *locked: false if it
 * has let go of the lock. */
enum scan_result hpage_collapse_scan_pmd(struct task *t, const struct collapse_control *cc,
					 struct mm *mm, struct vma *vma, uint64_t addr,
					 struct read_hold *hold, bool *locked);
/* MADV_COLLAPSE: takes its locks itself. */
int madvise_collapse(struct task *t, struct mm *mm, uint64_t addr, uint64_t end);

#endif
