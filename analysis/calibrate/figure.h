/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Measured figures and their statistics. A figure is measured in several rounds, spread over the
 * whole calibration; a round takes many short repeats and keeps one value, a low quantile of them,
 * because noise from others on the machine only ever adds. The figure's value is the median of the
 * rounds and its spread their interquartile range, so the spread tells what drifts between rounds
 * and not how rough single repeats are. Knows numbers only, not how they are measured.
 */
#ifndef ANALYSIS_CALIBRATE_FIGURE_H
#define ANALYSIS_CALIBRATE_FIGURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers that grow; sorted in place where a function says so. */
struct samples {
	double *v;
	size_t n, cap;
	size_t discarded; /* repeats that a context switch or a migration hit */
};

void samples_add(struct samples *s, double v);
void samples_free(struct samples *s);
/* Linear interpolation between the nearest ranks; sorts. n > 0. */
double samples_quantile(struct samples *s, double q);
/* Beyond three interquartile ranges from the quartiles (Tukey's far out); sorts. */
size_t samples_outliers(struct samples *s);

struct figure {
	char name[48];
	const char *unit;     /* "ns", "entries", "GHz", "1" */
	double quantile;      /* of a round's repeats */
	double resolution;    /* what a value cannot be told apart by; the least spread */
	bool detail;          /* one point of a curve or matrix: not compared by itself */
	struct samples now;   /* repeats of the round under way */
	struct samples round; /* one value each */
	double min;           /* of all repeats */
	size_t repeats, discarded, outliers;
};

struct figures {
	struct figure **v; /* pointers stay good */
	size_t n;
};

/* Finds or makes one. */
struct figure *figure_get(struct figures *f, const char *unit, double quantile, const char *fmt,
			  ...) __attribute__((format(printf, 4, 5)));
/* NULL if there is none or it has no round. */
const struct figure *figure_find(const struct figures *f, const char *name);
/* Ends the round of every figure: those with repeats get a value. */
void figures_end_round(struct figures *f);
/* A value that follows from others of the round that has just ended. */
void figure_add_round(struct figure *fig, double value);
/* As if it had never been measured. */
void figure_forget(struct figure *fig);
void figures_free(struct figures *f);

/* The value of a figure's latest round. */
double figure_last(const struct figure *fig);

/* What all rounds of one process share, so that none of them shows it: where its memory and its
 * page tables happen to lie. Runs of a quiet machine differ by up to 3% for it. */
#define FIGURE_SYSTEMATIC 0.015

struct summary {
	/* spread: interquartile range, at least the resolution and the systematic part */
	double min, median, spread;
	size_t rounds, repeats, discarded, outliers;
};

/* Of a figure with at least one round. */
struct summary figure_summary(const struct figure *fig);
/* Do the two medians agree within the sum of the two spreads? */
bool summaries_agree(const struct summary *a, const struct summary *b);

#endif
