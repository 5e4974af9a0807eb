/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The picture of a recording's comparison: for the kinds of call in which most time went, both
 * distributions, recorded solid and simulated dashed.
 */
#include <math.h>
#include <stdlib.h>

#include "analysis/gnuplot.h"
#include "analysis/recording.h"

enum { MOST_CURVES = 5 };

struct curve {
	FILE *out;
	uint64_t total, seen;
};

static void put_step(void *arg, uint64_t low, uint64_t width, uint64_t count)
{
	struct curve *c = arg;

	if (!c->seen)
		fprintf(c->out, "%.6g 0\n", fmax((double)low, 1) / 1000);
	c->seen += count;
	fprintf(c->out, "%.6g %.8g\n", (double)(low + width) / 1000,
		100.0 * (double)c->seen / (double)c->total);
}

static void put_block(struct gnuplot *g, char kind, size_t i, const struct hist *h)
{
	struct curve c = { .out = g->script, .total = h->count };

	fprintf(g->script, "$%c%zu << EOD\n", kind, i);
	hist_visit(h, put_step, &c);
	fputs("EOD\n", g->script);
}

static int by_time(const void *a, const void *b)
{
	const struct recording_row *x = *(const struct recording_row *const *)a;
	const struct recording_row *y = *(const struct recording_row *const *)b;

	return x->recorded.sum < y->recorded.sum ? 1 : -(x->recorded.sum > y->recorded.sum);
}

static size_t choose(const struct recording_report *r, const struct recording_row **row)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_ops; i++)
		if (r->op[i].recorded.count && r->op[i].simulated.count)
			row[n++] = &r->op[i];
	qsort(row, n, sizeof(*row), by_time);
	return n < MOST_CURVES ? n : MOST_CURVES;
}

static void draw(struct gnuplot *g, const struct recording_row **row, size_t n)
{
	double low = INFINITY, high = 1;

	for (size_t i = 0; i < n; i++) {
		put_block(g, 'r', i, &row[i]->recorded);
		put_block(g, 's', i, &row[i]->simulated);
		low = fmin(low, (double)hist_quantile(&row[i]->recorded, 0.001) / 1000);
		low = fmin(low, (double)hist_quantile(&row[i]->simulated, 0.001) / 1000);
		high = fmax(high, (double)hist_quantile(&row[i]->recorded, 0.995) / 1000);
	}
	gnuplot_time_axis(g, 'x', low, high);
	fputs("set xlabel 'from sys_enter to sys_exit'\nset ylabel 'at most this long (per cent)'\n"
	      "set yrange [0:100]\nset ytics 10\nset key right bottom\nplot ",
	      g->script);
	for (size_t i = 0; i < n; i++) {
		char title[96];

		snprintf(title, sizeof(title), "%s %s, recorded", row[i]->name, row[i]->class);
		fprintf(g->script, "%s$r%zu with lines lt %d dt 1 title ", i ? ", " : "", i,
			gnuplot_series(i));
		gnuplot_string(g, title);
		fprintf(g->script, ", $s%zu with lines lt %d dt 3 title 'simulated'", i,
			gnuplot_series(i));
	}
	fputc('\n', g->script);
}

bool recording_plot(const struct recording_report *r, const char *title, const char *path,
		    struct err *err)
{
	const struct recording_row **row = calloc(r->n_ops + 1, sizeof(*row));
	size_t n = choose(r, row);
	struct gnuplot g;
	bool ok;

	if (!n) {
		free(row);
		return err_set(err, "no call was both recorded and simulated: nothing to draw");
	}
	ok = gnuplot_begin(&g, path, err);
	if (ok) {
		fputs("set title ", g.script);
		gnuplot_string(&g, title);
		fputc('\n', g.script);
		draw(&g, row, n);
		ok = gnuplot_end(&g, true, err);
	}
	free(row);
	return ok;
}
