/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers with units, both ways, in any locale; the edit distance against a slow oracle; error
 * lines that stay one line.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/text.h"
#include "sim/rng.h"

typedef bool reader(const char *text, uint64_t *value, struct err *err);

static void reads(reader *fn, const char *text, uint64_t want)
{
	struct err err = { "" };
	uint64_t got = 77;

	if (!fn(text, &got, &err))
		fail_msg("'%s' was refused: %s", text, err.msg);
	if (got != want)
		fail_msg("'%s' gave %llu", text, (unsigned long long)got);
}

static void refuses(reader *fn, const char *text, const char *message)
{
	struct err err = { "" };
	uint64_t got = 77;

	if (fn(text, &got, &err))
		fail_msg("'%s' gave %llu", text, (unsigned long long)got);
	assert_int_equal(got, 77); /* untouched */
	if (!strstr(err.msg, message))
		fail_msg("'%s' gave the message: %s", text, err.msg);
}

static void test_times(void **state)
{
	(void)state;
	reads(text_to_ps, "250ns", 250000);
	reads(text_to_ps, "1.5us", 1500000);
	reads(text_to_ps, " 50 ms ", 50000000000);
	reads(text_to_ps, "2s", 2000000000000);
	reads(text_to_ps, "800ps", 800);
	reads(text_to_ps, "0", 0);
	reads(text_to_ps, "0.1us", 100000); /* a double would do 99999.999 */
	reads(text_to_ps, "0.0004ns", 0);
	reads(text_to_ps, "0.0005ns", 1);
	reads(text_to_ps, "1_000.5ns", 1000500);
	reads(text_to_ps, "18446744.073709551615s", UINT64_MAX);
	refuses(text_to_ps, "50",
		"'50' has no unit: expected a time with unit (ps, ns, us, ms, s)");
	refuses(text_to_ps, "50 m", "has an unknown unit");
	refuses(text_to_ps, "50nsx", "has an unknown unit");
	refuses(text_to_ps, "-1ns", "is negative");
	refuses(text_to_ps, "ns", "is no number");
	refuses(text_to_ps, "", "is no number");
	reads(text_to_ps, ".5ns", 500);
	refuses(text_to_ps, "1e3ns", "has an unknown unit");
	refuses(text_to_ps, "18446744.073709551616s", "is too large");
	refuses(text_to_ps, "999999999999999999999999999999999999999999999999s", "is too large");
}

static void test_sizes_frequencies_numbers(void **state)
{
	(void)state;
	reads(text_to_bytes, "4KiB", 4096);
	reads(text_to_bytes, "1.5GiB", 1610612736);
	reads(text_to_bytes, "128", 128);
	refuses(text_to_bytes, "4kB", "has an unknown unit");
	reads(text_to_hz, "2.3GHz", 2300000000);
	refuses(text_to_hz, "100", "has no unit");
	reads(text_to_u64, "1_000_000", 1000000);
	reads(text_to_u64, "0xffff_ffff_ffff_ffff", UINT64_MAX);
	reads(text_to_u64, "18446744073709551615", UINT64_MAX);
	refuses(text_to_u64, "18446744073709551616", "is too large");
	refuses(text_to_u64, "0x1ffffffffffffffff", "is too large");
	refuses(text_to_u64, "12a", "is no whole number");
	refuses(text_to_u64, "1.5", "is no whole number");
	refuses(text_to_u64, "1_", "is no whole number");
	refuses(text_to_u64, "0x", "is no whole number");
}

static void test_bools_and_doubles(void **state)
{
	struct err err = { "" };
	double d = 0;
	bool b = false;

	(void)state;
	assert_true(text_to_bool("Yes", &b, &err) && b);
	assert_true(text_to_bool("off", &b, &err) && !b);
	assert_false(text_to_bool("maybe", &b, &err));
	assert_true(text_to_double("1.25e-3", &d, &err) && d == 1.25e-3);
	assert_false(text_to_double("nan", &d, &err));
	assert_false(text_to_double("1,5", &d, &err));
	assert_false(text_to_double("", &d, &err));
	assert_true(d == 1.25e-3);
}

static void test_exact_forms_read_back(void **state)
{
	struct err err = { "" };
	struct rng rng;
	char buf[64];

	(void)state;
	assert_string_equal(text_exact_ps(1500000, buf, sizeof(buf)), "1500ns");
	assert_string_equal(text_exact_ps(0, buf, sizeof(buf)), "0ps");
	assert_string_equal(text_exact_bytes(2 << 20, buf, sizeof(buf)), "2MiB");
	assert_string_equal(text_exact_hz(2300000000, buf, sizeof(buf)), "2300MHz");
	rng_init(&rng, 1, "exact", 0);
	for (int i = 0; i < 20000; i++) {
		uint64_t v = rng_u64(&rng) >> rng_below(&rng, 64), back;
		double d = (rng_unit(&rng) - 0.5) * (double)v, d_back;

		assert_true(text_to_ps(text_exact_ps(v, buf, sizeof(buf)), &back, &err));
		assert_true(back == v);
		assert_true(text_to_bytes(text_exact_bytes(v, buf, sizeof(buf)), &back, &err));
		assert_true(back == v);
		assert_true(text_to_hz(text_exact_hz(v, buf, sizeof(buf)), &back, &err));
		assert_true(back == v);
		assert_true(text_to_double(text_exact_double(d, buf, sizeof(buf)), &d_back, &err));
		assert_true(d_back == d);
	}
}

static void test_forms_for_people(void **state)
{
	char buf[64];

	(void)state;
	assert_string_equal(text_from_ps(1234567, buf, sizeof(buf)), "1.23 us");
	assert_string_equal(text_from_ps(12345678, buf, sizeof(buf)), "12.3 us");
	assert_string_equal(text_from_ps(999999, buf, sizeof(buf)), "1.00 us"); /* not 1000 ns */
	assert_string_equal(text_from_ps(99960, buf, sizeof(buf)), "100 ns");
	assert_string_equal(text_from_ps(800, buf, sizeof(buf)), "800 ps");
	assert_string_equal(text_from_ps(5000 * 1000000000000ull, buf, sizeof(buf)), "5000 s");
	assert_string_equal(text_from_count(1234567, buf, sizeof(buf)), "1.23M");
	assert_string_equal(text_from_count(7, buf, sizeof(buf)), "7");
}

/* Straight from the definition; exponential. */
static unsigned int slow_distance(const char *a, const char *b)
{
	unsigned int best, d;

	if (!*a || !*b)
		return (unsigned int)(strlen(a) + strlen(b));
	best = slow_distance(a + 1, b + 1) + (*a != *b);
	d = slow_distance(a + 1, b) + 1;
	best = d < best ? d : best;
	d = slow_distance(a, b + 1) + 1;
	return d < best ? d : best;
}

static void test_distance(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 1, "distance", 0);
	for (int i = 0; i < 500; i++) {
		char a[7] = "", b[7] = "";

		for (uint64_t k = rng_below(&rng, 7); k-- > 0;)
			a[k] = (char)('a' + rng_below(&rng, 3));
		for (uint64_t k = rng_below(&rng, 7); k-- > 0;)
			b[k] = (char)('a' + rng_below(&rng, 3));
		assert_int_equal(text_distance(a, b), slow_distance(a, b));
	}
	assert_int_equal(text_distance("IPI", "ipi"), 0);
}

static void test_nearest(void **state)
{
	struct nearest n;

	(void)state;
	nearest_init(&n, "icr_wirte");
	nearest_offer(&n, "entry");
	nearest_offer(&n, "icr_write");
	nearest_offer(&n, "icr_read");
	assert_string_equal(nearest_result(&n), "icr_write");
	nearest_init(&n, "latency");
	nearest_offer(&n, "cores");
	assert_null(nearest_result(&n)); /* no nonsense */
	nearest_init(&n, "zz");
	nearest_offer(&n, "a");
	assert_null(nearest_result(&n));
}

static void test_errors_are_one_line(void **state)
{
	struct where where = { "a.yaml", 12, 3 };
	struct err err = { "" };
	char huge[2000];

	(void)state;
	assert_false(err_at(&err, where, "bad '%s'", "x\ny\033"));
	assert_string_equal(err.msg, "a.yaml:12: bad 'x?y?'");
	assert_false(err_prefix(&err, "scenario %d", 5));
	assert_string_equal(err.msg, "scenario 5: a.yaml:12: bad 'x?y?'");
	where.line = 0;
	err_at(&err, where, "gone");
	assert_string_equal(err.msg, "a.yaml: gone");
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	err_set(&err, "%s", huge);
	err_prefix(&err, "%s", huge);
	where.file = huge;
	where.line = 1;
	err_at(&err, where, "%s", huge);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_sizes_frequencies_numbers),
		cmocka_unit_test(test_bools_and_doubles),
		cmocka_unit_test(test_exact_forms_read_back),
		cmocka_unit_test(test_forms_for_people),
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_errors_are_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
