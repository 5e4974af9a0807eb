/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tasks without memory operations in the program of a recording: their times on the CPU, which of
 * them are kernel threads and which stay on one CPU. How they are replayed is test_replay.c's.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tape.h"

static void run_of(struct tape *t, uint64_t in, uint64_t out, const char *comm, int tid, int cpu,
		   char state)
{
	char what[256];

	snprintf(what, sizeof(what),
		 "sched:sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=1 prev_state=R ==> "
		 "next_comm=%s next_pid=%d next_prio=1",
		 comm, tid);
	event(t, in, 0, 0, cpu, what);
	snprintf(what, sizeof(what),
		 "sched:sched_switch: prev_comm=%s prev_pid=%d prev_prio=1 prev_state=%c ==> "
		 "next_comm=swapper/0 next_pid=0 next_prio=1",
		 comm, tid, state);
	t->n += (size_t)snprintf(t->text + t->n, sizeof(t->text) - t->n,
				 "%16s %5d/%-5d [%03d] %5d.%09llu: %s\n", comm, tid, tid, cpu, 1,
				 (unsigned long long)out, what);
}

static const struct program_task *background_of(const struct program *p, int tid)
{
	for (size_t i = 0; i < p->n_background; i++)
		if (p->background[i].tid == tid)
			return &p->background[i];
	fail_msg("no background task %d", tid);
	return NULL;
}

static void check_op(const struct program_task *t, size_t i, int kind, uint64_t think_ns,
		     uint64_t len_ns)
{
	assert_true(i < t->n_ops);
	assert_int_equal(t->op[i].kind, kind);
	assert_int_equal(t->op[i].think, think_ns * SIM_NS);
	assert_int_equal(t->op[i].len, len_ns * SIM_NS);
}

/* Who does no memory operations keeps its times on the CPU; the others stay as they are. */
static void test_background(void **state)
{
	struct tape *t = calloc(1, sizeof(*t)), *alone = calloc(1, sizeof(*alone));
	const struct program_task *task;
	struct program *p, *q;

	(void)state;
	calibration(alone); /* from 100 on; an event costs 700 */
	munmap_call(alone, 100000, 110000, 10, 10, 0);
	munmap_call(alone, 400000, 410000, 10, 10, 0);
	*t = *alone;
	/* woken at 120,000; 10,000 on the CPU with a handler of 2,000 and its end's event;
	 * preempted for 5,000; 6,000 more; sleeps 20,000; 8,000 */
	event(t, 120000, 10, 10, 0,
	      "sched:sched_waking: comm=migration/1 pid=21 prio=0 target_cpu=001");
	run_of(t, 123000, 133000, "migration/1", 21, 1, 'R');
	event(t, 125000, 21, 21, 1, "irq_vectors:call_function_single_entry: vector=251");
	event(t, 127000, 21, 21, 1, "irq_vectors:call_function_single_exit: vector=251");
	run_of(t, 138000, 144000, "migration/1", 21, 1, 'S');
	run_of(t, 164000, 172000, "migration/1", 21, 1, 'S');
	run_of(t, 200000, 204000, "kworker/u8:2", 35, 1, 'I'); /* not of CPU 8 */
	run_of(t, 210000, 214000, "kworker/0:1", 36, 0, 'I');
	run_of(t, 220000, 224000, "kworker/0:1", 36, 1, 'I'); /* was moved: not bound */
	/* its own way out, whose switch was not recorded: it is no process for that */
	event(t, 200500, 35, 35, 1, "tlb:tlb_flush: pages:0 reason:flush on task switch (0)");
	run_of(t, 230000, 236000, "sshd", 60, 1, 'S');
	event(t, 230500, 0, 0, 1, "tlb:tlb_flush: pages:0 reason:flush on task switch (0)");
	run_of(t, 240000, 246000, "gone", 61, 1, 'X');
	sort(t);
	p = build(t);
	q = build(alone);
	assert_int_equal(p->n_background, 6); /* and 90, which ran all the time */
	assert_int_equal(p->tracer_ps, 700 * SIM_NS);
	task = background_of(p, 21);
	assert_true(task->kthread && task->bound && task->initial_cpu == 1);
	assert_int_equal(task->n_ops, 3);
	check_op(task, 0, PROGRAM_SLEEP, 0, 119900);
	/* each run less the event of its switch in */
	check_op(task, 1, PROGRAM_SLEEP, 10000 - 2000 - 700 - 700 + 6000 - 700, 20000);
	check_op(task, 2, PROGRAM_WAIT, 8000 - 700, 0);
	task = background_of(p, 35);
	assert_true(task->kthread && !task->bound && task->initial_cpu == 1);
	task = background_of(p, 36);
	assert_true(task->kthread && !task->bound);
	task = background_of(p, 60); /* switching to it loaded an mm */
	assert_false(task->kthread);
	task = background_of(p, 61);
	assert_int_equal(task->op[task->n_ops - 1].kind, PROGRAM_EXIT);
	/* the program itself: but for the event of the wake-up */
	assert_int_equal(p->n_tasks, q->n_tasks);
	assert_int_equal(p->n_ops, q->n_ops);
	for (size_t i = 0; i < p->task[0].n_ops; i++) {
		assert_int_equal(p->task[0].op[i].kind, q->task[0].op[i].kind);
		assert_int_equal(p->task[0].op[i].len, q->task[0].op[i].len);
	}
	program_free(p);
	program_free(q);
	free(t);
	free(alone);
}

/*
 * A thread loads an mm twice with nothing to tell why, in its own work and in a call: a process
 * that nobody sees had its CPU, until its next event, or for 100,000 ns of the 250,000 that follow
 * the second. A load in a handler is an idle or lazy CPU's.
 */
static void test_unseen(void **state)
{
	static const char load[] = "tlb:tlb_flush: pages:-1 reason:flush on task switch (0)";
	struct tape *t = calloc(1, sizeof(*t));
	const struct program_task *task, *other;
	struct program *p;

	(void)state;
	calibration(t);
	munmap_call(t, 100000, 110000, 10, 10, 0);
	event(t, 120000, 10, 10, 0, load);
	munmap_call(t, 160000, 190000, 10, 10, 0);
	event(t, 170000, 10, 10, 0, load); /* within the call */
	munmap_call(t, 200000, 210000, 10, 10, 0);
	event(t, 220000, 10, 10, 0, load);
	munmap_call(t, 470000, 480000, 10, 10, 0);
	event(t, 481000, 10, 10, 0, "irq_vectors:call_function_single_entry: vector=251");
	event(t, 482000, 10, 10, 0, load);
	event(t, 483000, 10, 10, 0, "irq_vectors:call_function_single_exit: vector=251");
	munmap_call(t, 500000, 510000, 10, 10, 0);
	sort(t);
	p = build(t);
	other = background_of(p, -1);
	assert_true(other->unseen && !other->kthread);
	assert_int_equal(other->n_ops, 4);
	check_op(other, 0, PROGRAM_SLEEP, 0, 119900);
	assert_int_equal(other->op[1].len, 10000 * SIM_NS); /* from 160,000 to 170,000 */
	assert_int_equal(other->op[2].len, 30000 * SIM_NS); /* from 190,000, the call's end */
	task = task_of(p, 10);
	assert_int_equal(task->op[1].think, (50000 - 40000 - 700) * SIM_NS);
	assert_int_equal(task->op[3].think, (260000 - 100000 - 700) * SIM_NS);
	program_free(p);
	free(t);
}

/*
 * A CPU that does not tell when its idle task leaves it: most runs of a thread there begin without
 * a switch. The clocks do not disagree for that, and what went on besides is known.
 */
static void test_silent_idle(void **state)
{
	static const char sleeps[] =
		"sched:sched_switch: prev_comm=prog prev_pid=10 prev_prio=1 prev_state=D ==> "
		"next_comm=swapper/1 next_pid=0 next_prio=1";
	struct tape *t = calloc(1, sizeof(*t));
	struct program *p;

	(void)state;
	calibration(t);
	munmap_call(t, 100000, 110000, 10, 10, 1);
	event(t, 120000, 10, 10, 1, "syscalls:sys_enter_munmap: addr: 0x700000000000, len: 0x1000");
	for (uint64_t i = 0; i < 20; i++) /* woken, it finds a lock taken again */
		event(t, 130000 + 30000 * i, 10, 10, 1, sleeps);
	run_of(t, 140000, 144000, "kworker/0:1", 36, 0, 'I');
	run_of(t, 240000, 244000, "kworker/0:1", 36, 0, 'I');
	event(t, 800000, 10, 10, 1, "syscalls:sys_exit_munmap: 0x0");
	sort(t);
	p = build(t);
	assert_int_equal(background_of(p, 36)->n_ops, 3);
	program_free(p);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_background),
		cmocka_unit_test(test_unseen),
		cmocka_unit_test(test_silent_idle),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
