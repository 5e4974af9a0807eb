/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A CPU whose idle task the recorder is blind for: who comes back to it comes unseen, and works
 * until its first event. If that were taken for waiting, its work would be gone from the replay.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tape.h"

enum { LATENCY = 20000, ROUND = 1000000 };

static void sleeps(struct tape *t, uint64_t ns, int cpu)
{
	event(t, ns, 11, 11, cpu,
	      "sched:sched_switch: prev_comm=prog prev_pid=11 prev_prio=1 prev_state=S ==> "
	      "next_comm=swapper next_pid=0 next_prio=1");
}

static void woken(struct tape *t, uint64_t ns)
{
	event(t, ns, 10, 10, 2, "sched:sched_waking: comm=prog pid=11 prio=1 target_cpu=001");
}

static void comes(struct tape *t, uint64_t ns, int cpu)
{
	event(t, ns, 0, 0, cpu,
	      "sched:sched_switch: prev_comm=swapper prev_pid=0 prev_prio=1 prev_state=R ==> "
	      "next_comm=prog next_pid=11 next_prio=1");
}

/* Own work, in us, of the last call: after so many ways in that were seen, each LATENCY after its
 * wake-up, one that was not, `late` ns before the call. */
static double work_after(int seen, uint64_t late)
{
	struct tape *t = calloc(1, sizeof(*t));
	const struct program_task *task;
	struct program *p;
	uint64_t ns = 100000;
	double us;

	calibration(t);
	munmap_call(t, ns, ns + 5000, 10, 10, 2);
	munmap_call(t, ns + 10000, ns + 15000, 11, 11, 0);
	for (int i = 0; i <= seen; i++) {
		ns += ROUND;
		sleeps(t, ns, 0);
		woken(t, ns + 100000);
		if (i < seen)
			comes(t, ns + 100000 + LATENCY, 0);
		else
			munmap_call(t, ns + 100000 + late, ns + 105000 + late, 11, 11, 1);
	}
	p = build(t);
	free(t);
	task = task_of(p, 11);
	us = (double)task->op[task->n_ops - 1].think / SIM_US;
	program_free(p);
	return us;
}

static void test_works(void **state)
{
	(void)state;
	assert_in_range((int)work_after(16, 300000), 278, 281);
	assert_int_equal((int)work_after(16, LATENCY - 1000), 0); /* it came sooner than others */
	assert_int_equal((int)work_after(3, 300000), 0); /* how long others took is not known */
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_works) };

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
