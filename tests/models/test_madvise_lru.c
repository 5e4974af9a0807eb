/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Advice that ages pages: what MADV_PAGEOUT leaves in page tables and swap, that MADV_FREE's pages
 * are dropped unwritten unless somebody wrote to them again, that MADV_COLD's go first; and swap on
 * zram, which is done by the CPU itself.
 */
#include "tests/models/mm_test.h"

#include "models/kernel/swap.h"

enum { N = 256 };

struct scene {
	struct model m;
	task_fn *body;
	uint64_t area;
};

static uint64_t pte_at(struct task *t, uint64_t addr)
{
	struct page_table *table = pt_lookup(t->mm, addr);

	return table ? table->slot.pte[pt_index(addr, PT_PTE)] : 0;
}

static uint64_t map(struct task *t, unsigned int pages)
{
	uint64_t at = (uint64_t)sys_mmap(t, 0, pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS);

	for (unsigned int i = 0; i < pages; i++)
		user_access(t, at + i * PAGE_SIZE, USER_WRITE);
	return at;
}

static void run(task_fn *body, const char *const *set, struct model *m)
{
	struct model_spec spec = { .machine = machine, .set = set ? set : settings, .seed = 1 };

	model_start(m, &spec);
	spawn(m, "one", 0, body, m);
	model_run_clean(m, "advice", 1);
}

/* ---- PAGEOUT ---- */

static void child_keeps(struct task *t, void *arg)
{
	(void)arg;
	task_sleep(t, 20 * SIM_MS);
	expect(t->k, !(t->mm->vmas[0]->start % PAGE_SIZE), "no VMA");
}

static void pages_out(struct task *t, void *arg)
{
	struct task_attr attr = { .comm = "child", .cpu = 1, .fn = child_keeps };
	uint64_t at = map(t, N);

	(void)arg;
	sys_madvise(t, at, N * PAGE_SIZE, MADV_PAGEOUT);
	for (unsigned int i = 0; i < N; i++) {
		uint64_t pte = pte_at(t, at + i * PAGE_SIZE);

		expect(t->k, pte & PTE_SWAP && pte & PTE_WRITE, "page %u: PTE %#llx", i,
		       (unsigned long long)pte);
	}
	task_sleep(t, 10 * SIM_MS); /* written by then: clean, and only the cache has them */
	for (unsigned int i = 0; i < N; i += 2)
		expect(t->k, user_access(t, at + i * PAGE_SIZE, i % 4 ? USER_READ : USER_WRITE),
		       "page %u does not come back", i);
	for (unsigned int i = 0; i < N; i += 2) {
		uint64_t pte = pte_at(t, at + i * PAGE_SIZE);

		expect(t->k, pte & PTE_PRESENT && pte & PTE_WRITE, "page %u: PTE %#llx", i,
		       (unsigned long long)pte);
		expect(t->k, !(pfn_page(t->k, pte_pfn(pte))->flags & PG_SWAPCACHE) == !(i % 4),
		       "page %u: what was written keeps its slot, or what was read loses it", i);
	}
	sys_fork(t, &attr); /* shared with a child: stays */
	sys_madvise(t, at, PAGE_SIZE, MADV_PAGEOUT);
	expect(t->k, pte_at(t, at) & PTE_PRESENT, "paged out what a child maps, too");
}

static void test_pageout(void **state)
{
	struct model m;

	(void)state;
	run(pages_out, NULL, &m);
	assert_int_equal(counter(&m, "swap.out", ""), N);
	assert_int_equal(counter(&m, "disk.writes", ""), N);
	model_end(&m);
}

/* ---- what KSM knows of pages survives swap ---- */

static void keeps_contents(struct task *t, void *arg)
{
	uint64_t at = map(t, 4);

	(void)arg;
	for (unsigned int i = 0; i < 4; i++)
		user_fill(t, at + i * PAGE_SIZE, 100 + i);
	sys_madvise(t, at, 4 * PAGE_SIZE, MADV_PAGEOUT);
	task_sleep(t, SIM_MS);
	sys_madvise(t, at, 4 * PAGE_SIZE, MADV_PAGEOUT); /* nothing is there */
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < 4; i++) {
			user_access(t, at + i * PAGE_SIZE, USER_READ);
			expect(t->k,
			       pfn_page(t->k, pte_pfn(pte_at(t, at + i * PAGE_SIZE)))->contents ==
				       100 + i + (round && i == 2 ? 7 : 0),
			       "page %u, round %u", i, round);
		}
		user_fill(t, at + 2 * PAGE_SIZE, 109);
		sys_madvise(t, at, 4 * PAGE_SIZE, MADV_PAGEOUT);
		task_sleep(t, SIM_MS);
		for (unsigned int i = 0; i < 4; i++) /* out of the cache, too */
			expect(t->k, pte_at(t, at + i * PAGE_SIZE) & PTE_SWAP, "page %u stays", i);
		sys_compact_memory(t, 1000);
	}
}

static void test_contents(void **state)
{
	struct model m;

	(void)state;
	run(keeps_contents, NULL, &m);
	model_end(&m);
}

/* ---- FREE ---- */

static const char *const small[] = { "topology.l3_per_socket=2", "topology.cores_per_l3=2",
				     "memory.size=4MiB", NULL };

static void frees(struct task *t, void *arg)
{
	struct model *m = arg;
	uint64_t at = map(t, N), hog;

	sys_madvise(t, at, N * PAGE_SIZE, MADV_FREE);
	lru_add_drain(t);
	expect(t->k, t->k->pages->lru_size[LRU_INACTIVE_FILE] == N, "%llu folios to be dropped",
	       (unsigned long long)t->k->pages->lru_size[LRU_INACTIVE_FILE]);
	for (unsigned int i = 0; i < N; i += 8)
		user_access(t, at + i * PAGE_SIZE, USER_WRITE);
	hog = map(t, 900);
	for (unsigned int i = 0; i < N; i++) {
		uint64_t pte = pte_at(t, at + i * PAGE_SIZE);

		expect(t->k, i % 8 ? pte == 0 : pte != 0, "page %u: PTE %#llx", i,
		       (unsigned long long)pte);
	}
	expect(t->k, counter(m, "reclaim.lazyfree", "") == N - N / 8, "%llu dropped",
	       (unsigned long long)counter(m, "reclaim.lazyfree", ""));
	sys_munmap(t, hog, 900 * PAGE_SIZE);
}

static void test_lazyfree(void **state)
{
	struct model m;

	(void)state;
	run(frees, small, &m);
	model_end(&m);
}

/* ---- COLD ---- */

static void cools(struct task *t, void *arg)
{
	uint64_t hot = map(t, N), cold = map(t, N), hog;
	unsigned int left[2] = { 0, 0 };

	(void)arg;
	sys_madvise(t, cold, N * PAGE_SIZE, MADV_COLD);
	lru_add_drain(t);
	/* Looked at first, found unused, while all others are found used. */
	hog = map(t, 480);
	for (unsigned int i = 0; i < N; i++) {
		left[0] += (pte_at(t, hot + i * PAGE_SIZE) & PTE_PRESENT) != 0;
		left[1] += (pte_at(t, cold + i * PAGE_SIZE) & PTE_PRESENT) != 0;
	}
	expect(t->k, left[1] + N / 4 < left[0], "%u hot and %u cold pages are left", left[0],
	       left[1]);
	sys_munmap(t, hog, 480 * PAGE_SIZE);
}

static void test_cold(void **state)
{
	struct model m;

	(void)state;
	run(cools, small, &m);
	model_end(&m);
}

/* ---- zram ---- */

static void swaps_in_memory(struct task *t, void *arg)
{
	uint64_t at = map(t, N);
	sim_ps begin = sim_now(t->k->sim), took;

	(void)arg;
	sys_madvise(t, at, N * PAGE_SIZE, MADV_PAGEOUT);
	took = sim_now(t->k->sim) - begin;
	expect(t->k, took > N * 5 * SIM_US && took < N * 20 * SIM_US, "%llu ps for %u pages",
	       (unsigned long long)took, (unsigned int)N);
	expect(t->k, t->k->pages->nr_writeback == 0, "still being written");
	for (unsigned int i = 0; i < N; i++)
		user_access(t, at + i * PAGE_SIZE, USER_READ);
	for (unsigned int i = 0; i < N; i++)
		expect(t->k,
		       !(pfn_page(t->k, pte_pfn(pte_at(t, at + i * PAGE_SIZE)))->flags &
			 PG_SWAPCACHE),
		       "page %u is in memory twice", i);
}

static void test_zram(void **state)
{
	static const char *const zram[] = {
		"topology.l3_per_socket=2", "topology.cores_per_l3=2", "disk.sync=true",
		"disk.write=5us",           "disk.read=2us",           NULL
	};
	struct model m;

	(void)state;
	run(swaps_in_memory, zram, &m);
	assert_int_equal(counter(&m, "swap.in", ""), N);
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pageout),  cmocka_unit_test(test_contents),
		cmocka_unit_test(test_lazyfree), cmocka_unit_test(test_cold),
		cmocka_unit_test(test_zram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
