/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The will-it-scale loads do what they say: so many faults, calls and flushes a loop, as threads
 * and as processes. Would break: a load that measures something else than its name promises, or a
 * kernel path that takes a fault or a flush too many.
 */
#include "tests/workloads/load_test.h"

struct row {
	const char *load, *set, *metric, *label;
	double each;  /* a loop */
	double slack; /* loops whose share may be missing: what a run's end cuts off */
};

static double value_of(const struct outcome *o, const char *name, const char *label)
{
	const struct metric *m = metric_find(o->metrics, name, label);

	if (!m)
		return 0;
	return m->desc->kind == METRIC_HISTOGRAM ? (double)m->hist.count : (double)m->value;
}

/* One pass through an endless mapping, unless it is the pass that counts. */
#define ENDLESS "size=1GiB"

static const struct row rows[] = {
	/* A read fault brings the 16 pages around; the 15 others are written through it: a copy. */
	{ "tlb_flush1", ENDLESS, "mm.faults", "file", 17.0 / 16, 16 },
	{ "tlb_flush1", ENDLESS, "mm.faults", "cow", 15.0 / 16, 16 },
	{ "tlb_flush1", ENDLESS, "tlb.flush", "local-mm-shootdown", 31.0 / 16, 16 },
	{ "tlb_flush1", ENDLESS, "op.latency", "madvise", 1, 1 },
	{ "tlb_flush2", ENDLESS, "mm.faults", "anon", 1, 1 },
	{ "tlb_flush2", ENDLESS, "mm.faults", "zero", 1, 1 },
	{ "tlb_flush2", ENDLESS, "tlb.flush", "local-mm-shootdown", 1, 1 },
	{ "tlb_flush2", ENDLESS, "op.latency", "fault", 2, 1 },
	{ "tlb_flush2", "size=64KiB", "op.latency", "mmap", 1.0 / 16, 16 },
	/* In a shared mapping they are only made writable. */
	{ "tlb_flush3", ENDLESS, "mm.faults", "file", 17.0 / 16, 16 },
	{ "tlb_flush3", ENDLESS, "mm.faults", "reuse", 15.0 / 16, 16 },
	{ "tlb_flush3", ENDLESS, "tlb.flush", "local-mm-shootdown", 1, 1 },
	{ "tlb_flush3", ENDLESS, "mm.faults", "anon", 0, 1 },
	{ "mmap1", "", "op.latency", "mmap", 1, 1 },
	{ "mmap1", "", "op.latency", "munmap", 1, 1 },
	{ "mmap1", "", "tlb.flush", "local-mm-shootdown", 0, 1 },
	{ "mmap2", "", "op.latency", "mmap", 1, 1 },
	{ "mmap2", "", "op.latency", "munmap", 1, 1 },
	{ "mmap2", "", "mm.faults", "file", 0, 1 },
	{ "munmap1", "size=64KiB", "mm.faults", "anon", 1, 16 },
	{ "munmap1", "size=64KiB", "tlb.flush", "local-mm-shootdown", 1, 16 },
	{ "munmap1", "size=64KiB", "op.latency", "munmap", 1, 16 },
	{ "munmap1", "size=64KiB", "mm.pages_freed", "", 1, 400 }, /* tables, too, and late ones */
	{ "munmap2", "size=64KiB", "mm.faults", "file", 1.0 / 16, 16 },
	{ "munmap2", "size=64KiB", "tlb.flush", "local-mm-shootdown", 1, 16 },
	{ "page_fault1", ENDLESS, "mm.faults", "anon", 1, 1 },
	{ "page_fault1", ENDLESS, "op.latency", "fault", 1, 1 },
	{ "page_fault1", ENDLESS, "mm.pages_allocated", "", 513.0 / 512, 512 },
	{ "page_fault2", ENDLESS, "mm.faults", "file", 1, 1 },
	{ "page_fault2", ENDLESS, "mm.pages_allocated", "", 513.0 / 512, 512 },
	{ "page_fault3", ENDLESS, "mm.faults", "file", 1, 1 },
	{ "page_fault3", ENDLESS, "mm.pages_allocated", "", 1.0 / 512, 512 },
	{ "malloc1", "", "op.latency", "mmap", 1, 1 },
	{ "malloc1", "", "op.latency", "munmap", 1, 1 },
	{ "malloc1", "", "mm.faults", "anon", 1, 1 },
	{ "malloc1", "", "tlb.flush", "local-mm-shootdown", 1, 1 },
	{ "malloc2", "", "mm.faults", "anon", 0, 1 },
	{ "malloc2", "", "op.latency", "mmap", 0, 1 },
	{ "brk1", "", "op.latency", "brk", 1, 2 },
	{ "brk1", "", "tlb.flush", "local-mm-shootdown", 0, 1 },
	{ "brk2", "", "op.latency", "brk", 1, 2 },
	{ "brk2", "", "mm.faults", "anon", 0, 1 },
	{ "context_switch1", "", "sched.context_switches", "", 1, 2 },
	{ "fork1", "", "op.latency", "fork", 1, 1 },
	/* Of 8 pages that a child writes to, the parent writes to one: who comes first copies. */
	{ "fork1", "", "mm.faults", "cow", 8, 1 },
	{ "fork1", "", "mm.faults", "reuse", 1, 1 },
	{ "fork1", "touched=3", "mm.faults", "cow", 3, 1 },
	/* Workers that were forked ahead share all pages that the server or a worker writes to. */
	{ "fork_server", "size=1MiB", "op.latency", "fork", 1, 1 },
	{ "fork_server", "size=1MiB", "mm.faults", "cow", 32 + 8, 1 },
	{ "fork_server", "size=1MiB", "mm.faults", "reuse", 0, 1 },
	{ "reclaim_munmap", "used=0", "op.latency", "munmap", 1, 1 },
	{ "reclaim_munmap", "used=0", "mm.faults", "anon", 64, 1 },
	{ "reclaim_munmap", "used=0", "tlb.flush", "local-mm-shootdown", 1, 1 },
};

static bool same_run(const struct row *a, const struct row *b)
{
	return !strcmp(a->load, b->load) && !strcmp(a->set, b->set);
}

static void check_rows(const struct row *first, const struct row *end, const char *processes,
		       uint32_t threads)
{
	struct run r = { first->load,
			 "milan-1s72",
			 "linux-6.18",
			 .threads = threads,
			 .duration = 2 * SIM_MS,
			 .set = { processes, first->set[0] ? first->set : NULL } };
	struct outcome brief = simulate(&r), longer;
	double loops;

	r.duration *= 3;
	longer = simulate(&r);
	loops = value_of(&longer, "workload.ops", "") - value_of(&brief, "workload.ops", "");
	assert_true(loops > 25 * threads);
	for (const struct row *row = first; row < end; row++) {
		double got = value_of(&longer, row->metric, row->label) -
			     value_of(&brief, row->metric, row->label);
		double slack = row->slack * threads * (row->each > 0 ? row->each : 0) + 0.01;

		if (fabs(got - row->each * loops) > slack)
			fail_msg("%s %s %s: %s %s is %g in %g loops, not %g each", row->load,
				 processes, row->set, row->metric, row->label, got, loops,
				 row->each);
	}
	outcome_free(&brief);
	outcome_free(&longer);
}

static void check_all(const char *processes, uint32_t threads)
{
	const struct row *end = rows + sizeof(rows) / sizeof(*rows);

	for (const struct row *row = rows, *next; row < end; row = next) {
		for (next = row; next < end && same_run(row, next); next++)
			;
		check_rows(row, next, processes, threads);
	}
}

static void one_thread(void **state)
{
	(void)state;
	check_all("processes=false", 1);
}

static void three_processes(void **state)
{
	(void)state;
	check_all("processes=true", 3);
}

/* As threads of one mm each loop is a shootdown of the other CPUs; as processes it is none. */
static void only_threads_shoot(void **state)
{
	struct run r = { "tlb_flush2", "milan-1s72", "linux-5.3-concurrent", .threads = 3 };
	struct outcome o = simulate(&r);

	(void)state;
	assert_true(count(&o, "ipi.sent", "shootdown") > count(&o, "workload.ops", ""));
	outcome_free(&o);
	r.set[0] = "processes=true";
	o = simulate(&r);
	assert_int_equal((int)count(&o, "ipi.sent", "shootdown"), 0);
	outcome_free(&o);
}

/* A process of 3 threads and 2,048 pages: the last flush reaches the two CPUs that are lazy by
 * then, because page tables go; one of a gather that is full leaves them out. */
static void exits_flush_lazy_cpus_once(void **state)
{
	struct run r = { "exit_huge",
			 "milan-1s72",
			 "linux-6.18",
			 .threads = 3,
			 .duration = 20 * SIM_MS,
			 .set = { "size=8MiB" } };

	(void)state;
	each_loop(r, "mm.faults", "anon", 2048);
	each_loop(r, "ipi.sent", "shootdown", 2);
	each_loop(r, "ipi.skipped_lazy", "", 0);
	r.set[1] = "flush-gathering.max_batches=2"; /* full at 7 + 2 x 509 pages */
	each_loop(r, "ipi.sent", "shootdown", 2);
	each_loop(r, "ipi.skipped_lazy", "", 2 * 1);
}

/* Where memory does not hold what is in use, munmap meets flushes that reclaim has put off. */
static void munmap_meets_reclaim(void **state)
{
	struct run r = { "reclaim_munmap", "milan-1s72", "linux-6.18", .threads = 4,
			 .duration = 20 * SIM_MS };
	struct outcome o = simulate(&r);

	(void)state;
	assert_int_equal((int)count(&o, "swap.out", ""), 0);
	assert_int_equal((int)count(&o, "mm.batched_pending_flush", ""), 0);
	outcome_free(&o);
	r.set[0] = "machine.memory.size=24MiB";
	o = simulate(&r);
	assert_true(count(&o, "swap.out", "") > 100);
	assert_true(count(&o, "mm.batched_pending_flush", "") > 0);
	outcome_free(&o);
}

/* Loops count from the moment that all tasks run, for exactly the duration. */
static void rates_are_of_the_window(void **state)
{
	struct run r = { "malloc2", "milan-1s72", "linux-6.18", .threads = 40,
			 .set = { "think=100ns" } };
	struct outcome o = simulate(&r);
	double ops = count(&o, "workload.ops", "");

	(void)state;
	assert_true(o.sim_time > r.duration + SIM_MS); /* they took as long to make */
	/* A loop takes 100 ns, longer on siblings. */
	assert_true(ops > 0.7 * 40 * 1e4 && ops <= 40 * 1e4);
	assert_true(fabs(metric_find(o.metrics, "workload.ops_per_s", "")->gauge - ops * 1e3) <
		    1e-6 * ops * 1e3);
	outcome_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_thread),
		cmocka_unit_test(three_processes),
		cmocka_unit_test(only_threads_shoot),
		cmocka_unit_test(exits_flush_lazy_cpus_once),
		cmocka_unit_test(munmap_meets_reclaim),
		cmocka_unit_test(rates_are_of_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
