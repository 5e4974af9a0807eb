/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * RCU against its definition: when a callback runs, no reader is left that began before call_rcu.
 * Readers are stretches with preemption or interrupts off. Also how long a grace period may take
 * with busy, idle and stubborn CPUs, and that what is counted is what happened.
 */
#include "tests/models/model.h"

#define US SIM_US
#define MS SIM_MS

enum { MAX_TASKS = 16, MAX_CALLBACKS = 4096 };

struct world;

struct member {
	struct world *w;
	struct rng rng;
	bool reading;
	sim_ps since; /* of the section it is in */
};

struct callback {
	struct world *w;
	sim_ps queued_at;
	unsigned int cpu, nth;
};

struct world {
	struct model m;
	struct member member[MAX_TASKS];
	struct callback cb[MAX_CALLBACKS];
	unsigned int tasks, n_cb, ran, late;
	unsigned int next_on[8]; /* callbacks run in order on each CPU */
	unsigned int queued_on[8];
	double delays;
	sim_ps max_delay;
	bool sleepy;
};

static void callback_runs(struct kernel *k, struct task *t, void *arg)
{
	struct callback *cb = arg;
	struct world *w = cb->w;
	sim_ps delay = sim_now(k->sim) - cb->queued_at;

	for (unsigned int i = 0; i < w->tasks; i++)
		expect(k, !w->member[i].reading || w->member[i].since >= cb->queued_at,
		       "a reader of %llu sees its callback of %llu run",
		       (unsigned long long)w->member[i].since, (unsigned long long)cb->queued_at);
	expect(k, cb->nth == w->next_on[cb->cpu]++, "callbacks of CPU %u out of order", cb->cpu);
	w->ran++;
	w->late += t == NULL; /* at the end of the run */
	if (!t)
		return;
	w->delays += (double)delay;
	w->max_delay = delay > w->max_delay ? delay : w->max_delay;
}

static void queue_callback(struct task *t, struct world *w)
{
	struct callback *cb = &w->cb[w->n_cb++];

	irq_disable(t); /* so that both know the CPU and the time */
	*cb = (struct callback){ .w = w, .cpu = t->cpu, .nth = w->queued_on[t->cpu]++ };
	spend(t, t->k->cost.rcu_call);
	settle(t);
	cb->queued_at = sim_now(t->k->sim);
	t->k->cost.rcu_call = 0; /* spent already: call_rcu takes no time of its own */
	call_rcu(t, callback_runs, cb);
	irq_enable(t);
}

/* ---- at random ---- */

static void read_section(struct task *t, struct member *me)
{
	bool irqs = rng_below(&me->rng, 3) == 0;
	sim_ps length = rng_below(&me->rng, 20) ? rng_below(&me->rng, 300 * US) : 7 * MS;

	if (irqs)
		irq_disable(t);
	else
		preempt_disable(t);
	settle(t);
	me->since = sim_now(t->k->sim);
	me->reading = true;
	spend(t, length);
	settle(t);
	me->reading = false;
	if (irqs)
		irq_enable(t);
	else
		preempt_enable(t);
}

static void member_body(struct task *t, void *arg)
{
	struct member *me = arg;

	for (unsigned int i = 0; i < 60; i++) {
		switch (rng_below(&me->rng, me->w->sleepy ? 5 : 4)) {
		case 0:
		case 1:
			read_section(t, me);
			break;
		case 2:
			for (uint64_t n = rng_below(&me->rng, 6); n; n--)
				if (me->w->n_cb < MAX_CALLBACKS)
					queue_callback(t, me->w);
			break;
		case 3:
			user_compute(t, rng_below(&me->rng, 500 * US));
			break;
		default:
			task_sleep(t, rng_below(&me->rng, 10 * MS));
		}
	}
}

static struct world *new_world(const char *const *set, uint64_t seed)
{
	struct model_spec spec = { .set = set, .seed = seed };
	struct world *w = calloc(1, sizeof(*w));

	model_start(&w->m, &spec);
	return w;
}

static void free_world(struct world *w)
{
	model_end(&w->m);
	free(w);
}

static const char *const eight[] = { "topology.l3_per_socket=1", "topology.cores_per_l3=4", NULL };
static const char *const slow_tick[] = { "topology.l3_per_socket=1", "topology.cores_per_l3=4",
					 "hz=100", NULL };

static void test_no_reader_is_left(void **state)
{
	unsigned int on_time = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		struct world *w = new_world(seed % 2 ? eight : slow_tick, seed);

		w->tasks = 2 + (unsigned int)seed % (MAX_TASKS - 2);
		w->sleepy = seed % 3;
		for (unsigned int i = 0; i < w->tasks; i++) {
			w->member[i].w = w;
			rng_init(&w->member[i].rng, seed, "member", i);
			spawn(&w->m, "member", i % 2 ? (int)(i % 8) : NO_CPU, member_body,
			      &w->member[i]);
		}
		model_run_clean(&w->m, "grace periods", seed);
		assert_int_equal(w->ran, w->n_cb);
		/* What the metrics say is what was seen. */
		assert_int_equal(counter(&w->m, "rcu.callbacks", ""), w->ran);
		assert_int_equal(histogram(&w->m, "rcu.callback_delay", "")->count, w->ran);
		assert_true(w->late ||
			    histogram(&w->m, "rcu.callback_delay", "")->sum == w->delays);
		on_time += w->ran - w->late;
		free_world(w);
	}
	assert_true(on_time > 1000);
}

/* ---- by hand ---- */

static void queue_and_compute(struct task *t, void *arg)
{
	struct world *w = arg;

	queue_callback(t, w);
	user_compute(t, 100 * MS);
}

static void queue_and_sleep(struct task *t, void *arg)
{
	struct world *w = arg;

	queue_callback(t, w);
	task_sleep(t, 100 * MS);
}

/* Seven CPUs sleep without a tick: only the forced scan, 3 ms after the start at HZ=1000, can tell
 * that they are quiescent. The callback's own CPU starts the grace period at its next tick, is
 * itself quiescent at the second from then, and notices the end at another. */
static void one_callback(task_fn *fn, const char *const *set, sim_ps jiffy, sim_ps fqs)
{
	struct world *w = new_world(set, 1);

	spawn(&w->m, "updater", 2, fn, w);
	model_run_clean(&w->m, "idle CPUs", 1);
	assert_int_equal(w->ran, 1);
	assert_int_equal(w->late, 0);
	assert_in_range(w->max_delay, fqs, fqs + 3 * jiffy);
	assert_in_range(histogram(&w->m, "rcu.grace_period", "")->max, fqs, fqs + jiffy + 50 * US);
	assert_int_equal(histogram(&w->m, "rcu.grace_period", "")->count, 1);
	assert_int_equal(histogram(&w->m, "rcu.backlog", "")->max, 1);
	free_world(w);
}

static void test_idle_cpus(void **state)
{
	(void)state;
	one_callback(queue_and_compute, eight, MS, 3 * MS);
	one_callback(queue_and_compute, slow_tick, 10 * MS, 10 * MS);
}

/* A CPU that goes idle with a callback keeps its tick until the callback has run. */
static void test_updater_goes_idle(void **state)
{
	(void)state;
	one_callback(queue_and_sleep, eight, MS, 3 * MS);
	one_callback(queue_and_sleep, slow_tick, 10 * MS, 10 * MS);
}

static void long_reader(struct task *t, void *arg)
{
	struct world *w = arg;

	preempt_disable(t);
	w->member[0].since = sim_now(t->k->sim);
	w->member[0].reading = true;
	spend(t, 40 * MS);
	settle(t);
	w->member[0].reading = false;
	preempt_enable(t);
	user_compute(t, 30 * MS);
}

/* One reader holds everybody up for as long as it reads, and not much longer. */
static void test_long_reader(void **state)
{
	struct world *w = new_world(eight, 2);

	(void)state;
	w->tasks = 1;
	spawn(&w->m, "reader", 1, long_reader, w);
	spawn(&w->m, "updater", 2, queue_and_compute, w);
	model_run_clean(&w->m, "a long reader", 2);
	assert_int_equal(w->ran, 1);
	assert_in_range(w->max_delay, 39 * MS, 46 * MS);
	free_world(w);
}

static void queue_many(struct task *t, void *arg)
{
	struct world *w = arg;

	for (unsigned int i = 0; i < 3000; i++)
		queue_callback(t, w);
	user_compute(t, 200 * MS);
}

/* A long list is worked off by batches that softirq runs again and again, not ten a tick. */
static void test_backlog(void **state)
{
	struct world *w = new_world(eight, 3);

	(void)state;
	spawn(&w->m, "updater", 2, queue_many, w);
	model_run_clean(&w->m, "a backlog", 3);
	assert_int_equal(w->ran, 3000);
	assert_int_equal(w->late, 0);
	assert_int_equal(histogram(&w->m, "rcu.backlog", "")->max, 3000);
	assert_true(w->max_delay < 50 * MS);
	free_world(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_reader_is_left), cmocka_unit_test(test_idle_cpus),
		cmocka_unit_test(test_updater_goes_idle), cmocka_unit_test(test_long_reader),
		cmocka_unit_test(test_backlog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
