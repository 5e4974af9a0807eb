/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A semaphore that is stolen between its release and the wake-up of who waits for it: the sleeper
 * is woken nevertheless, finds it taken, and sleeps again. If the releaser looked first whether it
 * is free, sleepers would be woken less often than the kernel does.
 */
#include "tests/models/model.h"

struct scene {
	struct model m;
	struct rwsem sem;
	uint64_t switches[2]; /* while the thief has it: from when to when */
	sim_ps slept_got, thief_got;
};

static const sim_ps asleep = 100 * SIM_US, busy = 60 * SIM_US, theft = SIM_MS;

/* Asleep at first, so that who comes then sleeps, too; then running, so that the thief spins. */
static void holder(struct task *t, void *arg)
{
	struct scene *s = arg;

	down_write(t, &s->sem);
	task_sleep(t, asleep);
	user_compute(t, busy);
	up_write(t, &s->sem);
}

static void sleeper(struct task *t, void *arg)
{
	struct scene *s = arg;

	user_compute(t, 10 * SIM_US);
	down_write(t, &s->sem);
	s->slept_got = sim_now(s->m.sim);
	up_write(t, &s->sem);
}

static void thief(struct task *t, void *arg)
{
	struct scene *s = arg;

	user_compute(t, asleep + busy / 2);
	down_write(t, &s->sem);
	s->thief_got = sim_now(s->m.sim);
	s->switches[0] = counter(&s->m, "sched.context_switches", "");
	user_compute(t, theft / 2);
	s->switches[1] = counter(&s->m, "sched.context_switches", "");
	user_compute(t, theft / 2);
	up_write(t, &s->sem);
}

static void test_stolen(void **state)
{
	struct model_spec spec = { .seed = 1 };
	struct scene s = { 0 };

	(void)state;
	model_start(&s.m, &spec);
	rwsem_init(s.m.k, &s.sem, lock_class_get(s.m.k, "test_sem"));
	spawn(&s.m, "holder", 0, holder, &s);
	spawn(&s.m, "sleeper", 1, sleeper, &s);
	spawn(&s.m, "thief", 2, thief, &s);
	model_run(&s.m);
	rwsem_free(s.m.k, &s.sem);
	model_finish(&s.m);
	check_clean(&s.m, "a stolen semaphore", 0);
	assert_in_range(s.thief_got, asleep + busy, asleep + busy + 10 * SIM_US);
	assert_true(s.slept_got > s.thief_got + theft);
	/* the sleeper came and went; the holder, done, went */
	assert_int_equal(s.switches[1] - s.switches[0], 3);
	model_end(&s.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stolen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
