/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The database of results: SQLite in WAL mode, one transaction a run. Its schema is
 * docs/database.md. A run is there whole or not at all, whatever kills the program; what two runs
 * of one seed may differ in (wall-clock time, host) stands apart in run_host. Version numbers are
 * PRAGMA user_version; an older database is migrated when it is opened for writing, a newer one
 * refused.
 */
#ifndef ANALYSIS_STORE_H
#define ANALYSIS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/run_record.h"
#include "sim/base/err.h"
#include "sim/hist.h"

struct store;

enum store_mode {
	STORE_READ,  /* must exist */
	STORE_WRITE, /* made if it does not exist */
};

struct store *store_open(const char *path, enum store_mode mode, struct err *err);
void store_close(struct store *store);
const char *store_path(const struct store *store);

bool store_add_run(struct store *store, const struct run_record *run, int64_t *id, struct err *err);

/* One row of `runs`, for readers; all text is heap, freed by store_free_runs. */
struct run_row {
	int64_t id;
	char *scenario, *workload, *machine, *policy, *engine, *settings, *end;
	uint64_t seed;
	uint32_t threads;
	sim_ps duration, sim_time;
};

/* Which runs: a NULL list takes all; texts are compared whole. */
struct run_filter {
	char *const *scenario, *const *workload, *const *machine, *const *policy;
	const uint32_t *threads;
	size_t n_threads;
};

/*
 * Runs that ended well, by id. Of several runs of the same configuration and seed only the last is
 * given: they are one observation, not several. *left_out counts the runs that ended badly. No run
 * that fits is an error that says what there is.
 */
bool store_runs(struct store *store, const struct run_filter *filter, struct run_row **rows,
		size_t *n, size_t *left_out, struct err *err);
void store_free_runs(struct run_row *rows, size_t n);

/* One figure of a run: a metric's value, or a statistic of its histogram. */
struct run_value {
	const char *name, *label, *stat, *unit; /* good during the callback */
	bool counts;                            /* a run that lacks this figure counted zero */
	double value;
};
typedef void run_value_fn(void *arg, const struct run_value *value);

/* Figures of one run in order of (name, label, stat). `name` is a GLOB pattern, NULL = all. */
bool store_values(struct store *store, int64_t run, const char *name, run_value_fn *fn, void *arg,
		  struct err *err);

/* Merges a run's histogram into *h, which the caller has initialised; *found tells if it has one.
 */
bool store_histogram(struct store *store, int64_t run, const char *name, const char *label,
		     struct hist *h, bool *found, struct err *err);

/* One bin of a level over time. */
struct series_row {
	sim_ps start, length;
	double mean, max;
};
typedef void series_fn(void *arg, const struct series_row *bin);

/* Bins in order of time; none if the run has no such series. */
bool store_series(struct store *store, int64_t run, const char *name, const char *label,
		  series_fn *fn, void *arg, struct err *err);

#endif
