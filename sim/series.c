// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Integrals of a level in bins that double their width when time outgrows them.
 */
#include "sim/series.h"

#include <string.h>

#define FIRST_WIDTH UINT64_C(1000000) /* 1 us: nothing here changes faster for long */

void series_init(struct series *s)
{
	memset(s, 0, sizeof(*s));
	s->width = FIRST_WIDTH;
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

static void widen(struct series *s)
{
	for (size_t i = 0; i < SERIES_BINS / 2; i++) {
		const struct series_bin *a = &s->bin[2 * i], *b = &s->bin[2 * i + 1];

		s->bin[i] = (struct series_bin){ a->area + b->area, larger(a->max, b->max) };
	}
	memset(&s->bin[SERIES_BINS / 2], 0, sizeof(s->bin) / 2);
	s->width *= 2;
}

void series_set(struct series *s, uint64_t now, double level)
{
	while (now >= s->width * SERIES_BINS)
		widen(s);
	while (s->now < now) {
		struct series_bin *b = &s->bin[s->now / s->width];
		uint64_t end = (s->now / s->width + 1) * s->width, to = end < now ? end : now;

		b->area += s->level * (double)(to - s->now);
		b->max = larger(b->max, s->level);
		s->now = to;
	}
	s->level = level;
	s->bin[now / s->width].max = larger(s->bin[now / s->width].max, level);
}

size_t series_bins(const struct series *s)
{
	return (size_t)((s->now + s->width - 1) / s->width);
}

double series_bin_mean(const struct series *s, size_t i, uint64_t *covered)
{
	uint64_t start = i * s->width, end = start + s->width;

	*covered = s->now < start ? 0 : (end < s->now ? end : s->now) - start;
	return *covered ? s->bin[i].area / (double)*covered : 0;
}

double series_mean(const struct series *s)
{
	double area = 0;

	for (size_t i = 0; i < SERIES_BINS; i++)
		area += s->bin[i].area;
	return s->now ? area / (double)s->now : 0;
}

double series_max(const struct series *s)
{
	double max = 0;

	for (size_t i = 0; i < SERIES_BINS; i++)
		max = larger(max, s->bin[i].max);
	return max;
}
