/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an entry into the kernel costs with and without mitigations, to the picosecond: system
 * calls, faults, interrupts of programs and of the kernel itself, the flush of the user's PCID on
 * the way back; and the kernel's own pages in the TLB.
 */
#include "tests/models/model.h"

#include "models/kernel/entry.h"

#define NS SIM_NS

struct timing {
	sim_ps syscall, fault, user, kernel, flush, way_back, second;
	uint64_t user_ticks, kernel_ticks;
};

static sim_ps since(struct task *t, sim_ps *begin)
{
	sim_ps took;

	settle(t);
	took = sim_now(t->k->sim) - *begin;
	*begin = sim_now(t->k->sim);
	return took;
}

static void measure(struct task *t, void *arg)
{
	struct timing *x = arg;
	uint64_t ticks,
		area = (uint64_t)sys_mmap(t, 0, PMD_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
	sim_ps begin = 0;

	user_access(t, area, USER_READ); /* tables are there now */
	since(t, &begin);
	sys_madvise(t, 1, PAGE_SIZE, MADV_DONTNEED); /* -EINVAL: an entry and a check */
	x->syscall = since(t, &begin);
	user_access(t, area + PAGE_SIZE, USER_READ);
	x->fault = since(t, &begin);
	flush_slot_all(t, this_cpu(t)->tlbstate.loaded_asid);
	x->flush = since(t, &begin);
	sys_madvise(t, 1, PAGE_SIZE, MADV_DONTNEED);
	x->way_back = since(t, &begin);
	sys_madvise(t, 1, PAGE_SIZE, MADV_DONTNEED);
	x->second = since(t, &begin);
	ticks = t->k->metric.ticks->value;
	user_compute(t, 95 * SIM_MS);
	x->user = since(t, &begin);
	x->user_ticks = t->k->metric.ticks->value - ticks;
	ticks = t->k->metric.ticks->value;
	spend(t, 95 * SIM_MS);
	x->kernel = since(t, &begin);
	x->kernel_ticks = t->k->metric.ticks->value - ticks;
}

static struct timing measure_with(const char *const *set)
{
	struct model_spec spec = { .machine = "skylake-4c", .set = set, .seed = 2 };
	struct timing x = { 0 };
	struct model m;

	model_start(&m, &spec);
	spawn(&m, "measure", 0, measure, &x);
	model_run_clean(&m, "measure", 2);
	model_end(&m);
	return x;
}

/* Everything that an entry costs more, and nothing else does. */
static void differ(const struct timing *less, const struct timing *more, sim_ps by)
{
	assert_int_equal(more->syscall - less->syscall, by);
	assert_int_equal(more->fault - less->fault, by);
	assert_int_equal(more->user_ticks, less->user_ticks);
	assert_int_equal(more->user - less->user, by * more->user_ticks);
	assert_int_equal(more->kernel, less->kernel); /* comes from the kernel, returns to it */
	assert_int_equal(more->kernel_ticks, less->kernel_ticks);
	assert_true(more->user_ticks >= 9 && more->kernel_ticks >= 9);
}

static const char *const plain[] = { "flush.pti=false", "mitigations.pti_cr3=70ns", "hz=100",
				     "flush.cr3_write=376ns", NULL };
static const char *const isolated[] = { "flush.pti=true", "mitigations.pti_cr3=70ns", "hz=100",
					"flush.cr3_write=376ns", NULL };
static const char *const others[] = { "flush.pti=false",       "mitigations.entry=11ns",
				      "mitigations.exit=23ns", "hz=100",
				      "flush.cr3_write=376ns", NULL };

static void test_costs(void **state)
{
	struct timing off = measure_with(plain), pti = measure_with(isolated),
		      more = measure_with(others);

	(void)state;
	differ(&off, &pti, 2 * 70 * NS);
	differ(&off, &more, (11 + 23) * NS);
}

/* The kernel's CR3 write flushes its own PCID now; the one on the way back flushes the user's,
 * once. */
static void test_user_pcid(void **state)
{
	struct timing off = measure_with(plain), pti = measure_with(isolated);

	(void)state;
	assert_int_equal(off.flush, 376 * NS);
	assert_int_equal(pti.flush, 376 * NS);
	assert_int_equal(off.way_back, off.second);
	assert_int_equal(pti.way_back - pti.second, (376 - 70) * NS);
}

/* ---- the kernel's own pages ---- */

struct footprint {
	uint64_t first, second, after_user, after_all;
};

static uint64_t misses_of_a_call(struct task *t)
{
	struct tlb *tlb = &this_cpu(t)->cpu->tlb;
	uint64_t before = tlb->misses;

	sys_madvise(t, 1, PAGE_SIZE, MADV_DONTNEED);
	return tlb->misses - before;
}

static void enters(struct task *t, void *arg)
{
	struct footprint *f = arg;
	struct tlb *tlb = &this_cpu(t)->cpu->tlb;

	settle(t);
	tlb_flush_all(tlb, true);
	f->first = misses_of_a_call(t);
	f->second = misses_of_a_call(t);
	tlb_flush_slot(tlb, this_cpu(t)->tlbstate.loaded_asid);
	f->after_user = misses_of_a_call(t);
	tlb_flush_all(tlb, true);
	f->after_all = misses_of_a_call(t);
}

static void test_kernel_pages(void **state)
{
	static const char *const global[] = { "tlb.kernel_pages=40", "flush.pti=false", NULL };
	static const char *const tagged[] = { "tlb.kernel_pages=40", "flush.pti=true", NULL };
	const char *const *const sets[] = { global, tagged };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct model_spec spec = { .machine = "skylake-4c", .set = sets[i], .seed = 2 };
		struct footprint f = { 0 };
		struct model m;

		model_start(&m, &spec);
		spawn(&m, "enters", 0, enters, &f);
		model_run_clean(&m, "enters", i);
		model_end(&m);
		assert_int_equal(f.first, 40);
		assert_int_equal(f.second, 0);
		assert_int_equal(f.after_user, i ? 40 : 0); /* global ones stay */
		assert_int_equal(f.after_all, 40);
	}
}

struct copier {
	struct model m;
	uint64_t by_vma[3], by_mmap[3];
};

static void note(struct copier *c, int i)
{
	c->by_vma[i] = c->m.k->metric.vma_lock_hit->value;
	c->by_mmap[i] = counter(&c->m, "lock.acquired", "mmap_lock");
}

static void copies(struct task *t, void *arg)
{
	struct copier *c = arg;
	uint64_t area = (uint64_t)sys_mmap(t, 0, 8 * PAGE_SIZE, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS);

	user_access(t, area, USER_WRITE); /* it has an anon_vma now */
	note(c, 0);
	user_access(t, area + PAGE_SIZE, USER_WRITE);
	note(c, 1);
	expect(t->k, kernel_access(t, area + 2 * PAGE_SIZE, USER_WRITE), "copy_to_user fails");
	expect(t->k, kernel_access(t, area + PAGE_SIZE, USER_WRITE), "where no fault is");
	note(c, 2);
	expect(t->k, !kernel_access(t, area + PMD_SIZE, USER_WRITE), "where nothing is mapped");
	expect(t->k, !t->copies, "it goes on copying");
}

/* A fault of the kernel in a process's memory takes mmap_lock, one of its own the VMA's lock. */
static void test_kernel_access(void **state)
{
	struct model_spec spec = { .seed = 3 };
	struct copier c = { 0 };

	(void)state;
	model_start(&c.m, &spec);
	spawn(&c.m, "copies", 0, copies, &c);
	model_run_clean(&c.m, "copies", 0);
	model_end(&c.m);
	assert_int_equal(c.by_vma[1] - c.by_vma[0], 1);
	assert_int_equal(c.by_mmap[1] - c.by_mmap[0], 0);
	assert_int_equal(c.by_vma[2] - c.by_vma[1], 0);
	assert_int_equal(c.by_mmap[2] - c.by_mmap[1], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_costs),
		cmocka_unit_test(test_user_pcid),
		cmocka_unit_test(test_kernel_pages),
		cmocka_unit_test(test_kernel_access),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
