/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tasks that compute, sleep, block, wake and move at random: each CPU runs one task, bound tasks
 * stay, CPU time adds up, and everybody finishes.
 */
#include "tests/models/model.h"

#define US SIM_US
#define NS SIM_NS

static const char *const quiet[] = { "ipi.jitter=0", "topology.l3_per_socket=1", "hz=100",
				     "cache.code_line=0ps", NULL };

enum { MAX_TASKS = 20 };

struct crowd {
	struct model m;
	struct task *task[MAX_TASKS];
	unsigned int n, done;
	uint64_t blocks, wakes;
	sim_ps computed;
	struct member {
		struct crowd *c;
		unsigned int i;
		int bound;
		struct rng rng;
		unsigned int owed; /* wake-ups sent to it that it has not waited for yet */
		bool ended;
	} member[MAX_TASKS];
};

/* On its CPU, alone, and where it is bound to. */
static void look_around(struct task *t, struct member *me)
{
	struct kcpu *c = this_cpu(t);
	struct kernel *k = t->k;

	expect(k, c->curr == t && t->on_cpu && !t->queued, "%s runs where %s is", t->comm,
	       c->curr->comm);
	expect(k, c->cpu->runner == t->actor, "its CPU is another's");
	expect(k, me->bound < 0 || t->cpu == (unsigned int)me->bound, "bound to %d, on %u",
	       me->bound, t->cpu);
	expect(k, !t->preempt_off && !c->cpu->irq_off && !c->in_irq, "preempt %u irq %u",
	       t->preempt_off, c->cpu->irq_off);
	for (unsigned int i = 0; i < me->c->n; i++) {
		struct task *other = me->c->task[i];

		expect(k, other == t || !other->on_cpu || other->cpu != t->cpu,
		       "two tasks on CPU %u", t->cpu);
	}
	for (unsigned int i = 0; i < k->nr_cpus; i++)
		expect(k, i == t->cpu || k->cpus[i].curr != t, "current on two CPUs");
}

static void wake_someone(struct task *t, struct member *me)
{
	struct crowd *c = me->c;
	struct member *other = &c->member[rng_below(&me->rng, c->n)];

	if (other == me || other->ended || other->owed)
		return; /* a second wake-up would be swallowed by the first */
	other->owed++;
	task_wake(t, c->task[other->i]);
}

static void wait_for_someone(struct task *t, struct member *me)
{
	/* Only if somebody has promised, or nobody could end this. */
	if (!me->owed)
		return;
	task_block(t);
	expect(t->k, me->owed > 0, "woken by nobody");
	me->owed = 0;
}

static void act(struct task *t, struct member *me)
{
	sim_ps from, length;

	switch (rng_below(&me->rng, 8)) {
	case 0:
	case 1:
		length = rng_below(&me->rng, rng_below(&me->rng, 4) ? 30 * US : 3 * SIM_MS);
		user_compute(t, length);
		me->c->computed += length;
		break;
	case 2:
		length = rng_below(&me->rng, rng_below(&me->rng, 2) ? 200 * NS : 500 * US);
		from = sim_now(t->k->sim);
		if (rng_below(&me->rng, 2))
			task_sleep(t, length);
		else
			task_sleep_for_irq(t, length,
					   (unsigned int)rng_below(&me->rng, t->k->nr_cpus));
		expect(t->k, sim_now(t->k->sim) >= from + length, "slept too short");
		break;
	case 3:
	case 4:
		wake_someone(t, me);
		break;
	case 5:
		wait_for_someone(t, me);
		break;
	case 6:
		me->bound = rng_below(&me->rng, 3) ? (int)rng_below(&me->rng, t->k->nr_cpus)
						   : NO_CPU;
		if (rng_below(&me->rng, 2))
			task_bind(t, me->bound);
		else
			sys_sched_setaffinity(t, me->bound);
		break;
	default:
		task_yield(t);
	}
}

static void member_body(struct task *t, void *arg)
{
	struct member *me = arg;

	for (unsigned int i = 0; i < 120; i++) {
		act(t, me);
		look_around(t, me);
	}
	me->ended = true;
	me->c->done++;
}

static sim_ps total_busy(const struct model *m)
{
	sim_ps busy = 0;

	for (unsigned int i = 0; i < m->k->nr_cpus; i++) {
		assert_true(m->k->m->cpus[i].busy_ps <= sim_now(m->sim));
		busy += m->k->m->cpus[i].busy_ps;
	}
	return busy;
}

static void run_crowd(const char *machine, const char *const *set, uint64_t seed)
{
	struct model_spec spec = { .machine = machine, .set = set, .seed = seed };
	struct crowd c = { .n = 2 + (unsigned int)seed % (MAX_TASKS - 2) };

	model_start(&c.m, &spec);
	model_preempt_by(&c.m, seed);
	for (unsigned int i = 0; i < c.n; i++) {
		c.member[i] = (struct member){ .c = &c, .i = i, .bound = NO_CPU };
		rng_init(&c.member[i].rng, seed, "member", i);
		if (i % 3 == 0)
			c.member[i].bound = (int)(i % c.m.k->nr_cpus);
		c.task[i] = spawn(&c.m, "member", c.member[i].bound, member_body, &c.member[i]);
	}
	model_run(&c.m);
	if (c.m.end == SIM_END_FINISHED) {
		assert_int_equal(c.done, c.n);
		/* CPUs were busy for at least what the tasks computed, never longer than the run.
		 */
		assert_true(total_busy(&c.m) >= c.computed);
		model_finish(&c.m);
	}
	check_clean(&c.m, "crowd", seed);
	model_end(&c.m);
}

static void test_crowd(void **state)
{
	static const char *const two[] = { "topology.l3_per_socket=1", "topology.cores_per_l3=1",
					   NULL };
	static const char *const polls[] = { "topology.l3_per_socket",
					     "1",
					     "topology.cores_per_l3",
					     "2",
					     "idle_polls",
					     "true",
					     NULL };

	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		run_crowd("milan-1s72", two, seed);
		run_crowd("milan-1s72", polls, seed);
		run_crowd("milan-1s72", quiet, seed);
		run_crowd("zen5-vm2", NULL, seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
