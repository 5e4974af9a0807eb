/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sets of addresses that mappings are inferred with, against a map of pages.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sim/rng.h"
#include "workloads/program_build.h"

/* Interval sets against a map of pages. */
static void test_spans(void **state)
{
	enum { PAGES = 64 };
	struct spans s = { 0 };
	bool page[PAGES] = { 0 };
	struct rng rng;

	(void)state;
	rng_init(&rng, 1, "spans", 0);
	for (int round = 0; round < 20000; round++) {
		uint64_t a = rng_below(&rng, PAGES), b = a + rng_below(&rng, PAGES - a + 1);
		bool add = rng_below(&rng, 2);
		struct span gap;
		uint64_t first = a;

		if (add)
			spans_add(&s, a, b);
		else
			spans_remove(&s, a, b);
		for (uint64_t i = a; i < b; i++)
			page[i] = add;
		for (size_t i = 0; i < s.n; i++) {
			assert_true(s.v[i].start < s.v[i].end);
			assert_true(!i || s.v[i - 1].end < s.v[i].start);
		}
		for (uint64_t i = 0; i < PAGES; i++)
			assert_int_equal(spans_meet(&s, i, i + 1), page[i]);
		a = rng_below(&rng, PAGES);
		b = a + rng_below(&rng, PAGES - a + 1);
		for (first = a; first < b && page[first]; first++)
			;
		assert_int_equal(spans_gap(&s, a, b, &gap), first < b);
		if (first < b) {
			assert_int_equal(gap.start, first);
			for (; first < b && !page[first]; first++)
				;
			assert_int_equal(gap.end, first);
		}
	}
	free(s.v);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_spans) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
