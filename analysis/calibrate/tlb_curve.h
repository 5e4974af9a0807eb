/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the curve "time of a load by number of pages" to a TLB's levels. Knows numbers only.
 */
#ifndef ANALYSIS_CALIBRATE_TLB_CURVE_H
#define ANALYSIS_CALIBRATE_TLB_CURVE_H

#include <stdbool.h>
#include <stdint.h>

/* 16 to 8192 pages, eight steps to a doubling. */
enum { TLB_POINTS = 9 * 8 + 1 };
uint32_t tlb_point(unsigned int i);

struct tlb_levels {
	bool l1, l2; /* the step was found */
	uint32_t l1_entries, l2_entries;
	double l2_hit_ns, walk_ns; /* more than a load that hits L1 */
};

/* extra[i]: what a load takes longer with tlb_point(i) pages than with the same lines packed. */
struct tlb_levels tlb_steps(const double *extra);

#endif
