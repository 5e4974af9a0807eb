/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writing one run: all of its rows in one transaction, in an order that depends on nothing but the
 * run, so that the same seed gives the same database content.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analysis/store_internal.h"

const char *run_end_name(enum sim_end end)
{
	static const char *const names[] = {
		[SIM_END_FINISHED] = "finished", [SIM_END_LIMIT] = "limit",
		[SIM_END_STOPPED] = "stopped",   [SIM_END_DEADLOCK] = "deadlock",
		[SIM_END_DIED] = "died",
	};

	return (size_t)end < sizeof(names) / sizeof(*names) ? names[end] : "unknown";
}

/* A statement and the number of its next parameter: binds read as a list of columns. */
struct insert {
	struct store *store;
	sqlite3_stmt *stmt;
	int next;
};

static bool insert_open(struct insert *in, struct store *store, const char *sql, struct err *err)
{
	in->store = store;
	in->next = 1;
	in->stmt = store_prepare(store, sql, err);
	return in->stmt;
}

static void put_text(struct insert *in, const char *text)
{
	sqlite3_bind_text(in->stmt, in->next++, text ? text : "", -1, SQLITE_TRANSIENT);
}

static void put_int(struct insert *in, uint64_t value)
{
	sqlite3_bind_int64(in->stmt, in->next++, (sqlite3_int64)value);
}

static void put_real(struct insert *in, double value)
{
	sqlite3_bind_double(in->stmt, in->next++, value);
}

static void put_null(struct insert *in)
{
	sqlite3_bind_null(in->stmt, in->next++);
}

/* Inserts the row; the statement is ready for the next one. */
static bool insert_row(struct insert *in, struct err *err)
{
	bool ok = sqlite3_step(in->stmt) == SQLITE_DONE;

	if (!ok)
		store_fail(in->store, "cannot store the run", err);
	sqlite3_reset(in->stmt);
	in->next = 1;
	return ok;
}

static bool add_runs_row(struct store *store, const struct run_record *r, int64_t *id,
			 struct err *err)
{
	struct insert in;
	bool ok;

	if (!insert_open(&in, store,
			 "INSERT INTO runs (scenario, workload, machine, policy, engine, settings,"
			 " seed, threads, cpus, duration_ps, end, message, sim_time_ps, events)"
			 " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
			 err))
		return false;
	put_text(&in, r->scenario);
	put_text(&in, r->workload);
	put_text(&in, r->machine);
	put_text(&in, r->policy);
	put_text(&in, r->engine);
	put_text(&in, r->settings);
	put_int(&in, r->seed);
	put_int(&in, r->threads);
	put_int(&in, r->cpus);
	put_int(&in, r->duration);
	put_text(&in, r->end);
	put_text(&in, r->message);
	put_int(&in, r->sim_time);
	put_int(&in, r->events);
	ok = insert_row(&in, err);
	*id = sqlite3_last_insert_rowid(store->db);
	sqlite3_finalize(in.stmt);
	return ok;
}

static bool add_host(struct store *store, const struct run_record *r, int64_t id, struct err *err)
{
	char started[32] = "";
	time_t when = (time_t)r->host.started;
	struct insert in;
	struct tm tm;
	bool ok;

	if (!insert_open(&in, store,
			 "INSERT INTO run_host (run, host, revision, version, started, wall_s,"
			 " rss_bytes) VALUES (?,?,?,?,?,?,?)",
			 err))
		return false;
	if (gmtime_r(&when, &tm))
		strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", &tm);
	put_int(&in, (uint64_t)id);
	put_text(&in, r->host.name);
	put_text(&in, r->host.revision);
	put_text(&in, r->host.version);
	put_text(&in, started);
	put_real(&in, r->host.wall_s);
	put_int(&in, r->host.rss_bytes);
	ok = insert_row(&in, err);
	sqlite3_finalize(in.stmt);
	return ok;
}

static bool add_config(struct store *store, const struct run_record *r, int64_t id, struct err *err)
{
	struct insert in;
	bool ok = true;

	if (!insert_open(&in, store, "INSERT INTO config (run, key, value) VALUES (?,?,?)", err))
		return false;
	for (size_t i = 0; ok && i < r->n_config; i++) {
		put_int(&in, (uint64_t)id);
		put_text(&in, r->config[i].key);
		put_text(&in, r->config[i].value);
		ok = insert_row(&in, err);
	}
	sqlite3_finalize(in.stmt);
	return ok;
}

static bool add_scalar(struct insert *in, const struct metric *m, int64_t id, struct err *err)
{
	bool counter = m->desc->kind == METRIC_COUNTER;

	put_int(in, (uint64_t)id);
	put_text(in, m->desc->name);
	put_text(in, m->label);
	put_text(in, counter ? "counter" : "gauge");
	put_text(in, m->desc->unit);
	if (counter)
		put_int(in, m->value);
	else
		put_real(in, m->gauge);
	return insert_row(in, err);
}

static bool add_histogram(struct insert *in, const struct metric *m, int64_t id, struct err *err)
{
	static const double quantiles[] = { 0.5, 0.9, 0.99, 0.999 };
	const struct hist *h = &m->hist;
	size_t size;
	void *data = hist_encode(h, &size);

	if (!data)
		return err_set(err, "out of memory");
	put_int(in, (uint64_t)id);
	put_text(in, m->desc->name);
	put_text(in, m->label);
	put_text(in, m->desc->unit);
	put_int(in, h->count);
	put_real(in, h->sum);
	if (h->count) {
		put_int(in, h->min);
		put_int(in, h->max);
		put_real(in, hist_mean(h));
		for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
			put_int(in, hist_quantile(h, quantiles[i]));
	} else {
		for (size_t i = 0; i < 3 + sizeof(quantiles) / sizeof(*quantiles); i++)
			put_null(in);
	}
	sqlite3_bind_blob(in->stmt, in->next++, data, (int)size, free);
	return insert_row(in, err);
}

static bool add_series(struct insert *in, const struct metric *m, int64_t id, struct err *err)
{
	const struct series *s = m->series;

	for (size_t i = 0; i < series_bins(s); i++) {
		uint64_t covered;
		double mean = series_bin_mean(s, i, &covered);

		put_int(in, (uint64_t)id);
		put_text(in, m->desc->name);
		put_text(in, m->label);
		put_text(in, m->desc->unit);
		put_int(in, i * s->width);
		put_int(in, covered);
		put_real(in, mean);
		put_real(in, s->bin[i].max);
		if (!insert_row(in, err))
			return false;
	}
	return true;
}

static bool add_metrics(struct store *store, const struct run_record *r, int64_t id,
			struct err *err)
{
	const struct metric **sorted = NULL;
	struct insert scalar = { 0 }, hist = { 0 }, series = { 0 };
	size_t n;
	bool ok;

	ok = insert_open(&scalar, store,
			 "INSERT INTO metrics (run, name, label, kind, unit, value)"
			 " VALUES (?,?,?,?,?,?)",
			 err) &&
	     insert_open(
		     &hist, store,
		     "INSERT INTO histograms (run, name, label, unit, count, sum, min, max, mean,"
		     " p50, p90, p99, p999, data) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		     err) &&
	     insert_open(&series, store,
			 "INSERT INTO series (run, name, label, unit, start_ps, length_ps, mean,"
			 " max) VALUES (?,?,?,?,?,?,?,?)",
			 err);
	n = ok ? metrics_sorted(r->metrics, &sorted) : 0;
	for (size_t i = 0; ok && i < n; i++)
		ok = sorted[i]->desc->kind == METRIC_HISTOGRAM
			     ? add_histogram(&hist, sorted[i], id, err)
		     : sorted[i]->desc->kind == METRIC_SERIES
			     ? add_series(&series, sorted[i], id, err)
			     : add_scalar(&scalar, sorted[i], id, err);
	free(sorted);
	sqlite3_finalize(scalar.stmt);
	sqlite3_finalize(hist.stmt);
	sqlite3_finalize(series.stmt);
	return ok;
}

static bool add_violations(struct store *store, const struct run_record *r, int64_t id,
			   struct err *err)
{
	struct insert in;
	bool ok = true;

	if (!insert_open(&in, store,
			 "INSERT INTO violations (run, n, kind, count, time_ps, actor, file, line,"
			 " text) VALUES (?,?,?,?,?,?,?,?,?)",
			 err))
		return false;
	for (size_t i = 0; ok && i < r->n_violations; i++) {
		const struct sim_violation *v = &r->violations[i];

		put_int(&in, (uint64_t)id);
		put_int(&in, i + 1);
		put_text(&in, v->kind);
		put_int(&in, v->count);
		put_int(&in, v->time);
		put_text(&in, v->where);
		put_text(&in, v->file);
		put_int(&in, v->line);
		put_text(&in, v->text);
		ok = insert_row(&in, err);
	}
	sqlite3_finalize(in.stmt);
	return ok;
}

bool store_add_run(struct store *store, const struct run_record *run, int64_t *id, struct err *err)
{
	int64_t unused;

	if (!id)
		id = &unused;
	if (!store_exec(store, "BEGIN IMMEDIATE", err))
		return false;
	if (add_runs_row(store, run, id, err) && add_host(store, run, *id, err) &&
	    add_config(store, run, *id, err) && add_metrics(store, run, *id, err) &&
	    add_violations(store, run, *id, err) && store_exec(store, "COMMIT", err))
		return true;
	sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}
