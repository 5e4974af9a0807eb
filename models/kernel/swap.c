// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Swap slots, the swap cache, swapping in. Swapping out is reclaim.c's.
 */
#include "models/kernel/swap.h"

#include <stdlib.h>

#include "models/kernel/blk.h"
#include "models/kernel/rmap.h"

#define SWAPFILE_CLUSTER 256

METRIC(desc_in, "swap.in", METRIC_COUNTER, "pages", NULL, "pages read from swap");
METRIC(desc_hit, "swap.cache_hits", METRIC_COUNTER, "1", NULL,
       "swap faults that found their page in the swap cache");

struct swap_cluster {
	struct spinlock lock;
	uint32_t used, cursor;
	bool owned; /* some CPU allocates from it */
	uint16_t count[SWAPFILE_CLUSTER];
	uint32_t cache[SWAPFILE_CLUSTER];    /* frames; 0 = none */
	uint64_t contents[SWAPFILE_CLUSTER]; /* as last written: struct page has them, too */
};

struct swap {
	struct spinlock lock; /* si->lock: which clusters there are */
	struct swap_cluster **cluster;
	uint32_t nr, max;
	uint64_t used;
};

void swap_init(struct kernel *k)
{
	struct swap *s = calloc(1, sizeof(*s));

	spin_lock_init(k, &s->lock, lock_class_get(k, "swap_info"));
	s->max = (uint32_t)(k->m->desc.disk.swap / PAGE_SIZE / SWAPFILE_CLUSTER);
	k->swap = s;
}

void swap_free(struct kernel *k)
{
	struct swap *s = k->swap;

	sim_check(k->sim, !s->used, "swap-leak", "%llu swap slots in use at the end",
		  (unsigned long long)s->used);
	for (uint32_t i = 0; i < s->nr; i++) {
		spin_lock_free(k, &s->cluster[i]->lock);
		free(s->cluster[i]);
	}
	spin_lock_free(k, &s->lock);
	free(s->cluster);
	free(s);
}

/* Slot 0 is none, so that 0 can mean that. */
static struct swap_cluster *cluster_of(const struct kernel *k, uint32_t slot, uint32_t *at)
{
	*at = (slot - 1) % SWAPFILE_CLUSTER;
	return k->swap->cluster[(slot - 1) / SWAPFILE_CLUSTER];
}

/* Under its lock: a slot that nobody names and no page is cached for. */
static void slot_release(struct kernel *k, struct swap_cluster *c, uint32_t at)
{
	if (c->count[at] || c->cache[at])
		return;
	c->used--;
	k->swap->used--;
}

/* ---- allocating ---- */

static uint32_t new_cluster(struct kernel *k, struct swap *s)
{
	if (s->nr == s->max)
		return UINT32_MAX;
	s->cluster = realloc(s->cluster, (s->nr + 1) * sizeof(*s->cluster));
	s->cluster[s->nr] = calloc(1, sizeof(**s->cluster));
	spin_lock_init(k, &s->cluster[s->nr]->lock, lock_class_get(k, "swap_cluster"));
	return s->nr++;
}

/* An empty cluster if there is one, else a new one, else any that has room. */
static bool take_cluster(struct task *t)
{
	struct swap *s = t->k->swap;
	uint32_t found = UINT32_MAX;

	spin_lock(t, &s->lock);
	spend(t, t->k->cost.swap_slot);
	if (this_cpu(t)->swap_cluster)
		s->cluster[this_cpu(t)->swap_cluster - 1]->owned = false;
	for (uint32_t i = 0; i < s->nr && found == UINT32_MAX; i++)
		if (!s->cluster[i]->used && !s->cluster[i]->owned)
			found = i;
	if (found == UINT32_MAX)
		found = new_cluster(t->k, s);
	for (uint32_t i = 0; i < s->nr && found == UINT32_MAX; i++)
		if (s->cluster[i]->used < SWAPFILE_CLUSTER)
			found = i;
	if (found != UINT32_MAX)
		s->cluster[found]->owned = true;
	this_cpu(t)->swap_cluster = found == UINT32_MAX ? 0 : found + 1;
	spin_unlock(t, &s->lock);
	return found != UINT32_MAX;
}

static uint32_t take_slot(struct swap_cluster *c)
{
	for (uint32_t i = 0; i < SWAPFILE_CLUSTER; i++) {
		uint32_t at = (c->cursor + i) % SWAPFILE_CLUSTER;

		if (c->count[at] || c->cache[at])
			continue;
		c->cursor = at + 1;
		return at;
	}
	return SWAPFILE_CLUSTER;
}

bool add_to_swap(struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);
	struct swap *s = t->k->swap;
	bool done = false;

	preempt_disable(t);
	while (!done && (this_cpu(t)->swap_cluster || take_cluster(t))) {
		uint32_t index = this_cpu(t)->swap_cluster - 1, at;
		struct swap_cluster *c = s->cluster[index];

		spin_lock(t, &c->lock);
		spend(t, t->k->cost.swap_slot + t->k->cost.swap_cache);
		settle(t);
		at = take_slot(c);
		if (at < SWAPFILE_CLUSTER) {
			c->cache[at] = pfn;
			c->used++;
			s->used++;
			page->swap = index * SWAPFILE_CLUSTER + at + 1;
			page->flags |= PG_SWAPCACHE | PG_DIRTY;
			page->refs++;
			done = true;
		}
		spin_unlock(t, &c->lock);
		if (!done && !take_cluster(t))
			break;
	}
	preempt_enable(t);
	return done;
}

/* ---- counts and the cache ---- */

void swap_write_contents(struct kernel *k, uint32_t pfn)
{
	const struct page *page = pfn_page(k, pfn);
	uint32_t at;
	struct swap_cluster *c = cluster_of(k, page->swap, &at);

	c->contents[at] = page->contents;
}

void swap_duplicate(struct task *t, uint32_t slot)
{
	uint32_t at;
	struct swap_cluster *c = cluster_of(t->k, slot, &at);

	spin_lock(t, &c->lock);
	spend(t, t->k->cost.swap_slot);
	settle(t);
	c->count[at]++;
	spin_unlock(t, &c->lock);
}

static void slot_put(struct task *t, uint32_t slot)
{
	uint32_t at;
	struct swap_cluster *c = cluster_of(t->k, slot, &at);

	spin_lock(t, &c->lock);
	spend(t, t->k->cost.swap_slot);
	settle(t);
	sim_check(t->k->sim, c->count[at], "swap-balance", "slot %u is let go once too often",
		  slot);
	if (c->count[at])
		c->count[at]--;
	slot_release(t->k, c, at);
	spin_unlock(t, &c->lock);
}

/* The page in the cache for a slot, with a reference; 0: none. Lockless. */
static uint32_t swap_cache_get_folio(struct task *t, uint32_t slot)
{
	uint32_t at, pfn;
	struct swap_cluster *c = cluster_of(t->k, slot, &at);

	spend(t, t->k->cost.swap_cache);
	settle(t);
	pfn = c->cache[at];
	if (pfn)
		pfn_page(t->k, pfn)->refs++;
	return pfn;
}

static uint32_t slot_count(const struct kernel *k, uint32_t slot)
{
	uint32_t at;
	const struct swap_cluster *c = cluster_of(k, slot, &at);

	return c->count[at];
}

void delete_from_swap_cache(struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);
	uint32_t at;
	struct swap_cluster *c = cluster_of(t->k, page->swap, &at);

	spin_lock(t, &c->lock);
	spend(t, t->k->cost.swap_cache);
	settle(t);
	c->cache[at] = 0;
	slot_release(t->k, c, at);
	page->flags &= (uint16_t)~PG_SWAPCACHE;
	page->refs--; /* never the last: the caller has one */
	spin_unlock(t, &c->lock);
}

void swap_cache_replace(struct task *t, uint32_t from, uint32_t to)
{
	struct page *old = pfn_page(t->k, from);
	uint32_t at;
	struct swap_cluster *c = cluster_of(t->k, old->swap, &at);

	c->cache[at] = to;
	old->flags &= (uint16_t)~PG_SWAPCACHE;
	old->refs--;
	pfn_page(t->k, to)->refs++;
	spin_lock(t, &c->lock);
	spend(t, t->k->cost.swap_cache);
	spin_unlock(t, &c->lock);
}

bool folio_free_swap(struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);

	settle(t);
	if (!(page->flags & PG_SWAPCACHE) || page->flags & PG_WRITEBACK ||
	    slot_count(t->k, page->swap))
		return false;
	delete_from_swap_cache(t, pfn);
	page->flags |= PG_DIRTY;
	return true;
}

void drop_swap_copy(struct task *t, uint32_t pfn)
{
	if (!folio_trylock(t, pfn))
		return;
	folio_free_swap(t, pfn);
	folio_unlock(t, pfn);
}

void free_swap_cache(struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);

	if (page->flags & PG_SWAPCACHE && !page->mapcount)
		drop_swap_copy(t, pfn);
}

void free_swap_and_cache(struct task *t, uint32_t slot)
{
	uint32_t pfn = swap_cache_get_folio(t, slot);

	slot_put(t, slot);
	if (!pfn)
		return;
	free_swap_cache(t, pfn);
	release_pages(t, &pfn, 1);
}

void swap_drain(struct kernel *k)
{
	for (uint32_t i = 0; i < k->swap->nr; i++) {
		struct swap_cluster *c = k->swap->cluster[i];

		for (uint32_t at = 0; at < SWAPFILE_CLUSTER; at++) {
			uint32_t pfn = c->cache[at];

			if (!pfn || c->count[at])
				continue;
			c->cache[at] = 0;
			slot_release(k, c, at);
			pfn_page(k, pfn)->flags &= (uint16_t) ~(PG_SWAPCACHE | PG_LOCKED);
			put_page_quietly(k, pfn);
		}
	}
}

/* ---- swapping in ---- */

static void read_end(struct kernel *k, struct task *t, uint32_t pfn)
{
	if (t)
		folio_unlock(t, pfn);
	else
		pfn_page(k, pfn)->flags &= (uint16_t)~PG_LOCKED;
}

/* A new page enters the cache locked and is read. 0: no memory is needed, the slot has changed. */
static uint32_t swap_read(struct task *t, struct vma *vma, uint64_t addr, uint32_t slot)
{
	uint32_t at, pfn = alloc_page(t);
	struct swap_cluster *c = cluster_of(t->k, slot, &at);
	struct page *page = pfn_page(t->k, pfn);
	bool raced;

	spend(t, t->k->cost.memcg_charge);
	folio_trylock(t, pfn);
	spin_lock(t, &c->lock);
	spend(t, t->k->cost.swap_cache);
	settle(t);
	raced = c->cache[at] || !c->count[at];
	if (!raced) {
		c->cache[at] = pfn;
		page->swap = slot;
		page->contents = c->contents[at];
		page->refs++;
		page->flags |= PG_SWAPCACHE | PG_SWAPBACKED | PG_ANON;
		page->index = linear_page_index(vma, addr);
	}
	spin_unlock(t, &c->lock);
	if (raced) {
		folio_unlock(t, pfn);
		free_page(t, pfn);
		return 0;
	}
	folio_add_lru(t, pfn);
	metric_get(sim_metrics(t->k->sim), &desc_in, "")->value++;
	blk_submit(t, DISK_READ, pfn, read_end);
	return pfn;
}

/* Under the PTL and the page's lock; takes over the caller's reference. */
static void map_swapped(struct task *t, struct vma *vma, struct page_table *table, uint64_t addr,
			uint64_t old, uint32_t pfn, bool write)
{
	struct page *page = pfn_page(t->k, pfn);
	bool exclusive = old & PTE_WRITE;
	uint64_t pte = (uint64_t)pfn << PAGE_SHIFT | PTE_PRESENT | PTE_ACCESSED;

	if (vma->prot & PROT_EXEC)
		pte |= PTE_EXEC;
	if (exclusive && vma->prot & PROT_WRITE)
		pte |= PTE_WRITE | (write ? PTE_DIRTY : 0);
	if (!vma->prot)
		pte = (pte & ~PTE_PRESENT) | PTE_PROTNONE;
	slot_put(t, pte_pfn(old));
	spend(t, t->k->cost.rmap + t->k->cost.pte_set);
	settle(t);
	if (!page->mapcount++) {
		/* Others of its tree may map it later: the root finds them all. */
		page->mapping = exclusive ? vma->anon_vma : anon_vma_root(vma->anon_vma);
		page->index = linear_page_index(vma, addr);
	}
	rss_add_fault(t, vma->mm, MM_ANONPAGES, 1);
	pt_set(table, addr, pte);
	/* Written at once: what the slot holds is of no use any more. And what is in zram is memory
	 * that would be taken twice. */
	if ((write && exclusive) || t->k->m->desc.disk.sync)
		folio_free_swap(t, pfn);
}

uint32_t do_swap_page(struct task *t, struct vma *vma, uint64_t addr, uint64_t pte, bool write)
{
	uint32_t slot = pte_pfn(pte), pfn = swap_cache_get_folio(t, slot);
	struct page_table *table;
	struct spinlock *ptl;
	bool mapped = false;

	if (pfn)
		metric_get(sim_metrics(t->k->sim), &desc_hit, "")->value++;
	else
		pfn = swap_read(t, vma, addr, slot);
	if (!pfn)
		return 0;
	if (!folio_trylock(t, pfn))
		return pfn;
	table = pte_offset_map_lock(t, vma->mm, addr, &ptl);
	if (table) {
		mapped = table->slot.pte[pt_index(addr, PT_PTE)] == pte &&
			 pfn_page(t->k, pfn)->flags & PG_SWAPCACHE &&
			 pfn_page(t->k, pfn)->swap == slot;
		if (mapped)
			map_swapped(t, vma, table, addr & ~(PAGE_SIZE - 1), pte, pfn, write);
		pte_unmap_unlock(t, table, ptl);
	}
	folio_unlock(t, pfn);
	if (!mapped)
		release_pages(t, &pfn, 1);
	return 0;
}
