/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sleeps that an interrupt on a given CPU ends: the handler runs when the sleep is over, whether
 * that CPU is idle or busy, costs that CPU its time, and wakes a task of another CPU by an IPI.
 */
#include "tests/models/model.h"

enum { SLEEPS = 5 };
static const sim_ps nap = 300 * SIM_US;

struct scene {
	struct model m;
	int irq_cpu;
	bool busy, done;
	sim_ps late[SLEEPS]; /* on the CPU again after the end of the sleep */
	sim_ps lost;         /* by who computes on the interrupts' CPU */
};

static void sleeps(struct task *t, void *arg)
{
	struct scene *s = arg;

	for (int i = 0; i < SLEEPS; i++) {
		sim_ps from = sim_now(t->k->sim);

		task_sleep_for_irq(t, nap, (unsigned int)s->irq_cpu);
		expect(t->k, sim_now(t->k->sim) >= from + nap, "slept too short");
		expect(t->k, t->cpu == 0, "woken on CPU %u", t->cpu);
		s->late[i] = sim_now(t->k->sim) - from - nap;
		user_compute(t, 20 * SIM_US);
	}
	s->done = true;
}

static void computes(struct task *t, void *arg)
{
	struct scene *s = arg;
	sim_ps from = sim_now(t->k->sim), work = 0;

	for (; !s->done; work += 10 * SIM_US)
		user_compute(t, 10 * SIM_US);
	s->lost = sim_now(t->k->sim) - from - work;
}

static void play(struct scene *s, int irq_cpu, bool busy)
{
	static const char *const set[] = { "ipi.jitter", "0", "virt.idle_jitter", "0", "hz",
					   "100",        NULL };
	struct model_spec spec = { .machine = "zen5-vm2", .set = set };

	*s = (struct scene){ .irq_cpu = irq_cpu, .busy = busy };
	model_start(&s->m, &spec);
	spawn(&s->m, "sleeps", 0, sleeps, s);
	if (busy)
		spawn(&s->m, "computes", 1, computes, s);
	model_run_clean(&s->m, "hrtimer", 0);
}

/* On its own idle CPU the way out of idle lies before the end: what is left is the wake-up, and
 * starting the tick again. */
static void test_own_cpu(void **state)
{
	struct scene s;

	(void)state;
	play(&s, 0, false);
	for (int i = 0; i < SLEEPS; i++)
		assert_in_range(s.late[i], 0, 10 * SIM_US);
	assert_int_equal(counter(&s.m, "ipi.sent", "wakeup"), 0);
	model_end(&s.m);
}

/* Of another CPU: an IPI each, and the sleeper's own CPU comes out of idle after it. */
static void test_other_cpu(void **state)
{
	struct scene s;

	(void)state;
	play(&s, 1, false);
	for (int i = 0; i < SLEEPS; i++)
		assert_in_range(s.late[i], 18 * SIM_US, 40 * SIM_US);
	assert_int_equal(counter(&s.m, "ipi.sent", "wakeup"), SLEEPS);
	model_end(&s.m);
}

/* It is interrupted, and pays. */
static void test_busy_cpu(void **state)
{
	struct scene busy, quiet;

	(void)state;
	play(&busy, 1, true);
	assert_int_equal(counter(&busy.m, "ipi.sent", "wakeup"), SLEEPS);
	for (int i = 0; i < SLEEPS; i++)
		assert_in_range(busy.late[i], 18 * SIM_US, 40 * SIM_US);
	play(&quiet, 0, true);
	assert_true(busy.lost > quiet.lost + SLEEPS * 5 * SIM_US);
	model_end(&busy.m);
	model_end(&quiet.m);
}

static void wakes_early(struct task *t, void *arg)
{
	struct task *sleeper = arg;

	for (int i = 0; i < 40; i++) {
		user_compute(t, 7 * SIM_US);
		sched_wake(t, sleeper);
	}
}

static void naps(struct task *t, void *arg)
{
	sim_ps from = sim_now(t->k->sim);

	(void)arg;
	task_sleep_for_irq(t, 100 * SIM_US, 1);
	expect(t->k, sim_now(t->k->sim) - from >= 100 * SIM_US, "somebody ended the sleep");
}

/* Would break: a wake-up of somebody else that ends the sleep, or leaves it in a list. */
static void test_woken_by_others(void **state)
{
	struct model_spec spec = { .machine = "zen5-vm2" };
	struct model m;

	(void)state;
	model_start(&m, &spec);
	spawn(&m, "wakes", 1, wakes_early, spawn(&m, "naps", 0, naps, NULL));
	model_run_clean(&m, "woken by others", 0);
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_cpu),
		cmocka_unit_test(test_other_cpu),
		cmocka_unit_test(test_busy_cpu),
		cmocka_unit_test(test_woken_by_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
