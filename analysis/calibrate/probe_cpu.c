// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One CPU by itself: its clock, a locked operation, a load that hits, a system call that does
 * nothing.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "analysis/calibrate/probe.h"

enum { STEPS = 2000, CALLS = 64 };

struct single {
	const char *name;
	void (*run)(void *line);
	double steps; /* in one run */
};

#define TEN(x) x x x x x x x x x x

#if defined(__x86_64__) || defined(__aarch64__)
/* Each addition needs the one before: one cycle each on every core that mmsim knows of. Not of a
 * small constant, which Golden Cove and later add for nothing while renaming. */
static void add_chain(void *line)
{
	uint64_t x = 0, one = 1;

	(void)line;
	for (int i = 0; i < STEPS / 100; i++) {
#if defined(__x86_64__)
		__asm__ volatile(TEN(TEN("add %1, %0\n\t")) : "+r"(x) : "r"(one) : "cc");
#else
		__asm__ volatile(TEN(TEN("add %0, %0, %1\n\t")) : "+r"(x) : "r"(one));
#endif
	}
}
#endif

static void load_chain(void *line)
{
	void **p = line;

	for (int i = 0; i < STEPS / 10; i++) {
		TEN(p = *(void *volatile *)p;)
	}
}

static void atomic_chain(void *line)
{
	_Atomic uint64_t *p = (_Atomic uint64_t *)line + 1;

	for (int i = 0; i < STEPS / 10; i++) {
		TEN(atomic_fetch_add(p, 1);)
	}
}

static void system_calls(void *line)
{
	(void)line;
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
}

static const struct single singles[] = {
#if defined(__x86_64__) || defined(__aarch64__)
	{ "cpu.cycle", add_chain, STEPS },
#endif
	{ "line.hit", load_chain, STEPS },
	{ "line.atomic", atomic_chain, STEPS },
	{ "syscall", system_calls, CALLS },
};

enum { SINGLES = sizeof(singles) / sizeof(singles[0]) };

static void once(struct calib *c, const struct single *s, void *line)
{
	struct figure *fig = figure_get(&c->figures, "ns", LOW_QUANTILE, "%s", s->name);
	struct guard g = guard_begin();
	uint64_t begin = clock_ticks(), end;

	s->run(line);
	end = clock_ticks();
	if (guard_undisturbed(&g))
		samples_add(&fig->now, clock_ns(&c->clock, begin, end) / s->steps);
	else
		fig->now.discarded++;
}

static bool run_cpu(struct calib *c, struct err *err)
{
	if (!clock_bind(c->home))
		return err_set(err, "not allowed to run on CPU %u", c->home);
	for (size_t i = 0; probe_goes_on(c, i, 20); i++) {
		_Alignas(64) void *own[8] = { own }; /* points to itself */

		for (int s = 0; s < SINGLES; s++)
			once(c, &singles[s], own);
	}
	return true;
}

const struct probe probe_cpu = { .name = "CPU", .weight = 0.5, .run = run_cpu };
