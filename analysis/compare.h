/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Differences between runs that differ in one thing (the policy, unless said otherwise) relative to
 * a baseline, over seeds, each with its 95% confidence interval. Reads the database only. The rows
 * are data; compare_print.c turns them into text or JSON.
 */
#ifndef ANALYSIS_COMPARE_H
#define ANALYSIS_COMPARE_H

#include <stdio.h>

#include "analysis/json.h"
#include "analysis/runset.h"
#include "analysis/store.h"
#include "analysis/welch.h"

struct compare_options {
	enum run_dim by;
	const char *baseline; /* a value of `by`; NULL = "linux-6.18" if there, else the first */
	char *const *metrics; /* GLOB patterns over NAME or NAME/LABEL; NULL = the usual ones */
	char *const *stats;   /* value, mean, p50, ...; NULL = the usual ones */
	double confidence;    /* 0 = 0.95 */
};

/* One metric of one variant against the baseline, everything else equal. */
struct compare_row {
	size_t context, variant; /* into struct compare */
	const char *metric, *label, *stat, *unit;
	struct sample base, other;
	double difference;        /* other.mean - base.mean */
	struct interval interval; /* of the difference */
};

/* What the compared runs have in common. */
struct compare_context {
	char *title;
	const struct run_row *example;
	bool has_baseline; /* without it nothing is compared here */
};

struct compare_figures;

struct compare {
	enum run_dim by;
	double confidence;
	const char *baseline;
	char **variants;
	size_t n_variants;
	struct compare_context *contexts;
	size_t n_contexts;
	struct compare_row *rows; /* by context, metric, label, stat, variant */
	size_t n_rows;
	struct run_row *runs;
	size_t n_runs, left_out;
	struct compare_figures *figures; /* owns the rows' texts */
};

struct compare *compare_runs(struct store *store, const struct run_filter *filter,
			     const struct compare_options *options, struct err *err);
void compare_free(struct compare *c);

void compare_print(const struct compare *c, FILE *out);
void compare_json(const struct compare *c, struct json *j);

/* A value for a person, in the fitting unit: "1.23 us", "4.5M", "12.3k/s". Returns buf. */
const char *format_value(double value, const char *unit, char *buf, size_t size);

#endif
