// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Page caches, sparse: a file costs what is mapped of it. Writing back and dropping of pages are
 * reclaim's and writeback's.
 */
#include "models/kernel/filemap.h"

#include <stdlib.h>
#include <string.h>

#include "models/kernel/blk.h"
#include "models/kernel/fault.h"
#include "models/kernel/writeback.h"

#define LEAF_PAGES 512
/* Instead of a frame: was in memory once and must be read; was punched out and reads as zeroes. */
#define DROPPED UINT32_MAX
#define HOLE    (UINT32_MAX - 1)

static bool is_frame(uint32_t slot)
{
	return slot && slot < HOLE;
}

struct address_space *address_space_create(struct kernel *k)
{
	struct address_space *m = calloc(1, sizeof(*m));

	m->refs = 1;
	m->i_mmap_last = &m->i_mmap;
	rwsem_init(k, &m->i_mmap_rwsem, lock_class_get(k, "i_mmap"));
	rwsem_init(k, &m->i_rwsem, lock_class_get(k, "i_rwsem"));
	spin_lock_init(k, &m->i_lock, lock_class_get(k, "i_lock"));
	line_init(&m->i_pages_line, line_class_get(k->m, "i_pages"));
	return m;
}

/* They would stay in the cache: that they go costs nobody time. */
static void free_leaf(struct kernel *k, uint32_t *leaf)
{
	for (unsigned int i = 0; i < LEAF_PAGES; i++) {
		struct page *page;

		if (!is_frame(leaf[i]))
			continue;
		page = pfn_page(k, leaf[i]);
		page->mapping = NULL;
		leaf[i] -= page->tail;
		page -= page->tail;
		if (--page->refs)
			continue; /* isolated, in a batch: its last user frees it */
		lru_remove_quietly(k, leaf[i]);
		give_page_quietly(k, leaf[i]);
	}
	free(leaf);
}

void address_space_put(struct kernel *k, struct address_space *m)
{
	if (--m->refs)
		return;
	writeback_forget(k, m);
	for (uint64_t i = 0; i < m->nr_leaves; i++)
		if (m->leaf[i])
			free_leaf(k, m->leaf[i]);
	free(m->leaf);
	rwsem_free(k, &m->i_mmap_rwsem);
	rwsem_free(k, &m->i_rwsem);
	spin_lock_free(k, &m->i_lock);
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

/* A page that is not known yet was read before the run, as long as there is room for that. */
uint32_t filemap_get_folio(struct kernel *k, struct address_space *m, uint64_t index)
{
	uint32_t *slot = slot_of(m, index);
	const struct pages *p = k->pages;
	struct page *page;

	if (*slot)
		return is_frame(*slot) ? *slot : 0;
	if (p->limit && zone_free_pages(p) <= (int64_t)p->wmark[WMARK_HIGH])
		return 0;
	*slot = take_page_quietly(k);
	page = pfn_page(k, *slot);
	page->mapping = m;
	page->index = index;
	if (p->limit)
		lru_add_quietly(k, *slot);
	return *slot;
}

bool filemap_store_huge(struct task *t, struct address_space *m, uint64_t index, uint32_t folio,
			const uint32_t *old)
{
	touch_line(t, &m->i_pages_line, LINE_ATOMIC);
	spend(t, HPAGE_PAGES * t->k->cost.pte_set); /* old slots of the tree */
	settle(t);
	for (uint32_t i = 0; i < HPAGE_PAGES; i++)
		if (*slot_of(m, index + i) != (old[i] ? old[i] : HOLE))
			return false;
	for (uint32_t i = 0; i < HPAGE_PAGES; i++) {
		struct page *page = pfn_page(t->k, folio + i);

		if (old[i]) {
			pfn_page(t->k, old[i])->mapping = NULL;
			pfn_page(t->k, old[i])->refs--;
		}
		page->mapping = m;
		page->index = index + i;
		*slot_of(m, index + i) = folio + i;
	}
	pfn_page(t->k, folio)->refs += HPAGE_PAGES;
	m->huge = true;
	return true;
}

static void read_end(struct kernel *k, struct task *t, uint32_t pfn)
{
	if (t)
		folio_unlock(t, pfn);
	else
		pfn_page(k, pfn)->flags &= (uint16_t)~PG_LOCKED;
}

uint32_t filemap_read_folio(struct task *t, struct address_space *m, uint64_t index)
{
	uint32_t pfn = alloc_page(t), *slot;
	struct page *page = pfn_page(t->k, pfn);

	spend(t, t->k->cost.memcg_charge);
	folio_trylock(t, pfn);
	touch_line(t, &m->i_pages_line, LINE_ATOMIC);
	settle(t);
	slot = slot_of(m, index);
	if (is_frame(*slot)) {
		folio_unlock(t, pfn);
		free_page(t, pfn);
		return 0;
	}
	*slot = pfn;
	page->mapping = m;
	page->index = index;
	page->refs++;
	folio_add_lru(t, pfn);
	blk_submit(t, DISK_READ, pfn, read_end);
	return pfn;
}

uint32_t filemap_peek(const struct address_space *m, uint64_t index)
{
	uint64_t n = index / LEAF_PAGES;
	uint32_t slot = n < m->nr_leaves && m->leaf[n] ? m->leaf[n][index % LEAF_PAGES] : 0;

	return is_frame(slot) ? slot : 0;
}

bool filemap_is_hole(struct address_space *m, uint64_t index)
{
	return *slot_of(m, index) == HOLE;
}

void filemap_fill_hole(struct task *t, struct address_space *m, uint64_t index)
{
	uint32_t pfn = alloc_page(t), *slot;
	struct page *page = pfn_page(t->k, pfn);

	spend_on_pages(t, page_move_time(t, PFN_ZERO, pfn));
	spend(t, t->k->cost.memcg_charge);
	touch_line(t, &m->i_pages_line, LINE_ATOMIC);
	settle(t);
	slot = slot_of(m, index);
	if (*slot != HOLE) { /* somebody else was faster */
		free_page(t, pfn);
		return;
	}
	*slot = pfn;
	page->mapping = m;
	page->index = index;
	folio_add_lru(t, pfn);
}

void filemap_delete(struct task *t, struct address_space *m, const uint32_t *pfn, unsigned int n)
{
	touch_line(t, &m->i_pages_line, LINE_ATOMIC);
	settle(t);
	for (unsigned int i = 0; i < n; i++) {
		struct page *folio = pfn_page(t->k, pfn[i]);
		uint64_t index = folio->index;

		sim_check(t->k->sim, folio->mapping == m && !folio->mapcount && !folio->pmd_maps,
			  "page-life", "frame %u leaves its file with %u mappings", pfn[i],
			  folio->mapcount + folio->pmd_maps);
		for (uint32_t j = 0; j < 1u << folio->order; j++) {
			spend(t, t->k->cost.pte_set);
			folio[j].mapping = NULL;
			*slot_of(m, index + j) = HOLE;
		}
		folio->refs -= 1u << folio->order;
	}
}

uint64_t filemap_next(const struct address_space *m, uint64_t index)
{
	uint64_t n = index / LEAF_PAGES;

	if (n < m->nr_leaves && m->leaf[n])
		return index + 1;
	while (n < m->nr_leaves && !m->leaf[n])
		n++;
	return n < m->nr_leaves ? n * LEAF_PAGES : UINT64_MAX;
}

void filemap_replace(struct task *t, uint32_t from, uint32_t to)
{
	struct page *old = pfn_page(t->k, from);
	struct address_space *m = old->mapping;

	*slot_of(m, old->index) = to;
	old->mapping = NULL;
	old->refs--;
	pfn_page(t->k, to)->refs++;
	touch_line(t, &m->i_pages_line, LINE_ATOMIC);
}

bool filemap_remove(struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);
	struct address_space *m = page->mapping;

	if (!m)
		return page->refs == 1;
	touch_line(t, &m->i_pages_line, LINE_ATOMIC);
	settle(t);
	if (page->mapping != m || page->mapcount || page->refs != 2)
		return false;
	*slot_of(m, page->index) = DROPPED;
	page->mapping = NULL;
	page->refs--;
	return true;
}
