/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which steps calls on VMAs take, how often, and under which lock: the time that a call takes, or
 * holds mmap_lock, more when a step takes a microsecond more. Would break: a tree that is written
 * twice where the kernel writes once, a boundary that moves as dearly as a VMA splits, anon_vmas
 * that go for nothing, work before a lock that the kernel does under it.
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
	sim_ps took, held; /* all holds of mmap_lock in the run */
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

static struct call times_of(struct call c, const char *step)
{
	const char *const set[] = { "kernel.scale=1", "cache.code_line=0ps", step, NULL };
	struct task_attr attr = { .comm = "caller", .cpu = 0, .fn = timed, .arg = &c };
	struct model_spec spec = { .set = set, .seed = 1 };
	struct model m;

	model_start(&m, &spec);
	kernel_spawn(m.k, &attr);
	model_run_clean(&m, step, 1);
	c.held = (sim_ps)counter(&m, "lock.held", "mmap_lock");
	model_end(&m);
	return c;
}

static unsigned int steps(sim_ps more, sim_ps less)
{
	return (unsigned int)((more - less + SIM_US / 2) / SIM_US);
}

/* How often the call takes that step; *held: under mmap_lock, the setting up included. */
static unsigned int taken(struct call c, const char *name, unsigned int *held)
{
	char text[64];
	struct call less, more;

	snprintf(text, sizeof(text), "kernel.%s=100ns", name);
	less = times_of(c, text);
	snprintf(text, sizeof(text), "kernel.%s=1100ns", name);
	more = times_of(c, text);
	if (held)
		*held = steps(more.held, less.held);
	return steps(more.took, less.took);
}

static void expect_steps(struct call c, const char *name, unsigned int n)
{
	assert_int_equal(taken(c, name, NULL), n);
}

static void test_munmap(void **state)
{
	const struct call all = { .fn = unmaps_all }, end = { .fn = unmaps_end },
			  middle = { .fn = unmaps_middle };

	(void)state;
	expect_steps(all, "vma_store", 1);
	expect_steps(end, "vma_store", 1);
	expect_steps(middle, "vma_store", 1);
	expect_steps(all, "vma_alloc", 0);
	expect_steps(end, "vma_alloc", 1);
	expect_steps(middle, "vma_alloc", 2);
}

static void test_replacing_stores_once(void **state)
{
	const struct call c = { .fn = replaces };

	(void)state;
	expect_steps(c, "vma_store", 1);
	expect_steps(c, "vma_free", 1);
}

/* The first quarter splits off; the second goes over to it. */
static void test_mprotect(void **state)
{
	const struct call split = { .fn = protects_first_quarter },
			  shift = { .before = protects_first_quarter,
				    .fn = protects_second_quarter };

	(void)state;
	expect_steps(split, "vma_store", 1);
	expect_steps(split, "vma_alloc", 1);
	expect_steps(split, "vma_shift", 0);
	expect_steps(shift, "vma_store", 0);
	expect_steps(shift, "vma_alloc", 0);
	expect_steps(shift, "vma_shift", 1);
}

static void test_anon_vma(void **state)
{
	const struct call without = { .fn = unmaps_all },
			  with = { .before = touches, .fn = unmaps_all };

	(void)state;
	expect_steps(without, "anon_vma_unlink", 0);
	expect_steps(with, "anon_vma_unlink", 1);
}

static void advises(struct task *t, uint64_t area)
{
	sys_madvise(t, area, PAGES * PAGE_SIZE, MADV_NOHUGEPAGE);
}

/* munmap's own code, and that of advice that changes VMAs, runs under mmap_lock. */
static void test_under_the_lock(void **state)
{
	const struct call munmap = { .fn = unmaps_all }, madvise = { .fn = advises };
	unsigned int held;

	(void)state;
	assert_int_equal(taken(munmap, "munmap_base", &held), 1);
	assert_int_equal(held, 1);
	assert_int_equal(taken(madvise, "madvise_base", &held), 1);
	assert_int_equal(held, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_munmap),         cmocka_unit_test(test_replacing_stores_once),
		cmocka_unit_test(test_mprotect),       cmocka_unit_test(test_anon_vma),
		cmocka_unit_test(test_under_the_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
