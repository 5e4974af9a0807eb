// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Loads of which each needs the one before: around a ring of pointers, and how long that took.
 */
#include "analysis/calibrate/probe.h"

void **chase(void **p, uint64_t loads)
{
	for (uint64_t i = 0; i < loads; i++)
		p = *(void *volatile *)p;
	return p;
}

void **chase_timed(struct calib *c, struct figure *fig, void **p, uint64_t loads)
{
	struct guard g = guard_begin();
	uint64_t begin = clock_ticks(), end;

	p = chase(p, loads);
	end = clock_ticks();
	if (guard_undisturbed(&g) && p)
		samples_add(&fig->now, clock_ns(&c->clock, begin, end) / (double)loads);
	else
		fig->now.discarded++;
	return p;
}
