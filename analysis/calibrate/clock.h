/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading the time for measurements of nanoseconds, being bound to a CPU, and knowing whether a
 * repeat was disturbed. The clock is the CPU's own counter where there is one that all CPUs share,
 * else clock_gettime.
 */
#ifndef ANALYSIS_CALIBRATE_CLOCK_H
#define ANALYSIS_CALIBRATE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

struct clock {
	double ns_per_tick;
	double overhead_ns; /* of two reads with nothing between them */
};

static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
	unsigned int aux;
	uint64_t t = __rdtscp(&aux); /* after all that came before */

	_mm_lfence(); /* and before all that comes after */
	return t;
#elif defined(__aarch64__)
	uint64_t t;

	__asm__ volatile("isb; mrs %0, cntvct_el0; isb" : "=r"(t)::"memory");
	return t;
#else
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
#endif
}

/* Takes about 20 ms. */
void clock_init(struct clock *c);
/* From one read to another, the reads themselves taken out; never negative. */
double clock_ns(const struct clock *c, uint64_t begin, uint64_t end);
double clock_wall_s(void);

/* Binds the calling thread. False: not allowed there. */
bool clock_bind(unsigned int cpu);

/* What the kernel has done to the calling thread so far. */
struct guard {
	long switches;
	int cpu;
};

struct guard guard_begin(void);
bool guard_undisturbed(const struct guard *g);

#endif
