/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random streams: the published generator, reproducible, independent of each other by name, index
 * and seed, and with the distributions that they claim.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "sim/rng.h"

enum { N = 200000 };

/* First outputs of xoshiro256** from the state 1, 2, 3, 4, worked out by hand from its definition:
 * rotl(s1 * 5, 7) * 9 and so on. */
static void test_known_generator(void **state)
{
	struct rng rng = { { 1, 2, 3, 4 } };

	(void)state;
	assert_true(rng_u64(&rng) == 11520);
	assert_true(rng_u64(&rng) == 0);
	assert_true(rng_u64(&rng) == 1509978240);
	assert_true(rng_u64(&rng) == 1215971899390074240);
}

static void test_same_stream_again(void **state)
{
	struct rng a, b;

	(void)state;
	rng_init(&a, 42, "ipi", 3);
	rng_init(&b, 42, "ipi", 3);
	for (int i = 0; i < 1000; i++)
		assert_true(rng_u64(&a) == rng_u64(&b));
}

/* Correlation of the sign bits of all pairs of near-by streams. */
static void test_streams_are_independent(void **state)
{
	static const char *const names[] = { "a", "b", "ab", "ba", "" };
	struct rng s[30];
	int n = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 2; seed++)
		for (int name = 0; name < 5; name++)
			for (uint64_t index = 0; index < 3; index++)
				rng_init(&s[n++], seed, names[name], index);
	for (int i = 0; i < n; i++) {
		for (int j = i + 1; j < n; j++) {
			struct rng x = s[i], y = s[j];
			int same = 0;

			for (int k = 0; k < 64; k++)
				same += 64 - __builtin_popcountll(rng_u64(&x) ^ rng_u64(&y));
			assert_in_range(same, 2048 - 192, 2048 + 192); /* 6 sigma of 4096 bits */
		}
	}
}

static void test_below_is_uniform(void **state)
{
	unsigned int seen[7] = { 0 };
	struct rng rng;

	(void)state;
	rng_init(&rng, 1, "below", 0);
	for (int i = 0; i < 70000; i++)
		seen[rng_below(&rng, 7)]++;
	for (int i = 0; i < 7; i++)
		assert_in_range(seen[i], 9500, 10500);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(rng_below(&rng, 1), 0);
		assert_true(rng_below(&rng, UINT64_MAX) < UINT64_MAX);
	}
}

static void moments(double (*draw)(struct rng *rng), double mean, double variance)
{
	double sum = 0, square = 0, m;
	struct rng rng;

	rng_init(&rng, 7, "moments", 0);
	for (int i = 0; i < N; i++) {
		double x = draw(&rng);

		assert_true(isfinite(x));
		sum += x;
		square += x * x;
	}
	m = sum / N;
	assert_true(fabs(m - mean) < 5 * sqrt(variance / N));
	assert_true(fabs(square / N - m * m - variance) < 0.05 * variance);
}

static double draw_exp(struct rng *rng)
{
	double x = rng_exp(rng, 3);

	assert_true(x >= 0);
	return x;
}

static double draw_unit(struct rng *rng)
{
	double x = rng_unit(rng);

	assert_true(x >= 0 && x < 1);
	return x;
}

static void test_distributions(void **state)
{
	(void)state;
	moments(draw_unit, 0.5, 1.0 / 12);
	moments(draw_exp, 3, 9);
	moments(rng_normal, 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_generator),
		cmocka_unit_test(test_same_stream_again),
		cmocka_unit_test(test_streams_are_independent),
		cmocka_unit_test(test_below_is_uniform),
		cmocka_unit_test(test_distributions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
