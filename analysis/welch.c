/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Student's and Welch's intervals, quantiles by GSL.
 */
#include "analysis/welch.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

struct sample sample_of(const double *v, size_t n)
{
	struct sample s = { .n = n };

	if (n)
		s.mean = gsl_stats_mean(v, 1, n);
	if (n > 1)
		s.variance = gsl_stats_variance_m(v, 1, n, s.mean);
	return s;
}

static struct interval around(double middle, double error, double dof, double confidence)
{
	double half = error > 0 ? error * gsl_cdf_tdist_Pinv(0.5 + confidence / 2, dof) : 0;

	return (struct interval){ .known = true, .low = middle - half, .high = middle + half };
}

struct interval sample_interval(const struct sample *s, double confidence)
{
	if (s->n < 2)
		return (struct interval){ .known = false };
	return around(s->mean, sqrt(s->variance / (double)s->n), (double)s->n - 1, confidence);
}

struct interval welch_interval(const struct sample *a, const struct sample *b, double confidence)
{
	double va, vb, dof = 1;

	if (a->n < 2 || b->n < 2)
		return (struct interval){ .known = false };
	va = a->variance / (double)a->n;
	vb = b->variance / (double)b->n;
	/* Welch-Satterthwaite; without any spread the interval is a point and dof has no meaning.
	 */
	if (va + vb > 0)
		dof = (va + vb) * (va + vb) /
		      (va * va / ((double)a->n - 1) + vb * vb / ((double)b->n - 1));
	return around(b->mean - a->mean, sqrt(va + vb), dof, confidence);
}
