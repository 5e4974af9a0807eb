/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gnuplot as a child process: a script is collected in memory with a common look (size, fonts,
 * colours that colour-blind people tell apart, grid), then run; its errors become ours. What is
 * drawn is the plot_*.c files' business.
 */
#ifndef ANALYSIS_GNUPLOT_H
#define ANALYSIS_GNUPLOT_H

#include <stdbool.h>
#include <stdio.h>

#include "sim/base/err.h"

struct gnuplot {
	FILE *script;
	char *text;
	size_t size;
	char *path, *part; /* part: beside path until it is whole; NULL on the terminal */
	bool terminal;     /* text for a terminal: fewer decorations fit */
};

/* Formats by the ending: .png, .svg, .pdf; NULL or "-" draws text on standard output. */
bool gnuplot_begin(struct gnuplot *g, const char *path, struct err *err);
/* Runs the script if it is `drawn`, else returns false with *err as it is. The file appears whole
 * or not at all. Frees g, success or not. */
bool gnuplot_end(struct gnuplot *g, bool drawn, struct err *err);

/* A quoted string, whatever is in it. */
void gnuplot_string(struct gnuplot *g, const char *text);
/* "lt N" of a series: colour, dash and point differ. */
int gnuplot_series(size_t i);
/* Tics at powers of ten between two durations in ns: "10 ns", "1 us", ... */
void gnuplot_time_axis(struct gnuplot *g, char axis, double low_ns, double high_ns);
/* Counts as 10k, 5M. */
void gnuplot_count_axis(struct gnuplot *g, char axis);

#endif
