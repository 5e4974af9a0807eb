/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The schema, as a table of steps: step i brings a database of version i to version i + 1. A step
 * that was released is never changed; a change of the schema is one more step. Described for
 * readers in docs/database.md.
 */
#include <inttypes.h>
#include <stdio.h>

#include "analysis/store_internal.h"

/* "mmsm": tells mmsim's databases from anybody else's (PRAGMA application_id). */
#define APPLICATION_ID 0x6d6d736d

static const char tables_sql[] =
	"CREATE TABLE runs ("
	" run INTEGER PRIMARY KEY,"
	" scenario TEXT NOT NULL, workload TEXT NOT NULL, machine TEXT NOT NULL,"
	" policy TEXT NOT NULL, engine TEXT NOT NULL, settings TEXT NOT NULL,"
	" seed INTEGER NOT NULL, threads INTEGER NOT NULL, cpus INTEGER NOT NULL,"
	" duration_ps INTEGER NOT NULL,"
	" end TEXT NOT NULL, message TEXT NOT NULL,"
	" sim_time_ps INTEGER NOT NULL, events INTEGER NOT NULL);"
	"CREATE TABLE run_host ("
	" run INTEGER PRIMARY KEY REFERENCES runs(run) ON DELETE CASCADE,"
	" host TEXT NOT NULL, revision TEXT NOT NULL, version TEXT NOT NULL,"
	" started TEXT NOT NULL, wall_s REAL NOT NULL, rss_bytes INTEGER NOT NULL);"
	"CREATE TABLE config ("
	" run INTEGER NOT NULL REFERENCES runs(run) ON DELETE CASCADE,"
	" key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run, key)) WITHOUT ROWID;"
	"CREATE TABLE metrics ("
	" run INTEGER NOT NULL REFERENCES runs(run) ON DELETE CASCADE,"
	" name TEXT NOT NULL, label TEXT NOT NULL, kind TEXT NOT NULL, unit TEXT NOT NULL,"
	" value NUMERIC NOT NULL, PRIMARY KEY (run, name, label)) WITHOUT ROWID;"
	"CREATE TABLE histograms ("
	" run INTEGER NOT NULL REFERENCES runs(run) ON DELETE CASCADE,"
	" name TEXT NOT NULL, label TEXT NOT NULL, unit TEXT NOT NULL,"
	" count INTEGER NOT NULL, sum REAL NOT NULL, min INTEGER, max INTEGER, mean REAL,"
	" p50 INTEGER, p90 INTEGER, p99 INTEGER, p999 INTEGER, data BLOB NOT NULL,"
	" PRIMARY KEY (run, name, label));"
	"CREATE TABLE violations ("
	" run INTEGER NOT NULL REFERENCES runs(run) ON DELETE CASCADE,"
	" n INTEGER NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL,"
	" time_ps INTEGER NOT NULL, actor TEXT NOT NULL, file TEXT NOT NULL,"
	" line INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (run, n)) WITHOUT ROWID;";

/* Every figure of a run in one shape, which compare and plot read, and views for people. */
static const char views_sql[] =
	"CREATE VIEW run_values AS"
	" SELECT run, name, label, 'value' AS stat, unit, kind = 'counter' AS counts, value"
	"  FROM metrics"
	" UNION ALL SELECT run, name, label, 'count', '1', 1, count FROM histograms"
	" UNION ALL SELECT run, name, label, 'sum', unit, 1, sum FROM histograms"
	" UNION ALL SELECT run, name, label, 'mean', unit, 0, mean FROM histograms WHERE count"
	" UNION ALL SELECT run, name, label, 'p50', unit, 0, p50 FROM histograms WHERE count"
	" UNION ALL SELECT run, name, label, 'p90', unit, 0, p90 FROM histograms WHERE count"
	" UNION ALL SELECT run, name, label, 'p99', unit, 0, p99 FROM histograms WHERE count"
	" UNION ALL SELECT run, name, label, 'p999', unit, 0, p999 FROM histograms WHERE count"
	" UNION ALL SELECT run, name, label, 'max', unit, 0, max FROM histograms WHERE count;"
	"CREATE VIEW run_latency AS"
	" SELECT run, scenario, workload, machine, policy, threads, seed, label AS operation, "
	"count,"
	"  mean / 1000.0 AS mean_ns, p50 / 1000.0 AS p50_ns, p90 / 1000.0 AS p90_ns,"
	"  p99 / 1000.0 AS p99_ns, p999 / 1000.0 AS p999_ns, max / 1000.0 AS max_ns"
	" FROM histograms JOIN runs USING (run) WHERE name = 'op.latency';"
	"CREATE VIEW lock_stats AS"
	" SELECT run, scenario, workload, machine, policy, threads, seed, name AS figure,"
	"  label AS lock, count, mean / 1000.0 AS mean_ns, p50 / 1000.0 AS p50_ns,"
	"  p99 / 1000.0 AS p99_ns, max / 1000.0 AS max_ns, sum / 1e12 AS total_s"
	" FROM histograms JOIN runs USING (run) WHERE name GLOB 'lock.*';"
	"CREATE VIEW run_flushes AS"
	" SELECT run, scenario, workload, machine, policy, threads, seed, name AS figure,"
	"  label AS reason, value AS count"
	" FROM metrics JOIN runs USING (run) WHERE name GLOB 'tlb.*' OR name GLOB 'ipi.*';";

/* Levels over time, and their figures beside all others. */
static const char series_sql[] =
	"CREATE TABLE series ("
	" run INTEGER NOT NULL REFERENCES runs(run) ON DELETE CASCADE,"
	" name TEXT NOT NULL, label TEXT NOT NULL, unit TEXT NOT NULL,"
	" start_ps INTEGER NOT NULL, length_ps INTEGER NOT NULL,"
	" mean REAL NOT NULL, max REAL NOT NULL,"
	" PRIMARY KEY (run, name, label, start_ps)) WITHOUT ROWID;"
	"DROP VIEW run_values;"
	"CREATE VIEW run_values AS"
	" SELECT run, name, label, 'value' AS stat, unit, kind = 'counter' AS counts, value"
	"  FROM metrics"
	" UNION ALL SELECT run, name, label, 'count', '1', 1, count FROM histograms"
	" UNION ALL SELECT run, name, label, 'sum', unit, 1, sum FROM histograms"
	" UNION ALL SELECT run, name, label, 'mean', unit, 0, mean FROM histograms WHERE count"
	" UNION ALL SELECT run, name, label, 'p50', unit, 0, p50 FROM histograms WHERE count"
	" UNION ALL SELECT run, name, label, 'p90', unit, 0, p90 FROM histograms WHERE count"
	" UNION ALL SELECT run, name, label, 'p99', unit, 0, p99 FROM histograms WHERE count"
	" UNION ALL SELECT run, name, label, 'p999', unit, 0, p999 FROM histograms WHERE count"
	" UNION ALL SELECT run, name, label, 'max', unit, 0, max FROM histograms WHERE count"
	" UNION ALL SELECT run, name, label, 'mean', unit, 0,"
	"  sum(mean * length_ps) / sum(length_ps) FROM series GROUP BY run, name, label"
	" UNION ALL SELECT run, name, label, 'max', unit, 0, max(max) FROM series"
	"  GROUP BY run, name, label;";

static const char *const steps[] = { tables_sql, views_sql, series_sql };

enum { VERSION = sizeof(steps) / sizeof(*steps) };

/* Reads the version, and refuses databases that are not ours or are newer than this program. */
static bool check_version(struct store *store, int64_t *version, struct err *err)
{
	int64_t application, n;

	if (!store_query_int(store, "SELECT count(*) FROM sqlite_master", &n, err) ||
	    !store_query_int(store, "PRAGMA application_id", &application, err) ||
	    !store_query_int(store, "PRAGMA user_version", version, err))
		return false;
	if (application != APPLICATION_ID && (n || *version))
		return err_set(err, "%s: an SQLite database, but not one of mmsim's results",
			       store->path);
	if (*version > VERSION)
		return err_set(err,
			       "%s: made by a newer mmsim (database version %" PRId64
			       ", this program knows up to %d); update mmsim",
			       store->path, *version, VERSION);
	return true;
}

static bool run_steps(struct store *store, int64_t version, struct err *err)
{
	char sql[96];

	for (int64_t i = version; i < VERSION; i++)
		if (!store_exec(store, steps[i], err))
			return false;
	snprintf(sql, sizeof(sql), "PRAGMA application_id=%d; PRAGMA user_version=%d",
		 APPLICATION_ID, VERSION);
	return store_exec(store, sql, err);
}

bool store_migrate(struct store *store, bool writable, struct err *err)
{
	int64_t version;
	bool ok;

	if (!check_version(store, &version, err))
		return false;
	if (version == VERSION)
		return true;
	if (!writable)
		return version ? err_set(err,
					 "%s: made by an older mmsim (database version %" PRId64
					 ", now %d); store a run in it once to bring it up to date",
					 store->path, version, VERSION)
			       : err_set(err, "%s: an empty database: no runs yet", store->path);
	/* Two programs may open a new database at once: the second finds the work done. */
	if (!store_exec(store, "BEGIN IMMEDIATE", err))
		return false;
	ok = check_version(store, &version, err) &&
	     (version == VERSION || run_steps(store, version, err));
	if (ok)
		return store_exec(store, "COMMIT", err);
	sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}
