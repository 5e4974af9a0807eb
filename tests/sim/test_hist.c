/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Histograms: quantiles within 1% of exact sorting at every scale, merging equals adding, and the
 * byte form survives a round trip and no damage at all.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/hist.h"
#include "sim/rng.h"

enum { N = 20000 };

static uint64_t values[N];

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void fill(struct hist *h, uint64_t seed, unsigned int shape)
{
	struct rng rng;

	rng_init(&rng, seed, "values", shape);
	hist_init(h);
	for (size_t i = 0; i < N; i++) {
		switch (shape) {
		case 0: /* every power of two alike */
			values[i] = rng_u64(&rng) >> rng_below(&rng, 64);
			break;
		case 1: /* latencies */
			values[i] = (uint64_t)(exp(rng_normal(&rng) * 2) * 1e6);
			break;
		default: /* few and small */
			values[i] = rng_below(&rng, 300);
		}
		hist_add(h, values[i]);
	}
	qsort(values, N, sizeof(values[0]), compare);
}

static void test_quantiles_against_sorting(void **state)
{
	static const double qs[] = { 0,    0.001, 0.01, 0.1,   0.25,   0.5,
				     0.75, 0.9,   0.99, 0.999, 0.9999, 1 };
	struct hist h;

	(void)state;
	for (unsigned int shape = 0; shape < 3; shape++) {
		fill(&h, 1, shape);
		assert_int_equal(h.count, N);
		assert_int_equal(h.min, values[0]);
		assert_int_equal(h.max, values[N - 1]);
		for (size_t i = 0; i < sizeof(qs) / sizeof(qs[0]); i++) {
			size_t rank = (size_t)ceil(qs[i] * N);
			double exact = (double)values[rank ? rank - 1 : 0];
			double got = (double)hist_quantile(&h, qs[i]);

			assert_true(fabs(got - exact) <= 0.01 * exact);
			if (exact < 128)
				assert_true(got == exact);
		}
		hist_free(&h);
	}
}

static void test_edges(void **state)
{
	struct hist h;

	(void)state;
	hist_init(&h);
	assert_int_equal(hist_quantile(&h, 0.5), 0);
	assert_true(hist_mean(&h) == 0 && hist_stddev(&h) == 0);
	hist_add(&h, UINT64_MAX);
	assert_true(hist_quantile(&h, 0.5) == UINT64_MAX); /* clamped to what was seen */
	hist_add_n(&h, 5, 0);
	assert_int_equal(h.count, 1);
	hist_add(&h, 0);
	assert_int_equal(hist_quantile(&h, 0), 0);
	hist_free(&h);
	for (int i = 1; i <= 4; i++)
		hist_add(&h, (uint64_t)i);
	assert_true(hist_mean(&h) == 2.5);
	assert_true(fabs(hist_stddev(&h) - 1.2909944487) < 1e-9);
	hist_free(&h);
}

struct visited {
	uint64_t end, count, buckets;
};

static void visit(void *arg, uint64_t low, uint64_t width, uint64_t count)
{
	struct visited *v = arg;

	assert_true(v->buckets == 0 || low >= v->end); /* rising, no overlap */
	assert_true(low < 128 ? width == 1 : width <= low / 64);
	v->end = low + width;
	v->count += count;
	v->buckets++;
}

static void test_buckets_tile_the_range(void **state)
{
	struct visited v = { 0 };
	struct hist h;

	(void)state;
	fill(&h, 2, 0);
	hist_visit(&h, visit, &v);
	assert_int_equal(v.count, N);
	assert_true(v.buckets > 1000);
	hist_free(&h);
}

static void assert_same(const struct hist *a, const struct hist *b)
{
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->min, b->min);
	assert_int_equal(a->max, b->max);
	assert_true(a->sum == b->sum && a->sum_sq == b->sum_sq);
	for (int i = 0; i <= 100; i++)
		assert_int_equal(hist_quantile(a, i / 100.0), hist_quantile(b, i / 100.0));
}

static void test_merge_equals_adding(void **state)
{
	struct hist whole, even, odd;

	(void)state;
	fill(&whole, 3, 2);
	hist_init(&even);
	hist_init(&odd);
	for (size_t i = 0; i < N; i++)
		hist_add(i % 2 ? &odd : &even, values[i]);
	hist_merge(&even, &odd);
	assert_same(&whole, &even);
	hist_free(&odd);
	hist_merge(&even, &odd); /* an empty one changes nothing */
	assert_same(&whole, &even);
	hist_free(&whole);
	hist_free(&even);
}

static void test_round_trip(void **state)
{
	struct err err = { "" };
	struct hist h, back;
	size_t size;
	void *data;

	(void)state;
	for (unsigned int shape = 0; shape < 3; shape++) {
		fill(&h, 4, shape);
		data = hist_encode(&h, &size);
		assert_true(hist_decode(&back, data, size, &err));
		assert_same(&h, &back);
		hist_free(&h);
		hist_free(&back);
		free(data);
	}
	data = hist_encode(&h, &size); /* empty */
	assert_true(hist_decode(&back, data, size, &err));
	assert_same(&h, &back);
	free(data);
}

/* Each truncation and each single changed byte must be found, and none may crash. */
static void test_damage_is_found(void **state)
{
	struct err err = { "" };
	struct hist h, back;
	uint8_t *data, *copy;
	size_t size;

	(void)state;
	hist_init(&h);
	for (uint64_t i = 0; i < 400; i++)
		hist_add(&h, i * i * i);
	data = hist_encode(&h, &size);
	for (size_t cut = 0; cut < size; cut++) {
		copy = malloc(cut + 1);
		memcpy(copy, data, cut);
		err.msg[0] = '\0';
		assert_false(hist_decode(&back, copy, cut, &err));
		assert_true(err_is_set(&err));
		free(copy);
	}
	for (size_t i = 0; i < size; i++) {
		data[i] ^= 0x41;
		assert_false(hist_decode(&back, data, size, &err));
		data[i] ^= 0x41;
	}
	hist_free(&h);
	free(data);
}

/* With a right checksum, as an attacker would: nonsense is still refused or consistent. */
static void test_fuzzed_content(void **state)
{
	struct err err = { "" };
	unsigned int refused = 0;
	struct rng rng;

	(void)state;
	rng_init(&rng, 5, "fuzz", 0);
	for (int round = 0; round < 20000; round++) {
		uint8_t data[64] = { 1 };
		size_t size = 5 + rng_below(&rng, 50);
		uint32_t h = 0x811c9dc5;
		struct hist back;

		for (size_t i = 1; i < size; i++)
			data[i] = (uint8_t)(rng_below(&rng, 4) ? rng_below(&rng, 5)
							       : rng_u64(&rng));
		for (size_t i = 0; i < size; i++)
			h = (h ^ data[i]) * 0x01000193;
		for (int i = 0; i < 4; i++)
			data[size + (size_t)i] = (uint8_t)(h >> (8 * i));
		if (hist_decode(&back, data, size + 4, &err)) {
			struct visited v = { 0 };

			hist_visit(&back, visit, &v);
			assert_int_equal(v.count, back.count);
			hist_free(&back);
		} else {
			refused++;
		}
	}
	assert_true(refused > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles_against_sorting),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_buckets_tile_the_range),
		cmocka_unit_test(test_merge_equals_adding),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damage_is_found),
		cmocka_unit_test(test_fuzzed_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
