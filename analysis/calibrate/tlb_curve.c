// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Steps of the TLB curve: the two jumps that leave the least squared error of three plateaus, each
 * its points' mean; then the edge of each jump, the last point before the rise.
 */
#include "analysis/calibrate/tlb_curve.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <string.h>

#define LEAST_STEP_NS 0.3

uint32_t tlb_point(unsigned int i)
{
	return (uint32_t)(8 + i % 8) << (i / 8 + 1);
}

static double median(const double *v, unsigned int from, unsigned int to)
{
	double copy[TLB_POINTS];

	memcpy(copy, v + from, (to - from) * sizeof(*v));
	gsl_sort(copy, 1, to - from);
	return gsl_stats_median_from_sorted_data(copy, 1, to - from);
}

static double error_of(const double *v, unsigned int from, unsigned int to)
{
	return gsl_stats_tss(v + from, 1, to - from);
}

/* The first point from which on the curve stays a quarter of the way up to the next plateau. */
static unsigned int edge(const double *v, unsigned int from, unsigned int to, double low,
			 double high)
{
	double limit = low + 0.25 * (high - low);
	unsigned int i = to;

	while (i > from && v[i - 1] > limit)
		i--;
	return i;
}

struct tlb_levels tlb_steps(const double *extra)
{
	unsigned int first = 0, second = 0;
	struct tlb_levels levels = { 0 };
	double best = 0, plateau[3], log_extra[TLB_POINTS];

	/* In logarithms, or the noise of long walks would hide the first, small step. */
	for (unsigned int i = 0; i < TLB_POINTS; i++)
		log_extra[i] = log1p(extra[i] > -0.5 ? extra[i] : -0.5);
	for (unsigned int a = 4; a < TLB_POINTS - 8; a++) {
		for (unsigned int b = a + 4; b < TLB_POINTS - 4; b++) {
			double e = error_of(log_extra, 0, a) + error_of(log_extra, a, b) +
				   error_of(log_extra, b, TLB_POINTS);

			if (!first || e < best) {
				best = e;
				first = a;
				second = b;
			}
		}
	}
	plateau[0] = median(extra, 0, first);
	plateau[1] = median(extra, first, second);
	plateau[2] = median(extra, second, TLB_POINTS);
	levels.l1 = plateau[1] - plateau[0] > LEAST_STEP_NS;
	levels.l2 = levels.l1 && plateau[2] - plateau[1] > LEAST_STEP_NS;
	if (levels.l1) {
		unsigned int i = edge(extra, 1, (first + second) / 2, plateau[0], plateau[1]);

		levels.l1_entries = tlb_point(i - 1);
		levels.l2_hit_ns = plateau[1] - plateau[0];
	}
	if (levels.l2) {
		unsigned int i = edge(extra, first + 1, (second + TLB_POINTS) / 2, plateau[1],
				      plateau[2]);

		levels.l2_entries = tlb_point(i - 1);
		/* The last points: what still hits is least there. */
		levels.walk_ns = median(extra, TLB_POINTS - 4, TLB_POINTS) - plateau[0];
	}
	return levels;
}
