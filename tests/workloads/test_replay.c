/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The replay on a kernel of fixed costs (fake_kernel.c): own work keeps its length whatever calls
 * cost, wake-ups are waited for, copies of threads work on addresses of their own, and a replay
 * that is cut short ends.
 */
#include "replay_test.h"

static double gauge_of(const struct result *r, const char *name, const char *label)
{
	const struct metric *m = metric_find(sim_metrics(r->k.sim), name, label);

	assert_non_null(m);
	return m->gauge;
}

/* Two threads of a process: a waits for b, which is woken by nobody; times without a recorder. */
static const char two_threads[] =
	"a 10/10 [000] 1.000000000: syscalls:sys_enter_munmap: addr: 0x700000000000, len: 0x1000\n"
	"b 10/11 [001] 1.000000000: syscalls:sys_enter_munmap: addr: 0x710000000000, len: 0x1000\n"
	"a 10/10 [000] 1.000001000: syscalls:sys_exit_munmap: 0x0\n"
	"b 10/11 [001] 1.000001000: syscalls:sys_exit_munmap: 0x0\n"
	"a 10/10 [000] 1.000003000: sched:sched_switch: prev_comm=a prev_pid=10 prev_prio=1 "
	"prev_state=S ==> next_comm=swapper/0 next_pid=0 next_prio=1\n"
	"b 10/11 [001] 1.000021000: sched:sched_waking: comm=a pid=10 prio=1 target_cpu=000\n"
	"swapper 0/0 [000] 1.000022000: sched:sched_switch: prev_comm=swapper/0 prev_pid=0 "
	"prev_prio=1 prev_state=R ==> next_comm=a next_pid=10 next_prio=1\n"
	"a 10/10 [000] 1.000029000: syscalls:sys_enter_madvise: start: 0x720000000000, len_in: "
	"0x1000, behavior: 0x4\n"
	"a 10/10 [000] 1.000031000: syscalls:sys_exit_madvise: 0x0\n"
	"b 10/11 [001] 1.000061000: syscalls:sys_enter_munmap: addr: 0x730000000000, len: 0x1000\n"
	"b 10/11 [001] 1.000063000: syscalls:sys_exit_munmap: 0x0\n";

static void test_closed_loop(void **state)
{
	(void)state;
	for (unsigned int factor = 1; factor <= 50; factor += 49) {
		struct result r = replay(write_text("two", two_threads), 0, 0, factor, 1);
		const struct call *b_first, *a_advise, *wake_up, *b_last;

		run(&r);
		b_first = find(&r, "b", "munmap", 0);
		wake_up = find(&r, "b", "wake", 0);
		a_advise = find(&r, "a", "madvise", 0);
		b_last = find(&r, "b", "munmap", 1);
		/* own work between calls is as recorded, calls take what the kernel says */
		assert_int_equal(wake_up->time - b_first->time,
				 2 * SIM_US * factor + 20000 * SIM_NS);
		assert_int_equal(b_last->time - wake_up->time, SIM_US * factor + 40000 * SIM_NS);
		/* a comes 7 us of own work after it was woken, however long that took */
		assert_in_range(a_advise->time, wake_up->time + 7000 * SIM_NS,
				wake_up->time + 7000 * SIM_NS + SIM_US * factor);
		assert_int_equal(gauge_of(&r, "replay.errors", NULL), 0);
		assert_int_equal(gauge_of(&r, "replay.tasks", "recorded"), 2);
		assert_int_equal(metric_find(sim_metrics(r.k.sim), "workload.ops", NULL)->value, 4);
		drop(&r);
	}
}

/* Own work in half the time, calls as before. */
static void test_speed(void **state)
{
	struct result r;

	(void)state;
	speed = 2;
	r = replay(write_text("two", two_threads), 0, 0, 1, 1);
	speed = 1;
	run(&r);
	assert_int_equal(find(&r, "b", "wake", 0)->time - find(&r, "b", "munmap", 0)->time,
			 2 * SIM_US + 10000 * SIM_NS);
	assert_int_equal(find(&r, "b", "munmap", 1)->time - find(&r, "b", "wake", 0)->time,
			 SIM_US + 20000 * SIM_NS);
	drop(&r);
}

/* The whole program three times, woken and mapped each for itself, not at the same moment. */
static void test_processes(void **state)
{
	struct result r;

	(void)state;
	processes = 3;
	r = replay(write_text("two", two_threads), 0, 0, 1, 1);
	processes = 1;
	run(&r);
	assert_int_equal(r.k.n_tasks, 3 * 2);
	assert_int_equal(count_calls(&r, "madvise"), 3);
	assert_int_equal(count_calls(&r, "munmap"), 3 * 3);
	for (unsigned int i = 0; i < 3; i++) {
		const struct call *c = find(&r, "a", "madvise", i);

		for (unsigned int j = 0; j < i; j++) {
			assert_ptr_not_equal(c->task, find(&r, "a", "madvise", j)->task);
			assert_int_not_equal(c->time, find(&r, "a", "madvise", j)->time);
		}
	}
	assert_int_equal(gauge_of(&r, "replay.errors", NULL), 0);
	assert_int_equal(gauge_of(&r, "replay.tasks", "recorded"), 2);
	assert_int_equal(gauge_of(&r, "replay.tasks", "programs"), 3);
	drop(&r);
}

static const char *shipped(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/workloads/recorded/%s.mmt", MMSIM_SOURCE_DIR, name);
	return path;
}

static void test_shipped(void **state)
{
	struct result r = replay(shipped("tlb_flush2-2t"), 0, 0, 1, 1);
	const struct metrics *m;

	(void)state;
	run(&r);
	m = sim_metrics(r.k.sim);
	assert_int_equal(count_calls(&r, "madvise"), 33505);
	assert_int_equal(metric_find(m, "op.latency", "madvise")->hist.count, 33505);
	assert_int_equal(metric_find(m, "op.latency_by_size", "madvise 4K")->hist.count, 33505);
	assert_int_equal(metric_find(m, "workload.recorded_latency", "madvise")->hist.count, 33505);
	assert_int_equal(gauge_of(&r, "workload.recorded_ipis", "shootdown"), 33490);
	assert_int_equal(gauge_of(&r, "workload.recorded_flushes", "remote-ipi-send"), 33610);
	assert_int_equal(gauge_of(&r, "replay.segv", NULL), 0);
	assert_int_equal(gauge_of(&r, "replay.errors", NULL), 0);
	assert_int_equal(gauge_of(&r, "replay.inferred_late", NULL), 0);
	assert_true(r.k.tracing > 700 * SIM_NS);
	/* The recorded kernel lost what its second CPU's idle task did. */
	assert_int_equal(r.k.hidden, 2);
	drop(&r);
}

/* Calls of one simulated task, its start apart. */
static size_t calls_of(const struct result *r, const struct task *t, const char *what)
{
	size_t n = 0;

	for (size_t i = 0; i < r->k.n_calls; i++)
		n += r->k.call[i].task == t && !strcmp(r->k.call[i].what, what);
	return n;
}

/* A thread made after an exec shares the new mm as it is: nothing starts anew, its break least. */
static const char thread_of_new[] =
	"a 10/10 [000] 1.000000000: syscalls:sys_enter_execve: filename: 0x1, argv: 0x1, envp: "
	"0x1\n"
	"a 10/10 [000] 1.000001000: syscalls:sys_exit_execve: 0x0\n"
	"a 10/10 [000] 1.000002000: exceptions:page_fault_user: address=0x7f0000001000 ip=0x1 "
	"error_code=0x4\n"
	"a 10/10 [000] 1.000010000: syscalls:sys_enter_brk: brk: 0x0\n"
	"a 10/10 [000] 1.000011000: syscalls:sys_exit_brk: 0x555500000000\n"
	"a 10/10 [000] 1.000012000: syscalls:sys_enter_brk: brk: 0x555500010000\n"
	"a 10/10 [000] 1.000013000: syscalls:sys_exit_brk: 0x555500010000\n"
	"a 10/10 [000] 1.000020000: syscalls:sys_enter_clone3: uargs: 0x1, size: 0x58\n"
	"a 10/10 [000] 1.000021000: sched:sched_process_fork: comm=a pid=10 child_comm=b "
	"child_pid=11\n"
	"a 10/10 [000] 1.000022000: syscalls:sys_exit_clone3: 0xb\n"
	"b 10/11 [001] 1.000030000: syscalls:sys_exit_clone3: 0x0\n"
	"b 10/11 [001] 1.000032000: syscalls:sys_enter_brk: brk: 0x555500008000\n"
	"b 10/11 [001] 1.000033000: syscalls:sys_exit_brk: 0x555500008000\n";

static void test_thread_of_new_mm(void **state)
{
	struct result r = replay(write_text("thread_of_new", thread_of_new), 0, 0, 1, 1);

	(void)state;
	run(&r);
	assert_int_equal(find(&r, "b", "brk", 0)->addr, 0x555500008000);
	assert_string_equal(find(&r, "a", "infer", 0)->comm, "a");
	assert_int_equal(count_calls(&r, "infer"), 1); /* after the exec, not again by b */
	assert_int_equal(r.w->r[0].errors, 0);
	drop(&r);
}

static void test_more_threads(void **state)
{
	struct result r = replay(shipped("tlb_flush2-2t"), 7, 0, 1, 1);
	struct replay *p = &r.w->r[0];

	(void)state;
	run(&r);
	assert_int_equal(p->n_workers, 2);
	assert_int_equal(p->n_copies, 5);
	assert_int_equal(gauge_of(&r, "replay.segv", NULL), 0);
	assert_int_equal(gauge_of(&r, "replay.errors", NULL), 0);
	for (size_t i = 0; i < p->n_copies; i++) {
		const struct replay_task *copy = &p->task[p->program->n_tasks + i];
		const struct replay_task *original = &p->task[copy->index];

		assert_int_equal(copy->index, p->worker[i % 2].task);
		assert_int_equal(calls_of(&r, copy->task, "madvise"),
				 calls_of(&r, original->task, "madvise"));
		assert_int_equal(calls_of(&r, copy->task, "access"),
				 calls_of(&r, original->task, "access"));
		assert_true(copy->offset < 10 * SIM_US);
	}
	drop(&r);
}

/* What copies map and touch is theirs alone, and lies as before within 2 MiB. */
static void test_copies_apart(void **state)
{
	struct result r = replay(shipped("tlb_flush2-2t"), 7, 0, 1, 1);
	struct replay *p = &r.w->r[0];
	struct spans taken = { 0 };

	(void)state;
	run(&r);
	for (size_t i = 0; i < p->n_tasks; i++) {
		const struct replay_task *t = &p->task[i];
		struct spans own = { 0 };

		if (!t->worker)
			continue;
		for (size_t j = 0; j < r.k.n_calls; j++)
			if (r.k.call[j].task == t->task && !strcmp(r.k.call[j].what, "mmap"))
				spans_add(&own, r.k.call[j].addr,
					  r.k.call[j].addr + r.k.call[j].len);
		assert_true(own.n > 0);
		for (size_t j = 0; j < own.n && t->copy; j++)
			assert_false(spans_meet(&taken, own.v[j].start, own.v[j].end));
		for (size_t j = 0; j < own.n; j++)
			spans_add(&taken, own.v[j].start, own.v[j].end);
		for (size_t j = 0; j < t->program->n_ops && t->copy; j++) {
			const struct program_op *op = &t->program->op[j];
			uint64_t to = replay_relocate(t, op->addr);

			if (op->kind == PROGRAM_MADVISE || op->kind == PROGRAM_MMAP)
				assert_int_not_equal(to, op->addr);
			assert_int_equal(to % (2 << 20), op->addr % (2 << 20));
		}
		free(own.v);
	}
	free(taken.v);
	drop(&r);
}

static void test_fewer_threads(void **state)
{
	struct result r = replay(shipped("tlb_flush2-2t"), 1, 0, 1, 1);
	struct replay *p = &r.w->r[0];

	(void)state;
	run(&r);
	assert_int_equal(p->n_copies, 0);
	assert_non_null(p->task[p->worker[0].task].task);
	assert_null(p->task[p->worker[1].task].task);
	assert_int_equal(count_calls(&r, "madvise"), 16641);
	drop(&r);
}

/* Stops in the middle, whoever waits for whom. */
static void test_duration(void **state)
{
	static const sim_ps at[] = { SIM_PS, 3 * SIM_US, 5 * SIM_MS, 100 * SIM_MS };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct result r = replay(shipped("tlb_flush2-2t"), 5, at[i], 1, 1);

		run(&r);
		assert_true(r.w->r[0].end >= at[i]);
		assert_true(r.w->r[0].end < at[i] + 40 * SIM_US); /* calls under way, wake-ups */
		drop(&r);
	}
}

static void test_seeds(void **state)
{
	struct result a = replay(shipped("mmap1-2t"), 4, 0, 1, 1);
	struct result b = replay(shipped("mmap1-2t"), 4, 0, 1, 1);
	struct result c = replay(shipped("mmap1-2t"), 4, 0, 1, 2);
	bool differs = false;

	(void)state;
	run(&a);
	run(&b);
	run(&c);
	assert_int_equal(a.k.n_calls, b.k.n_calls);
	for (size_t i = 0; i < a.k.n_calls; i++) {
		assert_int_equal(a.k.call[i].time, b.k.call[i].time);
		assert_int_equal(a.k.call[i].addr, b.k.call[i].addr);
		differs |= i < c.k.n_calls && a.k.call[i].time != c.k.call[i].time;
	}
	assert_true(differs);
	drop(&a);
	drop(&b);
	drop(&c);
}

/*
 * two_threads on CPUs 0 and 1; on CPU 2 RCU's thread runs three times for 4, 5 and 6 us after
 * sleeps of 10, 20 and 30 us, and a process with calls once.
 */
static const char with_others[] =
	"a 10/10 [000] 1.000000000: syscalls:sys_enter_munmap: addr: 0x700000000000, len: 0x1000\n"
	"a 10/10 [000] 1.000001000: syscalls:sys_exit_munmap: 0x0\n"
	"swapper 0/0 [002] 1.000010000: sched:sched_switch: prev_comm=swapper/2 prev_pid=0 "
	"prev_prio=1 prev_state=R ==> next_comm=rcu_preempt next_pid=15 next_prio=1\n"
	"rcu_preempt 15/15 [002] 1.000014000: sched:sched_switch: prev_comm=rcu_preempt "
	"prev_pid=15 "
	"prev_prio=1 prev_state=I ==> next_comm=swapper/2 next_pid=0 next_prio=1\n"
	"swapper 0/0 [002] 1.000034000: sched:sched_switch: prev_comm=swapper/2 prev_pid=0 "
	"prev_prio=1 prev_state=R ==> next_comm=rcu_preempt next_pid=15 next_prio=1\n"
	"rcu_preempt 15/15 [002] 1.000039000: sched:sched_switch: prev_comm=rcu_preempt "
	"prev_pid=15 "
	"prev_prio=1 prev_state=I ==> next_comm=swapper/2 next_pid=0 next_prio=1\n"
	"swapper 0/0 [002] 1.000069000: sched:sched_switch: prev_comm=swapper/2 prev_pid=0 "
	"prev_prio=1 prev_state=R ==> next_comm=rcu_preempt next_pid=15 next_prio=1\n"
	"rcu_preempt 15/15 [002] 1.000075000: sched:sched_switch: prev_comm=rcu_preempt "
	"prev_pid=15 "
	"prev_prio=1 prev_state=I ==> next_comm=swapper/2 next_pid=0 next_prio=1\n"
	"swapper 0/0 [002] 1.000080000: sched:sched_switch: prev_comm=swapper/2 prev_pid=0 "
	"prev_prio=1 prev_state=R ==> next_comm=perf next_pid=30 next_prio=1\n"
	"perf 30/30 [002] 1.000083000: sched:sched_switch: prev_comm=perf prev_pid=30 "
	"prev_prio=1 prev_state=S ==> next_comm=swapper/2 next_pid=0 next_prio=1\n"
	"a 10/10 [000] 1.000100000: syscalls:sys_enter_munmap: addr: 0x730000000000, len: 0x1000\n"
	"a 10/10 [000] 1.000101000: syscalls:sys_exit_munmap: 0x0\n";

static size_t calls_by(const struct result *r, const char *comm, const char *what)
{
	size_t n = 0;

	for (size_t i = 0; i < r->k.n_calls; i++)
		n += !strcmp(r->k.call[i].comm, comm) && !strcmp(r->k.call[i].what, what);
	return n;
}

/* Would break: background that shifts the program, outlives it, or runs grace periods twice. */
static void test_background(void **state)
{
	const char *file = write_text("others", with_others);
	sim_ps end = 0;

	(void)state;
	for (uint64_t runs = 0; runs <= 2; runs++) {
		struct result r;
		const struct call *c;

		with_background = true;
		r = replay(file, 0, 0, 1, 1);
		with_background = false;
		r.k.rcu_runs = runs;
		run(&r);
		assert_int_equal(gauge_of(&r, "replay.tasks", "background"), 2);
		assert_int_equal(gauge_of(&r, "replay.tasks", "left_out"), 0);
		/* each run of the kernel's own thread takes the place of one */
		assert_int_equal(calls_by(&r, "rcu_preempt", "compute"), 3 - runs);
		c = find(&r, "rcu_preempt", "compute", 0);
		assert_int_equal(c->time, (runs == 0 ? 10 : runs == 1 ? 34 : 69) * SIM_US);
		assert_int_equal(c->len, (4 + runs) * SIM_US);
		assert_null(c->task->mm);
		c = find(&r, "perf", "compute", 0);
		assert_int_equal(c->time, 80 * SIM_US);
		assert_non_null(c->task->mm);
		assert_int_equal(calls_by(&r, "rcu_preempt", "end"), 0); /* the run did not wait */
		if (!runs)
			end = r.w->r[0].end;
		assert_int_equal(r.w->r[0].end, end);
		drop(&r);
	}
	{
		struct result r = replay(file, 0, 0, 1, 1);

		run(&r);
		assert_int_equal(gauge_of(&r, "replay.tasks", "background"), 0);
		assert_int_equal(gauge_of(&r, "replay.tasks", "left_out"), 2);
		assert_int_equal(calls_by(&r, "rcu_preempt", "compute"), 0);
		assert_int_equal(r.w->r[0].end, end);
		drop(&r);
	}
}

/* Not copied with the workers. */
static void test_background_not_scaled(void **state)
{
	struct result r;

	(void)state;
	with_background = true;
	r = replay(shipped("tlb_flush2-2t"), 7, 0, 1, 1);
	with_background = false;
	run(&r);
	assert_int_equal(gauge_of(&r, "replay.tasks", "background"), 12); /* one of them unseen */
	assert_int_equal(gauge_of(&r, "replay.tasks", "copies"), 5);
	assert_int_equal(r.k.n_tasks, 4 + 5 + 12);
	drop(&r);
}

static void test_bad_files(void **state)
{
	const struct sim_options opt = { .seed = 1, .platform = { .hosts = 2 } };
	const struct replay_params params = { .trace_cost = true };
	struct err err = { 0 };
	struct kernel k = { .cpus = 2, .factor = 1, .sim = sim_create(&opt, &err) };

	(void)state;
	assert_null(replay_start(&replay_type, &k, &params, "/no/such.mmt", 0, 0, &err));
	assert_non_null(strstr(err.msg, "such"));
	assert_null(
		replay_start(&replay_type, &k, &params, write_text("huh", "huh\n"), 0, 0, &err));
	assert_non_null(strstr(err.msg, "huh:1: not perf script or ftrace text"));
	sim_destroy(k.sim);
}

/* Would break: an exec's sleeps, in ps, taken for addresses: its threads could not be copied. */
static void test_exec_names_no_range(void **state)
{
	struct program_op ops[] = {
		{ .kind = PROGRAM_MMAP, .addr = user_start, .len = 4096 },
		{ .kind = PROGRAM_EXEC,
		  .len = 20,
		  .new_addr = 60 * SIM_S, /* slept late */
		  .flags = 1 },
	};
	struct program_task task = { .op = ops, .n_ops = 2 };
	const struct program p = { .task = &task, .n_tasks = 1 };
	struct span gap = largest_gap(&p);

	(void)state;
	assert_int_equal(gap.start, user_start + chunk);
	assert_int_equal(gap.end, user_end);
}

/* Operations of a process count together, wherever its tasks stand; of two that are equal the first
 * is the main one. */
static void test_main_process(void **state)
{
	struct program_task tasks[] = { { .pid = 7, .mm_ops = 5 },
					{ .pid = 3, .mm_ops = 4 },
					{ .pid = 9, .mm_ops = 0 },
					{ .pid = 3, .mm_ops = 4 },
					{ .pid = 7, .mm_ops = 3 } };
	struct program p = { .task = tasks, .n_tasks = 5 };

	(void)state;
	assert_int_equal(main_process(&p), 7);
	tasks[3].mm_ops++;
	assert_int_equal(main_process(&p), 3);
	p.task += 2;
	p.n_tasks = 1;
	assert_int_equal(main_process(&p), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_closed_loop),
		cmocka_unit_test(test_speed),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_more_threads),
		cmocka_unit_test(test_copies_apart),
		cmocka_unit_test(test_fewer_threads),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_background),
		cmocka_unit_test(test_background_not_scaled),
		cmocka_unit_test(test_thread_of_new_mm),
		cmocka_unit_test(test_exec_names_no_range),
		cmocka_unit_test(test_main_process),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
