/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which steps calls on VMAs take, and how often: the time that a call takes more when a step takes
 * a microsecond more. Would break: a tree that is written twice where the kernel writes once, a
 * boundary that moves as dearly as a VMA splits, anon_vmas that go for nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/models/model.h"

enum { PAGES = 64, PROT = PROT_READ | PROT_WRITE, FLAGS = MAP_PRIVATE | MAP_ANONYMOUS };

struct call {
	void (*before)(struct task *t, uint64_t area);
	void (*fn)(struct task *t, uint64_t area);
	sim_ps took;
};

static void unmap(struct task *t, uint64_t area, uint64_t from, uint64_t to)
{
	sys_munmap(t, area + from * PAGE_SIZE, (to - from) * PAGE_SIZE);
}

static void unmaps_all(struct task *t, uint64_t area)
{
	unmap(t, area, 0, PAGES);
}

static void unmaps_end(struct task *t, uint64_t area)
{
	unmap(t, area, PAGES / 2, PAGES);
}

static void unmaps_middle(struct task *t, uint64_t area)
{
	unmap(t, area, PAGES / 4, PAGES / 2);
}

static void replaces(struct task *t, uint64_t area)
{
	sys_mmap(t, area, PAGES * PAGE_SIZE, PROT_READ, FLAGS | MAP_FIXED);
}

static void protects_second_quarter(struct task *t, uint64_t area)
{
	sys_mprotect(t, area + PAGES / 4 * PAGE_SIZE, PAGES / 4 * PAGE_SIZE, PROT_READ);
}

static void protects_first_quarter(struct task *t, uint64_t area)
{
	sys_mprotect(t, area, PAGES / 4 * PAGE_SIZE, PROT_READ);
}

static void touches(struct task *t, uint64_t area)
{
	user_access(t, area, USER_WRITE);
}

static void timed(struct task *t, void *arg)
{
	struct call *c = arg;
	uint64_t area = (uint64_t)sys_mmap(t, 0, PAGES * PAGE_SIZE, PROT, FLAGS);
	sim_ps begin;

	if (c->before)
		c->before(t, area);
	begin = sim_now(task_sim(t));
	c->fn(t, area);
	c->took = sim_now(task_sim(t)) - begin;
}

static sim_ps time_of(struct call c, const char *step)
{
	const char *const set[] = { "kernel.scale=1", "cache.code_line=0ps", step, NULL };
	struct task_attr attr = { .comm = "caller", .cpu = 0, .fn = timed, .arg = &c };
	struct model_spec spec = { .set = set, .seed = 1 };
	struct model m;

	model_start(&m, &spec);
	kernel_spawn(m.k, &attr);
	model_run_clean(&m, step, 1);
	model_end(&m);
	return c.took;
}

static unsigned int steps(struct call c, const char *name)
{
	char less[64], more[64];

	snprintf(less, sizeof(less), "kernel.%s=100ns", name);
	snprintf(more, sizeof(more), "kernel.%s=1100ns", name);
	return (unsigned int)((time_of(c, more) - time_of(c, less) + SIM_US / 2) / SIM_US);
}

static void test_munmap(void **state)
{
	const struct call all = { .fn = unmaps_all }, end = { .fn = unmaps_end },
			  middle = { .fn = unmaps_middle };

	(void)state;
	assert_int_equal(steps(all, "vma_store"), 1);
	assert_int_equal(steps(end, "vma_store"), 1);
	assert_int_equal(steps(middle, "vma_store"), 1);
	assert_int_equal(steps(all, "vma_alloc"), 0);
	assert_int_equal(steps(end, "vma_alloc"), 1);
	assert_int_equal(steps(middle, "vma_alloc"), 2);
}

static void test_replacing_stores_once(void **state)
{
	const struct call c = { .fn = replaces };

	(void)state;
	assert_int_equal(steps(c, "vma_store"), 1);
	assert_int_equal(steps(c, "vma_free"), 1);
}

/* The first quarter splits off; the second goes over to it. */
static void test_mprotect(void **state)
{
	const struct call split = { .fn = protects_first_quarter },
			  shift = { .before = protects_first_quarter,
				    .fn = protects_second_quarter };

	(void)state;
	assert_int_equal(steps(split, "vma_store"), 1);
	assert_int_equal(steps(split, "vma_alloc"), 1);
	assert_int_equal(steps(split, "vma_shift"), 0);
	assert_int_equal(steps(shift, "vma_store"), 0);
	assert_int_equal(steps(shift, "vma_alloc"), 0);
	assert_int_equal(steps(shift, "vma_shift"), 1);
}

static void test_anon_vma(void **state)
{
	const struct call without = { .fn = unmaps_all },
			  with = { .before = touches, .fn = unmaps_all };

	(void)state;
	assert_int_equal(steps(without, "anon_vma_unlink"), 0);
	assert_int_equal(steps(with, "anon_vma_unlink"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_munmap),
		cmocka_unit_test(test_replacing_stores_once),
		cmocka_unit_test(test_mprotect),
		cmocka_unit_test(test_anon_vma),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
