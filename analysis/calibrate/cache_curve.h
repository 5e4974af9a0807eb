/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the curve "time of a load by size of the ring" to the caches' latencies and to how much of
 * the L3 there is for this process. Knows numbers only.
 */
#ifndef ANALYSIS_CALIBRATE_CACHE_CURVE_H
#define ANALYSIS_CALIBRATE_CACHE_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cache_sizes {
	uint64_t l1d, l2, l3;                /* bytes; 0: not told */
	uint32_t l1d_ways, l2_ways, l3_ways; /* 0: not told, or fully associative */
};

/*
 * The rings to be measured, in bytes, each a power of two: at most half of the L1, at most half of
 * the L2, then from the first that L2 cannot hold, doubling, to the first of four times the L3 or
 * more; but to the first of twice the L3 where that is more than 256 MiB. None without the sizes of
 * L1 and L2.
 */
enum { CACHE_RINGS = 24 };
unsigned int cache_rings(const struct cache_sizes *s);
uint64_t cache_ring(const struct cache_sizes *s, unsigned int i);
void cache_ring_name(uint64_t bytes, char *name, size_t size);

struct cache_levels {
	double l1d_ns, l2_ns, l3_ns, memory_ns; /* of a load that hits there */
	bool l3;                                /* the L3 shows in the curve */
	double l3_bytes;                        /* where half of the loads miss it */
};

/* ns: by ring, as many as cache_rings says. */
struct cache_levels cache_steps(const struct cache_sizes *s, const double *ns);

#endif
