// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The LRU list and the per-CPU batches in front of it. A batch holds a reference to each folio in
 * it, so a page that is unmapped meanwhile is freed when the batch is drained; a page on the list
 * is taken off it under the LRU lock before it is freed. Both touch the list's head and the
 * neighbours' page structs, which other CPUs wrote last: that, not the lock word, is what a busy
 * LRU lock is held for.
 */
#include "models/kernel/mm.h"

#define RELEASE_MAX (2 * LRU_BATCH_MAX) /* pages: a gather releases 512 at once */

/*
 * What it takes to bring a page struct here from the core that wrote it last. Under the LRU lock
 * nobody else wants it, so it needs no queue. The list's own node is a line like others.
 */
static sim_ps fetch_page(struct task *t, uint32_t pfn)
{
	struct machine *m = t->k->m;
	unsigned int core = this_cpu(t)->cpu->core, from;
	struct page *page = pfn_page(t->k, pfn);
	sim_ps now = sim_now(t->k->sim);

	if (pfn < NR_LRU_LISTS) /* the lists' own nodes lie side by side in the lruvec */
		return line_access(m, &t->k->lruvec_line, core, LINE_WRITE, now) - now;
	from = page->core;
	page->core = (uint16_t)core;
	return from == core ? 0 : m->line_latency[machine_core_distance(m, core, from)];
}

static sim_ps later(sim_ps a, sim_ps b)
{
	return a > b ? a : b;
}

/* The counters of the lruvec and its memory cgroup: one line, beside the lock. */
static sim_ps fetch_lru_size(struct task *t)
{
	sim_ps now = sim_now(t->k->sim);

	return line_access(t->k->m, &t->k->lru_size_line, this_cpu(t)->cpu->core, LINE_WRITE, now) -
	       now;
}

/* Where its flags say that it belongs. */
static enum lru_list list_of(const struct page *page)
{
	return (page->flags & PG_SWAPBACKED ? LRU_INACTIVE_ANON : LRU_INACTIVE_FILE) +
	       (page->flags & PG_ACTIVE ? 1 : 0);
}

static void link_page(struct kernel *k, uint32_t list, uint32_t pfn, bool tail)
{
	struct page *page = pfn_page(k, pfn);

	page->prev = tail ? pfn_page(k, list)->prev : list;
	page->next = tail ? list : pfn_page(k, list)->next;
	pfn_page(k, page->prev)->next = pfn;
	pfn_page(k, page->next)->prev = pfn;
	page->on_lru = true;
	page->list = (uint8_t)list;
	k->pages->lru_size[list]++;
}

/* Misses that do not depend on each other overlap: the core waits for the last of each step. */
static void list_insert(struct task *t, uint32_t pfn, bool tail)
{
	uint32_t list = list_of(pfn_page(t->k, pfn));
	struct page *head = pfn_page(t->k, list);
	sim_ps step;

	settle(t);
	step = later(fetch_page(t, list), later(fetch_page(t, pfn), fetch_lru_size(t)));
	spend_time(t, step + fetch_page(t, tail ? head->prev : head->next));
	spend(t, t->k->cost.lru_move);
	link_page(t->k, list, pfn, tail);
}

static void unlink_page(struct kernel *k, uint32_t pfn)
{
	struct page *page = pfn_page(k, pfn);

	k->pages->lru_size[page->list]--;
	pfn_page(k, page->prev)->next = page->next;
	pfn_page(k, page->next)->prev = page->prev;
	page->on_lru = false;
}

static void list_remove(struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);
	sim_ps step;

	settle(t);
	step = later(fetch_page(t, pfn), fetch_lru_size(t));
	spend_time(t, step + later(fetch_page(t, page->prev), fetch_page(t, page->next)));
	spend(t, t->k->cost.lru_move);
	unlink_page(t->k, pfn);
}

/* uncharge_batch: one atomic for each level of the memory cgroup. */
static void uncharge(struct task *t)
{
	for (unsigned int i = 0; i < MEMCG_LEVELS; i++)
		touch_line(t, &t->k->page_counter_line[i], LINE_ATOMIC);
}

static void leave_list(struct task *t, const uint32_t *pfn, unsigned int n)
{
	bool locked = false;

	for (unsigned int i = 0; i < n; i++) {
		if (!pfn_page(t->k, pfn[i])->on_lru)
			continue;
		if (!locked)
			spin_lock_irq(t, &t->k->lru_lock);
		locked = true;
		list_remove(t, pfn[i]);
	}
	if (locked)
		spin_unlock_irq(t, &t->k->lru_lock);
}

static void free_pages(struct task *t, const uint32_t *pfn, unsigned int n)
{
	uncharge(t);
	for (unsigned int i = 0; i < n; i++)
		free_page(t, pfn[i]);
}

void release_pages(struct task *t, const uint32_t *pfn, unsigned int n)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_LRU];
	const struct lru_ops *ops = p->choice->ops;
	unsigned int batch = ops->free_batch(p->params), filled = 0, left = 0;
	bool by_batch = ops->frees_by_batch(p->params);
	uint32_t unused[RELEASE_MAX];

	for (unsigned int i = 0; i < n; i++) {
		struct page *page = pfn_page(t->k, pfn[i]);

		if (--page_folio(page)->refs)
			continue; /* its last user frees it */
		unused[filled++] = pfn[i] - page->tail;
		if (filled - left < batch && filled < RELEASE_MAX)
			continue;
		leave_list(t, unused + left, filled - left);
		left = filled;
		if (by_batch || filled == RELEASE_MAX) {
			free_pages(t, unused, filled);
			filled = left = 0;
		}
	}
	if (!filled)
		return;
	leave_list(t, unused + left, filled - left);
	free_pages(t, unused, filled);
}

static void drain_batch(struct task *t)
{
	struct kcpu *c = this_cpu(t);
	uint32_t pfn[LRU_BATCH_MAX];
	unsigned int n = c->lru_batch;

	for (unsigned int i = 0; i < n; i++)
		pfn[i] = c->lru_pfn[i];
	c->lru_batch = 0;
	spin_lock_irq(t, &t->k->lru_lock);
	for (unsigned int i = 0; i < n; i++)
		list_insert(t, pfn[i], false);
	spin_unlock_irq(t, &t->k->lru_lock);
	for (unsigned int i = 0; i < n; i++)
		pfn_page(t->k, pfn[i])->in_batch = false;
	release_pages(t, pfn, n);
}

/* The list that its new flags name; false: it stays as it is. */
static bool change_list(struct page *page, enum lru_move why)
{
	if (!page->on_lru || !page->refs)
		return false;
	if (why == LRU_LAZYFREE &&
	    ((page->flags & (PG_ANON | PG_SWAPBACKED | PG_SWAPCACHE)) != (PG_ANON | PG_SWAPBACKED)))
		return false;
	return true;
}

static void drain_moves(struct task *t, enum lru_move why)
{
	struct kcpu *c = this_cpu(t);
	uint32_t pfn[LRU_BATCH_MAX];
	unsigned int n = c->nr_lru_moves[why];

	for (unsigned int i = 0; i < n; i++)
		pfn[i] = c->lru_move[why][i];
	c->nr_lru_moves[why] = 0;
	spin_lock_irq(t, &t->k->lru_lock);
	for (unsigned int i = 0; i < n; i++) {
		struct page *page = pfn_page(t->k, pfn[i]);

		page->in_moves--;
		if (!change_list(page, why))
			continue;
		list_remove(t, pfn[i]);
		page->flags &= (uint16_t) ~(PG_ACTIVE | PG_REFERENCED |
					    (why == LRU_LAZYFREE ? PG_SWAPBACKED : 0));
		list_insert(t, pfn[i], false);
	}
	spin_unlock_irq(t, &t->k->lru_lock);
	release_pages(t, pfn, n);
}

static unsigned int batch_size(const struct task *t)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_LRU];

	return ((const struct lru_ops *)p->choice->ops)->batch(p->params);
}

void lru_move_later(struct task *t, uint32_t pfn, enum lru_move why)
{
	struct kcpu *c;

	if (!change_list(pfn_page(t->k, pfn), why))
		return;
	preempt_disable(t);
	spend(t, t->k->cost.lru_add);
	c = this_cpu(t);
	pfn_page(t->k, pfn)->refs++;
	pfn_page(t->k, pfn)->in_moves++;
	c->lru_move[why][c->nr_lru_moves[why]++] = pfn;
	if (c->nr_lru_moves[why] >= batch_size(t))
		drain_moves(t, why);
	preempt_enable(t);
}

void folio_add_lru(struct task *t, uint32_t pfn)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_LRU];
	const struct lru_ops *ops = p->choice->ops;
	struct kcpu *c;

	preempt_disable(t);
	spend(t, t->k->cost.lru_add);
	c = this_cpu(t);
	c->lru_pfn[c->lru_batch++] = pfn;
	pfn_page(t->k, pfn)->in_batch = true;
	pfn_page(t->k, pfn)->refs++;
	pfn_page(t->k, pfn)->core = (uint16_t)c->cpu->core;
	if (c->lru_batch >= ops->batch(p->params) || pfn_page(t->k, pfn)->order)
		drain_batch(t);
	preempt_enable(t);
}

void lru_add_drain(struct task *t)
{
	preempt_disable(t);
	spend(t, t->k->cost.lru_drain);
	if (this_cpu(t)->lru_batch)
		drain_batch(t);
	for (enum lru_move why = 0; why < NR_LRU_MOVES; why++)
		if (this_cpu(t)->nr_lru_moves[why])
			drain_moves(t, why);
	preempt_enable(t);
}

/* ---- reclaim ---- */

/* Off its list, with a reference; under the LRU lock. Not if its last user is about to free it. */
static bool isolate(struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);

	if (!page->on_lru || !page->refs)
		return false;
	page->refs++;
	list_remove(t, pfn);
	return true;
}

unsigned int lru_isolate(struct task *t, enum lru_list list, unsigned int n, uint32_t *pfn)
{
	unsigned int got = 0;

	spin_lock_irq(t, &t->k->lru_lock);
	while (got < n) {
		uint32_t at = pfn_page(t->k, list)->prev;

		while (at != list && !pfn_page(t->k, at)->refs)
			at = pfn_page(t->k, at)->prev;
		if (at == list || !isolate(t, at))
			break;
		pfn[got++] = at;
	}
	spin_unlock_irq(t, &t->k->lru_lock);
	return got;
}

bool folio_isolate_lru(struct task *t, uint32_t pfn)
{
	bool ok;

	spin_lock_irq(t, &t->k->lru_lock);
	ok = isolate(t, pfn);
	spin_unlock_irq(t, &t->k->lru_lock);
	return ok;
}

void lru_putback(struct task *t, const uint32_t *pfn, unsigned int n)
{
	if (!n)
		return;
	spin_lock_irq(t, &t->k->lru_lock);
	for (unsigned int i = 0; i < n; i++)
		list_insert(t, pfn[i], false);
	spin_unlock_irq(t, &t->k->lru_lock);
	release_pages(t, pfn, n);
}

void lru_rotate(struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);

	if (!page->on_lru || page->flags & (PG_ACTIVE | PG_DIRTY | PG_LOCKED))
		return;
	spin_lock_irq(t, &t->k->lru_lock);
	if (page->on_lru) {
		list_remove(t, pfn);
		list_insert(t, pfn, true);
	}
	spin_unlock_irq(t, &t->k->lru_lock);
}

void lru_add_quietly(struct kernel *k, uint32_t pfn)
{
	link_page(k, list_of(pfn_page(k, pfn)), pfn, false);
}

void lru_remove_quietly(struct kernel *k, uint32_t pfn)
{
	if (pfn_page(k, pfn)->on_lru)
		unlink_page(k, pfn);
}

void put_page_quietly(struct kernel *k, uint32_t pfn)
{
	struct page *page = pfn_page(k, pfn);

	if (--page->refs)
		return;
	lru_remove_quietly(k, pfn);
	free_page_quietly(k, pfn);
}

void folio_putback_lru(struct task *t, uint32_t pfn)
{
	folio_add_lru(t, pfn);
	release_pages(t, &pfn, 1);
}

void lru_drain_for_zap(struct task *t)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_LRU];
	const struct lru_ops *ops = p->choice->ops;

	if (ops->drain_before_zap(p->params))
		lru_add_drain(t);
}

void lru_init(struct kernel *k)
{
	struct line_class *counters = line_class_get(k->m, "page_counter");

	spin_lock_init(k, &k->lru_lock, lock_class_get(k, "lru_lock"));
	line_init(&k->lruvec_line, line_class_get(k->m, "lruvec"));
	line_init(&k->lru_size_line, line_class_get(k->m, "lru_size"));
	for (unsigned int i = 0; i < MEMCG_LEVELS; i++)
		line_init(&k->page_counter_line[i], counters);
}

void lru_drain_quietly(struct kernel *k)
{
	for (unsigned int i = 0; i < k->nr_cpus; i++) {
		struct kcpu *c = &k->cpus[i];

		while (c->lru_batch) {
			uint32_t pfn = c->lru_pfn[--c->lru_batch];

			pfn_page(k, pfn)->in_batch = false;
			put_page_quietly(k, pfn);
		}
		for (enum lru_move why = 0; why < NR_LRU_MOVES; why++)
			while (c->nr_lru_moves[why])
				put_page_quietly(k, c->lru_move[why][--c->nr_lru_moves[why]]);
	}
}

void lru_free(struct kernel *k)
{
	spin_lock_free(k, &k->lru_lock);
	line_free(&k->lruvec_line, k->m);
	line_free(&k->lru_size_line, k->m);
	for (unsigned int i = 0; i < MEMCG_LEVELS; i++)
		line_free(&k->page_counter_line[i], k->m);
}
