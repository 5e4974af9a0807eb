/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opening and closing a database of results, and its errors. What is in it is store_schema.c's,
 * store_write.c's and store_read.c's business.
 */
#include "analysis/store.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/store_internal.h"

/* How long a writer waits for another's transaction, which takes milliseconds. */
enum { BUSY_MS = 5000 };

bool store_fail(const struct store *store, const char *doing, struct err *err)
{
	static const struct {
		int code;
		const char *text;
	} words[] = {
		{ SQLITE_BUSY, "the database is locked by another program (waited 5 s)" },
		{ SQLITE_LOCKED, "the database is locked by another program" },
		{ SQLITE_READONLY, "the database or its folder is read-only" },
		{ SQLITE_FULL, "the disk is full" },
		{ SQLITE_NOTADB, "this is no SQLite database" },
		{ SQLITE_CORRUPT, "the database is damaged (sqlite3's .recover may save it)" },
		{ SQLITE_PERM, "permission denied" },
		{ SQLITE_NOMEM, "out of memory" },
	};
	int code = sqlite3_errcode(store->db), os = sqlite3_system_errno(store->db);

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if ((code & 0xff) == words[i].code)
			return err_set(err, "%s: %s: %s", store->path, doing, words[i].text);
	if (((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN) && os)
		return err_set(err, "%s: %s: %s", store->path, doing, strerror(os));
	return err_set(err, "%s: %s: %s", store->path, doing, sqlite3_errmsg(store->db));
}

bool store_exec(struct store *store, const char *sql, struct err *err)
{
	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return true;
	return store_fail(store, "cannot write", err);
}

sqlite3_stmt *store_prepare(struct store *store, const char *sql, struct err *err)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		store_fail(store, "cannot use the database", err);
	return stmt;
}

bool store_query_int(struct store *store, const char *sql, int64_t *value, struct err *err)
{
	sqlite3_stmt *stmt = store_prepare(store, sql, err);
	bool ok;

	if (!stmt)
		return false;
	ok = sqlite3_step(stmt) == SQLITE_ROW;
	if (ok)
		*value = sqlite3_column_int64(stmt, 0);
	else
		store_fail(store, "cannot read", err);
	sqlite3_finalize(stmt);
	return ok;
}

/* SQLite reports a missing file or folder as "unable to open database file": say which and why. */
static bool check_path(const char *path, enum store_mode mode, struct err *err)
{
	char folder[PATH_MAX];
	struct stat st;

	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return err_set(err, "%s: is a folder, not a database", path);
		if (access(path, mode == STORE_READ ? R_OK : R_OK | W_OK))
			return err_set(err, "%s: cannot open: %s", path, strerror(errno));
		return true;
	}
	if (mode == STORE_READ)
		return err_set(err, "%s: %s", path, strerror(errno));
	if ((size_t)snprintf(folder, sizeof(folder), "%s", path) >= sizeof(folder))
		return err_set(err, "%s: the path is too long", path);
	if (access(dirname(folder), W_OK))
		return err_set(err, "%s: cannot make it: %s", path, strerror(errno));
	return true;
}

static bool open_file(struct store *store, int flags, struct err *err)
{
	int rc = sqlite3_open_v2(store->path, &store->db, flags, NULL);

	if (!store->db)
		return err_set(err, "%s: out of memory", store->path);
	if (rc != SQLITE_OK)
		return store_fail(store, "cannot open", err);
	sqlite3_extended_result_codes(store->db, 0);
	sqlite3_busy_timeout(store->db, BUSY_MS);
	return true;
}

/*
 * A WAL database in a folder that we may not write cannot be opened the usual way, as readers share
 * a file beside it. Without a write-ahead log nobody writes it, so it may be read as it stands.
 */
static bool open_immutable(struct store *store, struct err *err)
{
	char *uri;
	int rc;

	sqlite3_close(store->db);
	store->db = NULL;
	uri = sqlite3_mprintf("file:%s?immutable=1", store->path);
	if (!uri)
		return err_set(err, "%s: out of memory", store->path);
	rc = sqlite3_open_v2(uri, &store->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
	sqlite3_free(uri);
	if (rc != SQLITE_OK)
		return store_fail(store, "cannot open", err);
	return store_migrate(store, false, err);
}

/*
 * Where it may, a reader opens the file for writing, too, and writes nothing: the last connection
 * that closes removes the write-ahead log and its index, which a read-only one would leave behind.
 */
static bool open_read(struct store *store, struct err *err)
{
	bool may_write = access(store->path, W_OK) == 0;
	int code;

	if (!open_file(store, may_write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY, err) ||
	    !store_exec(store, "PRAGMA query_only=ON", err))
		return false;
	if (store_migrate(store, false, err))
		return true;
	code = sqlite3_errcode(store->db) & 0xff;
	if (code != SQLITE_CANTOPEN && code != SQLITE_READONLY)
		return false;
	err->msg[0] = '\0';
	return open_immutable(store, err);
}

static bool open_write(struct store *store, struct err *err)
{
	/* FULL would sync at each commit; NORMAL in WAL mode keeps all but the last runs after a
	 * power cut, and every run after a kill. */
	return open_file(store, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err) &&
	       store_migrate(store, true, err) &&
	       store_exec(store,
			  "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
			  "PRAGMA foreign_keys=ON;",
			  err);
}

struct store *store_open(const char *path, enum store_mode mode, struct err *err)
{
	struct store *store;

	if (!check_path(path, mode, err))
		return NULL;
	store = calloc(1, sizeof(*store));
	if (!store || !(store->path = strdup(path))) {
		free(store);
		err_set(err, "%s: out of memory", path);
		return NULL;
	}
	if (mode == STORE_READ ? open_read(store, err) : open_write(store, err))
		return store;
	store_close(store);
	return NULL;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	sqlite3_close(store->db);
	free(store->path);
	free(store);
}

const char *store_path(const struct store *store)
{
	return store->path;
}
