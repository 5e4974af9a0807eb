// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * kswapd, direct reclaim, and the shrinking of the four LRU lists. What is done to one batch of
 * isolated folios is in shrink_folio.c.
 */
#include "models/kernel/reclaim.h"

#include <math.h>
#include <stdlib.h>

#include "models/kernel/init.h"
#include "models/kernel/shrink.h"
#include "models/kernel/writeback.h"

#define DEF_PRIORITY        12
#define SWAPPINESS          60 /* vm.swappiness; of 200 */
#define MAX_RECLAIM_RETRIES 16
#define BUSY_RETRIES        8
#define THROTTLE            (100 * SIM_MS) /* longest sleep for writeback to get on, HZ/10 */

METRIC(desc_wakes, "reclaim.kswapd_wakes", METRIC_COUNTER, "1", NULL,
       "times that kswapd was woken");
METRIC(desc_direct, "reclaim.direct", METRIC_HISTOGRAM, "ps", NULL,
       "direct reclaim, from the allocation's point of view");
METRIC(desc_scanned, "reclaim.scanned", METRIC_COUNTER, "pages", "by",
       "folios isolated from inactive lists");
METRIC(desc_reclaimed, "reclaim.reclaimed", METRIC_COUNTER, "pages", "by", "folios freed");

static const char *const by_names[2] = { "direct", "kswapd" };

struct throttled {
	struct task *task;
	struct throttled *next;
};

struct reclaim {
	struct task *kswapd;
	bool kswapd_runs, kswapd_called;
	struct throttled *throttled;
	unsigned int nr_throttled, written; /* sleepers; pages written since the first of them */
	struct metric *scanned[2], *reclaimed[2], *wakes, *direct;
};

void reclaim_init(struct kernel *k)
{
	struct reclaim *r = calloc(1, sizeof(*r));
	struct metrics *m = sim_metrics(k->sim);

	k->reclaim = r;
	if (!k->pages->limit)
		return;
	for (unsigned int i = 0; i < 2; i++) {
		r->scanned[i] = metric_get(m, &desc_scanned, by_names[i]);
		r->reclaimed[i] = metric_get(m, &desc_reclaimed, by_names[i]);
	}
	r->wakes = metric_get(m, &desc_wakes, "");
	r->direct = metric_get(m, &desc_direct, "");
}

void reclaim_free(struct kernel *k)
{
	free(k->reclaim);
}

/* ---- throttling ---- */

/* Everything that could be reclaimed is being written: waits for some of it. */
static void reclaim_throttle(struct task *t)
{
	struct throttled w = { .task = t, .next = t->k->reclaim->throttled }, **link;

	t->k->reclaim->throttled = &w;
	if (!t->k->reclaim->nr_throttled++)
		t->k->reclaim->written = 0;
	sched_sleep(t, THROTTLE, "writeback of reclaimed pages");
	for (link = &t->k->reclaim->throttled; *link; link = &(*link)->next) {
		if (*link == &w) {
			*link = w.next;
			t->k->reclaim->nr_throttled--;
			break;
		}
	}
}

void reclaim_writeback_ended(struct task *t)
{
	struct reclaim *r = t->k->reclaim;
	struct throttled *w = r->throttled;

	/* Enough for each of them, or all that there was. */
	if (!w || (++r->written <= SWAP_CLUSTER_MAX * r->nr_throttled && t->k->pages->nr_writeback))
		return;
	r->throttled = NULL;
	r->nr_throttled = 0;
	while (w) {
		struct throttled *next = w->next; /* w is on the sleeper's stack */

		sched_wake(t, w->task);
		w = next;
	}
}

/* ---- the lists ---- */

static void shrink_inactive_list(struct task *t, struct scan_control *sc, enum lru_list list,
				 unsigned int n)
{
	struct reclaim *r = t->k->reclaim;
	uint32_t pfn[SWAP_CLUSTER_MAX];
	unsigned int freed, taken;

	lru_add_drain(t);
	n = taken = lru_isolate(t, list, n < SWAP_CLUSTER_MAX ? n : SWAP_CLUSTER_MAX, pfn);
	if (!n)
		return;
	t->k->pages->nr_isolated += taken;
	sc->scanned += n;
	r->scanned[sc->kswapd]->value += n;
	freed = shrink_folio_list(t, sc, pfn, &n);
	lru_putback(t, pfn, n);
	t->k->pages->nr_isolated -= taken;
	sc->reclaimed += freed;
	r->reclaimed[sc->kswapd]->value += freed;
}

/* Active folios of the tail become inactive, whether used or not; their A is cleared. */
static void shrink_active_list(struct task *t, enum lru_list list)
{
	uint32_t pfn[SWAP_CLUSTER_MAX];
	unsigned int n;

	lru_add_drain(t);
	n = lru_isolate(t, list, SWAP_CLUSTER_MAX, pfn);
	for (unsigned int i = 0; i < n; i++) {
		struct page *page = pfn_page(t->k, pfn[i]);

		spend(t, t->k->cost.reclaim_folio);
		folio_referenced(t, pfn[i]);
		page->flags &= (uint16_t)~PG_ACTIVE;
	}
	lru_putback(t, pfn, n);
}

static bool inactive_is_low(const struct kernel *k, enum lru_list inactive)
{
	uint64_t in = k->pages->lru_size[inactive], active = k->pages->lru_size[inactive + 1];
	uint64_t gb = (in + active) >> (30 - PAGE_SHIFT);
	uint64_t ratio = gb ? (uint64_t)sqrt(10.0 * (double)gb) : 1;

	return in * ratio < active;
}

static bool swap_has_room(const struct kernel *k)
{
	return k->m->desc.disk.swap > 0;
}

/* How much of each list to look at: by its size, the priority, and swappiness. */
static void get_scan_count(const struct kernel *k, const struct scan_control *sc,
			   uint64_t nr[NR_LRU_LISTS])
{
	const uint64_t *size = k->pages->lru_size;
	uint64_t anon = size[LRU_INACTIVE_ANON] + size[LRU_ACTIVE_ANON];
	uint64_t file = size[LRU_INACTIVE_FILE] + size[LRU_ACTIVE_FILE];

	for (unsigned int list = 0; list < NR_LRU_LISTS; list++) {
		bool is_file = list >= LRU_INACTIVE_FILE;
		uint64_t part = is_file ? 200 - SWAPPINESS : SWAPPINESS;

		nr[list] = size[list] >> sc->priority;
		if (!is_file && !swap_has_room(k))
			nr[list] = 0;
		else if (anon && file && sc->priority) /* else one kind, or all there is */
			nr[list] = nr[list] * part / 200;
	}
}

static void shrink_lruvec(struct task *t, struct scan_control *sc)
{
	static const enum lru_list inactive[] = { LRU_INACTIVE_ANON, LRU_INACTIVE_FILE };
	uint64_t nr[NR_LRU_LISTS];
	bool more = true;

	get_scan_count(t->k, sc, nr);
	while (more && sc->reclaimed < sc->nr_to_reclaim) {
		more = false;
		for (unsigned int i = 0; i < 2; i++) {
			enum lru_list in = inactive[i], active = in + 1;
			uint64_t n;

			if (nr[active] && inactive_is_low(t->k, in))
				shrink_active_list(t, active);
			nr[active] -= nr[active] < SWAP_CLUSTER_MAX ? nr[active] : SWAP_CLUSTER_MAX;
			n = nr[in] < SWAP_CLUSTER_MAX ? nr[in] : SWAP_CLUSTER_MAX;
			if (n)
				shrink_inactive_list(t, sc, in, (unsigned int)n);
			nr[in] -= n;
			more |= nr[in] || nr[active];
		}
		cond_resched(t);
	}
	if (swap_has_room(t->k) && inactive_is_low(t->k, LRU_INACTIVE_ANON))
		shrink_active_list(t, LRU_ACTIVE_ANON);
}

/* From the priority that looks at a 4096th of the lists to the one that looks at all. */
static bool shrink_node(struct task *t, struct scan_control *sc)
{
	for (sc->priority = DEF_PRIORITY; sc->priority >= 0; sc->priority--) {
		uint64_t scanned = sc->scanned, reclaimed = sc->reclaimed;

		sc->writeback = sc->dirty = 0;
		shrink_lruvec(t, sc);
		settle(t);
		if (sc->reclaimed >= sc->nr_to_reclaim)
			return true;
		if (sc->dirty)
			wakeup_flusher(t);
		if (sc->writeback + sc->dirty && sc->writeback + sc->dirty >= sc->scanned - scanned)
			reclaim_throttle(t);
		if (sc->reclaimed > reclaimed && sc->kswapd)
			sc->priority++;
	}
	return sc->reclaimed;
}

/* ---- kswapd ---- */

static void kswapd_main(struct task *t, void *arg)
{
	struct reclaim *r = arg;
	struct pages *p = t->k->pages;

	t->memalloc = true;
	for (;;) {
		while (!r->kswapd_called)
			sched_block(t, "kswapd's wake-up");
		if (!kthread_busy(t))
			kthread_stopped(t);
		r->kswapd_called = false;
		r->kswapd_runs = true;
		while (zone_free_pages(p) < (int64_t)p->wmark[WMARK_HIGH]) {
			struct scan_control sc = { .kswapd = true,
						   .nr_to_reclaim = SWAP_CLUSTER_MAX };

			if (p->wmark[WMARK_HIGH] > sc.nr_to_reclaim)
				sc.nr_to_reclaim = p->wmark[WMARK_HIGH];
			if (!shrink_node(t, &sc))
				break; /* direct reclaim finds out what is wrong */
		}
		r->kswapd_runs = false;
		kthread_idle(t);
	}
}

static void wakeup_kswapd(struct task *t)
{
	struct reclaim *r = t->k->reclaim;

	if (r->kswapd_called || r->kswapd_runs)
		return;
	if (!r->kswapd)
		r->kswapd = kthread_spawn(t->k, "kswapd0", kswapd_main, r);
	r->kswapd_called = true;
	r->wakes->value++;
	sched_wake(t, r->kswapd);
}

/* ---- direct reclaim ---- */

static bool try_to_free_pages(struct task *t)
{
	struct scan_control sc = { .nr_to_reclaim = SWAP_CLUSTER_MAX };
	sim_ps begin = sim_now(t->k->sim);
	bool progress;

	t->memalloc = true;
	progress = shrink_node(t, &sc);
	t->memalloc = false;
	hist_add(&t->k->reclaim->direct->hist, sim_now(t->k->sim) - begin);
	return progress;
}

void reclaim_for_alloc(struct task *t)
{
	struct pages *p = t->k->pages;
	unsigned int retries = 0;

	if (t->memalloc)
		return;
	settle(t);
	if (zone_free_pages(p) >= (int64_t)p->wmark[WMARK_LOW])
		return;
	wakeup_kswapd(t);
	while (zone_free_pages(p) <= (int64_t)p->wmark[WMARK_MIN]) {
		if (try_to_free_pages(t)) {
			retries = 0;
			continue;
		}
		drain_all_pages(t);
		/* Others are at it: that counts less than having nothing to look at. */
		if (p->nr_writeback || p->nr_isolated || wakeup_flusher(t))
			reclaim_throttle(t);
		else
			retries += BUSY_RETRIES - 1;
		if (++retries > MAX_RECLAIM_RETRIES * BUSY_RETRIES)
			sim_die(t->k->sim, "out of memory: %llu frames, none can be reclaimed",
				(unsigned long long)p->limit);
	}
}

unsigned int reclaim_pages(struct task *t, uint32_t *pfn, unsigned int n)
{
	struct scan_control sc = { .ignore_references = true };
	unsigned int freed = shrink_folio_list(t, &sc, pfn, &n);

	lru_putback(t, pfn, n);
	return freed;
}
