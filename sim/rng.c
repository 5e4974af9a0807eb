/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * xoshiro256** and the distributions drawn from it. A stream's state depends on (seed, name, index)
 * alone; which streams exist, and who draws from them, is the models' business.
 */
#include "sim/rng.h"

#include <math.h>

static uint64_t rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

static uint64_t splitmix64(uint64_t *x)
{
	uint64_t z = (*x += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static uint64_t fnv1a(const char *name)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3;
	return h;
}

void rng_init(struct rng *rng, uint64_t seed, const char *name, uint64_t index)
{
	/* Each part is mixed before the next joins, so that (seed 1, index 2) is not (2, 1). */
	uint64_t x = seed;

	x = splitmix64(&x) ^ fnv1a(name);
	x = splitmix64(&x) ^ index;
	for (int i = 0; i < 4; i++)
		rng->s[i] = splitmix64(&x);
}

uint64_t rng_u64(struct rng *rng)
{
	uint64_t *s = rng->s, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint64_t rng_below(struct rng *rng, uint64_t n)
{
	/* Multiply-shift; the rejected low part makes each result's share exactly equal. */
	unsigned __int128 m = (unsigned __int128)rng_u64(rng) * n;

	if ((uint64_t)m < n) {
		uint64_t reject = -n % n;

		while ((uint64_t)m < reject)
			m = (unsigned __int128)rng_u64(rng) * n;
	}
	return (uint64_t)(m >> 64);
}

double rng_unit(struct rng *rng)
{
	return (double)(rng_u64(rng) >> 11) * 0x1p-53;
}

double rng_exp(struct rng *rng, double mean)
{
	return -mean * log(1 - rng_unit(rng)); /* 1 - u is exact, and never 0 */
}

double rng_normal(struct rng *rng)
{
	double u, v, s;

	/* Marsaglia's polar method; the second value is not kept, so that the state stays 256 bits.
	 */
	do {
		u = 2 * rng_unit(rng) - 1;
		v = 2 * rng_unit(rng) - 1;
		s = u * u + v * v;
	} while (s >= 1 || s == 0);
	return u * sqrt(-2 * log(s) / s);
}
