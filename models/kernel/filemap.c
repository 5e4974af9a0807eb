// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Page caches, sparse: a file costs what is mapped of it. Writing back and dropping of pages are
 * reclaim's and writeback's.
 */
#include "models/kernel/filemap.h"

#include <stdlib.h>
#include <string.h>

#include "models/kernel/rmap.h"

#define LEAF_PAGES 512

struct address_space *address_space_create(struct kernel *k)
{
	struct address_space *m = calloc(1, sizeof(*m));

	m->refs = 1;
	rwsem_init(k, &m->i_mmap_rwsem, lock_class_get(k, "i_mmap"));
	line_init(&m->i_pages_line, line_class_get(k->m, "i_pages"));
	return m;
}

/* They would stay in the cache: that they go costs nobody time. */
static void free_leaf(struct kernel *k, uint32_t *leaf)
{
	for (unsigned int i = 0; i < LEAF_PAGES; i++) {
		struct page *page = pfn_page(k, leaf[i]);

		if (!leaf[i])
			continue;
		page->mapping = NULL;
		if (!--page->refs)
			give_page_quietly(k, leaf[i]);
	}
	free(leaf);
}

void address_space_put(struct kernel *k, struct address_space *m)
{
	if (--m->refs)
		return;
	for (uint64_t i = 0; i < m->nr_leaves; i++)
		if (m->leaf[i])
			free_leaf(k, m->leaf[i]);
	free(m->leaf);
	rwsem_free(k, &m->i_mmap_rwsem);
	line_free(&m->i_pages_line, k->m);
	free(m);
}

static uint32_t *slot_of(struct address_space *m, uint64_t index)
{
	uint64_t n = index / LEAF_PAGES;

	if (n >= m->nr_leaves) {
		uint64_t more = n < 2 * m->nr_leaves ? 2 * m->nr_leaves : n + 1;

		m->leaf = realloc(m->leaf, more * sizeof(*m->leaf));
		memset(&m->leaf[m->nr_leaves], 0, (more - m->nr_leaves) * sizeof(*m->leaf));
		m->nr_leaves = more;
	}
	if (!m->leaf[n])
		m->leaf[n] = calloc(LEAF_PAGES, sizeof(*m->leaf[n]));
	return &m->leaf[n][index % LEAF_PAGES];
}

uint32_t filemap_get_folio(struct kernel *k, struct address_space *m, uint64_t index)
{
	uint32_t *slot = slot_of(m, index);

	if (!*slot) {
		struct page *page;

		*slot = take_page_quietly(k);
		page = pfn_page(k, *slot);
		page->mapping = m;
		page->index = index;
	}
	return *slot;
}

uint32_t filemap_folio_of(struct kernel *k, const struct vma *vma, uint64_t addr)
{
	return filemap_get_folio(k, vma->mapping, linear_page_index(vma, addr));
}
