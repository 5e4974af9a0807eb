/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Waiting for readers, normal and expedited, against the definition: when it returns, no reader is
 * left that began before the call. Also the tree of large machines, floods of callbacks, what
 * ksoftirqd is for, and the memory that waits; and that the oracle bites.
 */
#include "tests/models/model.h"

#define US SIM_US
#define MS SIM_MS

enum { MAX_TASKS = 16, ROUNDS = 40 };

struct world;

struct member {
	struct world *w;
	struct rng rng;
	bool reading;
	sim_ps since;
};

struct world {
	struct model m;
	struct member member[MAX_TASKS];
	unsigned int tasks, syncs;
	bool expedited, unprotected; /* unprotected: readers that forget to say so */
	unsigned int ran;
	sim_ps took;
};

static void wait_for_readers(struct task *t, struct world *w)
{
	sim_ps asked_at;

	settle(t);
	asked_at = sim_now(t->k->sim);
	if (w->expedited)
		synchronize_rcu_expedited(t);
	else
		synchronize_rcu(t);
	for (unsigned int i = 0; i < w->tasks; i++)
		expect(t->k, !w->member[i].reading || w->member[i].since >= asked_at,
		       "a reader of %llu is still there", (unsigned long long)w->member[i].since);
	w->took = sim_now(t->k->sim) - asked_at;
	w->syncs++;
}

static void read_for(struct task *t, struct member *me, sim_ps length)
{
	if (!me->w->unprotected)
		preempt_disable(t);
	settle(t);
	me->since = sim_now(t->k->sim);
	me->reading = true;
	spend(t, length);
	settle(t);
	me->reading = false;
	if (!me->w->unprotected)
		preempt_enable(t);
}

static void member_body(struct task *t, void *arg)
{
	struct member *me = arg;
	/* Many outlast a grace period: no others would notice one that ends too early. */
	sim_ps longest = me->w->expedited ? 400 * US : 20 * MS;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		switch (rng_below(&me->rng, 6)) {
		case 0:
			wait_for_readers(t, me->w);
			break;
		case 1:
			task_sleep(t, rng_below(&me->rng, 2 * MS));
			break;
		case 2:
			user_compute(t, rng_below(&me->rng, 300 * US));
			break;
		default:
			read_for(t, me, rng_below(&me->rng, longest));
		}
	}
}

static const char *const eight[] = { "topology.l3_per_socket=1", "topology.cores_per_l3=4", NULL };

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

static struct world *run_random(const char *const *set, uint64_t seed, bool expedited,
				bool unprotected)
{
	struct world *w = new_world(set, seed);

	w->tasks = 2 + (unsigned int)seed % (MAX_TASKS - 2);
	w->expedited = expedited;
	w->unprotected = unprotected;
	for (unsigned int i = 0; i < w->tasks; i++) {
		w->member[i].w = w;
		rng_init(&w->member[i].rng, seed, "member", i);
		spawn(&w->m, "member", i % 2 ? (int)(i * 5 % w->m.k->nr_cpus) : NO_CPU, member_body,
		      &w->member[i]);
	}
	model_run(&w->m);
	if (w->m.end == SIM_END_FINISHED)
		model_finish(&w->m);
	return w;
}

static void test_no_reader_is_left(void **state)
{
	unsigned int syncs[2] = { 0, 0 };

	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		bool expedited = seed % 2;
		struct world *w = run_random(seed % 3 ? eight : NULL, seed, expedited, false);

		check_clean(&w->m, "waiting for readers", seed);
		if (expedited)
			assert_int_equal(histogram(&w->m, "rcu.expedited", "")->count +
						 counter(&w->m, "rcu.expedited_shared", ""),
					 w->syncs);
		syncs[expedited] += w->syncs;
		free_world(w);
	}
	assert_true(syncs[0] > 500 && syncs[1] > 500);
}

/* Readers that do not say that they read are not waited for: the check above would tell. */
static void test_the_oracle_bites(void **state)
{
	uint64_t caught[2] = { 0, 0 };

	(void)state;
	for (uint64_t seed = 0; seed < 12; seed++) {
		struct world *w = run_random(eight, seed, seed % 2, true);

		caught[seed % 2] += violations_of(&w->m, "test");
		free_world(w);
	}
	assert_true(caught[0] > 0 && caught[1] > 0);
}

/* ---- by hand ---- */

static void sync_once(struct task *t, void *arg)
{
	struct world *w = arg;

	user_compute(t, MS);
	wait_for_readers(t, w);
	w->ran++;
}

static void busy(struct task *t, void *arg)
{
	(void)arg;
	user_compute(t, 30 * MS);
}

static void late_reader(struct task *t, void *arg)
{
	struct member *me = arg;

	user_compute(t, 900 * US);
	read_for(t, me, 5 * MS);
	user_compute(t, 10 * MS);
}

/* Tens of microseconds, one interrupt for each busy CPU and none for idle ones. */
static void test_expedited_is_fast(void **state)
{
	struct world *w = new_world(eight, 1);

	(void)state;
	w->expedited = true;
	spawn(&w->m, "updater", 0, sync_once, w);
	for (int cpu = 1; cpu < 4; cpu++)
		spawn(&w->m, "busy", cpu, busy, w);
	model_run_clean(&w->m, "expedited", 1);
	assert_in_range(w->took, 1 * US, 50 * US);
	assert_int_equal(counter(&w->m, "ipi.sent", "rcu"), 3);
	free_world(w);
}

/* A reader on the last CPU of a machine with a tree of two levels: waited for, and not much longer.
 */
static void late_reader_on(bool expedited, sim_ps most)
{
	struct world *w = new_world(NULL, 2);
	int last = (int)w->m.k->nr_cpus - 1;

	w->expedited = expedited;
	w->tasks = 1;
	w->member[0].w = w;
	spawn(&w->m, "updater", 0, sync_once, w);
	spawn(&w->m, "reader", last, late_reader, &w->member[0]);
	model_run_clean(&w->m, "the last leaf", 2);
	assert_int_equal(w->ran, 1);
	assert_in_range(w->took, 4800 * US, most);
	free_world(w);
}

static void test_tree(void **state)
{
	(void)state;
	late_reader_on(true, 5 * MS);
	late_reader_on(false, 14 * MS);
}

static void count_it(struct kernel *k, struct task *t, void *arg)
{
	struct world *w = arg;

	(void)k;
	w->ran += t != NULL;
	if (t)
		spend(t, US); /* dear: ten rounds are not enough */
}

static void flood(struct task *t, void *arg)
{
	struct world *w = arg;

	for (unsigned int i = 0; i < 4000; i++)
		call_rcu_pinning(t, count_it, w, PAGE_SIZE);
	user_compute(t, 60 * MS);
}

/* Softirq gives up after 2 ms; ksoftirqd goes on beside the task, not at the next tick. */
static void test_ksoftirqd(void **state)
{
	struct world *w = new_world(eight, 3);

	(void)state;
	spawn(&w->m, "flood", 1, flood, w);
	model_run_clean(&w->m, "ksoftirqd", 3);
	assert_int_equal(w->ran, 4000);
	assert_true(series_max(metric_find(sim_metrics(w->m.sim), "rcu.waiting", "")->series) ==
		    4000);
	assert_true(series_max(metric_find(sim_metrics(w->m.sim), "rcu.pinned", "")->series) ==
		    4000.0 * PAGE_SIZE);
	/* The task's CPU is shared with ksoftirqd, which is a task as well. */
	assert_true(counter(&w->m, "sched.context_switches", "") > 4);
	free_world(w);
}

static void big_flood(struct task *t, void *arg)
{
	struct world *w = arg;
	uint64_t runs = 0;

	for (unsigned int i = 0; i < 25000; i++) {
		call_rcu(t, count_it, w);
		if (i == 9990)
			expect(t->k, !kernel_rcu_runs(t->k), "a grace period before qhimark");
		if (i == 12000)
			expect(t->k, kernel_rcu_runs(t->k), "none after qhimark");
		if (i == 20000)
			runs = kernel_rcu_runs(t->k);
	}
	user_compute(t, 20 * US);
	expect(t->k, kernel_rcu_runs(t->k) > runs, "the next flood did not force a scan");
	user_compute(t, 100 * MS);
}

/* More than qhimark: a grace period starts before any tick asks for it; more still: it scans at
 * once. */
static void test_flood(void **state)
{
	static const char *const slow_tick[] = { "topology.l3_per_socket=1",
						 "topology.cores_per_l3=4", "hz=100", NULL };
	struct world *w = new_world(slow_tick, 4);

	(void)state;
	spawn(&w->m, "flood", 1, big_flood, w);
	model_run_clean(&w->m, "flood", 4);
	assert_int_equal(w->ran, 25000);
	free_world(w);
}

/* ---- offloaded callbacks ---- */

static void test_offloaded(void **state)
{
	static const char *const offloaded[] = { "topology.l3_per_socket=1",
						 "topology.cores_per_l3=4",
						 "rcu-callbacks=offloaded", NULL };
	unsigned int syncs = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct world *w = run_random(offloaded, seed, false, false);

		check_clean(&w->m, "offloaded", seed);
		syncs += w->syncs;
		free_world(w);
	}
	assert_true(syncs > 500);
}

struct lazy {
	struct world *w;
	bool hurry;
	sim_ps queued_at, delay;
};

static void lazy_ran(struct kernel *k, struct task *t, void *arg)
{
	struct lazy *l = arg;

	l->delay = sim_now(k->sim) - l->queued_at;
	expect(k, t && t->kthread && !strcmp(t->comm, "rcuop"), "invoked by %s",
	       t ? t->comm : "nobody");
}

static void queue_lazily(struct task *t, void *arg)
{
	struct lazy *l = arg;

	user_compute(t, MS);
	l->queued_at = sim_now(t->k->sim);
	call_rcu(t, lazy_ran, l);
	user_compute(t, 10 * MS);
	if (l->hurry)
		synchronize_rcu(t);
	user_compute(t, 80 * MS);
}

/* A lazy callback waits for its time, or for somebody on its CPU who does not. */
static void test_lazy(void **state)
{
	static const char *const lazy[] = { "topology.l3_per_socket=1", "topology.cores_per_l3=4",
					    "rcu-callbacks=offloaded", "rcu-callbacks.lazy=50ms",
					    NULL };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct world *w = new_world(lazy, i);
		struct lazy l = { .w = w, .hurry = i };

		spawn(&w->m, "updater", 2, queue_lazily, &l);
		model_run_clean(&w->m, "lazy", i);
		if (i)
			assert_in_range(l.delay, 10 * MS, 25 * MS);
		else
			assert_in_range(l.delay, 50 * MS, 65 * MS);
		free_world(w);
	}
}

/* A nohz_full CPU that queues a callback goes on without ticks: threads elsewhere see to it. */
static void test_nohz_full_is_offloaded(void **state)
{
	static const char *const nohz[] = { "topology.l3_per_socket=1", "topology.cores_per_l3=4",
					    "isolated_cores=2", NULL };
	struct world *w = new_world(nohz, 1);
	struct lazy l = { .w = w };

	(void)state;
	spawn(&w->m, "updater", 3, queue_lazily, &l);
	model_run_clean(&w->m, "nohz_full", 1);
	assert_in_range(l.delay, 3 * MS, 12 * MS);
	assert_in_range(counter(&w->m, "sched.ticks", ""), 0, 15);
	free_world(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_reader_is_left),
		cmocka_unit_test(test_the_oracle_bites),
		cmocka_unit_test(test_expedited_is_fast),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_ksoftirqd),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_offloaded),
		cmocka_unit_test(test_lazy),
		cmocka_unit_test(test_nohz_full_is_offloaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
