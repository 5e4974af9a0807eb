// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * shrink_folio_list: the way of a folio out of memory. Locked; looked at through its PTEs; given a
 * slot of swap; unmapped, the flushes of all in one batch; written, which ends later and elsewhere;
 * freed, after the flush.
 */
#include "models/kernel/shrink.h"

#include "models/kernel/blk.h"
#include "models/kernel/filemap.h"
#include "models/kernel/reclaim.h"
#include "models/kernel/rmap.h"
#include "models/kernel/swap.h"
#include "models/kernel/tlb_batch.h"

METRIC(desc_out, "swap.out", METRIC_COUNTER, "pages", NULL, "pages written to swap");
METRIC(desc_lazy, "reclaim.lazyfree", METRIC_COUNTER, "pages", NULL,
       "pages of MADV_FREE that reclaim dropped");

#define FOLIO_BATCH 31

enum verdict { KEEP, ACTIVATE, RECLAIM };

/* ---- used since? ---- */

static bool referenced_one(struct task *t, struct vma *vma, uint64_t addr, uint32_t pfn, void *arg)
{
	struct spinlock *ptl;
	struct page_table *table;
	uint64_t pte;

	spend(t, t->k->cost.rmap_visit);
	table = pte_offset_map_lock(t, vma->mm, addr, &ptl);
	if (!table)
		return true;
	spend(t, t->k->cost.pte_read);
	pte = table->slot.pte[pt_index(addr, PT_PTE)];
	if (pte & PTE_PRESENT && !(pte & PTE_ZERO) && pte_pfn(pte) == pfn && pte & PTE_ACCESSED) {
		/* Not flushed: whoever still has the translation is not seen to use the page. */
		spend(t, t->k->cost.pte_clear);
		pt_set(table, addr, pte & ~PTE_ACCESSED);
		++*(int *)arg;
	}
	pte_unmap_unlock(t, table, ptl);
	return true;
}

int folio_referenced(struct task *t, uint32_t pfn)
{
	int ptes = 0;

	return rmap_walk(t, pfn, referenced_one, &ptes, true) ? ptes : -1;
}

static enum verdict check_references(struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);
	int ptes = folio_referenced(t, pfn);
	bool before = page->flags & PG_REFERENCED;

	if (ptes < 0)
		return KEEP;
	page->flags &= (uint16_t)~PG_REFERENCED;
	if (!ptes)
		return RECLAIM;
	page->flags |= PG_REFERENCED;
	return before || ptes > 1 ? ACTIVATE : KEEP;
}

/* ---- writing ---- */

static void write_end(struct kernel *k, struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(k, pfn);
	bool reclaim = page->flags & PG_RECLAIM;

	page->flags &= (uint16_t) ~(PG_WRITEBACK | PG_RECLAIM);
	k->pages->nr_writeback--;
	if (!t) {
		put_page_quietly(k, pfn);
		return;
	}
	if (reclaim)
		lru_rotate(t, pfn); /* clean now: the next to go */
	reclaim_writeback_ended(t);
	release_pages(t, &pfn, 1);
}

/* The page is locked and unmapped: nobody may still write through an old translation. */
static void write_to_swap(struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);

	try_to_unmap_flush_dirty(t);
	page->flags &= (uint16_t)~PG_DIRTY;
	page->flags |= PG_WRITEBACK | PG_RECLAIM;
	page->refs++;
	t->k->pages->nr_writeback++;
	swap_write_contents(t->k, pfn);
	metric_get(sim_metrics(t->k->sim), &desc_out, "")->value++;
	blk_submit(t, DISK_WRITE, pfn, write_end);
}

/* ---- one folio ---- */

/* Takes it out of its cache if nobody else has come to use it. */
static bool remove_mapping(struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);

	settle(t);
	if (page->mapcount || page->flags & (PG_DIRTY | PG_WRITEBACK))
		return false;
	if (page->flags & PG_SWAPCACHE) {
		if (page->refs != 2) /* the cache's and ours */
			return false;
		delete_from_swap_cache(t, pfn);
		return true;
	}
	if (page->flags & PG_ANON) { /* given up by MADV_FREE */
		if (page->flags & PG_SWAPBACKED || page->refs != 1)
			return false;
		metric_get(sim_metrics(t->k->sim), &desc_lazy, "")->value++;
		return true;
	}
	return filemap_remove(t, pfn);
}

static enum verdict dispose(struct task *t, struct scan_control *sc, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);
	enum verdict v = RECLAIM;

	if (page->order || page->flags & PG_KSM)
		return ACTIVATE; /* huge and merged pages stay */
	if (page->flags & PG_WRITEBACK) {
		page->flags |= PG_RECLAIM;
		sc->writeback++;
		return KEEP;
	}
	if (!sc->ignore_references)
		v = check_references(t, pfn);
	if (v != RECLAIM)
		return v;
	if ((page->flags & (PG_ANON | PG_SWAPBACKED | PG_SWAPCACHE)) == (PG_ANON | PG_SWAPBACKED) &&
	    !add_to_swap(t, pfn))
		return ACTIVATE; /* swap is full */
	if (page->mapcount && !try_to_unmap(t, pfn, TTU_BATCH_FLUSH))
		return ACTIVATE;
	if (page->flags & PG_DIRTY) {
		if (!(page->flags & PG_SWAPCACHE)) {
			sc->dirty++;
			return ACTIVATE; /* a file's: the flusher writes it */
		}
		write_to_swap(t, pfn);
		if (page->flags & PG_WRITEBACK)
			return KEEP; /* it goes when it is met again */
	}
	return remove_mapping(t, pfn) ? RECLAIM : KEEP;
}

static void free_batch(struct task *t, uint32_t *pfn, unsigned int *n)
{
	if (!*n)
		return;
	try_to_unmap_flush(t);
	release_pages(t, pfn, *n);
	*n = 0;
}

unsigned int shrink_folio_list(struct task *t, struct scan_control *sc, uint32_t *pfn,
			       unsigned int *n)
{
	unsigned int kept = 0, freed = 0, n_batch = 0;
	uint32_t batch[FOLIO_BATCH];

	for (unsigned int i = 0; i < *n; i++) {
		enum verdict v = KEEP;
		bool locked;

		cond_resched(t);
		locked = folio_trylock(t, pfn[i]);
		spend(t, t->k->cost.reclaim_folio);
		if (locked) {
			v = dispose(t, sc, pfn[i]);
			folio_unlock(t, pfn[i]);
		}
		if (v == RECLAIM) {
			batch[n_batch++] = pfn[i];
			freed++;
			if (n_batch == FOLIO_BATCH)
				free_batch(t, batch, &n_batch);
			continue;
		}
		if (v == ACTIVATE)
			pfn_page(t->k, pfn[i])->flags |= PG_ACTIVE;
		pfn[kept++] = pfn[i];
	}
	free_batch(t, batch, &n_batch);
	try_to_unmap_flush(t); /* of those that are kept, e.g. written */
	*n = kept;
	return freed;
}
