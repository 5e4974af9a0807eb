/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A set of CPUs, up to 1,024. Plain words; who may touch one at what cost is the business of the
 * line that holds it.
 */
#ifndef MODELS_HW_CPUMASK_H
#define MODELS_HW_CPUMASK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define NR_CPUS       1024
#define CPUMASK_WORDS (NR_CPUS / 64)

struct cpumask {
	uint64_t w[CPUMASK_WORDS];
};

static inline void cpumask_clear(struct cpumask *m)
{
	memset(m, 0, sizeof(*m));
}

static inline bool cpumask_test(const struct cpumask *m, unsigned int cpu)
{
	return m->w[cpu / 64] >> (cpu % 64) & 1;
}

static inline void cpumask_set(struct cpumask *m, unsigned int cpu)
{
	m->w[cpu / 64] |= UINT64_C(1) << (cpu % 64);
}

static inline void cpumask_unset(struct cpumask *m, unsigned int cpu)
{
	m->w[cpu / 64] &= ~(UINT64_C(1) << (cpu % 64));
}

static inline unsigned int cpumask_weight(const struct cpumask *m)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < CPUMASK_WORDS; i++)
		n += (unsigned int)__builtin_popcountll(m->w[i]);
	return n;
}

/* The first CPU >= from, or NR_CPUS. */
static inline unsigned int cpumask_next(const struct cpumask *m, unsigned int from)
{
	for (unsigned int i = from / 64; i < CPUMASK_WORDS; i++) {
		uint64_t w = m->w[i];

		if (i == from / 64)
			w &= ~UINT64_C(0) << (from % 64);
		if (w)
			return i * 64 + (unsigned int)__builtin_ctzll(w);
	}
	return NR_CPUS;
}

#define cpumask_for_each(cpu, mask)                                                                \
	for (unsigned int cpu = cpumask_next((mask), 0); cpu < NR_CPUS;                            \
	     cpu = cpu + 1 < NR_CPUS ? cpumask_next((mask), cpu + 1) : NR_CPUS)

/* Is any CPU but `self` in the mask? */
static inline bool cpumask_any_but(const struct cpumask *m, unsigned int self)
{
	for (unsigned int i = 0; i < CPUMASK_WORDS; i++) {
		uint64_t w = m->w[i];

		if (i == self / 64)
			w &= ~(UINT64_C(1) << (self % 64));
		if (w)
			return true;
	}
	return false;
}

#endif
