/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Anonymous memory in 2 MiB pages that a PMD maps: faults, and what every walk of page tables does
 * where it meets one. While a PMD maps a huge page, an empty PTE table lies deposited with its PMD
 * table, so that splitting cannot fail. khugepaged.h makes huge pages of small ones.
 */
#ifndef MODELS_KERNEL_HUGE_MEMORY_H
#define MODELS_KERNEL_HUGE_MEMORY_H

#include "models/kernel/fault.h"

/* Kernel-internal VMA flags, above all MAP_ flags. */
#define VM_HUGEPAGE     (1u << 27)
#define VM_NOHUGEPAGE   (1u << 28)
#define VM_UFFD_MISSING (1u << 29)
#define VM_MERGEABLE    (1u << 30)

/* The PMD that maps addr by a huge page; 0 if it does not. Costs nothing. */
uint64_t pmd_read(const struct mm *mm, uint64_t addr);
/* What maps addr: the PTE, or one made of the PMD for its 4 KiB (with PTE_HUGE); 0 if nothing. */
uint64_t leaf_read(const struct mm *mm, uint64_t addr);
void pmd_set(struct page_table *pmd, uint64_t addr, uint64_t value);

/* Keeping PTE tables ready for a split: under the PMD's lock. */
void pgtable_trans_huge_deposit(struct page_table *pmd, struct page_table *table);
/* The table takes the place of what is at addr. */
void pmd_populate(struct page_table *pmd, struct page_table *table, uint64_t addr);

/* May a huge page be at addr: by the policy axis huge-pages, the advice, and the VMA's bounds? */
bool thp_suitable(const struct task *t, const struct vma *vma, uint64_t addr);
/* An order-9 folio, charged to the memory cgroup; not zeroed. */
uint32_t alloc_anon_folio_pmd(struct task *t);

/* True: the fault is done, or must come again. False: to be handled by PTEs. */
bool huge_pmd_fault(struct task *t, struct fault *f);
/* Zaps what [addr, end) has of the huge page at addr, or splits it if that is a part; returns where
 * to go on. */
uint64_t zap_huge_pmd(struct task *t, struct mmu_gather *tlb, struct vma *vma, uint64_t addr,
		      uint64_t end);
/* From now on by PTEs. No locks held; nothing happens if it is no huge page (any more). */
void split_huge_pmd(struct task *t, struct mm *mm, uint64_t addr);
/* The parts of mprotect, fork, mremap and MADV_FREE for a huge page that is wholly inside. False:
 * there is none, or it was split. */
bool change_huge_pmd(struct task *t, struct mmu_gather *tlb, uint64_t addr, uint64_t end,
		     unsigned int prot);
bool copy_huge_pmd(struct task *t, struct mm *to, struct vma *vma, uint64_t addr);
bool move_huge_pmd(struct task *t, struct mm *mm, uint64_t old, uint64_t new, uint64_t len);
bool free_huge_pmd_lazily(struct task *t, struct mmu_gather *tlb, uint64_t addr, uint64_t end);
/* MADV_HUGEPAGE and MADV_NOHUGEPAGE, under mmap_lock for writing. */
int hugepage_madvise(struct task *t, struct mm *mm, uint64_t addr, uint64_t end, int advice);

/* Events, named as in /proc/vmstat. */
void count_thp(struct task *t, const char *event);

#endif
