/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What tells kernel versions apart, each by its counted effect: flushes, interrupts, acquisitions
 * of a lock. Would break: a parameter of a policy that nothing reads, or that does something else
 * than its version did.
 */
#include "tests/models/model.h"

#define RW (PROT_READ | PROT_WRITE)

static uint64_t map(struct task *t, uint64_t pages, unsigned int flags, enum user_access access)
{
	int64_t addr = sys_mmap(t, 0, pages * PAGE_SIZE, RW, flags);

	expect(t->k, addr > 0, "mmap: %lld", (long long)addr);
	for (uint64_t i = 0; i < pages; i++)
		expect(t->k, user_access(t, (uint64_t)addr + i * PAGE_SIZE, access), "SIGSEGV");
	return (uint64_t)addr;
}

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* Runs one task on CPU 0 to its end. */
static void run_task(struct model *m, const char *policy, const char *const *set, task_fn *fn)
{
	struct model_spec spec = { .policy = policy, .set = set };

	model_start(m, &spec);
	spawn(m, "task", 0, fn, NULL);
	model_run_clean(m, policy, 0);
}

static void expect_count(const char *policy, const char *const *set, task_fn *fn, const char *name,
			 const char *label, uint64_t wanted)
{
	struct model m;

	run_task(&m, policy, set, fn);
	if (counter(&m, name, label) != wanted)
		fail_msg("%s: %s %s is %llu, not %llu", policy, name, label,
			 (unsigned long long)counter(&m, name, label), (unsigned long long)wanted);
	model_end(&m);
}

/* ---- page tables ---- */

static void map_and_unmap(struct task *t, void *arg)
{
	uint64_t a = map(t, 1024, ANON, USER_WRITE);

	(void)arg;
	sys_munmap(t, a, 1024 * PAGE_SIZE);
}

static void tables_among_the_pages(void **state)
{
	struct model m;

	(void)state;
	run_task(&m, "linux-6.12", NULL, map_and_unmap);
	assert_int_equal(counter(&m, "rcu.callbacks", ""), 0);
	assert_true(counter(&m, "mm.tables_freed", "") >= 2);
	assert_true(histogram(&m, "mm.table_free_delay", "")->max < 50 * SIM_US);
	model_end(&m);
	run_task(&m, "linux-6.18", NULL, map_and_unmap);
	assert_true(counter(&m, "rcu.callbacks", "") >= 1);
	model_end(&m);
}

static bool table_is_left;

static void drop_a_table(struct task *t, void *arg)
{
	uint64_t a = map(t, 1024, ANON, USER_WRITE), whole = (a + PMD_SIZE - 1) & ~(PMD_SIZE - 1);

	(void)arg;
	sys_madvise(t, whole, PMD_SIZE, MADV_DONTNEED);
	table_is_left = pt_lookup(t->mm, whole) != NULL;
}

static void dontneed_frees_tables_since_6_14(void **state)
{
	static const struct {
		const char *policy;
		bool left;
	} cases[] = { { "linux-6.18", false }, { "linux-6.14", false }, { "linux-6.12", true } };
	struct model m;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		run_task(&m, cases[i].policy, NULL, drop_a_table);
		assert_int_equal(table_is_left, cases[i].left);
		model_end(&m);
	}
}

/* ---- how a gather fills up ---- */

static void unmap_9690(struct task *t, void *arg)
{
	uint64_t a = map(t, 9690, ANON, USER_WRITE);

	(void)arg;
	sys_munmap(t, a, 9690 * PAGE_SIZE);
}

static void gathers_hold_as_many(void **state)
{
	static const char *const alone[] = { "table-freeing=rcu-batch", NULL };

	(void)state;
	expect_count("linux-6.18", NULL, unmap_9690, "tlb.flush", "local-mm-shootdown", 2);
	expect_count("linux-6.1", alone, unmap_9690, "tlb.flush", "local-mm-shootdown", 1);
	/* 20 tables more in the same batches: they no longer fit in one. */
	expect_count("linux-6.1", NULL, unmap_9690, "tlb.flush", "local-mm-shootdown", 2);
}

/* ---- dirty pages of files: a flush for each page table, under its lock ---- */

#define SHARED (MAP_SHARED)

static void unmap_dirty_file(struct task *t, void *arg)
{
	uint64_t a = map(t, 3 * 512, SHARED, USER_WRITE);

	(void)arg;
	expect(t->k, a % PMD_SIZE == 0, "%#llx straddles tables", (unsigned long long)a);
	sys_munmap(t, a, 3 * PMD_SIZE);
}

static void unmap_clean_file(struct task *t, void *arg)
{
	uint64_t a = map(t, 3 * 512, SHARED, USER_READ);

	(void)arg;
	sys_munmap(t, a, 3 * PMD_SIZE);
}

static void dirty_files_flush_each_table(void **state)
{
	static const char *const policies[] = { "linux-6.18", "linux-6.1", "linux-5.10" };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) { /* and one for the tables */
		expect_count(policies[i], NULL, unmap_dirty_file, "tlb.flush", "local-mm-shootdown",
			     3 + 1);
		expect_count(policies[i], NULL, unmap_clean_file, "tlb.flush", "local-mm-shootdown",
			     1);
	}
}

static void spin(struct task *t, void *arg)
{
	(void)arg;
	user_compute(t, 5 * SIM_MS);
}

static void unmap_dirty_beside_a_thread(struct task *t, void *arg)
{
	struct task_attr attr = { .comm = "spinner", .cpu = 1, .fn = spin };

	(void)arg;
	sys_clone_thread(t, &attr);
	user_compute(t, SIM_MS);
	unmap_dirty_file(t, NULL);
}

/* The interrupts are waited for with the page table locked. */
static void dirty_files_hold_the_lock(void **state)
{
	struct model m;

	(void)state;
	run_task(&m, "linux-6.18", NULL, unmap_dirty_beside_a_thread);
	assert_int_equal(histogram(&m, "lock.hold_ipi", "ptlock")->count, 3);
	model_end(&m);
}

/* ---- mprotect ---- */

static void protect_three(struct task *t, void *arg)
{
	uint64_t a = map(t, 9, ANON, USER_WRITE);

	(void)arg;
	sys_mprotect(t, a + 3 * PAGE_SIZE, 3 * PAGE_SIZE, PROT_READ);
	sys_mprotect(t, a, 9 * PAGE_SIZE, PROT_NONE);
}

static void mprotect_by_vma_until_5_18(void **state)
{
	(void)state;
	expect_count("linux-6.1", NULL, protect_three, "tlb.flush", "local-mm-shootdown", 1 + 1);
	expect_count("linux-5.10", NULL, protect_three, "tlb.flush", "local-mm-shootdown", 1 + 3);
}

/* ---- mmap_lock ---- */

static void advise_ranges(struct task *t, void *arg)
{
	struct user_range range[10];
	uint64_t a = map(t, 20, ANON, USER_WRITE);

	(void)arg;
	for (unsigned int i = 0; i < 10; i++)
		range[i] = (struct user_range){ a + 2 * i * PAGE_SIZE, PAGE_SIZE };
	sys_process_madvise(t, range, 10, MADV_DONTNEED);
}

/* One for mmap, three for exit, one for the first fault's anon_vma. */
static void ranges_lock_once_since_6_15(void **state)
{
	(void)state;
	expect_count("linux-6.15", NULL, advise_ranges, "lock.acquired", "mmap_lock", 5 + 1);
	expect_count("linux-6.14", NULL, advise_ranges, "lock.acquired", "mmap_lock", 5 + 10);
	/* Each fault takes it. */
	expect_count("linux-6.1", NULL, advise_ranges, "lock.acquired", "mmap_lock", 4 + 20 + 10);
}

static sim_ps longest_fault;

/* While the other thread frees, faults on pages that have nothing to do with it. */
static void fault_meanwhile(struct task *t, void *arg)
{
	uint64_t a = *(uint64_t *)arg;

	for (uint64_t i = 0; i < 400; i++) {
		sim_ps begin = sim_now(t->k->sim);

		user_access(t, a + i * PAGE_SIZE, USER_WRITE);
		if (sim_now(t->k->sim) - begin > longest_fault)
			longest_fault = sim_now(t->k->sim) - begin;
		user_compute(t, 2 * SIM_US);
	}
}

static void unmap_below_a_stack(struct task *t, void *arg)
{
	uint64_t a = map(t, 8192, ANON, USER_WRITE), other;
	struct task_attr attr = {
		.comm = "faults", .cpu = 1, .fn = fault_meanwhile, .arg = &other
	};
	struct task *faults;

	(void)arg;
	sys_mmap(t, a + (8192 + 16) * PAGE_SIZE, 4 * PAGE_SIZE, RW,
		 ANON | MAP_FIXED | MAP_GROWSDOWN);
	other = (uint64_t)sys_mmap(t, UINT64_C(0x100000000), 400 * PAGE_SIZE, RW, ANON | MAP_FIXED);
	faults = sys_clone_thread(t, &attr);
	user_compute(t, 200 * SIM_US);
	sys_munmap(t, a, 8192 * PAGE_SIZE);
	sys_wait4(t, faults);
}

static sim_ps longest_beside_munmap(const char *policy, const char *when)
{
	const char *set[] = { "mmap-locking.downgrade", when, NULL };
	struct model m;

	longest_fault = 0;
	run_task(&m, policy, set, unmap_below_a_stack);
	model_end(&m);
	return longest_fault;
}

static void no_downgrade_below_a_stack(void **state)
{
	sim_ps always = longest_beside_munmap("linux-6.1", "always");
	sim_ps never = longest_beside_munmap("linux-6.1", "never");

	(void)state;
	assert_true(never > 300 * SIM_US); /* what freeing 8,192 pages takes, and more */
	assert_true(always < never / 4);
	assert_true(longest_beside_munmap("linux-6.1", "not-below-stack") == never);
}

/* ---- pages ---- */

static void fill_and_leave(struct task *t, void *arg)
{
	(void)arg;
	map(t, 992, ANON, USER_WRITE); /* 32 batches of 31, 66 of 15 and two pages */
}

static void lru_batches(void **state)
{
	static const char *const no_drain[] = { "lru.drain_before_zap=false", NULL };

	(void)state;
	/* To the list by 31 (by 15), off it by 31 (by 32) of each 512 that exit frees at once. */
	expect_count("linux-6.18", NULL, fill_and_leave, "lock.acquired", "lru_lock", 32 + 17 + 16);
	expect_count("linux-6.1", no_drain, fill_and_leave, "lock.acquired", "lru_lock", 66 + 31);
	/* What stands in a batch goes to the list before exit frees it. */
	expect_count("linux-6.1", NULL, fill_and_leave, "lock.acquired", "lru_lock", 66 + 1 + 31);
}

static void zone_refills(void **state)
{
	static const char *const fixed[] = { "page-lists.scale_max=0", NULL };
	static const char *const few[] = { "page-lists.scale_max=1", NULL };
	static const char *const small[] = { "page-lists.scale_max=0",
					     "page-lists.free_scales=false", NULL };

	(void)state;
	/* 992 pages and 6 tables are taken as 63 + 126 + 252 + 504 + 1008, as 16 times 63, or as
	 * 63 and 8 times 126. They go back as 378 would be passed, down to 189. */
	expect_count("linux-6.18", NULL, fill_and_leave, "lock.acquired", "zone_lock", 5 + 6);
	expect_count("linux-6.18", fixed, fill_and_leave, "lock.acquired", "zone_lock", 16 + 4);
	expect_count("linux-6.18", few, fill_and_leave, "lock.acquired", "zone_lock", 9 + 4);
	/* As 379 would be in the list with the ten left over, and with each 63 more. */
	expect_count("linux-6.18", small, fill_and_leave, "lock.acquired", "zone_lock", 16 + 10);
	expect_count("linux-5.10", NULL, fill_and_leave, "lock.acquired", "zone_lock", 16 + 10);
}

/* ---- counters ---- */

static void counters(void **state)
{
	static const char *const batch[] = { "rss-counters.batch=100", NULL };

	(void)state;
	/* 992 up by one each, then down by a table's worth at a time. */
	expect_count("linux-6.18", batch, fill_and_leave, "lock.acquired", "percpu_counter", 9 + 2);
	expect_count("linux-6.1", NULL, fill_and_leave, "lock.acquired", "percpu_counter", 0);
}

static void drop_one_by_one(struct task *t, void *arg)
{
	uint64_t a = map(t, 1, ANON, USER_WRITE);

	(void)arg;
	for (unsigned int i = 0; i < 200; i++) {
		sys_madvise(t, a, PAGE_SIZE, MADV_DONTNEED);
		user_access(t, a, USER_WRITE);
	}
}

static void two_droppers(struct task *t, void *arg)
{
	struct task_attr attr = { .comm = "other", .cpu = 1, .fn = drop_one_by_one };

	sys_clone_thread(t, &attr);
	drop_one_by_one(t, arg);
}

/* Until 6.1 every zap writes to one line of the mm. */
static void zaps_share_a_line_until_6_1(void **state)
{
	struct model m;

	(void)state;
	run_task(&m, "linux-6.1", NULL, two_droppers);
	assert_true(counter(&m, "line.transfers", "rss_stat") > 150);
	model_end(&m);
	run_task(&m, "linux-6.12", NULL, two_droppers);
	assert_true(counter(&m, "line.transfers", "rss_stat") < 10);
	model_end(&m);
}

static void fault_400(struct task *t, void *arg)
{
	for (uint64_t i = 0; i < 400; i++)
		user_access(t, *(uint64_t *)arg + i * PAGE_SIZE, USER_WRITE);
}

static void two_faulters(struct task *t, void *arg)
{
	uint64_t low = map(t, 1, ANON, USER_WRITE), high;
	struct task_attr attr = { .comm = "other", .cpu = 1, .fn = fault_400, .arg = &high };
	struct task *other;

	(void)arg;
	low = (uint64_t)sys_mmap(t, low - 800 * PAGE_SIZE, 800 * PAGE_SIZE, RW, ANON | MAP_FIXED);
	high = low + 400 * PAGE_SIZE;
	other = sys_clone_thread(t, &attr);
	fault_400(t, &low);
	sys_wait4(t, other);
}

/* Readers of a VMA's rwsem that are not alone try twice. */
static void vma_lock_costs_more_as_rwsem(void **state)
{
	static const char *const refcnt[] = { "mmap-locking.lock=refcnt", NULL };
	struct model m;
	sim_ps rwsem;

	(void)state;
	run_task(&m, "linux-6.14", NULL, two_faulters);
	rwsem = sim_now(m.sim);
	model_end(&m);
	run_task(&m, "linux-6.14", refcnt, two_faulters);
	assert_true(sim_now(m.sim) < rwsem);
	model_end(&m);
}

static void leak_a_count(struct task *t, void *arg)
{
	(void)arg;
	map(t, 10, ANON, USER_WRITE);
	t->mm->rss++;
}

static void a_wrong_count_is_told(void **state)
{
	struct model_spec spec = { .policy = "linux-6.18" };
	struct model m;

	(void)state;
	model_start(&m, &spec);
	spawn(&m, "task", 0, leak_a_count, NULL);
	model_run(&m);
	model_finish(&m);
	assert_int_equal(violations_of(&m, "rss-leak"), 1);
	model_end(&m);
}

/* ---- mm_cpumask ---- */

/* A thread of the mm ran on CPU 1; then another process runs there. After a while there are
 * flushes. */
struct visit {
	sim_ps wait;
	unsigned int flushes, times; /* the while is over before the second time */
};

static void nothing(struct task *t, void *arg)
{
	(void)t, (void)arg;
}

static void stay(struct task *t, void *arg)
{
	user_compute(t, ((const struct visit *)arg)->wait + 9 * SIM_MS);
}

static void visit(struct task *t, void *arg)
{
	struct visit *v = arg;
	struct task_attr thread = { .comm = "visitor", .cpu = 1, .fn = nothing };
	struct task_attr other = { .comm = "other", .cpu = 1, .fn = stay, .arg = v };
	uint64_t a = map(t, 1, ANON, USER_WRITE);

	for (unsigned int n = 0; n < v->times; n++) {
		sys_wait4(t, sys_clone_thread(t, &thread));
		if (!n)
			kernel_spawn(t->k, &other);
		user_compute(t, SIM_MS);
		task_sleep(t, n ? 0 : v->wait);
		for (unsigned int i = 0; i < v->flushes; i++) {
			sys_madvise(t, a, PAGE_SIZE, MADV_DONTNEED);
			user_access(t, a, USER_WRITE);
		}
	}
}

static void visits_under(struct model *m, const char *policy, const char *const *set, sim_ps wait,
			 unsigned int times)
{
	struct visit v = { wait, 3, times };
	struct model_spec spec = { .policy = policy, .set = set };

	model_start(m, &spec);
	spawn(m, "task", 0, visit, &v);
	model_run_clean(m, policy, 0);
}

static void visit_under(struct model *m, const char *policy, const char *const *set, sim_ps wait)
{
	visits_under(m, policy, set, wait, 1);
}

static void cpus_that_switched(void **state)
{
	static const char *const lazy[] = { "shootdown.filter=lazy", NULL };
	struct model m;

	(void)state;
	/* It has left the mask: nobody asks it. */
	visit_under(&m, "linux-6.12", NULL, 0);
	assert_int_equal(counter(&m, "ipi.skipped_lazy", ""), 0);
	assert_int_equal(counter(&m, "ipi.sent", "shootdown"), 0);
	model_end(&m);
	/* It is in the mask, and left out because it runs another mm. */
	visit_under(&m, "linux-6.18", NULL, 0);
	assert_int_equal(counter(&m, "ipi.skipped_lazy", ""), 3);
	assert_int_equal(counter(&m, "ipi.sent", "shootdown"), 1); /* at exit: tables are freed */
	model_end(&m);
	/* If all that is asked were whether it is lazy, it would be interrupted, and leave. */
	visit_under(&m, "linux-6.18", lazy, 0);
	assert_int_equal(counter(&m, "ipi.skipped_lazy", ""), 0);
	assert_int_equal(counter(&m, "ipi.sent", "shootdown"), 1);
	assert_int_equal(counter(&m, "tlb.flush", "remote-wrong-cpu"), 1);
	model_end(&m);
}

/* Once in HZ jiffies a flush tells such CPUs to leave; the others leave them alone. */
static void trims_once_a_second(void **state)
{
	static const char *const never[] = { "shootdown.trim=false", NULL };
	struct model m;

	(void)state;
	visit_under(&m, "linux-6.18", NULL, SIM_S);
	assert_int_equal(counter(&m, "ipi.skipped_lazy", ""), 0);
	assert_int_equal(counter(&m, "tlb.flush", "remote-wrong-cpu"), 1);
	model_end(&m);
	/* In the mask again, a few milliseconds later. */
	visits_under(&m, "linux-6.18", NULL, SIM_S, 2);
	assert_int_equal(counter(&m, "ipi.skipped_lazy", ""), 3);
	assert_int_equal(counter(&m, "tlb.flush", "remote-wrong-cpu"), 1 + 1); /* and at exit */
	model_end(&m);
	visit_under(&m, "linux-6.18", never, SIM_S);
	assert_int_equal(counter(&m, "ipi.skipped_lazy", ""), 3);
	assert_int_equal(counter(&m, "tlb.flush", "remote-wrong-cpu"), 1);
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_among_the_pages),
		cmocka_unit_test(dontneed_frees_tables_since_6_14),
		cmocka_unit_test(gathers_hold_as_many),
		cmocka_unit_test(dirty_files_flush_each_table),
		cmocka_unit_test(dirty_files_hold_the_lock),
		cmocka_unit_test(mprotect_by_vma_until_5_18),
		cmocka_unit_test(ranges_lock_once_since_6_15),
		cmocka_unit_test(no_downgrade_below_a_stack),
		cmocka_unit_test(lru_batches),
		cmocka_unit_test(zone_refills),
		cmocka_unit_test(counters),
		cmocka_unit_test(zaps_share_a_line_until_6_1),
		cmocka_unit_test(vma_lock_costs_more_as_rwsem),
		cmocka_unit_test(a_wrong_count_is_told),
		cmocka_unit_test(cpus_that_switched),
		cmocka_unit_test(trims_once_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
