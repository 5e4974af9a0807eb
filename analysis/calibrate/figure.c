// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Samples, figures, rounds. Quantiles are GSL's.
 */
#include "analysis/calibrate/figure.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void samples_add(struct samples *s, double v)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 64;
		s->v = realloc(s->v, s->cap * sizeof(*s->v));
		if (!s->v)
			abort();
	}
	s->v[s->n++] = v;
}

static void samples_clear(struct samples *s)
{
	s->n = s->discarded = 0;
}

void samples_free(struct samples *s)
{
	free(s->v);
	*s = (struct samples){ 0 };
}

double samples_quantile(struct samples *s, double q)
{
	gsl_sort(s->v, 1, s->n);
	return gsl_stats_quantile_from_sorted_data(s->v, 1, s->n, q);
}

size_t samples_outliers(struct samples *s)
{
	double low = samples_quantile(s, 0.25), high = samples_quantile(s, 0.75);
	double reach = 3 * (high - low);
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->v[i] < low - reach || s->v[i] > high + reach;
	return n;
}

struct figure *figure_get(struct figures *f, const char *unit, double quantile, const char *fmt,
			  ...)
{
	char name[sizeof(((struct figure *)0)->name)];
	struct figure *fig;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->v[i]->name, name))
			return f->v[i];
	fig = calloc(1, sizeof(*fig));
	f->v = realloc(f->v, (f->n + 1) * sizeof(*f->v));
	if (!fig || !f->v)
		abort();
	memcpy(fig->name, name, sizeof(name));
	fig->unit = unit;
	fig->quantile = quantile;
	fig->min = INFINITY;
	f->v[f->n++] = fig;
	return fig;
}

const struct figure *figure_find(const struct figures *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->v[i]->name, name))
			return f->v[i]->round.n ? f->v[i] : NULL;
	return NULL;
}

void figures_end_round(struct figures *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct figure *fig = f->v[i];
		struct samples *s = &fig->now;

		fig->discarded += s->discarded;
		if (s->n) {
			samples_add(&fig->round, samples_quantile(s, fig->quantile));
			fig->min = fmin(fig->min, s->v[0]);
			fig->repeats += s->n;
			fig->outliers += samples_outliers(s);
		}
		samples_clear(s);
	}
}

void figure_add_round(struct figure *fig, double value)
{
	samples_add(&fig->round, value);
	fig->min = fmin(fig->min, value);
	fig->repeats++;
}

void figure_forget(struct figure *fig)
{
	fig->round.n = fig->now.n = 0;
	fig->repeats = fig->discarded = fig->outliers = 0;
	fig->min = INFINITY;
}

void figures_free(struct figures *f)
{
	for (size_t i = 0; i < f->n; i++) {
		samples_free(&f->v[i]->now);
		samples_free(&f->v[i]->round);
		free(f->v[i]);
	}
	free(f->v);
	*f = (struct figures){ 0 };
}

double figure_last(const struct figure *fig)
{
	return fig->round.v[fig->round.n - 1];
}

struct summary figure_summary(const struct figure *fig)
{
	struct samples sorted = { 0 };
	struct summary s = { .min = fig->min,
			     .rounds = fig->round.n,
			     .repeats = fig->repeats,
			     .discarded = fig->discarded,
			     .outliers = fig->outliers };

	/* The rounds keep their order: the last one is looked at by figure_last. */
	for (size_t i = 0; i < fig->round.n; i++)
		samples_add(&sorted, fig->round.v[i]);
	s.median = samples_quantile(&sorted, 0.5);
	s.spread = samples_quantile(&sorted, 0.75) - samples_quantile(&sorted, 0.25);
	s.spread = fmax(s.spread, fmax(fig->resolution, FIGURE_SYSTEMATIC * fabs(s.median)));
	samples_free(&sorted);
	return s;
}

bool summaries_agree(const struct summary *a, const struct summary *b)
{
	return fabs(a->median - b->median) <= a->spread + b->spread;
}
