// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Page frames: per-CPU lists over one zone with its lock. Frames carry no contents, only a life.
 */
#include <stdlib.h>

#include "models/kernel/mm.h"

#define PCP_BATCH           63
#define PCP_HIGH            (PCP_BATCH * 6)
#define PCP_BATCH_SCALE_MAX 5
#define PFN_FIRST           1

static void add_chunk(struct pages *p)
{
	uint32_t n = p->cap / PAGE_STRUCTS;

	p->chunk = realloc(p->chunk, (n + 1) * sizeof(*p->chunk));
	p->chunk[n] = calloc(PAGE_STRUCTS, sizeof(**p->chunk));
	p->cap += PAGE_STRUCTS;
	p->free = realloc(p->free, p->cap * sizeof(*p->free));
	p->free_huge = realloc(p->free_huge, p->cap / HPAGE_PAGES * sizeof(*p->free_huge));
}

void pages_init(struct kernel *k)
{
	struct pages *p = calloc(1, sizeof(*p));

	add_chunk(p);
	p->nr = PFN_FIRST;
	spin_lock_init(k, &p->zone_lock, lock_class_get(k, "zone_lock"));
	k->pages = p;
}

void pages_free(struct kernel *k)
{
	struct pages *p = k->pages;

	sim_check(k->sim, p->in_use == 0, "page-leak", "%llu pages still in use at the end",
		  (unsigned long long)p->in_use);
	spin_lock_free(k, &p->zone_lock);
	for (uint32_t i = 0; i < p->cap / PAGE_STRUCTS; i++)
		free(p->chunk[i]);
	free(p->chunk);
	free(p->free);
	free(p->free_huge);
	free(p);
}

static uint32_t zone_take_new(struct pages *p)
{
	if (p->nr == p->cap)
		add_chunk(p);
	p->chunk[p->nr / PAGE_STRUCTS][p->nr % PAGE_STRUCTS] = (struct page){ .free = true };
	return p->nr++;
}

/* A frame from the zone; memory has no end here. */
static uint32_t zone_take(struct pages *p)
{
	return p->nr_free ? p->free[--p->nr_free] : zone_take_new(p);
}

static void pcp_push(struct kcpu *c, uint32_t pfn)
{
	if (c->nr_pcp == c->pcp_cap) {
		c->pcp_cap = c->pcp_cap ? 2 * c->pcp_cap : 128;
		c->pcp = realloc(c->pcp, c->pcp_cap * sizeof(*c->pcp));
	}
	c->pcp[c->nr_pcp++] = pfn;
}

/* Each refill in a row takes twice as much, as the kernel's alloc_factor. */
static void rmqueue_bulk(struct task *t)
{
	struct kcpu *c = this_cpu(t);
	unsigned int n = PCP_BATCH << c->pcp_alloc_factor;

	if (c->pcp_alloc_factor < PCP_BATCH_SCALE_MAX)
		c->pcp_alloc_factor++;
	spin_lock_irq(t, &t->k->pages->zone_lock);
	c = this_cpu(t);
	for (unsigned int i = 0; i < n; i++)
		pcp_push(c, zone_take(t->k->pages));
	spend_on_pages(t, n * t->k->cost.page_free / 2);
	spin_unlock_irq(t, &t->k->pages->zone_lock);
}

static void hand_out(struct kernel *k, uint32_t pfn)
{
	struct page *page = pfn_page(k, pfn);

	page->free = false;
	page->mapcount = 0;
	page->refs = 1;
	page->flags = 0;
	page->mapping = NULL;
	k->pages->in_use++;
}

uint32_t alloc_page(struct task *t)
{
	struct kernel *k = t->k;
	uint32_t pfn;

	preempt_disable(t);
	spend_on_pages(t, k->cost.page_alloc);
	if (!this_cpu(t)->nr_pcp)
		rmqueue_bulk(t);
	pfn = this_cpu(t)->pcp[--this_cpu(t)->nr_pcp];
	sim_check(k->sim, pfn_page(k, pfn)->free, "page-life", "frame %u allocated twice", pfn);
	hand_out(k, pfn);
	k->metric.pages_allocated->value++;
	preempt_enable(t);
	return pfn;
}

static void free_pcppages_bulk(struct task *t)
{
	struct kcpu *c = this_cpu(t);
	struct pages *p = t->k->pages;
	unsigned int n = c->nr_pcp - PCP_HIGH / 2;

	spin_lock_irq(t, &p->zone_lock);
	for (unsigned int i = 0; i < n; i++)
		p->free[p->nr_free++] = c->pcp[--c->nr_pcp];
	spend_on_pages(t, n * t->k->cost.page_free / 2);
	spin_unlock_irq(t, &p->zone_lock);
}

/* Returns how many frames. */
static uint32_t take_back(struct kernel *k, uint32_t pfn)
{
	struct page *page = pfn_page(k, pfn);
	uint32_t n = 1u << page->order;

	sim_check(k->sim, !page->free, "page-life", "frame %u freed twice", pfn);
	sim_check(k->sim, !page->on_lru, "page-life", "frame %u freed on the LRU list", pfn);
	sim_check(k->sim, !(page->flags & PG_LOCKED), "page-life", "frame %u freed while locked",
		  pfn);
	page->order = 0;
	for (uint32_t i = 0; i < n; i++) {
		page[i].free = true;
		page[i].life++; /* from here on a translation to it is stale */
		page[i].tail = 0;
	}
	k->pages->in_use -= n;
	return n;
}

void free_page_quietly(struct kernel *k, uint32_t pfn)
{
	k->metric.pages_freed->value += take_back(k, pfn);
}

/* ---- 2 MiB at a time: a short per-CPU list of their own over the same lock ---- */

#define PCP_HUGE_BATCH 2 /* nr_pcp_alloc: max(batch >> order, 2) */

/* Aligned, and never split or merged in the zone: fragmentation is not modelled. */
static uint32_t zone_take_huge(struct pages *p)
{
	uint32_t head;

	if (p->nr_free_huge)
		return p->free_huge[--p->nr_free_huge];
	while (p->nr % HPAGE_PAGES)
		p->free[p->nr_free++] = zone_take_new(p);
	head = p->nr;
	for (uint32_t i = 0; i < HPAGE_PAGES; i++)
		zone_take_new(p);
	return head;
}

static void rmqueue_bulk_huge(struct task *t)
{
	struct kcpu *c;

	spin_lock_irq(t, &t->k->pages->zone_lock);
	c = this_cpu(t);
	while (c->nr_pcp_huge < PCP_HUGE_BATCH)
		c->pcp_huge[c->nr_pcp_huge++] = zone_take_huge(t->k->pages);
	spend_on_pages(t, PCP_HUGE_BATCH * t->k->cost.page_free / 2);
	spin_unlock_irq(t, &t->k->pages->zone_lock);
}

uint32_t alloc_huge_page(struct task *t)
{
	struct kernel *k = t->k;
	struct page *page;
	uint32_t pfn;

	preempt_disable(t);
	spend_on_pages(t, k->cost.page_alloc);
	if (!this_cpu(t)->nr_pcp_huge)
		rmqueue_bulk_huge(t);
	pfn = this_cpu(t)->pcp_huge[--this_cpu(t)->nr_pcp_huge];
	page = pfn_page(k, pfn);
	for (uint32_t i = 0; i < HPAGE_PAGES; i++) {
		sim_check(k->sim, page[i].free, "page-life", "frame %u allocated twice", pfn + i);
		hand_out(k, pfn + i);
		page[i].tail = (uint16_t)i;
	}
	page->pmd_maps = 0;
	page->forked = false;
	page->order = HPAGE_ORDER;
	k->metric.pages_allocated->value += HPAGE_PAGES;
	preempt_enable(t);
	return pfn;
}

/* More than the per-CPU list may hold: straight on to the zone. */
static void free_huge_page(struct task *t, uint32_t pfn)
{
	struct pages *p = t->k->pages;

	preempt_disable(t);
	spend_on_pages(t, t->k->cost.page_free);
	free_page_quietly(t->k, pfn);
	spin_lock_irq(t, &p->zone_lock);
	p->free_huge[p->nr_free_huge++] = pfn;
	spend_on_pages(t, t->k->cost.page_free / 2);
	spin_unlock_irq(t, &p->zone_lock);
	preempt_enable(t);
}

uint32_t take_page_quietly(struct kernel *k)
{
	uint32_t pfn = zone_take(k->pages);

	hand_out(k, pfn);
	return pfn;
}

void give_page_quietly(struct kernel *k, uint32_t pfn)
{
	take_back(k, pfn);
	k->pages->free[k->pages->nr_free++] = pfn;
}

void free_page(struct task *t, uint32_t pfn)
{
	if (pfn < PFN_FIRST)
		return;
	if (pfn_page(t->k, pfn)->order) {
		free_huge_page(t, pfn);
		return;
	}
	preempt_disable(t);
	spend_on_pages(t, t->k->cost.page_free);
	free_page_quietly(t->k, pfn);
	this_cpu(t)->pcp_alloc_factor /= 2;
	pcp_push(this_cpu(t), pfn);
	if (this_cpu(t)->nr_pcp > PCP_HIGH)
		free_pcppages_bulk(t);
	preempt_enable(t);
}
