/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the store_*.c files share: the handle and the turning of SQLite's results into errors. Of no
 * interest outside of them.
 */
#ifndef ANALYSIS_STORE_INTERNAL_H
#define ANALYSIS_STORE_INTERNAL_H

#include <sqlite3.h>

#include "analysis/store.h"

struct store {
	sqlite3 *db;
	char *path;
};

/* Sets *err from the database's last failure, in words for a person. Returns false. */
bool store_fail(const struct store *store, const char *doing, struct err *err);
bool store_exec(struct store *store, const char *sql, struct err *err);
/* NULL and *err if the statement does not compile. */
sqlite3_stmt *store_prepare(struct store *store, const char *sql, struct err *err);
/* The number that a query gives first. */
bool store_query_int(struct store *store, const char *sql, int64_t *value, struct err *err);

/* Brings the schema up to the present version (`writable`), or only checks it. */
bool store_migrate(struct store *store, bool writable, struct err *err);

#endif
