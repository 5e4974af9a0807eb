/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A level over time (callbacks that wait, memory that they pin) in a fixed number of equal bins,
 * each with the mean of the level, weighted by time, and its maximum. A run that outgrows the bins
 * doubles their width: two become one, and nothing is lost but resolution.
 */
#ifndef SIM_SERIES_H
#define SIM_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIES_BINS 256 /* even */

struct series_bin {
	double area; /* the integral of the level over time, level x ps */
	double max;
};

struct series {
	uint64_t width; /* ps of a bin */
	uint64_t now;   /* up to which it is known */
	double level;   /* from then on */
	struct series_bin bin[SERIES_BINS];
};

void series_init(struct series *s);
/* From now (>= the last call's) on the level is this. */
void series_set(struct series *s, uint64_t now, double level);
/* Bins in use; the last may be covered in part. */
size_t series_bins(const struct series *s);
/* Of one bin, and how much of it is covered. */
double series_bin_mean(const struct series *s, size_t i, uint64_t *covered);
double series_mean(const struct series *s); /* over all the time covered; 0 if none is */
double series_max(const struct series *s);

#endif
