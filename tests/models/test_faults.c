/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Do the checks bite? Wrong policies and wrong kernel code, planted here, of the kinds that real
 * patches have been: each must be told by the check that is meant for it, and the same scene
 * without the fault must be clean.
 */
#include "tests/models/model.h"

#include "models/policy/tables_common.h"

#define US SIM_US

enum { PAGES = 64 };

/* ---- wrong policies ---- */

/* Flushes nobody but itself. */
static void silent_flush(const void *p, struct task *t, struct mm *mm,
			 const struct flush_tlb_info *info)
{
	struct flush_tlb_info f = *info;

	(void)p, (void)mm;
	flush_local(t, &f);
}

/* Interrupts only those that it finds in mm_cpumask, less one. */
static void forgetful_flush(const void *p, struct task *t, struct mm *mm,
			    const struct flush_tlb_info *info)
{
	struct flush_tlb_info f = *info;
	struct cpumask mask = mm->cpumask;
	unsigned int last = 0;

	(void)p;
	cpumask_for_each(cpu, &mm->cpumask)
		last = cpu != t->cpu ? cpu : last;
	cpumask_unset(&mask, last);
	flush_tlb_multi(t, &mask, &f);
}

static unsigned int ceiling_33(const void *p)
{
	(void)p;
	return 33;
}

static const struct shootdown_ops silent_ops = { .flush = silent_flush, .ceiling = ceiling_33 };
static const struct shootdown_ops forgetful_ops = { .flush = forgetful_flush,
						    .ceiling = ceiling_33 };

/* Frees each page when its PTE is cleared, before any flush. */
static void free_early(const void *p, struct task *t, struct mmu_gather *tlb, uint64_t addr)
{
	(void)p, (void)addr;
	while (tlb->nr_pages)
		release_pages(t, &tlb->pages[--tlb->nr_pages], 1);
}

/* Forgets every fourth page. */
static void drop_some(const void *p, struct task *t, struct mmu_gather *tlb, uint64_t addr)
{
	(void)p, (void)t;
	if (tlb->nr_pages && (addr >> PAGE_SHIFT) % 4 == 0)
		tlb->nr_pages--;
}

static unsigned int many(const void *p)
{
	(void)p;
	return 9678;
}

static bool yes(const void *p)
{
	(void)p;
	return true;
}

static const struct gather_ops early_ops = { free_early, many, yes };
static const struct gather_ops drop_ops = { drop_some, many, yes };

/* Page tables are never freed. What the run cannot free, the test does. */
static struct page_table *lost[4096];
static unsigned int n_lost;

static void lose_table(const void *p, struct task *t, struct mmu_gather *tlb,
		       struct page_table *table)
{
	(void)p, (void)t, (void)tlb;
	lost[n_lost++] = table;
}

/* Freed at once: before the flush, and before those who wait for its lock have gone. */
static void free_table_now(const void *p, struct task *t, struct mmu_gather *tlb,
			   struct page_table *table)
{
	(void)p;
	free_pcp_page(t, end_table(t->k, tlb->mm, table, sim_now(t->k->sim)));
}

static void nothing_more(const void *p, struct task *t, struct mmu_gather *tlb)
{
	(void)p, (void)t, (void)tlb;
}

static const struct table_free_ops lose_ops = { lose_table, nothing_more };
static const struct table_free_ops now_ops = { free_table_now, nothing_more };

#define PLANT(var, axis_, name_, ops_)                                                             \
	static const struct policy_choice var = { .axis = axis_,                                   \
						  .name = name_,                                   \
						  .summary = "wrong on purpose",                   \
						  .source = "tests",                               \
						  .ops = &(ops_) };                                \
	POLICY(var)

PLANT(silent, AXIS_SHOOTDOWN, "planted-silent", silent_ops);
PLANT(forgetful, AXIS_SHOOTDOWN, "planted-forgetful", forgetful_ops);
PLANT(early, AXIS_FLUSH_GATHERING, "planted-early-free", early_ops);
PLANT(dropping, AXIS_FLUSH_GATHERING, "planted-drop", drop_ops);
PLANT(losing, AXIS_TABLE_FREEING, "planted-lose", lose_ops);
PLANT(now, AXIS_TABLE_FREEING, "planted-now", now_ops);

/* ---- the scene for policies: threads on four CPUs use what another unmaps ---- */

struct scene {
	struct model m;
	uint64_t area;
	bool stop;
	task_fn *act;
};

static void user(struct task *t, void *arg)
{
	struct scene *s = arg;
	struct rng rng;

	rng_init(&rng, 1, "faults.user", t->cpu);
	while (!s->stop) {
		user_access(t, s->area + rng_below(&rng, PAGES) * PAGE_SIZE,
			    rng_below(&rng, 2) ? USER_READ : USER_WRITE);
		user_compute(t, rng_below(&rng, US));
	}
}

static void leader(struct task *t, void *arg)
{
	struct scene *s = arg;
	struct task_attr attr = { .comm = "user", .initial_cpu = NO_CPU, .fn = user, .arg = s };

	s->area = (uint64_t)sys_mmap(t, 0, PMD_SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS);
	for (int cpu = 1; cpu < 4; cpu++) {
		attr.cpu = cpu;
		sys_clone_thread(t, &attr);
	}
	user_compute(t, 300 * US);
	s->act(t, s);
	s->stop = true;
}

static void unmaps_pages(struct task *t, void *arg)
{
	struct scene *s = arg;

	for (unsigned int i = 0; i < 40; i++) {
		sys_madvise(t, s->area, PAGES * PAGE_SIZE, MADV_DONTNEED);
		user_compute(t, 20 * US);
	}
}

/* Whole, so that the page table goes with it. */
static void unmaps_tables(struct task *t, void *arg)
{
	struct scene *s = arg;

	for (unsigned int i = 0; i < 300; i++) {
		sys_madvise(t, s->area, PMD_SIZE, MADV_DONTNEED);
		user_compute(t, i % 7 * US);
	}
}

static void protects(struct task *t, void *arg)
{
	struct scene *s = arg;

	for (unsigned int i = 0; i < 40; i++) {
		sys_mprotect(t, s->area, PAGES * PAGE_SIZE,
			     i % 2 ? PROT_READ | PROT_WRITE : PROT_READ);
		user_compute(t, 20 * US);
	}
}

static void frees_lazily(struct task *t, void *arg)
{
	struct scene *s = arg;

	for (unsigned int i = 0; i < 40; i++) {
		sys_madvise(t, s->area, PAGES * PAGE_SIZE, MADV_FREE);
		user_compute(t, 20 * US);
	}
}

static void child(struct task *t, void *arg)
{
	(void)t, (void)arg;
}

static void forks(struct task *t, void *arg)
{
	struct task_attr attr = { .comm = "child", .cpu = 0, .initial_cpu = NO_CPU, .fn = child };

	(void)arg;
	for (unsigned int i = 0; i < 5; i++) {
		sys_fork(t, &attr);
		user_compute(t, 20 * US);
	}
}

/* How often a check of this kind is hit in the scene. */
static uint64_t plant(const char *axis, const char *choice, task_fn *act, const char *kind,
		      bool only)
{
	const char *const set[] = {
		"topology.l3_per_socket", "1", "lru.batch", "1", axis, choice, NULL
	};
	struct model_spec spec = { .set = set, .seed = 7 };
	struct scene s = { .act = act };
	uint64_t n, all = 0;
	const struct sim_violation *v;

	n_lost = 0;
	model_start(&s.m, &spec);
	spawn(&s.m, "leader", 0, leader, &s);
	model_run(&s.m);
	assert_int_equal(s.m.end, SIM_END_FINISHED);
	model_finish(&s.m);
	n = violations_of(&s.m, kind);
	for (size_t i = 0; i < sim_violations(s.m.sim, &v); i++)
		all += v[i].count;
	if (!n || (only && all != n)) {
		print_violations(&s.m);
		fail_msg("%s: %llu times %s, %llu violations", choice ? choice : "nothing planted",
			 (unsigned long long)n, kind, (unsigned long long)all);
	}
	model_end(&s.m);
	while (n_lost)
		free(lost[--n_lost]);
	return n;
}

/* Without a fault no scene hits a check: what is told below is told of the fault. */
static void test_clean(void **state)
{
	static task_fn *const acts[] = { unmaps_pages, unmaps_tables, protects, frees_lazily,
					 forks };
	static const char *const set[] = { "topology.l3_per_socket=1", "lru.batch=1", NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
		struct model_spec spec = { .set = set, .seed = 7 };
		struct scene s = { .act = acts[i] };

		model_start(&s.m, &spec);
		spawn(&s.m, "leader", 0, leader, &s);
		model_run_clean(&s.m, "no fault", i);
		model_end(&s.m);
	}
}

static void test_silent_shootdown(void **state)
{
	(void)state;
	plant("shootdown", "planted-silent", unmaps_pages, "stale-translation", false);
	plant("shootdown", "planted-silent", protects, "stale-translation", false);
	plant("shootdown", "planted-silent", forks, "stale-translation", false);
	plant("shootdown", "planted-silent", frees_lazily, "lost-dirty", false);
}

static void test_forgetful_shootdown(void **state)
{
	(void)state;
	plant("shootdown", "planted-forgetful", unmaps_pages, "stale-translation", false);
	plant("shootdown", "planted-forgetful", protects, "stale-translation", false);
}

static void test_pages_freed_before_the_flush(void **state)
{
	(void)state;
	plant("flush-gathering", "planted-early-free", unmaps_pages, "stale-translation", true);
}

static void test_lost_pages(void **state)
{
	(void)state;
	plant("flush-gathering", "planted-drop", unmaps_pages, "page-leak", true);
}

static void test_tables(void **state)
{
	(void)state;
	plant("table-freeing", "planted-lose", unmaps_tables, "page-leak", false);
	plant("table-freeing", "planted-lose", unmaps_tables, "table-leak", false);
	plant("table-freeing", "planted-now", unmaps_tables, "stale-table", false);
	plant("table-freeing", "planted-now", unmaps_tables, "table-life", false);
}

/* ---- wrong kernel code ---- */

struct wrong {
	struct model m;
	struct spinlock lock, other;
	struct rwsem sem;
};

static const char lock_class[] = "test_lock", other_class[] = "test_other",
		  sem_class[] = "test_sem";

static void owner(struct task *t, void *arg)
{
	struct wrong *w = arg;

	spin_lock(t, &w->lock);
	spend(t, 100 * US);
	settle(t);
	spin_unlock(t, &w->lock);
}

static void unlocks_anothers(struct task *t, void *arg)
{
	struct wrong *w = arg;

	user_compute(t, 20 * US);
	preempt_disable(t);
	spin_unlock(t, &w->lock);
}

static void unlocks_nothing(struct task *t, void *arg)
{
	struct wrong *w = arg;
	struct read_hold hold = { 0 };

	user_compute(t, 300 * US);
	up_read(t, &w->sem, &hold);
	w->sem.readers = 0;
}

static void writes_unlock(struct task *t, void *arg)
{
	struct wrong *w = arg;

	up_write(t, &w->sem);
}

static void unbalanced_preempt(struct task *t, void *arg)
{
	(void)arg;
	preempt_disable(t);
	preempt_enable(t);
	t->preempt_off = 0;
	preempt_enable(t);
	t->preempt_off = 0;
}

static void sleeps_atomic(struct task *t, void *arg)
{
	(void)arg;
	preempt_disable(t);
	task_sleep(t, 10 * US);
	preempt_enable(t);
}

static void sleeps_with_spinlock(struct task *t, void *arg)
{
	struct wrong *w = arg;

	spin_lock(t, &w->lock);
	down_write(t, &w->sem); /* might sleep, and will: another has it */
	up_write(t, &w->sem);
	spin_unlock(t, &w->lock);
}

static void holds_sem(struct task *t, void *arg)
{
	struct wrong *w = arg;

	down_write(t, &w->sem);
	task_sleep(t, SIM_MS);
	up_write(t, &w->sem);
}

static void keeps_sem(struct task *t, void *arg)
{
	struct wrong *w = arg;

	down_write(t, &w->sem);
}

static void keeps_spinlock(struct task *t, void *arg)
{
	struct wrong *w = arg;

	spin_lock(t, &w->lock);
}

static void keeps_mmap_lock(struct task *t, void *arg)
{
	struct read_hold hold;

	(void)arg;
	mmap_read_lock(t, t->mm, &hold);
}

static void takes_twice(struct task *t, void *arg)
{
	struct wrong *w = arg;

	spin_lock(t, &w->lock);
	spin_lock(t, &w->lock);
}

static void keeps_gather(struct task *t, void *arg)
{
	struct mmu_gather tlb;

	(void)arg;
	tlb_gather_mmu(t, &tlb, t->mm);
}

static void frees_twice(struct task *t, void *arg)
{
	uint32_t pfn = alloc_page(t);

	(void)arg;
	free_page(t, pfn);
	free_page(t, pfn);
}

/* One lock before the other, on one CPU; the other way round, on another. */
static void one_way(struct task *t, void *arg)
{
	struct wrong *w = arg;

	spin_lock(t, &w->lock);
	spin_lock(t, &w->other);
	spend(t, US);
	spin_unlock(t, &w->other);
	spin_unlock(t, &w->lock);
}

static void other_way(struct task *t, void *arg)
{
	struct wrong *w = arg;

	user_compute(t, SIM_MS); /* long after: they never meet */
	spin_lock(t, &w->other);
	spin_lock(t, &w->lock);
	spend(t, US);
	spin_unlock(t, &w->lock);
	spin_unlock(t, &w->other);
}

static void test_wrong_code(void **state)
{
	static const struct {
		const char *what, *kind;
		task_fn *first, *second;
		enum sim_end end;
		const char *message; /* of a run that cannot end well */
	} rows[] = {
		{ "spin_unlock by another", "lock-balance", owner, unlocks_anothers,
		  SIM_END_FINISHED },
		{ "up_read without a reader", "lock-balance", unlocks_nothing, NULL,
		  SIM_END_FINISHED },
		{ "up_write without a writer", "lock-balance", writes_unlock, NULL,
		  SIM_END_FINISHED },
		{ "preempt_enable too often", "preempt-balance", unbalanced_preempt, NULL,
		  SIM_END_FINISHED },
		{ "sleep with preemption off", "atomic-sleep", sleeps_atomic, NULL,
		  SIM_END_FINISHED },
		{ "sleep under a spinlock", "atomic-sleep", holds_sem, sleeps_with_spinlock,
		  SIM_END_FINISHED },
		{ "exit with a rwsem", "lock-leak", keeps_sem, NULL, SIM_END_FINISHED },
		{ "exit with a spinlock", "lock-leak", keeps_spinlock, NULL, SIM_END_FINISHED },
		{ "exit with mmap_lock", NULL, keeps_mmap_lock, NULL, SIM_END_DEADLOCK,
		  "mmap_lock" },
		{ "a spinlock taken twice", "self-deadlock", takes_twice, NULL, SIM_END_DIED,
		  "soft lockup" },
		{ "two locks in two orders", "lock-order", one_way, other_way, SIM_END_FINISHED },
		{ "a gather never finished", "gather-leak", keeps_gather, NULL, SIM_END_FINISHED },
		{ "a page freed twice", "page-life", frees_twice, NULL, SIM_END_FINISHED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct model_spec spec = { .seed = 3 };
		struct wrong w;

		model_start(&w.m, &spec);
		spin_lock_init(w.m.k, &w.lock, lock_class_get(w.m.k, lock_class));
		spin_lock_init(w.m.k, &w.other, lock_class_get(w.m.k, other_class));
		rwsem_init(w.m.k, &w.sem, lock_class_get(w.m.k, sem_class));
		spawn(&w.m, "first", 0, rows[i].first, &w);
		if (rows[i].second)
			spawn(&w.m, "second", 1, rows[i].second, &w);
		model_run(&w.m);
		if (w.m.end == SIM_END_FINISHED) {
			spin_lock_free(w.m.k, &w.lock);
			spin_lock_free(w.m.k, &w.other);
			rwsem_free(w.m.k, &w.sem);
			model_finish(&w.m);
		}
		if (w.m.end != rows[i].end ||
		    (rows[i].kind && !violations_of(&w.m, rows[i].kind)) ||
		    (rows[i].message && !strstr(w.m.err.msg, rows[i].message))) {
			print_violations(&w.m);
			fail_msg("%s: end %d %s", rows[i].what, (int)w.m.end, w.m.err.msg);
		}
		model_end(&w.m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_silent_shootdown),
		cmocka_unit_test(test_forgetful_shootdown),
		cmocka_unit_test(test_pages_freed_before_the_flush),
		cmocka_unit_test(test_lost_pages),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_wrong_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
