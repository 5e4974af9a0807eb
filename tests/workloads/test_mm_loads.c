/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loads of huge pages, KSM, userfaultfd, code caches, garbage collectors, NUMA hinting and
 * holes do what their names say: what each part of the kernel counted, and what one of their
 * parameters changes. Would break: a load in whose time the thread that it is about never runs.
 */
#include "tests/workloads/load_test.h"

static double loop_ns(const struct outcome *o)
{
	return hist_mean(&metric_find(o->metrics, "workload.loop_time", "")->hist) / 1e3;
}

static void khugepaged_collapses(void **state)
{
	struct run r = { "khugepaged", "milan-1s72", "linux-6.18", .duration = 10 * SIM_MS,
			 .set = { "collapse.scan_sleep=500us", "heap=4MiB" } };
	struct outcome o = simulate(&r);

	(void)state;
	assert_true(count(&o, "mm.collapse", "succeeded") > 2);
	/* Holes split what was collapsed. */
	assert_true(count(&o, "mm.thp", "split_pmd") > 1);
	assert_true(count(&o, "ipi.sent", "table-sync") > 0);
	outcome_free(&o);
	r.set[2] = "collapse.khugepaged=false";
	o = simulate(&r);
	assert_int_equal((int)count(&o, "mm.collapse", "succeeded"), 0);
	outcome_free(&o);
}

static void ksm_merges(void **state)
{
	struct run r = { "ksm", "milan-1s72", "linux-6.18", .duration = 10 * SIM_MS,
			 .set = { "ksm.sleep=100us", "pages=256", "kinds=4" } };
	struct outcome o = simulate(&r);

	(void)state;
	assert_int_equal((int)count(&o, "ksm.pages", "new"), 4);
	assert_true(count(&o, "ksm.pages", "merged") > 200);
	assert_true(count(&o, "mm.faults", "cow") > 10);
	outcome_free(&o);
}

/* Handlers share the work, so that a page comes sooner when several are asked for at once. */
static void pager_serves(void **state)
{
	struct run r = {
		"uffd_pager", "milan-1s72",           "linux-6.18",
		.threads = 4, .duration = 5 * SIM_MS, .set = { "size=64MiB", "handlers=1" }
	};
	struct outcome one = simulate(&r), four;

	(void)state;
	r.set[1] = "handlers=4";
	four = simulate(&r);
	assert_true(count(&one, "workload.ops", "") > 20);
	assert_true(loop_ns(&four) < 0.6 * loop_ns(&one));
	outcome_free(&one);
	outcome_free(&four);
}

/* One shootdown of every runner for each publication, and none if it is written elsewhere. */
static void publication_flushes(void **state)
{
	struct run r = { "jit_publish", "milan-1s72", "linux-6.18", .threads = 4,
			 .set = { "area=64MiB" } };
	struct outcome o;

	(void)state;
	each_loop(r, "ipi.sent", "shootdown", 3);
	r.set[1] = "dual=true";
	o = simulate(&r);
	assert_true(count(&o, "ipi.sent", "shootdown") <= 3); /* of the end of the mm */
	outcome_free(&o);
}

/* 8 MiB live for a quarter: 24 regions of 256 KiB go, under the stopped mutators. */
static void collector_gives_back(void **state)
{
	struct run r = { "gc_heap", "milan-1s72", "linux-6.18", .threads = 4,
			 .duration = 20 * SIM_MS };
	struct outcome kept = simulate(&r), unmapped;

	(void)state;
	assert_true(count(&kept, "workload.ops", "") >= 2);
	assert_true(count(&kept, "mm.pages_freed", "") >= 2 * 0.9 * 0.75 * (8 << 20) / 4096);
	assert_true(loop_ns(&kept) > 100e3);
	r.set[0] = "unmap=true";
	unmapped = simulate(&r);
	assert_true(loop_ns(&unmapped) > loop_ns(&kept));
	outcome_free(&kept);
	outcome_free(&unmapped);
}

/* Whoever has its mmap_lock taken at the wrong moment keeps its table; under the locks of the
 * tables, nobody does. */
static void shmem_is_retracted(void **state)
{
	struct run r = { "shmem_collapse",
			 "milan-1s72",
			 "linux-6.18",
			 .threads = 4,
			 .duration = 20 * SIM_MS,
			 .set = { "regions=16", "own=64" } };
	struct outcome o = simulate(&r);

	(void)state;
	assert_true(count(&o, "mm.retract", "retracted") >= 2 * count(&o, "workload.ops", ""));
	assert_int_equal((int)count(&o, "mm.retract", "deferred"), 0);
	assert_int_equal((int)count(&o, "ipi.sent", "table-sync"), 0);
	outcome_free(&o);
	r.set[2] = "retract=mmap-trylock";
	r.duration = 80 * SIM_MS; /* of 60 retractions 4 find an mmap_lock taken */
	o = simulate(&r);
	assert_true(count(&o, "mm.retract", "deferred") > 0);
	assert_true(count(&o, "ipi.sent", "table-sync") > 0);
	outcome_free(&o);
}

/* Holes free what was allocated for earlier ones, whoever maps it, and collapses meet them. */
static void holes_meet_collapses(void **state)
{
	struct run r = { "shmem_truncate",
			 "milan-1s72",
			 "linux-6.18",
			 .threads = 4,
			 .duration = 20 * SIM_MS,
			 .set = { "collapse.scan_sleep=200us" } };
	struct outcome o = simulate(&r);

	(void)state;
	assert_true(count(&o, "mm.collapse", "succeeded") >= 5);
	assert_true(count(&o, "mm.retract", "retracted") >= 10);
	assert_true(count(&o, "mm.truncated", "") > 100 * count(&o, "workload.ops", ""));
	outcome_free(&o);
	r.set[0] = "collapse.khugepaged=false";
	o = simulate(&r);
	assert_int_equal((int)count(&o, "mm.collapse", "succeeded"), 0);
	assert_true(count(&o, "ipi.sent", "shootdown") > 0);
	outcome_free(&o);
}

/* The scanner's gathers and migrations meet the munmaps; without it nobody hints or moves. */
static void hinting_meets_unmap(void **state)
{
	struct run r = { "numa_unmap", "numa-4s48", "linux-6.18", .duration = 60 * SIM_MS,
			 .set = { "numa-balancing=scan", "numa-balancing.delay=1ms",
				  "numa-balancing.period=1ms" } };
	struct outcome o = simulate(&r);
	double scanned = loop_ns(&o);

	(void)state;
	assert_true(count(&o, "numa.ptes_protected", "") > 500);
	assert_true(count(&o, "numa.hint_faults", "remote") > 300);
	assert_int_equal((int)count(&o, "migrate.pages", ""), 128); /* what stays, once */
	assert_true(count(&o, "lock.contended", "mmap_lock") > 0);
	assert_int_equal((int)count(&o, "mm.pages_freed", ""),
			 (int)count(&o, "mm.pages_allocated", ""));
	outcome_free(&o);
	memset(r.set, 0, sizeof(r.set));
	o = simulate(&r);
	assert_int_equal((int)count(&o, "numa.ptes_protected", ""), 0);
	assert_int_equal((int)count(&o, "migrate.pages", ""), 0);
	assert_true(loop_ns(&o) < scanned);
	outcome_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(khugepaged_collapses), cmocka_unit_test(ksm_merges),
		cmocka_unit_test(pager_serves),         cmocka_unit_test(publication_flushes),
		cmocka_unit_test(collector_gives_back), cmocka_unit_test(shmem_is_retracted),
		cmocka_unit_test(hinting_meets_unmap),  cmocka_unit_test(holes_meet_collapses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
