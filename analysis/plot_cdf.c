/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The cumulative distribution of a histogram metric, one line a policy, all seeds merged.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/plot.h"

/* The label with the most time in it: what a person would look at first. */
static char *biggest_label(const struct plot_runs *p, struct store *store, const char *metric,
			   struct err *err)
{
	char **labels, *best = NULL;
	double most = -1;
	bool ok = true;
	size_t n;

	if (!plot_labels(p, store, metric, &labels, &n, err))
		return NULL;
	for (size_t i = 0; ok && i < n; i++) {
		double *v = plot_values(p, store, metric, labels[i], "sum", NULL, 0, err);
		double sum = 0;

		for (size_t k = 0; v && k < p->n; k++)
			sum += isnan(v[k]) ? 0 : v[k];
		if (sum > most)
			best = labels[i];
		most = fmax(most, sum);
		ok = v;
		free(v);
	}
	if (ok && !best)
		ok = err_set(err, "no run has a histogram '%s'; see: mmsim list metrics", metric);
	best = ok ? strdup(best) : NULL;
	plot_labels_free(labels, n);
	return best;
}

struct curve {
	FILE *out;
	uint64_t total, seen;
	bool started;
};

static void put_step(void *arg, uint64_t low, uint64_t width, uint64_t count)
{
	struct curve *c = arg;

	if (!c->started)
		fprintf(c->out, "%.6g 0\n", fmax((double)low, 1) / 1000);
	c->started = true;
	c->seen += count;
	fprintf(c->out, "%.6g %.8g\n", (double)(low + width) / 1000,
		100.0 * (double)c->seen / (double)c->total);
}

struct span {
	double low, high;
};

/* The data of one policy as a named block; false in *drawn if it has none. */
static bool put_series(struct gnuplot *g, const struct plot_runs *p, struct store *store,
		       size_t series, const char *metric, const char *label, struct span *span,
		       bool *drawn, struct err *err)
{
	struct hist h;
	bool ok = true, found;

	hist_init(&h);
	for (size_t i = 0; ok && i < p->n; i++)
		if (p->series_of[i] == series)
			ok = store_histogram(store, p->rows[i].id, metric, label, &h, &found, err);
	*drawn = ok && h.count;
	if (*drawn) {
		struct curve c = { .out = g->script, .total = h.count };

		fprintf(g->script, "$s%zu << EOD\n", series);
		hist_visit(&h, put_step, &c);
		fputs("EOD\n", g->script);
		/* Rare outliers at either end would squeeze everything else. */
		span->low = fmin(span->low, (double)hist_quantile(&h, 0.0005) / 1000);
		span->high = fmax(span->high, (double)hist_quantile(&h, 0.9995) / 1000);
	}
	hist_free(&h);
	return ok;
}

static bool draw(struct gnuplot *g, const struct plot_runs *p, struct store *store,
		 const struct plot_options *o, const char *metric, const char *label,
		 struct err *err)
{
	bool *drawn = calloc(p->n_series, sizeof(*drawn)), any = false, ok = drawn;
	struct span span = { .low = INFINITY, .high = 1 };
	char what[160];

	for (size_t s = 0; ok && s < p->n_series; s++)
		ok = put_series(g, p, store, s, metric, label, &span, &drawn[s], err);
	for (size_t s = 0; ok && s < p->n_series; s++)
		any |= drawn[s];
	if (ok && !any)
		ok = err_set(err, "no run has a histogram '%s' of '%s'; see: mmsim list metrics",
			     metric, label);
	if (ok) {
		snprintf(what, sizeof(what), "%s%s%s", o->metric ? metric : "latency",
			 *label ? " of " : "", label);
		plot_title(g, p, o, what);
		gnuplot_time_axis(g, 'x', span.low, span.high);
		fputs("set xlabel 'time'\nset ylabel 'at most this long (per cent)'\n"
		      "set yrange [0:100]\nset ytics 10\nplot ",
		      g->script);
		for (size_t s = 0, n = 0; s < p->n_series; s++) {
			if (!drawn[s])
				continue;
			/* Thinner from one to the next, so that of two equal curves both show. */
			fprintf(g->script, "%s$s%zu with lines lt %d lw %.1f title ", n ? ", " : "",
				s, gnuplot_series(s), fmax(4 - 0.8 * (double)n, 1));
			n++;
			gnuplot_string(g, p->series[s]);
		}
		fputc('\n', g->script);
	}
	free(drawn);
	return ok;
}

bool plot_cdf(struct store *store, const struct plot_options *o, struct err *err)
{
	const char *metric = o->metric ? o->metric : "op.latency";
	struct plot_runs p;
	struct gnuplot g;
	char *label;
	bool ok = false;

	if (!plot_runs_get(&p, store, o, 0, err))
		return false;
	label = o->label ? strdup(o->label) : biggest_label(&p, store, metric, err);
	if (label && gnuplot_begin(&g, o->output, err)) {
		ok = draw(&g, &p, store, o, metric, label, err);
		ok = gnuplot_end(&g, ok, err);
	}
	free(label);
	plot_runs_free(&p);
	return ok;
}
