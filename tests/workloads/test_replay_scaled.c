/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The shipped recordings on the real simulated kernel with more threads than were recorded, on a
 * larger machine, from the start and past the point where the threads begin. Would break: mappings
 * of copies that appear under the feet of a writer.
 */
#include "load_test.h"

static void test_copies(void **state)
{
	static const char *const recordings[] = { "mmap1-2t", "tlb_flush2-2t" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct run r = { recordings[i], "milan-1s72", "linux-6.18", .threads = 8,
				 .duration = 18 * SIM_MS };
		struct outcome o = simulate(&r);

		assert_true(metric_find(o.metrics, "replay.tasks", "copies")->gauge >= 6);
		outcome_free(&o);
	}
}

static double busy_per_op(const struct outcome *o)
{
	return count(o, "cpu.busy_time", "") / count(o, "workload.ops", "");
}

/* Programs that fork, exec and collect garbage, several at a time: each does what one does alone.
 * And faster: own work shrinks to a quarter, calls do not; the last one does little else. */
static void test_programs(void **state)
{
	static const char *const recordings[] = { "redis-bgsave", "node-gc", "tlb_flush2-2t" };
	static const double most[] = { 0.6, 0.4, 0.9 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct run r = { recordings[i], "milan-1s72", "linux-6.18",
				 .set = { "background=false", "processes=1" } };
		struct outcome one, three, fast;

		r.duration = 60 * SIM_MS;
		one = simulate(&r);
		r.set[1] = "processes=3";
		three = simulate(&r);
		assert_int_equal((int)metric_find(three.metrics, "replay.errors", "")->gauge, 0);
		assert_in_range((int)count(&three, "workload.ops", ""),
				(int)(2.8 * count(&one, "workload.ops", "")),
				(int)(3.2 * count(&one, "workload.ops", "")));
		r.set[1] = "speed=4";
		fast = simulate(&r);
		assert_true(count(&fast, "workload.ops", "") >= count(&one, "workload.ops", ""));
		assert_true(busy_per_op(&fast) < most[i] * busy_per_op(&one));
		assert_true(busy_per_op(&fast) > busy_per_op(&one) / 4);
		outcome_free(&one);
		outcome_free(&three);
		outcome_free(&fast);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
