/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * qspinlock access by access: what a hand-over costs with one waiter (the pending bit) and with
 * more (MCS nodes), who touches which line, and how holds are split by what they contain. Exclusion
 * and order under random load are in test_locks.c.
 */
#include "tests/models/model.h"

#define NS SIM_NS
#define US SIM_US

enum { TASKS = 6 };

static const char lock_class[] = "test_spin", other_class[] = "test_other",
		  sem_class[] = "test_sem";

struct scene {
	struct model m;
	struct spinlock lock, other;
	struct rwsem sem;
	sim_ps got_at[TASKS], left_at[TASKS];
	unsigned int order[TASKS], n;
};

struct actor {
	struct scene *s;
	unsigned int i;
	sim_ps arrives, holds;
};

static void scene_start(struct scene *s, const char *const *set)
{
	struct model_spec spec = { .set = set, .seed = 1 };

	*s = (struct scene){ .n = 0 };
	model_start(&s->m, &spec);
	spin_lock_init(s->m.k, &s->lock, lock_class_get(s->m.k, lock_class));
	spin_lock_init(s->m.k, &s->other, lock_class_get(s->m.k, other_class));
	rwsem_init(s->m.k, &s->sem, lock_class_get(s->m.k, sem_class));
}

static void scene_run(struct scene *s, const char *what)
{
	model_run(&s->m);
	if (s->m.end == SIM_END_FINISHED) {
		spin_lock_free(s->m.k, &s->lock);
		spin_lock_free(s->m.k, &s->other);
		rwsem_free(s->m.k, &s->sem);
		kernel_finish(s->m.k);
	}
	check_clean(&s->m, what, 1);
}

static void visit(struct task *t, void *arg)
{
	struct actor *a = arg;
	struct scene *s = a->s;

	user_compute(t, a->arrives - sim_now(t->k->sim));
	irq_disable(t); /* nothing comes between */
	spin_lock(t, &s->lock);
	s->got_at[a->i] = sim_now(t->k->sim);
	s->order[s->n++] = a->i;
	spend(t, a->holds);
	settle(t);
	s->left_at[a->i] = sim_now(t->k->sim);
	spin_unlock(t, &s->lock);
	irq_enable(t);
}

static void spawn_visitors(struct scene *s, struct actor *a, unsigned int n, unsigned int apart)
{
	for (unsigned int i = 0; i < n; i++) {
		a[i] = (struct actor){ s, i, 20 * US + i * US, 10 * US };
		spawn(&s->m, "visitor", (int)(i * apart), visit, &a[i]);
	}
}

/* The owner's store takes the line from the spinner, who fetches it back after half a PAUSE; its
 * own store is posted. */
static sim_ps hand_over(const struct scene *s, enum distance d)
{
	const struct machine *m = s->m.k->m;
	sim_ps l = m->line_latency[d];

	return l + m->desc.line.hit + l + m->desc.line.hit + m->desc.pause / 2;
}

static void test_pending(void **state)
{
	static const unsigned int apart[] = { 1, 6 };
	static const enum distance distance[] = { DIST_SAME_L3, DIST_SAME_SOCKET };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct actor a[TASKS];
		struct scene s;

		scene_start(&s, NULL);
		spawn_visitors(&s, a, 2, apart[i]);
		scene_run(&s, "pending");
		assert_int_equal(s.got_at[1] - s.left_at[0], hand_over(&s, distance[i]));
		/* One waiter needs no node. */
		assert_int_equal(counter(&s.m, "line.transfers", "mcs_node"), 0);
		assert_int_equal(counter(&s.m, "lock.contended", lock_class), 1);
		model_end(&s.m);
	}
}

/* From the third contender on they queue; each learns on a line of its own that it is the head. */
static void test_queue(void **state)
{
	struct actor a[TASKS];
	struct scene s;

	(void)state;
	scene_start(&s, NULL);
	spawn_visitors(&s, a, TASKS, 1);
	scene_run(&s, "queue");
	for (unsigned int i = 0; i < TASKS; i++) {
		assert_int_equal(s.order[i], i);
		/* Each has been told before: also here the store and one fetch are all. */
		if (i)
			assert_in_range(s.got_at[i] - s.left_at[i - 1], hand_over(&s, DIST_SAME_L3),
					hand_over(&s, DIST_SAME_L3) + 100 * NS);
	}
	assert_in_range(counter(&s.m, "line.transfers", "mcs_node"), 3 * (TASKS - 3), 6 * TASKS);
	model_end(&s.m);
}

/* More waiters do not make the owner's line more expensive: only the head looks at it. */
static void test_queue_is_quiet(void **state)
{
	uint64_t moves[3];

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct actor a[TASKS];
		struct scene s;

		scene_start(&s, NULL);
		spawn_visitors(&s, a, 4 + i, 1);
		scene_run(&s, "a quiet queue");
		moves[i] = counter(&s.m, "line.transfers", lock_class);
		model_end(&s.m);
	}
	/* A failed try, an exchange, what the head fetches back, a hand-over: however many there
	 * are. */
	assert_int_equal(moves[2] - moves[1], moves[1] - moves[0]);
	assert_in_range(moves[1] - moves[0], 4, 10);
}

/* ---- what holds contain ---- */

static void hold_all(struct task *t, void *arg)
{
	struct scene *s = arg;

	free_page(t, alloc_page(t)); /* so that the per-CPU list has some */
	user_compute(t, 20 * US - sim_now(t->k->sim));
	down_write(t, &s->sem); /* nothing but work: "lock.hold" */
	spend(t, US);
	up_write(t, &s->sem);

	down_write(t, &s->sem);
	free_page(t, alloc_page(t));
	spend(t, US);
	up_write(t, &s->sem);

	down_write(t, &s->sem);
	kernel_cross_call(t, 3, 1);
	free_page(t, alloc_page(t)); /* counts as held for pages, but the hold is one with an IPI */
	up_write(t, &s->sem);

	user_compute(t, 100 * US - sim_now(t->k->sim));
	down_write(t, &s->sem);
	spin_lock(t, &s->other);
	spin_unlock(t, &s->other);
	up_write(t, &s->sem);

	user_compute(t, 200 * US - sim_now(t->k->sim));
	down_write(t, &s->sem);
	user_compute(t, 20 * US); /* interrupted by call_it */
	up_write(t, &s->sem);
}

static void be_in_the_way(struct task *t, void *arg)
{
	struct scene *s = arg;

	user_compute(t, 95 * US - sim_now(t->k->sim));
	spin_lock(t, &s->other);
	spend(t, 20 * US);
	spin_unlock(t, &s->other);
}

static void call_it(struct task *t, void *arg)
{
	(void)arg;
	user_compute(t, 210 * US - sim_now(t->k->sim));
	kernel_cross_call(t, 0, 1);
}

static void test_hold_parts(void **state)
{
	static const char *const no_tick[] = { "hz=100", NULL };
	const struct hist *wait;
	struct scene s;
	sim_ps pages;

	(void)state;
	scene_start(&s, no_tick);
	pages = s.m.k->cost.page_alloc + s.m.k->cost.page_free;
	spawn(&s.m, "holder", 0, hold_all, &s);
	spawn(&s.m, "in the way", 1, be_in_the_way, &s);
	spawn(&s.m, "caller", 2, call_it, &s);
	scene_run(&s, "parts of holds");
	wait = histogram(&s.m, "lock.wait", other_class);
	assert_int_equal(wait->count, 1);
	assert_int_equal(histogram(&s.m, "lock.hold", sem_class)->count, 2);
	assert_int_equal(histogram(&s.m, "lock.hold_pages", sem_class)->count, 1);
	assert_int_equal(histogram(&s.m, "lock.hold_nested", sem_class)->count, 1);
	assert_int_equal(histogram(&s.m, "lock.hold_ipi", sem_class)->count, 1);
	assert_int_equal(counter(&s.m, "lock.held_pages", sem_class), 2 * pages);
	assert_true((double)counter(&s.m, "lock.held_nested", sem_class) == wait->sum);
	assert_true(counter(&s.m, "lock.held_ipi", sem_class) <=
		    (uint64_t)histogram(&s.m, "ipi.wait", "")->sum);
	assert_in_range(counter(&s.m, "lock.held_ipi", sem_class), 500 * NS, 5 * US);
	assert_in_range(counter(&s.m, "lock.held_irq", sem_class), 500 * NS, 5 * US);
	model_end(&s.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_queue_is_quiet),
		cmocka_unit_test(test_hold_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
