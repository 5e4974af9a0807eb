/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What all plots share: choosing runs, sorting them into series, reading one figure of each.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/plot.h"

static bool one_situation(const struct plot_runs *p, unsigned int except, struct err *err)
{
	char there[500] = "";
	size_t used = 0, kinds = 0;

	for (size_t i = 0; i < p->n; i++) {
		bool first = true;
		char *title;

		for (size_t k = 0; k < i && first; k++)
			first = !run_same_but(&p->rows[i], &p->rows[k], except);
		if (!first)
			continue;
		title = run_title(&p->rows[i], except);
		if (title && used < sizeof(there))
			used += (size_t)snprintf(there + used, sizeof(there) - used, "%s%s",
						 kinds ? "; " : "", title);
		free(title);
		kinds++;
	}
	if (kinds == 1)
		return true;
	return err_set(err,
		       "the runs are of %zu situations, a plot shows one: choose by --workload, "
		       "--machine, --threads or --scenario among: %s",
		       kinds, there);
}

static bool sort_into_series(struct plot_runs *p, struct err *err)
{
	p->series = calloc(p->n, sizeof(*p->series));
	p->series_of = calloc(p->n, sizeof(*p->series_of));
	if (!p->series || !p->series_of)
		return err_set(err, "out of memory");
	for (size_t i = 0; i < p->n; i++) {
		size_t s = 0;

		while (s < p->n_series && strcmp(p->series[s], p->rows[i].policy))
			s++;
		if (s == p->n_series)
			p->series[p->n_series++] = p->rows[i].policy;
		p->series_of[i] = s;
	}
	return true;
}

bool plot_runs_get(struct plot_runs *p, struct store *store, const struct plot_options *o,
		   unsigned int free_dims, struct err *err)
{
	unsigned int except = free_dims | 1u << DIM_POLICY;
	size_t left_out;

	*p = (struct plot_runs){ 0 };
	if (store_runs(store, &o->filter, &p->rows, &p->n, &left_out, err) &&
	    one_situation(p, except, err) && sort_into_series(p, err)) {
		p->title = run_title(&p->rows[0], except);
		return true;
	}
	plot_runs_free(p);
	return false;
}

void plot_runs_free(struct plot_runs *p)
{
	free(p->series);
	free(p->series_of);
	free(p->title);
	store_free_runs(p->rows, p->n);
	*p = (struct plot_runs){ 0 };
}

static size_t count_seeds(const struct plot_runs *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		bool first = true;

		for (size_t k = 0; k < i && first; k++)
			first = p->rows[k].seed != p->rows[i].seed;
		n += first;
	}
	return n;
}

void plot_title(struct gnuplot *g, const struct plot_runs *p, const struct plot_options *o,
		const char *what)
{
	size_t seeds = count_seeds(p);
	char text[512];

	snprintf(text, sizeof(text), "%s: %s (%zu seed%s)", what, p->title ? p->title : "", seeds,
		 seeds == 1 ? "" : "s");
	fputs("set title ", g->script);
	gnuplot_string(g, o->title ? o->title : text);
	fputc('\n', g->script);
}

struct wanted {
	const char *label, *stat;
	char *unit;
	size_t unit_size;
	double value;
};

static void take(void *arg, const struct run_value *v)
{
	struct wanted *w = arg;

	if (strcmp(v->label, w->label) || strcmp(v->stat, w->stat))
		return;
	w->value = v->value;
	if (w->unit)
		snprintf(w->unit, w->unit_size, "%s", v->unit);
}

double *plot_values(const struct plot_runs *p, struct store *store, const char *metric,
		    const char *label, const char *stat, char *unit, size_t unit_size,
		    struct err *err)
{
	double *values = calloc(p->n, sizeof(*values));

	if (!values) {
		err_set(err, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < p->n; i++) {
		struct wanted w = { .label = label,
				    .stat = stat,
				    .unit = unit,
				    .unit_size = unit_size,
				    .value = NAN };

		if (!store_values(store, p->rows[i].id, metric, take, &w, err)) {
			free(values);
			return NULL;
		}
		values[i] = w.value;
	}
	return values;
}

struct labels {
	char **v;
	size_t n;
};

static void collect(void *arg, const struct run_value *v)
{
	struct labels *l = arg;
	char **more;

	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i], v->label))
			return;
	more = realloc(l->v, (l->n + 1) * sizeof(*l->v));
	if (!more)
		abort();
	l->v = more;
	l->v[l->n++] = strdup(v->label);
}

static int compare_labels(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool plot_labels(const struct plot_runs *p, struct store *store, const char *metric, char ***labels,
		 size_t *n, struct err *err)
{
	struct labels l = { 0 };

	for (size_t i = 0; i < p->n; i++) {
		if (!store_values(store, p->rows[i].id, metric, collect, &l, err)) {
			plot_labels_free(l.v, l.n);
			return false;
		}
	}
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), compare_labels);
	*labels = l.v;
	*n = l.n;
	return true;
}

void plot_labels_free(char **labels, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(labels[i]);
	free(labels);
}
