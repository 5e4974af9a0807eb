/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * userfaultfd: every missing page is asked for and supplied once, faults on one page share its
 * answer, huge pages do not get in its way, and closing lets everybody go.
 */
#include "tests/models/model.h"

#include <errno.h>

#include "models/kernel/huge_memory.h"

#define AREA UINT64_C(0x7fff00000000)
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

enum { PAGES = 64, THREADS = 3 };

struct scene {
	struct userfaultfd *u;
	unsigned int asked[PAGES], ended, copies;
};

static void handler(struct task *t, void *arg)
{
	struct scene *s = arg;
	uint64_t addr;

	while (sys_uffd_read(t, s->u, &addr)) {
		unsigned int page = (unsigned int)((addr - AREA) / PAGE_SIZE);
		int64_t ret;

		expect(t->k, page < PAGES, "a fault at %#llx", (unsigned long long)addr);
		s->asked[page]++;
		user_compute(t, 5 * SIM_US); /* fetches it */
		ret = sys_uffd_copy(t, s->u, addr, PAGE_SIZE);
		/* Another fault on it may have been answered first. */
		expect(t->k, ret == (int64_t)PAGE_SIZE || ret == -EEXIST, "copy: %lld",
		       (long long)ret);
		s->copies += ret > 0;
	}
}

static void user(struct task *t, void *arg)
{
	struct scene *s = arg;

	for (unsigned int i = 0; i < PAGES; i++) {
		uint64_t addr = AREA + i * PAGE_SIZE;

		expect(t->k, user_access(t, addr, i % 2 ? USER_READ : USER_WRITE), "page %u", i);
		expect(t->k, leaf_read(t->mm, addr) && !(leaf_read(t->mm, addr) & PTE_ZERO),
		       "page %u was not the handler's", i);
	}
	if (++s->ended == THREADS)
		sys_uffd_close(t, s->u);
}

static void leader(struct task *t, void *arg)
{
	struct scene *s = arg;
	int64_t ret = sys_mmap(t, AREA, PMD_SIZE, RW, ANON | MAP_FIXED);

	expect(t->k, ret == (int64_t)AREA, "mmap: %lld", (long long)ret);
	s->u = sys_userfaultfd(t);
	expect(t->k, sys_uffd_register(t, s->u, AREA, PMD_SIZE) == 0, "register");
	for (unsigned int i = 0; i <= THREADS; i++) {
		struct task_attr attr = { .comm = i ? "user" : "handler",
					  .cpu = (int)i,
					  .initial_cpu = NO_CPU,
					  .fn = i ? user : handler,
					  .arg = s };

		sys_clone_thread(t, &attr);
	}
}

static void run(struct model *m, struct scene *s, const char *const *set)
{
	struct model_spec spec = { .set = set };

	*s = (struct scene){ 0 };
	model_start(m, &spec);
	spawn(m, "leader", 0, leader, s);
	model_run_clean(m, "userfaultfd", 0);
	for (unsigned int i = 0; i < PAGES; i++)
		assert_in_range(s->asked[i], 1, THREADS);
	assert_int_equal(s->copies, PAGES);
	/* A page takes at least its fetch; three threads at it wait for the same answer. */
	assert_true(histogram(m, "mm.userfaultfd_wait", "")->count >= PAGES);
	assert_true(histogram(m, "mm.userfaultfd_wait", "")->min > 0);
	model_end(m);
}

static void test_all_pages(void **state)
{
	static const char *const set[] = { "topology.cores_per_l3=4", "mmap-locking=mmap-lock",
					   NULL };
	static const char *const huge[] = { "topology.cores_per_l3=4", "huge-pages=always", NULL };
	struct scene s;
	struct model m;

	(void)state;
	run(&m, &s, NULL);
	run(&m, &s, set);
	run(&m, &s, huge);
}

/* ---- what comes after ---- */

static void closes(struct task *t, void *arg)
{
	struct userfaultfd *u = sys_userfaultfd(t);

	(void)arg;
	sys_mmap(t, AREA, 8 * PAGE_SIZE, RW, ANON | MAP_FIXED);
	expect(t->k, sys_uffd_register(t, u, AREA, 4 * PAGE_SIZE) == 0, "register");
	expect(t->k, t->mm->nr_vmas == 2, "%zu VMAs", t->mm->nr_vmas);
	expect(t->k, sys_uffd_copy(t, u, AREA, 2 * PAGE_SIZE) == 2 * (int64_t)PAGE_SIZE, "copy");
	expect(t->k, sys_uffd_copy(t, u, AREA + PAGE_SIZE, PAGE_SIZE) == -EEXIST, "copy again");
	expect(t->k, sys_uffd_copy(t, u, AREA + 5 * PAGE_SIZE, PAGE_SIZE) == -ENOENT, "elsewhere");
	expect(t->k, sys_uffd_copy(t, u, AREA + 1, PAGE_SIZE) == -EINVAL, "misaligned");
	expect(t->k, user_access(t, AREA, USER_WRITE), "write to what was copied");
	expect(t->k, user_access(t, AREA + 5 * PAGE_SIZE, USER_WRITE), "not registered");
	sys_uffd_close(t, u);
	expect(t->k, user_access(t, AREA + 3 * PAGE_SIZE, USER_READ), "after it was closed");
}

static void test_closes(void **state)
{
	struct model_spec spec = { 0 };
	struct model m;

	(void)state;
	model_start(&m, &spec);
	spawn(&m, "closes", 0, closes, NULL);
	model_run_clean(&m, "close", 0);
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_pages),
		cmocka_unit_test(test_closes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
