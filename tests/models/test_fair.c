/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whose turn it is on a CPU: who has a slice keeps it, who is owed time goes first, who owes time
 * works it off asleep; and when a task in the kernel gives way. By hand, on one CPU.
 */
#include "tests/models/model.h"

#include "models/kernel/fair.h"

#define US    SIM_US
#define MS    SIM_MS

#define SLICE (2800 * US) /* of 72 CPUs */

/* Nothing but tasks costs time; ticks at multiples of 4 ms and a bit. */
static const char *const quiet[] = { "hz", "250", "ipi.jitter", "0", NULL };

struct scene {
	struct model m;
	struct task *first, *second;
	sim_ps woken_at, second_ran, first_went_on, caught_up;
	unsigned int second_cpu;
	sim_ps before; /* what second computes before it sleeps */
};

static void second_sleeps(struct task *t, void *arg)
{
	struct scene *s = arg;

	user_compute(t, s->before);
	task_block(t);
	s->second_ran = sim_now(t->k->sim);
	s->second_cpu = t->cpu;
	user_compute(t, 100 * US);
}

/* ---- a slice is kept ---- */

static void wakes_early(struct task *t, void *arg)
{
	struct scene *s = arg;

	if (s->before < 10 * US)
		task_sleep(t, 50 * US); /* second slept alone, and owes nothing */
	user_compute(t, 500 * US);
	s->woken_at = sim_now(t->k->sim);
	task_wake(t, s->second);
	user_compute(t, 500 * US);
	s->first_went_on = sim_now(t->k->sim);
	user_compute(t, 20 * MS);
}

/* Would break: a wake-up that preempts whoever had more CPU time than the sleeper. */
static void test_slice_is_kept(void **state)
{
	struct model_spec spec = { .set = quiet };
	struct scene s = { .before = US };

	(void)state;
	model_start(&s.m, &spec);
	s.second = spawn(&s.m, "second", 0, second_sleeps, &s);
	s.first = spawn(&s.m, "first", 0, wakes_early, &s);
	model_run_clean(&s.m, "slice", 0);
	assert_true(s.second_ran > s.first_went_on);
	/* The first tick that finds the slice used up: within a slice and a tick. */
	assert_in_range(s.second_ran, s.first_went_on, s.woken_at + SLICE + 4 * MS);
	model_end(&s.m);
}

/* Would break: who still stands on the queue asleep is requeued as of what the other has run by
 * then, not as of when that was last charged. A parent in vfork goes before its child so. */
static void test_requeued_goes_first(void **state)
{
	struct model_spec spec = { .set = quiet };
	struct scene s = { .before = 100 * US };

	(void)state;
	model_start(&s.m, &spec);
	s.second = spawn(&s.m, "second", 0, second_sleeps, &s);
	s.first = spawn(&s.m, "first", 0, wakes_early, &s); /* waits meanwhile: second owes */
	model_run_clean(&s.m, "requeued", 0);
	assert_in_range(s.second_ran, s.woken_at, s.woken_at + 10 * US);
	assert_true(s.first_went_on > s.woken_at + 600 * US);
	model_end(&s.m);
}

/* ---- who is owed time goes first ---- */

static void wakes_owed(struct task *t, void *arg)
{
	struct scene *s = arg;

	task_sleep(t, 50 * US); /* second slept alone, and owes nothing */
	user_compute(t, 300 * US);
	s->second->vlag = (int64_t)(500 * US); /* as if others had run while it waited */
	s->woken_at = sim_now(t->k->sim);
	task_wake(t, s->second);
	user_compute(t, 500 * US);
	s->first_went_on = sim_now(t->k->sim);
}

static void test_owed_goes_first(void **state)
{
	struct model_spec spec = { .set = quiet };
	struct scene s = { .before = US };

	(void)state;
	model_start(&s.m, &spec);
	s.second = spawn(&s.m, "second", 0, second_sleeps, &s);
	s.first = spawn(&s.m, "first", 0, wakes_owed, &s);
	model_run_clean(&s.m, "owed", 0);
	assert_in_range(s.second_ran, s.woken_at, s.woken_at + 10 * US);
	assert_true(s.first_went_on > s.woken_at + 600 * US);
	model_end(&s.m);
}

static void wakes_first(struct task *t, void *arg)
{
	struct scene *s = arg;

	task_sleep(t, 50 * US);
	user_compute(t, 300 * US);
	s->second->vlag = -(int64_t)(500 * US); /* it would have to wait */
	s->woken_at = sim_now(t->k->sim);
	task_wake_first(t, s->second);
	expect(t->k, !s->second->goes_first, "for ever");
	user_compute(t, 500 * US);
	s->first_went_on = sim_now(t->k->sim);
}

/* A recording knows more than the scheduler: it goes first, once. */
static void test_goes_first(void **state)
{
	struct model_spec spec = { .set = quiet };
	struct scene s = { .before = US };

	(void)state;
	model_start(&s.m, &spec);
	s.second = spawn(&s.m, "second", 0, second_sleeps, &s);
	s.first = spawn(&s.m, "first", 0, wakes_first, &s);
	model_run_clean(&s.m, "goes first", 0);
	assert_in_range(s.second_ran, s.woken_at, s.woken_at + 10 * US);
	assert_true(s.first_went_on > s.woken_at + 600 * US);
	model_end(&s.m);
}

static void gives_way(struct task *t, void *arg)
{
	struct scene *s = arg;

	task_sleep(t, 50 * US);
	user_compute(t, 300 * US);
	s->second->vlag = -(int64_t)(500 * US);
	task_wake(t, s->second); /* it waits */
	user_compute(t, 100 * US);
	s->woken_at = sim_now(t->k->sim);
	task_give_way(t, s->second);
	s->first_went_on = sim_now(t->k->sim);
	task_give_way(t, s->second); /* it has gone: nothing happens */
	user_compute(t, 100 * US);
}

/* Somebody who is awake already is let by. */
static void test_gives_way(void **state)
{
	struct model_spec spec = { .set = quiet };
	struct scene s = { .before = US };

	(void)state;
	model_start(&s.m, &spec);
	s.second = spawn(&s.m, "second", 0, second_sleeps, &s);
	s.first = spawn(&s.m, "first", 0, gives_way, &s);
	model_run_clean(&s.m, "gives way", 0);
	assert_in_range(s.second_ran, s.woken_at, s.woken_at + 10 * US);
	assert_true(s.first_went_on > s.woken_at + 100 * US);
	model_end(&s.m);
}

/* ---- who owes time stays on the queue asleep ---- */

static void catches_up(struct task *t, void *arg)
{
	struct scene *s = arg;

	expect(t->k, s->second->delayed && s->second->queued, "it owes, and left the queue");
	expect(t->k, !this_cpu(t)->nr_queued, "it counts as waiting for the CPU");
	s->woken_at = sim_now(t->k->sim);
	task_wake(t, s->second);
	expect(t->k, !s->second->delayed && s->second->queued && s->second->cpu == t->cpu,
	       "awake, and not where it slept");
	expect(t->k, this_cpu(t)->nr_queued == 1, "it does not wait for the CPU");
	user_compute(t, 500 * US);
	s->first_went_on = sim_now(t->k->sim);
	user_compute(t, 20 * MS);
}

/* Would break: a sleeper that comes back at once with its debt forgotten, or on another CPU though
 * it never left the queue of this one. */
static void test_debt(void **state)
{
	struct model_spec spec = { .set = quiet };
	struct scene s = { .before = 2 * MS };

	(void)state;
	model_start(&s.m, &spec);
	s.second = spawn(&s.m, "second", NO_CPU, second_sleeps, &s);
	s.first = spawn(&s.m, "first", (int)s.second->cpu, catches_up, &s);
	model_run_clean(&s.m, "debt", 0);
	assert_true(s.second_ran > s.first_went_on);
	model_end(&s.m);
}

static void ends(struct task *t, void *arg)
{
	struct scene *s = arg;

	user_compute(t, 500 * US);
	expect(t->k, s->second->delayed, "it slept off its debt too early");
}

static void wakes_from_afar(struct task *t, void *arg)
{
	struct scene *s = arg;

	task_sleep(t, 15 * MS);
	expect(t->k, !s->second->delayed && !s->second->queued,
	       "still on the queue of an idle CPU");
	expect(t->k, s->second->vlag <= 0, "its debt became credit");
	task_wake(t, s->second);
}

/* A CPU on which only such sleepers are left goes idle. */
static void test_debt_ends(void **state)
{
	struct model_spec spec = { .set = quiet };
	struct scene s = { .before = 1300 * US };

	(void)state;
	model_start(&s.m, &spec);
	s.second = spawn(&s.m, "second", 0, second_sleeps, &s);
	s.first = spawn(&s.m, "first", 0, ends, &s);
	spawn(&s.m, "afar", 1, wakes_from_afar, &s);
	model_run_clean(&s.m, "end of a debt", 0);
	assert_in_range(s.second_ran, 15 * MS, 15 * MS + 20 * US);
	model_end(&s.m);
}

/* ---- shares ---- */

enum { SHARERS = 5 };

struct sharers {
	struct model m;
	sim_ps ran[SHARERS];
	bool stop;
};

struct sharer {
	struct sharers *all;
	unsigned int i;
};

/* Each in pieces of its own length, some with short sleeps in between. */
static void shares(struct task *t, void *arg)
{
	struct sharer *me = arg;
	sim_ps piece = (100 + 170 * me->i) * US;

	while (!me->all->stop) {
		user_compute(t, piece);
		me->all->ran[me->i] += piece;
		if (sim_now(t->k->sim) > 400 * MS)
			me->all->stop = true;
		if (me->i % 2)
			task_sleep(t, 10 * US);
	}
}

/* Would break: lag that gets lost, or is paid twice. Nobody is ahead by more than a few slices. */
static void test_shares(void **state)
{
	struct model_spec spec = { .set = quiet };
	struct sharers all = { .stop = false };
	struct sharer one[SHARERS];
	sim_ps least = SIM_NEVER, most = 0;

	(void)state;
	model_start(&all.m, &spec);
	for (unsigned int i = 0; i < SHARERS; i++) {
		one[i] = (struct sharer){ &all, i };
		spawn(&all.m, "sharer", 0, shares, &one[i]);
	}
	model_run_clean(&all.m, "shares", 0);
	for (unsigned int i = 0; i < SHARERS; i++) {
		least = all.ran[i] < least ? all.ran[i] : least;
		most = all.ran[i] > most ? all.ran[i] : most;
	}
	assert_true(most - least < 5 * SLICE);
	model_end(&all.m);
}

/* ---- giving way in the kernel ---- */

static void works_in_kernel(struct task *t, void *arg)
{
	struct scene *s = arg;

	task_sleep(t, 50 * US);
	for (int i = 0; i < 10; i++) {
		spend_time(t, MS);
		settle(t);
	}
	s->first_went_on = sim_now(t->k->sim);
	cond_resched(t);
	spend_time(t, MS);
	settle(t);
	s->caught_up = sim_now(t->k->sim);
	user_compute(t, US);
}

static void wakes_other_cpu(struct task *t, void *arg)
{
	struct scene *s = arg;

	task_sleep(t, 1500 * US);
	s->second->vlag = (int64_t)(3 * MS);
	s->woken_at = sim_now(t->k->sim);
	task_wake(t, s->second);
}

static struct scene give_way(const char *preempt)
{
	const char *set[] = { "hz", "250", "ipi.jitter", "0", "preempt", preempt, NULL };
	struct model_spec spec = { .set = set };
	struct scene s = { .before = US };

	model_start(&s.m, &spec);
	s.second = spawn(&s.m, "second", 0, second_sleeps, &s);
	spawn(&s.m, "kernel", 0, works_in_kernel, &s);
	spawn(&s.m, "waker", 1, wakes_other_cpu, &s);
	model_run_clean(&s.m, preempt, 0);
	model_end(&s.m);
	return s;
}

/* Would break: a holder of a semaphore that is preempted where the recorded kernels never do it. */
static void test_preemption(void **state)
{
	struct scene none = give_way("none"), lazy = give_way("lazy"), full = give_way("full");

	(void)state;
	assert_in_range(full.second_ran, full.woken_at, full.woken_at + 10 * US);
	/* asked at 1.5 ms, or at the tick that found its slice used up; done a tick later */
	assert_true(lazy.second_ran > lazy.woken_at + 100 * US);
	assert_true(lazy.second_ran < lazy.woken_at + 8 * MS + 10 * US);
	assert_in_range(none.second_ran, none.first_went_on, none.first_went_on + 10 * US);
	/* cond_resched is nothing to the others; but they had given way before */
	assert_true(none.caught_up > none.second_ran + MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slice_is_kept),   cmocka_unit_test(test_requeued_goes_first),
		cmocka_unit_test(test_owed_goes_first), cmocka_unit_test(test_goes_first),
		cmocka_unit_test(test_gives_way),       cmocka_unit_test(test_debt),
		cmocka_unit_test(test_debt_ends),       cmocka_unit_test(test_shares),
		cmocka_unit_test(test_preemption),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
