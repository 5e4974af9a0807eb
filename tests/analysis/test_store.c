/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The database: what is written is read back, equal runs give equal content, and every bad database
 * is refused in words. Would break: half runs, silent misreading of a newer or foreign file.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "tests/analysis/fixture.h"

#define assert_says(err, text) assert_non_null(strstr((err).msg, text))

static struct store *open_ok(const char *name, enum store_mode mode)
{
	struct err err = { 0 };
	struct store *store = store_open(fixture_path(name), mode, &err);

	if (!store)
		fail_msg("%s", err.msg);
	return store;
}

static void add_ok(struct store *store, const struct fixture_run *f)
{
	struct err err = { 0 };

	if (!fixture_add(store, f, &err))
		fail_msg("%s", err.msg);
}

static void sql(const char *name, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(fixture_path(name), &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	sqlite3_close(db);
}

static int64_t query(const char *name, const char *text)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	int64_t value;

	assert_int_equal(sqlite3_open(fixture_path(name), &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return value;
}

static const struct fixture_run one = {
	.policy = "p", .seed = 1, .threads = 2, .throughput = 1000, .flushes = 7, .latency = 4000
};

static void sum_values(void *arg, const struct run_value *v)
{
	*(double *)arg += v->value;
}

static void test_round_trip(void **state)
{
	struct store *store = open_ok("round.db", STORE_WRITE);
	struct run_filter all = { 0 };
	struct err err = { 0 };
	struct run_row *rows;
	size_t n, left_out;
	struct hist h;
	double sum = 0;
	bool found;

	(void)state;
	add_ok(store, &one);
	store_close(store);
	store = open_ok("round.db", STORE_READ);
	assert_true(store_runs(store, &all, &rows, &n, &left_out, &err));
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].policy, "p");
	assert_int_equal(rows[0].threads, 2);
	assert_true(store_values(store, rows[0].id, "workload.ops_per_s", sum_values, &sum, &err));
	assert_true(sum == 1000);
	hist_init(&h);
	assert_true(store_histogram(store, rows[0].id, "op.latency", "madvise", &h, &found, &err));
	assert_true(found);
	assert_int_equal(h.count, 1000);
	assert_true(store_histogram(store, rows[0].id, "op.latency", "none", &h, &found, &err));
	assert_false(found);
	hist_free(&h);
	store_free_runs(rows, n);
	store_close(store);
	assert_int_equal(query("round.db", "SELECT count(*) FROM run_latency"), 1);
	assert_int_equal(query("round.db", "SELECT count FROM run_flushes"), 7);
	assert_int_equal(query("round.db", "PRAGMA application_id"), 0x6d6d736d);
}

/* Same runs, two files: every table but run_host is equal, byte for byte. */
static void test_same_content(void **state)
{
	static const char *const names[] = { "same-a.db", "same-b.db" };
	static const char *const tables[] = { "runs", "config", "metrics", "histograms",
					      "violations" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct store *store = open_ok(names[i], STORE_WRITE);
		struct fixture_run bad = one;

		bad.seed = 99;
		add_ok(store, &one);
		add_ok(store, &bad);
		store_close(store);
	}
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		char text[512];

		snprintf(text, sizeof(text), "ATTACH '%s' AS b; SELECT 1",
			 fixture_path("same-b.db"));
		sqlite3 *db;
		sqlite3_stmt *stmt;

		assert_int_equal(sqlite3_open(fixture_path("same-a.db"), &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
		snprintf(text, sizeof(text),
			 "SELECT (SELECT count(*) FROM main.%s), (SELECT count(*) FROM (SELECT * "
			 "FROM "
			 "main.%s EXCEPT SELECT * FROM b.%s))",
			 tables[i], tables[i], tables[i]);
		assert_int_equal(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
		assert_true(sqlite3_column_int(stmt, 0) > 0);
		assert_int_equal(sqlite3_column_int(stmt, 1), 0);
		sqlite3_finalize(stmt);
		sqlite3_close(db);
	}
}

/* A run twice with one seed is one observation; a run that ended badly is none. */
static void test_observations(void **state)
{
	struct store *store = open_ok("observe.db", STORE_WRITE);
	struct fixture_run again = one, bad = one;
	struct run_filter all = { 0 };
	struct err err = { 0 };
	struct run_row *rows;
	size_t n, left_out;

	(void)state;
	bad.seed = 3;
	bad.end = "deadlock";
	add_ok(store, &one);
	add_ok(store, &bad);
	add_ok(store, &again);
	assert_true(store_runs(store, &all, &rows, &n, &left_out, &err));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].id, 3);
	assert_int_equal(left_out, 1);
	store_free_runs(rows, n);
	all.threads = (uint32_t[]){ 64 };
	all.n_threads = 1;
	assert_false(store_runs(store, &all, &rows, &n, &left_out, &err));
	assert_says(err, "no run fits");
	assert_says(err, "threads: 2");
	store_close(store);
}

static void refuse(const char *name, enum store_mode mode, const char *text)
{
	struct err err = { 0 };
	struct store *store = store_open(fixture_path(name), mode, &err);

	assert_null(store);
	if (!strstr(err.msg, text))
		fail_msg("'%s' does not say '%s'", err.msg, text);
	assert_says(err, name);
}

static void test_refused(void **state)
{
	FILE *junk = fopen(fixture_path("junk.db"), "w");

	(void)state;
	fputs("this is not a database, but it is long enough to look like a header of one......."
	      "................................................................................",
	      junk);
	fclose(junk);
	store_close(open_ok("newer.db", STORE_WRITE));
	sql("newer.db", "PRAGMA user_version = 999");
	sql("foreign.db", "CREATE TABLE songs (name TEXT)");
	refuse("missing.db", STORE_READ, "No such file");
	refuse("no/such/folder.db", STORE_WRITE, "No such file");
	refuse(".", STORE_READ, "folder");
	for (enum store_mode mode = STORE_READ; mode <= STORE_WRITE; mode++) {
		refuse("junk.db", mode, "no SQLite database");
		refuse("newer.db", mode, "newer mmsim");
		refuse("foreign.db", mode, "not one of mmsim");
	}
}

METRIC(fix_level, "rcu.pinned", METRIC_SERIES, "bytes", NULL, "a level");

static void add_up(void *arg, const struct series_row *bin)
{
	*(double *)arg += bin->mean * (double)bin->length;
}

/* Bins are read back in order; compare sees their mean and maximum. */
static void test_series(void **state)
{
	struct metrics *m = metrics_create();
	struct run_record r = {
		.scenario = "",
		.workload = "w",
		.machine = "m",
		.policy = "p",
		.engine = "native",
		.settings = "",
		.end = "limit",
		.message = "",
		.metrics = m,
		.threads = 1,
		.cpus = 1,
		.host = { .name = "h", .revision = "r", .version = "v" },
	};
	struct series *s = metric_get(m, &fix_level, "")->series;
	struct store *store = open_ok("series.db", STORE_WRITE);
	struct err err = { 0 };
	double area = 0, none = 0;
	int64_t id;

	(void)state;
	series_set(s, SIM_MS, 8);
	series_set(s, 3 * SIM_MS, 0);
	series_set(s, 4 * SIM_MS, 0);
	assert_true(store_add_run(store, &r, &id, &err));
	assert_true(store_series(store, id, "rcu.pinned", "", add_up, &area, &err));
	assert_true(area == 8.0 * 2 * SIM_MS);
	assert_true(store_series(store, id, "rcu.waiting", "", add_up, &none, &err));
	assert_true(none == 0);
	store_close(store);
	metrics_free(m);
	assert_int_equal(query("series.db", "SELECT value FROM run_values WHERE name = 'rcu.pinned'"
					    " AND stat = 'mean'"),
			 4);
	assert_int_equal(query("series.db", "SELECT value FROM run_values WHERE name = 'rcu.pinned'"
					    " AND stat = 'max'"),
			 8);
	assert_int_equal(query("series.db", "SELECT sum(length_ps) FROM series"), 4 * SIM_MS);
}

/* A database of version 1 gets what later versions added, and keeps its runs. */
static void test_migration(void **state)
{
	struct store *store = open_ok("old.db", STORE_WRITE);

	(void)state;
	add_ok(store, &one);
	store_close(store);
	sql("old.db", "DROP VIEW run_values; DROP VIEW run_latency; DROP VIEW lock_stats;"
		      "DROP VIEW run_flushes; DROP TABLE series; PRAGMA user_version = 1");
	refuse("old.db", STORE_READ, "older mmsim");
	store_close(open_ok("old.db", STORE_WRITE));
	store_close(open_ok("old.db", STORE_READ));
	assert_int_equal(query("old.db", "SELECT count(*) FROM run_latency"), 1);
}

static void test_locked(void **state)
{
	struct store *store = open_ok("locked.db", STORE_WRITE);
	struct err err = { 0 };
	sqlite3 *other;

	(void)state;
	assert_int_equal(sqlite3_open(fixture_path("locked.db"), &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_false(fixture_add(store, &one, &err));
	assert_says(err, "locked by another program");
	assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	add_ok(store, &one); /* and it works again */
	store_close(store);
	assert_int_equal(query("locked.db", "SELECT count(*) FROM runs"), 1);
}

/* A failure in the middle of a run leaves nothing of it. */
static void test_no_half_run(void **state)
{
	struct store *store = open_ok("half.db", STORE_WRITE);
	struct err err = { 0 };

	(void)state;
	add_ok(store, &one);
	sql("half.db", "CREATE TRIGGER planted BEFORE INSERT ON histograms BEGIN"
		       " SELECT RAISE(ABORT, 'planted'); END");
	assert_false(fixture_add(store, &one, &err));
	assert_says(err, "planted");
	sql("half.db", "DROP TRIGGER planted");
	store_close(store);
	assert_int_equal(query("half.db", "SELECT count(*) FROM runs"), 1);
	assert_int_equal(query("half.db", "SELECT count(DISTINCT run) FROM config"), 1);
	assert_int_equal(query("half.db", "SELECT count(DISTINCT run) FROM metrics"), 1);
}

/* kill -9 while runs are being written: what is there is whole, and the database still works. */
static void test_killed(void **state)
{
	struct store *store;
	int64_t runs, whole;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		struct err err = { 0 };

		store = store_open(fixture_path("killed.db"), STORE_WRITE, &err);
		for (uint64_t i = 1; store && i < 1000000; i++) {
			struct fixture_run r = one;

			r.seed = i;
			fixture_add(store, &r, &err);
		}
		_exit(1);
	}
	do {
		struct err err = { 0 };

		usleep(20000);
		store = store_open(fixture_path("killed.db"), STORE_READ, &err);
		runs = store ? query("killed.db", "SELECT count(*) FROM runs") : 0;
		store_close(store);
	} while (runs < 5);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	runs = query("killed.db", "SELECT count(*) FROM runs");
	whole = query("killed.db",
		      "SELECT count(*) FROM runs WHERE run IN (SELECT run FROM run_host)"
		      " AND run IN (SELECT run FROM metrics WHERE name = 'workload.ops_per_s')"
		      " AND run IN (SELECT run FROM histograms)"
		      " AND run IN (SELECT run FROM config)");
	assert_true(runs >= 5);
	assert_int_equal(runs, whole);
	store = open_ok("killed.db", STORE_WRITE);
	add_ok(store, &one);
	store_close(store);
	assert_int_equal(query("killed.db", "SELECT count(*) FROM runs"), runs + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_same_content),
		cmocka_unit_test(test_observations), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_series),       cmocka_unit_test(test_migration),
		cmocka_unit_test(test_locked),       cmocka_unit_test(test_no_half_run),
		cmocka_unit_test(test_killed),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_clean);
}
