/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors of simulated against published figures, and their tables as text, Markdown and JSON.
 */
#include "analysis/validate.h"

#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/table.h"

double validation_error(const struct validation_point *p)
{
	return (p->simulated - p->published) / p->published;
}

double validation_mean_error(const struct validation_series *s)
{
	double sum = 0;

	for (size_t i = 0; i < s->n; i++)
		sum += fabs(validation_error(&s->points[i]));
	return sum / (double)s->n;
}

double validation_predicted_error(const struct validation_series *s)
{
	double sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->points[i].fitted)
			continue;
		sum += fabs(validation_error(&s->points[i]));
		n++;
	}
	return n ? sum / (double)n : NAN;
}

double validation_max_error(const struct validation_series *s)
{
	double max = 0;

	for (size_t i = 0; i < s->n; i++)
		max = fmax(max, fabs(validation_error(&s->points[i])));
	return max;
}

double validation_rank(const struct validation_series *s)
{
	double *v, rank;

	if (s->n < 3)
		return NAN;
	v = calloc(4 * s->n, sizeof(*v));
	if (!v)
		abort();
	for (size_t i = 0; i < s->n; i++) {
		v[i] = s->points[i].published;
		v[s->n + i] = s->points[i].simulated;
	}
	rank = gsl_stats_spearman(v, 1, v + s->n, 1, s->n, v + 2 * s->n);
	free(v);
	return rank;
}

/* Four significant digits, without an exponent below ten digits: 736200, 1.34, 0.0525. */
static void figure(double v, char *buf, size_t size)
{
	int digits = v != 0 ? (int)floor(log10(fabs(v))) + 1 : 1;
	double step = pow(10, digits - 4);

	if (digits > 9)
		snprintf(buf, size, "%.4g", v);
	else if (digits >= 4)
		snprintf(buf, size, "%.0f", round(v / step) * step);
	else
		snprintf(buf, size, "%.*f", 4 - digits < 9 ? 4 - digits : 9, v);
}

static void rank_text(const struct validation_series *s, char *buf, size_t size)
{
	double rank = validation_rank(s);

	if (isnan(rank))
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%.2f", rank);
}

static void predicted_text(const struct validation_series *s, char *buf, size_t size)
{
	double e = validation_predicted_error(s);

	if (isnan(e))
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%.1f%%", 100 * e);
}

void validation_print(const struct validation_series *s, size_t n, FILE *out)
{
	struct table *points = table_new(), *sums = table_new();
	static const char *const heads[] = { "", "published", "simulated", "error" };
	static const char *const sum_heads[] = { "mean error", "of predictions", "worst",
						 "rank order" };
	char a[32], b[32], rank[16], predicted[16];

	table_column(points, "series", TABLE_LEFT);
	table_column(sums, "series", TABLE_LEFT);
	for (size_t i = 0; i < 4; i++) {
		table_column(points, i ? heads[i] : s->x_name, TABLE_RIGHT);
		table_column(sums, sum_heads[i], TABLE_RIGHT);
	}
	table_column(points, "", TABLE_LEFT);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < s[i].n; k++) {
			const struct validation_point *p = &s[i].points[k];

			figure(p->published, a, sizeof(a));
			figure(p->simulated, b, sizeof(b));
			table_cell(points, "%s", k ? "" : s[i].name);
			table_cell(points, "%s", p->x);
			table_cell(points, "%s", a);
			table_cell(points, "%s", b);
			table_cell(points, "%+.1f%%", 100 * validation_error(p));
			table_cell(points, "%s", p->fitted ? "fitted" : "");
		}
		rank_text(&s[i], rank, sizeof(rank));
		predicted_text(&s[i], predicted, sizeof(predicted));
		table_cell(sums, "%s", s[i].name);
		table_cell(sums, "%.1f%%", 100 * validation_mean_error(&s[i]));
		table_cell(sums, "%s", predicted);
		table_cell(sums, "%.1f%%", 100 * validation_max_error(&s[i]));
		table_cell(sums, "%s", rank);
	}
	table_print(points, out, 2);
	fputc('\n', out);
	table_print(sums, out, 2);
	table_free(points);
	table_free(sums);
}

void validation_markdown(const struct validation_series *s, size_t n, FILE *out)
{
	char a[32], b[32], rank[16], predicted[16];

	fprintf(out, "| series | %s | published | simulated | error |\n|---|--:|--:|--:|--:|\n",
		s->x_name);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < s[i].n; k++) {
			const struct validation_point *p = &s[i].points[k];

			figure(p->published, a, sizeof(a));
			figure(p->simulated, b, sizeof(b));
			fprintf(out, "| %s | %s | %s | %s | %+.1f%%%s |\n", k ? "" : s[i].name,
				p->x, a, b, 100 * validation_error(p),
				p->fitted ? " (fitted)" : "");
		}
	}
	fputs("\n| series | mean error | of predictions | worst | rank order |\n"
	      "|---|--:|--:|--:|--:|\n",
	      out);
	for (size_t i = 0; i < n; i++) {
		rank_text(&s[i], rank, sizeof(rank));
		predicted_text(&s[i], predicted, sizeof(predicted));
		fprintf(out, "| %s | %.1f%% | %s | %.1f%% | %s |\n", s[i].name,
			100 * validation_mean_error(&s[i]), predicted,
			100 * validation_max_error(&s[i]), rank);
	}
}

static void json_x(struct json *j, const char *x)
{
	char *end;
	double v = strtod(x, &end);

	if (*x && !*end)
		json_double(j, "x", v);
	else
		json_string(j, "x", x);
}

void validation_json(const struct validation_series *s, struct json *j)
{
	json_object(j, NULL);
	json_string(j, "table", s->table);
	json_string(j, "series", s->name);
	json_double(j, "mean_abs_error", validation_mean_error(s));
	json_double(j, "max_abs_error", validation_max_error(s));
	json_array(j, "points");
	for (size_t i = 0; i < s->n; i++) {
		json_object(j, NULL);
		json_x(j, s->points[i].x);
		json_double(j, "published", s->points[i].published);
		json_double(j, "simulated", s->points[i].simulated);
		json_end_object(j);
	}
	json_end_array(j);
	json_end_object(j);
}
