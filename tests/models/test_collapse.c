/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Small pages become huge ones: what MADV_COLLAPSE leaves behind, what khugepaged refuses, its
 * pace, how long each choice of the axis collapse holds mmap_lock, and that translations of the
 * small pages which outlive the collapse are told. test_mm_chaos.c has both at random.
 */
#include "tests/models/forgotten_flush.h"
#include "tests/models/model.h"

#include "models/kernel/khugepaged.h"

#define AREA UINT64_C(0x7fff00000000)
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void map_and_write(struct task *t, uint64_t tables, uint64_t pages_each)
{
	int64_t ret = sys_mmap(t, AREA, tables * PMD_SIZE, RW, ANON | MAP_FIXED);

	expect(t->k, ret == (int64_t)AREA, "mmap: %lld", (long long)ret);
	for (uint64_t i = 0; i < tables * pages_each; i++)
		expect(t->k,
		       user_access(t, AREA + i / pages_each * PMD_SIZE + i % pages_each * PAGE_SIZE,
				   USER_WRITE),
		       "page %llu", (unsigned long long)i);
}

static unsigned int huge_in(struct task *t, uint64_t tables)
{
	unsigned int n = 0;

	for (uint64_t i = 0; i < tables; i++)
		n += pmd_read(t->mm, AREA + i * PMD_SIZE) != 0;
	return n;
}

static void run(struct model *m, const char *const *set, task_fn *body, void *arg)
{
	struct model_spec spec = { .set = set };

	model_start(m, &spec);
	spawn(m, "body", 0, body, arg);
	model_run_clean(m, "collapse", 0);
}

static const char *const four[] = { "topology.cores_per_l3=2", "topology.l3_per_socket=2", NULL };

/* ---- MADV_COLLAPSE ---- */

static void collapses(struct task *t, void *arg)
{
	uint64_t tables, in_use, old;

	(void)arg;
	map_and_write(t, 2, 300);
	lru_add_drain(t);
	tables = t->mm->nr_tables;
	in_use = t->k->pages->in_use;
	old = leaf_read(t->mm, AREA);
	expect(t->k, sys_madvise(t, AREA, PMD_SIZE, MADV_COLLAPSE) == 0, "refused");
	lru_add_drain(t);
	expect(t->k, huge_in(t, 2) == 1, "%u huge pages", huge_in(t, 2));
	expect(t->k, pmd_read(t->mm, AREA) & PTE_WRITE, "not writable");
	expect(t->k, t->mm->nr_tables == tables, "the old table is to lie deposited");
	expect(t->k, t->mm->rss == HPAGE_PAGES + 300, "rss %llu", (unsigned long long)t->mm->rss);
	expect(t->k, t->k->pages->in_use == in_use + HPAGE_PAGES - 300, "frames: %lld",
	       (long long)(t->k->pages->in_use - in_use));
	expect(t->k, pfn_page(t->k, pte_pfn(old))->free, "the old page is kept");
	expect(t->k, user_access(t, AREA + 400 * PAGE_SIZE, USER_WRITE), "write");
	/* Once more is no error; where there is no table, it is. */
	expect(t->k, sys_madvise(t, AREA, PMD_SIZE, MADV_COLLAPSE) == 0, "already huge");
	sys_madvise(t, AREA + PMD_SIZE, PMD_SIZE, MADV_DONTNEED);
	expect(t->k, sys_madvise(t, AREA + PMD_SIZE, PMD_SIZE, MADV_COLLAPSE) != 0, "empty");
}

/* What was split comes together again: the folio that its pages were of goes. */
static void collapses_again(struct task *t, void *arg)
{
	uint64_t frame;

	(void)arg;
	map_and_write(t, 1, 512);
	sys_madvise(t, AREA, PMD_SIZE, MADV_COLLAPSE);
	frame = pte_pfn(pmd_read(t->mm, AREA));
	sys_madvise(t, AREA + 7 * PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED);
	expect(t->k, huge_in(t, 1) == 0, "not split");
	expect(t->k, sys_madvise(t, AREA, PMD_SIZE, MADV_COLLAPSE) == 0, "refused");
	lru_add_drain(t);
	expect(t->k, huge_in(t, 1) == 1 && pfn_page(t->k, (uint32_t)frame)->free, "old folio");
	expect(t->k, t->mm->rss == HPAGE_PAGES, "rss %llu", (unsigned long long)t->mm->rss);
}

static void test_madvise(void **state)
{
	struct model m;

	(void)state;
	run(&m, four, collapses, NULL);
	assert_int_equal(counter(&m, "mm.collapse", "succeeded"), 1);
	assert_int_equal(counter(&m, "mm.collapse", "pmd_mapped"), 1);
	model_end(&m);
	run(&m, four, collapses_again, NULL);
	model_end(&m);
}

/* ---- how long it takes ---- */

static void busy(struct task *t, void *arg)
{
	(void)arg;
	user_compute(t, 20 * SIM_MS);
}

static void timed(struct task *t, void *arg)
{
	struct task_attr attr = { .comm = "busy", .cpu = 1, .initial_cpu = NO_CPU, .fn = busy };
	sim_ps begin;

	map_and_write(t, 1, 512);
	sys_clone_thread(t, &attr);
	user_compute(t, SIM_MS);
	begin = sim_now(t->k->sim);
	sys_madvise(t, AREA, PMD_SIZE, MADV_COLLAPSE);
	*(sim_ps *)arg = sim_now(t->k->sim) - begin;
	expect(t->k, huge_in(t, 1) == 1, "not collapsed");
}

/* An IPI to a CPU that computes takes microseconds, a grace period a tick of that CPU. */
static void test_walkers(void **state)
{
	static const char *const rcu[] = { "topology.cores_per_l3=2", "topology.l3_per_socket=2",
					   "collapse=rcu-sync", NULL };
	sim_ps by_ipi = 0, by_rcu = 0;
	struct model m;

	(void)state;
	run(&m, four, timed, &by_ipi);
	assert_true(counter(&m, "ipi.sent", "table-sync") >= 1);
	model_end(&m);
	run(&m, rcu, timed, &by_rcu);
	assert_int_equal(counter(&m, "ipi.sent", "table-sync"), 0);
	assert_true(by_ipi < SIM_MS);
	assert_true(by_rcu > by_ipi + SIM_MS);
	model_end(&m);
}

/* ---- khugepaged ---- */

static void paced(struct task *t, void *arg)
{
	unsigned int n;

	(void)arg;
	map_and_write(t, 8, 512);
	sys_madvise(t, AREA, 8 * PMD_SIZE, MADV_HUGEPAGE);
	/* A pass of 512 PTEs each millisecond; what each of them costs comes on top. */
	task_sleep(t, 4500 * SIM_US);
	n = huge_in(t, 8);
	expect(t->k, n >= 3 && n <= 5, "%u huge pages after 4.5 ms", n);
	task_sleep(t, 20 * SIM_MS);
	expect(t->k, huge_in(t, 8) == 8, "%u huge pages in the end", huge_in(t, 8));
}

static void child(struct task *t, void *arg)
{
	(void)arg;
	task_sleep(t, 5 * SIM_MS);
}

static void shared(struct task *t, void *arg)
{
	struct task_attr attr = { .comm = "child", .cpu = 1, .initial_cpu = NO_CPU, .fn = child };

	(void)arg;
	map_and_write(t, 1, 512);
	sys_fork(t, &attr);
	for (unsigned int i = 0; i < 200; i++) /* 312 remain shared */
		user_access(t, AREA + i * PAGE_SIZE, USER_WRITE);
	sys_madvise(t, AREA, PMD_SIZE, MADV_HUGEPAGE);
	task_sleep(t, 3 * SIM_MS);
	expect(t->k, huge_in(t, 1) == 0, "collapsed, though shared");
	task_sleep(t, 30 * SIM_MS);
	expect(t->k, huge_in(t, 1) == 1, "not collapsed when the child was gone");
}

static void sparse(struct task *t, void *arg)
{
	(void)arg;
	map_and_write(t, 1, 100);
	sys_madvise(t, AREA, PMD_SIZE, MADV_HUGEPAGE);
	task_sleep(t, 5 * SIM_MS);
	expect(t->k, huge_in(t, 1) == 0, "collapsed, though sparse");
	/* The call does not mind. */
	expect(t->k, sys_madvise(t, AREA, PMD_SIZE, MADV_COLLAPSE) == 0, "refused");
}

static void test_khugepaged(void **state)
{
	static const char *const pace[] = {
		"topology.cores_per_l3=2",    "topology.l3_per_socket=2",
		"collapse.pages_to_scan=512", "collapse.scan_sleep=1ms",
		"collapse.max_ptes_none=411", NULL
	};
	struct model m;

	(void)state;
	run(&m, pace, paced, NULL);
	assert_int_equal(counter(&m, "mm.collapse", "succeeded"), 8);
	model_end(&m);
	run(&m, pace, shared, NULL);
	assert_true(counter(&m, "mm.collapse", "exceed_shared_pte") >= 2);
	model_end(&m);
	run(&m, pace, sparse, NULL);
	assert_true(counter(&m, "mm.collapse", "exceed_none_pte") >= 2);
	model_end(&m);
}

/* ---- a flush that is forgotten ---- */

static void other(struct task *t, void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < 300; i++) {
		user_access(t, AREA + PAGE_SIZE, i % 2 ? USER_READ : USER_WRITE);
		user_compute(t, SIM_US);
	}
}

static void leader(struct task *t, void *arg)
{
	struct task_attr attr = { .comm = "other", .cpu = 1, .initial_cpu = NO_CPU, .fn = other };

	(void)arg;
	map_and_write(t, 1, 512);
	sys_clone_thread(t, &attr);
	user_compute(t, 50 * SIM_US);
	sys_madvise(t, AREA, PMD_SIZE, MADV_COLLAPSE);
	expect(t->k, huge_in(t, 1) == 1, "not collapsed");
	user_compute(t, 200 * SIM_US);
}

static void test_planted(void **state)
{
	static const char *const wrong[] = { "shootdown=planted-self", NULL };
	struct model_spec spec = { .set = wrong };
	struct model m;

	(void)state;
	model_start(&m, &spec);
	spawn(&m, "leader", 0, leader, NULL);
	model_run(&m);
	assert_true(violations_of(&m, "stale-translation") > 0);
	model_end(&m);
	run(&m, &wrong[1], leader, NULL);
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_madvise),
		cmocka_unit_test(test_walkers),
		cmocka_unit_test(test_khugepaged),
		cmocka_unit_test(test_planted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
