/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Isolated CPUs: what never runs there, which interrupts still come, that RCU does not need their
 * ticks; and membarrier, which interrupts those that it must and no others.
 * Page-table locks apart from their tables are here as well: what they cost is one line.
 */
#include "tests/models/model.h"

#include <errno.h>
#include <sys/mman.h>

#define US SIM_US
#define MS SIM_MS

/* Two groups of four cores, the second group isolated. */
static const char *const isolated[] = { "topology.l3_per_socket=2", "topology.cores_per_l3=4",
					"topology.threads_per_core=1", "isolated_cores=4", NULL };

struct scene {
	struct model m;
	uint64_t on[8]; /* looks of unbound tasks, by CPU */
	sim_ps waited;
	int ret[2];
};

static void wander(struct task *t, void *arg)
{
	struct scene *s = arg;

	for (unsigned int i = 0; i < 100; i++) {
		user_compute(t, 100 * US);
		s->on[task_cpu(t)]++;
		task_sleep(t, 50 * US);
	}
}

/* More tasks than CPUs that they may use: none spills over. */
static void test_no_balancing(void **state)
{
	struct scene s = { .waited = 0 };
	struct model_spec spec = { .set = isolated };

	(void)state;
	model_start(&s.m, &spec);
	for (unsigned int i = 0; i < 10; i++)
		spawn(&s.m, "wanderer", NO_CPU, wander, &s);
	model_run_clean(&s.m, "isolated CPUs", 0);
	for (unsigned int cpu = 0; cpu < 8; cpu++)
		assert_int_equal(s.on[cpu] > 0, cpu < 4);
	model_end(&s.m);
}

static void compute(struct task *t, void *arg)
{
	(void)arg;
	user_compute(t, 100 * MS);
}

static uint64_t ticks_with(const char *nohz_full)
{
	const char *set[32];
	struct model_spec spec = { .set = set };
	struct model m;
	uint64_t ticks;
	size_t n = 0;

	for (; isolated[n]; n++)
		set[n] = isolated[n];
	set[n++] = "nohz_full";
	set[n++] = nohz_full;
	set[n] = NULL;
	model_start(&m, &spec);
	spawn(&m, "worker", 5, compute, NULL);
	model_run_clean(&m, "ticks", 0);
	ticks = counter(&m, "sched.ticks", "");
	model_end(&m);
	return ticks;
}

static void test_no_tick(void **state)
{
	(void)state;
	assert_in_range(ticks_with("false"), 99, 101);
	assert_in_range(ticks_with("true"), 0, 2);
}

static void sync_and_note(struct task *t, void *arg)
{
	struct scene *s = arg;

	user_compute(t, 5 * MS);
	s->waited = sim_now(t->k->sim);
	synchronize_rcu(t);
	s->waited = sim_now(t->k->sim) - s->waited;
}

/* User mode without a tick is as quiescent as idle: the forced scan sees it. */
static void test_rcu_needs_no_tick(void **state)
{
	struct scene s = { .waited = 0 };
	struct model_spec spec = { .set = isolated };

	(void)state;
	model_start(&s.m, &spec);
	spawn(&s.m, "worker", 5, compute, NULL);
	spawn(&s.m, "updater", 0, sync_and_note, &s);
	model_run_clean(&s.m, "RCU", 0);
	assert_in_range(s.waited, 3 * MS, 8 * MS);
	assert_int_equal(counter(&s.m, "ipi.sent_to_isolated", "rcu"), 0);
	model_end(&s.m);
}

static void two_at_once(struct task *t, void *arg)
{
	struct scene *s = arg;

	user_compute(t, 20 * MS);
	s->on[0] += task_cpu(t) == 5;
}

/* A second task on the CPU needs the tick: both get on. */
static void test_tick_comes_back(void **state)
{
	struct scene s = { .waited = 0 };
	struct model_spec spec = { .set = isolated };

	(void)state;
	model_start(&s.m, &spec);
	spawn(&s.m, "one", 5, two_at_once, &s);
	spawn(&s.m, "two", 5, two_at_once, &s);
	model_run_clean(&s.m, "two tasks", 0);
	assert_int_equal(s.on[0], 2);
	assert_true(counter(&s.m, "sched.ticks", "") > 30);
	assert_true(counter(&s.m, "sched.context_switches", "") > 10);
	model_end(&s.m);
}

/* ---- page tables that are freed at once ---- */

static void map_and_unmap(struct task *t, void *arg)
{
	int64_t addr = sys_mmap(t, 0, PMD_SIZE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS);

	(void)arg;
	user_access(t, (uint64_t)addr, USER_WRITE);
	user_compute(t, MS);
	sys_munmap(t, (uint64_t)addr, PMD_SIZE);
}

static void freed_with(const char *choice, const char *key, const char *value, uint64_t ipis)
{
	const char *set[32];
	struct model_spec spec = { .set = set };
	struct model m;
	size_t n = 0;

	for (; isolated[n]; n++)
		set[n] = isolated[n];
	set[n++] = "table-freeing";
	set[n++] = choice;
	set[n++] = key;
	set[n++] = value;
	set[n] = NULL;
	model_start(&m, &spec);
	spawn(&m, "isolated", 5, compute, NULL);
	spawn(&m, "unmapper", 0, map_and_unmap, NULL);
	model_run_clean(&m, choice, 0);
	assert_true(counter(&m, "mm.tables_freed", "") > 0);
	assert_int_equal(counter(&m, "ipi.sent_to_isolated", "table-sync") +
				 counter(&m, "ipi.sent_to_isolated", "rcu"),
			 ipis);
	model_end(&m);
}

/* An IPI to every CPU reaches isolated ones, a grace period leaves them alone in user mode. */
static void test_table_freeing(void **state)
{
	(void)state;
	freed_with("ipi-sync", NULL, NULL, 3 * 4); /* three tables, four CPUs */
	freed_with("rcu-batch", NULL, NULL, 0);
	freed_with("rcu-sync", NULL, NULL, 0);
	freed_with("rcu-sync", "table-freeing.expedited", "true", 0);
}

/* ---- membarrier ---- */

static void barrier_thread(struct task *t, void *arg)
{
	struct scene *s = arg;

	user_compute(t, 500 * US);
	s->ret[0] = sys_membarrier(t, MEMBARRIER_CMD_PRIVATE_EXPEDITED);
	s->ret[1] = sys_membarrier(t, MEMBARRIER_CMD_GLOBAL);
}

static void parent(struct task *t, void *arg)
{
	struct task_attr attr = { .comm = "thread", .initial_cpu = NO_CPU, .fn = compute };

	for (int cpu = 1; cpu < 4; cpu++) {
		attr.cpu = cpu + 2; /* 3 to 5: two of them isolated */
		sys_clone_thread(t, &attr);
	}
	attr.cpu = NO_CPU;
	barrier_thread(t, arg);
}

/* Three threads of the process run, and another process: three interrupts, two to isolated CPUs. */
static void test_membarrier(void **state)
{
	struct scene s = { .ret = { -1, -1 } };
	struct model_spec spec = { .set = isolated };

	(void)state;
	model_start(&s.m, &spec);
	spawn(&s.m, "parent", 0, parent, &s);
	spawn(&s.m, "stranger", 1, compute, NULL);
	model_run_clean(&s.m, "membarrier", 0);
	assert_int_equal(s.ret[0], 0);
	assert_int_equal(s.ret[1], -EINVAL); /* there are nohz_full CPUs */
	assert_int_equal(counter(&s.m, "ipi.sent", "membarrier"), 3);
	assert_int_equal(counter(&s.m, "ipi.sent_to_isolated", "membarrier"), 2);
	model_end(&s.m);
}

/* ---- allocated page-table locks ---- */

static void touch_some(struct task *t, void *arg)
{
	int64_t addr = sys_mmap(t, 0, 4 * PMD_SIZE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS);

	(void)arg;
	for (uint64_t off = 0; off < 4 * PMD_SIZE; off += PMD_SIZE / 4)
		user_access(t, (uint64_t)addr + off, USER_WRITE);
	sys_munmap(t, (uint64_t)addr, 4 * PMD_SIZE);
}

static void test_allocated_locks(void **state)
{
	static const char *const choices[] = { "split", "allocated" };
	uint64_t moves[2], end[2];

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		const char *const set[] = { "table-locks", choices[i], "huge-pages=never", NULL };
		struct model_spec spec = { .set = set };
		struct model m;

		model_start(&m, &spec);
		spawn(&m, "toucher", 0, touch_some, NULL);
		model_run_clean(&m, choices[i], 0);
		moves[i] = counter(&m, "line.transfers", "ptdesc");
		end[i] = sim_now(m.sim);
		model_end(&m);
	}
	assert_int_equal(moves[0], 0);
	assert_in_range(moves[1], 6, 12); /* 4 PTE tables and those above, each fetched once */
	assert_true(end[1] > end[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_balancing),      cmocka_unit_test(test_no_tick),
		cmocka_unit_test(test_rcu_needs_no_tick), cmocka_unit_test(test_tick_comes_back),
		cmocka_unit_test(test_table_freeing),     cmocka_unit_test(test_membarrier),
		cmocka_unit_test(test_allocated_locks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
