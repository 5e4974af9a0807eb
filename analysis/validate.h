/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Published figures beside simulated ones: errors, rank order, and their forms as text, Markdown,
 * JSON and pictures. Knows neither where the published figures come from nor what was run for the
 * others.
 */
#ifndef ANALYSIS_VALIDATE_H
#define ANALYSIS_VALIDATE_H

#include <stdbool.h>
#include <stdio.h>

#include "analysis/json.h"
#include "sim/base/err.h"

struct validation_point {
	char *x; /* as the table has it: a number, or a name */
	double published, simulated;
	bool fitted; /* a constant was fitted to this point: it is no evidence */
};

struct validation_series {
	char *table, *name;
	char *x_name, *unit; /* of the axes */
	struct validation_point *points;
	size_t n;
};

/* (simulated - published) / published */
double validation_error(const struct validation_point *p);
double validation_mean_error(const struct validation_series *s); /* of the absolute errors */
double validation_max_error(const struct validation_series *s);
/* Spearman's coefficient of the two orders; NAN with fewer than 3 points. */
double validation_rank(const struct validation_series *s);
/* The mean over the points that nothing was fitted to; NAN if there is none. */
double validation_predicted_error(const struct validation_series *s);

/* All series of one table. */
void validation_print(const struct validation_series *s, size_t n, FILE *out);
void validation_markdown(const struct validation_series *s, size_t n, FILE *out);
/* One object. */
void validation_json(const struct validation_series *s, struct json *j);
/* Both figures of one table's series over x; path as gnuplot_begin. */
bool validation_plot(const struct validation_series *s, size_t n, const char *path,
		     struct err *err);

#endif
