// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The counter's rate against CLOCK_MONOTONIC_RAW, its overhead, CPU binding, context switches.
 */
#define _GNU_SOURCE
#include "analysis/calibrate/clock.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>

static double raw_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double clock_wall_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Both clocks at one moment: of several tries the one that took the least. */
static void read_both(double *ns, uint64_t *ticks)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 50; i++) {
		uint64_t before = clock_ticks();
		double t = raw_ns();
		uint64_t after = clock_ticks();

		if (after - before < best) {
			best = after - before;
			*ns = t;
			*ticks = before + (after - before) / 2;
		}
	}
}

void clock_init(struct clock *c)
{
	double ns0 = 0, ns1 = 0;
	uint64_t ticks0 = 0, ticks1 = 0, least = UINT64_MAX;

	read_both(&ns0, &ticks0);
	while (raw_ns() < ns0 + 20e6)
		;
	read_both(&ns1, &ticks1);
	c->ns_per_tick = (ns1 - ns0) / (double)(ticks1 - ticks0);
	for (int i = 0; i < 10000; i++) {
		uint64_t begin = clock_ticks(), end = clock_ticks();

		if (end - begin < least)
			least = end - begin;
	}
	c->overhead_ns = (double)least * c->ns_per_tick;
}

double clock_ns(const struct clock *c, uint64_t begin, uint64_t end)
{
	double ns = (double)(int64_t)(end - begin) * c->ns_per_tick - c->overhead_ns;

	return ns > 0 ? ns : 0;
}

bool clock_bind(unsigned int cpu)
{
	cpu_set_t *set = CPU_ALLOC(cpu + 1);
	size_t size = CPU_ALLOC_SIZE(cpu + 1);
	bool ok = false;

	if (set) {
		CPU_ZERO_S(size, set);
		CPU_SET_S(cpu, size, set);
		ok = sched_setaffinity(0, size, set) == 0;
		CPU_FREE(set);
	}
	return ok;
}

struct guard guard_begin(void)
{
	struct guard g = { .cpu = sched_getcpu() };
	struct rusage u;

	if (getrusage(RUSAGE_THREAD, &u) == 0)
		g.switches = u.ru_nvcsw + u.ru_nivcsw;
	return g;
}

bool guard_undisturbed(const struct guard *g)
{
	struct guard now = guard_begin();

	return now.switches == g->switches && now.cpu == g->cpu;
}
