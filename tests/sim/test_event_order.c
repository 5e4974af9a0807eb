/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Property: whatever actors do, both engines wake them in the order that a naive list gives, at the
 * same picosecond, with the same results of every call. Random programs of sleeps, parks,
 * time-outs, wake-ups, spawns and returns; many ties, and times far enough apart to strain
 * SimGrid's double.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/rng.h"
#include "sim/sim.h"

enum { ACTORS = 24, FIRST = 12, TRACE = 40000, SEEDS = 60 };

enum op_kind { OP_SLEEP, OP_PARK, OP_PARK_UNTIL, OP_UNPARK, OP_SPAWN, OP_RETURN };

struct op {
	enum op_kind kind;
	sim_ps delay;
	unsigned int whom;
};

struct step {
	sim_ps time;
	unsigned int actor;
	int what; /* op kind, or 100 + the result of a call */
};

struct trace {
	struct step step[TRACE];
	size_t n;
	enum sim_end end;
	sim_ps end_time;
	uint64_t events;
};

static void note(struct trace *t, sim_ps time, unsigned int actor, int what)
{
	if (t->n < TRACE)
		t->step[t->n++] = (struct step){ time, actor, what };
}

/* The program of an actor: a function of its own stream alone. */
static struct op next_op(struct rng *rng)
{
	static const enum op_kind kinds[] = { OP_SLEEP,      OP_SLEEP,      OP_SLEEP,  OP_PARK,
					      OP_PARK_UNTIL, OP_PARK_UNTIL, OP_UNPARK, OP_UNPARK,
					      OP_UNPARK,     OP_UNPARK,     OP_UNPARK, OP_UNPARK };
	struct op op = { .whom = (unsigned int)rng_below(rng, ACTORS) };
	uint64_t kind = rng_below(rng, 300);

	op.delay = rng_below(rng, 6);
	if (rng_below(rng, 20) == 0)
		op.delay = rng_below(rng, SIM_S);
	if (kind < 2)
		op.kind = OP_RETURN;
	else if (kind < 8)
		op.kind = OP_SPAWN;
	else
		op.kind = kinds[kind % 12];
	return op;
}

/* ---- the oracle: a list of wake-ups, searched from end to end ---- */

struct toy {
	struct rng rng;
	bool exists, scheduled, parked, woken, in_park;
	sim_ps time;
	uint64_t order;
};

struct toys {
	struct toy toy[ACTORS];
	unsigned int n;
	uint64_t orders;
	sim_ps now;
	struct trace *trace;
};

static void toy_schedule(struct toys *s, unsigned int i, sim_ps time)
{
	s->toy[i].scheduled = true;
	s->toy[i].time = time;
	s->toy[i].order = ++s->orders;
}

static void toy_spawn(struct toys *s, uint64_t seed)
{
	unsigned int i = s->n++;

	s->toy[i].exists = true;
	rng_init(&s->toy[i].rng, seed, "actor", i);
	toy_schedule(s, i, s->now);
}

static bool toy_unpark(struct toys *s, unsigned int i, sim_ps time)
{
	struct toy *t = &s->toy[i];

	if (!t->exists || !t->parked || (t->scheduled && t->time <= time))
		return false;
	toy_schedule(s, i, time);
	t->woken = true;
	return true;
}

/* Runs actor i until it blocks or returns. */
static void toy_run(struct toys *s, unsigned int i, uint64_t seed)
{
	struct toy *t = &s->toy[i];

	t->scheduled = false;
	if (t->in_park)
		note(s->trace, s->now, i, 100 + t->woken);
	t->parked = t->woken = t->in_park = false;
	for (;;) {
		struct op op = next_op(&t->rng);

		note(s->trace, s->now, i, op.kind);
		switch (op.kind) {
		case OP_UNPARK:
			note(s->trace, s->now, i, 100 + toy_unpark(s, op.whom, s->now + op.delay));
			break;
		case OP_SPAWN:
			if (s->n < ACTORS)
				toy_spawn(s, seed);
			break;
		case OP_RETURN:
			t->exists = false;
			return;
		case OP_SLEEP:
			toy_schedule(s, i, s->now + op.delay);
			return;
		case OP_PARK_UNTIL:
			toy_schedule(s, i, s->now + op.delay);
			/* fall through */
		case OP_PARK:
			t->parked = t->in_park = true;
			return;
		}
	}
}

static void run_oracle(struct trace *trace, uint64_t seed, sim_ps limit)
{
	struct toys s = { .trace = trace };

	for (unsigned int i = 0; i < FIRST; i++)
		toy_spawn(&s, seed);
	for (;;) {
		unsigned int first = ACTORS;
		bool left = false;

		for (unsigned int i = 0; i < ACTORS; i++) {
			const struct toy *t = &s.toy[i];

			left |= t->exists;
			if (t->scheduled &&
			    (first == ACTORS || t->time < s.toy[first].time ||
			     (t->time == s.toy[first].time && t->order < s.toy[first].order)))
				first = i;
		}
		trace->end = !left             ? SIM_END_FINISHED
			     : first == ACTORS ? SIM_END_DEADLOCK
					       : SIM_END_LIMIT;
		if (first == ACTORS || s.toy[first].time > limit)
			break;
		s.now = s.toy[first].time;
		trace->events++;
		toy_run(&s, first, seed);
	}
	trace->end_time = trace->end == SIM_END_LIMIT ? limit : s.now;
}

/* ---- the same programs on an engine ---- */

struct real {
	struct sim *sim;
	struct sim_actor *actor[ACTORS];
	struct rng rng[ACTORS];
	unsigned int n, started;
	struct trace *trace;
	uint64_t seed;
};

static void real_actor(void *arg);

static void real_spawn(struct real *r)
{
	unsigned int i = r->n++;
	char name[16];

	snprintf(name, sizeof(name), "actor/%u", i);
	rng_init(&r->rng[i], r->seed, "actor", i);
	r->actor[i] = sim_spawn(r->sim, name, i, false, real_actor, r);
}

static void real_actor(void *arg)
{
	struct real *r = arg;
	unsigned int i = r->started++; /* actors start in the order in which they were made */

	assert_ptr_equal(sim_self(r->sim), r->actor[i]);
	for (;;) {
		struct op op = next_op(&r->rng[i]);
		sim_ps t = sim_now(r->sim) + op.delay;
		bool result;

		note(r->trace, sim_now(r->sim), i, op.kind);
		switch (op.kind) {
		case OP_UNPARK:
			result = r->actor[op.whom] && sim_unpark_at(r->sim, r->actor[op.whom], t);
			note(r->trace, sim_now(r->sim), i, 100 + result);
			break;
		case OP_SPAWN:
			if (r->n < ACTORS)
				real_spawn(r);
			break;
		case OP_RETURN:
			r->actor[i] = NULL;
			return;
		case OP_SLEEP:
			sim_sleep_until(r->sim, t);
			break;
		case OP_PARK_UNTIL:
			result = sim_park_until(r->sim, t, "time-out");
			note(r->trace, sim_now(r->sim), i, 100 + result);
			break;
		case OP_PARK:
			sim_park(r->sim, "anyone");
			note(r->trace, sim_now(r->sim), i, 101);
			break;
		}
		assert_ptr_equal(sim_self(r->sim), r->actor[i]);
	}
}

static void run_real(const char *engine, struct trace *trace, uint64_t seed, sim_ps limit)
{
	struct sim_options opt = { .engine = engine, .platform = { ACTORS, 4 } };
	struct real r = { .trace = trace, .seed = seed };
	struct err err = { "" };

	r.sim = sim_create(&opt, &err);
	assert_string_equal(err.msg, "");
	assert_non_null(r.sim);
	for (unsigned int i = 0; i < FIRST; i++)
		real_spawn(&r);
	trace->end = sim_run(r.sim, limit, &err);
	trace->end_time = sim_now(r.sim);
	trace->events = sim_events(r.sim);
	sim_destroy(r.sim);
}

/* The first difference, so that a failure says where to look. */
static void compare(const struct trace *want, const struct trace *got, uint64_t seed)
{
	for (size_t i = 0; i < want->n && i < got->n; i++) {
		const struct step *w = &want->step[i], *g = &got->step[i];

		if (w->time != g->time || w->actor != g->actor || w->what != g->what)
			fail_msg("seed %llu, step %zu: actor %u op %d at %llu, expected actor %u "
				 "op %d at %llu",
				 (unsigned long long)seed, i, g->actor, g->what,
				 (unsigned long long)g->time, w->actor, w->what,
				 (unsigned long long)w->time);
	}
	assert_int_equal(got->n, want->n);
	assert_int_equal(got->end, want->end);
	assert_int_equal(got->end_time, want->end_time);
	assert_int_equal(got->events, want->events);
}

static void check_engine(const char *engine)
{
	struct trace *want = malloc(sizeof(*want)), *got = malloc(sizeof(*got));
	unsigned int ends[5] = { 0 };
	size_t steps = 0;

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		sim_ps limit = seed % 3 ? 40 * SIM_S : SIM_S / 2;

		want->n = got->n = 0;
		want->events = 0;
		run_oracle(want, seed, limit);
		run_real(engine, got, seed, limit);
		compare(want, got, seed);
		ends[want->end]++;
		steps += want->n;
	}
	/* The programs are worth the name: long, and they end in different ways. */
	assert_true(steps > SEEDS * 200);
	assert_true(ends[SIM_END_LIMIT] > 0 && ends[SIM_END_DEADLOCK] > 0);
	free(want);
	free(got);
}

static void test_native(void **state)
{
	(void)state;
	check_engine("native");
}

static void test_simgrid(void **state)
{
	(void)state;
	check_engine("simgrid");
}

/* The comparison itself must bite: one picosecond, one swap. */
static void test_oracle_differs_by_seed(void **state)
{
	struct trace *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));

	(void)state;
	run_oracle(a, 1, SIM_S);
	run_oracle(b, 2, SIM_S);
	assert_true(a->n != b->n || memcmp(a->step, b->step, a->n * sizeof(*a->step)) != 0);
	free(a);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oracle_differs_by_seed),
		cmocka_unit_test(test_native),
		cmocka_unit_test(test_simgrid),
	};

	setenv("MMSIM_PLUGIN_DIR", MMSIM_BINARY_DIR, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
