// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * migrate_pages as Linux 6.3 and later has it: all folios of a batch are locked and unmapped first,
 * then one flush, then each is copied and its PTEs are set to the new frame. Setting them needs no
 * flush: nobody can have a translation of a migration entry.
 */
#include "models/kernel/migrate.h"

#include "models/hw/usermem.h"
#include "models/kernel/filemap.h"
#include "models/kernel/reclaim.h"
#include "models/kernel/rmap.h"
#include "models/kernel/swap.h"
#include "models/kernel/tlb_batch.h"

METRIC(desc_moved, "migrate.pages", METRIC_COUNTER, "pages", NULL, "pages moved to another frame");
METRIC(desc_failed, "migrate.failed", METRIC_COUNTER, "pages", NULL,
       "pages that could not be moved: locked, written, in use by others");
METRIC(desc_batch, "migrate.batch", METRIC_HISTOGRAM, "ps", NULL,
       "one batch: from the first lock to the last PTE");

struct move {
	uint32_t from, to; /* to == 0: not unmapped */
	struct anon_vma *anon;
	uint64_t index;
};

void migration_entry_wait(struct task *t, uint32_t pfn)
{
	folio_wait_locked(t, pfn);
}

/* Locked, unmapped, its flush in the task's batch; false: it stays. */
static bool migrate_folio_unmap(struct task *t, struct move *m, uint8_t node)
{
	struct page *page = pfn_page(t->k, m->from);

	m->to = 0;
	m->anon = NULL;
	if (!folio_trylock(t, m->from))
		return false;
	if (page->order || page->flags & (PG_WRITEBACK | PG_KSM) ||
	    !(page->mapcount || page->flags & PG_SWAPCACHE || page->mapping)) {
		folio_unlock(t, m->from);
		return false;
	}
	m->to = alloc_page(t);
	if (node != NO_NODE)
		pfn_page(t->k, m->to)->node = node;
	folio_trylock(t, m->to);
	m->index = page->index;
	m->anon = folio_get_anon_vma(t, m->from);
	if (page->mapcount)
		try_to_unmap(t, m->from, TTU_BATCH_FLUSH | TTU_MIGRATION);
	return true;
}

static void copy_folio(struct task *t, const struct move *m)
{
	const struct cpu *cpu = this_cpu(t)->cpu;
	sim_ps memory = usermem_move_page(cpu->m, cpu->core, m->from, m->to);

	spend(t, memory > t->k->cost.page_copy ? memory : t->k->cost.page_copy);
	settle(t);
}

/* folio_migrate_mapping: the new frame takes the old one's place in its cache, if nobody but the
 * cache and we has a reference. */
static bool move_mapping(struct task *t, const struct move *m)
{
	struct page *from = pfn_page(t->k, m->from), *to = pfn_page(t->k, m->to);
	bool cached = from->flags & PG_SWAPCACHE || (!(from->flags & PG_ANON) && from->mapping);

	settle(t);
	if (from->mapcount || from->refs != 1u + cached)
		return false;
	to->flags |= from->flags & (uint16_t) ~(PG_LOCKED | PG_WAITERS);
	to->mapping = from->mapping;
	to->index = from->index;
	to->swap = from->swap;
	to->contents = from->contents;
	if (from->flags & PG_SWAPCACHE)
		swap_cache_replace(t, m->from, m->to);
	else if (cached)
		filemap_replace(t, m->from, m->to);
	return true;
}

struct remap {
	uint32_t from, to;
};

/* remove_migration_ptes, at one place. */
static bool remap_one(struct task *t, struct vma *vma, uint64_t addr, uint32_t pfn, void *arg)
{
	const struct remap *r = arg;
	struct spinlock *ptl;
	struct page_table *table;
	uint64_t pte;

	(void)pfn;
	spend(t, t->k->cost.rmap_visit);
	table = pte_offset_map_lock(t, vma->mm, addr, &ptl);
	if (!table)
		return true;
	pte = table->slot.pte[pt_index(addr, PT_PTE)];
	if (pte & PTE_MIGRATION && pte_pfn(pte) == r->from) {
		pte = (pte & (PAGE_SIZE - 1) & ~(uint64_t)PTE_MIGRATION) |
		      (uint64_t)r->to << PAGE_SHIFT | PTE_PRESENT;
		if (!(vma->prot & PROT_WRITE))
			pte &= ~(uint64_t)PTE_WRITE;
		if (!vma->prot)
			pte = (pte & ~(uint64_t)PTE_PRESENT) | PTE_PROTNONE;
		spend(t, t->k->cost.rmap);
		folio_dup_rmap(t, r->to);
		spend(t, t->k->cost.pte_set);
		pt_set(table, addr, pte);
	}
	pte_unmap_unlock(t, table, ptl);
	return true;
}

static void remove_migration_ptes(struct task *t, const struct move *m, uint32_t to)
{
	struct remap r = { m->from, to };

	if (m->anon)
		rmap_walk_anon_vma(t, m->anon, m->index, remap_one, &r);
	else
		rmap_walk(t, to, remap_one, &r, false);
}

static bool migrate_folio_move(struct task *t, const struct move *m)
{
	bool ok = move_mapping(t, m);

	if (ok)
		copy_folio(t, m);
	remove_migration_ptes(t, m, ok ? m->to : m->from);
	if (ok)
		folio_add_lru(t, m->to);
	folio_unlock(t, m->to);
	folio_unlock(t, m->from);
	folio_put_anon_vma(t, m->anon);
	release_pages(t, &m->to, 1); /* its mappings hold it now; or nobody needs it */
	if (ok) {
		t->k->pages->nr_isolated--;
		release_pages(t, &m->from, 1);
	} else {
		lru_putback(t, &m->from, 1);
	}
	return ok;
}

static unsigned int migrate_pages_batch(struct task *t, const uint32_t *pfn, unsigned int n,
					uint8_t node)
{
	struct move moves[NR_MAX_BATCHED_MIGRATION];
	unsigned int unmapped = 0, moved = 0;

	for (unsigned int i = 0; i < n; i++) {
		cond_resched(t);
		moves[unmapped].from = pfn[i];
		spend(t, t->k->cost.reclaim_folio);
		if (migrate_folio_unmap(t, &moves[unmapped], node))
			unmapped++;
		else
			lru_putback(t, &pfn[i], 1);
	}
	try_to_unmap_flush(t);
	for (unsigned int i = 0; i < unmapped; i++) {
		cond_resched(t);
		moved += migrate_folio_move(t, &moves[i]);
	}
	return moved;
}

unsigned int migrate_pages(struct task *t, const uint32_t *pfn, unsigned int n, uint8_t node)
{
	struct metrics *m = sim_metrics(t->k->sim);
	unsigned int moved = 0;

	for (unsigned int done = 0, now; done < n; done += now) {
		sim_ps begin = sim_now(t->k->sim);

		now = n - done < NR_MAX_BATCHED_MIGRATION ? n - done : NR_MAX_BATCHED_MIGRATION;
		moved += migrate_pages_batch(t, pfn + done, now, node);
		settle(t);
		hist_add(&metric_get(m, &desc_batch, "")->hist, sim_now(t->k->sim) - begin);
	}
	metric_get(m, &desc_moved, "")->value += moved;
	metric_get(m, &desc_failed, "")->value += n - moved;
	return moved;
}
