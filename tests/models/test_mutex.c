/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mutexes under random load (who is inside, that nobody is overtaken for ever, that histograms say
 * what the tasks saw), their rules by hand, and what lockdep says about an inversion.
 */
#include "tests/models/model.h"

#define US SIM_US
#define MS SIM_MS

enum { MAX_TASKS = 24, ROUNDS = 40 };

static const char mutex_class[] = "test_mutex";

struct arena {
	struct model m;
	struct mutex lock;
	unsigned int tasks, inside, done, sleeps; /* sleeps: one hold in so many; 0 = none */
	uint64_t taken, most_overtaken;
	double held;
};

struct visitor {
	struct arena *a;
	struct rng rng;
};

static const char *const small[] = { "topology.l3_per_socket=2", "topology.cores_per_l3=3", NULL };

static void start(struct arena *a, unsigned int tasks, uint64_t seed)
{
	struct model_spec spec = { .set = small, .seed = seed };

	*a = (struct arena){ .tasks = tasks };
	model_start(&a->m, &spec);
	mutex_init(a->m.k, &a->lock, lock_class_get(a->m.k, mutex_class));
}

static void finish(struct arena *a, const char *what, uint64_t seed)
{
	model_run(&a->m);
	if (a->m.end == SIM_END_FINISHED) {
		mutex_free(a->m.k, &a->lock);
		model_finish(&a->m);
	}
	check_clean(&a->m, what, seed);
}

static void visitor_body(struct task *t, void *arg)
{
	struct visitor *v = arg;
	struct arena *a = v->a;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t before;
		sim_ps since;

		user_compute(t, rng_below(&v->rng, 5 * US));
		before = a->taken;
		if (rng_below(&v->rng, 6) == 0) {
			if (!mutex_trylock(t, &a->lock))
				continue;
		} else {
			mutex_lock(t, &a->lock);
		}
		since = sim_now(t->k->sim);
		if (a->taken - before > a->most_overtaken)
			a->most_overtaken = a->taken - before;
		a->taken++;
		expect(t->k, !a->inside++, "%u inside a mutex", a->inside);
		if (a->sleeps && rng_below(&v->rng, a->sleeps) == 0)
			task_sleep(t, rng_below(&v->rng, 50 * US));
		else
			user_compute(t, rng_below(&v->rng, 5 * US));
		expect(t->k, !--a->inside, "somebody came into a mutex meanwhile");
		settle(t);
		a->held += (double)(sim_now(t->k->sim) - since);
		mutex_unlock(t, &a->lock);
	}
	a->done++;
}

static void run_random(unsigned int tasks, unsigned int sleeps, bool bound, uint64_t seed)
{
	struct visitor v[MAX_TASKS];
	struct arena a;

	start(&a, tasks, seed);
	a.sleeps = sleeps;
	for (unsigned int i = 0; i < tasks; i++) {
		v[i].a = &a;
		rng_init(&v[i].rng, seed, "visitor", i);
		spawn(&a.m, "visitor", bound ? (int)(i % a.m.k->nr_cpus) : NO_CPU, visitor_body,
		      &v[i]);
	}
	finish(&a, "mutex", seed);
	assert_int_equal(a.done, tasks);
	assert_int_equal(counter(&a.m, "lock.acquired", mutex_class), a.taken);
	assert_true((double)counter(&a.m, "lock.held", mutex_class) == a.held);
	assert_int_equal(histogram(&a.m, "lock.wait", mutex_class)->count,
			 counter(&a.m, "lock.contended", mutex_class));
	/* Behind every other task and those who steal while one wakes up, but not for ever. */
	if (bound && tasks <= 12)
		assert_in_range(a.most_overtaken, 0, 6 * tasks);
	model_end(&a.m);
}

static void test_random(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 90; seed++)
		run_random(2 + (unsigned int)seed % 11, seed % 3 ? (unsigned int)seed % 7 : 0, true,
			   seed);
	for (uint64_t seed = 100; seed < 130; seed++)
		run_random(13 + (unsigned int)seed % 11, (unsigned int)seed % 5, seed % 2, seed);
}

/* ---- by hand ---- */

struct scene {
	struct arena a;
	sim_ps hold, got_at, switches_before;
	bool sleep;
};

static void holder(struct task *t, void *arg)
{
	struct scene *s = arg;

	mutex_lock(t, &s->a.lock);
	if (s->sleep)
		task_sleep(t, s->hold);
	else
		user_compute(t, s->hold);
	mutex_unlock(t, &s->a.lock);
}

static void waiter(struct task *t, void *arg)
{
	struct scene *s = arg;

	user_compute(t, 50 * US);
	mutex_lock(t, &s->a.lock);
	s->got_at = sim_now(t->k->sim);
	mutex_unlock(t, &s->a.lock);
}

/* Waits awake while the owner runs, however long; asleep as soon as it does not. */
static void test_spins_while_owner_runs(void **state)
{
	static const bool sleep[] = { false, true };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct scene s = { .hold = 300 * US, .sleep = sleep[i] };

		start(&s.a, 2, 1);
		spawn(&s.a.m, "holder", 0, holder, &s);
		spawn(&s.a.m, "waiter", 1, waiter, &s);
		finish(&s.a, "spin or sleep", 1);
		assert_int_equal(counter(&s.a.m, "lock.acquired", "mutex.wait_lock") > 0, sleep[i]);
		assert_in_range(s.got_at, 300 * US, 330 * US);
		model_end(&s.a.m);
	}
}

/* ---- lockdep's words ---- */

static struct mutex abc[3];

struct taker {
	unsigned int first, second;
	sim_ps at;
};

static void take_two(struct task *t, void *arg)
{
	struct taker *what = arg;

	user_compute(t, what->at);
	mutex_lock(t, &abc[what->first]);
	mutex_lock(t, &abc[what->second]);
	mutex_unlock(t, &abc[what->second]);
	mutex_unlock(t, &abc[what->first]);
}

static void test_both_chains(void **state)
{
	static struct taker order[] = { { 0, 1, US }, { 1, 2, MS }, { 2, 0, 2 * MS } };
	static const char *const names[] = { "one", "two", "three" };
	static const char *const classes[] = { "alpha", "beta", "gamma" };
	const struct sim_violation *v;
	struct model m;

	(void)state;
	model_start(&m, &(struct model_spec){ .set = small });
	for (unsigned int i = 0; i < 3; i++) {
		mutex_init(m.k, &abc[i], lock_class_get(m.k, classes[i]));
		spawn(&m, names[i], (int)i, take_two, &order[i]);
	}
	model_run(&m);
	for (unsigned int i = 0; i < 3; i++)
		mutex_free(m.k, &abc[i]);
	model_finish(&m);
	assert_int_equal(sim_violations(m.sim, &v), 1);
	assert_string_equal(v[0].kind, "lock-order");
	assert_string_equal(v[0].text, "three takes alpha under gamma (gamma > alpha); first the "
				       "other way round: gamma under beta by two (beta > gamma), "
				       "beta under alpha by one (alpha > beta)");
	model_end(&m);
}

/* A mutex may sleep: not under a spinlock. */
static void take_in_atomic(struct task *t, void *arg)
{
	struct arena *a = arg;

	preempt_disable(t);
	mutex_lock(t, &a->lock);
	mutex_unlock(t, &a->lock);
	preempt_enable(t);
}

static void test_atomic(void **state)
{
	struct arena a;

	(void)state;
	start(&a, 1, 1);
	spawn(&a.m, "wrong", 0, take_in_atomic, &a);
	model_run(&a.m);
	assert_int_equal(violations_of(&a.m, "atomic-sleep"), 1);
	mutex_free(a.m.k, &a.lock);
	model_finish(&a.m);
	model_end(&a.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_spins_while_owner_runs),
		cmocka_unit_test(test_both_chains),
		cmocka_unit_test(test_atomic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
