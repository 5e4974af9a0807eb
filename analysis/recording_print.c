/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A recording's comparison as text, Markdown and JSON.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/recording.h"
#include "analysis/table.h"

static const char *const quantile_names[RECORDING_QUANTILES] = { "p50", "p90", "p99" };

static void error_cell(struct table *t, double recorded, double simulated)
{
	double e = recording_error(recorded, simulated);

	if (isnan(e))
		table_cell(t, "-");
	else
		table_cell(t, "%+.1f%%", 100 * e);
}

static void row_cells(struct table *t, const struct recording_row *row)
{
	table_cell(t, "%s", row->name);
	table_cell(t, "%s", row->class);
	table_cell(t, "%llu", (unsigned long long)row->recorded.count);
	for (int q = 0; q < RECORDING_QUANTILES; q++) {
		double recorded = recording_ns(&row->recorded, (enum recording_quantile)q);
		double simulated = recording_ns(&row->simulated, (enum recording_quantile)q);

		table_cell(t, "%.0f", recorded);
		table_cell(t, "%.0f", simulated);
		error_cell(t, recorded, simulated);
	}
}

static struct table *row_table(const char *what, const char *class)
{
	struct table *t = table_new();
	char title[32];

	table_column(t, what, TABLE_LEFT);
	table_column(t, class, TABLE_LEFT);
	table_column(t, "count", TABLE_RIGHT);
	for (int q = 0; q < RECORDING_QUANTILES; q++) {
		snprintf(title, sizeof(title), "%s, ns", quantile_names[q]);
		table_column(t, title, TABLE_RIGHT);
		table_column(t, "simulated", TABLE_RIGHT);
		table_column(t, "error", TABLE_RIGHT);
	}
	return t;
}

static struct table *call_table(const struct recording_report *r)
{
	struct table *t = row_table("operation", "length");

	for (size_t i = 0; i < r->n_ops; i++)
		if (r->op[i].recorded.count)
			row_cells(t, &r->op[i]);
	return t;
}

static struct table *lock_table(const struct recording_report *r)
{
	struct table *t = row_table("lock", "time");

	for (int i = 0; i < 2; i++)
		if (r->lock[i].recorded.count)
			row_cells(t, &r->lock[i]);
	return t;
}

static void count_row(struct table *t, const char *name, double recorded, double simulated)
{
	table_cell(t, "%s", name);
	table_cell(t, "%.10g", recorded);
	table_cell(t, "%.10g", simulated);
	error_cell(t, recorded, simulated);
}

static struct table *count_table(const struct recording_report *r)
{
	struct table *t = table_new();

	table_column(t, "", TABLE_LEFT);
	table_column(t, "recorded", TABLE_RIGHT);
	table_column(t, "simulated", TABLE_RIGHT);
	table_column(t, "error", TABLE_RIGHT);
	for (size_t i = 0; i < r->n_counts; i++)
		if (r->count[i].recorded > 0 || r->count[i].simulated > 0)
			count_row(t, r->count[i].name, r->count[i].recorded,
				  r->count[i].simulated / r->runs);
	count_row(t, "time in operations, us", round(r->op_time.recorded / 1e6),
		  round(r->op_time.simulated / 1e6 / r->runs));
	count_row(t, "run time, us", round(r->run_time.recorded / 1e6),
		  round(r->run_time.simulated / 1e6 / r->runs));
	return t;
}

static void print_one(struct table *t, FILE *out)
{
	table_print(t, out, 2);
	fputc('\n', out);
	table_free(t);
}

static void print_inferred(const struct recording_report *r, FILE *out, const char *indent)
{
	fprintf(out, "%sInferred, refused or left out:", indent);
	for (size_t i = 0; i < r->n_inferred; i++)
		fprintf(out, "%s %s %.10g", i ? "," : "", r->inferred[i].name,
			r->inferred[i].simulated / r->runs);
	fputc('\n', out);
}

void recording_print(const struct recording_report *r, FILE *out)
{
	print_one(call_table(r), out);
	print_one(lock_table(r), out);
	print_one(count_table(r), out);
	print_inferred(r, out, "  ");
}

/* ---- JSON ---- */

static void json_quantiles(struct json *j, const struct recording_row *row)
{
	char key[32];

	for (int q = 0; q < RECORDING_QUANTILES; q++) {
		snprintf(key, sizeof(key), "recorded_%s_ns", quantile_names[q]);
		json_double(j, key, recording_ns(&row->recorded, (enum recording_quantile)q));
		snprintf(key, sizeof(key), "simulated_%s_ns", quantile_names[q]);
		json_double(j, key, recording_ns(&row->simulated, (enum recording_quantile)q));
	}
}

static void json_rows(struct json *j, const struct recording_report *r)
{
	json_array(j, "operations");
	for (size_t i = 0; i < r->n_ops; i++) {
		const struct recording_row *row = &r->op[i];

		if (!row->recorded.count)
			continue;
		json_object(j, NULL);
		json_string(j, "operation", row->name);
		json_string(j, "size_class", row->class);
		json_u64(j, "count", row->recorded.count);
		json_quantiles(j, row);
		json_end_object(j);
	}
	json_end_array(j);
	json_array(j, "locks");
	for (int i = 0; i < 2; i++) {
		if (!r->lock[i].recorded.count)
			continue;
		json_object(j, NULL);
		json_string(j, "name", r->lock[i].name);
		json_string(j, "what", r->lock[i].class);
		json_u64(j, "count", r->lock[i].recorded.count);
		json_quantiles(j, &r->lock[i]);
		json_end_object(j);
	}
	json_end_array(j);
}

static void json_pair(struct json *j, const char *key, const struct recording_count *c,
		      unsigned int runs)
{
	json_object(j, key);
	json_double(j, "recorded_ns", c->recorded / 1000);
	json_double(j, "simulated_ns", c->simulated / 1000 / runs);
	json_end_object(j);
}

void recording_json(const struct recording_report *r, FILE *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_rows(&j, r);
	json_array(&j, "counts");
	for (size_t i = 0; i < r->n_counts; i++) {
		json_object(&j, NULL);
		json_string(&j, "name", r->count[i].name);
		json_double(&j, "recorded", r->count[i].recorded);
		json_double(&j, "simulated", r->count[i].simulated / r->runs);
		json_end_object(&j);
	}
	json_end_array(&j);
	json_pair(&j, "total_op_time", &r->op_time, r->runs);
	json_pair(&j, "run_time", &r->run_time, r->runs);
	json_object(&j, "inferred");
	for (size_t i = 0; i < r->n_inferred; i++)
		json_double(&j, r->inferred[i].name, r->inferred[i].simulated / r->runs);
	json_end_object(&j);
	json_u64(&j, "runs", r->runs);
	json_end_object(&j);
}
