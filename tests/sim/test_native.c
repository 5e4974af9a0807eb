/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the native engine alone promises: a run goes on after its limit, runs may nest, alternate
 * and stand in different threads, and SimGrid refuses clearly where it cannot do the same.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sim/rng.h"
#include "sim/sim.h"

struct walk {
	struct sim *sim;
	struct rng rng;
	uint64_t hash;
	unsigned int steps;
};

static void walker(void *arg)
{
	struct walk *w = arg;

	for (unsigned int i = 0; i < w->steps; i++) {
		sim_sleep_until(w->sim, sim_now(w->sim) + rng_below(&w->rng, 1000));
		w->hash = w->hash * 31 + sim_now(w->sim);
	}
}

enum { WALKERS = 8 };

struct group {
	struct sim *sim;
	struct walk walk[WALKERS];
};

static void group_make(struct group *g, uint64_t seed, unsigned int steps)
{
	struct sim_options opt = { .seed = seed };
	struct err err = { "" };

	memset(g, 0, sizeof(*g));
	g->sim = sim_create(&opt, &err);
	assert_non_null(g->sim);
	assert_int_equal(sim_seed(g->sim), seed);
	for (unsigned int i = 0; i < WALKERS; i++) {
		g->walk[i] = (struct walk){ .sim = g->sim, .steps = steps };
		rng_init(&g->walk[i].rng, seed, "walker", i);
		sim_spawn(g->sim, "walker", i, false, walker, &g->walk[i]);
	}
}

static uint64_t group_end(struct group *g)
{
	uint64_t hash = sim_events(g->sim);

	for (unsigned int i = 0; i < WALKERS; i++)
		hash = hash * 31 + g->walk[i].hash;
	sim_destroy(g->sim);
	return hash;
}

static uint64_t run_whole(uint64_t seed)
{
	struct err err = { "" };
	struct group g;

	group_make(&g, seed, 500);
	assert_int_equal(sim_run(g.sim, SIM_NEVER, &err), SIM_END_FINISHED);
	return group_end(&g);
}

static void test_slices_give_the_same_run(void **state)
{
	struct err err = { "" };
	enum sim_end end;
	struct group g;
	sim_ps limit = 0;

	(void)state;
	group_make(&g, 7, 500);
	do {
		limit += 997;
		end = sim_run(g.sim, limit, &err);
		assert_true(sim_now(g.sim) <= limit);
	} while (end == SIM_END_LIMIT);
	assert_int_equal(end, SIM_END_FINISHED);
	assert_int_equal(group_end(&g), run_whole(7));
}

static void test_runs_alternate(void **state)
{
	enum sim_end a_end = SIM_END_LIMIT, b_end = SIM_END_LIMIT;
	struct err err = { "" };
	struct group a, b;

	(void)state;
	group_make(&a, 1, 500);
	group_make(&b, 2, 500);
	for (sim_ps limit = 0; a_end == SIM_END_LIMIT || b_end == SIM_END_LIMIT; limit += 1234) {
		a_end = sim_run(a.sim, limit, &err);
		b_end = sim_run(b.sim, limit * 2, &err);
	}
	assert_int_equal(group_end(&a), run_whole(1));
	assert_int_equal(group_end(&b), run_whole(2));
}

struct outer {
	struct sim *sim;
	uint64_t inner_hash;
};

static void run_inner(void *arg)
{
	struct outer *o = arg;
	struct err err = { "" };
	struct group g;

	sim_sleep_until(o->sim, SIM_NS);
	group_make(&g, 3, 500);
	assert_int_equal(sim_run(g.sim, SIM_NEVER, &err), SIM_END_FINISHED);
	o->inner_hash = group_end(&g);
	assert_int_equal(sim_now(o->sim), SIM_NS);
	assert_string_equal(sim_actor_name(sim_self(o->sim)), "outer");
	sim_sleep_until(o->sim, 2 * SIM_NS);
}

static void test_runs_nest(void **state)
{
	struct outer o = { 0 };
	struct err err = { "" };

	(void)state;
	o.sim = sim_create(NULL, &err);
	sim_spawn(o.sim, "outer", 0, false, run_inner, &o);
	assert_int_equal(sim_run(o.sim, SIM_NEVER, &err), SIM_END_FINISHED);
	assert_int_equal(o.inner_hash, run_whole(3));
	sim_destroy(o.sim);
}

static void *thread_main(void *arg)
{
	uint64_t *hash = arg;

	*hash = run_whole(*hash);
	return NULL;
}

static void test_runs_in_threads(void **state)
{
	uint64_t hash[4] = { 11, 12, 13, 14 };
	pthread_t thread[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, thread_main, &hash[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(hash[i], run_whole(11 + (uint64_t)i));
	}
}

static void test_simgrid_refuses_a_second_run(void **state)
{
	struct sim_options opt = { .engine = "simgrid" };
	struct err err = { "" };
	struct sim *first = sim_create(&opt, &err);

	(void)state;
	assert_non_null(first);
	assert_null(sim_create(&opt, &err));
	assert_non_null(strstr(err.msg, "another run of this process"));
	sim_destroy(first);
	first = sim_create(&opt, &err); /* and now it may */
	assert_non_null(first);
	sim_destroy(first);
}

static void test_engine_names(void **state)
{
	struct sim_options opt = { .engine = "simgird" };
	struct err err = { "" };

	(void)state;
	assert_null(sim_create(&opt, &err));
	assert_string_equal(err.msg, "unknown engine 'simgird' (did you mean 'simgrid'?): "
				     "expected native|simgrid");
}

static void nothing(void *arg)
{
	(void)arg;
}

/* More actors at once than a first table holds, with ids and stacks reused. */
static void test_thousands_of_actors(void **state)
{
	struct err err = { "" };
	struct sim *sim = sim_create(NULL, &err);

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 5000; i++)
			assert_non_null(sim_spawn(sim, "a", 0, false, nothing, NULL));
		assert_int_equal(sim_run(sim, SIM_NEVER, &err), SIM_END_FINISHED);
	}
	assert_int_equal(sim_events(sim), 15000);
	sim_destroy(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slices_give_the_same_run),
		cmocka_unit_test(test_runs_alternate),
		cmocka_unit_test(test_runs_nest),
		cmocka_unit_test(test_runs_in_threads),
		cmocka_unit_test(test_simgrid_refuses_a_second_run),
		cmocka_unit_test(test_engine_names),
		cmocka_unit_test(test_thousands_of_actors),
	};

	setenv("MMSIM_PLUGIN_DIR", MMSIM_BINARY_DIR, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
