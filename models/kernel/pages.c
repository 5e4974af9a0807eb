// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Page frames: per-CPU lists over one zone with its lock. Frames carry no contents, only a life.
 */
#include <math.h>
#include <stdlib.h>

#include "models/kernel/migrate.h"
#include "models/kernel/numa.h"
#include "models/kernel/reclaim.h"

#define PCP_BATCH           63
#define PCP_HIGH            (PCP_BATCH * 6)
#define PCP_BATCH_SCALE_MAX 6  /* what refills in a row are counted up to */
#define WATERMARK_SCALE     10 /* vm.watermark_scale_factor, of 10,000 */

static void add_chunk(struct pages *p)
{
	uint32_t n = p->cap / PAGE_STRUCTS;

	p->chunk = realloc(p->chunk, (n + 1) * sizeof(*p->chunk));
	p->chunk[n] = calloc(PAGE_STRUCTS, sizeof(**p->chunk));
	p->cap += PAGE_STRUCTS;
	p->free = realloc(p->free, p->cap * sizeof(*p->free));
	p->free_huge = realloc(p->free_huge, p->cap / HPAGE_PAGES * sizeof(*p->free_huge));
}

/* init_per_zone_wmark_min, zone_batchsize: what the size of memory makes of them. */
static void set_limit(struct pages *p, uint64_t frames, unsigned int nr_cpus)
{
	uint64_t min, gap, batch = frames >> 10;

	p->pcp_batch = PCP_BATCH;
	p->pcp_high = PCP_HIGH;
	p->limit = frames;
	if (!frames)
		return;
	min = (uint64_t)sqrt((double)frames * (PAGE_SIZE / 1024) * 16) / (PAGE_SIZE / 1024);
	gap = min / 4 > frames * WATERMARK_SCALE / 10000 ? min / 4
							 : frames * WATERMARK_SCALE / 10000;
	for (unsigned int i = 0; i < NR_WMARKS; i++)
		p->wmark[i] = min + i * gap;
	if (batch < 64) { /* rounded down to a power of two, less one, of half as much again */
		uint32_t power = 1;

		while (2 * power <= batch + batch / 2)
			power *= 2;
		p->pcp_batch = power > 1 ? power - 1 : 1;
	}
	p->pcp_high = (uint32_t)(p->wmark[WMARK_LOW] / nr_cpus);
	if (p->pcp_high < 4 * p->pcp_batch)
		p->pcp_high = 4 * p->pcp_batch;
	if (p->pcp_high > PCP_HIGH)
		p->pcp_high = PCP_HIGH;
}

void pages_init(struct kernel *k)
{
	struct pages *p = calloc(1, sizeof(*p));

	add_chunk(p);
	p->nr = PFN_FIRST;
	for (uint32_t list = 0; list < NR_LRU_LISTS; list++)
		p->chunk[0][list].prev = p->chunk[0][list].next = list;
	set_limit(p, k->m->desc.memory.size / PAGE_SIZE, k->nr_cpus);
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

/* A frame from the zone. Where memory has an end, the caller knows that there is one. */
static uint32_t zone_take(struct pages *p)
{
	p->handed_out++;
	return p->nr_free ? p->free[--p->nr_free] : zone_take_new(p);
}

static void zone_give(struct pages *p, uint32_t pfn)
{
	p->handed_out--;
	p->free[p->nr_free++] = pfn;
}

static void pcp_push(struct kcpu *c, uint32_t pfn)
{
	if (c->nr_pcp == c->pcp_cap) {
		c->pcp_cap = c->pcp_cap ? 2 * c->pcp_cap : 128;
		c->pcp = realloc(c->pcp, c->pcp_cap * sizeof(*c->pcp));
	}
	c->pcp[c->nr_pcp++] = pfn;
}

static const struct page_list_ops *list_ops(const struct task *t, const void **params)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_PAGE_LISTS];

	*params = p->params;
	return p->choice->ops;
}

static void rmqueue_bulk(struct task *t)
{
	struct kcpu *c = this_cpu(t);
	struct pages *p = t->k->pages;
	const void *params;
	unsigned int n = list_ops(t, &params)->refill(params, p->pcp_batch, c->pcp_alloc_factor);
	unsigned int taken = 0;

	if (c->pcp_alloc_factor < PCP_BATCH_SCALE_MAX)
		c->pcp_alloc_factor++;
	spin_lock_irq(t, &p->zone_lock);
	c = this_cpu(t);
	for (; taken < n && (!p->limit || zone_free_pages(p) > 0); taken++)
		pcp_push(c, zone_take(p));
	spend_on_pages(t, taken * t->k->cost.buddy_page);
	spin_unlock_irq(t, &p->zone_lock);
}

void drain_all_pages(struct task *t)
{
	struct pages *p = t->k->pages;
	unsigned int n = 0;

	spin_lock_irq(t, &p->zone_lock);
	for (unsigned int i = 0; i < t->k->nr_cpus; i++) {
		struct kcpu *c = &t->k->cpus[i];

		for (; c->nr_pcp; n++)
			zone_give(p, c->pcp[--c->nr_pcp]);
	}
	spend_on_pages(t, n * t->k->cost.buddy_page);
	spin_unlock_irq(t, &p->zone_lock);
}

static void hand_out(struct kernel *k, uint32_t pfn)
{
	struct page *page = pfn_page(k, pfn);

	page->free = false;
	page->mapcount = 0;
	page->refs = 1;
	page->flags = 0;
	page->mapping = NULL;
	page->contents = 0;
	page->node = 0;
	page->last_node = NO_NODE;
	k->pages->in_use++;
}

/* The zone is empty, whatever it was a moment ago. */
static void alloc_slowpath(struct task *t)
{
	struct pages *p = t->k->pages;

	drain_all_pages(t);
	if (zone_free_pages(p) > 0)
		return;
	if (t->memalloc)
		sim_die(t->k->sim, "out of memory: none of %llu frames is left for reclaim itself",
			(unsigned long long)p->limit);
	reclaim_for_alloc(t);
}

uint32_t alloc_page(struct task *t)
{
	struct kernel *k = t->k;
	uint32_t pfn;

	if (k->pages->limit)
		reclaim_for_alloc(t);
	preempt_disable(t);
	spend_on_pages(t, k->cost.page_alloc);
	if (!this_cpu(t)->nr_pcp)
		rmqueue_bulk(t);
	while (!this_cpu(t)->nr_pcp) { /* others were faster */
		preempt_enable(t);
		alloc_slowpath(t);
		preempt_disable(t);
		rmqueue_bulk(t);
	}
	pfn = this_cpu(t)->pcp[--this_cpu(t)->nr_pcp];
	sim_check(k->sim, pfn_page(k, pfn)->free, "page-life", "frame %u allocated twice", pfn);
	hand_out(k, pfn);
	pfn_page(k, pfn)->node = cpu_node(k, t->cpu);
	k->metric.pages_allocated->value++;
	preempt_enable(t);
	return pfn;
}

static void free_pcppages_bulk(struct task *t, unsigned int n)
{
	struct kcpu *c = this_cpu(t);
	struct pages *p = t->k->pages;

	spin_lock_irq(t, &p->zone_lock);
	if (n > c->nr_pcp) /* an interrupt that ended a write gave pages back while we waited */
		n = c->nr_pcp;
	for (unsigned int i = 0; i < n; i++)
		zone_give(p, c->pcp[--c->nr_pcp]);
	spend_on_pages(t, n * t->k->cost.buddy_page);
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

	p->handed_out += HPAGE_PAGES;
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
	while (c->nr_pcp_huge < PCP_HUGE_BATCH &&
	       (!c->nr_pcp_huge || zone_has_huge_page(t->k->pages)))
		c->pcp_huge[c->nr_pcp_huge++] = zone_take_huge(t->k->pages);
	spend_on_pages(t, PCP_HUGE_BATCH * t->k->cost.buddy_page);
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
		page[i].node = cpu_node(k, t->cpu);
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
	p->handed_out -= HPAGE_PAGES;
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
	struct pages *p = k->pages;

	if (take_back(k, pfn) == 1) {
		zone_give(p, pfn);
		return;
	}
	p->free_huge[p->nr_free_huge++] = pfn;
	p->handed_out -= HPAGE_PAGES;
}

void free_page(struct task *t, uint32_t pfn)
{
	if (pfn < PFN_FIRST)
		return;
	if (pfn_page(t->k, pfn)->order) {
		free_huge_page(t, pfn);
		return;
	}
	free_page_quietly(t->k, pfn);
	free_pcp_page(t, pfn);
}

void free_pcp_page(struct task *t, uint32_t pfn)
{
	unsigned int surplus;
	const void *params;

	preempt_disable(t);
	spend_on_pages(t, t->k->cost.page_free);
	this_cpu(t)->pcp_alloc_factor /= 2;
	pcp_push(this_cpu(t), pfn);
	surplus = list_ops(t, &params)
			  ->surplus(params, t->k->pages->pcp_batch, t->k->pages->pcp_high,
				    this_cpu(t)->nr_pcp);
	if (surplus)
		free_pcppages_bulk(t, surplus);
	preempt_enable(t);
}
