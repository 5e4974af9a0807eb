/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Huge pages, case by case: where they are made, what frees, splits, copies and moves them, how
 * many INVLPG that takes; and that a huge translation which outlives its page or its PMD is told.
 * The random tests of test_mm.c and test_mm_chaos.c run with huge pages, too.
 */
#include "tests/models/forgotten_flush.h"
#include "tests/models/model.h"

#include "models/kernel/huge_memory.h"

#define AREA UINT64_C(0x7fff00000000)
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static uint64_t map(struct task *t, uint64_t len)
{
	int64_t ret = sys_mmap(t, AREA, len, RW, ANON | MAP_FIXED);

	expect(t->k, ret == (int64_t)AREA, "mmap: %lld", (long long)ret);
	return AREA;
}

static void write_to(struct task *t, uint64_t addr)
{
	expect(t->k, user_access(t, addr, USER_WRITE), "write to %#llx", (unsigned long long)addr);
}

static uint64_t thp(struct task *t, const char *event)
{
	const struct metric *m = metric_find(sim_metrics(t->k->sim), "mm.thp", event);

	return m ? m->value : 0;
}

static void run(const char *mode, task_fn *body)
{
	const char *const set[] = { "topology.l3_per_socket=2", "topology.cores_per_l3=2",
				    "huge-pages", mode, NULL };
	struct model_spec spec = { .set = set };
	struct model m;

	model_start(&m, &spec);
	spawn(&m, "body", 0, body, NULL);
	model_run_clean(&m, mode, 0);
	model_end(&m);
}

/* ---- where ---- */

static void one_fault(struct task *t, void *arg)
{
	uint64_t before = t->k->pages->in_use, misses;
	struct tlb *tlb = &this_cpu(t)->cpu->tlb;

	(void)arg;
	map(t, 2 * PMD_SIZE + PAGE_SIZE);
	write_to(t, AREA + 77 * PAGE_SIZE);
	/* The folio, three upper tables, and the PTE table that lies deposited. */
	expect(t->k, t->k->pages->in_use - before == HPAGE_PAGES + 3 + 1, "%llu frames",
	       (unsigned long long)(t->k->pages->in_use - before));
	expect(t->k, t->mm->rss == HPAGE_PAGES, "rss %llu", (unsigned long long)t->mm->rss);
	misses = tlb->misses;
	for (uint64_t i = 0; i < HPAGE_PAGES; i++)
		write_to(t, AREA + i * PAGE_SIZE);
	expect(t->k, tlb->misses == misses, "512 accesses walked %llu times",
	       (unsigned long long)(tlb->misses - misses));
	expect(t->k,
	       leaf_read(t->mm, AREA + 5 * PAGE_SIZE) >> PAGE_SHIFT ==
		       (leaf_read(t->mm, AREA) >> PAGE_SHIFT) + 5,
	       "pages out of order");
	/* What is left of the VMA is too short for another. */
	write_to(t, AREA + 2 * PMD_SIZE);
	expect(t->k, t->mm->rss == HPAGE_PAGES + 1, "rss %llu", (unsigned long long)t->mm->rss);
}

static void advised(struct task *t, void *arg)
{
	bool want = arg;

	map(t, 4 * PMD_SIZE);
	sys_madvise(t, AREA, PMD_SIZE, MADV_HUGEPAGE);
	write_to(t, AREA);
	expect(t->k, (pmd_read(t->mm, AREA) != 0) == want, "advised: huge %d", !want);
	expect(t->k, t->mm->nr_vmas == 2, "%zu VMAs", t->mm->nr_vmas);
	write_to(t, AREA + PMD_SIZE);
	expect(t->k, !pmd_read(t->mm, AREA + PMD_SIZE), "not advised, but huge");
	sys_madvise(t, AREA, 4 * PMD_SIZE, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < t->mm->nr_vmas; i++)
		expect(t->k,
		       (t->mm->vmas[i]->flags & (VM_HUGEPAGE | VM_NOHUGEPAGE)) == VM_NOHUGEPAGE,
		       "flags of VMA %zu", i);
	write_to(t, AREA + 3 * PMD_SIZE);
	expect(t->k, !pmd_read(t->mm, AREA + 3 * PMD_SIZE), "advised against, but huge");
}

static void advised_in_vain(struct task *t, void *arg)
{
	(void)arg;
	advised(t, NULL);
}

static void advised_well(struct task *t, void *arg)
{
	(void)arg;
	advised(t, t);
}

static void test_where(void **state)
{
	(void)state;
	run("always", one_fault);
	run("madvise", advised_well);
	run("never", advised_in_vain);
}

/* ---- zap and split ---- */

static uint64_t invlpgs(struct task *t)
{
	return t->k->metric.invlpg->value;
}

static void zaps(struct task *t, void *arg)
{
	uint64_t before = t->k->pages->in_use, flushes;

	(void)arg;
	map(t, 4 * PMD_SIZE);
	for (unsigned int i = 0; i < 4; i++)
		write_to(t, AREA + i * PMD_SIZE);
	flushes = invlpgs(t);
	sys_madvise(t, AREA, PMD_SIZE, MADV_DONTNEED);
	expect(t->k, invlpgs(t) - flushes == 1, "%llu INVLPG for one huge page",
	       (unsigned long long)(invlpgs(t) - flushes));
	expect(t->k, !leaf_read(t->mm, AREA) && t->mm->rss == 3 * HPAGE_PAGES, "not zapped");
	flushes = invlpgs(t);
	sys_mprotect(t, AREA, 4 * PMD_SIZE, PROT_READ);
	expect(t->k, invlpgs(t) - flushes == 3, "%llu INVLPG to protect three",
	       (unsigned long long)(invlpgs(t) - flushes));
	expect(t->k, !user_access(t, AREA + PMD_SIZE, USER_WRITE), "write to read-only");
	expect(t->k, user_access(t, AREA + PMD_SIZE, USER_READ), "read of read-only");
	expect(t->k, thp(t, "split_pmd") == 0, "split for nothing");
	sys_munmap(t, AREA, 4 * PMD_SIZE);
	expect(t->k, t->k->pages->in_use - before <= 4 && t->mm->nr_tables <= 4, "%llu left",
	       (unsigned long long)(t->k->pages->in_use - before));
}

static void splits(struct task *t, void *arg)
{
	uint64_t before, frame, at = AREA + 9 * PAGE_SIZE;

	(void)arg;
	map(t, PMD_SIZE);
	write_to(t, AREA);
	frame = leaf_read(t->mm, AREA) >> PAGE_SHIFT;
	before = t->k->pages->in_use;
	sys_madvise(t, at, PAGE_SIZE, MADV_DONTNEED);
	expect(t->k, thp(t, "split_pmd") == 1 && !pmd_read(t->mm, AREA), "not split");
	expect(t->k, !leaf_read(t->mm, at) && t->mm->rss == HPAGE_PAGES - 1, "not zapped");
	expect(t->k, leaf_read(t->mm, at + PAGE_SIZE) >> PAGE_SHIFT == frame + 10, "another page");
	/* The page stays with its folio, which lasts as long as one of its pages is mapped. */
	expect(t->k, t->k->pages->in_use == before, "frames freed");
	write_to(t, at);
	write_to(t, at + PAGE_SIZE);
	expect(t->k, leaf_read(t->mm, at + PAGE_SIZE) >> PAGE_SHIFT == frame + 10, "copied");
	/* The new page may still stand in an LRU batch. */
	sys_munmap(t, AREA, PMD_SIZE - PAGE_SIZE);
	expect(t->k, t->k->pages->in_use >= before, "freed while one page is mapped");
	sys_munmap(t, AREA, PMD_SIZE);
	expect(t->k, t->k->pages->in_use <= before + 1 - HPAGE_PAGES, "not freed");
}

static void test_zap(void **state)
{
	(void)state;
	run("always", zaps);
	run("always", splits);
}

/* ---- fork and copy on write ---- */

static void child(struct task *t, void *arg)
{
	uint64_t frame = leaf_read(t->mm, AREA) >> PAGE_SHIFT;

	(void)arg;
	expect(t->k, pmd_read(t->mm, AREA), "fork did not copy the PMD");
	write_to(t, AREA + PAGE_SIZE);
	expect(t->k, !pmd_read(t->mm, AREA), "a shared huge page was not split");
	expect(t->k, leaf_read(t->mm, AREA) >> PAGE_SHIFT == frame, "a page that nobody wrote to");
	expect(t->k, leaf_read(t->mm, AREA + PAGE_SIZE) >> PAGE_SHIFT != frame + 1, "no copy");
}

static void forks(struct task *t, void *arg)
{
	struct task_attr attr = { .comm = "child", .cpu = 1, .initial_cpu = NO_CPU, .fn = child };
	uint64_t frame;

	(void)arg;
	map(t, PMD_SIZE);
	write_to(t, AREA);
	frame = leaf_read(t->mm, AREA) >> PAGE_SHIFT;
	sys_fork(t, &attr);
	task_sleep(t, 50 * SIM_MS); /* the child is gone */
	write_to(t, AREA + 2 * PAGE_SIZE);
	expect(t->k, pmd_read(t->mm, AREA), "split, though nobody shares it any more");
	expect(t->k, leaf_read(t->mm, AREA) >> PAGE_SHIFT == frame, "copied in vain");
}

static void zeroes(struct task *t, void *arg)
{
	(void)arg;
	map(t, PMD_SIZE);
	expect(t->k, user_access(t, AREA, USER_READ), "read");
	expect(t->k, pmd_read(t->mm, AREA) & PTE_ZERO && t->mm->rss == 0, "no huge zero page");
	write_to(t, AREA + PAGE_SIZE);
	expect(t->k, !(pmd_read(t->mm, AREA) & PTE_ZERO) && t->mm->rss == HPAGE_PAGES, "no folio");
	sys_munmap(t, AREA, PMD_SIZE);
	map(t, PMD_SIZE);
	expect(t->k, user_access(t, AREA, USER_READ), "read");
	sys_mprotect(t, AREA, PAGE_SIZE, PROT_READ);
	expect(t->k, !pmd_read(t->mm, AREA) && leaf_read(t->mm, AREA + PAGE_SIZE) & PTE_ZERO,
	       "split of the huge zero page");
}

static void moves(struct task *t, void *arg)
{
	uint64_t frame, to = AREA + 2 * PMD_SIZE;

	(void)arg;
	map(t, PMD_SIZE);
	write_to(t, AREA);
	frame = leaf_read(t->mm, AREA) >> PAGE_SHIFT;
	sys_mremap(t, AREA, PMD_SIZE, PMD_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	expect(t->k, pmd_read(t->mm, to) >> PAGE_SHIFT == frame, "not moved as a whole");
	sys_mremap(t, to, PMD_SIZE, PMD_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, AREA + PAGE_SIZE);
	expect(t->k,
	       leaf_read(t->mm, AREA + 3 * PAGE_SIZE) >> PAGE_SHIFT == frame + 2 &&
		       !pmd_read(t->mm, AREA),
	       "not moved page by page");
	write_to(t, AREA + PAGE_SIZE);
}

/* 512 small pages move as a table: one flush, and no PTE is touched. */
static void moves_table(struct task *t, void *arg)
{
	uint64_t frames[2], tables, flushes, to = AREA + 2 * PMD_SIZE;

	(void)arg;
	map(t, PMD_SIZE);
	for (uint64_t i = 0; i < HPAGE_PAGES; i++)
		write_to(t, AREA + i * PAGE_SIZE);
	frames[0] = leaf_read(t->mm, AREA);
	frames[1] = leaf_read(t->mm, AREA + PMD_SIZE - PAGE_SIZE);
	tables = t->mm->nr_tables;
	flushes = t->k->metric.flush_latency->hist.count;
	sys_mremap(t, AREA, PMD_SIZE, PMD_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	expect(t->k, leaf_read(t->mm, to) == frames[0], "first page");
	expect(t->k, leaf_read(t->mm, to + PMD_SIZE - PAGE_SIZE) == frames[1], "last page");
	expect(t->k, !leaf_read(t->mm, AREA) && t->mm->nr_tables == tables, "%llu tables",
	       (unsigned long long)t->mm->nr_tables);
	expect(t->k, t->k->metric.flush_latency->hist.count - flushes == 1, "%llu flushes",
	       (unsigned long long)(t->k->metric.flush_latency->hist.count - flushes));
	write_to(t, to + 5 * PAGE_SIZE);
}

static void test_copies(void **state)
{
	(void)state;
	run("always", forks);
	run("always", zeroes);
	run("always", moves);
	run("never", moves_table);
}

/* ---- a flush that is forgotten ---- */

static void act_zap(struct task *t, void *arg)
{
	(void)arg;
	sys_madvise(t, AREA, PMD_SIZE, MADV_DONTNEED);
}

static void act_split(struct task *t, void *arg)
{
	(void)arg;
	sys_madvise(t, AREA + PMD_SIZE - PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED);
}

static void act_protect(struct task *t, void *arg)
{
	(void)arg;
	sys_mprotect(t, AREA, PMD_SIZE, PROT_READ);
}

static void act_move(struct task *t, void *arg)
{
	(void)arg;
	sys_mremap(t, AREA, PMD_SIZE, PMD_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, AREA + PMD_SIZE);
}

static void other(struct task *t, void *arg)
{
	(void)arg;
	write_to(t, AREA + PAGE_SIZE);
	for (unsigned int i = 0; i < 60; i++) {
		user_compute(t, SIM_US);
		/* May be refused for good reasons; it must not go through a stale translation. */
		user_access(t, AREA + PAGE_SIZE, i % 2 ? USER_READ : USER_WRITE);
	}
}

static void leader(struct task *t, void *arg)
{
	struct task_attr attr = { .comm = "other", .cpu = 1, .initial_cpu = NO_CPU, .fn = other };
	task_fn *const *act = arg;

	map(t, PMD_SIZE);
	write_to(t, AREA);
	sys_clone_thread(t, &attr);
	user_compute(t, 30 * SIM_US);
	(*act)(t, NULL);
	user_compute(t, 100 * SIM_US);
}

static void test_planted(void **state)
{
	static task_fn *const acts[] = { act_zap, act_split, act_protect, act_move };
	static const char *const wrong[] = { "shootdown=planted-self", "huge-pages=always", NULL };

	(void)state;
	for (unsigned int i = 0; i < 2 * sizeof(acts) / sizeof(*acts); i++) {
		struct model_spec spec = { .set = i % 2 ? wrong : &wrong[1] };
		task_fn *act = acts[i / 2];
		struct model m;

		model_start(&m, &spec);
		spawn(&m, "leader", 0, leader, &act);
		model_run(&m);
		if (i % 2) {
			assert_true(violations_of(&m, "stale-translation") > 0);
		} else {
			model_finish(&m);
			check_clean(&m, "act", i / 2);
		}
		model_end(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where),
		cmocka_unit_test(test_zap),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_planted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
