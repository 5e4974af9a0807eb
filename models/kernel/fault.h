/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One page fault on its way, as fault.c hands it to those who handle a part of it.
 */
#ifndef MODELS_KERNEL_FAULT_H
#define MODELS_KERNEL_FAULT_H

#include "models/kernel/mm.h"

enum fault_kind {
	FAULT_ANON,
	FAULT_ZERO,
	FAULT_FILE,
	FAULT_COW,
	FAULT_REUSE,
	FAULT_SPURIOUS,
	FAULT_SEGV,
	FAULT_HUGE,
	FAULT_SWAP,
	FAULT_READ,
	FAULT_NUMA,
	FAULT_KINDS
};

struct fault {
	struct mm *mm;
	struct vma *vma;
	bool vma_locked;
	bool retry;        /* VM_FAULT_RETRY: again, under mmap_lock */
	uint32_t wait_for; /* again when this page has been read; we hold a reference */
	bool dropped;      /* its lock was let go of */
	uint32_t moves;    /* again when this page has moved; we hold none */
	struct read_hold hold;
	uint64_t addr;
	enum user_access access;
	struct page_table *table;
	struct spinlock *ptl;
};

/* First write to a VMA: it needs an anon_vma, for which the VMA lock alone is not enough. Nobody
 * may sleep on mmap_lock while holding a VMA's: false if it can't be had at once, and the fault
 * starts over. */
bool anon_vma_prepare(struct task *t, struct fault *f);
/* The VMA's lock or mmap_lock, before the fault sleeps for long. */
void release_fault_lock(struct task *t, struct fault *f);
/* A fault of somebody who holds mmap_lock, whatever the VMA allows. */
void handle_mm_fault(struct task *t, struct fault *f);
void count_fault(struct task *t, enum fault_kind kind);
/* What a kernel step and the caches' bandwidth make of zeroing (from == PFN_ZERO) or copying. */
sim_ps page_move_time(struct task *t, uint32_t from, uint32_t to);
/* The same for one page of a huge page, whose lines come from farther away. */
sim_ps bulk_move_time(struct task *t, uint32_t from, uint32_t to);
/* A PTE or PMD that the VMA's protection has come to allow more than it does. */
static inline uint64_t pte_allow_vma(uint64_t pte, const struct vma *vma)
{
	if (pte & PTE_PROTNONE)
		pte = (pte & ~PTE_PROTNONE) | PTE_PRESENT;
	return pte & PTE_PRESENT && vma->prot & PROT_EXEC ? pte | PTE_EXEC : pte;
}

#endif
