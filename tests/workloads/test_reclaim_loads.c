/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loads that run out of memory, swap and change nodes: do they do what they are there for, and
 * does the policy that they compare make the difference that it must?
 */
#include "load_test.h"

static struct run of(const char *load, const char *machine, uint32_t threads)
{
	return (struct run){ load, machine, "linux-6.18", .threads = threads,
			     .duration = 40 * SIM_MS };
}

static void test_memory_pressure(void **state)
{
	struct run r = of("memory_pressure", "skylake-4c", 4);
	struct outcome out;

	(void)state;
	r.set[0] = "size=2MiB";
	out = simulate(&r);
	assert_true(count(&out, "swap.out", "") == 0);
	outcome_free(&out);
	r.set[1] = "machine.memory.size=6MiB";
	out = simulate(&r);
	assert_true(count(&out, "swap.out", "") > 50);
	assert_true(count(&out, "reclaim.ptes_deferred", "") > 50);
	assert_true(count(&out, "mm.batched_pending_flush", "") > 0);
	outcome_free(&out);
	r.set[2] = "batched-unmap=per-page";
	out = simulate(&r);
	assert_true(count(&out, "reclaim.ptes_flushed", "") > 50);
	assert_true(count(&out, "reclaim.ptes_deferred", "") == 0);
	assert_true(count(&out, "mm.batched_pending_flush", "") == 0);
	outcome_free(&out);
}

/* Clean pages share flushes, a flush for 31 of them; each on its own is a shootdown each. */
static void test_swap_batch(void **state)
{
	static const char *const batched[] = { "machine.disk.read=1us", "machine.disk.write=1us" };
	struct run r = of("swap_batch", "skylake-4c", 4);
	double ipis[2], pages[2];
	struct outcome out;

	(void)state;
	r.set[0] = "size=1MiB";
	r.set[1] = "machine.disk.sync=true";
	for (unsigned int each = 0; each < 2; each++) {
		r.set[2] = each ? "batched-unmap=per-page" : batched[0];
		r.set[3] = each ? NULL : batched[1];
		out = simulate(&r);
		ipis[each] = count(&out, "ipi.sent", "shootdown");
		pages[each] = count(&out, "swap.in", "");
		assert_true(pages[each] >= 256);
		outcome_free(&out);
	}
	/* Three others compute: three IPIs a flush. */
	assert_true(ipis[1] > 2 * pages[1]);
	assert_true(ipis[0] / pages[0] * 4 < ipis[1] / pages[1]);
}

static void test_numa_rebind(void **state)
{
	struct run off = of("numa_rebind", "numa-4s48", 1), scan = off;
	struct outcome out;

	(void)state;
	off.set[0] = "size=256KiB";
	off.set[1] = "stay=600";
	out = simulate(&off);
	assert_true(count(&out, "migrate.pages", "") == 0);
	outcome_free(&out);
	scan.set[0] = "size=256KiB";
	scan.set[1] = "stay=60";
	scan.set[2] = "numa-balancing=scan";
	scan.set[3] = "numa-balancing.delay=500us";
	scan.set[4] = "numa-balancing.period=500us";
	out = simulate(&scan);
	assert_true(count(&out, "migrate.pages", "") >= 64);
	assert_true(count(&out, "numa.hint_faults", "remote") >=
		    2 * count(&out, "migrate.pages", ""));
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
