/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lost events: what was open when they were lost is forgotten, since the ends that come later may
 * be of other calls. If a call gets the arguments of one call and the result of another, it shows
 * here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>

#include "tape.h"

static const struct program_op *only(const struct program_task *t, int kind)
{
	const struct program_op *found = NULL;

	for (size_t i = 0; i < t->n_ops; i++)
		if (t->op[i].kind == kind) {
			assert_null(found);
			found = &t->op[i];
		}
	return found;
}

/* enter A, (lost: exit A, enter B), exit B: neither is replayed, and both are counted. */
static void torn_call(bool tell)
{
	struct tape *t = calloc(1, sizeof(*t));
	const struct program_op *op;
	struct program *p;

	calibration(t);
	munmap_call(t, 90000, 91000, 10, 10, 0);
	event(t, 100000, 10, 10, 0,
	      "syscalls:sys_enter_mmap: addr: 0x0, len: 0x1000, prot: 0x3, flags: 0x22, fd: -1, "
	      "off: 0");
	if (tell)
		event(t, 101000, 10, 10, 0, "PERF_RECORD_LOST lost 40");
	event(t, 150000, 10, 10, 0, "syscalls:sys_exit_mmap: 0x700000200000");
	event(t, 160000, 10, 10, 0,
	      "exceptions:page_fault_user: address=0x700000208000 ip=0x1 error_code=0x6");
	p = build(t);
	op = only(task_of(p, 10), PROGRAM_MMAP);
	if (tell) {
		assert_null(op);
		assert_int_equal(p->lost_calls, 2);
		assert_int_equal(p->recorded.lost, 40);
		/* the page was there, whoever mapped it */
		assert_int_equal(p->inferred_pages, 1);
	} else {
		assert_non_null(op);
		assert_int_equal(op->len, 0x1000);
		assert_int_equal(p->lost_calls, 0);
	}
	program_free(p);
	free(t);
}

static void test_torn_call(void **state)
{
	(void)state;
	torn_call(true);
	torn_call(false); /* the mark makes the difference, nothing else */
}

/* The time of the hole is own work, and a lock whose release was lost is not held for ever. */
static void test_hole(void **state)
{
	struct tape *t = calloc(1, sizeof(*t));
	const struct program_task *task;
	struct program *p;

	(void)state;
	calibration(t);
	munmap_call(t, 100000, 110000, 10, 10, 0);
	event(t, 111000, 10, 10, 0,
	      "mmap_lock:mmap_lock_start_locking: mm=0x10 memcg_id=0 write=true");
	event(t, 120000, 10, 10, 0, "PERF_RECORD_LOST lost 40");
	munmap_call(t, 150000, 160000, 10, 10, 0);
	p = build(t);
	task = task_of(p, 10);
	assert_int_equal(task->n_ops, 2);
	assert_int_equal(task->op[1].think, (40000 - 2 * 700) * SIM_NS);
	program_free(p);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_torn_call),
		cmocka_unit_test(test_hole),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
