/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Huge pages of shared memory (shmem): how small pages of a page cache become one, how PTE tables
 * go afterwards in every mm that maps it (the policy axis retract), and the faults that then map it
 * by PMDs. Such a PMD has PTE_FILE and no deposited table: splitting it just unmaps it.
 */
#ifndef MODELS_KERNEL_HUGE_FILE_H
#define MODELS_KERNEL_HUGE_FILE_H

#include "models/kernel/filemap.h"
#include "models/kernel/khugepaged.h"

/* May the 2 MiB at addr of this VMA be mapped by a PMD, once its file has a huge page there? */
bool shmem_suitable(const struct vma *vma, uint64_t addr);
/* Does khugepaged look at it? As with shmem_enabled = advise. */
bool shmem_wants_huge_pages(const struct task *t, const struct vma *vma);
/* The fault finds a huge page in the file and maps it. */
bool map_huge_file(struct task *t, struct fault *f);
/* Another page of the file whose folio is locked: the fault waits for it. */
bool file_folio_locked(const struct kernel *k, uint32_t pfn);

/* The pages [index, index + 512) of the file, as they come. No locks are held; the caller has a
 * reference to the file. */
enum scan_result hpage_collapse_scan_file(struct task *t, const struct collapse_control *cc,
					  struct address_space *m, uint64_t index);

/* ---- for the policies: a locked huge page has taken the place of small ones in its file ---- */

/* Is there a PTE table of this VMA that now stands in its way? *addr: its first address. */
bool retract_candidate(const struct vma *vma, uint64_t index, uint64_t *addr);
/* The huge page that the PTE table of addr maps by PTEs, locked and with a reference; 0 if it maps
 * anything else. Under mmap_lock, or what keeps the VMA. */
uint32_t lock_pte_mapped_folio(struct task *t, struct vma *vma, uint64_t addr);
void unlock_pte_mapped_folio(struct task *t, uint32_t folio);
/* Its PTEs go, with no flush yet: pmdp_collapse_flush follows. False: another page is there. */
bool clear_pte_mapped_folio(struct task *t, struct mm *mm, uint64_t addr, uint32_t folio);
/* Under whatever keeps the table: clears its PMD, all CPUs flush. */
struct page_table *pmdp_collapse_flush(struct task *t, struct mm *mm, uint64_t addr);
/* The table has been unhooked: freed at once, or after a grace period. */
void pte_free_now(struct task *t, struct mm *mm, struct page_table *table);
void pte_free_defer(struct task *t, struct mm *mm, struct page_table *table);
/* Counts what came of one VMA: retracted, deferred, ... */
void count_retract(struct task *t, const char *what);

#endif
