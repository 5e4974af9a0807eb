/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A comparison as text for people and as JSON. No percentage without its interval and the number of
 * runs behind it; with one run on a side it says that there can be no interval.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "analysis/compare.h"
#include "analysis/table.h"
#include "sim/base/text.h"

const char *format_value(double value, const char *unit, char *buf, size_t size)
{
	char digits[48];
	const char *sign = value < 0 ? "-" : "";
	double size_of = fabs(value);

	if (!strcmp(unit, "ps")) {
		snprintf(buf, size, "%s%s", sign,
			 text_from_ps((uint64_t)(size_of + 0.5), digits, sizeof(digits)));
		return buf;
	}
	text_from_count(size_of, digits, sizeof(digits));
	if (!strcmp(unit, "1"))
		unit = "";
	snprintf(buf, size, "%s%s%s%s", sign, digits, *unit && *unit != '1' ? " " : "",
		 *unit == '1' ? unit + 1 : unit);
	return buf;
}

static void metric_name(const struct compare_row *r, char *buf, size_t size)
{
	bool plain = !strcmp(r->stat, "value");

	snprintf(buf, size, "%s%s%s%s%s", r->metric, *r->label ? " " : "", r->label,
		 plain ? "" : " ", plain ? "" : r->stat);
}

static void add_difference(struct table *t, const struct compare_row *r)
{
	char d[64], low[64], high[64];
	double base = fabs(r->base.mean);

	format_value(r->difference, r->unit, d, sizeof(d));
	if (!r->interval.known) {
		table_cell(t, "%s%s", r->difference > 0 ? "+" : "", d);
		table_cell(t, "no interval: one run on a side");
		table_cell(t, "%s", "");
		table_cell(t, "%s", "");
		return;
	}
	format_value(r->interval.low, r->unit, low, sizeof(low));
	format_value(r->interval.high, r->unit, high, sizeof(high));
	table_cell(t, "%s%s", r->difference > 0 ? "+" : "", d);
	table_cell(t, "[%s, %s]", low, high);
	if (base > 0) {
		table_cell(t, "%+.1f%%", 100 * r->difference / base);
		table_cell(t, "[%+.1f%%, %+.1f%%]", 100 * r->interval.low / base,
			   100 * r->interval.high / base);
	} else {
		table_cell(t, "%s", "");
		table_cell(t, "the baseline is 0");
	}
}

static void print_context(const struct compare *c, size_t context, FILE *out)
{
	struct table *t = table_new();
	char name[256], base[64], other[64], title[64];
	const struct compare_row *before = NULL;

	snprintf(title, sizeof(title), "difference");
	table_column(t, "metric", TABLE_LEFT);
	table_column(t, c->baseline, TABLE_RIGHT);
	table_column(t, run_dim_names[c->by], TABLE_LEFT);
	table_column(t, "mean", TABLE_RIGHT);
	table_column(t, "runs", TABLE_RIGHT);
	table_column(t, title, TABLE_RIGHT);
	snprintf(title, sizeof(title), "%.0f%% interval", 100 * c->confidence);
	table_column(t, title, TABLE_LEFT);
	table_column(t, "relative", TABLE_RIGHT);
	table_column(t, title, TABLE_LEFT);
	for (size_t i = 0; i < c->n_rows; i++) {
		const struct compare_row *r = &c->rows[i];
		bool again;

		/* what nobody counted says nothing */
		if (r->context != context || (r->base.mean == 0 && r->other.mean == 0))
			continue;
		again = before && before->metric == r->metric && before->label == r->label &&
			before->stat == r->stat;
		metric_name(r, name, sizeof(name));
		table_cell(t, "%s", again ? "" : name);
		table_cell(t, "%s",
			   again ? "" : format_value(r->base.mean, r->unit, base, sizeof(base)));
		table_cell(t, "%s", c->variants[r->variant]);
		table_cell(t, "%s", format_value(r->other.mean, r->unit, other, sizeof(other)));
		table_cell(t, "%zu:%zu", r->base.n, r->other.n);
		add_difference(t, r);
		before = r;
	}
	table_print(t, out, 2);
	if (!table_rows(t))
		fprintf(out, "  nothing to compare %s with\n",
			c->contexts[context].has_baseline ? c->baseline : "here: no baseline run");
	table_free(t);
}

void compare_print(const struct compare *c, FILE *out)
{
	for (size_t i = 0; i < c->n_contexts; i++) {
		fprintf(out, "%s%s: %s against %s\n", i ? "\n" : "", c->contexts[i].title,
			run_dim_names[c->by], c->baseline);
		print_context(c, i, out);
	}
	fprintf(out,
		"\n'runs' is baseline:other, one run a seed. Intervals are Welch's t over seeds; "
		"relative"
		" figures are in\nper cent of the baseline's mean. An interval without 0 in it is a"
		" difference that the seeds do not explain.\nPercentiles are known to 1%% "
		"(histogram"
		" buckets), so that equal ones can hide a difference below that.\n");
	if (c->left_out)
		fprintf(out, "%zu runs that ended badly are left out.\n", c->left_out);
}

static void json_interval(struct json *j, const struct compare_row *r)
{
	double scale = fabs(r->base.mean);
	bool known = r->interval.known;

	json_double(j, "difference", r->difference);
	json_double(j, "difference_low", known ? r->interval.low : NAN);
	json_double(j, "difference_high", known ? r->interval.high : NAN);
	json_double(j, "relative", known && scale > 0 ? r->difference / scale : NAN);
	json_double(j, "relative_low", known && scale > 0 ? r->interval.low / scale : NAN);
	json_double(j, "relative_high", known && scale > 0 ? r->interval.high / scale : NAN);
}

static void json_context(struct json *j, const struct compare *c, const struct run_row *example)
{
	char buf[RUN_DIM_SIZE];

	for (unsigned int d = 0; d < RUN_DIMS; d++) {
		if (d == c->by)
			continue;
		if (d == DIM_THREADS)
			json_u64(j, run_dim_names[d], example->threads);
		else if (d == DIM_DURATION)
			json_u64(j, "duration_ps", example->duration);
		else
			json_string(j, run_dim_names[d], run_dim_value(example, d, buf));
	}
}

void compare_json(const struct compare *c, struct json *j)
{
	json_array(j, NULL);
	for (size_t i = 0; i < c->n_rows; i++) {
		const struct compare_row *r = &c->rows[i];

		json_object(j, NULL);
		json_context(j, c, c->contexts[r->context].example);
		json_string(j, "by", run_dim_names[c->by]);
		json_string(j, "baseline", c->baseline);
		json_string(j, run_dim_names[c->by], c->variants[r->variant]);
		json_string(j, "metric", r->metric);
		json_string(j, "label", r->label);
		json_string(j, "stat", r->stat);
		json_string(j, "unit", r->unit);
		json_u64(j, "baseline_n", r->base.n);
		json_double(j, "baseline_mean", r->base.mean);
		json_u64(j, "n", r->other.n);
		json_double(j, "mean", r->other.mean);
		json_double(j, "confidence", c->confidence);
		json_interval(j, r);
		json_end_object(j);
	}
	json_end_array(j);
}
