// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The sizes of rings, and what a load takes in each. The L3 ends where its curve, between the first
 * ring that L2 cannot hold and memory, is half way up.
 */
#include "analysis/calibrate/cache_curve.h"

#include <math.h>
#include <stdio.h>

#define MUCH (UINT64_C(256) << 20) /* of memory, for a measurement */

static uint64_t power_up_to(uint64_t bytes)
{
	uint64_t p = 1;

	while (2 * p <= bytes)
		p *= 2;
	return p;
}

/* The smallest that L2 cannot hold: at least one and a half of it. */
static uint64_t first_beyond_l2(const struct cache_sizes *s)
{
	uint64_t p = 2 * power_up_to(s->l2);

	return 2 * p < 3 * s->l2 ? 2 * p : p;
}

uint64_t cache_ring(const struct cache_sizes *s, unsigned int i)
{
	if (i < 2)
		return power_up_to((i ? s->l2 : s->l1d) / 2);
	return first_beyond_l2(s) << (i - 2);
}

unsigned int cache_rings(const struct cache_sizes *s)
{
	uint64_t last = s->l3 > s->l2 ? s->l3 : s->l2;
	uint64_t largest = 4 * last > MUCH ? 2 * last : 4 * last;
	unsigned int n = 3;

	if (!s->l1d || !s->l2)
		return 0;
	while (n < CACHE_RINGS && cache_ring(s, n - 1) < largest)
		n++;
	return n;
}

void cache_ring_name(uint64_t bytes, char *name, size_t size)
{
	snprintf(name, size, "cache.ring.%lluK", (unsigned long long)(bytes >> 10));
}

struct cache_levels cache_steps(const struct cache_sizes *s, const double *ns)
{
	unsigned int n = cache_rings(s), i = 3;
	struct cache_levels c = {
		.l1d_ns = ns[0], .l2_ns = ns[1], .l3_ns = ns[2], .memory_ns = ns[n - 1]
	};
	double half = (c.l3_ns + c.memory_ns) / 2;

	c.l3 = n > 4 && c.l3_ns < c.memory_ns / 2;
	if (!c.l3)
		return c;
	while (i < n - 1 && ns[i] < half)
		i++;
	/* Between two rings, by the logarithm of their size. */
	c.l3_bytes = (double)cache_ring(s, i - 1) * exp2((half - ns[i - 1]) / (ns[i] - ns[i - 1]));
	return c;
}
