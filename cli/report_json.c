/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A run as JSON. Keys whose values rightly differ between two runs of one seed hold one of: wall,
 * speed, host, run, db, events_per, rss, started, engine. So two outputs can be compared without
 * them, which is also why no other key may hold one of these words.
 */
#include <stdlib.h>

#include "cli/report.h"

static void histogram_object(struct json *j, const struct metric *m)
{
	static const struct {
		const char *key;
		double q;
	} quantiles[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p999", 0.999 } };
	const struct hist *h = &m->hist;

	json_u64(j, "count", h->count);
	json_double(j, "sum", h->sum);
	if (!h->count)
		return;
	json_u64(j, "min", h->min);
	json_u64(j, "max", h->max);
	json_double(j, "mean", hist_mean(h));
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
		json_u64(j, quantiles[i].key, hist_quantile(h, quantiles[i].q));
}

static void series_object(struct json *j, const struct series *s)
{
	json_double(j, "mean", series_mean(s));
	json_double(j, "max", series_max(s));
	json_u64(j, "bin_ps", s->width);
	json_array(j, "bins");
	for (size_t i = 0; i < series_bins(s); i++) {
		uint64_t covered;

		json_object(j, NULL);
		json_double(j, "mean", series_bin_mean(s, i, &covered));
		json_double(j, "max", s->bin[i].max);
		json_end_object(j);
	}
	json_end_array(j);
}

static void metric_object(struct json *j, const struct metric *m)
{
	json_object(j, NULL);
	json_string(j, "name", m->desc->name);
	json_string(j, "label", m->label);
	json_string(j, "unit", m->desc->unit);
	if (m->desc->kind == METRIC_COUNTER)
		json_u64(j, "value", m->value);
	else if (m->desc->kind == METRIC_GAUGE)
		json_double(j, "value", m->gauge);
	else if (m->series)
		series_object(j, m->series);
	else
		histogram_object(j, m);
	json_end_object(j);
}

static void metric_lists(struct json *j, const struct metrics *metrics)
{
	const struct metric **v;
	size_t n = metrics_sorted(metrics, &v);

	json_array(j, "metrics");
	for (size_t i = 0; i < n; i++)
		if (v[i]->desc->kind != METRIC_HISTOGRAM && v[i]->desc->kind != METRIC_SERIES)
			metric_object(j, v[i]);
	json_end_array(j);
	json_array(j, "series");
	for (size_t i = 0; i < n; i++)
		if (v[i]->desc->kind == METRIC_SERIES)
			metric_object(j, v[i]);
	json_end_array(j);
	json_array(j, "histograms");
	for (size_t i = 0; i < n; i++)
		if (v[i]->desc->kind == METRIC_HISTOGRAM)
			metric_object(j, v[i]);
	json_end_array(j);
	free(v);
}

static void violation_list(struct json *j, const struct run_record *r)
{
	json_array(j, "violations");
	for (size_t i = 0; i < r->n_violations; i++) {
		const struct sim_violation *v = &r->violations[i];

		json_object(j, NULL);
		json_string(j, "kind", v->kind);
		json_u64(j, "count", v->count);
		json_u64(j, "time_ps", v->time);
		json_string(j, "actor", v->where);
		json_string(j, "file", v->file);
		json_u64(j, "line", v->line);
		json_string(j, "text", v->text);
		json_end_object(j);
	}
	json_end_array(j);
}

static void host_object(struct json *j, const struct run_record *r)
{
	double wall = r->host.wall_s > 0 ? r->host.wall_s : 1e-9;

	json_object(j, "host");
	json_string(j, "name", r->host.name);
	json_string(j, "revision", r->host.revision);
	json_string(j, "version", r->host.version);
	json_end_object(j);
	json_double(j, "wall_s", r->host.wall_s);
	json_double(j, "events_per_s", (double)r->events / wall);
	json_double(j, "speed_simulated_per_real", (double)r->sim_time / 1e12 / wall);
	json_u64(j, "rss_bytes", r->host.rss_bytes);
	json_u64(j, "started", (uint64_t)r->host.started);
}

void report_json(const struct run_record *r, const char *db, int64_t id, struct json *j)
{
	json_object(j, NULL);
	if (db) {
		json_string(j, "db", db);
		json_u64(j, "run", (uint64_t)id);
	}
	json_string(j, "scenario", r->scenario);
	json_string(j, "workload", r->workload);
	json_string(j, "machine", r->machine);
	json_string(j, "policy", r->policy);
	json_string(j, "engine", r->engine);
	json_string(j, "settings", r->settings);
	json_u64(j, "seed", r->seed);
	json_u64(j, "threads", r->threads);
	json_u64(j, "cpus", r->cpus);
	json_u64(j, "duration_ps", r->duration);
	json_string(j, "end", r->end);
	json_string(j, "message", r->message);
	json_u64(j, "sim_time_ps", r->sim_time);
	json_u64(j, "events", r->events);
	metric_lists(j, r->metrics);
	violation_list(j, r);
	json_object(j, "config");
	for (size_t i = 0; i < r->n_config; i++)
		json_string(j, r->config[i].key, r->config[i].value);
	json_end_object(j);
	host_object(j, r);
	json_end_object(j);
}
