/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gathers a recording's comparison from the metrics of its replays. Which metrics belong together
 * is in the tables here; how it is shown is in recording_print.c and recording_plot.c.
 */
#include "analysis/recording.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void row_init(struct recording_row *row, const char *name, const char *class)
{
	row->name = strdup(name);
	row->class = strdup(class);
	hist_init(&row->recorded);
	hist_init(&row->simulated);
}

static void row_free(struct recording_row *row)
{
	free(row->name);
	free(row->class);
	hist_free(&row->recorded);
	hist_free(&row->simulated);
}

void recording_init(struct recording_report *r)
{
	memset(r, 0, sizeof(*r));
	row_init(&r->lock[0], "mmap_lock", "hold");
	row_init(&r->lock[1], "mmap_lock", "wait");
}

static void counts_free(struct recording_count *count, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(count[i].name);
	free(count);
}

void recording_free(struct recording_report *r)
{
	for (size_t i = 0; i < r->n_ops; i++)
		row_free(&r->op[i]);
	free(r->op);
	row_free(&r->lock[0]);
	row_free(&r->lock[1]);
	counts_free(r->count, r->n_counts);
	counts_free(r->inferred, r->n_inferred);
}

double recording_ns(const struct hist *h, enum recording_quantile q)
{
	static const double quantile[RECORDING_QUANTILES] = { 0.5, 0.9, 0.99 };

	return (double)hist_quantile(h, quantile[q]) / 1000;
}

double recording_error(double recorded, double simulated)
{
	return recorded > 0 ? simulated / recorded - 1 : NAN;
}

/* ---- gathering ---- */

static void merge(struct hist *into, const struct metrics *m, const char *name, const char *label)
{
	const struct metric *metric = metric_find(m, name, label);

	if (metric)
		hist_merge(into, &metric->hist);
}

/* "munmap 64K" */
static struct recording_row *row_of(struct recording_report *r, const char *label)
{
	const char *space = strchr(label, ' ');
	size_t n = space ? (size_t)(space - label) : strlen(label);
	struct recording_row *row;
	char name[32];

	snprintf(name, sizeof(name), "%.*s", (int)n, label);
	for (size_t i = 0; i < r->n_ops; i++)
		if (!strcmp(r->op[i].name, name) && !strcmp(r->op[i].class, space ? space + 1 : ""))
			return &r->op[i];
	r->op = realloc(r->op, (r->n_ops + 1) * sizeof(*r->op));
	row = &r->op[r->n_ops++];
	row_init(row, name, space ? space + 1 : "");
	return row;
}

static struct recording_count *count_of(struct recording_count **all, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (!strcmp((*all)[i].name, name))
			return &(*all)[i];
	*all = realloc(*all, (*n + 1) * sizeof(**all));
	(*all)[*n] = (struct recording_count){ .name = strdup(name) };
	return &(*all)[(*n)++];
}

static double value_of(const struct metrics *m, const char *name, const char *label)
{
	const struct metric *metric = metric_find(m, name, label);

	if (!metric)
		return 0;
	return metric->desc->kind == METRIC_COUNTER ? (double)metric->value : metric->gauge;
}

/* The recorder's kinds and what the simulated kernel counts of the same. */
static const struct {
	const char *prefix, *recorded, *simulated, *unseen; /* of simulated, not by the recorder */
	const char *also[2][2]; /* other labels of the simulated metric that are of a kind */
} pairs[] = {
	{ "ipi",
	  "workload.recorded_ipis",
	  "ipi.sent",
	  "ipi.sent_unseen",
	  { { "other", "call" }, { "other", "table-sync" } } },
	{ "flush", "workload.recorded_flushes", "tlb.flush", "tlb.flush_unseen", { { NULL } } },
	{ "full_flush",
	  "workload.recorded_full_flushes",
	  "tlb.flush_full",
	  "tlb.flush_full_unseen",
	  { { NULL } } },
};

/* What the recorder would have seen of it. */
static double seen_of(const struct metrics *m, size_t pair, const char *label)
{
	return value_of(m, pairs[pair].simulated, label) - value_of(m, pairs[pair].unseen, label);
}

static void add_counts(struct recording_report *r, const struct metrics *m,
		       const struct metric *const *v, size_t n)
{
	char name[96];

	for (size_t p = 0; p < sizeof(pairs) / sizeof(*pairs); p++)
		for (size_t i = 0; i < n; i++) {
			struct recording_count *c;

			if (strcmp(v[i]->desc->name, pairs[p].recorded))
				continue;
			snprintf(name, sizeof(name), "%s_%s", pairs[p].prefix, v[i]->label);
			c = count_of(&r->count, &r->n_counts, name);
			c->recorded = v[i]->gauge;
			c->simulated += seen_of(m, p, v[i]->label);
			for (int k = 0; k < 2; k++)
				if (pairs[p].also[k][0] &&
				    !strcmp(pairs[p].also[k][0], v[i]->label))
					c->simulated += seen_of(m, p, pairs[p].also[k][1]);
		}
}

static void add_inferred(struct recording_report *r, const struct metric *const *v, size_t n)
{
	static const char *const names[] = { "replay.inferred_",     "replay.errors",
					     "replay.segv",          "replay.failed_calls",
					     "replay.skipped_calls", "replay.lost_events" };

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++)
			if (!strncmp(v[i]->desc->name, names[k], strlen(names[k])))
				count_of(&r->inferred, &r->n_inferred,
					 v[i]->desc->name + sizeof("replay.") - 1)
					->simulated += v[i]->gauge;
}

static void add_calls(struct recording_report *r, const struct metrics *m,
		      const struct metric *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool recorded = !strcmp(v[i]->desc->name, "workload.recorded_latency_by_size");

		if (recorded && !r->runs)
			hist_merge(&row_of(r, v[i]->label)->recorded, &v[i]->hist);
		if (strcmp(v[i]->desc->name, "replay.traced_latency"))
			continue;
		hist_merge(&row_of(r, v[i]->label)->simulated, &v[i]->hist);
		r->op_time.simulated += v[i]->hist.sum;
	}
	if (!r->runs) {
		merge(&r->lock[0].recorded, m, "workload.recorded_lock_hold", "");
		merge(&r->lock[1].recorded, m, "workload.recorded_lock_wait", "");
	}
	merge(&r->lock[0].simulated, m, "mmap_lock.traced_hold", "");
	merge(&r->lock[1].simulated, m, "mmap_lock.traced_wait", "");
}

bool recording_add(struct recording_report *r, const struct metrics *m, struct err *err)
{
	const struct metric **v;
	size_t n;

	if (!metric_find(m, "workload.recorded_span", ""))
		return err_set(err, "the run is no replay of a recording");
	n = metrics_sorted(m, &v);
	add_calls(r, m, v, n);
	add_counts(r, m, v, n);
	add_inferred(r, v, n);
	free(v);
	r->op_time.recorded = value_of(m, "workload.recorded_op_time", "");
	r->run_time.recorded = value_of(m, "workload.recorded_span", "");
	r->run_time.simulated += value_of(m, "replay.span", "");
	r->runs++;
	return true;
}
