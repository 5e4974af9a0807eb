/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where tasks of a replay run: what a recording says of CPUs is found, and a replay follows it,
 * or does not if it is free.
 */
#include "replay_test.h"

/*
 * a sleeps on CPU 0, is woken on CPU 1, which was idle, and comes back there; is preempted and goes
 * on on CPU 0; sleeps again, and b wakes it on CPU 1. k is a kernel thread with a run on each CPU.
 */
static const char wanders[] =
	"a 10/10 [000] 1.000000000: syscalls:sys_enter_munmap: addr: 0x700000000000, len: 0x1000\n"
	"b 11/11 [001] 1.000000500: syscalls:sys_enter_munmap: addr: 0x710000000000, len: 0x1000\n"
	"a 10/10 [000] 1.000001000: syscalls:sys_exit_munmap: 0x0\n"
	"b 11/11 [001] 1.000001500: syscalls:sys_exit_munmap: 0x0\n"
	"a 10/10 [000] 1.000003000: sched:sched_switch: prev_comm=a prev_pid=10 prev_prio=1 "
	"prev_state=S ==> next_comm=k next_pid=9 next_prio=1\n"
	"b 11/11 [001] 1.000004000: sched:sched_switch: prev_comm=b prev_pid=11 prev_prio=1 "
	"prev_state=S ==> next_comm=swapper/1 next_pid=0 next_prio=1\n"
	"k 9/9 [000] 1.000005000: sched:sched_switch: prev_comm=k prev_pid=9 prev_prio=1 "
	"prev_state=S ==> next_comm=swapper/0 next_pid=0 next_prio=1\n"
	"swapper 0/0 [001] 1.000021000: sched:sched_waking: comm=a pid=10 prio=1 target_cpu=000\n"
	"swapper 0/0 [001] 1.000022000: sched:sched_switch: prev_comm=swapper/1 prev_pid=0 "
	"prev_prio=1 prev_state=R ==> next_comm=a next_pid=10 next_prio=1\n"
	"a 10/10 [001] 1.000024000: sched:sched_switch: prev_comm=a prev_pid=10 prev_prio=1 "
	"prev_state=R ==> next_comm=b next_pid=11 next_prio=1\n"
	"swapper 0/0 [000] 1.000025000: sched:sched_switch: prev_comm=swapper/0 prev_pid=0 "
	"prev_prio=1 prev_state=R ==> next_comm=a next_pid=10 next_prio=1\n"
	"a 10/10 [000] 1.000028000: syscalls:sys_enter_madvise: start: 0x720000000000, len_in: "
	"0x1000, behavior: 0x4\n"
	"a 10/10 [000] 1.000031000: syscalls:sys_exit_madvise: 0x0\n"
	"a 10/10 [000] 1.000033000: sched:sched_switch: prev_comm=a prev_pid=10 prev_prio=1 "
	"prev_state=S ==> next_comm=swapper/0 next_pid=0 next_prio=1\n"
	"b 11/11 [001] 1.000041000: sched:sched_waking: comm=a pid=10 prio=1 target_cpu=000\n"
	"b 11/11 [001] 1.000042000: sched:sched_switch: prev_comm=b prev_pid=11 prev_prio=1 "
	"prev_state=S ==> next_comm=a next_pid=10 next_prio=1\n"
	"a 10/10 [001] 1.000044000: syscalls:sys_enter_munmap: addr: 0x730000000000, len: 0x1000\n"
	"a 10/10 [001] 1.000046000: syscalls:sys_exit_munmap: 0x0\n"
	"a 10/10 [001] 1.000050000: sched:sched_process_exit: comm=a pid=10 prio=1\n"
	"a 10/10 [001] 1.000060000: sched:sched_waking: comm=b pid=11 prio=1 target_cpu=001\n"
	"a 10/10 [001] 1.000062000: sched:sched_switch: prev_comm=a prev_pid=10 prev_prio=1 "
	"prev_state=Z ==> next_comm=b next_pid=11 next_prio=1\n"
	"b 11/11 [001] 1.000070000: syscalls:sys_enter_munmap: addr: 0x740000000000, len: 0x1000\n"
	"b 11/11 [001] 1.000072000: syscalls:sys_exit_munmap: 0x0\n";

static void check(const struct program_op *op, int kind, int cpu, uint32_t other)
{
	assert_int_equal(op->kind, kind);
	assert_int_equal(op->cpu, cpu);
	assert_int_equal(op->other, other);
}

/* Would break: a wake-up's CPU taken for the sleeper's, a move that is lost or ends own work late.
 */
static void test_found(void **state)
{
	struct err err = { "" };
	struct program *p = program_load(write_text("wanders", wanders), &err);
	const struct program_op *op;

	(void)state;
	assert_non_null(p);
	assert_int_equal(p->cpus, 2);
	assert_int_equal(p->n_tasks, 2);
	op = p->task[0].op;
	assert_int_equal(p->task[0].n_ops, 8);
	check(&op[0], PROGRAM_MUNMAP, 0, 0);
	check(&op[1], PROGRAM_SLEEP, 0, 1); /* an interrupt on CPU 1 */
	assert_int_equal(op[1].len, 18 * SIM_US);
	check(&op[2], PROGRAM_MOVE, 1, 0);
	assert_int_equal(op[2].think, 2 * SIM_US);
	check(&op[3], PROGRAM_MADVISE, 0, 0);
	assert_int_equal(op[3].think, 3 * SIM_US);
	check(&op[4], PROGRAM_WAIT, 0, 1);
	check(&op[5], PROGRAM_MUNMAP, 1, 0);
	check(&op[6], PROGRAM_EXIT, 1, 0);
	check(&op[7], PROGRAM_WAKE, 1, 1); /* after the mm is gone */
	program_free(p);
}

static int cpu_of_call(const struct result *r, const char *comm, const char *what, unsigned int nth)
{
	return find(r, comm, what, nth)->cpu;
}

static void test_followed(void **state)
{
	struct result r;

	(void)state;
	placement = PLACEMENT_AUTO; /* the machine has as many CPUs */
	r = replay(write_text("wanders", wanders), 0, 0, 1, 1);
	run(&r);
	assert_true(r.w->r[0].placed);
	assert_int_equal(cpu_of_call(&r, "a", "munmap", 0), 0);
	assert_int_equal(find(&r, "a", "interrupt", 0)->addr, 1);
	assert_int_equal(cpu_of_call(&r, "a", "move", 0), 1);
	assert_int_equal(cpu_of_call(&r, "a", "madvise", 0), 0);
	assert_int_equal(cpu_of_call(&r, "a", "munmap", 1), 1);
	assert_int_equal(count_calls(&r, "move"), 1); /* sleepers come back there by themselves */
	assert_true(find(&r, "a", "exit", 0)->time < find(&r, "a", "wake", 0)->time);
	drop(&r);
}

static void test_unplaced(void **state)
{
	struct result r;

	(void)state;
	placement = PLACEMENT_FREE;
	r = replay(write_text("wanders", wanders), 0, 0, 1, 1);
	placement = PLACEMENT_AUTO;
	run(&r);
	assert_int_equal(count_calls(&r, "interrupt") + count_calls(&r, "move"), 0);
	for (size_t i = 0; i < r.k.n_calls; i++)
		assert_int_equal(r.k.call[i].cpu, -1);
	drop(&r);
	r = replay(write_text("wanders", wanders), 4, 0, 1, 1); /* copies: nobody knows where */
	assert_false(r.w->r[0].placed);
	run(&r);
	drop(&r);
}

static void test_impossible(void **state)
{
	const struct sim_options opt = { .seed = 1, .platform = { .hosts = 2 } };
	const struct replay_params params = { .placement = PLACEMENT_RECORDED,
					      .processes = 1,
					      .speed = 1 };
	const char *file = write_text("wanders", wanders);
	struct err err = { 0 };
	struct kernel k = { .cpus = 1, .factor = 1, .sim = sim_create(&opt, &err) };

	(void)state;
	assert_null(replay_start(&replay_type, &k, &params, file, 0, 0, &err));
	assert_non_null(strstr(err.msg, "needs the 2 CPUs"));
	k.cpus = 2;
	assert_null(replay_start(&replay_type, &k, &params, file, 9, 0, &err));
	assert_non_null(strstr(err.msg, "more threads"));
	free_kernel(&k);
}

/* ---- who went before its waker ---- */

/* a wakes b on its own CPU and is preempted by it; then c, who waits for a's sleep; then d
 * elsewhere, by an interrupt to a busy CPU. */
static const char woken_first[] =
	"a 10/10 [000] 1.000000000: syscalls:sys_enter_munmap: addr: 0x700000000000, len: 0x1000\n"
	"a 10/10 [000] 1.000001000: syscalls:sys_exit_munmap: 0x0\n"
	"a 10/10 [000] 1.000010000: sched:sched_waking: comm=b pid=11 prio=1 target_cpu=000\n"
	"a 10/10 [000] 1.000014000: sched:sched_switch: prev_comm=a prev_pid=10 prev_prio=1 "
	"prev_state=R ==> next_comm=b next_pid=11 next_prio=1\n"
	"b 11/11 [000] 1.000015000: syscalls:sys_enter_munmap: addr: 0x710000000000, len: 0x1000\n"
	"b 11/11 [000] 1.000016000: syscalls:sys_exit_munmap: 0x0\n"
	"b 11/11 [000] 1.000020000: sched:sched_switch: prev_comm=b prev_pid=11 prev_prio=1 "
	"prev_state=S ==> next_comm=a next_pid=10 next_prio=1\n"
	"a 10/10 [000] 1.000030000: sched:sched_waking: comm=c pid=12 prio=1 target_cpu=000\n"
	"a 10/10 [000] 1.000035000: syscalls:sys_enter_munmap: addr: 0x720000000000, len: 0x1000\n"
	"a 10/10 [000] 1.000036000: syscalls:sys_exit_munmap: 0x0\n"
	"a 10/10 [000] 1.000040000: sched:sched_waking: comm=d pid=13 prio=1 target_cpu=001\n"
	"a 10/10 [000] 1.000042000: ipi:ipi_send_cpu: cpu=1 callsite=resched_curr+0x1 "
	"callback=0x0\n"
	"a 10/10 [000] 1.000050000: sched:sched_switch: prev_comm=a prev_pid=10 prev_prio=1 "
	"prev_state=S ==> next_comm=c next_pid=12 next_prio=1\n"
	"d 13/13 [001] 1.000055000: syscalls:sys_enter_munmap: addr: 0x730000000000, len: 0x1000\n"
	"d 13/13 [001] 1.000056000: syscalls:sys_exit_munmap: 0x0\n"
	"c 12/12 [000] 1.000060000: syscalls:sys_enter_munmap: addr: 0x740000000000, len: 0x1000\n"
	"c 12/12 [000] 1.000061000: syscalls:sys_exit_munmap: 0x0\n";

/* Would break: wake-ups that preempted in the recording are left to a scheduler that does not know
 * why, or all are. */
static void test_preempting_wakes(void **state)
{
	struct err err = { "" };
	struct program *p = program_load(write_text("first", woken_first), &err);
	bool expected[] = { true, false, true };
	unsigned int n = 0;

	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < p->task[0].n_ops; i++) {
		const struct program_op *op = &p->task[0].op[i];

		if (op->kind != PROGRAM_WAKE)
			continue;
		assert_true(n < 3);
		assert_int_equal(!!(op->flags & PROGRAM_PREEMPTS), expected[n++]);
	}
	assert_int_equal(n, 3);
	program_free(p);
	for (int placed = 0; placed < 2; placed++) {
		struct result r;
		unsigned int firsts = 0;

		placement = placed ? PLACEMENT_AUTO : PLACEMENT_FREE;
		r = replay(write_text("first", woken_first), 0, 0, 1, 1);
		run(&r);
		for (size_t i = 0; i < r.k.n_tasks; i++)
			firsts += r.k.task[i]->firsts;
		assert_int_equal(firsts, placed ? 2 : 0);
		drop(&r);
	}
	placement = PLACEMENT_AUTO;
}

/* ---- idle tasks that the recorder did not see ---- */

static size_t add_idle_runs(char *text, size_t n, int cpu, int runs, bool seen)
{
	for (int i = 0; i < runs; i++) {
		n += (size_t)sprintf(
			text + n,
			"a 10/10 [%03d] 2.0000%02d000: sched:sched_switch: prev_comm=a "
			"prev_pid=10 prev_prio=1 prev_state=S ==> next_comm=swapper/%d "
			"next_pid=0 next_prio=1\n",
			cpu, 2 * i, cpu);
		if (!seen)
			continue;
		n += (size_t)sprintf(text + n,
				     "swapper 0/0 [%03d] 2.0000%02d000: sched:sched_switch: "
				     "prev_comm=swapper/%d prev_pid=0 prev_prio=1 prev_state=R ==> "
				     "next_comm=a next_pid=10 next_prio=1\n",
				     cpu, 2 * i + 1, cpu);
	}
	return n;
}

/* Would break: counts that a recorder could not make are held against the replay's. */
static void test_unseen_idle(void **state)
{
	static char text[1 << 14];
	struct err err = { "" };
	struct program *p;
	size_t n = (size_t)sprintf(text, "%s", wanders);

	(void)state;
	n = add_idle_runs(text, n, 2, 12, false);
	n = add_idle_runs(text, n, 3, 12, true);
	add_idle_runs(text, n, 4, 3, false); /* too few to tell */
	p = program_load(write_text("unseen", text), &err);
	assert_non_null(p);
	assert_int_equal(p->cpus, 5);
	for (unsigned int cpu = 0; cpu < p->cpus; cpu++)
		assert_int_equal(p->idle_unseen[cpu], cpu == 2);
	program_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_unseen_idle),
		cmocka_unit_test(test_preempting_wakes),
		cmocka_unit_test(test_followed),
		cmocka_unit_test(test_unplaced),
		cmocka_unit_test(test_impossible),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
