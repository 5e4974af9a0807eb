/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Page caches: the pages of a file (or of shared anonymous memory, which is one of shmem), by
 * index. A page takes a frame when it is first mapped and counts as having been read before the
 * run; it leaves its file by reclaim, through a hole, or when nobody maps or holds the file any
 * more.
 */
#ifndef MODELS_KERNEL_FILEMAP_H
#define MODELS_KERNEL_FILEMAP_H

#include "models/kernel/rmap.h"

struct hole_waiter;

struct address_space {
	unsigned int refs;    /* of VMAs, of open files, of rmap walkers */
	struct rwsem i_rwsem; /* the inode's: of those who change the file */
	struct spinlock i_lock;
	const struct hole *punched; /* now, see truncate.c; this and the next under i_lock */
	struct hole_waiter *hole_waiters;
	struct rwsem i_mmap_rwsem;
	struct vma **i_mmap_last;
	struct vma *i_mmap;       /* VMAs that map the file */
	struct line i_pages_line; /* xa_lock of the tree */
	uint64_t nr_dirty;        /* pages */
	bool on_dirty_list;
	struct address_space *next_dirty; /* on the list of writeback.c */
	uint32_t **leaf;                  /* of 512 frames each; 0 = never used */
	uint64_t nr_leaves;
	bool huge; /* it has had a huge page: faults look for one */
};

struct address_space *address_space_create(struct kernel *k);
/* The last one frees the pages. */
void address_space_put(struct kernel *k, struct address_space *m);

/* The page at an index: the frame that is there, or one that takes no time to come. 0: it was
 * dropped, or memory is short, and it must be read; or it is a hole. */
uint32_t filemap_get_folio(struct kernel *k, struct address_space *m, uint64_t index);
/* Reads it: the page, locked until it has come, with a reference; 0: somebody else has begun. */
uint32_t filemap_read_folio(struct task *t, struct address_space *m, uint64_t index);
bool filemap_is_hole(struct address_space *m, uint64_t index);
/* A zeroed page for it, if it still is one. */
void filemap_fill_hole(struct task *t, struct address_space *m, uint64_t index);
/* Locked and held pages and whole huge pages, which nobody maps, make room for holes. */
void filemap_delete(struct task *t, struct address_space *m, const uint32_t *pfn, unsigned int n);
/* What is at an index, 0 if nothing; and the first index behind it where something may be. */
uint32_t filemap_peek(const struct address_space *m, uint64_t index);
uint64_t filemap_next(const struct address_space *m, uint64_t index);
/* Another frame takes the place of a page; the file's reference goes over. */
void filemap_replace(struct task *t, uint32_t from, uint32_t to);
/* The locked, clean, unmapped page leaves its file. False: somebody uses it. */
bool filemap_remove(struct task *t, uint32_t pfn);

/* A huge page takes the place of the 512 old ones from index on, which the file lets go of; 0: of a
 * hole. False: a hole is none any more, and nothing was done. */
bool filemap_store_huge(struct task *t, struct address_space *m, uint64_t index, uint32_t folio,
			const uint32_t *old);

/* MADV_REMOVE (truncate.c). */
int madvise_remove(struct task *t, struct mm *mm, uint64_t addr, uint64_t end);
/* A fault on a page that is being punched out lets go of its lock and waits until that is done; it
 * comes again then. False: it is not. */
struct fault;
bool fault_waits_for_hole(struct task *t, struct fault *f, uint64_t index);

/* filemap_get_folio of the VMA's page at addr. */
static inline uint32_t filemap_folio_of(struct kernel *k, const struct vma *vma, uint64_t addr)
{
	return filemap_get_folio(k, vma->mapping, linear_page_index(vma, addr));
}

#endif
