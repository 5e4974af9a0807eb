/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What each flush instruction takes from each structure, against a naive set of translations: pages
 * of three sizes, code and data, global entries, walk caches. The TLBs are so large that nothing is
 * evicted; what eviction does is test_tlb.c's.
 */
#include "tests/models/model.h"

#include "models/hw/tlb.h"

enum { MAX = 4000, TRACE = 40000, SEEDS = 6, SLOTS = TLB_LIVE_CONTEXTS };

struct known {
	enum tlb_side side;
	enum tlb_size size;
	unsigned int slot;
	uint64_t vpn, pte; /* vpn of the page's first 4 KiB */
};

struct toy {
	struct known k[MAX];
	unsigned int n;
	struct known w[MAX]; /* walk caches: size = level above the last */
	unsigned int n_walk;
	bool split; /* L2: else each side finds there what the other brought */
};

static bool side_sees(const struct toy *t, enum tlb_side side, const struct known *k)
{
	return k->side == side || !t->split;
}

static uint64_t first_of(uint64_t vpn, unsigned int size)
{
	return vpn >> (9 * size) << (9 * size);
}

static bool same_page(const struct known *k, uint64_t vpn)
{
	return k->vpn == first_of(vpn, k->size);
}

/* Removes what is of the slot (or of any but the global one) and covers vpn (or anything). */
static bool toy_drop(struct known *k, unsigned int *n, int slot, const uint64_t *vpn)
{
	bool had = false;

	for (unsigned int i = 0; i < *n; i++) {
		if (slot >= 0 ? k[i].slot != (unsigned int)slot : k[i].slot == TLB_GLOBAL_SLOT)
			continue;
		if (vpn && !same_page(&k[i], *vpn))
			continue;
		k[i--] = k[--*n];
		had = true;
	}
	return had;
}

static void toy_add(struct known *k, unsigned int *n, struct known e)
{
	e.vpn = first_of(e.vpn, e.size);
	for (unsigned int i = 0; i < *n; i++)
		if (k[i].side == e.side && k[i].size == e.size && k[i].slot == e.slot &&
		    k[i].vpn == e.vpn) {
			k[i] = e;
			return;
		}
	assert_true(*n < MAX);
	k[(*n)++] = e;
}

/* Every translation that the CPU may use for the page. */
static bool toy_allows(const struct toy *t, enum tlb_side side, unsigned int slot, uint64_t vpn,
		       uint64_t pte)
{
	for (unsigned int i = 0; i < t->n; i++)
		if (side_sees(t, side, &t->k[i]) && same_page(&t->k[i], vpn) &&
		    t->k[i].pte == pte && (t->k[i].slot == slot || t->k[i].slot == TLB_GLOBAL_SLOT))
			return true;
	return false;
}

static bool toy_has(const struct toy *t, enum tlb_side side, unsigned int slot, uint64_t vpn)
{
	for (unsigned int i = 0; i < t->n; i++)
		if (side_sees(t, side, &t->k[i]) && same_page(&t->k[i], vpn) &&
		    (t->k[i].slot == slot || t->k[i].slot == TLB_GLOBAL_SLOT))
			return true;
	return false;
}

static unsigned int toy_walk_start(const struct toy *t, unsigned int slot, uint64_t vpn)
{
	unsigned int best = TLB_WALK_LEVELS;

	for (unsigned int i = 0; i < t->n_walk; i++)
		if (t->w[i].slot == slot && same_page(&t->w[i], vpn) && t->w[i].size - 1 < best)
			best = t->w[i].size - 1;
	return best;
}

static void make(struct tlb *tlb, bool split)
{
	struct machine_desc d = { .tlb = {
					  .l1d_entries = 16,
					  .l1d_ways = 16,
					  .l1d_2m_entries = split ? 8 : 0,
					  .l1d_2m_ways = 4,
					  .l1d_1g_entries = split ? 4 : 0,
					  .l1d_1g_ways = 4,
					  .l1i_entries = 16,
					  .l1i_ways = 4,
					  .l1i_2m_entries = split ? 8 : 0,
					  .l1i_2m_ways = 8,
					  .l2_entries = MAX,
					  .l2_ways = MAX,
					  .l2i_entries = split ? MAX : 0,
					  .l2i_ways = MAX,
					  .l2_1g_entries = split ? MAX : 0,
					  .l2_1g_ways = MAX,
					  .pde_entries = MAX,
					  .pdpte_entries = MAX,
					  .pml4e_entries = MAX,
				  } };

	tlb_init(tlb, &d);
	for (unsigned int s = 0; s < SLOTS; s++)
		tlb_flush_slot(tlb, s);
}

static uint64_t any_page(struct rng *rng)
{
	/* few of each size, so that sizes overlap */
	return (rng_below(rng, 2) << 27) + (rng_below(rng, 2) << 18) + (rng_below(rng, 3) << 9) +
	       rng_below(rng, 12);
}

static void use(struct tlb *tlb, struct toy *toy, struct rng *rng, unsigned int slot, uint64_t vpn)
{
	enum tlb_side side = (enum tlb_side)rng_below(rng, TLB_SIDES);
	const struct tlb_entry *w;
	struct tlb_entry *e;

	if (tlb_lookup_for(tlb, side, tlb_context(tlb, slot), vpn, &e) == TLB_MISS)
		assert_false(toy_has(toy, side, slot, vpn));
	else
		assert_true(toy_allows(toy, side, slot, vpn, e->pte));
	assert_int_equal(tlb_walk_start(tlb, tlb_context(tlb, slot), vpn, &w),
			 toy_walk_start(toy, slot, vpn));
}

static void add(struct tlb *tlb, struct toy *toy, struct rng *rng, unsigned int slot, uint64_t vpn)
{
	struct known e = { (enum tlb_side)rng_below(rng, TLB_SIDES),
			   (enum tlb_size)rng_below(rng, TLB_SIZES),
			   rng_below(rng, 8) ? slot : TLB_GLOBAL_SLOT, vpn, 0 };

	e.pte = first_of(vpn, e.size) << 8 | e.size << 4 | e.slot;

	tlb_fill_page(tlb, e.side, e.size, tlb_context(tlb, e.slot), vpn,
		      (struct tlb_entry){ .pte = e.pte });
	toy_add(toy->k, &toy->n, e);
	e = (struct known){ TLB_DATA, (enum tlb_size)(1 + rng_below(rng, TLB_WALK_LEVELS)), slot,
			    vpn, 0 };
	tlb_walk_fill(tlb, tlb_context(tlb, slot), vpn, e.size, (struct tlb_entry){ .life = 1 });
	toy_add(toy->w, &toy->n_walk, e);
}

static void flush(struct tlb *tlb, struct toy *toy, struct rng *rng, unsigned int slot,
		  uint64_t vpn)
{
	uint32_t context = tlb_context(tlb, slot);
	bool had;

	switch (rng_below(rng, 24)) {
	case 0:
		tlb_flush_slot(tlb, slot);
		toy_drop(toy->k, &toy->n, (int)slot, NULL);
		toy_drop(toy->w, &toy->n_walk, (int)slot, NULL);
		break;
	case 1:
		had = rng_below(rng, 2);
		tlb_flush_all(tlb, had);
		toy_drop(toy->k, &toy->n, -1, NULL);
		toy_drop(toy->w, &toy->n_walk, -1, NULL);
		if (had)
			toy_drop(toy->k, &toy->n, TLB_GLOBAL_SLOT, NULL);
		break;
	case 2:
	case 3:
	case 4:
		tlb_forget(tlb, context, vpn);
		toy_drop(toy->k, &toy->n, (int)slot, &vpn);
		toy_drop(toy->w, &toy->n_walk, (int)slot, &vpn);
		break;
	case 5:
	case 6:
	case 7:
		had = toy_drop(toy->k, &toy->n, (int)slot, &vpn);
		toy_drop(toy->w, &toy->n_walk, (int)slot, NULL);
		assert_int_equal(tlb_invalidate_one(tlb, context, vpn), had);
		break;
	default:
		had = toy_drop(toy->k, &toy->n, (int)slot, &vpn);
		had |= toy_drop(toy->k, &toy->n, TLB_GLOBAL_SLOT, &vpn);
		toy_drop(toy->w, &toy->n_walk, (int)slot, NULL);
		assert_int_equal(tlb_invalidate(tlb, context, vpn), had);
	}
}

static void test_against_set(void **state)
{
	struct toy *toy = malloc(sizeof(*toy));
	struct rng rng;

	(void)state;
	for (unsigned int seed = 0; seed < SEEDS; seed++) {
		struct tlb tlb;

		rng_init(&rng, seed, "tlb flush", 0);
		toy->n = toy->n_walk = 0;
		toy->split = seed % 2;
		make(&tlb, seed % 2);
		for (unsigned int i = 0; i < TRACE; i++) {
			unsigned int slot = (unsigned int)rng_below(&rng, 3);
			uint64_t vpn = any_page(&rng), what = rng_below(&rng, 10);

			if (what < 6)
				use(&tlb, toy, &rng, slot, vpn);
			else if (what < 9)
				add(&tlb, toy, &rng, slot, vpn);
			else
				flush(&tlb, toy, &rng, slot, vpn);
		}
		assert_true(tlb.l1_hits > TRACE / 50 && tlb.l2_hits > TRACE / 50 &&
			    tlb.misses > TRACE / 50);
		tlb_free(&tlb);
	}
	free(toy);
}

/* A large page is one entry, whatever part of it is used, and INVLPG of any part takes it. */
static void test_large_page(void **state)
{
	struct tlb tlb;
	struct tlb_entry *e;
	uint32_t c;

	(void)state;
	make(&tlb, true);
	c = tlb_context(&tlb, 0);
	tlb_fill_page(&tlb, TLB_DATA, TLB_2M, c, 512 * 7 + 3, (struct tlb_entry){ .pte = 42 });
	assert_int_equal(tlb_count(&tlb, c), 1);
	assert_int_equal(tlb_lookup(&tlb, c, 512 * 7 + 511, &e), TLB_L1_HIT);
	assert_int_equal(e->pte, 42);
	assert_int_equal(tlb_lookup(&tlb, c, 512 * 8, &e), TLB_MISS);
	assert_int_equal(tlb_lookup_for(&tlb, TLB_CODE, c, 512 * 7, &e), TLB_MISS);
	assert_true(tlb_invalidate(&tlb, c, 512 * 7 + 100));
	assert_int_equal(tlb_lookup(&tlb, c, 512 * 7 + 3, &e), TLB_MISS);
	tlb_free(&tlb);
}

/* With one L2, data finds what code brought there; with two it does not. */
static void test_split_l2(void **state)
{
	(void)state;
	for (unsigned int split = 0; split < 2; split++) {
		struct tlb tlb;
		struct tlb_entry *e;

		make(&tlb, split);
		tlb_fill_page(&tlb, TLB_CODE, TLB_4K, tlb_context(&tlb, 0), 5,
			      (struct tlb_entry){ .pte = 1 });
		assert_int_equal(tlb_lookup(&tlb, tlb_context(&tlb, 0), 5, &e),
				 split ? TLB_MISS : TLB_L2_HIT);
		tlb_free(&tlb);
	}
}

/* L2 loses a page that L1 still has: a use goes on, and INVLPG must take it from L1 alone. */
static void test_l2_eviction_leaves_l1(void **state)
{
	struct machine_desc d = {
		.tlb = { .l1d_entries = 8, .l1d_ways = 8, .l2_entries = 4, .l2_ways = 1 }
	};
	struct tlb_entry *e;
	struct tlb tlb;
	uint32_t c;

	(void)state;
	tlb_init(&tlb, &d);
	c = tlb_flush_slot(&tlb, 0);
	tlb_fill(&tlb, c, 1, 0x1000, 1);
	tlb_fill(&tlb, c, 5, 0x5000, 1); /* the same set of L2 */
	assert_int_equal(tlb_lookup(&tlb, c, 1, &e), TLB_L1_HIT);
	assert_int_equal(tlb_count(&tlb, c), 2);
	assert_true(tlb_invalidate(&tlb, c, 1));
	assert_int_equal(tlb_lookup(&tlb, c, 1, &e), TLB_MISS);
	assert_int_equal(tlb_lookup(&tlb, c, 5, &e), TLB_L1_HIT);
	tlb_free(&tlb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_large_page),
		cmocka_unit_test(test_split_l2),
		cmocka_unit_test(test_l2_eviction_leaves_l1),
		cmocka_unit_test(test_against_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
