/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Page caches: the pages of a file (or of shared anonymous memory, which is one of shmem), by
 * index. A page takes a frame when it is first mapped and counts as having been read before the
 * run; it leaves its file by reclaim, or when nobody maps or holds the file any more.
 */
#ifndef MODELS_KERNEL_FILEMAP_H
#define MODELS_KERNEL_FILEMAP_H

#include "models/kernel/mm.h"

struct address_space {
	unsigned int refs; /* of VMAs, of open files, of rmap walkers */
	struct rwsem i_mmap_rwsem;
	struct vma *i_mmap;       /* VMAs that map the file */
	struct line i_pages_line; /* xa_lock of the tree */
	uint32_t **leaf;          /* of 512 frames each; 0 = never used */
	uint64_t nr_leaves;
};

struct address_space *address_space_create(struct kernel *k);
/* The last one frees the pages. */
void address_space_put(struct kernel *k, struct address_space *m);

/* The page at an index: the frame that is there, or one that takes no time to come. */
uint32_t filemap_get_folio(struct kernel *k, struct address_space *m, uint64_t index);

/* The VMA's page at addr. */
uint32_t filemap_folio_of(struct kernel *k, const struct vma *vma, uint64_t addr);

#endif
