/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What ksmd does with one page: the stable tree of merged pages, the unstable one of pages that
 * have not changed lately, and merging itself.
 */
#ifndef MODELS_KERNEL_KSM_MERGE_H
#define MODELS_KERNEL_KSM_MERGE_H

#include "models/kernel/mm.h"

/* One page of one mm, as ksmd has known it since it first came by. */
struct ksm_rmap_item {
	struct mm *mm;
	uint64_t addr;
	uint64_t checksum; /* of what it held last time */
	struct ksm_rmap_item *next;
};

struct ksm_trees;
struct ksm_trees *ksm_trees_create(void);
void ksm_trees_free(struct ksm_trees *trees);
/* The unstable tree is forgotten. */
void ksm_trees_new_round(struct ksm_trees *trees);

/* The anonymous page at addr with a reference, or 0. Under mmap_lock. */
uint32_t ksm_get_page(struct task *t, struct mm *mm, uint64_t addr);
/* ksmd: compares, merges. It holds a reference to the page, and no lock. */
void cmp_and_merge_page(struct task *t, struct ksm_trees *trees, struct ksm_rmap_item *item,
			uint32_t pfn);
/* Under mmap_lock for writing: each merged page of the range is copied, as if written to. */
void ksm_unmerge(struct task *t, struct mm *mm, uint64_t addr, uint64_t end);

#endif
