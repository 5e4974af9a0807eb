/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Faults of the kernel in a process's memory (a read() into a fresh buffer), of which mmap_lock
 * alone tells: where they are taken to have been, and what is not taken for one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tape.h"
#include "models/kernel/ops.h"

enum { HOLD = 1500, APART = 4000 };

static void lock_cycle(struct tape *t, uint64_t ns, unsigned int mm, bool write)
{
	char text[160];

	for (int i = 0; i < 3; i++) {
		static const char *const what[] = { "start_locking", "acquire_returned",
						    "released" };

		snprintf(text, sizeof(text), "mmap_lock:mmap_lock_%s: mm=%#x memcg_id=0 write=%s%s",
			 what[i], mm, write ? "true" : "false", i == 1 ? " success=true" : "");
		event(t, ns + (i ? 700 : 0) + (i == 2 ? HOLD : 0), 10, 10, 0, text);
	}
}

/* A buffer of 64 KiB at 0x7...100000, mapped by a call that ends at 110,000. */
static void buffer(struct tape *t)
{
	calibration(t);
	event(t, 100000, 10, 10, 0,
	      "syscalls:sys_enter_mmap: addr: 0x0, len: 0x10000, prot: 0x3, flags: 0x22, fd: "
	      "0xffffffff, off: 0x0");
	lock_cycle(t, 102000, 0xa0, true);
	event(t, 110000, 10, 10, 0, "syscalls:sys_exit_mmap: 0x700000100000");
}

static void fault(struct tape *t, uint64_t ns, unsigned int page)
{
	char text[96];

	snprintf(text, sizeof(text),
		 "exceptions:page_fault_user: address=0x7000001%02x008 ip=0x1 error_code=0x6",
		 page);
	event(t, ns, 10, 10, 0, text);
}

static void check(const struct program_op *op, unsigned int page, bool by_kernel)
{
	assert_int_equal(op->kind, PROGRAM_ACCESS);
	assert_int_equal(op->access, USER_WRITE);
	assert_int_equal(op->addr & ~4095ull, 0x700000100000ull + 4096 * page);
	assert_int_equal(op->flags, by_kernel ? PROGRAM_BY_KERNEL : 0);
}

/* The first page is the thread's own, with the lock for its anon_vma; the kernel fills the next
 * ones, then the thread goes on, and the kernel behind it. */
static void test_copies(void **state)
{
	struct tape *t = calloc(1, sizeof(*t));
	const struct program_task *task;
	struct program *p;
	uint64_t ns = 120000;

	(void)state;
	buffer(t);
	fault(t, ns, 0);
	lock_cycle(t, ns + 1000, 0xa0, false);
	for (int i = 1; i <= 3; i++)
		lock_cycle(t, ns += APART, 0xa0, false);
	fault(t, ns += APART, 4);
	lock_cycle(t, ns + 1000, 0xa0, false); /* served */
	lock_cycle(t, ns += 2 * APART, 0xa0, false);
	munmap_call(t, 190000, 195000, 10, 10, 0);
	sort(t);
	p = build(t);
	task = task_of(p, 10);
	assert_int_equal(task->n_ops, 1 + 1 + 3 + 1 + 1 + 1);
	check(&task->op[1], 0, false);
	for (unsigned int i = 1; i <= 3; i++)
		check(&task->op[1 + i], i, true);
	check(&task->op[5], 4, false);
	check(&task->op[6], 5, true);
	/* from its release to the next one's start, less the event of the release */
	assert_int_equal(task->op[3].think, (APART - 700 - HOLD - 700) * SIM_NS);
	program_free(p);
	free(t);
}

/* Another process's lock (its memory map is read), a write lock outside of calls, no buffer left.
 */
static void test_no_copies(void **state)
{
	struct tape *t = calloc(1, sizeof(*t));
	struct program *p;
	uint64_t ns = 120000;

	(void)state;
	buffer(t);
	lock_cycle(t, ns += APART, 0xb0, false);
	lock_cycle(t, ns += APART, 0xa0, true);
	event(t, ns += APART, 10, 10, 0,
	      "syscalls:sys_enter_munmap: addr: 0x700000100000, len: 0x10000");
	lock_cycle(t, ns + 1000, 0xa0, true);
	event(t, ns += APART, 10, 10, 0, "syscalls:sys_exit_munmap: 0x0");
	lock_cycle(t, ns += APART, 0xa0, false);
	munmap_call(t, 190000, 195000, 10, 10, 0);
	sort(t);
	p = build(t);
	for (size_t i = 0; i < task_of(p, 10)->n_ops; i++)
		assert_int_not_equal(task_of(p, 10)->op[i].kind, PROGRAM_ACCESS);
	program_free(p);
	free(t);
}

static sim_ps think_of(const struct program_task *t)
{
	sim_ps sum = 0;

	for (size_t i = 0; i < t->n_ops; i++)
		sum += t->op[i].think;
	return sum;
}

/* A fault that waits for a page, is moved, and wakes somebody: one access, the rest is the model's.
 * Would break: the work before it counts once more before each. */
static void test_sleeps_within(void **state)
{
	struct tape *t = calloc(1, sizeof(*t));
	const struct program_task *task;
	struct program *p;
	sim_ps alone = 0;

	(void)state;
	for (int sleeps = 0; sleeps < 2; sleeps++) {
		t->n = 0;
		t->text[0] = '\0';
		buffer(t);
		event(t, 130000, 10, 10, 0,
		      "mmap_lock:mmap_lock_start_locking: mm=0xa0 memcg_id=0 write=false");
		event(t, 130700, 10, 10, 0,
		      "mmap_lock:mmap_lock_acquire_returned: mm=0xa0 memcg_id=0 write=false "
		      "success=true");
		if (sleeps) {
			event(t, 131000, 10, 10, 0,
			      "sched:sched_waking: comm=other pid=77 prio=120 target_cpu=001");
			event(t, 132000, 10, 10, 0,
			      "sched:sched_switch: prev_comm=prog prev_pid=10 prev_prio=120 "
			      "prev_state=D ==> next_comm=swapper/0 next_pid=0 next_prio=120");
			event(t, 150000, 0, 0, 1,
			      "sched:sched_waking: comm=prog pid=10 prio=120 target_cpu=001");
			event(t, 151000, 0, 0, 1,
			      "sched:sched_switch: prev_comm=swapper/1 prev_pid=0 prev_prio=120 "
			      "prev_state=R ==> next_comm=prog next_pid=10 next_prio=120");
		}
		event(t, 160000, 10, 10, sleeps,
		      "mmap_lock:mmap_lock_released: mm=0xa0 memcg_id=0 write=false");
		munmap_call(t, 170000, 175000, 10, 10, sleeps);
		p = build(t);
		task = task_of(p, 10);
		assert_int_equal(task->n_ops, 3);
		check(&task->op[1], 0, true);
		if (!sleeps)
			alone = think_of(task);
		else
			assert_int_equal(think_of(task), alone);
		program_free(p);
	}
	free(t);
}

/* The release of one is lost: the next is a fault again. */
static void test_lost_within(void **state)
{
	struct tape *t = calloc(1, sizeof(*t));
	const struct program_task *task;
	struct program *p;

	(void)state;
	buffer(t);
	event(t, 130000, 10, 10, 0,
	      "mmap_lock:mmap_lock_start_locking: mm=0xa0 memcg_id=0 write=false");
	event(t, 131000, 10, 10, 0, "PERF_RECORD_LOST lost 3");
	lock_cycle(t, 140000, 0xa0, false);
	munmap_call(t, 170000, 175000, 10, 10, 0);
	p = build(t);
	task = task_of(p, 10);
	assert_int_equal(task->n_ops, 4);
	check(&task->op[1], 0, true);
	check(&task->op[2], 1, true);
	program_free(p);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_no_copies),
		cmocka_unit_test(test_sleeps_within),
		cmocka_unit_test(test_lost_within),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
