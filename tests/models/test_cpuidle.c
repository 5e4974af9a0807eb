/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Idle states: the typical interval by hand, when the deep state is chosen and what it costs to the
 * picosecond, and that a CPU in it needs no shootdown and comes back with an empty TLB.
 */
#include "tests/models/flush_scene.h"

#include "models/kernel/cpuidle.h"

/* ---- the prediction ---- */

static sim_ps typical(const unsigned int us[IDLE_INTERVALS], unsigned int n)
{
	sim_ps t[IDLE_INTERVALS];

	for (unsigned int i = 0; i < n; i++)
		t[i] = us[i] * US;
	return idle_typical_interval(t, n);
}

static void test_typical(void **state)
{
	static const unsigned int same[] = { 500, 500, 500, 500, 500, 500, 500, 500 },
				  near[] = { 10, 30, 20, 15, 5, 25, 22, 8 },
				  one_far[] = { 500, 500, 500, 9000, 500, 500, 500, 500 },
				  two_far[] = { 500, 1, 500, 9000, 500, 500, 500, 500 },
				  three_far[] = { 500, 20000, 500, 9000, 500, 4000, 500, 500 },
				  wide[] = { 100, 200, 400, 800, 1600, 3200, 6400, 12800 };

	(void)state;
	assert_int_equal(typical(same, 8), 500 * US);
	assert_in_range(typical(near, 8), 16 * US, 17 * US); /* within 20 us of their mean */
	assert_int_equal(typical(one_far, 8), 500 * US);
	assert_int_equal(typical(two_far, 8), 500 * US);
	assert_true(typical(three_far, 8) == SIM_NEVER);
	assert_true(typical(wide, 8) == SIM_NEVER);
	assert_true(typical(same, 7) == SIM_NEVER); /* too few */
}

/* ---- waking up ---- */

#define DEEP "ipi.jitter", "0", "hz", "100", "ipi.idle_exit", "2us", "ipi.deep_residency", "600us"
static const char *const deep[] = { DEEP, "ipi.deep_exit", "133us", NULL };
static const char *const shallow[] = { DEEP, NULL };

struct play {
	sim_ps sleep, took[16];
	unsigned int n, ready;
	uint64_t area, skipped, ipis;
	uint32_t entries;
	bool stop;
};

static void sleeps(struct task *t, void *arg)
{
	struct play *p = arg;

	settle(t);
	for (unsigned int i = 0; i < p->n; i++) {
		sim_ps begin = sim_now(t->k->sim);

		task_sleep(t, p->sleep);
		settle(t);
		p->took[i] = sim_now(t->k->sim) - begin;
	}
}

static struct play play_sleep(const char *const *set, sim_ps sleep, uint64_t *halts)
{
	struct model_spec spec = { .set = set, .seed = 1 };
	struct play p = { .sleep = sleep, .n = 12 };
	struct model m;

	model_start(&m, &spec);
	spawn(&m, "sleeps", 1, sleeps, &p);
	model_run_clean(&m, "sleeps", 1);
	*halts = counter(&m, "sched.deep_idle", "");
	model_end(&m);
	return p;
}

static void test_latency(void **state)
{
	uint64_t none, some, few;
	unsigned int n = 0;
	struct play a = play_sleep(shallow, 3 * SIM_MS, &none),
		    b = play_sleep(deep, 3 * SIM_MS, &some);
	struct play c = play_sleep(shallow, 300 * US, &none), d = play_sleep(deep, 300 * US, &few);

	(void)state;
	assert_int_equal(none, 0);
	for (unsigned int i = 0; i < a.n; i++) {
		sim_ps more = b.took[i] - a.took[i];

		/* ... and the mm is loaded again. A last tick that comes soon keeps it shallow. */
		if (more < US)
			continue;
		assert_in_range(more, (133 - 2) * US, (133 - 2) * US + US / 5);
		n++;
	}
	assert_true(n >= 8 && some >= n);      /* a timer says that it is worth it */
	for (unsigned int i = 0; i < c.n; i++) /* it says that it is not */
		assert_int_equal(d.took[i], c.took[i]);
}

static sim_ps sleep_in_guest(const char *const *set, sim_ps sleep)
{
	struct model_spec spec = { .machine = "zen5-vm2", .set = set, .seed = 1 };
	struct play p = { .sleep = sleep, .n = 1 };
	struct model m;

	model_start(&m, &spec);
	spawn(&m, "sleeps", 1, sleeps, &p);
	model_run_clean(&m, "sleeps in a guest", 1);
	model_end(&m);
	return p.took[0];
}

/* By how long it was halted, not by what its governor thought; and what runs next has to be
 * fetched. */
static void test_guest(void **state)
{
#define GUEST "ipi.jitter", "0", "virt.idle_exit", "10us", "virt.deep_residency", "1ms"
#define WARM  "cache.code_line", "0ps"
	static const char *const none[] = { GUEST, "virt.deep_exit", "0us", NULL };
	static const char *const deeply[] = { GUEST, "virt.deep_exit", "35us", NULL };
	static const char *const warm[] = { GUEST, WARM, "virt.deep_exit", "35us", NULL };
	static const char *const warm_none[] = { GUEST, WARM, "virt.deep_exit", "0us", NULL };

	(void)state;
	assert_int_equal(sleep_in_guest(deeply, 900 * US), sleep_in_guest(none, 900 * US));
	assert_int_equal(sleep_in_guest(warm, 2 * SIM_MS),
			 sleep_in_guest(warm_none, 2 * SIM_MS) + 25 * US);
	assert_true(sleep_in_guest(deeply, 2 * SIM_MS) >
		    sleep_in_guest(none, 2 * SIM_MS) + 26 * US);
}

/* Leaving the idle loop sets the tick's timer anew, which a guest pays for. */
static void test_timer_write(void **state)
{
	static const char *const free_of_charge[] = { GUEST, WARM, "virt.timer_write", "0us",
						      NULL };
	static const char *const traps[] = { GUEST, WARM, "virt.timer_write", "3us", NULL };

	(void)state;
	assert_int_equal(sleep_in_guest(traps, 900 * US),
			 sleep_in_guest(free_of_charge, 900 * US) + 3 * US);
}

/* Woken by others, not by a timer: the first times it cannot know, then it has learnt. */
static void waits(struct task *t, void *arg)
{
	struct play *p = arg;

	p->ready = 1;
	while (!p->stop)
		task_block(t);
}

static void wakes(struct task *t, void *arg)
{
	struct play *p = arg;
	struct task_attr attr = {
		.comm = "waits", .cpu = 1, .initial_cpu = NO_CPU, .fn = waits, .arg = p
	};
	struct task *other = sys_clone_thread(t, &attr);

	while (!p->ready)
		user_compute(t, 10 * US);
	for (unsigned int i = 0; i < 30; i++) {
		user_compute(t, 500 * US);
		p->stop = i == 29;
		task_wake(t, other);
	}
}

static void test_learns(void **state)
{
	struct model_spec spec = { .set = deep, .seed = 1 };
	struct play p = { 0 };
	struct model m;

	(void)state;
	model_start(&m, &spec);
	spawn(&m, "wakes", 0, wakes, &p);
	model_run_clean(&m, "wakes", 1);
	assert_in_range(counter(&m, "sched.deep_idle", ""), 6, 14); /* of 30 and some */
	model_end(&m);
}

/* ---- while an idle CPU has not halted yet ---- */

struct window {
	bool rcu_busy;
	unsigned int seen; /* of looks 100 ns apart: a store would do */
};

static void naps(struct task *t, void *arg)
{
	(void)arg;
	user_compute(t, 50 * US);
	task_sleep(t, 200 * US);
}

static void looks(struct task *t, void *arg)
{
	const struct kcpu *other = &t->k->cpus[1];
	struct window *w = arg;

	if (w->rcu_busy)
		kernel_rcu_busy(t->k, SIM_S);
	for (unsigned int i = 0; i < 2000; i++) {
		user_compute(t, 100 * SIM_NS);
		settle(t);
		w->seen += other->curr == other->idle && idle_sees_stores(other);
	}
}

static unsigned int window(const char *timer_write, bool rcu_busy)
{
	const char *const set[] = { GUEST, WARM, "virt.timer_write", timer_write, NULL };
	struct model_spec spec = { .machine = "zen5-vm2", .set = set, .seed = 1 };
	struct window w = { .rcu_busy = rcu_busy };
	struct model m;

	model_start(&m, &spec);
	spawn(&m, "naps", 1, naps, NULL);
	spawn(&m, "looks", 0, looks, &w);
	model_run_clean(&m, "window", 1);
	model_end(&m);
	return w.seen;
}

/* As long as it stops its tick, which RCU's callbacks keep. */
static void test_window(void **state)
{
	unsigned int with = window("3us", false), without = window("3us", true);

	(void)state;
	assert_in_range(with, without + 30, without + 50);
	assert_in_range(window("9us", false), with + 55, with + 65);
	assert_int_equal(window("9us", true), without);
}

/* ---- shootdowns ---- */

static void sleeper(struct task *t, void *arg)
{
	struct play *p = arg;

	user_access(t, p->area, USER_READ);
	p->ready++;
	task_sleep(t, 20 * SIM_MS);
	user_access(t, p->area, USER_READ);
}

static void unmaps(struct task *t, void *arg)
{
	struct play *p = arg;
	struct task_attr attr = {
		.comm = "sleeper", .cpu = 1, .initial_cpu = NO_CPU, .fn = sleeper, .arg = p
	};
	struct kernel *k = t->k;

	p->area = (uint64_t)sys_mmap(t, 0, PMD_SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS);
	user_access(t, p->area, USER_WRITE);
	sys_clone_thread(t, &attr);
	while (!p->ready)
		user_compute(t, 10 * US);
	user_compute(t, 5 * SIM_MS);
	expect(k, !k->cpus[1].tlbstate.loaded_mm, "CPU 1 has not left the mm");
	for (unsigned int slot = 0; slot < TLB_NR_DYN_ASIDS; slot++)
		p->entries += tlb_count(&k->cpus[1].cpu->tlb,
					tlb_context(&k->cpus[1].cpu->tlb, slot));
	p->ipis = k->metric.ipi[IPI_SHOOTDOWN]->value;
	p->skipped = k->metric.ipi_skipped_lazy->value;
	sys_madvise(t, p->area, PAGE_SIZE, MADV_DONTNEED);
	p->ipis = k->metric.ipi[IPI_SHOOTDOWN]->value - p->ipis;
	p->skipped = k->metric.ipi_skipped_lazy->value - p->skipped;
	user_access(t, p->area, USER_WRITE);
	user_compute(t, 30 * SIM_MS);
}

static void test_no_shootdown(void **state)
{
	struct model_spec spec = { .set = deep, .seed = 1 };
	struct play p = { 0 };
	struct model m;

	(void)state;
	model_start(&m, &spec);
	spawn(&m, "unmaps", 0, unmaps, &p);
	model_run_clean(&m, "unmaps", 1);
	assert_int_equal(p.entries, 0);
	assert_int_equal(p.ipis, 0);
	assert_int_equal(p.skipped, 1);
	model_end(&m);
}

/* Every halt is a deep one. */
static void test_scene(void **state)
{
	static const char *const set[] = { "topology.l3_per_socket=1", "ipi.deep_exit=20us",
					   "ipi.deep_residency=1ps", NULL };
	static const char *const policies[] = { "linux-6.18", "broadcast-flush", "linux-4.13" };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct flush_scene s = {
			.policy = policies[i], .set = set, .users = 5, .seed = 80 + i
		};

		scene_play(&s);
		check_clean(&s.m, policies[i], i);
		assert_true(counter(&s.m, "sched.deep_idle", "") > 3);
		model_end(&s.m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_typical),      cmocka_unit_test(test_latency),
		cmocka_unit_test(test_timer_write),  cmocka_unit_test(test_window),
		cmocka_unit_test(test_guest),        cmocka_unit_test(test_learns),
		cmocka_unit_test(test_no_shootdown), cmocka_unit_test(test_scene),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
