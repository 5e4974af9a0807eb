/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rw_semaphores in scenes by hand: when a waiter is handed the lock, who is woken with whom, and
 * what a downgrade lets in. Random crowds are in test_locks.c.
 */
#include "tests/models/model.h"

static const char sem_class[] = "test_sem";

struct scene {
	struct model m;
	struct rwsem sem;
	sim_ps hold, stop;
	sim_ps asked_at, got_at, other_at[4];
	uint64_t reads;
};

static void scene_start(struct scene *s, const struct model_spec *spec)
{
	*s = (struct scene){ .stop = 0 };
	model_start(&s->m, spec);
	rwsem_init(s->m.k, &s->sem, lock_class_get(s->m.k, sem_class));
}

static void scene_end(struct scene *s, const char *what, uint64_t seed)
{
	model_run(&s->m);
	if (s->m.end == SIM_END_FINISHED) {
		rwsem_free(s->m.k, &s->sem);
		model_finish(&s->m);
	}
	check_clean(&s->m, what, seed);
}

/* Readers that come so fast that one is always there before a woken writer. */
static void greedy_reader(struct task *t, void *arg)
{
	struct scene *s = arg;

	while (sim_now(s->m.sim) < s->stop) {
		struct read_hold hold;

		down_read(t, &s->sem, &hold);
		user_compute(t, s->hold);
		up_read(t, &s->sem, &hold);
		user_compute(t, 100 * SIM_NS);
		s->reads++;
	}
}

static void patient_writer(struct task *t, void *arg)
{
	struct scene *s = arg;

	user_compute(t, 300 * SIM_US);
	s->asked_at = sim_now(s->m.sim);
	down_write(t, &s->sem);
	s->got_at = sim_now(s->m.sim);
	up_write(t, &s->sem);
}

/* A writer that readers starve asks for the lock after 4 ms, rounded up to jiffies, of which the
 * first has begun already, and has it as soon as those inside are out. */
static void test_handoff(void **state)
{
	static const char *const hz[] = { "1000", "250", "100" };
	static const sim_ps timeout[] = { 4 * SIM_MS, 4 * SIM_MS, 10 * SIM_MS };
	static const sim_ps jiffy[] = { SIM_MS, 4 * SIM_MS, 10 * SIM_MS };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		const char *const set[] = { "topology.l3_per_socket=2", "hz", hz[i], NULL };
		struct model_spec spec = { .set = set, .seed = i };
		struct scene s;
		sim_ps waited;

		scene_start(&s, &spec);
		s.stop = 30 * SIM_MS;
		s.hold = 30 * SIM_US; /* longer than a writer spins for readers */
		for (int cpu = 1; cpu < 7; cpu++)
			spawn(&s.m, "reader", cpu, greedy_reader, &s);
		spawn(&s.m, "writer", 0, patient_writer, &s);
		scene_end(&s, "hand-off", i);
		waited = s.got_at - s.asked_at;
		assert_true(s.reads > 1000);
		if (waited > timeout[i] + jiffy[i] + 2 * s.hold + 100 * SIM_US)
			fail_msg("HZ=%s: waited %llu ps", hz[i], (unsigned long long)waited);
		/* It was starved, or this test shows nothing. */
		assert_true(waited >= timeout[i]);
		/* Who wakes it reads its waiter; wait_lock lies on the owner's line. */
		assert_true(counter(&s.m, "line.transfers", "rwsem_waiter") >= 1);
		assert_int_equal(counter(&s.m, "line.transfers", "rwsem.wait_lock"), 0);
		model_end(&s.m);
	}
}

/* Two that spin for each other: none ever sleeps, and the lock is hardly ever free. */
static void greedy_writer(struct task *t, void *arg)
{
	struct scene *s = arg;

	while (sim_now(s->m.sim) < s->stop) {
		down_write(t, &s->sem);
		user_compute(t, s->hold);
		up_write(t, &s->sem);
		s->reads++;
	}
}

static void patient_reader(struct task *t, void *arg)
{
	struct scene *s = arg;
	struct read_hold hold;
	uint64_t reads;

	user_compute(t, 300 * SIM_US);
	/* In the middle of a hold: between two of them it would get in. */
	for (reads = s->reads; s->reads == reads;)
		user_compute(t, SIM_US);
	user_compute(t, s->hold / 2);
	s->asked_at = sim_now(s->m.sim);
	down_read(t, &s->sem, &hold);
	s->got_at = sim_now(s->m.sim);
	up_read(t, &s->sem, &hold);
}

/* A reader that writers starve is no better off: the writer that wakes it after its time asks for
 * the hand-off. Would break: readers that wait for ever, or get in before. */
static void test_reader_handoff(void **state)
{
	const char *const set[] = { "topology.l3_per_socket", "2", "hz", "1000", NULL };
	struct model_spec spec = { .set = set };
	struct scene s;

	(void)state;
	scene_start(&s, &spec);
	s.stop = 30 * SIM_MS;
	s.hold = 20 * SIM_US;
	for (int cpu = 1; cpu < 4; cpu++)
		spawn(&s.m, "writer", cpu, greedy_writer, &s);
	spawn(&s.m, "reader", 0, patient_reader, &s);
	scene_end(&s, "hand-off to a reader", 0);
	assert_true(s.reads > 1000);
	assert_in_range(s.got_at - s.asked_at, 4 * SIM_MS, 5 * SIM_MS + 200 * SIM_US);
	model_end(&s.m);
}

/* ---- who is awake is not woken ---- */

static void wakes_twice(struct task *t, void *arg)
{
	struct scene *s = arg;
	struct task *sleeper = t->next; /* made just before */
	sim_ps start;

	kernel_set_tracing(t->k, SIM_US, 0);
	user_compute(t, 100 * SIM_US);
	start = sim_now(s->m.sim);
	expect(t->k, sched_wake(t, sleeper), "it did not sleep");
	s->other_at[0] = sim_now(s->m.sim) - start;
	start = sim_now(s->m.sim);
	expect(t->k, !sched_wake(t, sleeper), "it slept again");
	s->other_at[1] = sim_now(s->m.sim) - start;
	kernel_set_tracing(t->k, 0, 0);
}

static void sleeps_once(struct task *t, void *arg)
{
	(void)arg;
	sched_block(t, "being woken");
	user_compute(t, 300 * SIM_US);
}

/* try_to_wake_up takes pi_lock and looks at the state before it does, or traces, anything. */
static void test_awake(void **state)
{
	struct model_spec spec = { .seed = 1 };
	struct scene s;

	(void)state;
	scene_start(&s, &spec);
	spawn(&s.m, "sleeper", 1, sleeps_once, &s);
	spawn(&s.m, "waker", 0, wakes_twice, &s);
	scene_end(&s, "woken twice", 0);
	assert_true(s.other_at[0] > SIM_US);
	assert_true(s.other_at[1] < 20 * SIM_NS); /* both lines are here already */
	model_end(&s.m);
}

static void downgrader(struct task *t, void *arg)
{
	struct scene *s = arg;
	struct read_hold hold;

	down_write(t, &s->sem);
	user_compute(t, 200 * SIM_US); /* all others are asleep by now */
	s->asked_at = sim_now(s->m.sim);
	downgrade_write(t, &s->sem, &hold);
	user_compute(t, 200 * SIM_US);
	s->got_at = sim_now(s->m.sim);
	up_read(t, &s->sem, &hold);
}

struct member {
	struct scene *s;
	unsigned int i;
};

static void late_reader(struct task *t, void *arg)
{
	struct member *m = arg;
	struct read_hold hold;

	user_compute(t, (20 + 10 * m->i) * SIM_US);
	down_read(t, &m->s->sem, &hold);
	m->s->other_at[m->i] = sim_now(m->s->m.sim);
	up_read(t, &m->s->sem, &hold);
}

static void late_writer(struct task *t, void *arg)
{
	struct member *m = arg;

	user_compute(t, 100 * SIM_US);
	down_write(t, &m->s->sem);
	m->s->other_at[m->i] = sim_now(m->s->m.sim);
	up_write(t, &m->s->sem);
}

/* downgrade_write lets in the readers that wait, all of them and at once, and no writer. */
static void test_downgrade(void **state)
{
	struct model_spec spec = { .seed = 1 };
	struct member who[4];
	struct scene s;

	(void)state;
	scene_start(&s, &spec);
	spawn(&s.m, "downgrader", 0, downgrader, &s);
	for (unsigned int i = 0; i < 4; i++) {
		who[i] = (struct member){ &s, i };
		spawn(&s.m, "late", 1 + (int)i, i < 3 ? late_reader : late_writer, &who[i]);
	}
	scene_end(&s, "downgrade", 1);
	for (unsigned int i = 0; i < 3; i++)
		assert_in_range(s.other_at[i], s.asked_at, s.asked_at + 20 * SIM_US);
	assert_in_range(s.other_at[3], s.got_at, s.got_at + 20 * SIM_US);
	model_end(&s.m);
}

static void tries_past(struct task *t, void *arg)
{
	struct scene *s = arg;

	down_write(t, &s->sem);
	user_compute(t, 200 * SIM_US); /* the other one sleeps by now */
	up_write(t, &s->sem);
	expect(t->k, s->sem.head && !s->sem.writer, "nobody waits for what is free");
	expect(t->k, !down_write_trylock(t, &s->sem), "it went before who sleeps");
	user_compute(t, 300 * SIM_US);
	expect(t->k, down_write_trylock(t, &s->sem), "it is free");
	up_write(t, &s->sem);
}

static void sleeping_writer(struct task *t, void *arg)
{
	struct scene *s = arg;

	user_compute(t, 50 * SIM_US);
	this_cpu(t)->need_resched = true; /* it does not spin */
	down_write(t, &s->sem);
	up_write(t, &s->sem);
}

/* A free semaphore that somebody has been woken for is not there for who only tries. */
static void test_trylock_behind(void **state)
{
	struct model_spec spec = { .seed = 1 };
	struct scene s;

	(void)state;
	scene_start(&s, &spec);
	spawn(&s.m, "tries", 0, tries_past, &s);
	spawn(&s.m, "sleeps", 1, sleeping_writer, &s);
	scene_end(&s, "trylock behind a sleeper", 1);
	model_end(&s.m);
}

static void holds_twice(struct task *t, void *arg)
{
	(void)arg;
	mmap_write_lock(t, t->mm);
	mmap_write_unlock(t, t->mm);
	user_compute(t, 500 * SIM_US);
	expect(t->k, mmap_write_trylock(t, t->mm), "nobody has it");
	user_compute(t, 20 * SIM_US);
	mmap_write_unlock(t, t->mm);
}

/* Would break: the hold that a trylock begins, counted from the hold before it. */
static void test_traced_trylock(void **state)
{
	struct model_spec spec = { .seed = 1 };
	const struct hist *holds, *waits;
	struct scene s;

	(void)state;
	scene_start(&s, &spec);
	spawn(&s.m, "holds", 0, holds_twice, &s);
	scene_end(&s, "traced trylock", 1);
	holds = histogram(&s.m, "mmap_lock.traced_hold", "");
	waits = histogram(&s.m, "mmap_lock.traced_wait", "");
	assert_in_range(holds->max, 20 * SIM_US, 21 * SIM_US);
	assert_int_equal(holds->count, waits->count);
	model_end(&s.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handoff),        cmocka_unit_test(test_reader_handoff),
		cmocka_unit_test(test_awake),          cmocka_unit_test(test_downgrade),
		cmocka_unit_test(test_trylock_behind), cmocka_unit_test(test_traced_trylock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
