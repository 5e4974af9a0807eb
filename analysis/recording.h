/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A recording beside its replay: latency of calls by kind and length, IPIs, flushes, mmap_lock and
 * the sums of all, as the recorder saw them and as it would have seen the simulated kernel. Works
 * on the metrics of a replay (several seeds are merged), and knows neither recordings nor models.
 */
#ifndef ANALYSIS_RECORDING_H
#define ANALYSIS_RECORDING_H

#include <stdbool.h>
#include <stdio.h>

#include "analysis/json.h"
#include "sim/base/err.h"
#include "sim/metrics.h"

enum recording_quantile { RECORDING_P50, RECORDING_P90, RECORDING_P99, RECORDING_QUANTILES };

struct recording_row {         /* of two histograms, ps */
	char *name, *class;    /* operation and length, or lock and what */
	struct hist recorded;  /* of one run: all have the same */
	struct hist simulated; /* of all seeds */
};

struct recording_count {
	char *name;
	double recorded, simulated; /* simulated: mean over the seeds */
};

struct recording_report {
	struct recording_row *op, lock[2];
	size_t n_ops;
	struct recording_count *count, *inferred; /* inferred: recorded is not used */
	size_t n_counts, n_inferred;
	struct recording_count op_time, run_time; /* ps */
	unsigned int runs;
};

void recording_init(struct recording_report *r);
void recording_free(struct recording_report *r);
/* One run's metrics more. False if they are not a replay's. */
bool recording_add(struct recording_report *r, const struct metrics *m, struct err *err);

double recording_ns(const struct hist *h, enum recording_quantile q);
/* (simulated - recorded) / recorded; NAN if nothing was recorded. */
double recording_error(double recorded, double simulated);

void recording_print(const struct recording_report *r, FILE *out);
void recording_json(const struct recording_report *r, FILE *out);
/* Both distributions of the operations that took most time; path as gnuplot_begin. */
bool recording_plot(const struct recording_report *r, const char *title, const char *path,
		    struct err *err);

#endif
