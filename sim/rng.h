/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Named random streams: each is derived from the run's seed and the stream's name (and an index),
 * so that adding a stream or drawing more from one leaves all others unchanged. xoshiro256**
 * (Blackman and Vigna, 2018, public domain algorithm), seeded by SplitMix64 over an FNV-1a hash of
 * the name.
 */
#ifndef SIM_RNG_H
#define SIM_RNG_H

#include <stdint.h>

struct rng {
	uint64_t s[4];
};

void rng_init(struct rng *rng, uint64_t seed, const char *name, uint64_t index);
uint64_t rng_u64(struct rng *rng);
/* uniform in [0, n), unbiased; n > 0 */
uint64_t rng_below(struct rng *rng, uint64_t n);
/* uniform in [0, 1) with 53 bits */
double rng_unit(struct rng *rng);
/* exponential with the given mean */
double rng_exp(struct rng *rng, double mean);
/* normal, mean 0 and standard deviation 1 */
double rng_normal(struct rng *rng);

#endif
