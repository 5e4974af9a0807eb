/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Plots of stored runs, one function a kind. Each picks runs by the filter, groups them by policy,
 * averages over seeds, and draws by way of gnuplot.h. Runs of several situations (machines, loads)
 * in one picture would mislead: that is an error which lists them.
 */
#ifndef ANALYSIS_PLOT_H
#define ANALYSIS_PLOT_H

#include "analysis/gnuplot.h"
#include "analysis/runset.h"
#include "analysis/store.h"

struct plot_options {
	struct run_filter filter;
	const char *output; /* as gnuplot_begin */
	const char *title;  /* NULL: what the runs have in common */
	const char *metric; /* NULL: what the kind usually shows */
	const char *label;  /* cdf: the operation; NULL: that with the most time in it */
	const char *stat;   /* scaling: NULL = value, or p50 of a histogram */
};

typedef bool plot_fn(struct store *store, const struct plot_options *o, struct err *err);

plot_fn plot_cdf;      /* CDF of a histogram (op.latency) by policy */
plot_fn plot_scaling;  /* a figure (throughput) over threads by policy, with error bars */
plot_fn plot_hold;     /* lock wait and hold times by lock class and policy */
plot_fn plot_timeline; /* a level over time (memory that RCU pins), one line a policy */
plot_fn plot_bars;     /* a counter's labels (flushes by reason) by policy, with error bars */

/* ---- shared by the kinds ---- */

/* Runs of one situation, by series (policy). */
struct plot_runs {
	struct run_row *rows;
	size_t n;
	const char **series; /* the distinct policies, in order of their first run */
	size_t n_series;
	size_t *series_of; /* by row */
	char *title;
};

/* `free_dims`: mask of the dimensions, besides the policy, that may vary. */
bool plot_runs_get(struct plot_runs *p, struct store *store, const struct plot_options *o,
		   unsigned int free_dims, struct err *err);
void plot_runs_free(struct plot_runs *p);
/* Title, by the option or from what the runs share, and a line that says over how many seeds. */
void plot_title(struct gnuplot *g, const struct plot_runs *p, const struct plot_options *o,
		const char *what);

/* One stored figure of each run: v[row], NAN where the run has none. Heap. */
double *plot_values(const struct plot_runs *p, struct store *store, const char *metric,
		    const char *label, const char *stat, char *unit, size_t unit_size,
		    struct err *err);
/* All labels of a metric in these runs, sorted. Free each and the array. */
bool plot_labels(const struct plot_runs *p, struct store *store, const char *metric, char ***labels,
		 size_t *n, struct err *err);
void plot_labels_free(char **labels, size_t n);

#endif
