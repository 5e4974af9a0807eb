// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The lock of a page: a bit in its page struct, taken by an atomic on that line. Who does not get
 * it sleeps on one of 256 queues, found by a hash as the kernel's folio_wait_table, and is woken by
 * the unlock.
 */
#include "models/kernel/mm.h"

#include <stdlib.h>

#define WAIT_QUEUES 256

METRIC(desc_waits, "mm.page_lock_waits", METRIC_HISTOGRAM, "ps", NULL, "sleeps for a page's lock");

struct page_waiter {
	struct task *task;
	uint32_t pfn;
	bool woken, only_waits; /* until it is unlocked */
	struct page_waiter *next;
};

struct page_wait {
	struct spinlock lock;
	struct page_waiter *head;
};

void page_lock_init(struct kernel *k)
{
	k->page_wait = calloc(WAIT_QUEUES, sizeof(*k->page_wait));
	for (unsigned int i = 0; i < WAIT_QUEUES; i++)
		spin_lock_init(k, &k->page_wait[i].lock, lock_class_get(k, "folio_wait"));
}

void page_lock_free(struct kernel *k)
{
	for (unsigned int i = 0; i < WAIT_QUEUES; i++)
		spin_lock_free(k, &k->page_wait[i].lock);
	free(k->page_wait);
}

static struct page_wait *queue_of(struct kernel *k, uint32_t pfn)
{
	return &k->page_wait[(pfn * UINT32_C(2654435761)) >> 24];
}

/*
 * A page struct's line: fetched from the core that wrote it last, one transfer after the other. It
 * is kept in the page itself, since there is one for every frame.
 */
static sim_ps page_line_access(struct task *t, uint32_t pfn)
{
	struct machine *m = t->k->m;
	struct page *page = pfn_page(t->k, pfn);
	unsigned int core = this_cpu(t)->cpu->core;
	sim_ps now = sim_now(t->k->sim);
	sim_ps from = page->busy_until > now ? page->busy_until : now;

	if (page->core != core)
		from += m->line_latency[machine_core_distance(m, core, page->core)];
	page->core = (uint16_t)core;
	page->busy_until = from + m->desc.line.atomic;
	return page->busy_until;
}

void touch_page(struct task *t, uint32_t pfn)
{
	settle(t);
	cpu_stall(this_cpu(t)->cpu, page_line_access(t, pfn));
}

bool folio_trylock(struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);
	bool got;

	settle(t);
	got = !(page->flags & PG_LOCKED); /* in the order of arrival, as for all lines */
	page->flags |= PG_LOCKED;
	cpu_stall(this_cpu(t)->cpu, page_line_access(t, pfn));
	return got;
}

static void wait_on(struct task *t, uint32_t pfn, bool only_waits)
{
	struct page_wait *q = queue_of(t->k, pfn);
	struct page_waiter w = { .task = t, .pfn = pfn, .only_waits = only_waits };
	struct page *page = pfn_page(t->k, pfn);
	struct page_waiter **link;
	sim_ps asked_at = sim_now(t->k->sim);

	spend(t, t->k->cost.lock_slow);
	spin_lock_irq(t, &q->lock); /* a page is also unlocked by the interrupt that ends a read */
	if (page->flags & PG_LOCKED) {
		page->flags |= PG_WAITERS;
		for (link = &q->head; *link; link = &(*link)->next)
			;
		*link = &w;
	} else { /* let go while we came */
		if (!only_waits)
			page->flags |= PG_LOCKED;
		w.woken = true;
	}
	spin_unlock_irq(t, &q->lock);
	while (!w.woken)
		sched_block(t, "a page's lock");
	hist_add(&metric_get(sim_metrics(t->k->sim), &desc_waits, "")->hist,
		 sim_now(t->k->sim) - asked_at);
}

void folio_lock(struct task *t, uint32_t pfn)
{
	if (!folio_trylock(t, pfn))
		wait_on(t, pfn, false);
}

void folio_wait_locked(struct task *t, uint32_t pfn)
{
	if (pfn_page(t->k, pfn)->flags & PG_LOCKED)
		wait_on(t, pfn, true);
}

/* All who only wait, up to the first who wants the lock and gets it. */
static void hand_over(struct task *t, uint32_t pfn)
{
	struct page_wait *q = queue_of(t->k, pfn);
	struct page *page = pfn_page(t->k, pfn);
	struct page_waiter **link, *woken = NULL, **last = &woken, *w;
	bool more = false, taken = false;

	spin_lock_irq(t, &q->lock);
	for (link = &q->head; (w = *link);) {
		if (w->pfn != pfn || (taken && !w->only_waits)) {
			more |= w->pfn == pfn;
			link = &w->next;
			continue;
		}
		taken |= !w->only_waits;
		*link = w->next;
		w->next = NULL;
		*last = w;
		last = &w->next;
	}
	if (!more)
		page->flags &= (uint16_t)~PG_WAITERS;
	if (!taken)
		page->flags &= (uint16_t)~PG_LOCKED;
	spin_unlock_irq(t, &q->lock);
	while ((w = woken)) {
		woken = w->next;
		w->woken = true;
		sched_wake(t, w->task);
	}
}

void folio_unlock(struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);

	settle(t);
	sim_check(t->k->sim, page->flags & PG_LOCKED, "lock-balance",
		  "frame %u is unlocked and was not locked", pfn);
	if (page->flags & PG_WAITERS) {
		hand_over(t, pfn);
		return;
	}
	page->flags &= (uint16_t)~PG_LOCKED;
	touch_page(t, pfn);
}
