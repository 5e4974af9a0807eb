/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading runs and their figures. Choosing among runs happens here, so that every reader agrees on
 * what counts as one observation.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/store_internal.h"

static char *column_text(sqlite3_stmt *stmt, int i)
{
	const unsigned char *text = sqlite3_column_text(stmt, i);

	return strdup(text ? (const char *)text : "");
}

static void free_row(struct run_row *row)
{
	free(row->scenario);
	free(row->workload);
	free(row->machine);
	free(row->policy);
	free(row->engine);
	free(row->settings);
	free(row->end);
}

void store_free_runs(struct run_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free_row(&rows[i]);
	free(rows);
}

static void read_row(sqlite3_stmt *stmt, struct run_row *row)
{
	*row = (struct run_row){
		.id = sqlite3_column_int64(stmt, 0),
		.scenario = column_text(stmt, 1),
		.workload = column_text(stmt, 2),
		.machine = column_text(stmt, 3),
		.policy = column_text(stmt, 4),
		.engine = column_text(stmt, 5),
		.settings = column_text(stmt, 6),
		.end = column_text(stmt, 7),
		.seed = (uint64_t)sqlite3_column_int64(stmt, 8),
		.threads = (uint32_t)sqlite3_column_int64(stmt, 9),
		.duration = (sim_ps)sqlite3_column_int64(stmt, 10),
		.sim_time = (sim_ps)sqlite3_column_int64(stmt, 11),
	};
}

static bool in_list(char *const *list, const char *text)
{
	if (!list || !*list)
		return true;
	for (; *list; list++)
		if (!strcmp(*list, text))
			return true;
	return false;
}

static bool has_threads(const struct run_filter *f, uint32_t threads)
{
	for (size_t i = 0; i < f->n_threads; i++)
		if (f->threads[i] == threads)
			return true;
	return !f->n_threads;
}

static bool fits(const struct run_filter *f, const struct run_row *row)
{
	return in_list(f->scenario, row->scenario) && in_list(f->workload, row->workload) &&
	       in_list(f->machine, row->machine) && in_list(f->policy, row->policy) &&
	       has_threads(f, row->threads);
}

static bool ended_well(const struct run_row *row)
{
	return strcmp(row->end, run_end_name(SIM_END_DEADLOCK)) &&
	       strcmp(row->end, run_end_name(SIM_END_DIED));
}

/* The engine is no part of it: both give the same results. */
static bool same_observation(const struct run_row *a, const struct run_row *b)
{
	return a->seed == b->seed && a->threads == b->threads && a->duration == b->duration &&
	       !strcmp(a->workload, b->workload) && !strcmp(a->machine, b->machine) &&
	       !strcmp(a->policy, b->policy) && !strcmp(a->settings, b->settings);
}

/* Keeps *row at the end of rows; an older run of the same observation gives its place. */
static bool keep(struct run_row **rows, size_t *n, const struct run_row *row)
{
	struct run_row *more;

	for (size_t i = 0; i < *n; i++) {
		if (!same_observation(&(*rows)[i], row))
			continue;
		free_row(&(*rows)[i]);
		memmove(*rows + i, *rows + i + 1, (*n - i - 1) * sizeof(**rows));
		(*n)--;
		break;
	}
	more = realloc(*rows, (*n + 1) * sizeof(**rows));
	if (!more)
		return false;
	*rows = more;
	more[(*n)++] = *row;
	return true;
}

/* " workload: a, b; machine: c": what a filter could have asked for. */
static void describe(struct store *store, char *buf, size_t size)
{
	static const char *const columns[] = { "scenario", "workload", "machine", "policy",
					       "threads" };
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
		sqlite3_stmt *stmt;
		char sql[160];

		snprintf(sql, sizeof(sql),
			 "SELECT group_concat(v, ', ') FROM (SELECT DISTINCT %s AS v FROM runs"
			 " WHERE v <> '' ORDER BY v)",
			 columns[i]);
		if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) != SQLITE_OK)
			return;
		if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0) && used < size)
			used += (size_t)snprintf(buf + used, size - used, "%s%s: %s",
						 used ? "; " : "", columns[i],
						 (const char *)sqlite3_column_text(stmt, 0));
		sqlite3_finalize(stmt);
	}
}

static bool no_runs(struct store *store, size_t left_out, struct err *err)
{
	char there[480];

	if (left_out)
		return err_set(err,
			       "%s: all %zu runs that fit ended badly (table runs, column end)",
			       store->path, left_out);
	describe(store, there, sizeof(there));
	if (!there[0])
		return err_set(err, "%s: the database holds no runs yet", store->path);
	return err_set(err, "%s: no run fits; it holds %s", store->path, there);
}

bool store_runs(struct store *store, const struct run_filter *filter, struct run_row **rows,
		size_t *n, size_t *left_out, struct err *err)
{
	sqlite3_stmt *stmt;
	int rc;

	*rows = NULL;
	*n = *left_out = 0;
	stmt = store_prepare(
		store,
		"SELECT run, scenario, workload, machine, policy, engine, settings, end,"
		" seed, threads, duration_ps, sim_time_ps FROM runs ORDER BY run",
		err);
	if (!stmt)
		return false;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct run_row row;
		bool fit;

		read_row(stmt, &row);
		fit = fits(filter, &row);
		*left_out += fit && !ended_well(&row);
		if (!fit || !ended_well(&row)) {
			free_row(&row);
		} else if (!keep(rows, n, &row)) {
			free_row(&row);
			rc = SQLITE_NOMEM;
			break;
		}
	}
	if (rc != SQLITE_DONE)
		store_fail(store, "cannot read", err);
	sqlite3_finalize(stmt);
	if (rc == SQLITE_DONE && (*n || no_runs(store, *left_out, err)))
		return true;
	store_free_runs(*rows, *n);
	*rows = NULL;
	*n = 0;
	return false;
}

bool store_values(struct store *store, int64_t run, const char *name, run_value_fn *fn, void *arg,
		  struct err *err)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = store_prepare(store,
			     "SELECT name, label, stat, unit, counts, value FROM run_values"
			     " WHERE run = ?1 AND name GLOB ?2 ORDER BY name, label, stat",
			     err);
	if (!stmt)
		return false;
	sqlite3_bind_int64(stmt, 1, run);
	sqlite3_bind_text(stmt, 2, name ? name : "*", -1, SQLITE_TRANSIENT);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct run_value v = {
			.name = (const char *)sqlite3_column_text(stmt, 0),
			.label = (const char *)sqlite3_column_text(stmt, 1),
			.stat = (const char *)sqlite3_column_text(stmt, 2),
			.unit = (const char *)sqlite3_column_text(stmt, 3),
			.counts = sqlite3_column_int(stmt, 4),
			.value = sqlite3_column_double(stmt, 5),
		};

		fn(arg, &v);
	}
	if (rc != SQLITE_DONE)
		store_fail(store, "cannot read", err);
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE;
}

bool store_histogram(struct store *store, int64_t run, const char *name, const char *label,
		     struct hist *h, bool *found, struct err *err)
{
	struct hist one;
	sqlite3_stmt *stmt;
	bool ok = true;
	int rc;

	*found = false;
	stmt = store_prepare(
		store, "SELECT data FROM histograms WHERE run = ?1 AND name = ?2 AND label = ?3",
		err);
	if (!stmt)
		return false;
	sqlite3_bind_int64(stmt, 1, run);
	sqlite3_bind_text(stmt, 2, name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(stmt, 3, label, -1, SQLITE_TRANSIENT);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		hist_init(&one);
		ok = hist_decode(&one, sqlite3_column_blob(stmt, 0),
				 (size_t)sqlite3_column_bytes(stmt, 0), err);
		if (ok) {
			hist_merge(h, &one);
			*found = true;
		} else {
			err_prefix(err, "%s: run %lld", store->path, (long long)run);
		}
		hist_free(&one);
	} else if (rc != SQLITE_DONE) {
		ok = store_fail(store, "cannot read", err);
	}
	sqlite3_finalize(stmt);
	return ok;
}

bool store_series(struct store *store, int64_t run, const char *name, const char *label,
		  series_fn *fn, void *arg, struct err *err)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = store_prepare(store,
			     "SELECT start_ps, length_ps, mean, max FROM series"
			     " WHERE run = ?1 AND name = ?2 AND label = ?3 ORDER BY start_ps",
			     err);
	if (!stmt)
		return false;
	sqlite3_bind_int64(stmt, 1, run);
	sqlite3_bind_text(stmt, 2, name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(stmt, 3, label, -1, SQLITE_TRANSIENT);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct series_row bin = {
			.start = (sim_ps)sqlite3_column_int64(stmt, 0),
			.length = (sim_ps)sqlite3_column_int64(stmt, 1),
			.mean = sqlite3_column_double(stmt, 2),
			.max = sqlite3_column_double(stmt, 3),
		};

		fn(arg, &bin);
	}
	if (rc != SQLITE_DONE)
		store_fail(store, "cannot read", err);
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE;
}
