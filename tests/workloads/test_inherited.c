/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A process that ran before the recording, and the child that it makes: what the child uses without
 * having mapped it was the parent's. If the parent's data is taken to reach across code that only
 * the child is seen to run, the replayed child dies of SIGSEGV, and it shows here; or, if the
 * child's break starts anew where the parent's did, its first growth is refused.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>

#include "tape.h"

enum { READ = 4, WRITE = 6, EXEC = 0x14 };

static void fault(struct tape *t, uint64_t ns, int pid, uint64_t addr, int code)
{
	char what[128];

	snprintf(what, sizeof(what),
		 "exceptions:page_fault_user: address=0x%llx ip=0x1 error_code=0x%x",
		 (unsigned long long)addr, code);
	event(t, ns, pid, pid, 0, what);
}

static const struct program_range *range_of(const struct program_space *s, uint64_t addr)
{
	for (size_t i = 0; i < s->n_ranges; i++)
		if (s->range[i].start <= addr && addr < s->range[i].end)
			return &s->range[i];
	return NULL;
}

static void forked(bool mapped_before)
{
	const uint64_t low = 0x7f0000001000, code = 0x7f0000080000, high = 0x7f0000101000;
	struct tape *t = calloc(1, sizeof(*t));
	const struct program_space *parent;
	const struct program_range *r;
	struct program *p;

	fault(t, 1000, 10, low, WRITE);
	fault(t, 5000, 10, high, WRITE);
	if (mapped_before) {
		event(t, 6000, 10, 10, 0,
		      "syscalls:sys_enter_mmap: addr: 0x7f0000080000, len: 0x1000, prot: 0x5, "
		      "flags: 0x2, fd: 3, off: 0");
		event(t, 7000, 10, 10, 0, "syscalls:sys_exit_mmap: 0x7f0000080000");
	}
	event(t, 8000, 10, 10, 0,
	      "syscalls:sys_enter_clone: clone_flags: 0x1200011, newsp: 0, parent_tidptr: 0, "
	      "child_tidptr: 0x1, tls: 0");
	event(t, 9000, 10, 10, 0,
	      "sched:sched_process_fork: comm=prog pid=10 child_comm=prog child_pid=20");
	event(t, 10000, 10, 10, 0, "syscalls:sys_exit_clone: 0x14");
	fault(t, 20000, 20, code, EXEC);
	fault(t, 25000, 20, low, READ);
	p = build(t);
	parent = &p->space[task_of(p, 10)->space];
	assert_int_not_equal(task_of(p, 20)->space, task_of(p, 10)->space);
	r = range_of(parent, code);
	if (mapped_before) { /* by a call: that is enough */
		assert_null(r);
	} else {
		assert_non_null(r);
		assert_int_equal(r->prot, PROT_READ | PROT_EXEC);
		assert_int_equal(r->flags, MAP_PRIVATE);
	}
	assert_ptr_not_equal(range_of(parent, low), range_of(parent, high));
	assert_int_equal(p->inferred_pages, mapped_before ? 2 : 3); /* each where it was seen */
	program_free(p);
	free(t);
}

static void test_fork(void **state)
{
	(void)state;
	forked(false);
	forked(true);
}

static void brk_call(struct tape *t, uint64_t ns, int pid, uint64_t asked, uint64_t got)
{
	char what[128];

	snprintf(what, sizeof(what), "syscalls:sys_enter_brk: brk: 0x%llx",
		 (unsigned long long)asked);
	event(t, ns, pid, pid, 0, what);
	snprintf(what, sizeof(what), "syscalls:sys_exit_brk: 0x%llx", (unsigned long long)got);
	event(t, ns + 1000, pid, pid, 0, what);
}

static void test_break(void **state)
{
	const uint64_t brk = 0x555500040000, page = 4096;
	struct tape *t = calloc(1, sizeof(*t));
	const struct program_task *parent, *child;
	struct program *p;

	(void)state;
	brk_call(t, 1000, 10, brk, brk); /* the first that anyone saw: a growth or not */
	brk_call(t, 3000, 10, brk - 8 * page, brk - 8 * page);
	brk_call(t, 5000, 10, brk + page, brk - 8 * page); /* refused */
	event(t, 8000, 10, 10, 0,
	      "syscalls:sys_enter_clone: clone_flags: 0x1200011, newsp: 0, parent_tidptr: 0, "
	      "child_tidptr: 0x1, tls: 0");
	event(t, 9000, 10, 10, 0,
	      "sched:sched_process_fork: comm=prog pid=10 child_comm=prog child_pid=20");
	event(t, 10000, 10, 10, 0, "syscalls:sys_exit_clone: 0x14");
	brk_call(t, 20000, 20, brk, brk);
	p = build(t);
	parent = task_of(p, 10);
	child = task_of(p, 20);
	assert_int_equal(p->space[parent->space].brk, brk);
	assert_int_equal(p->space[parent->space].lowest_brk, brk - 8 * page);
	assert_int_equal(op_of(parent, PROGRAM_BRK, 0)->addr, brk);
	assert_int_equal(op_of(parent, PROGRAM_BRK, 1)->addr, brk - 8 * page);
	assert_int_equal(op_of(parent, PROGRAM_BRK, 2)->addr, 0);
	assert_int_equal(p->space[child->space].brk, 0); /* it has the parent's */
	assert_int_equal(op_of(child, PROGRAM_BRK, 0)->addr, brk);
	program_free(p);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_break),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
