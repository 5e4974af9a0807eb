/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads without process numbers that ran before the recording: those that lock one mm are one
 * process. If they are replayed as processes of their own, no shootdown is ever sent, and it shows
 * here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tape.h"

/* ftrace's kind of line, without a process. */
static void line(struct tape *t, uint64_t ns, int tid, const char *what)
{
	t->n += (size_t)snprintf(t->text + t->n, sizeof(t->text) - t->n,
				 "prog-%d [000] 1.%09llu: %s\n", tid, (unsigned long long)ns, what);
}

static void fault(struct tape *t, uint64_t ns, int tid, uint64_t addr)
{
	char what[128];

	snprintf(what, sizeof(what), "page_fault_user: address=0x%llx ip=0x1 error_code=0x6",
		 (unsigned long long)addr);
	line(t, ns, tid, what);
}

static void call(struct tape *t, uint64_t ns, int tid, unsigned int mm, uint64_t addr)
{
	char what[160];

	snprintf(what, sizeof(what), "sys_munmap(addr: 0x%llx, len: 0x1000)",
		 (unsigned long long)addr);
	line(t, ns, tid, what);
	snprintf(what, sizeof(what), "mmap_lock_start_locking: mm=%016x memcg_id=1 write=true", mm);
	line(t, ns + 1000, tid, what);
	line(t, ns + 5000, tid, "sys_munmap -> 0x0");
}

static void test_threads(void **state)
{
	struct tape *t = calloc(1, sizeof(*t));
	const struct program_task *a, *b, *c;
	struct program *p;

	(void)state;
	fault(t, 1000, 10, 0x7f0000001000);
	fault(t, 2000, 11, 0x7f0000002000); /* before anything says whose it is */
	call(t, 10000, 10, 0xa0, 0x7f0000100000);
	call(t, 20000, 11, 0xa0, 0x7f0000200000);
	call(t, 30000, 12, 0xc0, 0x7f0000300000);
	fault(t, 40000, 12, 0x7f0000001000);
	p = build(t);
	a = task_of(p, 10);
	b = task_of(p, 11);
	c = task_of(p, 12);
	assert_int_equal(a->space, b->space);
	assert_int_not_equal(a->space, c->space);
	assert_int_equal(p->n_spaces, 2);
	/* one of them makes the other: nobody has a parent */
	assert_int_equal(a->parent, -1);
	assert_int_equal(b->parent, -1);
	assert_int_equal((a->leader >= 0) + (b->leader >= 0), 1);
	assert_int_equal(c->leader, -1);
	assert_int_equal(p->space[a->space].pages, 2); /* of both */
	program_free(p);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
