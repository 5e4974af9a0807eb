/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Huge pages of shmem: small pages that several processes map become one, their PTE tables go as
 * the policy has it, faults map the huge page by PMDs, and all of it goes again; under faults all
 * the time, and with a flush that is forgotten.
 */
#include "tests/models/forgotten_flush.h"
#include "tests/models/model.h"

#include "models/kernel/huge_file.h"

#define AREA  UINT64_C(0x7fff00000000)
#define RW    (PROT_READ | PROT_WRITE)
#define SHMEM (MAP_SHARED | MAP_ANONYMOUS)

enum { CHILDREN = 3 };

static void touch_all(struct task *t, enum user_access how)
{
	for (uint64_t i = 0; i < HPAGE_PAGES; i++)
		expect(t->k, user_access(t, AREA + i * PAGE_SIZE, how), "page %llu",
		       (unsigned long long)i);
}

/* Uses all of it, so has a table, and sees what comes of it. */
static void child(struct task *t, void *arg)
{
	uint64_t tables;

	(void)arg;
	touch_all(t, USER_READ);
	expect(t->k, pt_lookup(t->mm, AREA), "no table");
	tables = t->mm->nr_tables;
	task_sleep(t, 5 * SIM_MS); /* the parent collapses */
	expect(t->k, !pt_lookup(t->mm, AREA) && !leaf_read(t->mm, AREA), "not retracted");
	task_sleep(t, 30 * SIM_MS); /* grace periods pass */
	expect(t->k, t->mm->nr_tables == tables - 1, "the table is still there");
	expect(t->k, user_access(t, AREA + 8 * PAGE_SIZE, USER_READ), "read");
	expect(t->k, pmd_read(t->mm, AREA) & PTE_FILE, "mapped by PTEs");
	expect(t->k, t->mm->rss == HPAGE_PAGES, "rss %llu", (unsigned long long)t->mm->rss);
}

/* A PTE table with some of the huge page: a private one of the VMA's own would stay in its way. */
static void touch_ptes(struct task *t)
{
	struct page_table *table = pt_alloc(t, t->mm, AREA);
	struct vma *vma = vma_lookup(t->mm, AREA);

	expect(t->k, table, "a huge page is there");
	for (uint64_t i = 0; table && i < 8; i++) {
		uint32_t pfn = filemap_folio_of(t->k, vma, AREA + i * PAGE_SIZE);

		pfn_page(t->k, pfn)->mapcount++;
		page_folio(pfn_page(t->k, pfn))->refs++;
		t->mm->rss++;
		pt_set(table, AREA + i * PAGE_SIZE,
		       (uint64_t)pfn << PAGE_SHIFT | PTE_FILE | PTE_PRESENT);
	}
}

static void parent(struct task *t, void *arg)
{
	struct task_attr attr = { .comm = "child", .initial_cpu = NO_CPU, .fn = child };
	uint32_t pfn;

	(void)arg;
	sys_mmap(t, AREA, PMD_SIZE, RW, SHMEM | MAP_FIXED);
	touch_all(t, USER_WRITE);
	for (unsigned int i = 0; i < CHILDREN; i++) {
		attr.cpu = (int)i + 1;
		sys_fork(t, &attr);
	}
	task_sleep(t, 2 * SIM_MS);
	expect(t->k, sys_madvise(t, AREA, PMD_SIZE, MADV_COLLAPSE) == 0, "refused");
	expect(t->k, sys_madvise(t, AREA, PMD_SIZE, MADV_COLLAPSE) == 0, "refused once more");
	expect(t->k, user_access(t, AREA, USER_WRITE), "write");
	expect(t->k, pmd_read(t->mm, AREA) & PTE_WRITE, "not mapped by a PMD");
	pfn = pte_pfn(pmd_read(t->mm, AREA));
	task_sleep(t, 50 * SIM_MS);
	expect(t->k, pfn_page(t->k, pfn)->pmd_maps == 1, "%u mappings when the others are gone",
	       pfn_page(t->k, pfn)->pmd_maps);
	/* A part of it: the PMD goes, PTEs map the same page, and once more they make room. */
	sys_madvise(t, AREA, PAGE_SIZE, MADV_DONTNEED);
	expect(t->k, !pmd_read(t->mm, AREA) && !leaf_read(t->mm, AREA), "still mapped");
	touch_ptes(t);
	expect(t->k, sys_madvise(t, AREA, PMD_SIZE, MADV_COLLAPSE) == 0, "refused by PTEs");
	expect(t->k, !pt_lookup(t->mm, AREA), "PTEs stay");
	expect(t->k, user_access(t, AREA + PAGE_SIZE, USER_READ), "read");
	expect(t->k, pte_pfn(pmd_read(t->mm, AREA)) == pfn, "another huge page");
	sys_mprotect(t, AREA, PAGE_SIZE, PROT_READ);
	sys_mprotect(t, AREA, PMD_SIZE, PROT_READ);
	expect(t->k, !user_access(t, AREA, USER_WRITE), "write to read-only");
	sys_mprotect(t, AREA, PMD_SIZE, RW);
	expect(t->k, user_access(t, AREA, USER_WRITE), "write");
	sys_mremap(t, AREA, PMD_SIZE, PMD_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, AREA + PMD_SIZE);
	expect(t->k, user_access(t, AREA + PMD_SIZE, USER_WRITE), "write to where it moved");
}

static void run(struct model *m, const char *const *set, task_fn *body)
{
	struct model_spec spec = { .set = set };

	model_start(m, &spec);
	spawn(m, "parent", 0, body, NULL);
	model_run_clean(m, "shmem", 0);
}

static const char *const trylock[] = { "retract=mmap-trylock", NULL };

static void test_retract(void **state)
{
	struct model m;

	(void)state;
	run(&m, NULL, parent);
	assert_int_equal(counter(&m, "mm.retract", "retracted"), CHILDREN + 2);
	assert_int_equal(counter(&m, "ipi.sent", "table-sync"), 0);
	model_end(&m);
	run(&m, trylock, parent);
	assert_int_equal(counter(&m, "mm.retract", "retracted"), CHILDREN + 2);
	assert_int_equal(counter(&m, "mm.retract", "deferred"), 0);
	model_end(&m);
}

/* ---- under use ---- */

static void user(struct task *t, void *arg)
{
	struct rng rng;

	rng_init(&rng, 7 + sim_seed(t->k->sim), "shmem.user", t->cpu);
	for (unsigned int i = 0; i < 600; i++) {
		user_access(t, AREA + rng_below(&rng, HPAGE_PAGES) * PAGE_SIZE,
			    i % 3 ? USER_READ : USER_WRITE);
		user_compute(t, rng_below(&rng, 2 * SIM_US));
		if (arg && i % 20 == 0) /* holds mmap_lock, changes page tables */
			sys_mprotect(t, AREA, (1 + rng_below(&rng, HPAGE_PAGES)) * PAGE_SIZE, RW);
		if (arg && i % 50 == 0)
			sys_madvise(t, AREA, PMD_SIZE, MADV_DONTNEED);
	}
}

static void used(struct task *t, void *arg)
{
	struct task_attr attr = { .comm = "user", .initial_cpu = NO_CPU, .fn = user, .arg = arg };

	sys_mmap(t, AREA, PMD_SIZE, RW, SHMEM | MAP_FIXED);
	touch_all(t, USER_WRITE);
	for (unsigned int i = 0; i < CHILDREN; i++) {
		attr.cpu = (int)i + 1;
		if (i % 2)
			sys_fork(t, &attr);
		else
			sys_clone_thread(t, &attr);
	}
	user_compute(t, 300 * SIM_US);
	sys_madvise(t, AREA, PMD_SIZE, MADV_COLLAPSE);
	task_sleep(t, 2 * SIM_MS);
}

static void used_hard(struct task *t, void *arg)
{
	(void)arg;
	used(t, t);
}

static void test_used(void **state)
{
	struct model m;

	(void)state;
	run(&m, NULL, used);
	assert_int_equal(counter(&m, "mm.collapse", "succeeded"), 1);
	model_end(&m);
	run(&m, trylock, used);
	model_end(&m);
	run(&m, NULL, used_hard);
	model_end(&m);
	run(&m, trylock, used_hard);
	model_end(&m);
}

/* ---- khugepaged ---- */

static void advised(struct task *t, void *arg)
{
	(void)arg;
	sys_mmap(t, AREA, PMD_SIZE, RW, SHMEM | MAP_FIXED);
	touch_all(t, USER_WRITE);
	sys_madvise(t, AREA, PMD_SIZE, MADV_HUGEPAGE);
	task_sleep(t, 5 * SIM_MS);
	expect(t->k, user_access(t, AREA, USER_READ) && pmd_read(t->mm, AREA), "not collapsed");
}

static void test_khugepaged(void **state)
{
	struct model m;

	(void)state;
	run(&m, NULL, advised);
	model_end(&m);
}

/* ---- a flush that is forgotten ---- */

static void test_planted(void **state)
{
	static const char *const wrong[] = { "shootdown=planted-self", "batched-unmap=per-page",
					     NULL };
	uint64_t stale = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 8;
	     seed++) { /* one of them uses the page at the wrong time */
		struct model_spec spec = { .set = wrong, .seed = seed };
		struct model m;

		model_start(&m, &spec);
		spawn(&m, "used", 0, used, NULL);
		model_run(&m);
		stale += violations_of(&m, "stale-translation") + violations_of(&m, "stale-table");
		model_end(&m);
	}
	assert_true(stale > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retract),
		cmocka_unit_test(test_used),
		cmocka_unit_test(test_khugepaged),
		cmocka_unit_test(test_planted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
