/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A cache against a naive one (for each set a list, most recently used first), and the levels of a
 * core by hand: what L1 evicts L2 still has, siblings share, other cores have their own.
 */
#include "tests/models/model.h"

#include "models/hw/cache.h"
#include "models/hw/usermem.h"

enum { TRACE = 50000, MAX_SETS = 64, MAX_WAYS = 16 };

struct toy {
	unsigned int sets, ways, n[MAX_SETS];
	uint64_t list[MAX_SETS][MAX_WAYS];
};

static bool toy_take(struct toy *t, uint64_t line)
{
	unsigned int s = (unsigned int)(line % t->sets);

	for (unsigned int i = 0; i < t->n[s]; i++)
		if (t->list[s][i] == line) {
			memmove(&t->list[s][i], &t->list[s][i + 1], (--t->n[s] - i) * sizeof(line));
			return true;
		}
	return false;
}

static void toy_put(struct toy *t, uint64_t line)
{
	unsigned int s = (unsigned int)(line % t->sets);

	memmove(&t->list[s][1], &t->list[s][0], t->n[s]++ * sizeof(line));
	t->list[s][0] = line;
}

static void one_step(struct cache *c, struct toy *toy, struct rng *rng)
{
	unsigned int lines = toy->sets * toy->ways;
	uint64_t line = rng_below(rng, rng_below(rng, 3) ? lines / 2 + 1 : 4 * lines), gone = 0;
	unsigned int s = (unsigned int)(line % toy->sets);
	bool had;

	had = toy_take(toy, line);
	assert_int_equal(cache_use(c, line), had);
	if (!had) {
		bool full = toy->n[s] == toy->ways;

		assert_int_equal(cache_fill(c, line, &gone), full);
		if (full)
			assert_int_equal(gone, toy->list[s][--toy->n[s]]);
	}
	toy_put(toy, line);
}

static void test_against_oracle(void **state)
{
	static const unsigned int shape[][2] = { { 1, 1 },  { 1, 16 }, { 16, 4 },
						 { 12, 3 }, { 64, 8 }, { 63, 16 } };

	(void)state;
	for (unsigned int i = 0; i < sizeof(shape) / sizeof(*shape); i++) {
		struct toy toy = { .sets = shape[i][0], .ways = shape[i][1] };
		struct cache c;
		struct rng rng;

		rng_init(&rng, i, "cache", 0);
		cache_init(&c, (uint64_t)toy.sets * toy.ways * CACHE_LINE, toy.ways);
		assert_int_equal(c.sets, toy.sets);
		for (unsigned int n = 0; n < TRACE; n++)
			one_step(&c, &toy, &rng);
		cache_free(&c);
	}
}

static void small_caches(struct model *m, const char *rate)
{
	const char *const set[] = { "cache.l1d_size=512",
				    "cache.l1d_ways=2",
				    "cache.l2_size=4KiB",
				    "cache.l2_ways=4",
				    "cache.l3_size=64KiB",
				    "cache.memory_rate",
				    rate,
				    "cache.l1d_hit=1ns",
				    "cache.l2_hit=4ns",
				    "cache.l3_hit=15ns",
				    "line.memory=90ns",
				    NULL };

	model_start(m, &(struct model_spec){ .set = set });
}

static void test_levels(void **state)
{
	struct machine *hw;
	struct model m;

	(void)state;
	small_caches(&m, "0");
	hw = m.k->m;
	assert_int_equal(usermem_access(hw, 0, 0), MEM_DRAM);
	assert_int_equal(usermem_access(hw, 0, 63), MEM_L1);  /* the same line */
	assert_int_equal(usermem_access(hw, 1, 0), MEM_L3);   /* same group, other core */
	assert_int_equal(usermem_access(hw, 6, 0), MEM_DRAM); /* another group */
	usermem_access(hw, 0, 256);                           /* 4 sets of L1: both of this set */
	usermem_access(hw, 0, 512);
	assert_int_equal(usermem_access(hw, 0, 0), MEM_L2);
	assert_int_equal(usermem_load(hw, 0, 0), 1000);
	assert_int_equal(usermem_load(hw, 0, 256), 4000); /* 0 pushed it out */
	assert_int_equal(usermem_load(hw, 1, 512), 15000);
	assert_int_equal(usermem_load(hw, 1, 1 << 20), 90000);
	model_end(&m);
}

/* 4 KiB at 4 GB/s are 1,024 ns from memory; lines that the caches hold cost nothing here. */
static void test_bandwidth(void **state)
{
	struct model m;

	(void)state;
	small_caches(&m, "4");
	assert_int_equal(usermem_move_page(m.k->m, 0, 100, 100), 1024000);
	assert_int_equal(usermem_move_page(m.k->m, 0, 100, 100), 0);
	assert_int_equal(usermem_move_page(m.k->m, 0, 200, 300), 2 * 1024000);
	model_end(&m);
	small_caches(&m, "0");
	assert_int_equal(usermem_move_page(m.k->m, 0, 100, 100), 0);
	assert_int_equal(m.k->m->mem->loads[MEM_DRAM], 0); /* and nobody looked */
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_bandwidth),
		cmocka_unit_test(test_against_oracle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
