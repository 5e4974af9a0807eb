/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reverse mapping: from a page to the PTEs that map it. Anonymous pages by anon_vma and its chains,
 * as Linux has them since 2.6.34 (a child's VMA hangs on its parent's anon_vmas and on one of its
 * own; one lock for the whole tree, in its root); page-cache pages by the VMAs of their file, under
 * i_mmap_rwsem. What a page cache holds is in filemap.h.
 */
#ifndef MODELS_KERNEL_RMAP_H
#define MODELS_KERNEL_RMAP_H

#include "models/kernel/mm.h"

struct anon_vma {
	struct anon_vma *root; /* itself, or where its tree's lock is; it holds a reference */
	unsigned int refs;     /* of chains, of anon_vmas below, of walkers that sleep */
	struct anon_vma_chain *chains, **last; /* in the order in which they came: see chain_link */
	struct rwsem rwsem;                    /* the root's is used */
};

/* One VMA on one anon_vma: in two lists, both changed under the root's lock for writing. */
struct anon_vma_chain {
	struct vma *vma;
	struct anon_vma *anon_vma;
	struct anon_vma_chain *same_vma; /* the VMA's next */
	struct anon_vma_chain *next, **pprev;
};

/* The first write to a VMA. Under mmap_lock; for reading, others may try the same. */
void anon_vma_create(struct task *t, struct vma *vma);
/* `to` is a part or a copy of `from` in the same mm: hangs on the same anon_vmas. */
void anon_vma_clone(struct task *t, struct vma *to, const struct vma *from);
/* `child` is the copy of `parent` in a new mm: as a clone, and an anon_vma of its own. */
void anon_vma_fork(struct task *t, struct vma *child, const struct vma *parent);
/* Before the VMA's page tables go. */
void unlink_anon_vmas(struct task *t, struct vma *vma);
/* The VMA that grew takes over what another had, if it had none itself. */
void anon_vma_take_over(struct vma *vma, struct vma *from);
void anon_vma_lock_write(struct task *t, struct vma *vma);
void anon_vma_unlock_write(struct task *t, struct vma *vma);

/* The VMA joins or leaves the VMAs of its file. */
void vma_link_file(struct task *t, struct vma *vma);
void unlink_file_vma(struct task *t, struct vma *vma);
void i_mmap_lock_write(struct task *t, struct vma *vma);
void i_mmap_unlock_write(struct task *t, struct vma *vma);

/* The page is mapped by one more PTE of the VMA; the first mapping of an anonymous page says where
 * it is found again. Costs kernel.rmap. */
void folio_add_new_anon_rmap(struct task *t, struct vma *vma, uint64_t addr, uint32_t pfn);
/* The same by a PMD, of all pages of a large folio; addr is its beginning. */
void folio_add_new_huge_rmap(struct task *t, struct vma *vma, uint64_t addr, uint32_t pfn);
/* Costs no time: the caller's step has it. */
void folio_dup_rmap(struct task *t, uint32_t pfn);
void folio_remove_rmap(struct task *t, uint32_t pfn);
/* Its only user has written to it: what it had from a parent is its own now. */
void folio_move_anon_rmap(struct task *t, const struct vma *vma, uint32_t pfn);

static inline struct anon_vma *anon_vma_root(struct anon_vma *anon)
{
	return anon->root;
}

static inline uint64_t linear_page_index(const struct vma *vma, uint64_t addr)
{
	return vma->pgoff + ((addr - vma->start) >> PAGE_SHIFT);
}

/* An anonymous page's anon_vma with a reference (NULL: it is not mapped, or a file's); and back. */
struct anon_vma *folio_get_anon_vma(struct task *t, uint32_t pfn);
void folio_put_anon_vma(struct task *t, struct anon_vma *anon);

/* Called for each place where a VMA would map the page, whether it does or not. False: enough. */
typedef bool rmap_one_fn(struct task *t, struct vma *vma, uint64_t addr, uint32_t pfn, void *arg);

/* Under the lock of the page's anon_vma or file, for reading, as long as the page is mapped. The
 * caller holds the page's lock. try_only: false if the rmap lock cannot be had at once. */
bool rmap_walk(struct task *t, uint32_t pfn, rmap_one_fn *one, void *arg, bool try_only);
/* The same where the PTEs are found by an anon_vma that the caller holds, mapped or not. */
void rmap_walk_anon_vma(struct task *t, struct anon_vma *anon, uint64_t index, rmap_one_fn *one,
			void *arg);

#endif
