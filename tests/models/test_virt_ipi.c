/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Interrupts between virtual CPUs with and without the help of hardware: posted interrupts at the
 * target, IPIv and AVIC at the sender. Differences between two machines to the picosecond.
 */
#include "tests/models/model.h"

#define NS SIM_NS
#define US SIM_US

struct call {
	unsigned int n; /* targets, from CPU 1 on */
	bool targets_compute, stop;
	sim_ps handler, done;
};

static void computes(struct task *t, void *arg)
{
	struct call *c = arg;

	while (!c->stop)
		user_compute(t, 10 * US);
}

static void calls(struct task *t, void *arg)
{
	struct call *c = arg;
	sim_ps begin;

	user_compute(t, 300 * US);
	kernel_cross_call(t, 1, c->n); /* lines are where they will be */
	user_compute(t, 300 * US);
	settle(t);
	begin = sim_now(t->k->sim);
	c->handler = kernel_cross_call(t, 1, c->n);
	c->done = sim_now(t->k->sim) - begin;
	c->stop = true;
}

/* Every cost of its own; latencies by distance are the host's and longer than the direct one. */
#define GUEST                                                                                      \
	"topology.cores_per_l3", "8", "topology.sockets", "1", "topology.l3_per_socket", "1",      \
		"topology.threads_per_core", "1", "ipi.jitter", "0", "hz", "100", "ipi.same_l3",   \
		"900ns", "virt.icr_exit", "1500ns", "virt.icr_target", "600ns", "virt.receive",    \
		"1400ns", "virt.inject", "450ns", "virt.posted_receive", "100ns",                  \
		"virt.direct_write", "150ns", "virt.direct_latency", "500ns", "cache.code_line",   \
		"0ps"
#define PHYSICAL "ipi.mode", "x2apic-physical"
#define CLUSTER  "ipi.mode", "x2apic-cluster"

static struct call play(const char *const *set, unsigned int n, bool targets_compute)
{
	struct model_spec spec = { .machine = "skylake-vm80", .set = set, .seed = 5 };
	struct call c = { .n = n, .targets_compute = targets_compute };
	struct model m;

	model_start(&m, &spec);
	for (unsigned int cpu = 1; targets_compute && cpu <= n; cpu++)
		spawn(&m, "computes", (int)cpu, computes, &c);
	spawn(&m, "calls", 0, calls, &c);
	model_run_clean(&m, "call", 5);
	model_end(&m);
	return c;
}

/* The exit at the target is gone: with it the difference, and nothing else. */
static void test_posted(void **state)
{
	static const char *const off[] = { GUEST, PHYSICAL, NULL };
	static const char *const on[] = { GUEST, PHYSICAL, "virt.posted", "true", NULL };
	struct call a = play(off, 1, true), b = play(on, 1, true);
	struct call halted_a = play(off, 1, false), halted_b = play(on, 1, false);

	(void)state;
	assert_int_equal(a.handler - b.handler, (1400 - 100) * NS);
	assert_true(b.done < a.done &&
		    a.done - b.done < (1400 - 100) * NS); /* its own exit is longer */
	/* A halted CPU is in its host, and is woken as ever. */
	assert_int_equal(halted_a.handler, halted_b.handler);
	assert_int_equal(halted_a.done, halted_b.done);
}

/* One target: no exit at the sender, and no host that wakes the target. */
static void test_ipiv(void **state)
{
	static const char *const off[] = { GUEST, PHYSICAL, NULL };
	static const char *const on[] = { GUEST, PHYSICAL, "virt.ipi_virtualization", "ipiv",
					  NULL };
	static const char *const cluster_off[] = { GUEST, CLUSTER, NULL };
	static const char *const cluster_on[] = { GUEST, CLUSTER, "virt.ipi_virtualization", "ipiv",
						  NULL };
	struct call a = play(off, 1, true), b = play(on, 1, true);
	struct call many_a = play(off, 4, true), many_b = play(on, 4, true);
	struct call c = play(cluster_off, 1, true), d = play(cluster_on, 1, true);

	(void)state;
	assert_int_equal(a.handler - b.handler, (600 + 900 - 500) * NS);
	/* Four writes of one target each: the first handler gains as much, the sender more. */
	assert_int_equal(many_a.handler - many_b.handler, (600 + 900 - 500) * NS);
	assert_true(many_a.done - many_b.done > 3 * (1500 + 600 - 150) * NS);
	/* Logical addresses of clusters are not helped. */
	assert_int_equal(c.handler, d.handler);
	assert_int_equal(c.done, d.done);
}

/* AVIC: any write whose targets all run; one that is halted sends the sender to its host. */
static void test_avic(void **state)
{
	static const char *const off[] = { GUEST, CLUSTER, NULL };
	static const char *const on[] = { GUEST, CLUSTER, "virt.ipi_virtualization", "avic", NULL };
	static const char *const pv[] = { GUEST,  CLUSTER,       "virt.ipi_virtualization",
					  "avic", "virt.pv_ipi", "true",
					  NULL };
	static const char *const pv_off[] = { GUEST, CLUSTER, "virt.pv_ipi", "true", NULL };
	struct call a = play(off, 4, true), b = play(on, 4, true);
	struct call halted_a = play(off, 4, false), halted_b = play(on, 4, false);
	struct call c = play(pv_off, 4, true), d = play(pv, 4, true);

	(void)state;
	assert_int_equal(a.handler - b.handler, (600 + 900 - 500) * NS);
	assert_true(b.done < a.done);
	assert_int_equal(halted_a.handler, halted_b.handler);
	assert_int_equal(halted_a.done, halted_b.done);
	/* A hypercall is an exit whatever the hardware can do. */
	assert_int_equal(c.done, d.done);
}

/* Bare metal knows nothing of all this. */
static void test_native(void **state)
{
	static const char *const off[] = { "virt.guest=false", NULL };
	static const char *const on[] = { "virt.guest=false", "virt.posted=true",
					  "virt.ipi_virtualization=avic", NULL };
	struct call a = play(off, 7, true), b = play(on, 7, true);

	(void)state;
	assert_int_equal(a.handler, b.handler);
	assert_int_equal(a.done, b.done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_posted),
		cmocka_unit_test(test_ipiv),
		cmocka_unit_test(test_avic),
		cmocka_unit_test(test_native),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
