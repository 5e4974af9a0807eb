/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A run for people: a few sections of figures, chosen by metric name from one table, and the
 * simulator's own speed. The JSON form is in report_json.c.
 */
#include "cli/report.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare.h"
#include "analysis/table.h"
#include "sim/base/text.h"

static const struct {
	const char *title;
	const char *patterns[3];
} sections[] = {
	{ "Throughput", { "workload.ops*" } },
	{ "Latency by operation", { "op.latency", "workload.loop_time" } },
	{ "Lock wait", { "lock.wait*" } },
	{ "Lock hold", { "lock.hold*" } },
	{ "IPIs", { "ipi.*" } },
	{ "TLB flushes", { "tlb.flush*" } },
	{ "Other figures", { "*" } },
};

enum { SECTIONS = sizeof(sections) / sizeof(*sections), OTHER = SECTIONS - 1 };

static size_t section_of(const char *name)
{
	for (size_t i = 0; i < OTHER; i++)
		for (size_t k = 0; k < 3 && sections[i].patterns[k]; k++)
			if (!fnmatch(sections[i].patterns[k], name, 0))
				return i;
	return OTHER;
}

bool run_ended_badly(const struct run_record *r)
{
	return !strcmp(r->end, run_end_name(SIM_END_DEADLOCK)) ||
	       !strcmp(r->end, run_end_name(SIM_END_DIED)) || r->n_violations;
}

static void name_cell(struct table *t, const struct metric *m)
{
	table_cell(t, "%s%s%s", m->desc->name, *m->label ? " " : "", m->label);
}

static void histogram_row(struct table *t, const struct metric *m)
{
	static const double quantiles[] = { 0.5, 0.9, 0.99, 0.999 };
	char text[64];

	name_cell(t, m);
	table_cell(t, "%" PRIu64, m->hist.count);
	table_cell(t, "%s", format_value(hist_mean(&m->hist), m->desc->unit, text, sizeof(text)));
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
		table_cell(t, "%s",
			   format_value((double)hist_quantile(&m->hist, quantiles[i]),
					m->desc->unit, text, sizeof(text)));
	table_cell(t, "%s", format_value((double)m->hist.max, m->desc->unit, text, sizeof(text)));
}

static size_t histograms(const struct metric **v, size_t n, size_t section, FILE *out)
{
	static const char *const titles[] = {
		"count", "mean", "p50", "p90", "p99", "p99.9", "max"
	};
	struct table *t = table_new();

	table_column(t, "", TABLE_LEFT);
	for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
		table_column(t, titles[i], TABLE_RIGHT);
	for (size_t i = 0; i < n; i++)
		if (v[i]->desc->kind == METRIC_HISTOGRAM && v[i]->hist.count &&
		    section_of(v[i]->desc->name) == section)
			histogram_row(t, v[i]);
	table_print(t, out, 2);
	n = table_rows(t);
	table_free(t);
	return n;
}

static void series_cell(struct table *t, const struct metric *m)
{
	char mean[64], max[64];

	table_cell(t, "%s (max %s)",
		   format_value(series_mean(m->series), m->desc->unit, mean, sizeof(mean)),
		   format_value(series_max(m->series), m->desc->unit, max, sizeof(max)));
}

static size_t scalars(const struct metric **v, size_t n, size_t section, FILE *out)
{
	struct table *t = table_new();
	char text[64];

	table_column(t, "", TABLE_LEFT);
	table_column(t, "", TABLE_RIGHT);
	table_column(t, "", TABLE_LEFT);
	for (size_t i = 0; i < n; i++) {
		const struct metric *m = v[i];
		bool counter = m->desc->kind == METRIC_COUNTER;

		if (m->desc->kind == METRIC_HISTOGRAM || section_of(m->desc->name) != section ||
		    (counter && !m->value) || (m->series && !series_max(m->series)))
			continue;
		name_cell(t, m);
		if (counter)
			table_cell(t, "%" PRIu64, m->value);
		else if (m->series)
			series_cell(t, m);
		else
			table_cell(t, "%s",
				   format_value(m->gauge, m->desc->unit, text, sizeof(text)));
		table_cell(t, "%s", counter && strcmp(m->desc->unit, "1") ? m->desc->unit : "");
	}
	table_print_rows(t, out, 2);
	n = table_rows(t);
	table_free(t);
	return n;
}

static size_t count_in(const struct metric **v, size_t n, size_t section)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += section_of(v[i]->desc->name) == section;
	return found;
}

static void head(const struct run_record *r, FILE *out)
{
	char time[64];

	fprintf(out,
		"%s on %s (%" PRIu32 " CPUs), %" PRIu32 " thread%s, %s, seed %" PRIu64 "%s%s\n",
		r->workload, r->machine, r->cpus, r->threads, r->threads == 1 ? "" : "s", r->policy,
		r->seed, *r->settings ? ", " : "", r->settings);
	fprintf(out, "%s simulated, ended: %s%s%s\n", text_from_ps(r->sim_time, time, sizeof(time)),
		r->end, *r->message ? ": " : "", r->message);
}

static void violations(const struct run_record *r, FILE *out)
{
	char time[64];

	if (!r->n_violations) {
		fputs("\nViolations: none\n", out);
		return;
	}
	fputs("\nViolations\n", out);
	for (size_t i = 0; i < r->n_violations; i++) {
		const struct sim_violation *v = &r->violations[i];

		fprintf(out, "  %s, %" PRIu64 " times, first at %s in %s (%s:%u): %s\n", v->kind,
			v->count, text_from_ps(v->time, time, sizeof(time)), v->where, v->file,
			v->line, v->text);
	}
}

static void speed(const struct run_record *r, FILE *out)
{
	double wall = r->host.wall_s > 0 ? r->host.wall_s : 1e-9;
	char rate[32];

	fprintf(out,
		"\nSimulator: %.3f s for %" PRIu64 " events (%s/s), %.3g simulated seconds a real "
		"second, peak %.1f MiB, engine %s\n",
		r->host.wall_s, r->events,
		text_from_count((double)r->events / wall, rate, sizeof(rate)),
		(double)r->sim_time / 1e12 / wall, (double)r->host.rss_bytes / (1 << 20),
		r->engine);
}

void report_run(const struct run_record *r, bool all, FILE *out)
{
	const struct metric **v;
	size_t n = metrics_sorted(r->metrics, &v), others = count_in(v, n, OTHER), shown;

	head(r, out);
	for (size_t s = 0; s < SECTIONS; s++) {
		if (!count_in(v, n, s) || (s == OTHER && !all))
			continue;
		fprintf(out, "\n%s\n", sections[s].title);
		shown = scalars(v, n, s, out);
		shown += histograms(v, n, s, out);
		if (!shown)
			fputs("  none\n", out);
	}
	if (others && !all)
		fprintf(out, "\n%zu other figures: --all shows them\n", others);
	violations(r, out);
	speed(r, out);
	free(v);
}

static void cell_of(struct table *t, const struct metric *m, double q)
{
	char text[64];

	if (!m)
		table_cell(t, "%s", "-");
	else if (m->desc->kind == METRIC_COUNTER)
		table_cell(t, "%s", text_from_count((double)m->value, text, sizeof(text)));
	else if (m->desc->kind == METRIC_GAUGE)
		table_cell(t, "%s", format_value(m->gauge, m->desc->unit, text, sizeof(text)));
	else if (m->series)
		series_cell(t, m);
	else
		table_cell(t, "%s",
			   format_value((double)hist_quantile(&m->hist, q), m->desc->unit, text,
					sizeof(text)));
}

/*
 * What is shown of many runs: the latency of a micro-benchmark's loop, else of the operation with
 * the most time in it. Of one of the runs; NULL if none has any.
 */
static const struct metric *main_operation(const struct run_record *r, size_t n)
{
	const struct metric *best = NULL, *loop = NULL;
	const struct metric **v;

	for (size_t i = 0; i < n; i++) {
		size_t k = metrics_sorted(r[i].metrics, &v);

		for (size_t m = 0; m < k; m++) {
			if (!strcmp(v[m]->desc->name, "workload.loop_time"))
				loop = v[m];
			if (!strcmp(v[m]->desc->name, "op.latency") &&
			    (!best || v[m]->hist.sum > best->hist.sum))
				best = v[m];
		}
		free(v);
	}
	return loop ? loop : best;
}

void report_runs(const struct run_record *r, size_t n, FILE *out)
{
	static const char *const titles[] = { "machine", "threads", "policy", "seed",
					      "throughput" };
	const struct metric *op = main_operation(r, n);
	const char *title = op && *op->label ? op->label : op ? "loop" : "op";
	struct table *t = table_new();
	char text[96];

	for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
		table_column(t, titles[i], i == 0 || i == 2 ? TABLE_LEFT : TABLE_RIGHT);
	snprintf(text, sizeof(text), "%s p50", title);
	table_column(t, text, TABLE_RIGHT);
	snprintf(text, sizeof(text), "%s p99", title);
	table_column(t, text, TABLE_RIGHT);
	table_column(t, "simulated", TABLE_RIGHT);
	table_column(t, "real s", TABLE_RIGHT);
	table_column(t, "ended", TABLE_LEFT);
	for (size_t i = 0; i < n; i++) {
		const struct metric *latency = op ? metric_find(r[i].metrics, op->desc->name,
								op->label)
						  : NULL;

		table_cell(t, "%s", r[i].machine);
		table_cell(t, "%" PRIu32, r[i].threads);
		table_cell(t, "%s", r[i].policy);
		table_cell(t, "%" PRIu64, r[i].seed);
		cell_of(t, metric_find(r[i].metrics, "workload.ops_per_s", ""), 0);
		cell_of(t, latency, 0.5);
		cell_of(t, latency, 0.99);
		table_cell(t, "%s", text_from_ps(r[i].sim_time, text, sizeof(text)));
		table_cell(t, "%.2f", r[i].host.wall_s);
		if (r[i].n_violations)
			table_cell(t, "%s, %zu violations", r[i].end, r[i].n_violations);
		else
			table_cell(t, "%s", r[i].end);
	}
	if (n)
		fprintf(out, "%s\n", r[0].workload);
	table_print(t, out, 2);
	table_free(t);
	for (size_t i = 0; i < n; i++)
		if (run_ended_badly(&r[i])) {
			fputs("\nThe first run that ended badly:\n", out);
			head(&r[i], out);
			violations(&r[i], out);
			break;
		}
}
