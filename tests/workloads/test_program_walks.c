/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Own work between the faults of a thread that touches page after page: a fault that took longer
 * than its neighbours has met the kernel's batches or another thread's lock, which the simulated
 * kernel has, too. If it counted as work, the replay would have both.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tape.h"

enum { PAGES = 40, FAULT = 2000, WORK = 100 };

/* Faults on page after page, in order or not, with `extra` before the middle one. */
static struct program *walk(int pages, bool in_order, uint64_t work, uint64_t spread,
			    uint64_t extra)
{
	struct tape *t = calloc(1, sizeof(*t));
	struct program *p;
	uint64_t ns = 100000;

	calibration(t);
	munmap_call(t, ns, ns + 5000, 10, 10, 0);
	ns += 10000;
	for (int i = 0; i < pages; i++) {
		int page = in_order ? i : i * 7 % pages;
		char what[128];

		ns += FAULT + (i ? work + spread * (uint64_t)(i % 5) : 0) +
		      (i == pages / 2 ? extra : 0);
		snprintf(what, sizeof(what),
			 "exceptions:page_fault_user: address=0x7000001%02x008 ip=0x1 "
			 "error_code=0x6",
			 page);
		event(t, ns, 10, 10, 0, what);
	}
	p = build(t);
	free(t);
	return p;
}

/* Before the middle one, against an early one whose work was as long. */
static int64_t kept(struct program *p, int pages)
{
	const struct program_task *t = task_of(p, 10);
	const struct program_op *first = &t->op[t->n_ops - (size_t)pages];
	int odd = pages / 2;
	int64_t more = (int64_t)first[odd].think - (int64_t)first[odd > 5 ? odd - 5 : 1].think;

	program_free(p);
	return more / (int64_t)SIM_NS;
}

static void test_walk(void **state)
{
	(void)state;
	assert_int_equal(kept(walk(PAGES, true, WORK, 0, 5000), PAGES), 0);
	/* a pause that no batch explains */
	assert_int_equal(kept(walk(PAGES, true, WORK, 0, 20000), PAGES), 20000);
	/* hardly more than usual */
	assert_int_equal(kept(walk(PAGES, true, WORK, 0, 250), PAGES), 250);
	/* pages here and there, too few of them, or work that varies anyway */
	assert_int_equal(kept(walk(PAGES, false, WORK, 0, 5000), PAGES), 5000);
	assert_int_equal(kept(walk(6, true, WORK, 0, 5000), 6), 5000);
	assert_int_equal(kept(walk(PAGES, true, WORK, 1000, 5000), PAGES), 5000);
}

/* Faults here and there, each of which takes FAULT and, in turn, so much more; their thread's
 * operations, from the first of them on. */
static struct program *faults(const unsigned int more_ns[10], const struct program_op **first)
{
	struct tape *t = calloc(1, sizeof(*t));
	struct program *p;
	uint64_t ns = 110000;

	calibration(t);
	munmap_call(t, 100000, 105000, 10, 10, 0);
	for (int i = 0; i <= PAGES; i++) { /* the gap after a fault is its own */
		char what[128];

		snprintf(what, sizeof(what),
			 "exceptions:page_fault_user: address=0x7000001%02x008 ip=0x1 "
			 "error_code=0x6",
			 i * 7 % (PAGES + 1));
		event(t, ns, 10, 10, 0, what);
		ns += FAULT + more_ns[i % 10];
	}
	p = build(t);
	free(t);
	*first = &task_of(p, 10)->op[task_of(p, 10)->n_ops - PAGES - 1];
	return p;
}

static void expect_kernel_part(const unsigned int more_ns[10], unsigned int most)
{
	const struct program_op *first;
	struct program *p = faults(more_ns, &first);

	for (int i = 1; i <= PAGES; i++) {
		unsigned int more = more_ns[(i - 1) % 10];

		assert_int_equal(first[i].think, more * SIM_NS);
		assert_int_equal(first[i].kernel_ns, more < most ? more : most);
	}
	program_free(p);
}

/*
 * What most faults take more than the fastest is the kernel's: it is own work in time, but not of a
 * program whose code pushes the kernel's out of caches.
 */
static void test_kernel_part(void **state)
{
	/* most half a microsecond; before the others the thread works */
	static const unsigned int usual[10] = { 0, 500, 500, 500, 500, 500, 500, 8000, 8000, 8000 };
	/* it works after nearly all: not more than the fastest takes is the kernel's */
	static const unsigned int works[10] = { 0,    9000, 9000, 9000, 9000,
						9000, 9000, 9000, 9000, 9000 };

	(void)state;
	expect_kernel_part(usual, 500);
	expect_kernel_part(works, FAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_kernel_part),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
