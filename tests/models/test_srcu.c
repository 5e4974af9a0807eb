/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SRCU against its definition, with readers that sleep; how long its grace periods take; and the
 * notifiers of secondary TLBs that stand on it: pairs, sleeping, and what they add to an munmap.
 */
#include "tests/models/model.h"

#include <sys/mman.h>

#include "models/kernel/mmu_notifier.h"

#define US SIM_US
#define MS SIM_MS

enum { MAX_TASKS = 12, ROUNDS = 40 };

struct world;

struct member {
	struct world *w;
	struct rng rng;
	bool reading;
	sim_ps since;
};

struct world {
	struct model m;
	struct srcu srcu;
	struct member member[MAX_TASKS];
	unsigned int tasks, syncs;
	bool forgetful; /* readers that do not count themselves in */
	sim_ps took;
};

static const char *const eight[] = { "topology.l3_per_socket=1", "topology.cores_per_l3=4", NULL };

static struct world *new_world(uint64_t seed)
{
	struct model_spec spec = { .set = eight, .seed = seed };
	struct world *w = calloc(1, sizeof(*w));

	model_start(&w->m, &spec);
	srcu_init(w->m.k, &w->srcu, "test");
	return w;
}

static void run_world(struct world *w)
{
	model_run(&w->m);
	if (w->m.end == SIM_END_FINISHED)
		srcu_free(&w->srcu);
	if (w->m.end == SIM_END_FINISHED)
		model_finish(&w->m);
}

static void free_world(struct world *w)
{
	model_end(&w->m);
	free(w);
}

static void read_for(struct task *t, struct member *me, sim_ps length, bool sleep)
{
	unsigned int idx = 0;

	if (!me->w->forgetful)
		idx = srcu_read_lock(t, &me->w->srcu);
	settle(t);
	me->since = sim_now(t->k->sim);
	me->reading = true;
	if (sleep)
		task_sleep(t, length);
	else
		user_compute(t, length);
	settle(t);
	me->reading = false;
	if (!me->w->forgetful)
		srcu_read_unlock(t, &me->w->srcu, idx);
}

static void wait_for_readers(struct task *t, struct world *w, bool expedited)
{
	sim_ps asked_at;

	settle(t);
	asked_at = sim_now(t->k->sim);
	if (expedited)
		synchronize_srcu_expedited(t, &w->srcu);
	else
		synchronize_srcu(t, &w->srcu);
	for (unsigned int i = 0; i < w->tasks; i++)
		expect(t->k, !w->member[i].reading || w->member[i].since >= asked_at,
		       "a reader of %llu is still there", (unsigned long long)w->member[i].since);
	w->took = sim_now(t->k->sim) - asked_at;
	w->syncs++;
}

static void member_body(struct task *t, void *arg)
{
	struct member *me = arg;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		switch (rng_below(&me->rng, 6)) {
		case 0:
			wait_for_readers(t, me->w, rng_below(&me->rng, 3) == 0);
			break;
		case 1:
			user_compute(t, rng_below(&me->rng, 300 * US));
			break;
		default:
			read_for(t, me, rng_below(&me->rng, 2 * MS), rng_below(&me->rng, 2));
		}
	}
}

static struct world *run_random(uint64_t seed, bool forgetful)
{
	struct world *w = new_world(seed);

	w->tasks = 2 + (unsigned int)seed % (MAX_TASKS - 2);
	w->forgetful = forgetful;
	for (unsigned int i = 0; i < w->tasks; i++) {
		w->member[i].w = w;
		rng_init(&w->member[i].rng, seed, "member", i);
		spawn(&w->m, "member", NO_CPU, member_body, &w->member[i]);
	}
	run_world(w);
	return w;
}

static void test_no_reader_is_left(void **state)
{
	unsigned int syncs = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct world *w = run_random(seed, false);

		check_clean(&w->m, "SRCU", seed);
		syncs += w->syncs;
		free_world(w);
	}
	assert_true(syncs > 1000);
}

static void test_the_oracle_bites(void **state)
{
	uint64_t caught = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 10; seed++) {
		struct world *w = run_random(seed, true);

		caught += violations_of(&w->m, "test");
		free_world(w);
	}
	assert_true(caught > 0);
}

/* The first after a quiet time hurries; the next, right behind it, waits for a jiffy. */
static void sync_twice(struct task *t, void *arg)
{
	struct world *w = arg;

	user_compute(t, MS);
	wait_for_readers(t, w, false);
	expect(t->k, w->took < 50 * US, "an idle SRCU took %llu", (unsigned long long)w->took);
	wait_for_readers(t, w, false);
	expect(t->k, w->took >= MS && w->took < 3 * MS, "the next took %llu",
	       (unsigned long long)w->took);
	wait_for_readers(t, w, true);
	expect(t->k, w->took < 50 * US, "an expedited one took %llu", (unsigned long long)w->took);
}

static void test_length(void **state)
{
	struct world *w = new_world(1);

	(void)state;
	spawn(&w->m, "updater", 0, sync_twice, w);
	run_world(w);
	check_clean(&w->m, "lengths", 1);
	assert_int_equal(histogram(&w->m, "srcu.grace_period", "test")->count, 3);
	free_world(w);
}

/* ---- notifiers ---- */

static sim_ps unmap_took;

static void map_and_unmap(struct task *t, void *arg)
{
	int64_t addr = sys_mmap(t, 0, 16 * PAGE_SIZE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS);

	(void)arg;
	for (unsigned int i = 0; i < 16; i++)
		user_access(t, (uint64_t)addr + i * PAGE_SIZE, USER_WRITE);
	settle(t);
	unmap_took = sim_now(t->k->sim);
	sys_munmap(t, (uint64_t)addr, 16 * PAGE_SIZE);
	settle(t);
	unmap_took = sim_now(t->k->sim) - unmap_took;
}

static sim_ps unmap_with(const char *choice, const char *key, const char *value, uint64_t ranges,
			 uint64_t invalidations)
{
	const char *const set[] = { "secondary-tlbs", choice, key, value, NULL };
	struct model_spec spec = { .set = set };
	struct model m;

	model_start(&m, &spec);
	spawn(&m, "unmapper", 0, map_and_unmap, NULL);
	model_run_clean(&m, choice, 0);
	assert_int_equal(counter(&m, "notifier.ranges", ""), ranges);
	assert_int_equal(counter(&m, "notifier.invalidations", "") > 0, invalidations);
	model_end(&m);
	return unmap_took;
}

/* Subscribers are told once for the whole call; an IOMMU with every flush. */
static void test_secondary_tlbs(void **state)
{
	sim_ps none = unmap_with("none", NULL, NULL, 0, 0), told, iommu;

	(void)state;
	told = unmap_with("notifiers", "secondary-tlbs.invalidate", "10us", 1, 0);
	assert_in_range(told - none, 10 * US, 11 * US);
	iommu = unmap_with("iommu", "secondary-tlbs.latency", "5us", 0, 1);
	assert_in_range(iommu - none, 5 * US, 6 * US);
}

/* ---- wrong code ---- */

static void never_ends(struct task *t, void *arg)
{
	(void)arg;
	notifier_range_start(t, t->mm, 0, PAGE_SIZE);
}

static void ends_twice(struct task *t, void *arg)
{
	(void)arg;
	notifier_range_start(t, t->mm, 0, PAGE_SIZE);
	notifier_range_end(t, t->mm, 0, PAGE_SIZE);
	notifier_range_end(t, t->mm, 0, PAGE_SIZE);
}

static void in_atomic(struct task *t, void *arg)
{
	(void)arg;
	preempt_disable(t);
	notifier_range_start(t, t->mm, 0, PAGE_SIZE);
	notifier_range_end(t, t->mm, 0, PAGE_SIZE);
	preempt_enable(t);
}

static void test_wrong_code(void **state)
{
	static const struct {
		task_fn *fn;
		const char *kind;
	} wrong[] = { { never_ends, "notifier-balance" },
		      { ends_twice, "notifier-balance" },
		      { in_atomic, "atomic-sleep" } };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		static const char *const set[] = { "secondary-tlbs=notifiers", NULL };
		struct model_spec spec = { .set = set };
		struct model m;

		model_start(&m, &spec);
		spawn(&m, "wrong", 0, wrong[i].fn, NULL);
		model_run(&m);
		model_finish(&m);
		assert_true(violations_of(&m, wrong[i].kind) > 0);
		model_end(&m);
	}
}

static void leaves_reading(struct task *t, void *arg)
{
	struct world *w = arg;

	srcu_read_lock(t, &w->srcu);
}

static void test_reader_leak(void **state)
{
	struct world *w = new_world(1);

	(void)state;
	spawn(&w->m, "leaver", 0, leaves_reading, w);
	run_world(w);
	assert_int_equal(violations_of(&w->m, "lock-leak"), 1);
	free_world(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_reader_is_left),
		cmocka_unit_test(test_the_oracle_bites),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_secondary_tlbs),
		cmocka_unit_test(test_wrong_code),
		cmocka_unit_test(test_reader_leak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
