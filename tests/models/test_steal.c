/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A host that takes virtual CPUs: lost time to the picosecond, interrupts that wait for the CPU to
 * come back, the share that is stolen, and the flush that a guest leaves to its host. A policy that
 * leaves a preempted CPU out and asks for nothing is found out.
 */
#include "tests/models/flush_scene.h"

#include "models/hw/steal.h"

#define NS SIM_NS
#define MS SIM_MS

/* A guest of six CPUs whose host takes one for 3 ms, and never by itself. */
#define GUEST                                                                                      \
	"topology.cores_per_l3", "6", "ipi.jitter", "0", "hz", "100", "virt.steal_interval",       \
		"1000s", "virt.steal_mean", "3ms", "virt.steal_min", "3ms"
static const char *const guest[] = { GUEST, NULL };

struct play {
	sim_ps took, handler, shootdown;
	uint64_t skipped, ipis, flushes;
	uint64_t area;
	unsigned int entries;
	bool pv, ready, stop;
};

/* ---- time ---- */

static void works(struct task *t, void *arg)
{
	struct play *p = arg;
	sim_ps begin;

	settle(t);
	begin = sim_now(t->k->sim);
	this_cpu(t)->cpu->steal_at = begin + 500 * US;
	user_compute(t, 2 * MS);
	p->took = sim_now(t->k->sim) - begin;
}

static void start(struct model *m, const char *const *set, uint64_t seed)
{
	struct model_spec spec = { .machine = "zen5-vm2", .set = set, .seed = seed };

	model_start(m, &spec);
}

/* 2 ms of work take 5; ticks that came due meanwhile are one, at the return. */
static void test_lost_time(void **state)
{
	struct play p = { 0 };
	struct model m;

	(void)state;
	start(&m, guest, 1);
	spawn(&m, "works", 1, works, &p);
	model_run_clean(&m, "works", 1);
	assert_in_range(p.took, 5 * MS, 5 * MS + 20 * US); /* with at most one tick */
	assert_int_equal(counter(&m, "cpu.steal_time", ""), 3 * MS);
	assert_int_equal(counter(&m, "cpu.preempted", ""), 1);
	model_end(&m);
}

static void sleeps(struct task *t, void *arg)
{
	struct play *p = arg;
	sim_ps begin;

	settle(t);
	begin = sim_now(t->k->sim);
	this_cpu(t)->cpu->steal_at = begin + 500 * US;
	task_sleep(t, 2 * MS);
	settle(t);
	p->took = sim_now(t->k->sim) - begin;
}

/* A halted CPU has nothing to lose. */
static void test_halted(void **state)
{
	struct play p = { 0 };
	struct model m;

	(void)state;
	start(&m, guest, 1);
	spawn(&m, "sleeps", 1, sleeps, &p);
	model_run_clean(&m, "sleeps", 1);
	assert_in_range(p.took, 2 * MS, 2 * MS + 100 * US);
	assert_int_equal(counter(&m, "cpu.preempted", ""), 0);
	model_end(&m);
}

static void works_long(struct task *t, void *arg)
{
	(void)arg;
	user_compute(t, 10 * SIM_S);
}

/* Of a renewal process: mean / (interval + mean), here one part in eleven. */
static void test_share(void **state)
{
	static const char *const busy[] = { "virt.steal_interval=10ms", "virt.steal_mean=1ms",
					    "virt.steal_min=200us", "hz=100", NULL };
	struct model m;
	double share;

	(void)state;
	start(&m, busy, 3);
	spawn(&m, "works", 1, works_long, NULL);
	model_run_clean(&m, "works", 3);
	share = (double)counter(&m, "cpu.steal_time", "") / (double)sim_now(m.sim);
	assert_true(share > 0.9 / 11 && share < 1.1 / 11);
	assert_true(counter(&m, "cpu.steal_time", "") / counter(&m, "cpu.preempted", "") >
		    900 * US);
	model_end(&m);
}

/* ---- interrupts ---- */

static void computes(struct task *t, void *arg)
{
	struct play *p = arg;

	if (p->area)
		user_access(t, p->area, USER_READ);
	settle(t);
	this_cpu(t)->cpu->steal_at = sim_now(t->k->sim) + 100 * US;
	p->ready = true;
	while (!p->stop)
		user_compute(t, 10 * US);
	settle(t);
}

static void calls(struct task *t, void *arg)
{
	struct play *p = arg;

	user_compute(t, 1 * MS); /* now CPU 1 is away, for another 2.1 ms or so */
	p->handler = kernel_cross_call(t, 1, 1);
	p->stop = true;
}

static void test_interrupt_waits(void **state)
{
	struct play p = { 0 };
	struct model m;

	(void)state;
	start(&m, guest, 1);
	spawn(&m, "computes", 1, computes, &p);
	spawn(&m, "calls", 0, calls, &p);
	model_run_clean(&m, "calls", 1);
	assert_in_range(p.handler, 2050 * US, 2200 * US);
	model_end(&m);
}

/* ---- the flush that is left to the host ---- */

static void unmaps(struct task *t, void *arg)
{
	struct play *p = arg;
	struct kernel *k = t->k;
	struct task_attr attr = {
		.comm = "computes", .cpu = 1, .initial_cpu = NO_CPU, .fn = computes, .arg = p
	};
	const struct tlb *tlb = &k->cpus[1].cpu->tlb;
	uint32_t context;
	sim_ps begin;

	p->area = (uint64_t)sys_mmap(t, 0, PMD_SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS);
	user_access(t, p->area, USER_WRITE);
	sys_clone_thread(t, &attr);
	while (!p->ready)
		user_compute(t, 10 * US);
	user_compute(t, 500 * US);
	expect(k, steal_is_preempted(k->cpus[1].cpu), "CPU 1 runs");
	context = tlb_context(tlb, k->cpus[1].tlbstate.loaded_asid);
	settle(t);
	begin = sim_now(k->sim);
	sys_madvise(t, p->area, PAGE_SIZE, MADV_DONTNEED);
	p->shootdown = sim_now(k->sim) - begin;
	p->ipis = k->metric.ipi[IPI_SHOOTDOWN]->value;
	p->entries = tlb_count(tlb, context);
	user_compute(t, 4 * MS); /* it is back */
	expect(k, !steal_is_preempted(k->cpus[1].cpu), "CPU 1 is away");
	p->flushes = k->cpus[1].cpu->steal->flushes;
	p->stop = true;
}

static struct play play_unmap(const char *const *set)
{
	struct play p = { 0 };
	struct model m;

	start(&m, set, 1);
	spawn(&m, "unmaps", 0, unmaps, &p);
	model_run_clean(&m, "unmaps", 1);
	p.skipped = counter(&m, "ipi.skipped_preempted", "");
	model_end(&m);
	return p;
}

static void test_pv_flush(void **state)
{
	static const char *const pv_set[] = { GUEST, "virt.pv_flush", "true", NULL };
	static const char *const old_set[] = { GUEST,   "virt.pv_flush",
					       "true",  "shootdown.pv_flush",
					       "false", NULL };
	struct play pv = play_unmap(pv_set), old = play_unmap(old_set), none = play_unmap(guest);

	(void)state;
	assert_int_equal(pv.ipis, 0);
	assert_int_equal(pv.skipped, 1);
	assert_int_equal(pv.flushes, 1);
	assert_true(pv.entries > 0); /* stale, but unused until its host flushes */
	assert_true(pv.shootdown < 20 * US);
	/* A kernel or a host without it waits for the CPU to come back. */
	assert_int_equal(old.ipis, 1);
	assert_int_equal(old.skipped, 0);
	assert_int_equal(old.flushes, 0);
	assert_true(old.shootdown > 2 * MS);
	assert_int_equal(none.ipis, 1);
	assert_int_equal(none.shootdown, old.shootdown);
}

/* ---- scenes ---- */

#define OVERCOMMITTED                                                                              \
	"topology.cores_per_l3", "6", "virt.steal_interval", "100us", "virt.steal_mean", "60us",   \
		"virt.steal_min", "10us", "virt.pv_flush", "true"

static void test_scene(void **state)
{
	static const char *const pv[] = { OVERCOMMITTED, NULL };
	static const char *const old[] = { OVERCOMMITTED, "shootdown.pv_flush", "false", NULL };
	static const char *const polls[] = { OVERCOMMITTED, "idle_polls", "true", NULL };
	static const char *const global[] = { OVERCOMMITTED, "shootdown", "invlpgb", NULL };
	static const char *const *const sets[] = { pv, old, polls, global };

	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		struct flush_scene s = {
			.machine = "zen5-vm2", .set = sets[i], .users = 5, .seed = 40 + i
		};

		scene_play(&s);
		check_clean(&s.m, "scene", i);
		assert_true(counter(&s.m, "cpu.preempted", "") > 10);
		assert_true((counter(&s.m, "ipi.skipped_preempted", "") > 0) == (i != 1));
		model_end(&s.m);
	}
}

/* Leaves preempted CPUs out as the para-virtual flush does, and asks their host for nothing. */
static void forgets_to_ask(const void *p, struct task *t, struct mm *mm,
			   const struct flush_tlb_info *info)
{
	struct flush_tlb_info f = *info;
	struct cpumask mask = mm->cpumask;

	(void)p;
	cpumask_for_each(cpu, &mm->cpumask)
		if (steal_is_preempted(t->k->cpus[cpu].cpu))
			cpumask_unset(&mask, cpu);
	flush_tlb_multi(t, &mask, &f);
}

static const struct shootdown_ops forgets_ops = { .flush = forgets_to_ask };
static const struct policy_choice forgets_choice = { .axis = AXIS_SHOOTDOWN,
						     .name = "planted-no-flag",
						     .summary = "wrong on purpose",
						     .source = "tests",
						     .ops = &forgets_ops };
POLICY(forgets_choice);

static void test_planted(void **state)
{
	static const char *const set[] = { OVERCOMMITTED, "shootdown", "planted-no-flag",
					   "lru.batch",   "1",         NULL };
	struct flush_scene s = {
		.machine = "zen5-vm2", .policy = "linux-6.18", .set = set, .users = 5, .seed = 40
	};

	(void)state;
	scene_must_fail_once(&s, "stale-translation", 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lost_time), cmocka_unit_test(test_halted),
		cmocka_unit_test(test_share),     cmocka_unit_test(test_interrupt_waits),
		cmocka_unit_test(test_pv_flush),  cmocka_unit_test(test_scene),
		cmocka_unit_test(test_planted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
