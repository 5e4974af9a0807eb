/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stacks grow to where they are touched, keep their gap, have a limit, and do so under the lock of
 * their time, while other threads map and fault.
 */
#include "tests/models/model.h"

#include "models/kernel/huge_memory.h"

#define TOP   UINT64_C(0x7fff00000000)
#define RW    (PROT_READ | PROT_WRITE)
#define STACK (MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN)
#define ANON  (MAP_PRIVATE | MAP_ANONYMOUS)

static const char *const old[] = { "mmap-locking=mmap-lock", NULL };

static void map_at(struct task *t, uint64_t addr, uint64_t pages, unsigned int flags)
{
	int64_t ret = sys_mmap(t, addr, pages * PAGE_SIZE, RW, flags | MAP_FIXED);

	expect(t->k, ret == (int64_t)addr, "mmap: %lld", (long long)ret);
}

static void grows(struct task *t, void *arg)
{
	struct vma *vma;

	(void)arg;
	map_at(t, TOP - PAGE_SIZE, 1, STACK);
	expect(t->k, user_access(t, TOP - PAGE_SIZE - 8, USER_WRITE), "one page down");
	expect(t->k, user_access(t, TOP - 100 * PAGE_SIZE, USER_READ), "far down");
	vma = vma_lookup(t->mm, TOP - 1);
	expect(t->k, vma->start == TOP - 100 * PAGE_SIZE && vma->end == TOP, "stack at %#llx",
	       (unsigned long long)vma->start);
	expect(t->k, user_access(t, TOP - 50 * PAGE_SIZE, USER_WRITE), "in between");
	/* 8 MiB and no more. */
	expect(t->k, user_access(t, TOP - (UINT64_C(8) << 20), USER_WRITE), "to its limit");
	expect(t->k, !user_access(t, TOP - (UINT64_C(8) << 20) - 8, USER_WRITE), "beyond it");
	expect(t->k, t->mm->nr_vmas == 1, "%zu VMAs", t->mm->nr_vmas);
}

static void keeps_gap(struct task *t, void *arg)
{
	(void)arg;
	map_at(t, TOP - PAGE_SIZE, 1, STACK);
	map_at(t, TOP - 400 * PAGE_SIZE, 1, ANON);
	expect(t->k, user_access(t, TOP - 143 * PAGE_SIZE, USER_WRITE), "256 pages above it");
	expect(t->k, !user_access(t, TOP - 144 * PAGE_SIZE, USER_WRITE), "into the gap");
	/* What nobody may access guards by itself. */
	sys_mprotect(t, TOP - 400 * PAGE_SIZE, PAGE_SIZE, PROT_NONE);
	expect(t->k, user_access(t, TOP - 398 * PAGE_SIZE, USER_WRITE), "next to a guard page");
	/* Other memory does not grow. */
	map_at(t, TOP, 1, ANON);
	expect(t->k, !user_access(t, TOP - 500 * PAGE_SIZE, USER_WRITE), "below all");
}

static void run(const char *const *set, task_fn *body)
{
	struct model_spec spec = { .set = set };
	struct model m;

	model_start(&m, &spec);
	spawn(&m, "body", 0, body, NULL);
	model_run_clean(&m, "stack", 0);
	model_end(&m);
}

static void test_grows(void **state)
{
	(void)state;
	run(NULL, grows);
	run(old, grows);
	run(NULL, keeps_gap);
	run(old, keeps_gap);
}

/* Threads dig at one stack while others map: writers and readers of mmap_lock in each other's way.
 */
static void digger(struct task *t, void *arg)
{
	unsigned int first = *(unsigned int *)arg;

	for (unsigned int i = 0; i < 100; i++) {
		expect(t->k, user_access(t, TOP - (first + 4 * i) * PAGE_SIZE, USER_WRITE), "dig");
		sys_munmap(t, (uint64_t)sys_mmap(t, 0, 8 * PAGE_SIZE, RW, ANON), 8 * PAGE_SIZE);
	}
}

static void leader(struct task *t, void *arg)
{
	static unsigned int first[4] = { 1, 2, 3, 4 };

	(void)arg;
	map_at(t, TOP - PAGE_SIZE, 1, STACK);
	for (unsigned int i = 0; i < 4; i++) {
		struct task_attr attr = { .comm = "digger",
					  .cpu = (int)i,
					  .initial_cpu = NO_CPU,
					  .fn = digger,
					  .arg = &first[i] };

		sys_clone_thread(t, &attr);
	}
}

static void test_threads(void **state)
{
	(void)state;
	run(NULL, leader);
	run(old, leader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
