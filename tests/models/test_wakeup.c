/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Wake-ups: who tells the CPU and by which interrupt, what travels, the order of a wake_q, and that
 * nothing is lost between wakers, callers and a CPU on its way into or out of idleness.
 */
#include "tests/models/model.h"

#define US SIM_US
#define NS SIM_NS

enum { SAME_L3 = 1, OTHER_L3 = 6 }; /* CPUs of milan-1s72, seen from CPU 0 */

static const char *const quiet[] = { "ipi.jitter=0", "hz=100", "cache.code_line=0ps", NULL };

struct scene {
	struct model m;
	struct task *sleeper[4];
	unsigned int nr_sleepers, order[4], ran;
	unsigned int calls, rounds;
	struct rng rng;
};

static void sleeps(struct task *t, void *arg)
{
	struct scene *s = arg;

	sched_block(t, "its wake-up");
	for (unsigned int i = 0; i < s->nr_sleepers; i++)
		if (s->sleeper[i] == t)
			s->order[s->ran++] = i;
}

static void computes(struct task *t, void *arg)
{
	(void)arg;
	user_compute(t, 30 * SIM_MS);
}

/* All sleepers on one CPU, or each on one of its own. */
static void start(struct scene *s, const char *const *set, unsigned int nr, int cpu, int step)
{
	struct model_spec spec = { .set = set };

	*s = (struct scene){ .nr_sleepers = nr };
	model_start(&s->m, &spec);
	for (unsigned int i = 0; i < nr; i++)
		s->sleeper[i] = spawn(&s->m, "sleeps", cpu + (int)i * step, sleeps, s);
}

/* ---- ttwu_queue_wakelist ---- */

/* After a tick (8 ms), at which sleepers that owe time leave the queue, and a slice (2.8 ms),
 * before the next. */
#define WAKE_AT (17 * SIM_MS)

static void wakes(struct task *t, void *arg)
{
	struct scene *s = arg;

	user_compute(t, WAKE_AT);
	for (unsigned int i = 0; i < s->nr_sleepers; i++)
		sched_wake(t, s->sleeper[i]);
}

struct way {
	const char *what;
	int cpu;
	bool busy;
	unsigned int wakeups, reschedules, queue_moves;
};

/* A CPU of another L3 group gets the task on its call_single_queue, and so does one that is idle;
 * to a busy one nearby the waker goes itself. Would break: one way for all. */
static void test_ways(void **state)
{
	static const char *const set[] = { "ipi.jitter=0", "hz=100", "cache.code_line=0ps",
					   "idle_mwait=false", NULL };
	static const struct way ways[] = {
		{ "idle, nearby", SAME_L3, false, 1, 0, 2 },
		{ "idle, far", OTHER_L3, false, 1, 0, 2 },
		{ "busy, nearby", SAME_L3, true, 0, 1, 0 },
		{ "busy, far", OTHER_L3, true, 1, 0, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const struct way *w = &ways[i];
		struct scene s;

		start(&s, set, 1, w->cpu, 0);
		if (w->busy)
			spawn(&s.m, "computes", w->cpu, computes, &s);
		spawn(&s.m, "wakes", 0, wakes, &s);
		model_run_clean(&s.m, w->what, 0);
		assert_int_equal(s.ran, 1);
		assert_int_equal(counter(&s.m, "ipi.sent", "wakeup"), w->wakeups);
		assert_int_equal(counter(&s.m, "ipi.sent", "reschedule"), w->reschedules);
		assert_int_equal(counter(&s.m, "line.transfers", "call_single_queue"),
				 w->queue_moves);
		model_end(&s.m);
	}
}

/* ---- who has been told is not told again ---- */

static void deaf(struct task *t, void *arg)
{
	(void)arg;
	user_compute(t, WAKE_AT - 20 * US);
	irq_disable(t);
	spend(t, 200 * US);
	irq_enable(t);
	user_compute(t, 20 * SIM_MS);
}

static void test_told_once(void **state)
{
	static const int cpus[] = { SAME_L3, OTHER_L3 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct scene s;

		start(&s, quiet, 4, cpus[i], 0);
		spawn(&s.m, "deaf", cpus[i], deaf, &s);
		spawn(&s.m, "wakes", 0, wakes, &s);
		model_run_clean(&s.m, "told once", i);
		assert_int_equal(s.ran, 4);
		assert_int_equal(counter(&s.m, "ipi.sent", i ? "wakeup" : "reschedule"), 1);
		assert_int_equal(counter(&s.m, "ipi.sent", i ? "reschedule" : "wakeup"), 0);
		model_end(&s.m);
	}
}

/* ---- one interrupt for a queue that calls and wake-ups share ---- */

static void note_call(struct task *t, void *info)
{
	(void)t;
	++*(unsigned int *)info;
}

struct shared_queue {
	struct scene s;
	bool call_first;
};

static void calls_and_wakes(struct task *t, void *arg)
{
	struct shared_queue *q = arg;
	struct scene *s = &q->s;

	user_compute(t, WAKE_AT);
	if (!q->call_first)
		sched_wake(t, s->sleeper[0]);
	smp_call_function_single_async(t, OTHER_L3, note_call, &s->calls, IPI_CALL);
	if (q->call_first)
		sched_wake(t, s->sleeper[0]);
}

static void test_shared_queue(void **state)
{
	(void)state;
	for (int call_first = 0; call_first < 2; call_first++) {
		struct shared_queue q;

		start(&q.s, quiet, 1, OTHER_L3, 0);
		q.call_first = call_first;
		spawn(&q.s.m, "deaf", OTHER_L3, deaf, &q.s);
		spawn(&q.s.m, "calls", 0, calls_and_wakes, &q);
		model_run_clean(&q.s.m, "shared queue", (uint64_t)call_first);
		assert_int_equal(q.s.ran, 1);
		assert_int_equal(q.s.calls, 1);
		assert_int_equal(counter(&q.s.m, "ipi.sent", "wakeup"), !call_first);
		assert_int_equal(counter(&q.s.m, "ipi.sent", "call"), call_first);
		model_end(&q.s.m);
	}
}

/* ---- wake_q ---- */

static void wakes_by_queue(struct task *t, void *arg)
{
	static const unsigned int order[] = { 2, 0, 2, 3, 1, 0 };
	struct scene *s = arg;
	struct wake_q q = { 0 };

	user_compute(t, SIM_MS);
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		wake_q_add(t, &q, s->sleeper[order[i]]);
	expect(t->k, !s->ran, "woken before its time");
	wake_up_q(t, &q);
}

/* In the order of their coming, each once. */
static void test_wake_q(void **state)
{
	static const unsigned int expected[] = { 2, 0, 3, 1 };
	struct scene s;

	(void)state;
	start(&s, quiet, 4, SAME_L3, 1);
	spawn(&s.m, "wakes", 0, wakes_by_queue, &s);
	model_run_clean(&s.m, "wake_q", 0);
	assert_int_equal(s.ran, 4);
	assert_memory_equal(s.order, expected, sizeof(expected));
	model_end(&s.m);
}

/* ---- nothing is lost ---- */

#define ROUNDS 300

static void naps(struct task *t, void *arg)
{
	struct scene *s = arg;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		s->rounds++;
		task_block(t);
	}
}

static void wakes_naps(struct task *t, void *arg)
{
	struct scene *s = arg;

	while (s->sleeper[0]->state != TASK_DEAD) {
		user_compute(t, rng_below(&s->rng, 3 * US));
		if (s->rounds < ROUNDS || s->sleeper[0]->state == TASK_BLOCKED)
			task_wake(t, s->sleeper[0]);
	}
}

static void calls(struct task *t, void *arg)
{
	struct scene *s = arg;
	struct cpumask mask;

	cpumask_clear(&mask);
	cpumask_set(&mask, SAME_L3);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		user_compute(t, rng_below(&s->rng, 4 * US));
		smp_call_function_many_cond(t, &mask, note_call, &s->calls, NULL, IPI_CALL);
	}
}

/* A CPU that goes into and out of idleness all the time is woken from near and far and called, all
 * through one queue: whoever finds it filled sends nothing. Would break: a call or a sleeper left
 * there, whose caller spins until the watchdog ends it. */
static void test_nothing_lost(void **state)
{
	static const char *const sets[][3] = {
		{ NULL },
		{ "idle_mwait=false", NULL },
		{ "idle_polls=true", NULL },
		{ "virt.guest=true", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		for (uint64_t seed = 0; seed < 4; seed++) {
			struct model_spec spec = { .set = sets[i], .seed = seed };
			struct scene s = { .nr_sleepers = 1 };

			rng_init(&s.rng, seed, "test", 0);
			model_start(&s.m, &spec);
			s.sleeper[0] = spawn(&s.m, "naps", SAME_L3, naps, &s);
			spawn(&s.m, "near", 0, wakes_naps, &s);
			spawn(&s.m, "far", OTHER_L3, wakes_naps, &s);
			spawn(&s.m, "calls", 2, calls, &s);
			spawn(&s.m, "calls", OTHER_L3 + 1, calls, &s);
			model_run_clean(&s.m, "nothing lost", seed);
			assert_int_equal(s.calls, 2 * ROUNDS);
			model_end(&s.m);
		}
	}
}

/* ---- what a semaphore's sleeper costs its waker ---- */

struct sem_scene {
	struct model m;
	struct rwsem sem;
};

static void holds_long(struct task *t, void *arg)
{
	struct sem_scene *s = arg;

	down_write(t, &s->sem);
	user_compute(t, SIM_MS);
	up_write(t, &s->sem);
}

static void reads_late(struct task *t, void *arg)
{
	struct sem_scene *s = arg;
	struct read_hold hold;

	user_compute(t, 100 * US);
	down_read(t, &s->sem, &hold);
	up_read(t, &s->sem, &hold);
}

/* The waiter lies on the sleeper's stack: who wakes reads it, then takes it off the list, which
 * asks for the line once more, and the sleeper reads it. */
static void test_waiter_line(void **state)
{
	struct model_spec spec = { .set = quiet };
	struct sem_scene s;

	(void)state;
	model_start(&s.m, &spec);
	rwsem_init(s.m.k, &s.sem, lock_class_get(s.m.k, "test_sem"));
	spawn(&s.m, "holds", 0, holds_long, &s);
	spawn(&s.m, "reads", SAME_L3, reads_late, &s);
	model_run(&s.m);
	rwsem_free(s.m.k, &s.sem);
	model_finish(&s.m);
	check_clean(&s.m, "waiter", 0);
	assert_int_equal(counter(&s.m, "line.transfers", "rwsem_waiter"), 3);
	model_end(&s.m);
}

/* ---- a task that spins for another ---- */

struct spin_scene {
	struct model m;
	struct task *spinner;
	sim_ps told_at, ended_at, alone;
};

static void spins(struct task *t, void *arg)
{
	struct spin_scene *s = arg;
	sim_ps start = sim_now(s->m.sim);

	task_spin(t, 10 * US);
	s->alone = sim_now(s->m.sim) - start;
	task_spin(t, SIM_S);
	s->ended_at = sim_now(s->m.sim);
}

static void tells(struct task *t, void *arg)
{
	struct spin_scene *s = arg;

	user_compute(t, 50 * US);
	s->told_at = sim_now(s->m.sim);
	task_spin_end(s->spinner);
}

/* Would break: a spin that nobody can end, or one without an end of its own. */
static void test_spin(void **state)
{
	struct model_spec spec = { .set = quiet };
	struct spin_scene s = { .told_at = 0 };

	(void)state;
	model_start(&s.m, &spec);
	s.spinner = spawn(&s.m, "spins", 0, spins, &s);
	spawn(&s.m, "tells", SAME_L3, tells, &s);
	model_run_clean(&s.m, "spin", 0);
	assert_in_range(s.alone, 10 * US, 11 * US);
	assert_in_range(s.ended_at, s.told_at, s.told_at + US);
	model_end(&s.m);
}

static void forks(struct task *t, void *arg)
{
	struct task_attr attr = { .comm = "child", .cpu = 1, .fn = computes };

	(void)arg;
	user_compute(t, 20 * SIM_MS); /* CPU 1 has halted */
	sys_clone_thread(t, &attr);
}

/* A new task is no matter of call_single_queue: its idle CPU is told to look who is next. */
static void test_new_task(void **state)
{
	struct model_spec spec = { .machine = "zen5-vm2", .set = quiet };
	struct model m;

	(void)state;
	model_start(&m, &spec);
	spawn(&m, "forks", 0, forks, NULL);
	model_run_clean(&m, "new task", 0);
	assert_int_equal(counter(&m, "ipi.sent", "reschedule"), 1);
	assert_int_equal(counter(&m, "ipi.sent", "wakeup"), 0);
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ways),         cmocka_unit_test(test_told_once),
		cmocka_unit_test(test_shared_queue), cmocka_unit_test(test_wake_q),
		cmocka_unit_test(test_nothing_lost), cmocka_unit_test(test_waiter_line),
		cmocka_unit_test(test_spin),         cmocka_unit_test(test_new_task),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
