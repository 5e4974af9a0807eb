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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
