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

/* What the bars show of each label. */
struct figure {
	const char *metric, *stat;
	const double *per;   /* by run: a divisor, or NULL */
	double scale, least; /* least: where the axis begins */
};

/* One line a label: its name, then mean, low, high for each policy. */
static bool put_groups(struct gnuplot *g, const char *block, const struct plot_runs *p,
		       struct store *store, const struct figure *f, char *const *labels, size_t n,
		       double *highest, struct err *err)
{
	const char *metric = f->metric, *stat = f->stat;
	double scale = f->scale;

	fprintf(g->script, "$%s << EOD\n", block);
	for (size_t i = 0; i < n; i++) {
		double *v = plot_values(p, store, metric, labels[i], stat, NULL, 0, err);

		if (!v)
			return false;
		for (size_t k = 0; f->per && k < p->n; k++)
			v[k] /= f->per[k];
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
				ci.known ? fmax(ci.low * scale, f->least) : mean,
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

struct weighed {
	char *label;
	double sum;
};

static int by_weight(const void *a, const void *b)
{
	const struct weighed *x = a, *y = b;

	return x->sum < y->sum ? 1 : x->sum > y->sum ? -1 : strcmp(x->label, y->label);
}

/* By falling sum over all runs; what is too small to see beside the largest is dropped. */
static bool sort_labels(const struct plot_runs *p, struct store *store, const char *metric,
			const char *stat, char **labels, size_t *n, struct err *err)
{
	struct weighed *w = calloc(*n + 1, sizeof(*w));
	size_t kept = 0;
	bool ok = w || err_set(err, "out of memory");

	for (size_t i = 0; ok && i < *n; i++) {
		double *v = plot_values(p, store, metric, labels[i], stat, NULL, 0, err);

		w[i].label = labels[i];
		ok = v;
		for (size_t k = 0; v && k < p->n; k++)
			w[i].sum += isnan(v[k]) ? 0 : v[k];
		free(v);
	}
	if (ok)
		qsort(w, *n, sizeof(*w), by_weight);
	for (size_t i = 0; ok && i < *n; i++) {
		if (kept < MAX_GROUPS && w[i].sum > w[0].sum / 1000)
			labels[kept++] = w[i].label;
		else
			free(w[i].label);
	}
	if (ok)
		*n = kept;
	free(w);
	return ok;
}

static bool get_labels(const struct plot_runs *p, struct store *store, const char *metric,
		       const char *stat, char ***labels, size_t *n, struct err *err)
{
	if (!plot_labels(p, store, metric, labels, n, err))
		return false;
	if (!*n)
		return err_set(err, "no run has a metric '%s'; see: mmsim list metrics", metric);
	return sort_labels(p, store, metric, stat, *labels, n, err) &&
	       (*n || err_set(err, "'%s' is 0 in all runs", metric));
}

static void rotate_labels(struct gnuplot *g, size_t n)
{
	fputs(n > 4 ? "set xtics rotate by -25\n" : "set xtics norotate\n", g->script);
}

/* Operations of each run: counts are comparable by operation, as a faster policy does more of them
 * in the same time. *ops is NULL where some run does not say. */
static bool operations(const struct plot_runs *p, struct store *store, double **ops,
		       struct err *err)
{
	bool known = true;

	*ops = plot_values(p, store, "workload.ops", "", "value", NULL, 0, err);
	if (!*ops)
		return false;
	for (size_t i = 0; i < p->n; i++)
		known &= (*ops)[i] > 0;
	if (!known) {
		free(*ops);
		*ops = NULL;
	}
	return true;
}

static bool draw_bars(struct gnuplot *g, const struct plot_runs *p, struct store *store,
		      const struct plot_options *o, const char *metric, struct err *err)
{
	char **labels = NULL;
	double highest = 0, *ops;
	struct figure f = { .metric = metric, .stat = "value", .scale = 1 };
	size_t n = 0;
	bool ok = operations(p, store, &ops, err);

	f.per = ops;
	ok = ok && get_labels(p, store, metric, "value", &labels, &n, err) &&
	     put_groups(g, "d", p, store, &f, labels, n, &highest, err);
	if (ok) {
		plot_title(g, p, o, metric);
		fprintf(g->script, "set ylabel '%s (mean over seeds)'\nset yrange [0:*]\n",
			ops ? "count per operation" : "count in a run");
		rotate_labels(g, n);
		if (!ops)
			gnuplot_count_axis(g, 'y');
		put_plot(g, "d", p, n, true);
	}
	plot_labels_free(labels, n);
	free(ops);
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
		ok = gnuplot_end(&g, ok, err);
	}
	plot_runs_free(&p);
	return ok;
}

static bool draw_panel(struct gnuplot *g, const struct plot_runs *p, struct store *store,
		       const char *metric, const char *stat, const char *what, bool titles,
		       struct err *err)
{
	struct figure f = { .metric = metric, .stat = stat, .scale = 1e-3, .least = 1 };
	char **labels = NULL, block[16];
	double highest = 1;
	size_t n = 0;
	bool ok;

	snprintf(block, sizeof(block), "%s", titles ? "above" : "below");
	ok = get_labels(p, store, metric, "sum", &labels, &n, err) &&
	     put_groups(g, block, p, store, &f, labels, n, &highest, err);
	if (ok) {
		fprintf(g->script, "set ylabel '%s %s'\n", stat, what);
		gnuplot_time_axis(g, 'y', 1, highest * 1.2);
		rotate_labels(g, n);
		put_plot(g, block, p, n, titles);
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
		ok = draw_panel(&g, &p, store, "lock.hold", stat, "hold without waits", true, err);
		fputs("unset title\n", g.script);
		ok = ok && draw_panel(&g, &p, store, "lock.wait", stat, "wait time", false, err);
		fputs("unset multiplot\n", g.script);
		ok = gnuplot_end(&g, ok, err);
	}
	plot_runs_free(&p);
	return ok;
}
