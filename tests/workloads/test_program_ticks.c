/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When the recorded clock ticked, told by the timers of RCU's thread, and a replay whose background
 * wakes up at ticks whatever it did in between.
 */
#include "replay_test.h"

#include "workloads/program_build.h"

enum { WAKES = 24, US = 1000 };
#define MS UINT64_C(1000000)

/* RCU's thread is woken `late` us or less after each second tick, but for `strays`; it runs for 20
 * us and more. */
static struct result recorded(uint64_t period_us, unsigned int wakes, unsigned int strays,
			      uint64_t late, unsigned int factor)
{
	static char text[1 << 15];
	size_t n = (size_t)sprintf(text,
				   "a 10/10 [001] 1.000000000: syscalls:sys_enter_munmap: addr: "
				   "0x700000000000, len: 0x1000\n"
				   "a 10/10 [001] 1.000001000: syscalls:sys_exit_munmap: 0x0\n");
	uint64_t ns = 0;
	struct result r;

	for (unsigned int i = 0; i < wakes; i++) {
		ns = 1234 * US + 2 * i * period_us * US +
		     (late ? i * UINT64_C(1234567) % (late * US) : 0) +
		     (i < strays ? 1700 * US : 0);
		n += (size_t)sprintf(
			text + n,
			"swapper 0/0 [000] 1.%09llu: sched:sched_waking: comm=rcu_preempt pid=15 "
			"prio=120 target_cpu=000\n"
			"swapper 0/0 [000] 1.%09llu: sched:sched_switch: prev_comm=swapper/0 "
			"prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=rcu_preempt "
			"next_pid=15 next_prio=120\n"
			"rcu_preempt 15/15 [000] 1.%09llu: sched:sched_switch: "
			"prev_comm=rcu_preempt prev_pid=15 prev_prio=120 prev_state=I ==> "
			"next_comm=swapper/0 next_pid=0 next_prio=120\n",
			(unsigned long long)ns, (unsigned long long)(ns + 2 * US),
			(unsigned long long)(ns + (22 + i % 5 * 10) * US));
	}
	sprintf(text + n,
		"a 10/10 [001] 1.%09llu: syscalls:sys_enter_munmap: addr: 0x700000000000, len: "
		"0x1000\n"
		"a 10/10 [001] 1.%09llu: syscalls:sys_exit_munmap: 0x0\n",
		(unsigned long long)(ns + 5 * MS), (unsigned long long)(ns + 5 * MS + US));
	with_background = true;
	r = replay(write_text("ticks", text), 0, 0, factor, 1);
	with_background = false;
	return r;
}

static void test_found(void **state)
{
	static const struct {
		uint64_t period_us;
		unsigned int wakes, strays;
		uint64_t late, found_us; /* the period that is found, 0: none */
	} cases[] = {
		{ 4000, WAKES, 0, 0, 4000 },    { 4000, WAKES, 3, 30, 4000 },
		{ 10000, WAKES, 0, 30, 10000 }, { 1000, WAKES, 0, 30, 1000 },
		{ 4000, WAKES, 12, 30, 0 },     { 4000, 6, 0, 0, 0 },
		{ 4000, WAKES, 0, 3000, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result r = recorded(cases[i].period_us, cases[i].wakes, cases[i].strays,
					   cases[i].late, 1);
		const struct program *p = r.w->program;

		assert_int_equal(p->tick_period, cases[i].found_us * SIM_US);
		if (p->tick_period)
			assert_in_range(p->tick_phase, 1234 * SIM_US % p->tick_period,
					(1234 * SIM_US + cases[i].late * SIM_US) % p->tick_period);
		assert_int_equal(r.k.tick_period, p->tick_period);
		run(&r);
		drop(&r);
	}
}

/* Its own work takes 100 us instead of 0 to 40: without ticks it would be later and later. */
static void test_wakes_on_ticks(void **state)
{
	struct result r = recorded(4000, WAKES, 0, 0, 1);
	const struct program_task *t = &r.w->program->background[0];

	(void)state;
	for (size_t i = 0; i < t->n_ops; i++) {
		assert_true(t->op[i].kind != PROGRAM_SLEEP || t->op[i].flags & PROGRAM_BY_TICK);
		t->op[i].think = 100 * SIM_US;
	}
	run(&r);
	for (unsigned int i = 1; i < WAKES; i++)
		assert_in_range(find(&r, "rcu_preempt", "compute", i)->time % (4 * SIM_MS),
				r.w->program->tick_phase, r.w->program->tick_phase + 50 * SIM_US);
	drop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_wakes_on_ticks),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
