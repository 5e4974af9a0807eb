/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory that runs out: processes that use more than there is, under every policy set, with forks,
 * unmapping and protection changes in between. Counts of page tables, swap slots and frames must
 * agree, nothing may leak, and a batch that is freed before its flush must be told.
 */
#include "tests/models/forgotten_unmap.h"
#include "tests/models/mm_test.h"

#include "models/hw/disk.h"
#include "models/kernel/reclaim.h"
#include "models/kernel/swap.h"

#define US SIM_US

static const char *const short_of_memory[] = { FOUR_CORES, "memory.size=4MiB", NULL };

enum { AREA_PAGES = 2048, MAX_WORKERS = 6 };

struct scene {
	struct model m;
	uint64_t area, seed;
	unsigned int workers, ended, ops, forks;
	unsigned int flags; /* of the area */
};

struct worker {
	struct scene *s;
	struct rng rng;
};

/* ---- page tables against what pages and slots say ---- */

static void check_counts(struct task *t)
{
	struct kernel *k = t->k;
	uint32_t *mapped = calloc(k->pages->nr, sizeof(*mapped));

	for (const struct mm *mm = k->mms; mm; mm = mm->next)
		for (uint64_t at = MMAP_BASE - PMD_SIZE * 64; at < MMAP_BASE; at += PAGE_SIZE) {
			struct page_table *table = pt_lookup(mm, at);
			uint64_t pte = table ? table->slot.pte[pt_index(at, PT_PTE)] : 0;

			if (!table)
				at = (at & ~(PMD_SIZE - 1)) + PMD_SIZE - PAGE_SIZE;
			else if (pte & (PTE_PRESENT | PTE_PROTNONE) && !(pte & PTE_ZERO))
				mapped[pte_pfn(pte)]++;
		}
	for (uint32_t pfn = PFN_FIRST; pfn < k->pages->nr; pfn++) {
		const struct page *page = pfn_page(k, pfn);

		expect(k, !page->free || !mapped[pfn], "frame %u is free and mapped", pfn);
		expect(k, mapped[pfn] <= page->mapcount, "frame %u: %u PTEs, mapcount %u", pfn,
		       mapped[pfn], page->mapcount);
	}
	expect(k, zone_free_pages(k->pages) >= 0, "more frames than there are");
	free(mapped);
}

/* ---- work ---- */

static void worker_main(struct task *t, void *arg);

static void fork_worker(struct task *t, struct scene *s)
{
	struct task_attr attr = {
		.comm = "child", .cpu = NO_CPU, .initial_cpu = NO_CPU, .fn = worker_main
	};
	struct worker *w = calloc(1, sizeof(*w));

	w->s = s;
	rng_init(&w->rng, s->seed, "child", s->workers++);
	attr.arg = w;
	sys_fork(t, &attr);
}

static void one_op(struct task *t, struct worker *w)
{
	struct scene *s = w->s;
	unsigned int first = (unsigned int)rng_below(&w->rng, AREA_PAGES - 64);
	uint64_t at = s->area + first * PAGE_SIZE, len = (1 + rng_below(&w->rng, 64)) * PAGE_SIZE;

	switch (rng_below(&w->rng, 24)) {
	case 0:
		sys_madvise(t, at, len, MADV_DONTNEED);
		return;
	case 1:
		sys_mprotect(t, at, len, rng_below(&w->rng, 2) ? PROT_READ : PROT_NONE);
		sys_mprotect(t, at, len, PROT_READ | PROT_WRITE);
		return;
	case 2:
		if (s->forks && s->workers < MAX_WORKERS) {
			s->forks--;
			fork_worker(t, s);
		}
		return;
	case 3:
		sys_madvise(t, at, len, MADV_FREE);
		return;
	default:
		for (uint64_t a = at; a < at + len; a += PAGE_SIZE) {
			bool write = rng_below(&w->rng, 2);

			/* Another thread may have made it read-only. */
			if (!user_access(t, a, write ? USER_WRITE : USER_READ))
				user_compute(t, US);
		}
		user_compute(t, rng_below(&w->rng, 5 * US));
	}
}

static void worker_main(struct task *t, void *arg)
{
	struct worker *w = arg;
	struct scene *s = w->s;

	for (unsigned int i = 0; i < s->ops; i++) {
		one_op(t, w);
		if (i % 16 == 0)
			check_counts(t);
	}
	free(w);
}

static void leader(struct task *t, void *arg)
{
	struct scene *s = arg;
	unsigned int threads = s->workers;

	s->area = (uint64_t)sys_mmap(t, 0, AREA_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
				     s->flags);
	for (unsigned int i = 0; i < threads; i++) {
		struct task_attr attr = {
			.comm = "worker", .cpu = NO_CPU, .initial_cpu = NO_CPU, .fn = worker_main
		};
		struct worker *w = calloc(1, sizeof(*w));

		w->s = s;
		rng_init(&w->rng, s->seed, "worker", i);
		attr.arg = w;
		sys_clone_thread(t, &attr);
	}
}

static void run_scene(const char *policy, const char *on, uint64_t seed, struct scene s)
{
	struct model_spec spec = { .machine = on, .policy = policy, .set = settings, .seed = seed };

	s.seed = seed;
	s.flags |= MAP_PRIVATE;
	model_start(&s.m, &spec);
	spawn(&s.m, "leader", 0, leader, &s);
	model_run_clean(&s.m, policy, seed);
	assert_true(reclaimed(&s.m) > 100);
	if (s.flags & MAP_ANONYMOUS) {
		assert_true(counter(&s.m, "swap.out", "") > 100);
		assert_true(counter(&s.m, "swap.in", "") > 10);
	} else {
		assert_true(counter(&s.m, "disk.reads", "") > 10);
	}
	model_end(&s.m);
}

static void every_policy(const char *policy)
{
	run_scene(policy, machine, 1,
		  (struct scene){ .workers = 3, .ops = 60, .flags = MAP_ANONYMOUS });
}

static void test_policies(void **state)
{
	(void)state;
	settings = short_of_memory;
	for_all_policies(every_policy);
}

static void test_forks(void **state)
{
	(void)state;
	settings = short_of_memory;
	for (uint64_t seed = 10; seed < 16; seed++)
		run_scene("linux-6.18", machine, seed,
			  (struct scene){
				  .workers = 1, .forks = 5, .ops = 60, .flags = MAP_ANONYMOUS });
}

static void test_files(void **state)
{
	(void)state;
	settings = short_of_memory;
	for (uint64_t seed = 20; seed < 24; seed++)
		run_scene("linux-6.18", machine, seed, (struct scene){ .workers = 3, .ops = 60 });
}

/* ---- planted: pages freed or written before the flush ---- */

/* Uses a few pages all the time, so that their translations stay in its TLB. */
static void holds_translations(struct task *t, void *arg)
{
	struct scene *s = arg;

	while (!s->ended) {
		for (unsigned int i = 0; i < 32; i++)
			user_access(t, s->area + i * PAGE_SIZE, USER_WRITE);
		user_compute(t, 5 * US);
	}
}

static void fills_memory(struct task *t, void *arg)
{
	struct scene *s = arg;
	struct task_attr attr = {
		.comm = "user", .cpu = 1, .initial_cpu = NO_CPU, .fn = holds_translations, .arg = s
	};

	s->area = (uint64_t)sys_mmap(t, 0, AREA_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS);
	for (attr.cpu = 1; attr.cpu < 4; attr.cpu++)
		sys_clone_thread(t, &attr);
	for (unsigned int round = 0; round < 3; round++)
		for (uint64_t i = 64; i < AREA_PAGES; i++)
			user_access(t, s->area + i * PAGE_SIZE, USER_WRITE);
	s->ended = 1;
}

static void run_planted(const char *choice, bool caught)
{
	const char *const set[] = { FOUR_CORES, "memory.size=4MiB", "batched-unmap", choice, NULL };
	struct model_spec spec = { .set = set, .seed = 3 };
	struct scene s = { 0 };

	model_start(&s.m, &spec);
	spawn(&s.m, "leader", 0, fills_memory, &s);
	if (!caught) {
		model_run_clean(&s.m, choice, 3);
		assert_true(counter(&s.m, "swap.out", "") > 1000);
	} else {
		model_run(&s.m);
		assert_true(violations_of(&s.m, "stale-translation") > 0);
		assert_true(violations_of(&s.m, "lost-dirty") > 0);
	}
	model_end(&s.m);
}

static void test_planted(void **state)
{
	(void)state;
	run_planted("batched", false);
	run_planted("per-page", false);
	run_planted("planted-no-flush", true);
}

/* ---- the disk ---- */

static void test_disk(void **state)
{
	struct machine_desc desc = {
		.disk = { .read = 80 * US, .write = 20 * US, .rate = 4.096, .depth = 2 }
	};
	struct disk *d = disk_create(&desc);

	(void)state;
	/* 4 KiB take 1 us; two at once share the bus; the third waits for a place. */
	assert_int_equal(disk_submit(d, DISK_READ, 4096, 0), 81 * US);
	assert_int_equal(disk_submit(d, DISK_READ, 4096, 0), 82 * US);
	assert_int_equal(disk_submit(d, DISK_READ, 4096, 0), 162 * US);
	assert_int_equal(disk_submit(d, DISK_WRITE, 4096, 500 * US), 521 * US);
	disk_free(d);
}

/* ---- watermarks ---- */

static void test_watermarks(void **state)
{
	static const char *const gib[] = { "memory.size=1GiB", NULL };
	struct model_spec spec = { .set = gib };
	struct model m;

	(void)state;
	model_start(&m, &spec);
	/* 4 MiB of 1 GiB: sqrt(16 * 1048576 KiB); then a quarter, or a 1000th, more each. */
	assert_int_equal(m.k->pages->limit, 262144);
	assert_int_equal(m.k->pages->wmark[WMARK_MIN], 1024);
	assert_int_equal(m.k->pages->wmark[WMARK_LOW], 1024 + 262);
	assert_int_equal(m.k->pages->wmark[WMARK_HIGH], 1024 + 524);
	assert_int_equal(m.k->pages->pcp_batch, 63);
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policies), cmocka_unit_test(test_forks),
		cmocka_unit_test(test_files),    cmocka_unit_test(test_planted),
		cmocka_unit_test(test_disk),     cmocka_unit_test(test_watermarks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
