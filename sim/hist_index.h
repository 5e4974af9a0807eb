/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a value stands in a histogram: group 0 holds 0..127 one by one; group p (7..63) holds
 * 2^p..2^(p+1)-1 in 64 equal buckets. Groups 1..6 are unused. Private to hist.c and hist_code.c.
 */
#ifndef SIM_HIST_INDEX_H
#define SIM_HIST_INDEX_H

#include "sim/hist.h"

struct hist_index {
	unsigned int group, sub;
};

static inline unsigned int hist_group_size(unsigned int group)
{
	return group ? 64 : 128;
}

static inline struct hist_index hist_index(uint64_t value)
{
	unsigned int p;

	if (value < 128)
		return (struct hist_index){ 0, (unsigned int)value };
	p = 63 - (unsigned int)__builtin_clzll(value);
	return (struct hist_index){ p, (unsigned int)(value >> (p - 6)) & 63 };
}

static inline uint64_t hist_low(struct hist_index at)
{
	return at.group ? (uint64_t)(64 + at.sub) << (at.group - 6) : at.sub;
}

static inline uint64_t hist_width(struct hist_index at)
{
	return at.group ? (uint64_t)1 << (at.group - 6) : 1;
}

/* The counter of a place, made if need be. */
uint64_t *hist_slot(struct hist *h, struct hist_index at);

#endif
