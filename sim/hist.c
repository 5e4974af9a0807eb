/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The histogram's buckets and statistics. Its byte form for the database is in hist_code.c.
 *
 * Error bound: a value v with 2^p <= v < 2^(p+1), p >= 7, falls into a bucket of width 2^(p-6), of
 * which we return the midpoint: at most 2^(p-7) away from v, which is v * 2^(p-7)/v <= v/128.
 * Below 2^7 a bucket holds one value. Clamping to [min, max] only moves the answer towards values
 * that were seen.
 */
#include "sim/hist.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/hist_index.h"

void hist_init(struct hist *h)
{
	*h = (struct hist){ .min = UINT64_MAX };
}

void hist_free(struct hist *h)
{
	for (size_t i = 0; i < 64; i++)
		free(h->bucket[i]);
	hist_init(h);
}

uint64_t *hist_slot(struct hist *h, struct hist_index at)
{
	uint64_t **group = &h->bucket[at.group];

	if (__builtin_expect(!*group, 0)) {
		*group = calloc(hist_group_size(at.group), sizeof(**group));
		if (!*group)
			abort(); /* 1 KiB: nothing can go on without it */
	}
	return *group + at.sub;
}

void hist_add_n(struct hist *h, uint64_t value, uint64_t n)
{
	double v = (double)value, times = (double)n;

	if (!n)
		return;
	*hist_slot(h, hist_index(value)) += n;
	h->count += n;
	h->sum += v * times;
	h->sum_sq += v * v * times;
	if (value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
}

void hist_add(struct hist *h, uint64_t value)
{
	hist_add_n(h, value, 1);
}

void hist_merge(struct hist *into, const struct hist *from)
{
	for (unsigned int g = 0; g < 64; g++) {
		if (!from->bucket[g])
			continue;
		for (unsigned int s = 0; s < hist_group_size(g); s++) {
			if (from->bucket[g][s])
				*hist_slot(into, (struct hist_index){ g, s }) += from->bucket[g][s];
		}
	}
	into->count += from->count;
	into->sum += from->sum;
	into->sum_sq += from->sum_sq;
	if (from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
}

void hist_visit(const struct hist *h, hist_visit_fn *fn, void *arg)
{
	for (unsigned int g = 0; g < 64; g++) {
		for (unsigned int s = 0; h->bucket[g] && s < hist_group_size(g); s++) {
			struct hist_index at = { g, s };

			if (h->bucket[g][s])
				fn(arg, hist_low(at), hist_width(at), h->bucket[g][s]);
		}
	}
}

struct quantile_search {
	uint64_t rank, seen, value;
};

static void search_bucket(void *arg, uint64_t low, uint64_t width, uint64_t count)
{
	struct quantile_search *q = arg;

	if (q->seen < q->rank)
		q->value = low + (width - 1) / 2;
	q->seen += count;
}

uint64_t hist_quantile(const struct hist *h, double q)
{
	struct quantile_search search = { .rank = 1 };
	double rank = ceil(q * (double)h->count);

	if (!h->count)
		return 0;
	if (rank >= (double)h->count)
		search.rank = h->count;
	else if (rank > 1)
		search.rank = (uint64_t)rank;
	hist_visit(h, search_bucket, &search);
	if (search.value < h->min)
		return h->min;
	return search.value > h->max ? h->max : search.value;
}

double hist_mean(const struct hist *h)
{
	return h->count ? h->sum / (double)h->count : 0;
}

double hist_stddev(const struct hist *h)
{
	double n = (double)h->count, square;

	if (h->count < 2)
		return 0;
	square = (h->sum_sq - h->sum * (h->sum / n)) / (n - 1);
	return square > 0 ? sqrt(square) : 0; /* rounding may leave a tiny negative */
}
