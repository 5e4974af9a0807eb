/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The comparison of a recording with its replays: rows found by label, seeds merged on the
 * simulated side only, counts averaged, errors with a sign, and JSON that names every part.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/recording.h"

#define D(var, name_, kind_)                                                                       \
	static const struct metric_desc var = { .name = (name_), .kind = (kind_), .unit = "1" }

D(recorded, "workload.recorded_latency_by_size", METRIC_HISTOGRAM);
D(traced, "replay.traced_latency", METRIC_HISTOGRAM);
D(span, "workload.recorded_span", METRIC_GAUGE);
D(op_time, "workload.recorded_op_time", METRIC_GAUGE);
D(ipis, "workload.recorded_ipis", METRIC_GAUGE);
D(sent, "ipi.sent", METRIC_COUNTER);
D(unseen, "ipi.sent_unseen", METRIC_COUNTER);
D(inferred, "replay.inferred_pages", METRIC_GAUGE);

static struct metrics *run(uint64_t simulated_ns, uint64_t shootdowns)
{
	struct metrics *m = metrics_create();

	hist_add_n(&metric_get(m, &recorded, "munmap 64K")->hist, 100000, 10);
	hist_add_n(&metric_get(m, &traced, "munmap 64K")->hist, simulated_ns * 1000, 10);
	metric_get(m, &span, "")->gauge = 5e6;
	metric_get(m, &op_time, "")->gauge = 1e6;
	metric_get(m, &ipis, "shootdown")->gauge = 40;
	metric_get(m, &ipis, "other")->gauge = 3;
	metric_get(m, &sent, "shootdown")->value = shootdowns + 4;
	metric_get(m, &unseen, "shootdown")->value = 4; /* by the recorder */
	metric_get(m, &sent, "call")->value = 2;
	metric_get(m, &sent, "table-sync")->value = 5;
	metric_get(m, &inferred, "")->gauge = 7;
	return m;
}

static void test_seeds_merge(void **state)
{
	struct recording_report r;
	struct err err = { 0 };

	(void)state;
	recording_init(&r);
	for (int seed = 0; seed < 2; seed++) {
		struct metrics *m = run(seed ? 150 : 50, seed ? 50 : 30);

		assert_true(recording_add(&r, m, &err));
		metrics_free(m);
	}
	assert_int_equal(r.runs, 2);
	assert_int_equal(r.n_ops, 1);
	assert_string_equal(r.op[0].name, "munmap");
	assert_string_equal(r.op[0].class, "64K");
	assert_int_equal(r.op[0].recorded.count, 10); /* once, not once a seed */
	assert_int_equal(r.op[0].simulated.count, 20);
	assert_true(fabs(recording_ns(&r.op[0].recorded, RECORDING_P50) - 100) < 1);
	assert_true(fabs(r.op_time.simulated - 2e6) < 1e4); /* the sum: shown by runs */
	for (size_t i = 0; i < r.n_counts; i++) {
		bool other = !strcmp(r.count[i].name, "ipi_other");

		assert_true(other || !strcmp(r.count[i].name, "ipi_shootdown"));
		assert_true(r.count[i].recorded == (other ? 3 : 40));
		assert_true(r.count[i].simulated == (other ? 14 : 80));
	}
	recording_free(&r);
}

static void test_no_replay(void **state)
{
	struct metrics *m = metrics_create();
	struct recording_report r;
	struct err err = { 0 };

	(void)state;
	recording_init(&r);
	assert_false(recording_add(&r, m, &err));
	assert_non_null(strstr(err.msg, "no replay"));
	recording_free(&r);
	metrics_free(m);
}

static void test_error_sign(void **state)
{
	(void)state;
	assert_true(fabs(recording_error(100, 85) + 0.15) < 1e-9);
	assert_true(fabs(recording_error(100, 130) - 0.30) < 1e-9);
	assert_true(isnan(recording_error(0, 5)));
}

static void test_json(void **state)
{
	static const char *const parts[] = { "\"operations\"",
					     "\"size_class\": \"64K\"",
					     "\"recorded_p50_ns\"",
					     "\"simulated_p99_ns\"",
					     "\"locks\"",
					     "\"counts\"",
					     "\"ipi_shootdown\"",
					     "\"total_op_time\"",
					     "\"inferred_pages\": 7" };
	struct metrics *m = run(80, 40);
	struct recording_report r;
	struct err err = { 0 };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	recording_init(&r);
	assert_true(recording_add(&r, m, &err));
	recording_json(&r, out);
	fclose(out);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (!strstr(text, parts[i]))
			fail_msg("%s is missing in %s", parts[i], text);
	free(text);
	recording_free(&r);
	metrics_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seeds_merge),
		cmocka_unit_test(test_no_replay),
		cmocka_unit_test(test_error_sign),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
