/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A level over time, one line a policy: the mean of each bin, of the policy's first run. Means over
 * seeds would smooth away what a timeline is for.
 */
#include <stdlib.h>

#include "analysis/plot.h"

struct line {
	FILE *out;
	size_t n;
};

/* A step: the level holds until the next bin begins. */
static void put_bin(void *arg, const struct series_row *bin)
{
	struct line *l = arg;

	fprintf(l->out, "%.9g %.8g\n", (double)bin->start / 1e9, bin->mean);
	fprintf(l->out, "%.9g %.8g\n", (double)(bin->start + bin->length) / 1e9, bin->mean);
	l->n++;
}

static bool put_series(struct gnuplot *g, const struct plot_runs *p, struct store *store,
		       size_t series, const char *metric, const char *label, bool *drawn,
		       struct err *err)
{
	struct line l = { .out = g->script };
	bool ok = true;

	fprintf(g->script, "$s%zu << EOD\n", series);
	for (size_t i = 0; ok && !l.n && i < p->n; i++)
		if (p->series_of[i] == series)
			ok = store_series(store, p->rows[i].id, metric, label, put_bin, &l, err);
	fputs("EOD\n", g->script);
	*drawn = l.n;
	return ok;
}

static bool draw(struct gnuplot *g, const struct plot_runs *p, struct store *store,
		 const struct plot_options *o, const char *metric, struct err *err)
{
	bool *drawn = calloc(p->n_series, sizeof(*drawn)), any = false, ok = drawn;
	const char *sep = "";

	for (size_t s = 0; ok && s < p->n_series; s++) {
		ok = put_series(g, p, store, s, metric, o->label ? o->label : "", &drawn[s], err);
		any |= drawn[s];
	}
	if (ok && !any)
		ok = err_set(err, "no run has a series '%s'; see: mmsim list metrics", metric);
	if (ok) {
		plot_title(g, p, o, metric);
		gnuplot_count_axis(g, 'y');
		fputs("set xlabel 'simulated time (ms)'\nset yrange [0:*]\nset ylabel ", g->script);
		gnuplot_string(g, metric);
		fputs("\nplot ", g->script);
		for (size_t s = 0; s < p->n_series; s++) {
			if (!drawn[s])
				continue;
			fprintf(g->script, "%s$s%zu with lines lt %d lw 2 title ", sep, s,
				gnuplot_series(s));
			gnuplot_string(g, p->series[s]);
			sep = ", ";
		}
		fputc('\n', g->script);
	}
	free(drawn);
	return ok;
}

bool plot_timeline(struct store *store, const struct plot_options *o, struct err *err)
{
	const char *metric = o->metric ? o->metric : "rcu.pinned";
	struct plot_runs p;
	struct gnuplot g;
	bool ok = false;

	if (!plot_runs_get(&p, store, o, 0, err))
		return false;
	if (gnuplot_begin(&g, o->output, err)) {
		ok = draw(&g, &p, store, o, metric, err);
		ok = gnuplot_end(&g, ok, err);
	}
	plot_runs_free(&p);
	return ok;
}
