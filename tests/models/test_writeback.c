/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cleaning of file pages: what msync and the flusher leave in page tables, that a write afterwards
 * is noticed, that a flush left out is told; soft-dirty; the flush of dirty file pages when they
 * are unmapped.
 */
#include "tests/models/mm_test.h"

#include "models/kernel/writeback.h"

enum { N = 64 };

struct scene {
	struct model m;
	uint64_t area;
	unsigned int stage;
};

static uint64_t pte_at(const struct mm *mm, uint64_t addr)
{
	struct page_table *table = pt_lookup(mm, addr);

	return table ? table->slot.pte[pt_index(addr, PT_PTE)] : 0;
}

static void write_all(struct task *t, uint64_t area)
{
	for (unsigned int i = 0; i < N; i++)
		user_access(t, area + i * PAGE_SIZE, USER_WRITE);
}

static unsigned int count_ptes(const struct mm *mm, uint64_t area, uint64_t bits)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < N; i++)
		n += (pte_at(mm, area + i * PAGE_SIZE) & bits) != 0;
	return n;
}

static void other(struct task *t, void *arg)
{
	struct scene *s = arg;

	write_all(t, s->area);
	expect(t->k, count_ptes(t->mm, s->area, PTE_WRITE | PTE_DIRTY) == N, "not all dirty");
	s->stage = 1;
	while (s->stage < 2)
		task_sleep(t, 10 * SIM_US);
	expect(t->k, !count_ptes(t->mm, s->area, PTE_WRITE | PTE_DIRTY), "the child's are dirty");
	write_all(t, s->area);
}

static void syncs(struct task *t, void *arg)
{
	struct scene *s = arg;
	struct task_attr attr = { .comm = "other", .cpu = 1, .fn = other, .arg = s };

	s->area = (uint64_t)sys_mmap(t, 0, N * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	write_all(t, s->area);
	sys_fork(t, &attr);
	while (!s->stage)
		task_sleep(t, 10 * SIM_US);
	sys_msync(t, s->area, N * PAGE_SIZE);
	expect(t->k, !count_ptes(t->mm, s->area, PTE_WRITE | PTE_DIRTY), "some are dirty");
	expect(t->k, !t->k->pages->nr_writeback, "msync did not wait");
	s->stage = 2;
	task_sleep(t, 30 * SIM_MS); /* the flusher's turn: of what the child wrote again */
}

static void test_msync(void **state)
{
	static const char *const set[] = { "memory.writeback=10ms", NULL };
	struct model_spec spec = { .set = set, .seed = 1 };
	struct scene s = { 0 };

	(void)state;
	model_start(&s.m, &spec);
	spawn(&s.m, "syncs", 0, syncs, &s);
	model_run_clean(&s.m, "msync", 1);
	assert_int_equal(counter(&s.m, "writeback.pages", ""), 2 * N);
	/* Two processes had them dirty; the child, which is gone by then or not, had them again. */
	assert_true(counter(&s.m, "writeback.ptes_cleaned", "") >= 2 * N);
	assert_int_equal(counter(&s.m, "disk.writes", ""), 2 * N);
	model_end(&s.m);
}

/* ---- planted: nobody else is told ---- */

static void silent_flush(const void *p, struct task *t, struct mm *mm,
			 const struct flush_tlb_info *info)
{
	struct flush_tlb_info f = *info;

	(void)p, (void)mm;
	flush_local(t, &f);
}

static const struct shootdown_ops silent_ops = { .flush = silent_flush };
static const struct policy_choice silent = { .axis = AXIS_SHOOTDOWN,
					     .name = "planted-silent",
					     .summary = "wrong on purpose",
					     .source = "tests",
					     .ops = &silent_ops };
POLICY(silent);

static void writes_on(struct task *t, void *arg)
{
	struct scene *s = arg;

	while (s->stage < 2) {
		write_all(t, s->area);
		user_compute(t, SIM_US);
	}
}

static void cleans_under_use(struct task *t, void *arg)
{
	struct scene *s = arg;
	struct task_attr attr = { .comm = "writer", .cpu = 1, .fn = writes_on, .arg = s };

	s->area = (uint64_t)sys_mmap(t, 0, N * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	write_all(t, s->area);
	sys_clone_thread(t, &attr);
	user_compute(t, 200 * SIM_US);
	for (unsigned int i = 0; i < 3; i++)
		sys_msync(t, s->area, N * PAGE_SIZE);
	s->stage = 2;
}

static void test_planted(void **state)
{
	static const char *const set[] = { "shootdown=planted-silent", NULL };

	(void)state;
	for (unsigned int plant = 0; plant < 2; plant++) {
		struct model_spec spec = { .set = plant ? set : NULL, .seed = 1 };
		struct scene s = { 0 };

		model_start(&s.m, &spec);
		spawn(&s.m, "cleaner", 0, cleans_under_use, &s);
		if (plant) {
			model_run(&s.m);
			assert_true(violations_of(&s.m, "lost-dirty") > 0);
		} else {
			model_run_clean(&s.m, "cleaning", 1);
		}
		model_end(&s.m);
	}
}

/* ---- soft-dirty ---- */

static void clears(struct task *t, void *arg)
{
	struct scene *s = arg;
	uint64_t reused, full;

	s->area = (uint64_t)sys_mmap(t, 0, N * PAGE_SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS);
	write_all(t, s->area);
	full = counter(&s->m, "tlb.flush_full", "local-mm-shootdown");
	sys_clear_refs(t, true);
	expect(t->k, counter(&s->m, "tlb.flush_full", "local-mm-shootdown") == full + 1,
	       "not one full flush");
	expect(t->k, !count_ptes(t->mm, s->area, PTE_WRITE), "some may be written to");
	expect(t->k, count_ptes(t->mm, s->area, PTE_DIRTY) == N, "some have lost their dirty bit");
	reused = counter(&s->m, "mm.faults", "reuse");
	write_all(t, s->area);
	expect(t->k, counter(&s->m, "mm.faults", "reuse") == reused + N, "writes went unnoticed");
	sys_clear_refs(t, false);
	expect(t->k, !count_ptes(t->mm, s->area, PTE_ACCESSED), "some are young");
}

static void test_clear_refs(void **state)
{
	struct model_spec spec = { .seed = 1 };
	struct scene s = { 0 };

	(void)state;
	model_start(&s.m, &spec);
	spawn(&s.m, "one", 0, clears, &s);
	model_run_clean(&s.m, "clear_refs", 1);
	model_end(&s.m);
}

/* ---- dirty file pages are flushed under the lock of their table ---- */

static void unmaps(struct task *t, void *arg)
{
	struct scene *s = arg;
	uint64_t len = 4 * PMD_SIZE, flushes;

	for (unsigned int flags = MAP_SHARED; flags;
	     flags = flags == MAP_SHARED ? MAP_PRIVATE : 0) {
		uint64_t at = (uint64_t)sys_mmap(t, 0, len, PROT_READ | PROT_WRITE,
						 flags == MAP_SHARED ? MAP_SHARED
								     : MAP_PRIVATE | MAP_ANONYMOUS);

		for (unsigned int i = 0; i < 4; i++)
			user_access(t, at + i * PMD_SIZE, USER_WRITE);
		flushes = histogram(&s->m, "tlb.flush_latency", "")->count;
		sys_munmap(t, at, len);
		flushes = histogram(&s->m, "tlb.flush_latency", "")->count - flushes;
		/* One for each table, and the one that frees the tables. */
		expect(t->k, flushes == (flags == MAP_SHARED ? 5 : 1), "%llu flushes, flags %#x",
		       (unsigned long long)flushes, flags);
	}
}

static void test_unmap_dirty(void **state)
{
	struct model_spec spec = { .seed = 1 };
	struct scene s = { 0 };

	(void)state;
	model_start(&s.m, &spec);
	spawn(&s.m, "one", 0, unmaps, &s);
	model_run_clean(&s.m, "unmap", 1);
	model_end(&s.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_msync),
		cmocka_unit_test(test_planted),
		cmocka_unit_test(test_clear_refs),
		cmocka_unit_test(test_unmap_dirty),
	};

	(void)settings, (void)machine;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
