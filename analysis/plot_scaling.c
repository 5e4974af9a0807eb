/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One figure over the number of threads, one line a policy, with 95% intervals over seeds where
 * there are at least two.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/plot.h"
#include "analysis/welch.h"

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The distinct numbers of threads, rising. */
static size_t thread_counts(const struct plot_runs *p, uint32_t *t)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		t[i] = p->rows[i].threads;
	qsort(t, p->n, sizeof(*t), compare_u32);
	for (size_t i = 0; i < p->n; i++)
		if (!n || t[n - 1] != t[i])
			t[n++] = t[i];
	return n;
}

static size_t put_points(struct gnuplot *g, const struct plot_runs *p, size_t series,
			 const double *values, double scale, const uint32_t *threads, size_t n)
{
	double *v = calloc(p->n, sizeof(*v));
	size_t points = 0;

	if (!v)
		abort();
	fprintf(g->script, "$s%zu << EOD\n", series);
	for (size_t t = 0; t < n; t++) {
		struct interval ci;
		struct sample s;
		size_t k = 0;

		for (size_t i = 0; i < p->n; i++)
			if (p->series_of[i] == series && p->rows[i].threads == threads[t] &&
			    !isnan(values[i]))
				v[k++] = values[i] * scale;
		if (!k)
			continue;
		s = sample_of(v, k);
		ci = sample_interval(&s, 0.95);
		fprintf(g->script, "%" PRIu32 " %.10g %.10g %.10g\n", threads[t], s.mean,
			ci.known ? ci.low : s.mean, ci.known ? ci.high : s.mean);
		points++;
	}
	fputs("EOD\n", g->script);
	free(v);
	return points;
}

static void put_axes(struct gnuplot *g, const uint32_t *threads, size_t n, const char *metric,
		     const char *stat, const char *unit)
{
	char label[160];
	bool wide = threads[n - 1] > 8 * threads[0];

	snprintf(label, sizeof(label), "%s%s%s%s%s%s", metric, strcmp(stat, "value") ? " " : "",
		 strcmp(stat, "value") ? stat : "", *unit ? " (" : "", unit, *unit ? ")" : "");
	fputs("set xlabel 'threads'\nset ylabel ", g->script);
	gnuplot_string(g, label);
	fprintf(g->script, "\n%sset xrange [%g:%g]\nset xtics (", wide ? "set logscale x 2\n" : "",
		wide ? threads[0] * 0.9 : threads[0] - 0.5,
		wide ? threads[n - 1] * 1.1 : threads[n - 1] + 0.5);
	for (size_t i = 0; i < n; i++)
		fprintf(g->script, "%s%" PRIu32, i ? ", " : "", threads[i]);
	fputs(")\nset yrange [0:*]\n", g->script);
	gnuplot_count_axis(g, 'y');
}

static void draw(struct gnuplot *g, const struct plot_runs *p, const struct plot_options *o,
		 const double *values, const char *metric, const char *stat, const char *unit)
{
	uint32_t *threads = calloc(p->n, sizeof(*threads));
	bool time = !strcmp(unit, "ps");
	size_t n;

	if (!threads)
		abort();
	n = thread_counts(p, threads);
	plot_title(g, p, o, o->metric ? metric : "throughput");
	if (o->metric)
		put_axes(g, threads, n, metric, stat, time ? "ns" : !strcmp(unit, "1") ? "" : unit);
	else
		put_axes(g, threads, n, "operations a second", stat, "");
	for (size_t s = 0; s < p->n_series; s++)
		put_points(g, p, s, values, time ? 1e-3 : 1, threads, n);
	fputs("plot ", g->script);
	for (size_t s = 0; s < p->n_series; s++) {
		int lt = gnuplot_series(s);

		fprintf(g->script,
			"%s$s%zu using 1:2:3:4 with yerrorbars lt %d dt 1 notitle, $s%zu using 1:2 "
			"with "
			"linespoints lt %d title ",
			s ? ", " : "", s, lt, s, lt);
		gnuplot_string(g, p->series[s]);
	}
	fputc('\n', g->script);
	free(threads);
}

static bool any_value(const double *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++)
		if (!isnan(v[i]))
			return true;
	return false;
}

bool plot_scaling(struct store *store, const struct plot_options *o, struct err *err)
{
	const char *metric = o->metric ? o->metric : "workload.ops_per_s",
		   *label = o->label ? o->label : "";
	const char *stat = o->stat ? o->stat : "value";
	char unit[32] = "";
	struct plot_runs p;
	struct gnuplot g;
	double *values;
	bool ok = false;

	if (!plot_runs_get(&p, store, o, 1u << DIM_THREADS, err))
		return false;
	values = plot_values(&p, store, metric, label, stat, unit, sizeof(unit), err);
	if (values && !any_value(values, p.n)) {
		free(values);
		values = NULL;
		err_set(err, "no run has a figure '%s%s%s' %s; see: mmsim list metrics", metric,
			*label ? "/" : "", label, stat);
	}
	if (values && gnuplot_begin(&g, o->output, err)) {
		draw(&g, &p, o, values, metric, stat, unit);
		ok = gnuplot_end(&g, true, err);
	}
	free(values);
	plot_runs_free(&p);
	return ok;
}
