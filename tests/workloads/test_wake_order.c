/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A wake-up that found its sleeper asleep in the recording, or on its way to sleep, comes after
 * that sleep in a replay, too, however slow the sleeper is there.
 */
#include "replay_test.h"

#define ENTER(comm, id, cpu, t, addr)                                                              \
	comm " " id "/" id " [" cpu "] 1.000" t "000: syscalls:sys_enter_munmap: addr: " addr      \
	     ", len: 0x1000\n"
#define EXIT(comm, id, cpu, t)                                                                     \
	comm " " id "/" id " [" cpu "] 1.000" t "000: syscalls:sys_exit_munmap: 0x0\n"
#define SLEEP(comm, id, cpu, t)                                                                    \
	comm " " id "/" id " [" cpu "] 1.000" t "000: sched:sched_switch: prev_comm=" comm         \
	     " prev_pid=" id " prev_prio=1 prev_state=S ==> next_comm=swapper next_pid=0 "         \
	     "next_prio=1\n"
#define COME(comm, id, cpu, t)                                                                     \
	"swapper 0/0 [" cpu "] 1.000" t "000: sched:sched_switch: prev_comm=swapper prev_pid=0 "   \
	"prev_prio=1 prev_state=R ==> next_comm=" comm " next_pid=" id " next_prio=1\n"
#define WAKE(comm, id, cpu, t, whom, whom_id)                                                      \
	comm " " id "/" id " [" cpu "] 1.000" t "000: sched:sched_waking: comm=" whom              \
	     " pid=" whom_id " prio=1 target_cpu=001\n"

/* a wakes b, and again 10 us after b has gone back to sleep. */
static const char asleep[] = ENTER("a", "10", "000", "000", "0x700000000000")
	EXIT("a", "10", "000", "001") WAKE("a", "10", "000", "010", "b", "11")
		COME("b", "11", "001", "012") ENTER("b", "11", "001", "014", "0x710000000000")
			EXIT("b", "11", "001", "015") SLEEP("b", "11", "001", "020") WAKE(
				"a", "10", "000", "030", "b", "11") COME("b", "11", "001", "032")
				ENTER("b", "11", "001", "034", "0x720000000000")
					EXIT("b", "11", "001", "035")
						ENTER("a", "10", "000", "090", "0x730000000000")
							EXIT("a", "10", "000", "091");

/* The same, but b was still on its CPU the second time, with nothing to do but to leave it. */
static const char leaving[] = ENTER("a", "10", "000", "000", "0x700000000000")
	EXIT("a", "10", "000", "001") WAKE("a", "10", "000", "010", "b", "11")
		COME("b", "11", "001", "012") ENTER("b", "11", "001", "014", "0x710000000000")
			EXIT("b", "11", "001", "015") WAKE("a", "10", "000", "019", "b", "11")
				SLEEP("b", "11", "001", "020") COME("b", "11", "001", "032")
					ENTER("b", "11", "001", "034",
					      "0x720000000000") EXIT("b", "11", "001", "035")
						ENTER("a", "10", "000", "090", "0x730000000000")
							EXIT("a", "10", "000", "091");

/* The same, but b had more to do. */
static const char awake[] = ENTER("a", "10", "000", "000", "0x700000000000")
	EXIT("a", "10", "000", "001") WAKE("a", "10", "000", "010", "b", "11")
		COME("b", "11", "001", "012") ENTER("b", "11", "001", "014", "0x710000000000")
			EXIT("b", "11", "001", "015") WAKE("a", "10", "000", "016", "b", "11")
				ENTER("b", "11", "001", "017", "0x710000000000")
					EXIT("b", "11", "001", "018")
						ENTER("a", "10", "000", "090", "0x730000000000")
							EXIT("a", "10", "000", "091");

/* b comes and does nothing that is recorded; it is leaving when it is woken again. */
static const char unseen[] = ENTER("a", "10", "000", "000", "0x700000000000")
	EXIT("a", "10", "000", "001") ENTER("b", "11", "001", "002", "0x710000000000")
		EXIT("b", "11", "001", "003") SLEEP("b", "11", "001", "005") WAKE("a", "10", "000",
										  "010", "b", "11")
			WAKE("a", "10", "000", "019", "b", "11") SLEEP("b", "11", "001", "020")
				ENTER("b", "11", "001", "034", "0x720000000000")
					EXIT("b", "11", "001", "035")
						ENTER("a", "10", "000", "090", "0x730000000000")
							EXIT("a", "10", "000", "091");

static uint32_t flags_of(const char *text, unsigned int nth)
{
	struct err err = { "" };
	struct program *p = program_load(write_text("order", text), &err);
	uint32_t flags = UINT32_MAX;

	assert_non_null(p);
	for (size_t i = 0; i < p->task[0].n_ops; i++)
		if (p->task[0].op[i].kind == PROGRAM_WAKE && !nth--) {
			flags = p->task[0].op[i].flags;
			break;
		}
	program_free(p);
	return flags;
}

static void test_found(void **state)
{
	(void)state;
	assert_true(flags_of(asleep, 0) & PROGRAM_FOUND_ASLEEP);
	assert_true(flags_of(asleep, 1) & PROGRAM_FOUND_ASLEEP);
	assert_true(flags_of(leaving, 0) & PROGRAM_FOUND_ASLEEP);
	assert_int_equal(flags_of(leaving, 1), PROGRAM_FOUND_LEAVING);
	assert_true(flags_of(awake, 0) & PROGRAM_FOUND_ASLEEP);
	assert_int_equal(flags_of(awake, 1), UINT32_MAX); /* woke nobody */
	assert_true(flags_of(unseen, 0) & PROGRAM_FOUND_ASLEEP);
	assert_int_equal(flags_of(unseen, 1), PROGRAM_FOUND_LEAVING);
}

/* Calls take 60 times as long as they should: b is far from its sleep when a wants to wake it. */
static struct result slow(const char *text)
{
	struct result r = replay(write_text("order", text), 0, 0, 60, 1);

	run(&r);
	return r;
}

/* Would break: sleeps of the recording that a replay does without, and their wake-ups with them;
 * or a waker that looks again only now and then. */
static void test_waits(void **state)
{
	static const char *const texts[] = { asleep, leaving };
	struct result r;

	(void)state;
	for (int i = 0; i < 2; i++) {
		sim_ps slept_at;

		r = slow(texts[i]);
		assert_int_equal(count_calls(&r, "wake"), 2);
		assert_int_equal(count_calls(&r, "block"), 2); /* the first: from the start on */
		assert_true(count_calls(&r, "spin") >= 1);
		slept_at = find(&r, "b", "block", 1)->time;
		assert_in_range(find(&r, "a", "wake", 1)->time, slept_at, slept_at + ON_ITS_WAY);
		drop(&r);
	}
	r = slow(awake);
	assert_int_equal(count_calls(&r, "spin"), 0);
	assert_int_equal(count_calls(&r, "block"), 1);
	drop(&r);
}

/* Where the sleeper is in time nobody spins. */
static void test_in_time(void **state)
{
	struct result r = replay(write_text("order", asleep), 0, 0, 1, 1);

	(void)state;
	run(&r);
	assert_int_equal(count_calls(&r, "spin"), 0);
	assert_int_equal(count_calls(&r, "wake"), 2);
	drop(&r);
}

/* Who has been woken but has not come yet, or is still on its way to sleep, is no sleeper. */
static void test_on_its_way(void **state)
{
	static const sim_ps switching[] = { 0, 5 * SIM_US, 40 * SIM_US };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct result r = replay(write_text("order", asleep), 0, 0, 1, 1);

		r.k.switching = switching[i];
		run(&r);
		assert_int_equal(count_calls(&r, "wake"), 2);
		assert_int_equal(count_calls(&r, "awake"), 0);
		drop(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_in_time),
		cmocka_unit_test(test_on_its_way),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
