/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SMT siblings and their TLB: two threads on shared arrays against a naive model of them, small
 * cases by hand, and a run in which siblings flush each other's pages.
 */
#include "tests/models/flush_scene.h"

#include "models/hw/tlb.h"

enum { STEPS = 60000, SLOTS = 3, MAX_ENTRIES = 64 };

static struct machine_desc core(uint32_t l1_smt, uint32_t l2_smt, uint32_t l1, uint32_t l2,
				uint32_t ways)
{
	return (struct machine_desc){ .topo = { .threads_per_core = 2 },
				      .tlb = { .l1d_entries = l1,
					       .l1d_ways = l1,
					       .l1i_entries = l1,
					       .l1i_ways = l1,
					       .l2_entries = l2,
					       .l2_ways = ways,
					       .l1d_keeps_pcids = true,
					       .smt_l1d = l1_smt,
					       .smt_l1i = l1_smt,
					       .smt_l2 = l2_smt } };
}

static void make(struct tlb t[2], const struct machine_desc *d)
{
	for (unsigned int i = 0; i < 2; i++)
		tlb_init(&t[i], d);
	tlb_share(&t[1], &t[0], d);
	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int slot = 0; slot < SLOTS; slot++)
			tlb_flush_slot(&t[i], slot);
}

static void drop(struct tlb t[2])
{
	tlb_free(&t[0]);
	tlb_free(&t[1]);
}

static enum tlb_result look(struct tlb *t, unsigned int slot, uint64_t vpn)
{
	struct tlb_entry *e;

	return tlb_lookup(t, tlb_context(t, slot), vpn, &e);
}

static void fill(struct tlb *t, unsigned int slot, uint64_t vpn)
{
	tlb_fill(t, tlb_context(t, slot), vpn, vpn, 1);
}

/* ---- by hand ---- */

static void test_capacity(void **state)
{
	static const struct {
		uint32_t smt, first, second; /* what is left of 4 pages of each thread */
	} rows[] = { { TLB_SMT_NONE, 4, 4 }, { TLB_SMT_SHARED, 0, 4 }, { TLB_SMT_SPLIT, 2, 2 } };

	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
		struct machine_desc d = core(rows[r].smt, rows[r].smt, 4, 4, 4);
		struct tlb t[2];

		make(t, &d);
		for (unsigned int i = 0; i < 2; i++)
			for (uint64_t vpn = 1; vpn <= 4; vpn++)
				fill(&t[i], 0, vpn);
		assert_int_equal(tlb_count(&t[0], tlb_context(&t[0], 0)), rows[r].first);
		assert_int_equal(tlb_count(&t[1], tlb_context(&t[1], 0)), rows[r].second);
		drop(t);
	}
}

/* The same PCID and page on both: neither sees, nor flushes, what is the other's. */
static void test_apart(void **state)
{
	struct machine_desc d = core(TLB_SMT_SHARED, TLB_SMT_SHARED, 8, 32, 4);
	struct tlb t[2];

	(void)state;
	make(t, &d);
	fill(&t[0], 1, 7);
	assert_int_equal(look(&t[0], 1, 7), TLB_L1_HIT);
	assert_int_equal(look(&t[1], 1, 7), TLB_MISS);
	fill(&t[1], 1, 7);
	assert_true(tlb_invalidate(&t[1], tlb_context(&t[1], 1), 7));
	assert_int_equal(look(&t[0], 1, 7), TLB_L1_HIT);
	fill(&t[1], 1, 7);
	tlb_flush_slot(&t[0], 1);
	assert_int_equal(look(&t[0], 1, 7), TLB_MISS);
	assert_int_equal(look(&t[1], 1, 7), TLB_L1_HIT);
	tlb_flush_all(&t[1], true);
	assert_int_equal(look(&t[1], 1, 7), TLB_MISS);
	/* Global pages are global for their own thread. */
	tlb_flush_slot(&t[0], TLB_GLOBAL_SLOT);
	fill(&t[0], TLB_GLOBAL_SLOT, 9);
	assert_int_equal(look(&t[0], 2, 9), TLB_L1_HIT);
	assert_int_equal(look(&t[1], 2, 9), TLB_MISS);
	drop(t);
}

/* A way that the sibling's flush has freed is taken before any live one. */
static void test_dead_of_the_sibling(void **state)
{
	struct machine_desc d = core(TLB_SMT_SHARED, TLB_SMT_SHARED, 4, 4, 4);
	struct tlb t[2];

	(void)state;
	make(t, &d);
	fill(&t[0], 0, 1);
	fill(&t[0], 0, 2);
	fill(&t[1], 0, 1);
	fill(&t[1], 0, 2);
	tlb_flush_slot(&t[1], 0);
	fill(&t[0], 0, 3);
	fill(&t[0], 0, 4);
	assert_int_equal(tlb_count(&t[0], tlb_context(&t[0], 0)), 4);
	drop(t);
}

/* When one thread's numbers run out, nothing old comes back, in either. */
static void test_numbers_run_out(void **state)
{
	struct machine_desc d = core(TLB_SMT_SHARED, TLB_SMT_SHARED, 4, 16, 4);
	struct tlb t[2];

	(void)state;
	for (unsigned int who = 0; who < 2; who++) {
		make(t, &d);
		fill(&t[0], 0, 1);
		fill(&t[1], 0, 1);
		t[who].contexts.last = TLB_MAX_LIVES;
		tlb_flush_slot(&t[who], 1);
		for (unsigned int life = 0; life < 40; life++) {
			assert_int_equal(look(&t[who], 0, 1), TLB_MISS);
			assert_int_equal(look(&t[who], 1, 1), TLB_MISS);
			tlb_flush_slot(&t[who], life % 2);
		}
		fill(&t[0], 0, 2);
		fill(&t[1], 0, 3);
		assert_int_equal(look(&t[0], 0, 2), TLB_L1_HIT);
		assert_int_equal(look(&t[1], 0, 3), TLB_L1_HIT);
		assert_int_equal(look(&t[0], 0, 3), TLB_MISS);
		drop(t);
	}
}

/* ---- the oracle: for each level and set a list, most recently used first ---- */

struct toy_entry {
	unsigned int thread, slot, flush;
	uint64_t vpn;
};

struct toy_level {
	unsigned int sets, ways, n[MAX_ENTRIES];
	struct toy_entry list[MAX_ENTRIES][MAX_ENTRIES];
};

struct toy {
	struct toy_level level[2];
	unsigned int flushes[2][SLOTS];
};

static bool toy_alive(const struct toy *t, const struct toy_entry *e)
{
	return e->flush == t->flushes[e->thread][e->slot];
}

static int toy_find(const struct toy *t, const struct toy_level *l, const struct toy_entry *e)
{
	unsigned int set = (unsigned int)(e->vpn % l->sets);

	for (unsigned int i = 0; i < l->n[set]; i++) {
		const struct toy_entry *x = &l->list[set][i];

		if (x->thread == e->thread && x->slot == e->slot && x->vpn == e->vpn &&
		    toy_alive(t, x))
			return (int)i;
	}
	return -1;
}

static void toy_remove(struct toy_level *l, unsigned int set, unsigned int i)
{
	memmove(&l->list[set][i], &l->list[set][i + 1], (--l->n[set] - i) * sizeof(l->list[0][0]));
}

static void toy_put(const struct toy *t, struct toy_level *l, struct toy_entry e)
{
	unsigned int set = (unsigned int)(e.vpn % l->sets), victim = l->n[set] - 1;
	int at = toy_find(t, l, &e);

	if (at >= 0) {
		toy_remove(l, set, (unsigned int)at);
	} else if (l->n[set] == l->ways) {
		for (unsigned int i = 0; i < l->n[set]; i++)
			if (!toy_alive(t, &l->list[set][i]))
				victim = i;
		toy_remove(l, set, victim);
	}
	memmove(&l->list[set][1], &l->list[set][0], l->n[set]++ * sizeof(l->list[0][0]));
	l->list[set][0] = e;
}

static enum tlb_result toy_look(struct toy *t, struct toy_entry e)
{
	if (toy_find(t, &t->level[0], &e) >= 0) {
		toy_put(t, &t->level[0], e);
		return TLB_L1_HIT;
	}
	if (toy_find(t, &t->level[1], &e) < 0)
		return TLB_MISS;
	toy_put(t, &t->level[1], e);
	toy_put(t, &t->level[0], e);
	return TLB_L2_HIT;
}

static void toy_invalidate(struct toy *t, struct toy_entry e)
{
	for (unsigned int l = 0; l < 2; l++) {
		int at = toy_find(t, &t->level[l], &e);

		if (at >= 0)
			toy_remove(&t->level[l], (unsigned int)(e.vpn % t->level[l].sets),
				   (unsigned int)at);
	}
}

static void step(struct tlb t[2], struct toy *toy, struct rng *rng)
{
	struct toy_entry e = { .thread = (unsigned int)rng_below(rng, 2),
			       .slot = (unsigned int)rng_below(rng, SLOTS),
			       .vpn = 1 + rng_below(rng, rng_below(rng, 3) ? 12 : 60) };
	struct tlb *tlb = &t[e.thread];
	unsigned int what = (unsigned int)rng_below(rng, 1000);

	e.flush = toy->flushes[e.thread][e.slot];
	if (what < 500) {
		assert_int_equal(look(tlb, e.slot, e.vpn), toy_look(toy, e));
	} else if (what < 900) {
		fill(tlb, e.slot, e.vpn);
		toy_put(toy, &toy->level[0], e);
		toy_put(toy, &toy->level[1], e);
	} else if (what < 990) {
		tlb_invalidate(tlb, tlb_context(tlb, e.slot), e.vpn);
		toy_invalidate(toy, e);
	} else {
		tlb_flush_slot(tlb, e.slot);
		toy->flushes[e.thread][e.slot]++;
	}
}

static void test_against_oracle(void **state)
{
	static const struct {
		uint32_t l1, l2, ways;
	} shapes[] = { { 4, 16, 4 }, { 8, 48, 12 }, { 16, 64, 64 }, { 1, 8, 2 } };

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		struct machine_desc d = core(TLB_SMT_SHARED, TLB_SMT_SHARED, shapes[i].l1,
					     shapes[i].l2, shapes[i].ways);
		struct toy *toy = calloc(1, sizeof(*toy));
		struct tlb t[2];
		struct rng rng;

		toy->level[0].sets = 1;
		toy->level[0].ways = shapes[i].l1;
		toy->level[1].sets = shapes[i].l2 / shapes[i].ways;
		toy->level[1].ways = shapes[i].ways;
		make(t, &d);
		rng_init(&rng, i, "smt", 0);
		for (unsigned int n = 0; n < STEPS; n++)
			step(t, toy, &rng);
		assert_true(t[0].l1_hits && t[0].misses && t[1].l1_hits && t[1].misses);
		drop(t);
		free(toy);
	}
}

/* ---- in a machine ---- */

static void test_scene(void **state)
{
	static const char *const modes[] = { "none", "shared", "split" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const char *const set[] = { "topology.l3_per_socket=1",
					    "topology.cores_per_l3=3",
					    "tlb.smt_l1d",
					    modes[i],
					    "tlb.smt_l1i",
					    modes[i],
					    "tlb.smt_l2",
					    modes[i],
					    "tlb.l1d_entries=16",
					    "tlb.l1d_ways=16",
					    "tlb.l2_entries=64",
					    "tlb.l2_ways=4",
					    NULL };
		struct flush_scene s = { .set = set, .users = 5, .seed = 60 };

		scene_play(&s);
		check_clean(&s.m, modes[i], s.seed);
		model_end(&s.m);
	}
}

struct pair {
	uint64_t misses;
	bool stop;
};

static void reads_pages(struct task *t, void *arg)
{
	struct pair *p = arg;
	uint64_t area = (uint64_t)sys_mmap(t, 0, PMD_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
	struct tlb *tlb = &this_cpu(t)->cpu->tlb;
	uint64_t before = 0;

	for (unsigned int round = 0; round < 40; round++) {
		if (round == 20)
			before = tlb->misses;
		for (uint64_t i = 0; i < 100; i++) {
			user_access(t, area + i * PAGE_SIZE, USER_READ);
			user_compute(t, 100 * SIM_NS);
		}
	}
	p->misses += tlb->misses - before;
}

/* 100 pages of each sibling: they fit 128 entries of a thread's own, and not 128 for both. */
static void test_siblings_compete(void **state)
{
	static const struct {
		const char *mode;
		bool fits;
	} rows[] = { { "none", true }, { "shared", false }, { "split", false } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const char *const set[] = { "topology.l3_per_socket=1",
					    "topology.cores_per_l3=1",
					    "hz=100",
					    "tlb.smt_l1d",
					    rows[i].mode,
					    "tlb.smt_l2",
					    rows[i].mode,
					    "tlb.l2_entries=128",
					    "tlb.l2_ways=64",
					    "tlb.l1d_entries=16",
					    "tlb.l1d_ways=16",
					    NULL };
		struct model_spec spec = { .set = set, .seed = 1 };
		struct pair p = { 0 };
		struct model m;

		model_start(&m, &spec);
		assert_int_equal(m.k->nr_cpus, 2);
		spawn(&m, "one", 0, reads_pages, &p);
		spawn(&m, "two", 1, reads_pages, &p);
		model_run_clean(&m, rows[i].mode, 1);
		model_end(&m);
		if (rows[i].fits)
			assert_true(p.misses < 20);
		else
			assert_true(p.misses > 2000); /* of 4,000 accesses: LRU, in turn */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capacity),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_dead_of_the_sibling),
		cmocka_unit_test(test_numbers_run_out),
		cmocka_unit_test(test_against_oracle),
		cmocka_unit_test(test_scene),
		cmocka_unit_test(test_siblings_compete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
