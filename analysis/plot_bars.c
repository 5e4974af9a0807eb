/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Groups of bars, one group a label (a reason, a lock class), one bar a policy, with 95% intervals
 * over seeds. Serves counters (plot_bars) and the lock times (plot_hold).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/plot.h"
#include "analysis/welch.h"

enum { MAX_GROUPS = 12 };

static struct sample sample_series(const struct plot_runs *p, const double *values, size_t series,
				   bool missing_is_zero)
{
	double *v = calloc(p->n, sizeof(*v));
	struct sample s;
	size_t k = 0;

	if (!v)
		abort();
	for (size_t i = 0; i < p->n; i++) {
		if (p->series_of[i] != series)
			continue;
		if (!isnan(values[i]))
			v[k++] = values[i];
		else if (missing_is_zero)
			v[k++] = 0;
	}
	s = sample_of(v, k);
	free(v);
	return s;
}

/* One line a label: its name, then mean, low, high for each policy. */
static bool put_groups(struct gnuplot *g, const char *block, const struct plot_runs *p,
		       struct store *store, const char *metric, const char *stat, double scale,
		       char *const *labels, size_t n, double *highest, struct err *err)
{
	fprintf(g->script, "$%s << EOD\n", block);
	for (size_t i = 0; i < n; i++) {
		double *v = plot_values(p, store, metric, labels[i], stat, NULL, 0, err);

		if (!v)
			return false;
		fprintf(g->script, "\"%s\"", *labels[i] ? labels[i] : metric);
		for (size_t s = 0; s < p->n_series; s++) {
			struct sample a = sample_series(p, v, s, !strcmp(stat, "value"));
			struct interval ci = sample_interval(&a, 0.95);
			double mean = a.mean * scale;

			if (!a.n) {
				fputs(" NaN NaN NaN", g->script);
				continue;
			}
			fprintf(g->script, " %.10g %.10g %.10g", mean,
				ci.known ? fmax(ci.low * scale, 0) : mean,
				ci.known ? ci.high * scale : mean);
			*highest = fmax(*highest, ci.known ? ci.high * scale : mean);
		}
		fputc('\n', g->script);
		free(v);
	}
	fputs("EOD\n", g->script);
	return true;
}

static void put_plot(struct gnuplot *g, const char *block, const struct plot_runs *p, size_t groups,
		     bool titles)
{
	fprintf(g->script, "set xrange [-0.7:%.1f]\n", (double)groups - 0.3);
	fputs("set style data histogram\nset style histogram errorbars gap 1.5 lw 1\n"
	      "set style fill solid 0.85 border lc rgb '#404040'\nset boxwidth 0.9\n"
	      "set grid noxtics\nplot ",
	      g->script);
	for (size_t s = 0; s < p->n_series; s++) {
		size_t c = 2 + 3 * s;

		fprintf(g->script, "%s$%s using %zu:%zu:%zu:xtic(1) lt %d lw 1 dt 1 ",
			s ? ", " : "", block, c, c + 1, c + 2, gnuplot_series(s));
		if (titles) {
			fputs("title ", g->script);
			gnuplot_string(g, p->series[s]);
		} else {
			fputs("notitle", g->script);
		}
	}
	fputc('\n', g->script);
}

/* Labels by falling sum over all runs, so that what is cut off at MAX_GROUPS matters least. */
static bool sort_labels(const struct plot_runs *p, struct store *store, const char *metric,
			const char *stat, char **labels, size_t n, struct err *err)
{
	double *sum = calloc(n + 1, sizeof(*sum));

	if (!sum)
		abort();
	for (size_t i = 0; i < n; i++) {
		double *v = plot_values(p, store, metric, labels[i], stat, NULL, 0, err);

		if (!v) {
			free(sum);
			return false;
		}
		for (size_t k = 0; k < p->n; k++)
			sum[i] += isnan(v[k]) ? 0 : v[k];
		free(v);
		for (size_t k = i; k && sum[k] > sum[k - 1]; k--) {
			char *l = labels[k];
			double x = sum[k];

			labels[k] = labels[k - 1];
			labels[k - 1] = l;
			sum[k] = sum[k - 1];
			sum[k - 1] = x;
		}
	}
	free(sum);
	return true;
}

static bool get_labels(const struct plot_runs *p, struct store *store, const char *metric,
		       const char *stat, char ***labels, size_t *n, struct err *err)
{
	if (!plot_labels(p, store, metric, labels, n, err))
		return false;
	if (!*n)
		return err_set(err, "no run has a metric '%s'; see: mmsim list metrics", metric);
	return sort_labels(p, store, metric, stat, *labels, *n, err);
}

static size_t shown(size_t labels)
{
	return labels < MAX_GROUPS ? labels : MAX_GROUPS;
}

static bool draw_bars(struct gnuplot *g, const struct plot_runs *p, struct store *store,
		      const struct plot_options *o, const char *metric, struct err *err)
{
	char **labels = NULL;
	double highest = 0;
	size_t n = 0;
	bool ok = get_labels(p, store, metric, "value", &labels, &n, err) &&
		  put_groups(g, "d", p, store, metric, "value", 1, labels, shown(n), &highest, err);

	if (ok) {
		plot_title(g, p, o, metric);
		fputs("set ylabel 'count in a run (mean over seeds)'\nset yrange [0:*]\n",
		      g->script);
		if (n > 4)
			fputs("set xtics rotate by -25\n", g->script);
		gnuplot_count_axis(g, 'y');
		put_plot(g, "d", p, shown(n), true);
	}
	plot_labels_free(labels, n);
	return ok;
}

bool plot_bars(struct store *store, const struct plot_options *o, struct err *err)
{
	struct plot_runs p;
	struct gnuplot g;
	bool ok = false;

	if (!plot_runs_get(&p, store, o, 0, err))
		return false;
	if (gnuplot_begin(&g, o->output, err)) {
		ok = draw_bars(&g, &p, store, o, o->metric ? o->metric : "tlb.flush", err);
		if (ok)
			ok = gnuplot_end(&g, err);
		else
			gnuplot_abandon(&g);
	}
	plot_runs_free(&p);
	return ok;
}

static bool draw_panel(struct gnuplot *g, const struct plot_runs *p, struct store *store,
		       const char *metric, const char *stat, const char *what, bool titles,
		       struct err *err)
{
	char **labels = NULL, block[16];
	double highest = 1;
	size_t n = 0;
	bool ok;

	snprintf(block, sizeof(block), "%s", titles ? "above" : "below");
	ok = get_labels(p, store, metric, "sum", &labels, &n, err) &&
	     put_groups(g, block, p, store, metric, stat, 1e-3, labels, shown(n), &highest, err);
	if (ok) {
		fprintf(g->script, "set ylabel '%s %s'\n", stat, what);
		gnuplot_time_axis(g, 'y', 1, highest * 1.2);
		put_plot(g, block, p, shown(n), titles);
	}
	plot_labels_free(labels, n);
	return ok;
}

bool plot_hold(struct store *store, const struct plot_options *o, struct err *err)
{
	const char *stat = o->stat ? o->stat : "mean";
	struct plot_runs p;
	struct gnuplot g;
	bool ok = false;

	if (!plot_runs_get(&p, store, o, 0, err))
		return false;
	if (gnuplot_begin(&g, o->output, err)) {
		fputs("set multiplot layout 2,1\n", g.script);
		plot_title(&g, &p, o, "lock times");
		ok = draw_panel(&g, &p, store, "lock.hold", stat, "hold time", true, err);
		fputs("unset title\n", g.script);
		ok = ok && draw_panel(&g, &p, store, "lock.wait", stat, "wait time", false, err);
		fputs("unset multiplot\n", g.script);
		if (ok)
			ok = gnuplot_end(&g, err);
		else
			gnuplot_abandon(&g);
	}
	plot_runs_free(&p);
	return ok;
}
