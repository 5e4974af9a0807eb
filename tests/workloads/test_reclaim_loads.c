/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loads that run out of memory, swap and change nodes: do they do what they are there for, and
 * does the policy that they compare make the difference that it must?
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "workloads/experiment.h"

#define MAX_SETTINGS 12

/* set: KEY, VALUE, ..., NULL */
static void run(const char *load, const char *machine, const char *const *set, struct outcome *out)
{
	struct setting settings[MAX_SETTINGS];
	struct experiment spec = { .workload = load,
				   .machine = machine,
				   .policy = "linux-6.18",
				   .threads = !strcmp(load, "numa_rebind") ? 1 : 4,
				   .duration = 40 * SIM_MS,
				   .seed = 1,
				   .set = settings };
	struct err err = { "" };

	for (; set[2 * spec.n_set]; spec.n_set++)
		settings[spec.n_set] = (struct setting){ .key = (char *)set[2 * spec.n_set],
							 .value = (char *)set[2 * spec.n_set + 1] };
	if (!experiment_run(&spec, out, &err))
		fail_msg("%s: %s", load, err.msg);
	if (out->end != SIM_END_FINISHED || out->n_violations)
		fail_msg("%s: end %d %s, %s", load, (int)out->end, out->message,
			 out->n_violations ? out->violations[0].text : "no violation");
}

static uint64_t value(const struct outcome *out, const char *name, const char *label)
{
	const struct metric *m = metric_find(out->metrics, name, label);

	return m ? m->value : 0;
}

static void test_memory_pressure(void **state)
{
	static const char *const enough[] = { "size", "2MiB", NULL };
	static const char *const tight[] = { "size", "2MiB", "machine.memory.size", "6MiB", NULL };
	static const char *const each[] = { "size", "2MiB",          "machine.memory.size",
					    "6MiB", "batched-unmap", "per-page",
					    NULL };
	struct outcome out;

	(void)state;
	run("memory_pressure", "skylake-4c", enough, &out);
	assert_int_equal(value(&out, "swap.out", ""), 0);
	outcome_free(&out);
	run("memory_pressure", "skylake-4c", tight, &out);
	assert_true(value(&out, "swap.out", "") > 50);
	assert_true(value(&out, "reclaim.ptes_deferred", "") > 50);
	assert_true(value(&out, "mm.batched_pending_flush", "") > 0);
	outcome_free(&out);
	run("memory_pressure", "skylake-4c", each, &out);
	assert_true(value(&out, "reclaim.ptes_flushed", "") > 50);
	assert_int_equal(value(&out, "reclaim.ptes_deferred", ""), 0);
	assert_int_equal(value(&out, "mm.batched_pending_flush", ""), 0);
	outcome_free(&out);
}

/* Clean pages share flushes, a flush for 31 of them; each on its own is a shootdown each. */
static void test_swap_batch(void **state)
{
	static const char *const batched[] = { "size",
					       "1MiB",
					       "machine.disk.sync",
					       "true",
					       "machine.disk.read",
					       "1us",
					       "machine.disk.write",
					       "1us",
					       NULL };
	static const char *const each[] = { "size", "1MiB",          "machine.disk.sync",
					    "true", "batched-unmap", "per-page",
					    NULL };
	uint64_t ipis[2], pages[2];
	struct outcome out;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		run("swap_batch", "skylake-4c", i ? each : batched, &out);
		ipis[i] = value(&out, "ipi.sent", "shootdown");
		pages[i] = value(&out, "swap.in", "");
		assert_true(pages[i] >= 256);
		outcome_free(&out);
	}
	/* Three others compute: three IPIs a flush. */
	assert_true(ipis[1] > 2 * pages[1]);
	assert_true(ipis[0] * pages[1] * 4 < ipis[1] * pages[0]);
}

static void test_numa_rebind(void **state)
{
	static const char *const off[] = { "size", "256KiB", "stay", "600", NULL };
	static const char *const scan[] = { "size",
					    "256KiB",
					    "stay",
					    "60",
					    "numa-balancing",
					    "scan",
					    "numa-balancing.delay",
					    "500us",
					    "numa-balancing.period",
					    "500us",
					    NULL };
	struct outcome out;

	(void)state;
	run("numa_rebind", "numa-4s48", off, &out);
	assert_int_equal(value(&out, "migrate.pages", ""), 0);
	outcome_free(&out);
	run("numa_rebind", "numa-4s48", scan, &out);
	assert_true(value(&out, "migrate.pages", "") >= 64);
	assert_true(value(&out, "numa.hint_faults", "remote") >=
		    2 * value(&out, "migrate.pages", ""));
	outcome_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_pressure),
		cmocka_unit_test(test_swap_batch),
		cmocka_unit_test(test_numa_rebind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
