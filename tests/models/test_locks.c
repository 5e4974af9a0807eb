/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Spinlocks and rw_semaphores under random load from many tasks: who is inside with whom, who comes
 * next, that everybody comes out again without waiting for a tick to find out, and that the
 * histograms say what the tasks saw.
 */
#include "tests/models/model.h"

#define HANDOVER_MAX (60 * SIM_US) /* from a release to the next acquisition, if someone waits */

enum { MAX_TASKS = 24, ROUNDS = 60 };

static const char spin_class[] = "test_spin", sem_class[] = "test_sem";

struct arena {
	struct model m;
	struct spinlock lock;
	struct rwsem sem;
	unsigned int readers, writers, waiting, done, tasks, rounds;
	uint64_t arrivals, grants;
	/* as the tasks saw it */
	uint64_t acquired, read_holds, write_holds;
	double hold_sum;
	sim_ps max_wait, released_at; /* released_at: the last holder left; SIM_NEVER: not so */
	unsigned int waiting_then;
	bool sleeps; /* holders may sleep */
	bool crowd;  /* tasks share CPUs: a waiter may have to wait for one as well */
	sim_ps longest_handover;
};

struct visitor {
	struct arena *a;
	struct rng rng;
};

static struct kernel *kernel_of(struct arena *a)
{
	return a->m.k;
}

static sim_ps now(struct arena *a)
{
	return sim_now(a->m.sim);
}

static void took(struct arena *a, sim_ps asked_at)
{
	sim_ps waited = now(a) - asked_at;

	a->waiting--;
	a->acquired++;
	a->max_wait = waited > a->max_wait ? waited : a->max_wait;
	if (a->released_at != SIM_NEVER && a->waiting_then) {
		sim_ps handover = now(a) - a->released_at;

		expect(kernel_of(a), a->crowd || handover < HANDOVER_MAX,
		       "free for %llu ps with %u waiting", (unsigned long long)handover,
		       a->waiting_then);
		if (handover > a->longest_handover)
			a->longest_handover = handover;
	}
	a->released_at = SIM_NEVER;
}

static void leaves(struct arena *a, sim_ps since)
{
	a->hold_sum += (double)(now(a) - since);
	if (!a->readers && !a->writers) {
		a->released_at = now(a);
		a->waiting_then = a->waiting;
	}
}

static void start(struct arena *a, const struct model_spec *spec, unsigned int tasks)
{
	*a = (struct arena){ .tasks = tasks, .rounds = ROUNDS, .released_at = SIM_NEVER };
	model_start(&a->m, spec);
	spin_lock_init(a->m.k, &a->lock, lock_class_get(a->m.k, spin_class));
	rwsem_init(a->m.k, &a->sem, lock_class_get(a->m.k, sem_class));
}

static void spawn_visitors(struct arena *a, struct visitor *v, task_fn *fn, uint64_t seed,
			   bool bound)
{
	for (unsigned int i = 0; i < a->tasks; i++) {
		v[i].a = a;
		rng_init(&v[i].rng, seed, "visitor", i);
		spawn(&a->m, "visitor", bound ? (int)(i % a->m.k->nr_cpus) : NO_CPU, fn, &v[i]);
	}
}

static void end(struct arena *a, const char *what, uint64_t seed)
{
	model_run(&a->m);
	assert_int_equal(a->done, a->m.end == SIM_END_FINISHED ? a->tasks : a->done);
	if (a->m.end == SIM_END_FINISHED) {
		spin_lock_free(a->m.k, &a->lock);
		rwsem_free(a->m.k, &a->sem);
		model_finish(&a->m);
	}
	check_clean(&a->m, what, seed);
}

static void check_histograms(struct arena *a, const char *class)
{
	static const char *const kinds[] = { "lock.hold", "lock.hold_nested", "lock.hold_pages" };
	const struct hist *wait = histogram(&a->m, "lock.wait", class);
	uint64_t holds = 0;
	double sum = 0;

	for (unsigned int i = 0; i < 3; i++) {
		holds += histogram(&a->m, kinds[i], class)->count;
		sum += histogram(&a->m, kinds[i], class)->sum;
	}
	assert_int_equal(counter(&a->m, "lock.acquired", class), a->acquired);
	assert_int_equal(holds, a->read_holds + a->write_holds);
	assert_true(sum == a->hold_sum);
	assert_true(sum == (double)counter(&a->m, "lock.held", class));
	assert_int_equal(histogram(&a->m, "lock.hold_ipi", class)->count, 0);
	assert_int_equal(wait->count, counter(&a->m, "lock.contended", class));
	assert_true(wait->count <= a->acquired);
	assert_true(!wait->count || wait->max <= a->max_wait);
}

/* ---- spinlock ---- */

static void spin_round(struct task *t, struct visitor *v)
{
	struct arena *a = v->a;
	bool irqs_off = rng_below(&v->rng, 3) == 0;
	sim_ps asked_at, since;
	uint64_t mine;

	user_compute(t, rng_below(&v->rng, 3) ? 0 : rng_below(&v->rng, 2 * SIM_US));
	if (irqs_off)
		irq_disable(t);
	settle(t);
	mine = a->arrivals++; /* from here to its place in the queue nothing passes */
	asked_at = now(a);
	a->waiting++;
	spin_lock(t, &a->lock);
	took(a, asked_at);
	since = now(a);
	expect(t->k, mine == a->grants, "arrival %llu comes as number %llu",
	       (unsigned long long)mine, (unsigned long long)a->grants);
	a->grants++;
	expect(t->k, !a->writers++, "%u inside a spinlock", a->writers);
	expect(t->k, t->preempt_off > 0, "preemption is on inside a spinlock");
	spend(t, rng_below(&v->rng, 800 * SIM_NS));
	settle(t);
	expect(t->k, !--a->writers, "somebody came in meanwhile");
	a->write_holds++;
	leaves(a, since);
	spin_unlock(t, &a->lock);
	if (irqs_off)
		irq_enable(t);
}

static void spin_body(struct task *t, void *arg)
{
	struct visitor *v = arg;

	for (unsigned int i = 0; i < v->a->rounds; i++)
		spin_round(t, v);
	v->a->done++;
}

static const char *const small[] = { "topology.l3_per_socket=2", "topology.cores_per_l3=3",
				     "hz=100", NULL };

static void test_spinlock(void **state)
{
	uint64_t contended = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 150; seed++) {
		struct model_spec spec = { .set = small, .seed = seed };
		struct visitor v[MAX_TASKS];
		struct arena a;

		start(&a, &spec, 2 + (unsigned int)seed % 11);
		spawn_visitors(&a, v, spin_body, seed, true);
		end(&a, "spinlock", seed);
		check_histograms(&a, spin_class);
		contended += counter(&a.m, "lock.contended", spin_class);
		model_end(&a.m);
	}
	assert_true(contended > 150 * ROUNDS);
}

/* A try neither waits nor takes what is held. */
static void try_body(struct task *t, void *arg)
{
	struct visitor *v = arg;
	struct arena *a = v->a;

	for (unsigned int i = 0; i < a->rounds; i++) {
		user_compute(t, rng_below(&v->rng, SIM_US));
		if (!spin_trylock(t, &a->lock))
			continue;
		expect(t->k, !a->writers++, "%u inside after a try", a->writers);
		a->acquired++;
		spend(t, rng_below(&v->rng, SIM_US));
		settle(t);
		a->writers--;
		spin_unlock(t, &a->lock);
	}
	a->done++;
}

static void test_trylock(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct model_spec spec = { .set = small, .seed = seed };
		struct visitor v[MAX_TASKS];
		struct arena a;

		start(&a, &spec, 6);
		spawn_visitors(&a, v, try_body, seed, true);
		end(&a, "trylock", seed);
		assert_int_equal(counter(&a.m, "lock.acquired", spin_class), a.acquired);
		assert_int_equal(counter(&a.m, "lock.contended", spin_class), 0);
		assert_true(a.acquired > a.rounds / 2 && a.acquired < 6 * a.rounds);
		model_end(&a.m);
	}
}

/* ---- rw_semaphore ---- */

static void inside(struct task *t, struct visitor *v, bool write)
{
	struct arena *a = v->a;

	expect(t->k, write ? !a->readers && a->writers == 1 : !a->writers,
	       "%u readers and %u writers inside", a->readers, a->writers);
	if (a->sleeps && rng_below(&v->rng, 4) == 0)
		task_sleep(t, rng_below(&v->rng, 20 * SIM_US));
	else
		user_compute(t, rng_below(&v->rng, 3 * SIM_US));
	expect(t->k, write ? !a->readers && a->writers == 1 : !a->writers,
	       "%u readers and %u writers came together", a->readers, a->writers);
}

static void read_round(struct task *t, struct visitor *v)
{
	struct arena *a = v->a;
	struct read_hold hold;
	sim_ps asked_at = now(a), since;

	a->waiting++;
	if (rng_below(&v->rng, 8) == 0) {
		if (!down_read_trylock(t, &a->sem, &hold)) {
			a->waiting--;
			return;
		}
	} else {
		down_read(t, &a->sem, &hold);
	}
	took(a, asked_at);
	since = now(a);
	a->readers++;
	inside(t, v, false);
	a->readers--;
	a->read_holds++;
	leaves(a, since);
	up_read(t, &a->sem, &hold);
}

static void write_round(struct task *t, struct visitor *v, bool downgrade)
{
	struct arena *a = v->a;
	struct read_hold hold;
	sim_ps asked_at = now(a), since;

	a->waiting++;
	if (rng_below(&v->rng, 8) == 0) {
		if (!down_write_trylock(t, &a->sem)) {
			a->waiting--;
			return;
		}
	} else {
		down_write(t, &a->sem);
	}
	took(a, asked_at);
	since = now(a);
	a->writers++;
	inside(t, v, true);
	a->write_holds++;
	a->writers--;
	if (!downgrade) {
		leaves(a, since);
		up_write(t, &a->sem);
		return;
	}
	a->readers++;
	a->hold_sum += (double)(now(a) - since);
	downgrade_write(t, &a->sem, &hold);
	since = hold.hold.since; /* it holds for reading while it wakes the others */
	inside(t, v, false);
	a->readers--;
	a->read_holds++;
	leaves(a, since);
	up_read(t, &a->sem, &hold);
}

static void sem_body(struct task *t, void *arg)
{
	struct visitor *v = arg;

	for (unsigned int i = 0; i < v->a->rounds; i++) {
		uint64_t what = rng_below(&v->rng, 10);

		user_compute(t, rng_below(&v->rng, 4 * SIM_US));
		if (what < 6)
			read_round(t, v);
		else
			write_round(t, v, what == 9);
	}
	v->a->done++;
}

static void run_sem(uint64_t seed, bool bound, bool sleeps, unsigned int tasks, sim_ps *handover)
{
	struct model_spec spec = { .set = small, .seed = seed };
	struct visitor v[MAX_TASKS];
	struct arena a;

	start(&a, &spec, tasks);
	a.sleeps = sleeps;
	a.crowd = !bound || tasks > a.m.k->nr_cpus;
	spawn_visitors(&a, v, sem_body, seed, bound);
	end(&a, bound ? "rwsem, a CPU each" : "rwsem, more tasks than CPUs", seed);
	check_histograms(&a, sem_class);
	if (a.longest_handover > *handover)
		*handover = a.longest_handover;
	model_end(&a.m);
}

static void test_rwsem(void **state)
{
	sim_ps handover = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++)
		run_sem(seed, true, seed % 2, 2 + (unsigned int)seed % 11, &handover);
	assert_true(handover > 0);
}

/* Holders are preempted and moved, spinners lose their CPUs to others. */
static void test_rwsem_crowd(void **state)
{
	sim_ps handover = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++)
		run_sem(seed, false, seed % 2, 14 + (unsigned int)seed % 11, &handover);
	for (uint64_t seed = 60; seed < 120; seed++)
		run_sem(seed, true, seed % 2, MAX_TASKS, &handover);
}

/* An idle task is cut off in its softirq when the run ends: its locks outlive no task that they
 * name. AddressSanitizer sees it. */
static void test_cut_off(void **state)
{
	const struct model_spec spec = { .seed = 1 };
	struct model m;

	(void)state;
	model_start(&m, &spec);
	m.k->tasklist_lock.owner = m.k->cpus[0].idle;
	m.k->cpus[1].rq_lock.owner = m.k->cpus[0].idle;
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_off),     cmocka_unit_test(test_spinlock),
		cmocka_unit_test(test_trylock),     cmocka_unit_test(test_rwsem),
		cmocka_unit_test(test_rwsem_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
