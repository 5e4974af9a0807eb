/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Replacement in the TLB: trees against trees of real bits, (MRU+1)%3 PLRU4 against the permutation
 * vectors that were measured on the hardware, the hashes by hand, and how many PCIDs L2 keeps.
 */
#include "tests/models/model.h"

#include "models/hw/tlb.h"

enum { STEPS = 20000, MAX_WAYS = 32 };

/* ---- the oracle: bits that point to the victim ---- */

struct bits {
	uint32_t ways;
	bool right[2 * MAX_WAYS]; /* by inner node, children of i: 2i + 1, 2i + 2 */
};

static void bits_touch(struct bits *b, uint32_t way)
{
	uint32_t lo = 0, n = b->ways, node = 0;

	while (n > 1) {
		uint32_t left = (n + 1) / 2;
		bool in_left = way < lo + left;

		b->right[node] = in_left;
		node = 2 * node + (in_left ? 1 : 2);
		lo += in_left ? 0 : left;
		n = in_left ? left : n - left;
	}
}

static uint32_t bits_victim(const struct bits *b)
{
	uint32_t lo = 0, n = b->ways, node = 0;

	while (n > 1) {
		uint32_t left = (n + 1) / 2;
		bool right = b->right[node];

		node = 2 * node + (right ? 2 : 1);
		lo += right ? left : 0;
		n = right ? n - left : left;
	}
	return lo;
}

/* Any touches in any order; the clock passes its end on the way. */
static void test_tree(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 1, "tree", 0);
	for (uint32_t ways = 2; ways <= 16; ways *= 2) {
		struct bits b = { .ways = ways };
		uint32_t stamp[MAX_WAYS] = { 0 }, clock = UINT32_MAX - STEPS / 2;

		for (uint32_t w = 0; w < ways; w++) {
			stamp[w] = ++clock;
			bits_touch(&b, w);
		}
		for (unsigned int i = 0; i < STEPS; i++) {
			uint32_t victim = tlb_victim(TLB_TREE_PLRU, stamp, ways, clock), w;

			assert_int_equal(victim, bits_victim(&b));
			w = rng_below(&rng, 3) ? (uint32_t)rng_below(&rng, ways) : victim;
			stamp[w] = ++clock;
			bits_touch(&b, w);
		}
	}
}

/* By hand: after 0, 1, 2, 3 the tree of four loses 0; after 0 again, 2. */
static void test_tree_by_hand(void **state)
{
	uint32_t stamp[4] = { 1, 2, 3, 4 };

	(void)state;
	assert_int_equal(tlb_victim(TLB_TREE_PLRU, stamp, 4, 4), 0);
	assert_int_equal(tlb_victim(TLB_LRU, stamp, 4, 4), 0);
	stamp[0] = 5;
	assert_int_equal(tlb_victim(TLB_TREE_PLRU, stamp, 4, 5), 2);
	assert_int_equal(tlb_victim(TLB_LRU, stamp, 4, 5), 1); /* and here they differ */
	assert_int_equal(tlb_victim(TLB_TREE_PLRU, stamp, 1, 5), 0);
}

/* ---- the L2 TLB of Kaby Lake as it was measured ---- */

/*
 * Tatar et al.: the entries of a set in the order in which misses would take them, the last first
 * to go. An access to the entry at position i reorders them so that new[j] = old[pi[i][j]]; a miss
 * acts as one at position 11, with a new entry there.
 */
static const uint8_t pi[12][12] = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 }, { 1, 2, 0, 4, 5, 3, 7, 8, 6, 10, 11, 9 },
	{ 2, 0, 1, 5, 3, 4, 8, 6, 7, 11, 9, 10 }, { 3, 1, 2, 0, 4, 5, 9, 7, 8, 6, 10, 11 },
	{ 4, 2, 0, 1, 5, 3, 10, 8, 6, 7, 11, 9 }, { 5, 0, 1, 2, 3, 4, 11, 6, 7, 8, 9, 10 },
	{ 6, 1, 2, 3, 4, 5, 0, 7, 8, 9, 10, 11 }, { 7, 2, 0, 4, 5, 3, 1, 8, 6, 10, 11, 9 },
	{ 8, 0, 1, 5, 3, 4, 2, 6, 7, 11, 9, 10 }, { 9, 1, 2, 0, 4, 5, 3, 7, 8, 6, 10, 11 },
	{ 10, 2, 0, 1, 5, 3, 4, 8, 6, 7, 11, 9 }, { 11, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 },
};

static bool measured_access(uint64_t set[12], uint64_t page)
{
	uint64_t old[12];
	unsigned int at = 0;
	bool hit;

	while (at < 12 && set[at] != page)
		at++;
	hit = at < 12;
	memcpy(old, set, sizeof(old));
	if (!hit) {
		at = 11;
		old[11] = page;
	}
	for (unsigned int j = 0; j < 12; j++)
		set[j] = old[pi[at][j]];
	return hit;
}

/* Pages of one set, through a TLB whose L1 of one entry hides nothing but repeated accesses. */
static void test_measured_vectors(void **state)
{
	struct machine_desc desc = { .tlb = { .l1d_entries = 1,
					      .l1d_ways = 1,
					      .l2_entries = 12,
					      .l2_ways = 12,
					      .l2_replacement = TLB_MRU_PLUS_1 } };
	uint64_t set[12] = { 0 }, hits = 0, misses = 0;
	struct tlb tlb;
	struct rng rng;

	(void)state;
	tlb_init(&tlb, &desc);
	tlb_flush_slot(&tlb, 0);
	rng_init(&rng, 1, "vectors", 0);
	for (uint64_t i = 0; i < STEPS; i++) {
		/* First so many different ones that both know all of the set. */
		uint64_t page = i < 36 ? 1000 + i : 1 + rng_below(&rng, 18);
		struct tlb_entry *e;
		bool hit = tlb_lookup(&tlb, tlb_context(&tlb, 0), page, &e) != TLB_MISS;
		bool expected = measured_access(set, page);

		if (i >= 36)
			assert_int_equal(hit, expected);
		if (!hit)
			tlb_fill(&tlb, tlb_context(&tlb, 0), page, page, 1);
		hits += hit;
		misses += !hit;
	}
	assert_true(hits > STEPS / 4 && misses > STEPS / 8);
	tlb_free(&tlb);
}

/* ---- sets ---- */

static void test_hash(void **state)
{
	(void)state;
	assert_int_equal(tlb_set(TLB_HASH_LINEAR, 0x7ffff7123, 128), 0x23);
	assert_int_equal(tlb_set(TLB_HASH_XOR, 0x23, 128), 0x23);
	assert_int_equal(tlb_set(TLB_HASH_XOR, 0x80 + 0x23, 128), 0x22); /* bit 7 onto bit 0 */
	assert_int_equal(tlb_set(TLB_HASH_XOR, 0x3fff, 128), 0);
	assert_int_equal(tlb_set(TLB_HASH_XOR, 0x4000 + 5, 128), 5); /* higher bits do not count */
	assert_int_equal(tlb_set(TLB_HASH_LINEAR, 100, 96), 4);      /* sets need not be 2^n */
}

/* 16 pages that are 128 apart fill one set of a linear L2 and 16 sets of a hashed one. */
static void test_hash_spreads(void **state)
{
	(void)state;
	for (uint32_t hash = 0; hash < TLB_HASHES; hash++) {
		struct machine_desc desc = { .tlb = { .l1d_entries = 1,
						      .l1d_ways = 1,
						      .l2_entries = 1536,
						      .l2_ways = 12,
						      .l2_hash = hash } };
		struct tlb tlb;

		tlb_init(&tlb, &desc);
		tlb_flush_slot(&tlb, 0);
		for (uint64_t i = 0; i < 16; i++)
			tlb_fill(&tlb, tlb_context(&tlb, 0), i * 128, 1, 1);
		assert_int_equal(tlb_count(&tlb, tlb_context(&tlb, 0)),
				 hash == TLB_HASH_XOR ? 16 : 12);
		tlb_free(&tlb);
	}
}

/* ---- PCIDs ---- */

static bool has(struct tlb *tlb, unsigned int slot)
{
	return tlb_count(tlb, tlb_context(tlb, slot)) > 0;
}

static void test_pcids(void **state)
{
	struct machine_desc desc = { .tlb = { .l1d_entries = 64,
					      .l1d_ways = 4,
					      .l2_entries = 1536,
					      .l2_ways = 12,
					      .l2_pcids = 4 } };
	struct tlb tlb;

	(void)state;
	tlb_init(&tlb, &desc);
	for (unsigned int slot = 0; slot < 4; slot++) {
		tlb_flush_slot(&tlb, slot);
		tlb_use_slot(&tlb, slot);
		tlb_fill(&tlb, tlb_context(&tlb, slot), 1, 1, 1);
	}
	for (unsigned int slot = 0; slot < 4; slot++)
		assert_true(has(&tlb, slot));
	tlb_use_slot(&tlb, 0); /* now 1 is the one used longest ago */
	tlb_flush_slot(&tlb, 4);
	tlb_use_slot(&tlb, 4);
	assert_true(has(&tlb, 0) && !has(&tlb, 1) && has(&tlb, 2) && has(&tlb, 3));
	tlb_use_slot(&tlb, 1);
	assert_true(has(&tlb, 0) && !has(&tlb, 2) && has(&tlb, 3));
	tlb_free(&tlb);
	/* Two for each address space: the third takes the first. */
	desc.flush.pti = true;
	tlb_init(&tlb, &desc);
	for (unsigned int slot = 0; slot < 3; slot++) {
		tlb_flush_slot(&tlb, slot);
		tlb_use_slot(&tlb, slot);
		tlb_fill(&tlb, tlb_context(&tlb, slot), 1, 1, 1);
	}
	assert_true(!has(&tlb, 0) && has(&tlb, 1) && has(&tlb, 2));
	tlb_free(&tlb);
}

/* An L1 that knows no PCIDs is empty after a switch and back; L2 is not. */
static void test_l1_forgets(void **state)
{
	(void)state;
	for (unsigned int keeps = 0; keeps < 2; keeps++) {
		struct machine_desc desc = { .tlb = { .l1d_entries = 64,
						      .l1d_ways = 4,
						      .l2_entries = 1536,
						      .l2_ways = 12,
						      .l1d_keeps_pcids = keeps } };
		struct tlb_entry *e;
		struct tlb tlb;

		tlb_init(&tlb, &desc);
		for (unsigned int slot = 0; slot < 2; slot++)
			tlb_flush_slot(&tlb, slot);
		tlb_use_slot(&tlb, 0);
		tlb_fill(&tlb, tlb_context(&tlb, 0), 1, 1, 1);
		tlb_use_slot(&tlb, 0); /* the same: nothing happens */
		assert_int_equal(tlb_lookup(&tlb, tlb_context(&tlb, 0), 1, &e), TLB_L1_HIT);
		tlb_use_slot(&tlb, 1);
		tlb_use_slot(&tlb, 0);
		assert_int_equal(tlb_lookup(&tlb, tlb_context(&tlb, 0), 1, &e),
				 keeps ? TLB_L1_HIT : TLB_L2_HIT);
		tlb_free(&tlb);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_tree_by_hand),
		cmocka_unit_test(test_measured_vectors),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_hash_spreads),
		cmocka_unit_test(test_pcids),
		cmocka_unit_test(test_l1_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
