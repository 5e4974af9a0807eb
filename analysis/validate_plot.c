/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The picture of one validated table: published figures solid, simulated ones dashed, over x; bars
 * side by side where x is a name.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/gnuplot.h"
#include "analysis/validate.h"

static bool numeric(const struct validation_series *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < s[i].n; k++) {
			char *end;

			strtod(s[i].points[k].x, &end);
			if (*end || end == s[i].points[k].x)
				return false;
		}
		if (s[i].n < 2)
			return false;
	}
	return true;
}

static void put_curve(struct gnuplot *g, const struct validation_series *s, size_t series)
{
	fprintf(g->script, "$s%zu << EOD\n", series);
	for (size_t k = 0; k < s->n; k++)
		fprintf(g->script, "%s %.10g %.10g\n", s->points[k].x, s->points[k].published,
			s->points[k].simulated);
	fputs("EOD\n", g->script);
}

static void curves(struct gnuplot *g, const struct validation_series *s, size_t n)
{
	double low = INFINITY, high = 0;

	for (size_t i = 0; i < n; i++) {
		put_curve(g, &s[i], i);
		for (size_t k = 0; k < s[i].n; k++) {
			double x = atof(s[i].points[k].x);

			low = fmin(low, x);
			high = fmax(high, x);
		}
	}
	if (low > 0 && high / low > 6)
		fputs("set logscale x 2\n", g->script);
	fputs("set key maxcols 2\nset yrange [0:*]\nset xlabel ", g->script);
	gnuplot_string(g, s->x_name);
	fputs("\nset xtics (", g->script);
	for (size_t k = 0; k < s->n; k++)
		fprintf(g->script, "%s%s", k ? ", " : "", s->points[k].x);
	fputs(")\nplot ", g->script);
	for (size_t i = 0; i < n; i++) {
		int lt = gnuplot_series(i);
		char title[160];

		snprintf(title, sizeof(title), "%s, published", s[i].name);
		fprintf(g->script, "%s$s%zu using 1:2 with linespoints lt %d dt 1 title ",
			i ? ", " : "", i, lt);
		gnuplot_string(g, title);
		snprintf(title, sizeof(title), "%s, simulated", s[i].name);
		fprintf(g->script, ", $s%zu using 1:3 with linespoints lt %d dt 3 title ", i, lt);
		gnuplot_string(g, title);
	}
	fputc('\n', g->script);
}

/* Bars of each series by its own published figure: series of other units stand side by side. */
static void bars(struct gnuplot *g, const struct validation_series *s, size_t n)
{
	size_t groups = 0;

	fputs("$bars << EOD\n", g->script);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < s[i].n; k++) {
			fprintf(g->script, "\"%s%s%s\" 1 %.10g\n", s[i].name,
				*s[i].points[k].x ? "\\n" : "", s[i].points[k].x,
				s[i].points[k].simulated / s[i].points[k].published);
			groups++;
		}
	}
	fprintf(g->script,
		"EOD\nset xrange [-0.7:%.1f]\nset yrange [0:1.3<*]\nset ylabel 'by the published "
		"figure'\n"
		"set style data histogram\nset style histogram clustered gap 1.5\n"
		"set style fill solid 0.85 border lc rgb '#404040'\nset boxwidth 0.9\n"
		"set grid noxtics\nset xtics rotate by 25 right\nset lmargin 24\nset rmargin 4\n"
		"plot $bars using 2:xtic(1) lt %d lw 1 dt 1 title 'published', "
		"$bars using 3 lt %d lw 1 dt 1 title 'simulated'\n",
		(double)groups - 0.3, gnuplot_series(0), gnuplot_series(1));
}

bool validation_plot(const struct validation_series *s, size_t n, const char *path, struct err *err)
{
	struct gnuplot g;

	if (!gnuplot_begin(&g, path, err))
		return false;
	fputs("set title ", g.script);
	gnuplot_string(&g, s->table);
	fputc('\n', g.script);
	if (numeric(s, n)) {
		fputs("set ylabel ", g.script);
		gnuplot_string(&g, s->unit);
		fputc('\n', g.script);
		if (s->points[s->n - 1].published >= 1e4)
			gnuplot_count_axis(&g, 'y');
		curves(&g, s, n);
	} else {
		bars(&g, s, n);
	}
	return gnuplot_end(&g, true, err);
}
