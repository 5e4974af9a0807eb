/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The dimensions in which runs differ (workload, machine, policy, ...), as text: for grouping what
 * is equal in all but some of them. Shared by compare and the plots.
 */
#ifndef ANALYSIS_RUNSET_H
#define ANALYSIS_RUNSET_H

#include "analysis/store.h"

enum run_dim {
	DIM_POLICY,
	DIM_MACHINE,
	DIM_THREADS,
	DIM_WORKLOAD,
	DIM_SETTINGS,
	DIM_DURATION,
	RUN_DIMS
};

extern const char *const run_dim_names[RUN_DIMS + 1]; /* NULL-terminated */

enum { RUN_DIM_SIZE = 512 };

/* The value of a dimension: "64" for threads. Returns buf or the row's own text. */
const char *run_dim_value(const struct run_row *row, enum run_dim dim, char buf[RUN_DIM_SIZE]);
/* Equal in every dimension but those in the mask `except` (1 << dim)? Seeds never count. */
bool run_same_but(const struct run_row *a, const struct run_row *b, unsigned int except);
/* "tlb_flush2 on milan-1s72, 64 threads, 50 ms" without the dimensions in `except`. Heap. */
char *run_title(const struct run_row *row, unsigned int except);

#endif
