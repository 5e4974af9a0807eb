/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a run ends on each engine, and what is said about it: limit, stop, daemons, deadlock, death
 * and stack overflow; and that a run ended early leaves nothing behind for the next one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/sim.h"

static const char *engine;
static struct err err;

struct log {
	struct sim *sim;
	struct sim_actor *other;
	unsigned int n;
	sim_ps last;
	bool result;
};

static struct log make(void)
{
	struct sim_options opt = { .engine = engine, .platform = { 4, 2 } };
	struct log l = { 0 };

	err.msg[0] = '\0';
	l.sim = sim_create(&opt, &err);
	assert_string_equal(err.msg, "");
	assert_non_null(l.sim);
	assert_string_equal(sim_engine_name(l.sim), engine);
	return l;
}

static void every_ns(void *arg)
{
	struct log *l = arg;

	for (;;) {
		sim_sleep_until(l->sim, sim_now(l->sim) + SIM_NS);
		l->n++;
		l->last = sim_now(l->sim);
	}
}

static void test_limit_includes_its_picosecond(void **state)
{
	struct log l = make();

	(void)state;
	sim_spawn(l.sim, "ticker", 0, false, every_ns, &l);
	assert_int_equal(sim_run(l.sim, 5 * SIM_NS, &err), SIM_END_LIMIT);
	assert_int_equal(l.n, 5); /* the event at the limit itself has run */
	assert_int_equal(sim_now(l.sim), 5 * SIM_NS);
	sim_destroy(l.sim);

	l = make();
	sim_spawn(l.sim, "ticker", 0, false, every_ns, &l);
	assert_int_equal(sim_run(l.sim, 5 * SIM_NS - 1, &err), SIM_END_LIMIT);
	assert_int_equal(l.n, 4);
	assert_int_equal(l.last, 4 * SIM_NS);
	assert_int_equal(sim_now(l.sim), 5 * SIM_NS - 1);
	sim_destroy(l.sim);
}

static void stop_at_3ns(void *arg)
{
	struct log *l = arg;

	sim_sleep_until(l->sim, 3 * SIM_NS);
	sim_stop(l->sim);
	l->result = true; /* it runs on until it blocks */
	sim_sleep_until(l->sim, 4 * SIM_NS);
	fail();
}

static void test_stop(void **state)
{
	struct log l = make();

	(void)state;
	sim_spawn(l.sim, "stopper", 0, false, stop_at_3ns, &l);
	sim_spawn(l.sim, "ticker", 1, false, every_ns, &l);
	assert_int_equal(sim_run(l.sim, SIM_NEVER, &err), SIM_END_STOPPED);
	assert_true(l.result);
	assert_int_equal(sim_now(l.sim), 3 * SIM_NS);
	assert_int_equal(l.n, 2); /* the ticker of 3 ns came after the stopper's */
	sim_destroy(l.sim);
}

static void sleep_10ns(void *arg)
{
	struct log *l = arg;

	sim_sleep_until(l->sim, 10 * SIM_NS);
}

static void test_daemons_do_not_keep_it_alive(void **state)
{
	struct log l = make();

	(void)state;
	sim_spawn(l.sim, "daemon", 0, true, every_ns, &l);
	sim_spawn(l.sim, "worker", 0, false, sleep_10ns, &l);
	assert_int_equal(sim_run(l.sim, SIM_NEVER, &err), SIM_END_FINISHED);
	assert_int_equal(sim_now(l.sim), 10 * SIM_NS);
	sim_destroy(l.sim);

	l = make();
	sim_spawn(l.sim, "daemon", 0, true, every_ns, &l);
	assert_int_equal(sim_run(l.sim, SIM_NEVER, &err), SIM_END_FINISHED);
	assert_int_equal(l.n, 0);
	sim_destroy(l.sim);
}

static void wait_for_lock(void *arg)
{
	struct log *l = arg;

	sim_sleep_until(l->sim, 2 * SIM_US);
	sim_park(l->sim, "mmap_lock");
}

static void sleep_for_ever(void *arg)
{
	struct log *l = arg;

	sim_sleep_until(l->sim, SIM_NEVER);
}

static void test_deadlock_names_actors_and_waits(void **state)
{
	struct log l = make();

	(void)state;
	sim_spawn(l.sim, "task/1", 0, false, wait_for_lock, &l);
	sim_spawn(l.sim, "task/2", 0, false, sleep_for_ever, &l);
	sim_spawn(l.sim, "idle", 0, true, wait_for_lock, &l);
	assert_int_equal(sim_run(l.sim, SIM_S, &err), SIM_END_DEADLOCK);
	assert_string_equal(err.msg, "deadlock at 2.00 us: nobody can run and 2 actors wait: "
				     "task/1 (mmap_lock), task/2 (sleeps for ever)");
	sim_destroy(l.sim);
}

static void test_long_deadlock_is_cut(void **state)
{
	struct log l = make();
	char name[32];

	(void)state;
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		sim_spawn(l.sim, name, 0, false, wait_for_lock, &l);
	}
	assert_int_equal(sim_run(l.sim, SIM_S, &err), SIM_END_DEADLOCK);
	assert_non_null(strstr(err.msg, "500 actors wait: t0 (mmap_lock), t1 (mmap_lock)"));
	assert_non_null(strstr(err.msg, "t19 (mmap_lock) and 480 more"));
	sim_destroy(l.sim);
}

static void die_inside(void *arg)
{
	struct log *l = arg;

	sim_sleep_until(l->sim, SIM_NS);
	sim_die(l->sim, "page %d\nhas no owner", 42);
}

static void test_die(void **state)
{
	struct log l = make();

	(void)state;
	sim_spawn(l.sim, "task/7", 0, false, die_inside, &l);
	sim_spawn(l.sim, "ticker", 1, false, every_ns, &l);
	assert_int_equal(sim_run(l.sim, SIM_NEVER, &err), SIM_END_DIED);
	assert_string_equal(err.msg, "task/7 died at 1.00 ns: page 42?has no owner");
	err.msg[0] = '\0';
	assert_int_equal(sim_run(l.sim, SIM_NEVER, &err), SIM_END_DIED); /* and stays dead */
	assert_non_null(strstr(err.msg, "task/7 died"));
	sim_destroy(l.sim);
}

/* Deep enough for any stack; the compiler may not turn it into a loop. */
static __attribute__((noinline)) unsigned int dig(volatile unsigned int depth)
{
	volatile char room[512];

	room[depth % 512] = (char)depth;
	if (depth == 0)
		return 0;
	return dig(depth - 1) + (unsigned int)room[depth % 512] + 1;
}

static void overflow(void *arg)
{
	struct log *l = arg;

	sim_sleep_until(l->sim, SIM_NS);
	l->n = dig(1000000);
}

/* The native engine survives it; on SimGrid the process ends with a line. */
static void test_overflow(void **state)
{
	char line[256] = "";
	int fd[2], status = 0;
	struct log l;
	pid_t pid;

	(void)state;
	if (!strcmp(engine, "native")) {
		for (int i = 0; i < 3; i++) { /* the handler must be ready again each time */
			l = make();
			sim_spawn(l.sim, "ticker", 1, true, every_ns, &l);
			sim_spawn(l.sim, "digger", 0, false, overflow, &l);
			assert_int_equal(sim_run(l.sim, SIM_NEVER, &err), SIM_END_DIED);
			assert_string_equal(err.msg, "actor digger overflowed its stack of 64 KiB");
			sim_destroy(l.sim);
		}
		return;
	}
#ifdef MMSIM_ASAN
	skip(); /* the sanitizer runs SimGrid's actors on threads, and their stacks are its own */
#endif
	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fd[1], STDERR_FILENO);
		l = make();
		sim_spawn(l.sim, "digger", 0, false, overflow, &l);
		sim_run(l.sim, SIM_NEVER, &err);
		_exit(0);
	}
	close(fd[1]);
	assert_true(read(fd[0], line, sizeof(line) - 1) > 0);
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 70);
	assert_string_equal(line, "actor digger overflowed its stack of 64 KiB\n");
}

static void park_100ns(void *arg)
{
	struct log *l = arg;

	l->result = sim_park_until(l->sim, 100 * SIM_NS, "a test");
	l->last = sim_now(l->sim);
}

static void wake_at_time_out(void *arg)
{
	struct log *l = arg;

	assert_false(sim_unpark_at(l->sim, sim_self(l->sim), SIM_US)); /* it runs */
	assert_false(sim_unpark_at(l->sim, l->other, 100 * SIM_NS));   /* the time-out wins */
	assert_false(sim_unpark_at(l->sim, l->other, 200 * SIM_NS));
}

static void wake_earlier_and_earlier(void *arg)
{
	struct log *l = arg;

	assert_true(sim_unpark_at(l->sim, l->other, 90 * SIM_NS));
	assert_true(sim_unpark_at(l->sim, l->other, 50 * SIM_NS));
	assert_false(sim_unpark_at(l->sim, l->other, 50 * SIM_NS));
	assert_false(sim_unpark_at(l->sim, l->other, 60 * SIM_NS));
}

static void test_time_out_against_wake_up(void **state)
{
	struct log l = make();

	(void)state;
	l.other = sim_spawn(l.sim, "parker", 0, false, park_100ns, &l);
	sim_spawn(l.sim, "waker", 0, false, wake_at_time_out, &l);
	assert_int_equal(sim_run(l.sim, SIM_NEVER, &err), SIM_END_FINISHED);
	assert_false(l.result);
	assert_int_equal(l.last, 100 * SIM_NS);
	sim_destroy(l.sim);

	l = make();
	l.other = sim_spawn(l.sim, "parker", 0, false, park_100ns, &l);
	sim_spawn(l.sim, "waker", 0, false, wake_earlier_and_earlier, &l);
	assert_int_equal(sim_run(l.sim, SIM_NEVER, &err), SIM_END_FINISHED);
	assert_true(l.result);
	assert_int_equal(l.last, 50 * SIM_NS);
	sim_destroy(l.sim);
}

static void look_back(void *arg)
{
	struct log *l = arg;

	sim_sleep_until(l->sim, SIM_US);
	for (int i = 0; i < 3; i++)
		sim_sleep_until(l->sim, SIM_NS); /* long ago */
	sim_check(l->sim, l->n == 1, "count", "n is %u", l->n);
}

static void test_violations_are_kept_once(void **state)
{
	const struct sim_violation *v;
	struct log l = make();

	(void)state;
	sim_spawn(l.sim, "task/9", 0, false, look_back, &l);
	assert_int_equal(sim_run(l.sim, SIM_NEVER, &err), SIM_END_FINISHED);
	assert_int_equal(sim_now(l.sim), SIM_US);
	assert_int_equal(sim_violations(l.sim, &v), 2);
	assert_string_equal(v[0].kind, "time-in-the-past");
	assert_int_equal(v[0].count, 3);
	assert_int_equal(v[0].time, SIM_US);
	assert_string_equal(v[1].text, "n is 0");
	assert_string_equal(v[1].where, "task/9");
	assert_non_null(strstr(v[1].file, "test_run_end.c"));
	sim_destroy(l.sim);
}

/* Made, never run: SimGrid's actors must be gone before the next run. */
static void test_destroy_without_run(void **state)
{
	struct log l = make();

	(void)state;
	sim_spawn(l.sim, "never", 0, false, every_ns, &l);
	sim_destroy(l.sim);
	assert_int_equal(l.n, 0);
}

static void spawn_and_return(void *arg)
{
	struct log *l = arg;

	if (++l->n < 2000) {
		sim_spawn(l->sim, "child", l->n, false, spawn_and_return, l);
		sim_sleep_until(l->sim, sim_now(l->sim) + l->n % 7);
	}
}

static void test_many_short_lives(void **state)
{
	struct log l = make();

	(void)state;
	sim_spawn(l.sim, "child", 0, false, spawn_and_return, &l);
	assert_int_equal(sim_run(l.sim, SIM_NEVER, &err), SIM_END_FINISHED);
	assert_int_equal(l.n, 2000);
	sim_destroy(l.sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit_includes_its_picosecond),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_daemons_do_not_keep_it_alive),
		cmocka_unit_test(test_deadlock_names_actors_and_waits),
		cmocka_unit_test(test_long_deadlock_is_cut),
		cmocka_unit_test(test_die),
		cmocka_unit_test(test_time_out_against_wake_up),
		cmocka_unit_test(test_violations_are_kept_once),
		cmocka_unit_test(test_destroy_without_run),
		cmocka_unit_test(test_many_short_lives),
		cmocka_unit_test(test_overflow),
	};
	int failed;

	setenv("MMSIM_PLUGIN_DIR", MMSIM_BINARY_DIR, 1);
	engine = "native";
	failed = cmocka_run_group_tests_name("native", tests, NULL, NULL);
	engine = "simgrid";
	return failed + cmocka_run_group_tests_name("simgrid", tests, NULL, NULL);
}
