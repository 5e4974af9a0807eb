/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a replay tells the kernel of a thread's own work: how much of it is the program's code, and
 * that caches are cold at the start. Would break: faults' time that pushes the kernel's code out of
 * caches, at any speed.
 */
#include "replay_test.h"

#include "tape.h"

/* 40 faults, 2.0 us each at least; half of them take 0.5 us more, some are followed by 8 us. */
static const char *faults(void)
{
	static const unsigned int more_ns[10] = {
		0, 500, 500, 500, 500, 500, 500, 8000, 8000, 8000
	};
	struct tape *t = calloc(1, sizeof(*t));
	uint64_t ns = 110000;
	const char *path;

	calibration(t);
	munmap_call(t, 100000, 105000, 10, 10, 0);
	for (int i = 0; i <= 40; i++) {
		char what[128];

		snprintf(what, sizeof(what),
			 "exceptions:page_fault_user: address=0x7000001%02x008 ip=0x1 "
			 "error_code=0x6",
			 i * 7 % 41);
		event(t, ns, 10, 10, 0, what);
		ns += 2000 + more_ns[i % 10];
	}
	path = write_file("faults", t->text, t->n);
	free(t);
	return path;
}

static struct result replayed(void)
{
	struct result r = replay(faults(), 0, 0, 1, 1);

	run(&r);
	return r;
}

static void test_own(void **state)
{
	struct result r = replayed();
	sim_ps others = r.k.own; /* before the first fault, and 7.5 us after each third */

	(void)state;
	assert_true(r.k.cooled);
	assert_int_equal(r.k.worked - r.k.own, (24 * 500 + 12 * 500) * SIM_NS);
	assert_true(others >= 12 * 7500 * SIM_NS);
	drop(&r);
	speed = 2;
	r = replayed();
	speed = 1;
	assert_int_equal(r.k.worked - r.k.own, (24 * 250 + 12 * 250) * SIM_NS);
	drop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_own) };

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
