/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Log-linear histogram of 64-bit values: exact below 2^7, then 2^7/2 = 64 equal buckets for each
 * power of two, so a bucket is at most 1/64 of its lower bound wide and its midpoint is off by at
 * most 1/128 < 0.8% (the proof stands beside the code; the test compares with exact sorting).
 * Sparse: memory follows the powers of two seen.
 */
#ifndef SIM_HIST_H
#define SIM_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/err.h"

struct hist {
	uint64_t count, min, max; /* min is UINT64_MAX while empty */
	double sum, sum_sq;
	uint64_t *bucket[64]; /* by power of two; NULL where nothing fell */
};

void hist_init(struct hist *h);
void hist_free(struct hist *h);
void hist_add(struct hist *h, uint64_t value);
void hist_add_n(struct hist *h, uint64_t value, uint64_t n);
void hist_merge(struct hist *into, const struct hist *from);
/* The value at quantile q in [0, 1]: bucket midpoint, clamped to [min, max]; 0 while empty. */
uint64_t hist_quantile(const struct hist *h, double q);
double hist_mean(const struct hist *h);
double hist_stddev(const struct hist *h);

/* Each non-empty bucket in rising order: lowest value, width, and count. */
typedef void hist_visit_fn(void *arg, uint64_t low, uint64_t width, uint64_t count);
void hist_visit(const struct hist *h, hist_visit_fn *fn, void *arg);

/* A compact, versioned, byte-order independent form (for the database). Heap; caller frees. */
void *hist_encode(const struct hist *h, size_t *size);
bool hist_decode(struct hist *h, const void *data, size_t size, struct err *err);

#endif
