// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * How cold kernel code gets: the law against its own figures by hand, and the kernel as a whole.
 * Would break: code that stays cold in a loop, that goes cold without anybody's work, that another
 * core's work makes cold, or whose cost does not follow the machine's caches.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/models/model.h"

static const struct code_cache_model law = {
	.l2_negligible = 100,
	.l2_lines = 10000,
	.l3_lines = 1000000,
	.lines = 1 / 3000.0,
	.l3_cost = 14000,
	.memory_cost = 96000,
};

static void test_law(void **state)
{
	const struct code_age gone = { UINT64_C(1) << 40, UINT64_C(1) << 40, UINT64_C(1) << 40 };
	double half = code_cache_share(&law, 6931);

	(void)state;
	assert_true(fabs(half - 0.5) < 1e-4); /* 1 - exp(-ln 2) */
	/* 300 ns are 100 lines; half of them from L3, and half of those from memory */
	assert_in_range(code_cache_miss(&law, 300000, (struct code_age){ 0, 6931, 0 }), 699000,
			701000);
	assert_in_range(code_cache_miss(&law, 300000, (struct code_age){ 0, 6931, 693147 }),
			3099000, 3101000);
	/* what L2 has not lost costs nothing, whatever L3 has */
	assert_int_equal(code_cache_miss(&law, 300000, (struct code_age){ 0, 0, 693147 }), 0);
	/* all gone from both: every line at its full price */
	assert_in_range(code_cache_miss(&law, 300000, gone), 10999000, 11001000);
	/* what takes longer than CODE_PLACE_LINES goes over its lines again */
	assert_int_equal(code_cache_miss(&law, 1200000, gone),
			 code_cache_miss(&law, 90000000, gone));
}

/* L1 of 64 sets of 8 ways, into which work brings ten lines for each one of L2's. */
static void test_l1(void **state)
{
	struct code_cache_model l1 = law;
	double lost = (double)code_cache_l1_miss(&l1, 300000, 1);

	(void)state;
	assert_int_equal((int)lost, 0); /* it keeps all */
	l1.l2_cost = 600;
	l1.l1_gone = 100;
	l1.l1_share[0] = 0;
	l1.l1_share[L1_STEPS / 2] = 0.5;
	assert_int_equal(code_cache_l1_miss(&l1, 300000, 0), 0);
	/* 100 lines at 600 ps, half of them */
	assert_int_equal(code_cache_l1_miss(&l1, 300000, 50), 30000);
	assert_int_equal(code_cache_l1_miss(&l1, 300000, 100), 60000);
	/* so few new lines cost nothing beyond L1 */
	assert_int_equal(code_cache_miss(&l1, 300000, (struct code_age){ 50, 50, 50 }), 30000);
}

/* What a core loses, its L3 keeps; and the core has lost all of it. */
static void test_lose(void **state)
{
	struct code_l3 l3 = { .lines = 7 };
	struct code_cache core = { .l3 = &l3 };
	struct code_cache_model m = law;

	(void)state;
	m.l1_gone = 100;
	code_cache_lose(&core, &m);
	assert_true(core.l1 > m.l1_gone);
	assert_true(code_cache_share(&m, core.l2) > .99);
	assert_int_equal(l3.lines, 7);
}

struct scene {
	sim_ps work[4], took[4];
	bool elsewhere; /* the work is another core's */
	bool l1_keeps;  /* everything */
	unsigned int n;
};

static sim_ps brk_time(struct task *t)
{
	sim_ps begin = sim_now(task_sim(t));

	sys_brk(t, 0);
	return sim_now(task_sim(t)) - begin;
}

static void works_for_the_kernel(struct task *t, void *arg)
{
	struct scene *s = arg;

	brk_time(t);
	s->took[0] = brk_time(t);
	user_compute_of(t, 100 * SIM_US, 0);
	s->took[1] = brk_time(t);
	user_compute_of(t, 100 * SIM_US, 100 * SIM_US);
	s->took[2] = brk_time(t);
}

/* Own work in time only cools nothing. */
static void test_not_its_own(void **state)
{
	struct scene s = { .n = 0 };
	struct task_attr attr = { .comm = "a", .cpu = 0, .fn = works_for_the_kernel, .arg = &s };
	struct model_spec spec = { .seed = 1 };
	struct model m;

	(void)state;
	model_start(&m, &spec);
	kernel_spawn(m.k, &attr);
	model_run_clean(&m, "not its own", 1);
	model_end(&m);
	assert_int_equal(s.took[1], s.took[0]);
	assert_true(s.took[2] > s.took[1]);
}

/* What its own work is spread over. */
static void have_pages(struct task *t, uint64_t pages)
{
	uint64_t area = (uint64_t)sys_mmap(t, 0, pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS);

	for (uint64_t i = 0; i < pages; i++)
		user_access(t, area + i * PAGE_SIZE, USER_WRITE);
}

static void calls(struct task *t, void *arg)
{
	struct scene *s = arg;

	have_pages(t, 4096);
	brk_time(t);
	for (unsigned int i = 0; i < s->n; i++) {
		if (s->elsewhere)
			task_sleep(t, s->work[i]);
		else
			user_compute(t, s->work[i]);
		s->took[i] = brk_time(t);
	}
}

static void computes(struct task *t, void *arg)
{
	(void)arg;
	user_compute(t, 40 * SIM_MS);
}

/* A system call that does next to nothing, after own work of some lengths. */
static void run_scene(struct scene *s, const char *code_line, bool other)
{
	const char *const set[] = { "ipi.jitter=0", "cache.code_line", code_line,
				    s->l1_keeps ? "cache.user_l1_line=0ps" : NULL, NULL };
	struct model_spec spec = { .set = set, .seed = 1 };
	struct task_attr caller = { .comm = "calls", .cpu = 0, .fn = calls, .arg = s };
	struct task_attr worker = { .comm = "computes", .cpu = 1, .fn = computes };
	struct model m;

	model_start(&m, &spec);
	kernel_spawn(m.k, &caller);
	if (other)
		kernel_spawn(m.k, &worker);
	model_run_clean(&m, "scene", 1);
	model_end(&m);
}

static void test_grows_with_own_work(void **state)
{
	struct scene s = { .work = { 0, 100 * SIM_US, SIM_MS, 0 }, .n = 4 };

	(void)state;
	run_scene(&s, "3ns", false);
	assert_true(s.took[0] < s.took[1]);
	assert_true(s.took[1] < s.took[2]);
	assert_int_equal(s.took[3], s.took[0]); /* warm again at once */
}

/* With an L1 that keeps all, what L2 has lost is dear nevertheless. */
static void test_lost_by_l2_alone(void **state)
{
	struct scene s = { .work = { 0, 20 * SIM_US, 5 * SIM_MS }, .n = 3, .l1_keeps = true };

	(void)state;
	run_scene(&s, "3ns", false);
	assert_true(s.took[1] - s.took[0] < s.took[0] / 10);
	assert_true(s.took[2] > 2 * s.took[0]);
}

static void maps_and_grows(struct task *t, void *arg)
{
	struct scene *s = arg;
	uint64_t at = (uint64_t)sys_brk(t, 0), area;

	have_pages(t, 4096);
	for (unsigned int i = 0; i < 2; i++) { /* the first time everything is cold */
		sim_ps begin;

		user_compute(t, 5 * SIM_MS);
		area = s->n ? (uint64_t)sys_mmap(t, 0, PAGE_SIZE, PROT_READ,
						 MAP_PRIVATE | MAP_ANONYMOUS)
			    : 0;
		settle(t);
		begin = sim_now(task_sim(t));
		sys_brk(t, at += PAGE_SIZE);
		settle(t);
		s->took[i] = sim_now(task_sim(t)) - begin;
		if (area)
			sys_munmap(t, area, PAGE_SIZE);
	}
}

static sim_ps brk_after(bool mmap)
{
	struct scene s = { .n = mmap };
	struct task_attr attr = { .comm = "grows", .cpu = 0, .fn = maps_and_grows, .arg = &s };
	struct model_spec spec = { .machine = "zen5-vm2", .seed = 1 };
	struct model m;

	model_start(&m, &spec);
	kernel_spawn(m.k, &attr);
	model_run_clean(&m, "brk", 1);
	model_end(&m);
	return s.took[1];
}

/* brk runs a part of mmap's code. */
static void test_part_of_mmap(void **state)
{
	(void)state;
	assert_true(2 * brk_after(true) < brk_after(false));
}

/* L1 keeps all for two microseconds, and nothing after twenty; L2 loses little meanwhile. */
static void test_l1_goes_soon(void **state)
{
	struct scene s = { .work = { 0, 2 * SIM_US, 20 * SIM_US, 30 * SIM_US }, .n = 4 };
	sim_ps cold;

	(void)state;
	run_scene(&s, "2ns", false);
	cold = s.took[2] - s.took[0];
	assert_true(s.took[1] - s.took[0] < cold / 20);
	assert_in_range(cold, s.took[0] / 4, s.took[0] / 2); /* 600 ps every 2 ns, and some of L2 */
	assert_true(s.took[3] - s.took[2] < cold / 4);
}

static void test_off(void **state)
{
	struct scene s = { .work = { 0, 100 * SIM_US, SIM_MS }, .n = 3 };

	(void)state;
	run_scene(&s, "0ps", false);
	assert_int_equal(s.took[1], s.took[0]);
	assert_int_equal(s.took[2], s.took[0]);
}

struct program {
	uint64_t pages; /* that it has */
	sim_ps took;    /* a call after much work of its own */
	bool done;
};

static void works_long(struct task *t, void *arg)
{
	struct program *p = arg;

	have_pages(t, p->pages);
	brk_time(t);
	user_compute(t, 20 * SIM_MS);
	p->took = brk_time(t);
	p->done = true;
}

static void calls_on(struct task *t, void *arg)
{
	struct program *p = arg;

	while (!p->done) {
		brk_time(t);
		task_sleep(t, 500 * SIM_US);
	}
}

/* A call after work by a program of so many pages, of which L3 holds 256; others may make the same
 * call on another core of the L3, or of another. */
static sim_ps after_work(uint64_t pages, const char *l3_line, int other)
{
	const char *const set[] = { "cache.l3_size",
				    "1MiB",
				    "cache.l2_size",
				    "256KiB",
				    "cache.user_l3_line",
				    l3_line,
				    "ipi.jitter",
				    "0",
				    NULL };
	struct program p = { .pages = pages };
	struct task_attr worker = { .comm = "works", .cpu = 0, .fn = works_long, .arg = &p };
	struct task_attr caller = { .comm = "calls", .cpu = other, .fn = calls_on, .arg = &p };
	struct model_spec spec = { .set = set, .seed = 1 };
	struct model m;

	model_start(&m, &spec);
	kernel_spawn(m.k, &worker);
	if (other >= 0)
		kernel_spawn(m.k, &caller);
	model_run_clean(&m, "after work", 1);
	model_end(&m);
	return p.took;
}

/* What fits into L3 pushes nothing out of it, however long it runs. */
static void test_small_programs(void **state)
{
	sim_ps small = after_work(200, "0ps", -1);

	(void)state;
	assert_int_equal(after_work(16, "100ns", -1), small);
	assert_int_equal(after_work(200, "100ns", -1), small);
	assert_true(small < after_work(320, "100ns", -1));
	assert_true(after_work(320, "100ns", -1) < after_work(2560, "100ns", -1));
}

/* L3 keeps what another of its cores uses. */
static void test_l3_is_shared(void **state)
{
	sim_ps alone = after_work(2560, "100ns", -1);

	(void)state;
	assert_true(after_work(2560, "100ns", 1) < alone * 3 / 4);
	assert_in_range(after_work(2560, "100ns", 8), alone * 99 / 100, alone * 101 / 100);
}

static void makes_two_calls(struct task *t, void *arg)
{
	struct scene *s = arg;

	have_pages(t, 4096);
	brk_time(t);
	for (int i = 0; i < 2; i++) {
		user_compute(t, s->work[i]);
		brk_time(t);
		s->took[i] = task_call_time(t);
	}
}

static sim_ps dearer_when_cold(sim_ps event)
{
	const char *const set[] = { "ipi.jitter=0", NULL };
	struct scene s = { .work = { 30 * SIM_US, 0 } };
	struct task_attr attr = { .comm = "calls", .cpu = 0, .fn = makes_two_calls, .arg = &s };
	struct model_spec spec = { .set = set, .seed = 1 };
	struct model m;

	model_start(&m, &spec);
	kernel_set_tracing(m.k, event, 0);
	kernel_spawn(m.k, &attr);
	model_run_clean(&m, "calls", 1);
	model_end(&m);
	return s.took[0] - s.took[1];
}

/* A call has four events or more; the first of them finds L1 without the recorder's code, and pays
 * for 400 lines of 800 ns. */
static void test_recorder_is_cold_once(void **state)
{
	sim_ps more = dearer_when_cold(800 * SIM_NS) - dearer_when_cold(0);

	(void)state;
	assert_in_range(more, 220 * SIM_NS, 300 * SIM_NS);
}

/* Another core's work and one's own sleep push nothing out. */
static void test_other_core(void **state)
{
	struct scene alone = { .work = { 10 * SIM_MS }, .n = 1, .elsewhere = true };
	struct scene beside = alone;

	(void)state;
	run_scene(&alone, "3ns", false);
	run_scene(&beside, "3ns", true);
	assert_int_equal(alone.took[0], beside.took[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_law),
		cmocka_unit_test(test_l1),
		cmocka_unit_test(test_lose),
		cmocka_unit_test(test_grows_with_own_work),
		cmocka_unit_test(test_lost_by_l2_alone),
		cmocka_unit_test(test_l1_goes_soon),
		cmocka_unit_test(test_part_of_mmap),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_other_core),
		cmocka_unit_test(test_not_its_own),
		cmocka_unit_test(test_small_programs),
		cmocka_unit_test(test_l3_is_shared),
		cmocka_unit_test(test_recorder_is_cold_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
