/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The micro-benchmarks behind the published tables do what they say: so many flushes, interrupts
 * and switches a loop, by the policy that runs below them; and every machine file carries a load
 * without a violation. Would break: a load that measures something else than its table did.
 */
#include "tests/workloads/load_test.h"

#include "models/hw/machine.h"
#include "sim/base/datadir.h"

static double loop_ns(const struct run *r)
{
	struct outcome o = simulate(r);
	double mean = hist_mean(&metric_find(o.metrics, "workload.loop_time", "")->hist) / 1e3;

	outcome_free(&o);
	return mean;
}

static void spin_is_a_shootdown_of_all(void **state)
{
	for (uint32_t threads = 1; threads <= 4; threads++) {
		struct run r = { "dontneed_spin", "haswell-4c", "linux-5.3", .threads = threads };

		(void)state;
		each_loop(r, "ipi.sent", "shootdown", threads - 1);
	}
}

static void flush_orders_differ(void **state)
{
	struct run r = { "dontneed_spin", "haswell-4c", "linux-5.3", .threads = 3 };
	double serial = loop_ns(&r), concurrent, async;

	(void)state;
	r.policy = "linux-5.3-concurrent";
	concurrent = loop_ns(&r);
	r.policy = "linux-5.3-async";
	async = loop_ns(&r);
	assert_true(async < 0.95 * concurrent);
	assert_true(concurrent < 0.95 * serial);
}

static void process_madvise_flushes(void **state)
{
	static const struct {
		const char *policy, *batch;
		double flushes; /* of 4,096 pages */
	} cases[] = {
		{ "linux-6.15", "batch=1", 4096 }, { "linux-6.15", "batch=64", 4096 },
		{ "linux-6.16", "batch=1", 4096 }, { "linux-6.16", "batch=64", 64 },
		{ "linux-6.18", "batch=256", 16 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct run r = { "process_madvise", "milan-1s72", cases[i].policy, .duration = 1,
				 .set = { "size=16MiB", cases[i].batch } };
		struct outcome o = simulate(&r);

		assert_int_equal((int)count(&o, "workload.ops", ""), 1);
		assert_true(fabs(count(&o, "tlb.flush", "local-mm-shootdown") - cases[i].flushes) <=
			    2);
		assert_int_equal((int)count(&o, "mm.pages_freed", ""),
				 (int)count(&o, "mm.pages_allocated", ""));
		outcome_free(&o);
	}
}

static void turns_switch_once(void **state)
{
	struct run r = { "mm_ping_pong", "skylake-laptop", "linux-4.14" };

	(void)state;
	each_loop(r, "sched.context_switches", "", 1);
}

static void pcid_keeps_translations(void **state)
{
	struct run with = { "mm_ping_pong", "skylake-laptop", "linux-4.14",
			    .set = { "pages=512" } };
	struct run without = { "mm_ping_pong", "skylake-laptop", "linux-4.13",
			       .set = { "pages=512", "machine.tlb.pcid=false" } };

	(void)state;
	each_loop(with, "tlb.user_misses", "", 0);
	each_loop(without, "tlb.user_misses", "", 520);
}

static void migrants_leave_lazy_cpus(void **state)
{
	struct run r = { "dontneed_migrate", "skylake-laptop", "linux-4.13",
			 .duration = 3 * SIM_MS };

	(void)state;
	each_loop(r, "ipi.sent", "shootdown", 1);
	r.policy = "linux-4.14";
	each_loop(r, "ipi.sent", "shootdown", 0);
	each_loop(r, "sched.context_switches", "",
		  3); /* to the stopper, to idle, back on the other */
}

static void flushes_have_a_ceiling(void **state)
{
	static const struct {
		const char *pages, *ceiling;
		double invlpg, full;
	} cases[] = {
		{ "pages=1", "shootdown.ceiling=33", 1, 0 },
		{ "pages=33", "shootdown.ceiling=33", 33, 0 },
		{ "pages=34", "shootdown.ceiling=33", 0, 1 },
		{ "pages=34", "shootdown.ceiling=100", 34, 0 },
		{ "pages=1", "shootdown.ceiling=0", 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct run r = { "flush_cost", "skylake-4c", "linux-6.18", .duration = 5 * SIM_MS,
				 .set = { cases[i].pages, cases[i].ceiling } };

		each_loop(r, "tlb.invlpg", "", cases[i].invlpg);
		each_loop(r, "tlb.flush_full", "local-mm-shootdown", cases[i].full);
	}
}

static void calls_reach_all(void **state)
{
	struct run r = { "ipi_call", "skylake-vm80", "linux-5.3", .duration = 20 * SIM_MS };

	(void)state;
	each_loop(r, "ipi.sent", "call", 1);
	r.set[0] = "broadcast=true";
	each_loop(r, "ipi.calls_run", "", 79);
}

/* One exit of many targets is cheaper than many exits, and so is one by cluster. */
static void exits_by_mode(void **state)
{
	struct run r = { "ipi_call", "skylake-vm80", "linux-5.3",
			 .set = { "broadcast=true", "machine.ipi.mode=x2apic-physical" } };
	double physical = loop_ns(&r), cluster, pv;

	(void)state;
	r.set[1] = "machine.ipi.mode=x2apic-cluster";
	cluster = loop_ns(&r);
	r.set[1] = "machine.virt.pv_ipi=true";
	pv = loop_ns(&r);
	assert_true(physical > 1.5 * cluster);
	assert_true(cluster > pv);
}

static void every_machine_runs(void **state)
{
	char **names;
	size_t n = datadir_list("configs/machines", ".yaml", &names);

	(void)state;
	assert_true(n >= 17);
	for (size_t i = 0; i < n; i++) {
		struct machine_desc d;
		struct err err = { 0 };
		uint32_t cpus;

		if (!machine_load(names[i], &d, NULL, &err))
			fail_msg("%s", err.msg);
		assert_string_equal(d.name, names[i]);
		cpus = machine_desc_cpus(&d);
		machine_desc_free(&d);
		for (unsigned int all = 0; all < 2; all++) {
			struct run r = { "tlb_flush2", names[i], "linux-6.18",
					 .threads = all ? cpus : 2,
					 .duration = (1 + all * cpus / 100) * SIM_MS };
			struct outcome o = simulate(&r);

			assert_int_equal(o.cpus, cpus);
			/* While a thousand threads start, few loops are done: faults are. */
			assert_true(count(&o, "mm.faults", "anon") > 20);
			outcome_free(&o);
		}
	}
	datadir_free_list(names, n);
}

/* A thread on a machine of 1,024 CPUs: the others cost nothing. */
static void idle_cpus_are_free(void **state)
{
	struct run one = { "tlb_flush2", "hypothetical-1024", "linux-6.18", .threads = 1 };
	struct outcome o = simulate(&one);
	uint64_t events = o.events;

	(void)state;
	one.machine = "genoa-2s384";
	outcome_free(&o);
	o = simulate(&one);
	assert_true(events < 1.1 * (double)o.events + 1000);
	outcome_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spin_is_a_shootdown_of_all),
		cmocka_unit_test(flush_orders_differ),
		cmocka_unit_test(process_madvise_flushes),
		cmocka_unit_test(turns_switch_once),
		cmocka_unit_test(pcid_keeps_translations),
		cmocka_unit_test(migrants_leave_lazy_cpus),
		cmocka_unit_test(flushes_have_a_ceiling),
		cmocka_unit_test(calls_reach_all),
		cmocka_unit_test(exits_by_mode),
		cmocka_unit_test(every_machine_runs),
		cmocka_unit_test(idle_cpus_are_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
