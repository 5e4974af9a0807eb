/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * KSM: pages of equal contents end as one, within and across processes; a write gives its page
 * back; what changes or was not advised stays; the pace is kept; and a write-protecting flush that
 * is forgotten is told.
 */
#include "tests/models/forgotten_flush.h"
#include "tests/models/model.h"

#include "models/kernel/huge_memory.h"

#define AREA UINT64_C(0x7fff00000000)
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

enum { PAGES = 120, KINDS = 10 };

static const char *const fast[] = { "topology.cores_per_l3=4", "ksm.sleep=200us", NULL };

static void fill(struct task *t, uint64_t pages)
{
	sys_mmap(t, AREA, pages * PAGE_SIZE, RW, ANON | MAP_FIXED);
	for (uint64_t i = 0; i < pages; i++)
		expect(t->k, user_fill(t, AREA + i * PAGE_SIZE, 1 + i % KINDS), "fill");
}

static unsigned int frames_of(const struct mm *mm, uint64_t pages, unsigned int merged[2])
{
	unsigned int n = 0;

	merged[0] = merged[1] = 0;
	for (uint64_t i = 0; i < pages; i++) {
		struct page *page = pfn_page(mm->k, pte_pfn(leaf_read(mm, AREA + i * PAGE_SIZE)));
		bool first = true;

		merged[(page->flags & PG_KSM) != 0]++;
		for (uint64_t j = 0; j < i && first; j++)
			first = pte_pfn(leaf_read(mm, AREA + j * PAGE_SIZE)) !=
				pte_pfn(leaf_read(mm, AREA + i * PAGE_SIZE));
		n += first;
	}
	return n;
}

static void run(struct model *m, const char *const *set, task_fn *one, task_fn *other)
{
	struct model_spec spec = { .set = set };

	model_start(m, &spec);
	spawn(m, "one", 0, one, NULL);
	if (other)
		spawn(m, "other", 1, other, NULL);
	model_run_clean(m, "ksm", 0);
}

/* ---- merging and unmerging ---- */

static void merges(struct task *t, void *arg)
{
	unsigned int merged[2];
	uint64_t shared;

	(void)arg;
	fill(t, PAGES);
	sys_madvise(t, AREA, PAGES * PAGE_SIZE, MADV_MERGEABLE);
	task_sleep(t, 10 * SIM_MS);
	expect(t->k, frames_of(t->mm, PAGES, merged) == KINDS, "not merged: %u frames",
	       frames_of(t->mm, PAGES, merged));
	expect(t->k, merged[1] == PAGES, "%u pages merged", merged[1]);
	expect(t->k, t->mm->rss == PAGES, "rss %llu", (unsigned long long)t->mm->rss);
	/* A write takes a copy, and the others stay. */
	shared = leaf_read(t->mm, AREA);
	expect(t->k, user_access(t, AREA, USER_WRITE), "write");
	expect(t->k, pte_pfn(leaf_read(t->mm, AREA)) != pte_pfn(shared), "written in place");
	expect(t->k, pte_pfn(leaf_read(t->mm, AREA + KINDS * PAGE_SIZE)) == pte_pfn(shared),
	       "another page changed");
	expect(t->k, pfn_page(t->k, pte_pfn(leaf_read(t->mm, AREA)))->contents == 0, "contents");
	/* The same contents again: merged again. */
	user_fill(t, AREA, 1);
	task_sleep(t, 10 * SIM_MS);
	expect(t->k, pte_pfn(leaf_read(t->mm, AREA)) == pte_pfn(shared), "not merged again");
	sys_madvise(t, AREA, PAGES * PAGE_SIZE, MADV_UNMERGEABLE);
	expect(t->k, frames_of(t->mm, PAGES, merged) == PAGES && merged[0] == PAGES,
	       "still merged: %u", merged[1]);
}

static void waits(struct task *t, void *arg)
{
	unsigned int merged[2];

	(void)arg;
	fill(t, PAGES);
	sys_madvise(t, AREA, PAGES * PAGE_SIZE, MADV_MERGEABLE);
	task_sleep(t, 20 * SIM_MS);
	expect(t->k, frames_of(t->mm, PAGES, merged) == KINDS, "not merged");
}

static void holds(struct task *t, void *arg)
{
	waits(t, arg);
	/* Both processes use the same frames now. */
	for (unsigned int i = 0; i < KINDS; i++) {
		uint32_t pfn = pte_pfn(leaf_read(t->mm, AREA + i * PAGE_SIZE));

		expect(t->k, pfn_page(t->k, pfn)->mapcount == 2 * PAGES / KINDS, "mapcount %u",
		       pfn_page(t->k, pfn)->mapcount);
	}
}

static void test_merge(void **state)
{
	struct model m;

	(void)state;
	run(&m, fast, merges, NULL);
	assert_int_equal(counter(&m, "ksm.pages", "new"), KINDS);
	model_end(&m);
	run(&m, fast, holds, waits);
	assert_int_equal(counter(&m, "ksm.pages", "new"), KINDS);
	assert_int_equal(counter(&m, "ksm.pages", "merged"), 2 * PAGES - KINDS);
	model_end(&m);
}

/* Pages of a huge page: it is split for them. */
static void test_huge(void **state)
{
	static const char *const set[] = { "ksm.sleep=200us", "huge-pages=always",
					   "collapse.khugepaged=false", NULL };
	struct model m;

	(void)state;
	run(&m, set, merges, NULL);
	model_end(&m);
}

/* ---- what is left alone ---- */

static void restless(struct task *t, void *arg)
{
	unsigned int merged[2];

	(void)arg;
	fill(t, 2);
	user_fill(t, AREA + PAGE_SIZE, 1); /* equal to the first, but changes all the time */
	sys_madvise(t, AREA, 2 * PAGE_SIZE, MADV_MERGEABLE);
	for (unsigned int i = 0; i < 200; i++) {
		user_fill(t, AREA, 100 + i);
		user_fill(t, AREA + PAGE_SIZE, 100 + i);
		user_compute(t, 50 * SIM_US);
	}
	expect(t->k, frames_of(t->mm, 2, merged) == 2, "merged, though it changes");
}

static void unasked(struct task *t, void *arg)
{
	unsigned int merged[2];

	(void)arg;
	fill(t, PAGES);
	sys_madvise(t, AREA, PAGES * PAGE_SIZE / 2, MADV_MERGEABLE);
	task_sleep(t, 10 * SIM_MS);
	frames_of(t->mm, PAGES, merged);
	expect(t->k, merged[1] <= PAGES / 2, "%u merged", merged[1]);
}

static void stopped(struct task *t, void *arg)
{
	unsigned int merged[2];

	(void)arg;
	fill(t, PAGES);
	sys_madvise(t, AREA, PAGES * PAGE_SIZE, MADV_MERGEABLE);
	task_sleep(t, 100 * SIM_MS);
	expect(t->k, frames_of(t->mm, PAGES, merged) == PAGES, "merged, though ksmd is off");
}

static void test_left_alone(void **state)
{
	static const char *const stop[] = { "ksm=stop", NULL };
	struct model m;

	(void)state;
	run(&m, fast, restless, NULL);
	model_end(&m);
	run(&m, fast, unasked, NULL);
	model_end(&m);
	run(&m, stop, stopped, NULL);
	model_end(&m);
}

/* ---- the pace ---- */

static void idle(struct task *t, void *arg)
{
	(void)arg;
	fill(t, PAGES);
	sys_madvise(t, AREA, PAGES * PAGE_SIZE, MADV_MERGEABLE);
	task_sleep(t, 10 * SIM_MS + 500 * SIM_US);
}

static void test_pace(void **state)
{
	static const char *const set[] = { "ksm.sleep=1ms", "ksm.pages_to_scan=7", NULL };
	struct model m;

	(void)state;
	run(&m, set, idle, NULL);
	assert_in_range(counter(&m, "ksm.pages_scanned", ""), 9 * 7, 11 * 7);
	model_end(&m);
}

/* ---- a flush that is forgotten ---- */

static void busy(struct task *t, void *arg)
{
	(void)arg;
	fill(t, PAGES);
	sys_madvise(t, AREA, PAGES * PAGE_SIZE, MADV_MERGEABLE);
	for (unsigned int i = 0; i < 3000; i++) {
		user_access(t, AREA + i % 8 * PAGE_SIZE, USER_READ);
		user_compute(t, SIM_US);
	}
}

static void test_planted(void **state)
{
	static const char *const wrong[] = { "shootdown=planted-self", "ksm.sleep=50us", NULL };
	struct model_spec spec = { .set = wrong };
	struct model m;

	(void)state;
	model_start(&m, &spec);
	spawn(&m, "busy", 5, busy, NULL);
	model_run(&m);
	assert_true(violations_of(&m, "stale-translation") > 0);
	model_end(&m);
	run(&m, &wrong[1], busy, NULL);
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merge),      cmocka_unit_test(test_huge),
		cmocka_unit_test(test_left_alone), cmocka_unit_test(test_pace),
		cmocka_unit_test(test_planted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
