/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Holes in shared memory: every mapping of every process goes, the pages are freed, a later use
 * finds a zeroed page, a huge page goes whole or stays; against faults, collapses, reclaim and
 * writeback that go on meanwhile. Would break: a page that is freed under a mapping, a hole that is
 * filled twice, a lock that is never given back.
 */
#include "tests/models/model.h"

#include <errno.h>

#include "models/kernel/fault.h"
#include "models/kernel/filemap.h"
#include "models/kernel/huge_memory.h"

#define AREA  UINT64_C(0x7fff00000000)
#define RW    (PROT_READ | PROT_WRITE)
#define SHMEM (MAP_SHARED | MAP_ANONYMOUS)

enum { PAGES = 100, USERS = 4, HOT_PAGES = 8, OWN_PAGES = 200 };

static void touch(struct task *t, uint64_t first, uint64_t n, enum user_access how)
{
	for (uint64_t i = first; i < first + n; i++)
		expect(t->k, user_access(t, AREA + i * PAGE_SIZE, how), "page %llu",
		       (unsigned long long)i);
}

static uint64_t faults(const struct task *t, enum fault_kind kind)
{
	return t->k->metric.faults[kind]->value;
}

/* ---- what a hole is ---- */

static void child(struct task *t, void *arg)
{
	(void)arg;
	touch(t, 0, PAGES, USER_READ);
	expect(t->k, t->mm->rss == PAGES, "rss %llu", (unsigned long long)t->mm->rss);
	task_sleep(t, 5 * SIM_MS); /* the parent punches 10 to 69 */
	expect(t->k, t->mm->rss == PAGES - 60, "rss %llu", (unsigned long long)t->mm->rss);
	expect(t->k, leaf_read(t->mm, AREA + 9 * PAGE_SIZE), "what lies before is gone");
	expect(t->k, !leaf_read(t->mm, AREA + 10 * PAGE_SIZE), "still mapped");
	expect(t->k, !leaf_read(t->mm, AREA + 69 * PAGE_SIZE), "still mapped");
	expect(t->k, leaf_read(t->mm, AREA + 70 * PAGE_SIZE), "what lies behind is gone");
	touch(t, 20, 1, USER_READ);
}

static void parent(struct task *t, void *arg)
{
	struct task_attr attr = { .comm = "child", .cpu = 1, .initial_cpu = NO_CPU, .fn = child };
	uint64_t freed, allocated;
	struct address_space *m;

	(void)arg;
	sys_mmap(t, AREA, PAGES * PAGE_SIZE, RW, SHMEM | MAP_FIXED);
	touch(t, 0, PAGES, USER_WRITE);
	m = vma_lookup(t->mm, AREA)->mapping;
	sys_fork(t, &attr);
	task_sleep(t, 2 * SIM_MS);
	freed = t->k->metric.pages_freed->value;
	expect(t->k, sys_madvise(t, AREA + 10 * PAGE_SIZE, 60 * PAGE_SIZE, MADV_REMOVE) == 0,
	       "refused");
	settle(t);
	expect(t->k, t->k->metric.pages_freed->value - freed == 60, "%llu pages freed",
	       (unsigned long long)(t->k->metric.pages_freed->value - freed));
	for (uint64_t i = 0; i < PAGES; i++)
		expect(t->k,
		       filemap_is_hole(m, i) == (i >= 10 && i < 70) &&
			       !filemap_peek(m, i) == filemap_is_hole(m, i),
		       "page %llu", (unsigned long long)i);
	/* One fault fills one page, and finds its neighbours still missing. */
	allocated = t->k->metric.pages_allocated->value;
	touch(t, 11, 1, USER_WRITE);
	expect(t->k, t->k->metric.pages_allocated->value == allocated + 1, "no page is allocated");
	expect(t->k, !leaf_read(t->mm, AREA + 12 * PAGE_SIZE), "a hole is mapped");
	expect(t->k, faults(t, FAULT_READ) == 0, "read from the disk");
	task_sleep(t, 10 * SIM_MS);
}

static void refused(struct task *t, void *arg)
{
	(void)arg;
	sys_mmap(t, AREA, 4 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
	expect(t->k, sys_madvise(t, AREA, PAGE_SIZE, MADV_REMOVE) == -EINVAL, "private memory");
	sys_mmap(t, AREA, 4 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED);
	expect(t->k, sys_madvise(t, AREA, PAGE_SIZE, MADV_REMOVE) == -EACCES, "a private file");
	sys_mmap(t, AREA, 4 * PAGE_SIZE, PROT_READ, SHMEM | MAP_FIXED);
	expect(t->k, sys_madvise(t, AREA, PAGE_SIZE, MADV_REMOVE) == -EACCES, "a read-only one");
	sys_munmap(t, AREA, 4 * PAGE_SIZE);
	expect(t->k, sys_madvise(t, AREA, PAGE_SIZE, MADV_REMOVE) == -ENOMEM, "nothing");
}

struct went {
	uint64_t truncated, reclaimed; /* pages */
};

static struct went run(task_fn *body, const char *const *set, uint64_t seed)
{
	struct model_spec spec = { .set = set, .seed = seed };
	struct went went;
	struct model m;

	model_start(&m, &spec);
	spawn(&m, "body", 0, body, NULL);
	model_run_clean(&m, "truncate", seed);
	went = (struct went){ counter(&m, "mm.truncated", ""), reclaimed(&m) };
	model_end(&m);
	return went;
}

static void test_hole(void **state)
{
	(void)state;
	assert_int_equal(run(parent, NULL, 0).truncated, 60);
	assert_int_equal(run(refused, NULL, 0).truncated, 0);
}

/* ---- huge pages ---- */

static void huge(struct task *t, void *arg)
{
	struct address_space *m;

	(void)arg;
	sys_mmap(t, AREA, 2 * PMD_SIZE, RW, SHMEM | MAP_FIXED);
	touch(t, 0, 2 * HPAGE_PAGES, USER_WRITE);
	sys_madvise(t, AREA, 2 * PMD_SIZE, MADV_COLLAPSE);
	touch(t, 0, 2 * HPAGE_PAGES, USER_WRITE);
	m = vma_lookup(t->mm, AREA)->mapping;
	/* The first as a whole, a part of the second. */
	sys_madvise(t, AREA, PMD_SIZE + 16 * PAGE_SIZE, MADV_REMOVE);
	expect(t->k, !pmd_read(t->mm, AREA) && filemap_is_hole(m, 0) && filemap_is_hole(m, 511),
	       "the first one stays");
	expect(t->k, !pmd_read(t->mm, AREA + PMD_SIZE) && filemap_peek(m, HPAGE_PAGES),
	       "the second is mapped, or went");
	touch(t, HPAGE_PAGES, 1, USER_READ);
	expect(t->k, pmd_read(t->mm, AREA + PMD_SIZE), "a huge page that stayed is not mapped");
	/* A hole with a few pages in it becomes a huge page again. */
	touch(t, 0, 8, USER_WRITE);
	expect(t->k, sys_madvise(t, AREA, PMD_SIZE, MADV_COLLAPSE) == 0, "holes do not collapse");
	expect(t->k, filemap_peek(m, 511) == filemap_peek(m, 0) + 511, "it is no huge page");
	touch(t, 0, HPAGE_PAGES, USER_WRITE);
}

static void test_huge(void **state)
{
	(void)state;
	assert_int_equal(run(huge, NULL, 0).truncated, HPAGE_PAGES);
}

/* A thread fills a hole at some time of the collapse: it wins, or waits and finds a huge page. */
static void filler(struct task *t, void *arg)
{
	user_compute(t, *(const sim_ps *)arg);
	touch(t, 300, 1, USER_WRITE);
	expect(t->k, user_access(t, AREA + 300 * PAGE_SIZE, USER_READ), "its page is gone");
}

static void collapsed_while_filled(struct task *t, void *arg)
{
	struct task_attr attr = {
		.comm = "filler", .cpu = 1, .initial_cpu = NO_CPU, .fn = filler, .arg = arg
	};

	sys_mmap(t, AREA, PMD_SIZE, RW, SHMEM | MAP_FIXED);
	touch(t, 0, HPAGE_PAGES, USER_WRITE);
	sys_madvise(t, AREA + 8 * PAGE_SIZE, PMD_SIZE - 8 * PAGE_SIZE, MADV_REMOVE);
	task_sleep(t, 2 * SIM_MS); /* nobody holds a page any more */
	sys_clone_thread(t, &attr);
	sys_madvise(t, AREA, PMD_SIZE, MADV_COLLAPSE);
	task_sleep(t, 2 * SIM_MS);
}

static void test_filled(void **state)
{
	uint64_t filled = 0, succeeded = 0;

	(void)state;
	for (sim_ps delay = 0; delay < 400 * SIM_US; delay += 20 * SIM_US) {
		struct model_spec spec = { .seed = 0 };
		struct model m;

		model_start(&m, &spec);
		spawn(&m, "body", 0, collapsed_while_filled, &delay);
		model_run_clean(&m, "filled", delay / SIM_US);
		filled += counter(&m, "mm.collapse", "page_filled");
		succeeded += counter(&m, "mm.collapse", "succeeded");
		model_end(&m);
	}
	assert_true(filled > 0);
	assert_true(succeeded > 0);
}

/* ---- against all others ---- */

static void user(struct task *t, void *arg)
{
	struct rng rng;
	uint64_t own = (uint64_t)sys_mmap(t, 0, OWN_PAGES * PAGE_SIZE, RW,
					  MAP_PRIVATE | MAP_ANONYMOUS);

	rng_init(&rng, 11 + sim_seed(t->k->sim), "truncate.user", t->cpu);
	for (unsigned int i = 0; i < 800; i++) {
		uint64_t page = rng_below(&rng, i % 2 ? HOT_PAGES : HPAGE_PAGES);

		user_access(t, own + rng_below(&rng, OWN_PAGES) * PAGE_SIZE, USER_WRITE);
		expect(t->k,
		       user_access(t, AREA + page * PAGE_SIZE, i % 3 ? USER_READ : USER_WRITE),
		       "page %llu", (unsigned long long)page);
		user_compute(t, rng_below(&rng, 500 * SIM_NS));
		if (i % 8 == 0)
			sys_madvise(t, AREA + page * PAGE_SIZE,
				    (1 + rng_below(&rng, HPAGE_PAGES - page)) * PAGE_SIZE,
				    MADV_REMOVE);
		if (arg && i % 60 == 0)
			sys_msync(t, AREA, PMD_SIZE);
		if (!arg && i % 50 == 0)
			sys_madvise(t, AREA, PMD_SIZE, MADV_COLLAPSE);
		if (i % 70 == 0)
			sys_compact_memory(t, 64);
		if (i % 90 == 0)
			sys_madvise(t, AREA, PMD_SIZE, MADV_PAGEOUT);
	}
}

static void crowd(struct task *t, unsigned int flags, void *arg)
{
	struct task_attr attr = { .comm = "user", .initial_cpu = NO_CPU, .fn = user, .arg = arg };

	sys_mmap(t, AREA, PMD_SIZE, RW, flags | MAP_FIXED);
	touch(t, 0, HPAGE_PAGES, USER_WRITE);
	for (unsigned int i = 1; i <= USERS; i++) {
		attr.cpu = (int)i;
		if (i % 2)
			sys_fork(t, &attr);
		else
			sys_clone_thread(t, &attr);
	}
}

static void shmem_crowd(struct task *t, void *arg)
{
	crowd(t, SHMEM, arg);
}

static void file_crowd(struct task *t, void *arg)
{
	(void)arg;
	crowd(t, MAP_SHARED, t);
}

/* More frames than there are shared pages, which have nowhere to go, but not than all together. */
#define SHORT_OF_MEMORY "memory.size=3MiB"

static void test_crowds(void **state)
{
	static const char *const sets[][6] = {
		{ NULL },
		{ SHORT_OF_MEMORY, "disk.read=5us", "disk.write=5us", NULL },
		{ "retract=mmap-trylock", "batched-unmap=per-page", NULL },
		{ "secondary-tlbs=notifiers", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		for (uint64_t seed = 0; seed < 3; seed++) {
			bool tight = sets[i][0] && !strcmp(sets[i][0], SHORT_OF_MEMORY);

			assert_int_equal(run(shmem_crowd, sets[i], seed).reclaimed > PAGES, tight);
			assert_int_equal(run(file_crowd, sets[i], seed).reclaimed > PAGES, tight);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hole),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_filled),
		cmocka_unit_test(test_crowds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
