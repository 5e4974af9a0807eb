/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CPUs and the scheduler by hand: what time costs while a sibling is busy or an interrupt comes, to
 * the picosecond, and who runs when. At random: test_sched_crowd.c.
 */
#include "tests/models/model.h"

#include "models/hw/ipi.h"

#define US SIM_US
#define NS SIM_NS

/* ---- one core of two threads, without a kernel ---- */

struct bench {
	struct sim *sim;
	struct machine *m;
};

struct job {
	struct bench *b;
	unsigned int cpu;
	sim_ps start, work, end;
	unsigned int interrupts, taken;
	sim_ps irq_at, left;
};

static void bench_start(struct bench *b, const char *slowdown)
{
	struct where where = { .file = "test" };
	struct machine_desc d;
	struct err err = { "" };

	if (!machine_load("milan-1s72", &d, NULL, &err) ||
	    !param_set(&d, machine_params, "smt_slowdown", slowdown, where, &err) ||
	    !param_set(&d, machine_params, "ipi.jitter", "0", where, &err))
		fail_msg("%s", err.msg);
	b->sim = sim_create(NULL, &err);
	b->m = machine_create(b->sim, &d);
}

static void run_job(void *arg)
{
	struct job *j = arg;
	struct cpu *cpu = &j->b->m->cpus[j->cpu];
	sim_ps left = j->work;

	cpu->runner = sim_self(j->b->sim);
	sim_sleep_until(j->b->sim, j->start);
	cpu_set_busy(cpu, true);
	while (!cpu_spend(cpu, &left)) {
		j->interrupts++;
		j->irq_at = sim_now(j->b->sim);
		j->left = left;
		j->taken += cpu_irq_take(cpu, j->irq_at) != NR_IRQS;
	}
	j->end = sim_now(j->b->sim);
	cpu_set_busy(cpu, false);
}

static void bench_run(struct bench *b, struct job *jobs, unsigned int n)
{
	struct err err = { "" };

	for (unsigned int i = 0; i < n; i++) {
		jobs[i].b = b;
		sim_spawn(b->sim, "job", jobs[i].cpu, false, run_job, &jobs[i]);
	}
	assert_int_equal(sim_run(b->sim, SIM_NEVER, &err), SIM_END_FINISHED);
	machine_free(b->m);
	sim_destroy(b->sim);
}

/* Work under way is re-timed when the sibling starts and when it ends. */
static void test_smt(void **state)
{
	struct job together[] = { { .cpu = 0, .work = 9 * US }, { .cpu = 36, .work = 3 * US } };
	struct job inside[] = { { .cpu = 0, .work = 10 * US },
				{ .cpu = 36, .start = 4 * US, .work = 2 * US } };
	struct job others[] = { { .cpu = 0, .work = 9 * US }, { .cpu = 1, .work = 9 * US } };
	struct bench b;

	(void)state;
	bench_start(&b, "1.5");
	bench_run(&b, together, 2);
	assert_int_equal(together[1].end, 4500 * NS);          /* 3 us at two thirds */
	assert_int_equal(together[0].end, (4500 + 6000) * NS); /* 3 of 9 us done by then */
	bench_start(&b, "1.5");
	bench_run(&b, inside, 2);
	assert_int_equal(inside[1].end, 7 * US);
	assert_int_equal(inside[0].end, 11 * US); /* 4 alone, 2 in 3 us, 4 alone */
	bench_start(&b, "1.5");
	bench_run(&b, others, 2); /* not siblings */
	assert_int_equal(others[0].end, 9 * US);
	assert_int_equal(others[1].end, 9 * US);
}

/* An interrupt cuts work at the moment when it comes due, and what is left is exact, also at the
 * sibling's pace. */
static void test_cut(void **state)
{
	struct job alone[] = { { .cpu = 0, .work = 10 * US } };
	struct job slow[] = { { .cpu = 0, .work = 10 * US }, { .cpu = 36, .work = 8 * US } };
	struct bench b;

	(void)state;
	bench_start(&b, "1.6");
	cpu_raise(&b.m->cpus[0], IRQ_TICK, 3300 * NS);
	cpu_raise(&b.m->cpus[0], IRQ_TICK, 4000 * NS); /* raised already: the earlier time stays */
	bench_run(&b, alone, 1);
	assert_int_equal(alone[0].interrupts, 1);
	assert_int_equal(alone[0].taken, 1);
	assert_int_equal(alone[0].irq_at, 3300 * NS);
	assert_int_equal(alone[0].left, 6700 * NS);
	assert_int_equal(alone[0].end, 10 * US);
	bench_start(&b, "1.6");
	cpu_raise(&b.m->cpus[0], IRQ_RESCHEDULE, 1600 * NS);
	bench_run(&b, slow, 2);
	assert_int_equal(slow[0].irq_at, 1600 * NS);
	assert_int_equal(slow[0].left, 9 * US);
	assert_int_equal(slow[1].end, 12800 * NS);
	assert_int_equal(slow[0].end, 12800 * NS + 2 * US);
}

/* ---- interrupts with a kernel: the sum of their parts, by hand ---- */

struct call_scene {
	struct model m;
	bool irqs_off;
	unsigned int called;
	sim_ps asked_at, ran_at, done_at;
	sim_ps work, started, ended, irqs_on_at;
};

/* Kernel code is warm: cold code has test_code_cache.c. */
static const char *const quiet[] = { "ipi.jitter=0", "topology.l3_per_socket=1", "hz=100",
				     "cache.code_line=0ps", NULL };

/* Runs on the target. */
static void note_call(struct task *t, void *info)
{
	struct call_scene *s = info;

	expect(t->k, this_cpu(t)->cpu->irq_off > 0, "handler with interrupts on");
	s->ran_at = sim_now(t->k->sim);
}

static void computes(struct task *t, void *arg)
{
	struct call_scene *s = arg;

	settle(t);
	s->started = sim_now(t->k->sim);
	if (s->irqs_off)
		irq_disable(t);
	user_compute(t, s->work);
	s->irqs_on_at = sim_now(t->k->sim);
	if (s->irqs_off)
		irq_enable(t);
	settle(t);
	s->ended = sim_now(t->k->sim);
}

static void calls(struct task *t, void *arg)
{
	struct call_scene *s = arg;
	struct cpumask mask;

	cpumask_clear(&mask);
	cpumask_set(&mask, 1);
	user_compute(t, 50 * US);
	s->asked_at = sim_now(t->k->sim);
	s->called = smp_call_function_many_cond(t, &mask, note_call, s, NULL, IPI_CALL);
	settle(t);
	s->done_at = sim_now(t->k->sim);
}

static void call_scene(struct call_scene *s, bool irqs_off)
{
	struct model_spec spec = { .set = quiet };

	do { /* a run without a tick in the time that counts */
		*s = (struct call_scene){ .irqs_off = irqs_off, .work = 150 * US };
		spec.seed++;
		model_start(&s->m, &spec);
		if (s->m.k->tick_phase > SIM_MS)
			break;
		model_end(&s->m);
	} while (true);
	spawn(&s->m, "computes", 1, computes, s);
	spawn(&s->m, "calls", 0, calls, s);
	model_run_clean(&s->m, "cross call", spec.seed);
	assert_int_equal(counter(&s->m, "sched.ticks", ""), 0);
	assert_int_equal(s->called, 1);
	assert_int_equal(counter(&s->m, "ipi.sent", "call"), 1);
}

enum { /* of milan-1s72 and the default costs, in ns */
       CALL_MANY = 60,
       CALL_SINGLE = 30,
       CSD_WAIT = 5,
       FROM_MEMORY = 105,
       HIT = 1,
       ATOMIC = 5,
       SAME_L3 = 23,
       DELIVERY = 600,
       ENTRY = 350,
       EXIT = 150,
       IRQ = 60
};

static void test_cross_call(void **state)
{
	sim_ps sent, at, handler, cut;
	struct call_scene s;

	(void)state;
	call_scene(&s, false);
	/* The csd and the target's queue come out of memory; then the ICR is written. */
	sent = s.asked_at +
	       (CALL_MANY + CALL_SINGLE + FROM_MEMORY + HIT + FROM_MEMORY + ATOMIC) * NS;
	/* Delivery and entry; the queue and the csd come over; the function runs. */
	at = sent + (DELIVERY + ENTRY + IRQ) * NS;
	handler = at + (SAME_L3 + ATOMIC + SAME_L3 + HIT) * NS;
	assert_int_equal(s.ran_at, handler);
	cut = handler + EXIT * NS - (sent + DELIVERY * NS);
	assert_int_equal(s.ended, s.started + s.work + cut);
	/* The acknowledging store takes the line over to the sender's last look at it. */
	assert_in_range(s.done_at, handler + SAME_L3 * NS, handler + 100 * NS);
	assert_int_equal(histogram(&s.m, "ipi.wait", "")->count, 1);
	model_end(&s.m);
}

/* With interrupts off the call waits for their end, and not a picosecond is cut out of the work. */
static void test_cross_call_deferred(void **state)
{
	struct call_scene s;

	(void)state;
	call_scene(&s, true);
	assert_int_equal(s.irqs_on_at, s.started + s.work);
	assert_int_equal(s.ran_at,
			 s.irqs_on_at + (ENTRY + IRQ + SAME_L3 + ATOMIC + SAME_L3 + HIT) * NS);
	model_end(&s.m);
}

/* ---- siblings with a kernel ---- */

struct runner {
	struct model *m;
	sim_ps work, start, end;
};

static void runs(struct task *t, void *arg)
{
	struct runner *r = arg;

	settle(t);
	r->start = sim_now(t->k->sim);
	user_compute(t, r->work);
	r->end = sim_now(t->k->sim);
}

static void pair(struct runner r[2], int cpu0, int cpu1)
{
	struct model_spec spec = { .set = quiet };
	struct model m;

	model_start(&m, &spec);
	for (unsigned int i = 0; i < 2; i++) {
		r[i] = (struct runner){ .m = &m, .work = 3 * SIM_MS };
		spawn(&m, "runs", i ? cpu1 : cpu0, runs, &r[i]);
	}
	model_run_clean(&m, "siblings", 0);
	model_end(&m);
}

static void test_siblings(void **state)
{
	struct runner r[2];

	(void)state;
	pair(r, 0, 6); /* six cores: CPU 6 is the sibling of CPU 0 */
	for (unsigned int i = 0; i < 2; i++)
		assert_in_range(r[i].end - r[i].start, 4750 * US, 4850 * US); /* 1.6 times */
	pair(r, 0, 1);
	for (unsigned int i = 0; i < 2; i++)
		assert_in_range(r[i].end - r[i].start, 3000 * US, 3050 * US);
}

/* ---- a wake-up preempts ---- */

struct wake_scene {
	struct model m;
	struct task *sleeper;
	sim_ps woken_at, ran_at, waker_end;
};

static void sleeps(struct task *t, void *arg)
{
	struct wake_scene *s = arg;

	task_block(t);
	s->ran_at = sim_now(t->k->sim);
}

static void wakes(struct task *t, void *arg)
{
	struct wake_scene *s = arg;

	user_compute(t, 8 * SIM_MS); /* much more than the sleeper had */
	s->woken_at = sim_now(t->k->sim);
	task_wake(t, s->sleeper);
	user_compute(t, 9 * SIM_MS);
	s->waker_end = sim_now(t->k->sim);
}

/* The one who slept runs at once, not when the waker's tick finds it. */
static void test_wake_preempts(void **state)
{
	struct model_spec spec = { .set = quiet };
	struct wake_scene s = { .woken_at = 0 };

	(void)state;
	model_start(&s.m, &spec);
	s.sleeper = spawn(&s.m, "sleeps", 2, sleeps, &s);
	spawn(&s.m, "wakes", 2, wakes, &s);
	model_run_clean(&s.m, "wake-up", 0);
	assert_in_range(s.ran_at, s.woken_at, s.woken_at + 10 * US);
	assert_true(s.waker_end > s.ran_at + 8 * SIM_MS);
	model_end(&s.m);
}

/* ---- woken while still on its way off the CPU ---- */

#define ROUNDS 80

struct leaving {
	struct task *sleeper;
	unsigned int rounds;
};

static void leaves(struct task *t, void *arg)
{
	struct leaving *s = arg;

	while (s->rounds < ROUNDS) {
		s->rounds++;
		task_block(t);
	}
}

static void wakes_leaving(struct task *t, void *arg)
{
	struct leaving *s = arg;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		while (s->rounds <= i)
			user_compute(t, 100 * NS);
		user_compute(t, i * 25 * NS);
		task_wake(t, s->sleeper);
	}
}

/* Who sleeps in MWAIT is woken by a store; only a CPU that is not idle yet is sent an IPI. */
static void test_wake_leaving(void **state)
{
	struct model_spec spec = { .set = quiet };
	struct leaving s = { .rounds = 0 };
	struct model m;

	(void)state;
	model_start(&m, &spec);
	s.sleeper = spawn(&m, "leaves", 1, leaves, &s);
	spawn(&m, "wakes", 0, wakes_leaving, &s);
	model_run_clean(&m, "leaving", 0);
	assert_int_equal(s.rounds, ROUNDS);
	assert_in_range(counter(&m, "ipi.sent", "wakeup"), 1, ROUNDS / 2);
	model_end(&m);
}

/* ---- a new task does not preempt its parent ---- */

static void child_runs(struct task *t, void *arg)
{
	*(sim_ps *)arg = sim_now(t->k->sim);
}

static void clones(struct task *t, void *arg)
{
	struct wake_scene *s = arg;
	struct task_attr attr = { .comm = "child",
				  .cpu = 2,
				  .initial_cpu = NO_CPU,
				  .fn = child_runs,
				  .arg = &s->ran_at };

	user_compute(t, 500 * US);
	sys_clone_thread(t, &attr);
	user_compute(t, 500 * US);
	s->waker_end = sim_now(t->k->sim);
}

static void test_child_waits(void **state)
{
	struct model_spec spec = { .set = quiet };
	struct wake_scene s = { .woken_at = 0 };

	(void)state;
	model_start(&s.m, &spec);
	spawn(&s.m, "clones", 2, clones, &s);
	model_run_clean(&s.m, "clone", 0);
	assert_true(s.ran_at > s.waker_end);
	assert_true(s.waker_end < 1100 * US);
	model_end(&s.m);
}

/* Tasks that only compute share a CPU fairly, and lose next to nothing to the scheduler. */
static void test_fair(void **state)
{
	static const char *const one[] = { "topology.l3_per_socket=1", "topology.cores_per_l3=1",
					   "topology.threads_per_core=1", NULL };
	struct model_spec spec = { .set = one };
	struct runner r[5];
	sim_ps sum = 0, last = 0;
	struct model m;

	(void)state;
	model_start(&m, &spec);
	for (unsigned int i = 0; i < 5; i++) {
		r[i] = (struct runner){ .m = &m, .work = 40 * SIM_MS };
		sum += r[i].work;
		spawn(&m, "runs", NO_CPU, runs, &r[i]);
	}
	model_run_clean(&m, "fair", 0);
	for (unsigned int i = 0; i < 5; i++) {
		last = r[i].end > last ? r[i].end : last;
		assert_true(r[i].end > sum * 9 / 10); /* nobody was much before the others */
	}
	assert_in_range(last, sum, sum + sum / 100);
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smt),          cmocka_unit_test(test_cut),
		cmocka_unit_test(test_cross_call),   cmocka_unit_test(test_cross_call_deferred),
		cmocka_unit_test(test_siblings),     cmocka_unit_test(test_wake_preempts),
		cmocka_unit_test(test_wake_leaving), cmocka_unit_test(test_child_waits),
		cmocka_unit_test(test_fair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
