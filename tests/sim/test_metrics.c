/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The registry: one value for a name and label, sorted whatever the order of making, and a byte
 * form that adds up on the other side and never passes damage off as values.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/metrics.h"

METRIC(m_flushes, "test.flushes", METRIC_COUNTER, "1", "reason", "flushes done");
METRIC(m_load, "test.load", METRIC_GAUGE, "1", NULL, "load at the end");
METRIC(m_latency, "test.latency", METRIC_HISTOGRAM, "ps", "operation", "time an operation took");

static struct metrics *sample(void)
{
	struct metrics *m = metrics_create();
	char label[16];

	for (int i = 999; i >= 0; i--) { /* more than the first table holds */
		snprintf(label, sizeof(label), "r%03d", i);
		metric_get(m, &m_flushes, label)->value = (uint64_t)i;
	}
	metric_get(m, &m_load, NULL)->gauge = 0.1;
	for (uint64_t i = 0; i < 1000; i++)
		hist_add(&metric_get(m, &m_latency, "munmap")->hist, i * 1000);
	return m;
}

static void test_one_value_each(void **state)
{
	struct metrics *m = sample();
	struct metric *first = metric_get(m, &m_flushes, "r007");

	(void)state;
	assert_int_equal(first->value, 7);
	assert_ptr_equal(metric_find(m, "test.flushes", "r007"), first);
	assert_ptr_equal(metric_get(m, &m_load, ""), metric_find(m, "test.load", NULL));
	assert_null(metric_find(m, "test.flushes", "none"));
	assert_null(metric_find(m, "none", "r007"));
	metrics_free(m);
}

static void test_sorted(void **state)
{
	struct metrics *m = sample();
	const struct metric **v;
	size_t n = metrics_sorted(m, &v);

	(void)state;
	assert_int_equal(n, 1002);
	for (size_t i = 1; i < n; i++) {
		int d = strcmp(v[i - 1]->desc->name, v[i]->desc->name);

		assert_true(d < 0 || (d == 0 && strcmp(v[i - 1]->label, v[i]->label) < 0));
	}
	free(v);
	metrics_free(m);
}

static void test_descriptions(void **state)
{
	const struct metric_desc **d;
	size_t n = metric_descs(&d), ours = 0;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		ours += d[i] == &m_flushes || d[i] == &m_load || d[i] == &m_latency;
		assert_true(i == 0 || strcmp(d[i - 1]->name, d[i]->name) <= 0);
	}
	assert_int_equal(ours, 3);
	free(d);
}

static void written(char **data, size_t *size)
{
	FILE *out = open_memstream(data, size);
	struct metrics *m = sample();
	struct err err = { "" };

	assert_true(metrics_write(m, out, &err));
	fputs("after", out);
	fclose(out);
	metrics_free(m);
}

static void test_round_trip_and_adding(void **state)
{
	struct metrics *m = metrics_create();
	struct err err = { "" };
	char *data, rest[6] = "";
	size_t size;

	(void)state;
	written(&data, &size);
	for (int i = 1; i <= 2; i++) {
		FILE *in = fmemopen(data, size, "r");

		assert_true(metrics_read(m, in, &err));
		assert_int_equal(fread(rest, 1, 5, in), 5); /* nothing more was taken */
		assert_string_equal(rest, "after");
		fclose(in);
		assert_int_equal(metric_find(m, "test.flushes", "r500")->value, 500 * i);
		assert_true(metric_find(m, "test.load", "")->gauge == 0.1);
		assert_int_equal(metric_find(m, "test.latency", "munmap")->hist.count, 1000 * i);
	}
	free(data);
	metrics_free(m);
}

static void test_truncation_and_damage(void **state)
{
	struct err err = { "" };
	char *data;
	size_t size;

	(void)state;
	written(&data, &size);
	size -= 5;
	for (size_t cut = 0; cut < size; cut += cut < 200 || size - cut < 200 ? 1 : 97) {
		struct metrics *m = metrics_create();
		FILE *in = cut ? fmemopen(data, cut, "r") : fopen("/dev/null", "r");

		err.msg[0] = '\0';
		assert_false(metrics_read(m, in, &err));
		assert_true(err_is_set(&err));
		fclose(in);
		metrics_free(m);
	}
	for (size_t i = 0; i < 400; i++) { /* no crash, no endless loop, whatever it says */
		struct metrics *m = metrics_create();
		FILE *in;

		data[i] ^= (char)0xff;
		in = fmemopen(data, size, "r");
		metrics_read(m, in, &err);
		data[i] ^= (char)0xff;
		fclose(in);
		metrics_free(m);
	}
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_value_each),
		cmocka_unit_test(test_sorted),
		cmocka_unit_test(test_descriptions),
		cmocka_unit_test(test_round_trip_and_adding),
		cmocka_unit_test(test_truncation_and_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
