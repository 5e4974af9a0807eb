/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * MAP_POPULATE and MADV_POPULATE: every page is there as the access wants it, under one hold of
 * mmap_lock, and no access faults afterwards; errors as Linux has them. Would break: a replay in
 * which memory that a program populated is never there.
 */
#include "tests/models/model.h"

#include <errno.h>

#include "models/kernel/fault.h"
#include "models/kernel/huge_memory.h"

#define AREA UINT64_C(0x7fff00000000)
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

enum { PAGES = 600 }; /* more than a page table */

static uint64_t faults(const struct task *t, enum fault_kind kind)
{
	return t->k->metric.faults[kind]->value;
}

static uint64_t lock_holds(const struct task *t)
{
	return metric_find(sim_metrics(t->k->sim), "lock.acquired", "mmap_lock")->value;
}

static void expect_all(struct task *t, uint64_t n, uint64_t flags)
{
	for (uint64_t i = 0; i < n; i++)
		expect(t->k, (leaf_read(t->mm, AREA + i * PAGE_SIZE) & flags) == flags,
		       "page %llu: %#llx", (unsigned long long)i,
		       (unsigned long long)leaf_read(t->mm, AREA + i * PAGE_SIZE));
}

/* Accesses find everything there. */
static void expect_no_faults(struct task *t, uint64_t n, enum user_access access)
{
	uint64_t before = 0, after = 0;

	for (int k = 0; k < FAULT_KINDS; k++)
		before += faults(t, (enum fault_kind)k);
	for (uint64_t i = 0; i < n; i++)
		expect(t->k, user_access(t, AREA + i * PAGE_SIZE, access), "page %llu",
		       (unsigned long long)i);
	for (int k = 0; k < FAULT_KINDS; k++)
		after += faults(t, (enum fault_kind)k);
	expect(t->k, after == before, "%llu faults", (unsigned long long)(after - before));
}

static void anonymous(struct task *t, void *arg)
{
	uint64_t holds;

	(void)arg;
	sys_mmap(t, AREA, PAGES * PAGE_SIZE, RW, ANON | MAP_POPULATE);
	expect_all(t, PAGES, PTE_PRESENT | PTE_WRITE | PTE_DIRTY);
	expect(t->k, faults(t, FAULT_ANON) == PAGES, "%llu faults",
	       (unsigned long long)faults(t, FAULT_ANON));
	expect_no_faults(t, PAGES, USER_WRITE);
	/* In two steps: zero pages, then pages of one's own. */
	sys_mmap(t, AREA, PAGES * PAGE_SIZE, RW, ANON);
	user_access(t, AREA, USER_WRITE); /* so that the VMA has its anon_vma */
	holds = lock_holds(t);
	expect(t->k, sys_madvise(t, AREA, PAGES * PAGE_SIZE, MADV_POPULATE_READ) == 0, "read");
	expect(t->k, lock_holds(t) == holds + 1, "%llu holds",
	       (unsigned long long)(lock_holds(t) - holds));
	expect_all(t, PAGES, PTE_PRESENT);
	expect(t->k, faults(t, FAULT_ZERO) == PAGES - 1, "zero pages");
	expect_no_faults(t, PAGES, USER_READ);
	expect(t->k, sys_madvise(t, AREA, PAGES * PAGE_SIZE, MADV_POPULATE_WRITE) == 0, "write");
	expect_all(t, PAGES, PTE_PRESENT | PTE_WRITE);
	expect(t->k, faults(t, FAULT_COW) == PAGES - 1, "copies of the zero page");
	expect_no_faults(t, PAGES, USER_WRITE);
}

static void files(struct task *t, void *arg)
{
	(void)arg;
	sys_mmap(t, AREA, PAGES * PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED | MAP_POPULATE);
	expect_all(t, PAGES, PTE_PRESENT | PTE_FILE);
	expect_no_faults(t, PAGES, USER_READ);
	/* Read faults bring 16 pages at a time. */
	expect(t->k, faults(t, FAULT_FILE) == (PAGES + 15) / 16, "%llu faults",
	       (unsigned long long)faults(t, FAULT_FILE));
	sys_mmap(t, AREA, PAGES * PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED | MAP_POPULATE);
	expect_all(t, PAGES, PTE_PRESENT | PTE_WRITE);
}

static void refused(struct task *t, void *arg)
{
	(void)arg;
	sys_mmap(t, AREA, 8 * PAGE_SIZE, PROT_READ, ANON);
	sys_munmap(t, AREA + 4 * PAGE_SIZE, PAGE_SIZE);
	expect(t->k, sys_madvise(t, AREA, 8 * PAGE_SIZE, MADV_POPULATE_READ) == -ENOMEM, "a hole");
	expect_all(t, 4, PTE_PRESENT);
	expect(t->k, sys_madvise(t, AREA, PAGE_SIZE, MADV_POPULATE_WRITE) == -EFAULT, "read-only");
	sys_mmap(t, AREA, 8 * PAGE_SIZE, PROT_NONE, ANON | MAP_POPULATE);
	expect(t->k, !leaf_read(t->mm, AREA), "populated what nobody may use");
	sys_mmap(t, AREA, 8 * PAGE_SIZE, RW, ANON | MAP_POPULATE | MAP_NONBLOCK);
	expect(t->k, !leaf_read(t->mm, AREA), "populated in spite of MAP_NONBLOCK");
}

/* Returns how many pages were reclaimed. */
static uint64_t run(task_fn *body, const char *const *set)
{
	struct model_spec spec = { .set = set };
	struct model m;
	uint64_t pages;

	model_start(&m, &spec);
	spawn(&m, "body", 0, body, NULL);
	model_run_clean(&m, "populate", 0);
	pages = reclaimed(&m);
	model_end(&m);
	return pages;
}

static void test_populate(void **state)
{
	(void)state;
	run(anonymous, NULL);
	run(files, NULL);
	run(refused, NULL);
}

/* ---- while pages go again ---- */

static void populator(struct task *t, void *arg)
{
	for (unsigned int i = 0; i < 20; i++) {
		int ret = sys_madvise(t, AREA, PAGES * PAGE_SIZE,
				      i % 2 ? MADV_POPULATE_READ : MADV_POPULATE_WRITE);

		expect(t->k, !ret || (arg && ret == -ENOMEM), "error %d", ret);
		sys_madvise(t, AREA, PAGES * PAGE_SIZE, i % 3 ? MADV_DONTNEED : MADV_PAGEOUT);
	}
}

static void crowd(struct task *t, void *arg)
{
	struct task_attr attr = {
		.comm = "populator", .initial_cpu = NO_CPU, .fn = populator, .arg = arg
	};

	sys_mmap(t, AREA, PAGES * PAGE_SIZE, RW, ANON);
	for (attr.cpu = 1; attr.cpu < 4; attr.cpu++)
		sys_clone_thread(t, &attr);
	for (unsigned int i = 0; arg && i < 10; i++) {
		user_compute(t, 100 * SIM_US);
		sys_munmap(t, AREA + 100 * PAGE_SIZE, 50 * PAGE_SIZE);
		user_compute(t, 100 * SIM_US);
		sys_mmap(t, AREA + 100 * PAGE_SIZE, 50 * PAGE_SIZE, RW, ANON);
	}
}

static void unmapped_crowd(struct task *t, void *arg)
{
	(void)arg;
	crowd(t, t);
}

static void test_crowds(void **state)
{
	/* Fewer frames than are populated. */
	static const char *const tight[] = { "memory.size=2MiB", "disk.read=5us", "disk.write=5us",
					     NULL };
	static const char *const huge[] = { "huge-pages=always", NULL };

	(void)state;
	run(crowd, NULL);
	assert_true(run(crowd, tight) > PAGES);
	run(crowd, huge);
	run(unmapped_crowd, NULL);
	assert_true(run(unmapped_crowd, tight) > PAGES / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_populate),
		cmocka_unit_test(test_crowds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
