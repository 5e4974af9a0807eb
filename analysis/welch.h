/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Means of few observations and their difference with a confidence interval (Welch's t: the two
 * sides may differ in spread and number). Knows numbers only, no runs.
 */
#ifndef ANALYSIS_WELCH_H
#define ANALYSIS_WELCH_H

#include <stdbool.h>
#include <stddef.h>

struct sample {
	size_t n;
	double mean, variance; /* variance: unbiased, 0 while n < 2 */
};

struct interval {
	bool known; /* false: fewer than two observations on a side */
	double low, high;
};

struct sample sample_of(const double *v, size_t n);
/* The mean's own interval. */
struct interval sample_interval(const struct sample *s, double confidence);
/* Of b.mean - a.mean. */
struct interval welch_interval(const struct sample *a, const struct sample *b, double confidence);

#endif
