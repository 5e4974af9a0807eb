// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * collapse_file: 512 pages of a shmem file become one. Without mmap_lock: the pages' own locks keep
 * faults away, which wait for them. Each page is unmapped everywhere with its flush left to a
 * batch, and the PTE tables that they leave empty are retracted as the policy has it.
 */
#include "models/kernel/huge_file.h"
#include "models/kernel/reclaim.h"
#include "models/kernel/tlb_batch.h"

struct collapse_file {
	struct address_space *m;
	uint64_t index;
	uint32_t folio, page[HPAGE_PAGES]; /* 0: a hole */
	bool isolated[HPAGE_PAGES];
	unsigned int n; /* locked and taken in hand so far */
};

/* Pages that nobody has on a list (read before the run) are taken in hand as they are. */
static enum scan_result take_page(struct task *t, struct collapse_file *c)
{
	struct page *page;
	uint32_t pfn;

	settle(t); /* from here to the lock nobody can delete it */
	pfn = filemap_get_folio(t->k, c->m, c->index + c->n);
	if (!pfn && filemap_is_hole(c->m, c->index + c->n)) {
		c->page[c->n++] = 0;
		return SCAN_SUCCEED;
	}
	if (!pfn)
		return SCAN_EXCEED_SWAP_PTE;
	page = pfn_page(t->k, pfn);
	if (page_folio(page)->order)
		return SCAN_PMD_MAPPED;
	if (!folio_trylock(t, pfn))
		return SCAN_PAGE_LOCK;
	c->page[c->n] = pfn;
	c->isolated[c->n] = folio_isolate_lru(t, pfn);
	if (!c->isolated[c->n])
		page->refs++;
	c->n++;
	if (page->mapcount)
		try_to_unmap(t, pfn, TTU_BATCH_FLUSH);
	/* The file's and ours. */
	return page->mapcount || page->refs != 2 ? SCAN_PAGE_COUNT : SCAN_SUCCEED;
}

/* They stay; who had them mapped faults again. */
static void give_up(struct task *t, struct collapse_file *c)
{
	try_to_unmap_flush(t);
	for (unsigned int i = 0; i < c->n; i++) {
		if (!c->page[i])
			continue;
		folio_unlock(t, c->page[i]);
		if (c->isolated[i])
			folio_putback_lru(t, c->page[i]);
		else
			release_pages(t, &c->page[i], 1);
	}
	folio_unlock(t, c->folio);
	free_page(t, c->folio);
}

static void copy(struct task *t, struct collapse_file *c)
{
	for (uint32_t i = 0; i < HPAGE_PAGES; i++) {
		spend_on_pages(t,
			       bulk_move_time(t, c->page[i] ? c->page[i] : PFN_ZERO, c->folio + i));
		settle(t);
		cond_resched(t);
	}
}

static void free_old(struct task *t, struct collapse_file *c)
{
	for (unsigned int i = 0; i < c->n; i++) {
		if (!c->page[i])
			continue;
		folio_unlock(t, c->page[i]);
		release_pages(t, &c->page[i], 1);
	}
}

/* Faults that fill a hole meanwhile win. */
static bool store(struct task *t, struct collapse_file *c)
{
	struct read_hold hold;
	bool ok;

	down_read(t, &c->m->i_mmap_rwsem, &hold);
	ok = filemap_store_huge(t, c->m, c->index, c->folio, c->page);
	up_read(t, &c->m->i_mmap_rwsem, &hold);
	return ok;
}

static enum scan_result collapse_file(struct task *t, struct address_space *m, uint64_t index)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_RETRACT];
	const struct retract_ops *ops = p->choice->ops;
	struct collapse_file c = { .m = m, .index = index };
	enum scan_result r = SCAN_SUCCEED;

	if (!zone_has_huge_page(t->k->pages))
		return SCAN_ALLOC_HUGE_PAGE_FAIL;
	c.folio = alloc_anon_folio_pmd(t);
	folio_trylock(t, c.folio);
	while (r == SCAN_SUCCEED && c.n < HPAGE_PAGES)
		r = take_page(t, &c);
	if (r != SCAN_SUCCEED) {
		give_up(t, &c);
		return r;
	}
	try_to_unmap_flush(t);
	copy(t, &c);
	if (!store(t, &c)) {
		give_up(t, &c);
		return SCAN_PAGE_FILLED;
	}
	folio_add_lru(t, c.folio);
	ops->retract(p->params, t, m, index);
	folio_unlock(t, c.folio);
	free_old(t, &c);
	release_pages(t, &c.folio, 1);
	return r;
}

enum scan_result hpage_collapse_scan_file(struct task *t, const struct collapse_control *cc,
					  struct address_space *m, uint64_t index)
{
	unsigned int none = 0;

	for (uint64_t i = index; i < index + HPAGE_PAGES; i++) {
		uint32_t pfn = filemap_peek(m, i);

		spend(t, t->k->cost.pte_read);
		none += !pfn;
		if (pfn && page_folio(pfn_page(t->k, pfn))->order)
			return SCAN_PMD_MAPPED;
		if (pfn && file_folio_locked(t->k, pfn))
			return SCAN_PAGE_LOCK;
	}
	if (none == HPAGE_PAGES ||
	    (cc->is_khugepaged && none > collapse_settings(t)->max_ptes_none))
		return SCAN_EXCEED_NONE_PTE;
	return collapse_file(t, m, index);
}
