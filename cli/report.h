/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What `mmsim run` prints: one run in full, several as a table, or either as JSON. Works from a
 * run's record, so it shows what the database holds.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "analysis/json.h"
#include "analysis/run_record.h"

void report_run(const struct run_record *r, bool all, FILE *out);
void report_runs(const struct run_record *r, size_t n, FILE *out);
/* One object. db is NULL and id 0 if the run was not stored. */
void report_json(const struct run_record *r, const char *db, int64_t id, struct json *j);
bool run_ended_badly(const struct run_record *r);

#endif
