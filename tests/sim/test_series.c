/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Levels over time against a naive oracle: an array with the level of each microsecond.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/metrics.h"
#include "sim/rng.h"

METRIC(level_desc, "test.level", METRIC_SERIES, "1", NULL, "a level");

enum { STEPS = 5000 };
#define US 1000000u

static void test_by_hand(void **state)
{
	struct series s;
	uint64_t covered;

	(void)state;
	series_init(&s);
	assert_int_equal(series_bins(&s), 0);
	assert_true(series_mean(&s) == 0);
	series_set(&s, 500000, 4); /* half of the first bin at 0, half at 4 */
	series_set(&s, 2 * US, 1);
	series_set(&s, 2500000, 0);
	assert_int_equal(series_bins(&s), 3);
	assert_true(series_bin_mean(&s, 0, &covered) == 2);
	assert_int_equal(covered, US);
	assert_true(series_bin_mean(&s, 1, &covered) == 4);
	assert_true(series_bin_mean(&s, 2, &covered) == 1);
	assert_int_equal(covered, 500000);
	assert_true(series_max(&s) == 4);
	assert_true(fabs(series_mean(&s) - (2 + 4 + 0.5) / 2.5) < 1e-12);
}

/* A level that comes and goes within no time shows in the maximum only. */
static void test_spike(void **state)
{
	struct series s;

	(void)state;
	series_init(&s);
	series_set(&s, US, 7);
	series_set(&s, US, 0);
	series_set(&s, 3 * US, 0);
	assert_true(series_max(&s) == 7);
	assert_true(series_mean(&s) == 0);
}

static void check(const struct series *s, const double *level, size_t n)
{
	size_t per = s->width / US;
	double sum = 0, max = 0;

	for (size_t i = 0; i < n; i++) {
		sum += level[i];
		max = fmax(max, level[i]);
	}
	assert_true(fabs(series_mean(s) - sum / (double)n) < 1e-9 * (1 + sum));
	assert_true(series_max(s) == max);
	for (size_t b = 0; b < series_bins(s); b++) {
		double bin = 0;
		uint64_t covered;
		size_t end = (b + 1) * per < n ? (b + 1) * per : n;

		for (size_t i = b * per; i < end; i++)
			bin += level[i];
		assert_true(fabs(series_bin_mean(s, b, &covered) - bin / (double)(end - b * per)) <
			    1e-9 * (1 + bin));
		assert_int_equal(covered, (end - b * per) * US);
	}
}

static void test_random(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		double *level = calloc(STEPS, sizeof(*level)), now = 0;
		struct series s;
		struct rng rng;

		rng_init(&rng, seed, "series", 0);
		series_init(&s);
		for (size_t i = 0; i < STEPS; i++) {
			if (rng_below(&rng, 20) == 0) {
				now = (double)rng_below(&rng, 1000);
				series_set(&s, i * US, now);
			}
			level[i] = now;
		}
		series_set(&s, (uint64_t)STEPS * US, now);
		check(&s, level, STEPS);
		free(level);
	}
}

/* From process to process as one of a run's values. */
static void test_handed_over(void **state)
{
	struct metrics *from = metrics_create(), *to = metrics_create();
	struct err err = { "" };
	char *data = NULL;
	size_t size;
	FILE *f = open_memstream(&data, &size);

	(void)state;
	series_set(metric_get(from, &level_desc, "")->series, 700 * US, 3);
	series_set(metric_get(from, &level_desc, "")->series, 900 * US, 0);
	assert_true(metrics_write(from, f, &err));
	fclose(f);
	f = fmemopen(data, size, "r");
	assert_true(metrics_read(to, f, &err));
	fclose(f);
	assert_true(series_max(metric_find(to, "test.level", "")->series) == 3);
	assert_true(series_mean(metric_find(to, "test.level", "")->series) ==
		    series_mean(metric_find(from, "test.level", "")->series));
	free(data);
	metrics_free(from);
	metrics_free(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_spike),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_handed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
