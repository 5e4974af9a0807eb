/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The TLB against a naive one: for each level and set a list of translations, most recently used
 * first. Small cases by hand pin the geometry, what one flush leaves alone, and the wrap-around of
 * context numbers.
 */
#include "tests/models/model.h"

#include "models/hw/tlb.h"

enum { TRACE = 60000, SEEDS = 12, SLOTS = TLB_GLOBAL_SLOT };

/* ---- the oracle ---- */

struct toy_entry {
	uint64_t vpn, pte;
	uint32_t life;
	unsigned int slot, flush; /* flush: which life of the slot it was filled in */
};

struct toy_level {
	unsigned int sets, ways;
	unsigned int n[256];
	struct toy_entry list[256][64]; /* most recently used first */
};

struct toy_tlb {
	struct toy_level l1, l2;
	unsigned int flushes[SLOTS];
};

static bool toy_alive(const struct toy_tlb *t, const struct toy_entry *e)
{
	return e->flush == t->flushes[e->slot];
}

static int toy_find(const struct toy_tlb *t, const struct toy_level *l, unsigned int slot,
		    uint64_t vpn)
{
	unsigned int set = (unsigned int)(vpn % l->sets);

	for (unsigned int i = 0; i < l->n[set]; i++)
		if (l->list[set][i].vpn == vpn && l->list[set][i].slot == slot &&
		    toy_alive(t, &l->list[set][i]))
			return (int)i;
	return -1;
}

static void toy_remove(struct toy_level *l, unsigned int set, unsigned int i)
{
	memmove(&l->list[set][i], &l->list[set][i + 1],
		(--l->n[set] - i) * sizeof(l->list[set][0]));
}

static void toy_put(const struct toy_tlb *t, struct toy_level *l, struct toy_entry e)
{
	unsigned int set = (unsigned int)(e.vpn % l->sets), victim;
	int at = toy_find(t, l, e.slot, e.vpn);

	if (at >= 0) {
		toy_remove(l, set, (unsigned int)at);
	} else if (l->n[set] == l->ways) {
		victim = l->n[set] - 1;
		for (unsigned int i = 0; i < l->n[set]; i++)
			if (!toy_alive(t, &l->list[set][i]))
				victim = i; /* any dead one: nobody can tell which */
		toy_remove(l, set, victim);
	}
	memmove(&l->list[set][1], &l->list[set][0], l->n[set]++ * sizeof(l->list[set][0]));
	l->list[set][0] = e;
}

static enum tlb_result toy_lookup(struct toy_tlb *t, unsigned int slot, uint64_t vpn,
				  struct toy_entry *out)
{
	unsigned int set = (unsigned int)(vpn % t->l1.sets);
	int at = toy_find(t, &t->l1, slot, vpn);

	if (at >= 0) {
		*out = t->l1.list[set][at];
		toy_put(t, &t->l1, *out);
		return TLB_L1_HIT;
	}
	set = (unsigned int)(vpn % t->l2.sets);
	at = toy_find(t, &t->l2, slot, vpn);
	if (at < 0)
		return TLB_MISS;
	*out = t->l2.list[set][at];
	toy_put(t, &t->l2, *out);
	toy_put(t, &t->l1, *out);
	return TLB_L2_HIT;
}

static bool toy_invalidate(struct toy_tlb *t, unsigned int slot, uint64_t vpn)
{
	struct toy_level *levels[] = { &t->l1, &t->l2 };
	bool had = false;

	for (unsigned int i = 0; i < 2; i++) {
		int at = toy_find(t, levels[i], slot, vpn);

		if (at >= 0)
			toy_remove(levels[i], (unsigned int)(vpn % levels[i]->sets),
				   (unsigned int)at);
		had |= at >= 0;
	}
	return had;
}

static uint32_t toy_count(const struct toy_tlb *t, unsigned int slot)
{
	const struct toy_level *levels[] = { &t->l2, &t->l1 };
	uint32_t n = 0;

	for (unsigned int l = 0; l < 2; l++)
		for (unsigned int s = 0; s < levels[l]->sets; s++)
			for (unsigned int i = 0; i < levels[l]->n[s]; i++) {
				const struct toy_entry *e = &levels[l]->list[s][i];

				n += e->slot == slot && toy_alive(t, e) &&
				     (l == 0 || toy_find(t, &t->l2, slot, e->vpn) < 0);
			}
	return n;
}

/* ---- random traces ---- */

struct geometry {
	uint32_t l1_entries, l1_ways, l2_entries, l2_ways;
	uint64_t pages; /* that the trace touches */
};

static void make(struct tlb *tlb, struct toy_tlb *toy, const struct geometry *g)
{
	struct machine_desc desc = { .tlb = { .l1d_entries = g->l1_entries,
					      .l1d_ways = g->l1_ways,
					      .l2_entries = g->l2_entries,
					      .l2_ways = g->l2_ways } };

	tlb_init(tlb, &desc);
	*toy = (struct toy_tlb){ .l1 = { g->l1_entries / g->l1_ways, g->l1_ways },
				 .l2 = { g->l2_entries / g->l2_ways, g->l2_ways } };
	for (unsigned int s = 0; s < SLOTS; s++) {
		tlb_flush_slot(tlb, s);
		toy->flushes[s]++;
	}
}

static void same_lookup(struct tlb *tlb, struct toy_tlb *toy, unsigned int slot, uint64_t vpn)
{
	struct toy_entry want;
	struct tlb_entry *got;
	enum tlb_result expected = toy_lookup(toy, slot, vpn, &want);

	assert_int_equal(tlb_lookup(tlb, tlb_context(tlb, slot), vpn, &got), expected);
	if (expected == TLB_MISS) {
		assert_null(got);
		return;
	}
	assert_int_equal(got->pte, want.pte);
	assert_int_equal(got->life, want.life);
}

static void one_step(struct tlb *tlb, struct toy_tlb *toy, struct rng *rng, uint64_t pages,
		     unsigned int slots)
{
	unsigned int slot = (unsigned int)rng_below(rng, slots), what;
	/* A few hot pages among many, so that hits, evictions and refills all happen. */
	uint64_t vpn = 0x7ffff7000 + rng_below(rng, rng_below(rng, 3) ? pages / 8 + 1 : pages);

	what = (unsigned int)rng_below(rng, 1000);
	if (what < 450) {
		same_lookup(tlb, toy, slot, vpn);
	} else if (what < 850) {
		struct toy_entry e = { vpn, rng_u64(rng), (uint32_t)rng_u64(rng), slot,
				       toy->flushes[slot] };

		tlb_fill(tlb, tlb_context(tlb, slot), vpn, e.pte, e.life);
		toy_put(toy, &toy->l1, e);
		toy_put(toy, &toy->l2, e);
	} else if (what < 990) {
		assert_int_equal(tlb_invalidate(tlb, tlb_context(tlb, slot), vpn),
				 toy_invalidate(toy, slot, vpn));
	} else {
		uint32_t context = tlb_flush_slot(tlb, slot);

		assert_int_equal(tlb_context(tlb, slot), context);
		toy->flushes[slot]++;
	}
}

static void test_against_oracle(void **state)
{
	static const struct geometry shapes[] = {
		{ 4, 4, 16, 4, 40 },     { 8, 1, 8, 8, 40 }, { 16, 2, 48, 12, 300 },
		{ 64, 64, 512, 8, 900 }, { 1, 1, 4, 1, 12 }, { 12, 3, 96, 6, 400 },
	};
	struct toy_tlb *toy = malloc(sizeof(*toy));
	uint64_t hits = 0, l2_hits = 0, misses = 0;
	struct rng rng;

	(void)state;
	for (unsigned int seed = 0; seed < SEEDS; seed++) {
		const struct geometry *g = &shapes[seed % (sizeof(shapes) / sizeof(*shapes))];
		struct tlb tlb;

		rng_init(&rng, seed, "tlb", 0);
		make(&tlb, toy, g);
		for (unsigned int i = 0; i < TRACE; i++) {
			one_step(&tlb, toy, &rng, g->pages, seed % 2 ? SLOTS : 2);
			if (i % 997 == 0)
				for (unsigned int s = 0; s < SLOTS; s++)
					assert_int_equal(tlb_count(&tlb, tlb_context(&tlb, s)),
							 toy_count(toy, s));
		}
		hits += tlb.l1_hits;
		l2_hits += tlb.l2_hits;
		misses += tlb.misses;
		tlb_free(&tlb);
	}
	/* The traces reach every case often. */
	assert_true(hits > TRACE / 10 && l2_hits > TRACE / 10 && misses > TRACE / 10);
	free(toy);
}

/* ---- by hand ---- */

static void fill_pages(struct tlb *tlb, unsigned int slot, uint64_t first, uint64_t n,
		       uint64_t step)
{
	for (uint64_t i = 0; i < n; i++)
		tlb_fill(tlb, tlb_context(tlb, slot), first + i * step, (first + i * step) << 12,
			 1);
}

static enum tlb_result look(struct tlb *tlb, unsigned int slot, uint64_t vpn)
{
	struct tlb_entry *e;

	return tlb_lookup(tlb, tlb_context(tlb, slot), vpn, &e);
}

static void hand_tlb(struct tlb *tlb)
{
	struct machine_desc desc = {
		.tlb = { .l1d_entries = 4, .l1d_ways = 4, .l2_entries = 32, .l2_ways = 4 }
	};

	tlb_init(tlb, &desc);
	tlb_flush_slot(tlb, 0);
	tlb_flush_slot(tlb, 1);
}

/* INVLPG of one page of a full set takes this page and no other, and its way is used again. */
static void test_one_page_of_a_full_set(void **state)
{
	struct tlb tlb;

	(void)state;
	hand_tlb(&tlb);
	fill_pages(&tlb, 0, 16, 4, 8); /* 16, 24, 32, 40: one set of L2, all of L1 */
	assert_true(tlb_invalidate(&tlb, tlb_context(&tlb, 0), 24));
	assert_false(tlb_invalidate(&tlb, tlb_context(&tlb, 0), 24));
	assert_int_equal(look(&tlb, 0, 24), TLB_MISS);
	assert_int_equal(tlb_count(&tlb, tlb_context(&tlb, 0)), 3);
	fill_pages(&tlb, 0, 48, 1, 8);
	assert_int_equal(look(&tlb, 0, 16), TLB_L1_HIT); /* nobody was evicted */
	assert_int_equal(look(&tlb, 0, 32), TLB_L1_HIT);
	assert_int_equal(look(&tlb, 0, 40), TLB_L1_HIT);
	/* Now the least recently used goes: 48 from L1, and 16 from L2, which saw none of the hits.
	 */
	fill_pages(&tlb, 0, 56, 1, 8);
	assert_int_equal(look(&tlb, 0, 16), TLB_L1_HIT);
	assert_true(tlb_invalidate(&tlb, tlb_context(&tlb, 0), 56));
	assert_int_equal(look(&tlb, 0, 48), TLB_L2_HIT);
	tlb_free(&tlb);
}

static void test_flush_leaves_other_slots(void **state)
{
	struct tlb tlb;

	(void)state;
	hand_tlb(&tlb);
	fill_pages(&tlb, 0, 100, 2, 1);
	fill_pages(&tlb, 1, 100, 2, 1); /* the same pages of another context */
	tlb_flush_slot(&tlb, 0);
	assert_int_equal(look(&tlb, 0, 100), TLB_MISS);
	assert_int_equal(look(&tlb, 0, 101), TLB_MISS);
	assert_int_equal(look(&tlb, 1, 100), TLB_L1_HIT);
	assert_int_equal(look(&tlb, 1, 101), TLB_L1_HIT);
	tlb_free(&tlb);
}

/* What L1 evicts, L2 still has; a hit there brings it back. */
static void test_l2_holds_what_l1_evicts(void **state)
{
	struct tlb tlb;

	(void)state;
	hand_tlb(&tlb);
	fill_pages(&tlb, 0, 0, 8, 1); /* eight sets of L2, twice the ways of L1 */
	assert_int_equal(look(&tlb, 0, 7), TLB_L1_HIT);
	assert_int_equal(look(&tlb, 0, 0), TLB_L2_HIT);
	assert_int_equal(look(&tlb, 0, 0), TLB_L1_HIT);
	tlb_free(&tlb);
}

/* Context numbers run out: after the last, no slot may see what was filled under an old one,
 * and no two slots may share a number. */
static void test_context_numbers_wrap(void **state)
{
	(void)state;
	for (unsigned int slot = 0; slot < SLOTS; slot++) {
		struct tlb tlb;

		hand_tlb(&tlb);
		for (unsigned int s = 0; s < SLOTS; s++) {
			tlb_flush_slot(&tlb, s);
			fill_pages(&tlb, s, s, 1, 1);
		}
		tlb.contexts.last = TLB_MAX_LIVES;
		tlb_flush_slot(&tlb, slot);
		for (unsigned int s = 0; s < SLOTS; s++) {
			for (uint64_t vpn = 0; vpn < SLOTS; vpn++)
				assert_int_equal(look(&tlb, s, vpn), TLB_MISS);
			for (unsigned int other = 0; other < s; other++)
				assert_int_not_equal(tlb_context(&tlb, s),
						     tlb_context(&tlb, other));
		}
		fill_pages(&tlb, slot, 40, 1, 1);
		for (unsigned int s = 0; s < SLOTS; s++)
			assert_int_equal(look(&tlb, s, 40), s == slot ? TLB_L1_HIT : TLB_MISS);
		tlb_flush_slot(&tlb, (slot + 1) % SLOTS);
		assert_int_equal(look(&tlb, slot, 40), TLB_L1_HIT);
		tlb_free(&tlb);
	}
}

/* A slot that was never flushed holds nothing, not even page 0. */
static void test_empty(void **state)
{
	struct tlb tlb;

	(void)state;
	hand_tlb(&tlb);
	fill_pages(&tlb, 0, 64, 1, 1);
	for (unsigned int s = 0; s < SLOTS; s++)
		assert_int_equal(look(&tlb, s, 0), TLB_MISS);
	tlb_free(&tlb);
}

/* ---- page sizes, code, global entries, walk caches: what may still be there ---- */

enum { MAX_FILLS = 4000, TABLE_LEVELS = TLB_WALK_LEVELS };

struct fill { /* its number is in the entry's pte */
	enum tlb_side side;
	enum tlb_size size;
	unsigned int slot, level; /* level > 0: an upper-level entry, for the walk caches */
	uint64_t vpn;
	bool gone;
};

struct memory {
	struct tlb tlb;
	struct fill fill[MAX_FILLS];
	unsigned int n;
	uint64_t hits, big_hits, global_hits, walks;
};

static bool covers(const struct fill *f, uint64_t vpn)
{
	unsigned int shift = 9 * (f->level ? f->level : (unsigned int)f->size);

	return f->vpn >> shift == vpn >> shift;
}

static void forget_slot(struct memory *m, unsigned int slot)
{
	for (unsigned int i = 0; i < m->n; i++)
		m->fill[i].gone |= m->fill[i].slot == slot;
}

/* One page; the walk caches lose all of the slot, or (a fault) the page's path. */
static void forget_page(struct memory *m, unsigned int slot, uint64_t vpn, bool global, bool all)
{
	for (unsigned int i = 0; i < m->n; i++) {
		struct fill *f = &m->fill[i];
		bool mine = f->slot == slot || (global && f->slot == TLB_GLOBAL_SLOT && !f->level);

		f->gone |= mine && (covers(f, vpn) || (f->level && all));
	}
}

static uint64_t some_vpn(struct rng *rng)
{
	/* Few gigabytes, few 2 MiB of each, few pages of these: sizes overlap. */
	return rng_below(rng, 3) << 18 | rng_below(rng, 3) << 9 | rng_below(rng, 12);
}

static void check_hit(struct memory *m, enum tlb_side side, unsigned int slot, uint64_t vpn)
{
	struct tlb_entry *e;
	const struct fill *f;

	if (tlb_lookup_for(&m->tlb, side, tlb_context(&m->tlb, slot), vpn, &e) == TLB_MISS)
		return;
	f = &m->fill[e->pte];
	m->hits++;
	m->big_hits += f->size != TLB_4K;
	m->global_hits += f->slot == TLB_GLOBAL_SLOT && slot != TLB_GLOBAL_SLOT;
	assert_true(e->pte < m->n && !f->gone && !f->level);
	assert_true(covers(f, vpn));
	assert_true(f->slot == slot || f->slot == TLB_GLOBAL_SLOT);
}

static void check_walk(struct memory *m, unsigned int slot, uint64_t vpn)
{
	const struct tlb_entry *e;
	unsigned int level = tlb_walk_start(&m->tlb, tlb_context(&m->tlb, slot), vpn, &e);
	const struct fill *f;

	if (!e) {
		assert_int_equal(level, TABLE_LEVELS);
		return;
	}
	f = &m->fill[e->pte];
	m->walks++;
	assert_true(e->pte < m->n && !f->gone);
	assert_int_equal(f->level, level + 1);
	assert_int_equal(f->slot, slot);
	assert_true(covers(f, vpn));
}

static void fill_some(struct memory *m, struct rng *rng, unsigned int slot, uint64_t vpn)
{
	struct fill *f = &m->fill[m->n];
	struct tlb_entry e = { .pte = m->n }, *found;
	uint32_t context = tlb_context(&m->tlb, slot);

	*f = (struct fill){ .slot = slot, .vpn = vpn };
	m->n++;
	if (rng_below(rng, 3) == 0 && slot != TLB_GLOBAL_SLOT) {
		f->level = 1 + (unsigned int)rng_below(rng, TABLE_LEVELS);
		tlb_walk_fill(&m->tlb, context, vpn, f->level, e);
		check_walk(m, slot, vpn);
		return;
	}
	f->side = (enum tlb_side)rng_below(rng, TLB_SIDES);
	f->size = (enum tlb_size)rng_below(rng, TLB_SIZES);
	tlb_fill_page(&m->tlb, f->side, f->size, context, vpn, e);
	assert_int_equal(tlb_lookup_for(&m->tlb, f->side, context, vpn, &found), TLB_L1_HIT);
}

static void flush_some(struct memory *m, struct rng *rng, unsigned int slot, uint64_t vpn)
{
	uint32_t context = tlb_context(&m->tlb, slot);
	bool global;

	switch (rng_below(rng, 8)) {
	case 0:
		tlb_flush_slot(&m->tlb, slot);
		forget_slot(m, slot);
		break;
	case 1:
		global = rng_below(rng, 2);
		tlb_flush_all(&m->tlb, global);
		for (unsigned int s = 0; s < TLB_LIVE_CONTEXTS; s++)
			if (s != TLB_GLOBAL_SLOT || global)
				forget_slot(m, s);
		break;
	case 2:
	case 3:
		tlb_forget(&m->tlb, context, vpn);
		forget_page(m, slot, vpn, false, false);
		break;
	case 4:
	case 5:
		tlb_invalidate_one(&m->tlb, context, vpn);
		forget_page(m, slot, vpn, false, true);
		break;
	default:
		tlb_invalidate(&m->tlb, context, vpn);
		forget_page(m, slot, vpn, true, true);
	}
}

static void test_nothing_outlives_its_flush(void **state)
{
	static const char *const names[] = { "milan-1s72", "zen5-vm2", "skylake-4c",
					     "cascadelake-2s", "haswell-4c" };
	struct memory *m = malloc(sizeof(*m));
	uint64_t hits = 0, big = 0, global = 0, walks = 0;

	(void)state;
	for (unsigned int seed = 0; seed < 40; seed++) {
		struct machine_desc desc;
		struct err err = { "" };
		struct rng rng;

		if (!machine_load(names[seed % 5], &desc, NULL, &err))
			fail_msg("%s", err.msg);
		memset(m, 0, sizeof(*m));
		rng_init(&rng, seed, "tlb.sizes", 0);
		tlb_init(&m->tlb, &desc);
		for (unsigned int s = 0; s < TLB_LIVE_CONTEXTS; s++)
			tlb_flush_slot(&m->tlb, s);
		for (unsigned int i = 0; i < 8000 && m->n < MAX_FILLS; i++) {
			unsigned int slot = (unsigned int)rng_below(&rng, 3), what;
			uint64_t vpn = some_vpn(&rng);

			slot = slot == 2 && rng_below(&rng, 4) == 0 ? TLB_GLOBAL_SLOT : slot;
			what = (unsigned int)rng_below(&rng, 100);
			if (what < 40)
				fill_some(m, &rng, slot, vpn);
			else if (what < 44)
				flush_some(m, &rng, slot, vpn);
			else if (what < 80)
				check_hit(m, (enum tlb_side)rng_below(&rng, 2), slot, vpn);
			else
				check_walk(m, slot, vpn);
		}
		hits += m->hits;
		big += m->big_hits;
		global += m->global_hits;
		walks += m->walks;
		tlb_free(&m->tlb);
		machine_desc_free(&desc);
	}
	assert_true(hits > 10000 && big > 1000 && global > 300 && walks > 1000);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_page_of_a_full_set),
		cmocka_unit_test(test_flush_leaves_other_slots),
		cmocka_unit_test(test_l2_holds_what_l1_evicts),
		cmocka_unit_test(test_context_numbers_wrap),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_against_oracle),
		cmocka_unit_test(test_nothing_outlives_its_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
