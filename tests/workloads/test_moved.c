/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A range that went from one thread to another: the recording's order is found, and where a replay
 * comes to it in another one, the mapping stands elsewhere and everybody still finds his own.
 */
#include "replay_test.h"

#define X 0x7f0000000000

/*
 * b maps X, advises twenty times, and unmaps it; a, who slept until then, gets it, touches it, and
 * gives it back in two parts; b gets it again.
 */
static char *handed_over(void)
{
	static char text[1 << 14];
	size_t n = 0;

	n += (size_t)sprintf(text + n,
			     "a 10/10 [000] 1.000000000: syscalls:sys_enter_munmap: addr: "
			     "0x700000000000, len: 0x1000\n"
			     "a 10/10 [000] 1.000001000: syscalls:sys_exit_munmap: 0x0\n"
			     "b 10/11 [001] 1.000002000: syscalls:sys_enter_mmap: addr: 0x0, len: "
			     "0x4000, prot: 0x3, flags: 0x22, fd: 0xffffffff, off: 0x0\n"
			     "b 10/11 [001] 1.000003000: syscalls:sys_exit_mmap: %#llx\n",
			     (unsigned long long)X);
	for (unsigned int i = 0; i < 20; i++)
		n += (size_t)sprintf(
			text + n,
			"b 10/11 [001] 1.0000%02u000: syscalls:sys_enter_madvise: start: "
			"%#llx, len_in: 0x1000, behavior: 0x4\n"
			"b 10/11 [001] 1.0000%02u900: syscalls:sys_exit_madvise: 0x0\n",
			10 + i, (unsigned long long)X, 10 + i);
	/* a's mmap returns before b's munmap does, but after it let go */
	n += (size_t)sprintf(
		text + n,
		"b 10/11 [001] 1.000040000: syscalls:sys_enter_munmap: addr: %#llx, len: 0x4000\n"
		"a 10/10 [000] 1.000042000: syscalls:sys_enter_mmap: addr: 0x0, len: 0x4000, prot: "
		"0x3, "
		"flags: 0x22, fd: 0xffffffff, off: 0x0\n"
		"a 10/10 [000] 1.000042500: syscalls:sys_exit_mmap: %#llx\n"
		"b 10/11 [001] 1.000043000: syscalls:sys_exit_munmap: 0x0\n"
		"a 10/10 [000] 1.000044000: exceptions:page_fault_user: address=%#llx ip=0x1 "
		"error_code=0x6\n"
		"a 10/10 [000] 1.000050000: syscalls:sys_enter_munmap: addr: %#llx, len: 0x2000\n"
		"a 10/10 [000] 1.000051000: syscalls:sys_exit_munmap: 0x0\n"
		"a 10/10 [000] 1.000052000: syscalls:sys_enter_munmap: addr: %#llx, len: 0x2000\n"
		"a 10/10 [000] 1.000053000: syscalls:sys_exit_munmap: 0x0\n",
		(unsigned long long)X, (unsigned long long)X, (unsigned long long)X + 0x1000,
		(unsigned long long)X, (unsigned long long)X + 0x2000);
	sprintf(text + n,
		"b 10/11 [001] 1.000060000: syscalls:sys_enter_mmap: addr: 0x0, len: 0x4000, prot: "
		"0x3, "
		"flags: 0x22, fd: 0xffffffff, off: 0x0\n"
		"b 10/11 [001] 1.000061000: syscalls:sys_exit_mmap: %#llx\n"
		"b 10/11 [001] 1.000062000: syscalls:sys_enter_munmap: addr: %#llx, len: 0x4000\n"
		"b 10/11 [001] 1.000063000: syscalls:sys_exit_munmap: 0x0\n",
		(unsigned long long)X, (unsigned long long)X);
	return text;
}

/* Would break: an order that only the ends of calls tell, or that is counted from the wrong end. */
static void test_order_is_found(void **state)
{
	struct err err = { "" };
	struct program *p = program_load(write_text("handed", handed_over()), &err);
	const struct program_op *op;

	(void)state;
	assert_non_null(p);
	assert_int_equal(p->n_tasks, 2);
	op = &p->task[0].op[1]; /* of a: after its first munmap */
	assert_int_equal(op->kind, PROGRAM_MMAP);
	assert_int_equal(op->other, 1);
	assert_int_equal(op->after, 1);
	op = &p->task[1].op[0]; /* nobody had it before */
	assert_int_equal(op->kind, PROGRAM_MMAP);
	assert_int_equal(op->after, 0);
	op = &p->task[1].op[22];
	assert_int_equal(op->kind, PROGRAM_MMAP);
	assert_int_equal(op->other, 0);
	assert_int_equal(op->after, 3);
	program_free(p);
}

static void run_slow(struct result *r, unsigned int factor)
{
	placement = PLACEMENT_FREE;
	*r = replay(write_text("handed", handed_over()), 0, 0, factor, 1);
	run(r);
	assert_int_equal(r->w->r[0].inferred_late, 0);
	assert_int_equal(r->w->r[0].segvs, 0);
	assert_int_equal(r->w->r[0].n_moved, 0); /* all was given back */
}

static void test_in_order(void **state)
{
	struct result r;

	(void)state;
	run_slow(&r, 1);
	assert_int_equal(find(&r, "a", "mmap", 0)->addr, X);
	assert_int_equal(find(&r, "a", "munmap", 1)->addr, X);
	drop(&r);
}

/* Calls take ten times as long: b, who makes many, is late. */
static void test_elsewhere(void **state)
{
	struct result r;
	uint64_t to;

	(void)state;
	run_slow(&r, 10);
	assert_true(find(&r, "a", "mmap", 0)->time < find(&r, "b", "munmap", 0)->time);
	assert_int_equal(find(&r, "a", "mmap", 0)->addr, 0);
	to = find(&r, "a", "munmap", 1)->addr;
	assert_int_not_equal(to, X);
	assert_int_equal(find(&r, "a", "access", 0)->addr, to + 0x1000);
	assert_int_equal(find(&r, "a", "munmap", 2)->addr, to + 0x2000);
	assert_int_equal(find(&r, "b", "madvise", 19)->addr, X);
	assert_int_equal(find(&r, "b", "munmap", 0)->addr, X);
	assert_int_equal(find(&r, "b", "mmap", 1)->addr, X);
	drop(&r);
}

/* b has X; a gets it, and gives it back; then c does. In a replay in which b is late, both come
 * while it is still b's. */
static char *handed_on(void)
{
	static char text[1 << 14];
	size_t n = 0;

	for (unsigned int i = 0; i < 2; i++) /* all three are there from the start */
		n += (size_t)sprintf(
			text + n,
			"%c 10/%u [00%u] 1.00000%u000: syscalls:sys_enter_munmap: "
			"addr: 0x700000000000, len: 0x1000\n"
			"%c 10/%u [00%u] 1.00000%u500: syscalls:sys_exit_munmap: 0x0\n",
			i ? 'c' : 'a', i ? 12 : 10, i ? 2 : 0, i, i ? 'c' : 'a', i ? 12 : 10,
			i ? 2 : 0, i);
	n += (size_t)sprintf(text + n,
			     "b 10/11 [001] 1.000002000: syscalls:sys_enter_mmap: addr: 0x0, len: "
			     "0x4000, prot: 0x3, flags: 0x22, fd: 0xffffffff, off: 0x0\n"
			     "b 10/11 [001] 1.000003000: syscalls:sys_exit_mmap: %#llx\n",
			     (unsigned long long)X);
	for (unsigned int i = 0; i < 20; i++)
		n += (size_t)sprintf(
			text + n,
			"b 10/11 [001] 1.0000%02u000: syscalls:sys_enter_madvise: start: "
			"%#llx, len_in: 0x1000, behavior: 0x4\n"
			"b 10/11 [001] 1.0000%02u900: syscalls:sys_exit_madvise: 0x0\n",
			10 + i, (unsigned long long)X, 10 + i);
	n += (size_t)sprintf(
		text + n,
		"b 10/11 [001] 1.000040000: syscalls:sys_enter_munmap: addr: %#llx, len: 0x4000\n"
		"b 10/11 [001] 1.000041000: syscalls:sys_exit_munmap: 0x0\n",
		(unsigned long long)X);
	for (unsigned int i = 0; i < 2; i++)
		n += (size_t)sprintf(
			text + n,
			"%c 10/%u [00%u] 1.0000%u2000: syscalls:sys_enter_mmap: addr: 0x0, len: "
			"0x4000, prot: 0x3, flags: 0x22, fd: 0xffffffff, off: 0x0\n"
			"%c 10/%u [00%u] 1.0000%u3000: syscalls:sys_exit_mmap: %#llx\n"
			"%c 10/%u [00%u] 1.0000%u4000: exceptions:page_fault_user: "
			"address=%#llx ip=0x1 error_code=0x6\n"
			"%c 10/%u [00%u] 1.0000%u6000: syscalls:sys_enter_munmap: addr: %#llx, "
			"len: 0x4000\n"
			"%c 10/%u [00%u] 1.0000%u7000: syscalls:sys_exit_munmap: 0x0\n",
			i ? 'c' : 'a', i ? 12 : 10, i ? 2 : 0, 5 + i, i ? 'c' : 'a', i ? 12 : 10,
			i ? 2 : 0, 5 + i, (unsigned long long)X, i ? 'c' : 'a', i ? 12 : 10,
			i ? 2 : 0, 5 + i, (unsigned long long)X + 0x1000, i ? 'c' : 'a',
			i ? 12 : 10, i ? 2 : 0, 5 + i, (unsigned long long)X, i ? 'c' : 'a',
			i ? 12 : 10, i ? 2 : 0, 5 + i);
	return text;
}

/* Would break: a mapping on top of one that its owner still has, because its last owner has not. */
static void test_chain(void **state)
{
	struct result r;

	(void)state;
	placement = PLACEMENT_FREE;
	r = replay(write_text("chain", handed_on()), 0, 0, 10, 1);
	run(&r);
	assert_int_equal(r.w->r[0].inferred_late, 0);
	assert_int_equal(r.w->r[0].segvs, 0);
	assert_int_equal(r.w->r[0].n_moved, 0);
	assert_true(find(&r, "c", "mmap", 0)->time < find(&r, "b", "munmap", 0)->time);
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(find(&r, "b", "madvise", i)->addr, X);
	assert_int_equal(find(&r, "b", "munmap", 0)->addr, X);
	assert_int_not_equal(find(&r, "a", "munmap", 1)->addr, X);
	assert_int_not_equal(find(&r, "c", "munmap", 1)->addr, X);
	assert_int_equal(find(&r, "c", "access", 0)->addr,
			 find(&r, "c", "munmap", 1)->addr + 0x1000);
	drop(&r);
}

/* As a runtime commits memory that it has reserved: MAP_FIXED over the same pages, in a mapping
 * that stands elsewhere. Would break: each of them is remembered, and looked through by all. */
static void test_mapped_over(void **state)
{
	struct program_task program = { .pid = 10 };
	struct program_op op = { .kind = PROGRAM_MMAP, .other = 1, .after = 1 };
	struct replay r = { 0 };
	struct replay_task t[2] = { { .r = &r, .program = &program },
				    { .r = &r, .program = &program, .index = 1 } };

	(void)state;
	r.task = t;
	replay_note_moved(t, &op, X, 0x4000, X + 0x100000);
	op.after = 0;
	for (unsigned int i = 0; i < 40; i++)
		replay_note_moved(t, &op, X + 0x1000, 0x1000, X + 0x101000);
	assert_int_equal(r.n_moved, 2);
	assert_int_equal(replay_moved_addr(t, X), X + 0x100000);
	assert_int_equal(replay_moved_addr(t, X + 0x1008), X + 0x101008);
	/* what the other one had is its own until it lets go */
	assert_int_equal(replay_moved_addr(t + 1, X), X);
	replay_note_moved(t, &op, X, 0x4000, X + 0x100000);
	assert_int_equal(r.n_moved, 1);
	free(r.moved);
}

/* A process number that is used again. */
static void test_number_again(void **state)
{
	struct program_task parent = { .pid = 10 }, child = { .pid = 20 };
	struct program_op op = { .kind = PROGRAM_MMAP };
	struct replay r = { 0 };
	struct replay_task p = { .r = &r, .program = &parent };
	struct replay_task c = { .r = &r, .program = &child, .index = 1 };

	(void)state;
	replay_note_moved(&p, &op, X, 0x1000, X + 0x100000);
	replay_moved_fork(&r, 10, 20);
	assert_int_equal(replay_moved_addr(&c, X), X + 0x100000);
	replay_released(&p, X, 0x1000);
	replay_moved_fork(&r, 10, 20);
	assert_int_equal(replay_moved_addr(&c, X), X);
	assert_int_equal(r.n_moved, 0);
	free(r.moved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_is_found), cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_elsewhere),      cmocka_unit_test(test_chain),
		cmocka_unit_test(test_mapped_over),    cmocka_unit_test(test_number_again),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
