/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The comparison itself: runs are grouped by what they have in common, every figure of every run
 * becomes one observation, and observations of one figure become a mean for each variant.
 */
#define _GNU_SOURCE
#include "analysis/compare.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* What a person asks first; --metric and --stat take any other. */
static const struct {
	const char *metric;
	char *const stats[4];
} usual[] = {
	{ "workload.ops_per_s", { "value" } },
	{ "workload.loop_time", { "mean", "p99" } },
	{ "op.latency", { "p50", "p99" } },
	{ "ipi.*", { "value", "mean" } },
	{ "tlb.flush", { "value" } },
	{ "tlb.flush_full", { "value" } },
	{ "lock.wait", { "sum" } },
	{ "lock.hold*", { "sum" } },
};

/* Where metrics are named but no statistics of them. */
static char *const usual_stats[] = { "value", "mean", "p50", "p99", NULL };

/* A figure's name; observations refer to it by index. */
struct figure {
	char *metric, *label, *stat, *unit;
	bool counts;
};

struct observation {
	size_t context, figure, variant, run;
	double value;
};

struct compare_figures {
	struct figure *v;
	size_t n, room;
	struct observation *seen;
	size_t n_seen, room_seen;
	/* while reading */
	const struct compare_options *options;
	size_t context, variant, run, hint;
};

static bool listed(char *const *patterns, const char *text)
{
	for (; patterns && *patterns; patterns++)
		if (!fnmatch(*patterns, text, 0))
			return true;
	return false;
}

static bool is_usual(const struct run_value *v, char *const *stats)
{
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		if (!fnmatch(usual[i].metric, v->name, 0) &&
		    listed(stats ? stats : usual[i].stats, v->stat))
			return true;
	return false;
}

static bool wanted(const struct compare_options *o, const struct run_value *v)
{
	char *const *stats = o->stats && *o->stats ? o->stats : NULL;
	char both[256];

	if (!o->metrics || !*o->metrics)
		return is_usual(v, stats);
	snprintf(both, sizeof(both), "%s/%s", v->name, v->label);
	return listed(stats ? stats : usual_stats, v->stat) &&
	       (listed(o->metrics, v->name) || listed(o->metrics, both));
}

static bool is_figure(const struct figure *f, const struct run_value *v)
{
	return !strcmp(f->metric, v->name) && !strcmp(f->label, v->label) &&
	       !strcmp(f->stat, v->stat);
}

/* Runs list their figures in the same order, so the next one is nearly always where the hint is. */
static size_t find_figure(struct compare_figures *f, const struct run_value *v)
{
	struct figure *more;

	for (size_t k = 0; k < f->n; k++) {
		size_t i = (f->hint + k) % f->n;

		if (is_figure(&f->v[i], v)) {
			f->hint = i + 1;
			return i;
		}
	}
	if (f->n == f->room) {
		f->room = f->room ? 2 * f->room : 64;
		more = realloc(f->v, f->room * sizeof(*f->v));
		if (!more)
			abort();
		f->v = more;
	}
	f->v[f->n] = (struct figure){ .metric = strdup(v->name),
				      .label = strdup(v->label),
				      .stat = strdup(v->stat),
				      .unit = strdup(v->unit),
				      .counts = v->counts };
	return f->n++;
}

static void observe(void *arg, const struct run_value *v)
{
	struct compare_figures *f = arg;

	if (!wanted(f->options, v))
		return;
	if (f->n_seen == f->room_seen) {
		f->room_seen = f->room_seen ? 2 * f->room_seen : 256;
		f->seen = realloc(f->seen, f->room_seen * sizeof(*f->seen));
		if (!f->seen)
			abort();
	}
	f->seen[f->n_seen++] = (struct observation){ .context = f->context,
						     .figure = find_figure(f, v),
						     .variant = f->variant,
						     .run = f->run,
						     .value = v->value };
}

static size_t find_context(struct compare *c, const struct run_row *row)
{
	unsigned int except = 1u << c->by;

	for (size_t i = 0; i < c->n_contexts; i++)
		if (run_same_but(c->contexts[i].example, row, except))
			return i;
	c->contexts = realloc(c->contexts, (c->n_contexts + 1) * sizeof(*c->contexts));
	if (!c->contexts)
		abort();
	c->contexts[c->n_contexts] = (struct compare_context){ .title = run_title(row, except),
							       .example = row };
	return c->n_contexts++;
}

static size_t find_variant(struct compare *c, const char *value)
{
	for (size_t i = 0; i < c->n_variants; i++)
		if (!strcmp(c->variants[i], value))
			return i;
	c->variants = realloc(c->variants, (c->n_variants + 1) * sizeof(*c->variants));
	if (!c->variants)
		abort();
	c->variants[c->n_variants] = strdup(value);
	return c->n_variants++;
}

/* Variant 0 is the baseline. */
static bool choose_baseline(struct compare *c, const char *wish, struct err *err)
{
	const char *first = NULL, *found = NULL;
	char buf[RUN_DIM_SIZE], kept[RUN_DIM_SIZE], there[400] = "";
	size_t used = 0;

	for (size_t i = 0; i < c->n_runs && !found; i++) {
		const char *v = run_dim_value(&c->runs[i], c->by, buf);

		if (!strcmp(v, wish ? wish : "linux-6.18"))
			found = wish ? wish : "linux-6.18";
		if (!first)
			first = strcpy(kept, v);
	}
	if (!found && !wish)
		found = first;
	if (found) {
		find_variant(c, found);
		return true;
	}
	for (size_t i = 0; i < c->n_runs; i++)
		find_variant(c, run_dim_value(&c->runs[i], c->by, buf));
	for (size_t i = 0; i < c->n_variants && used < sizeof(there); i++)
		used += (size_t)snprintf(there + used, sizeof(there) - used, "%s%s", i ? ", " : "",
					 c->variants[i]);
	return err_set(err, "no run with %s '%s' to compare with; there is %s",
		       run_dim_names[c->by], wish, there);
}

/* The usual metrics come first, in the order of their table. */
static size_t rank_of(const char *metric)
{
	size_t i = 0;

	while (i < sizeof(usual) / sizeof(*usual) && fnmatch(usual[i].metric, metric, 0))
		i++;
	return i;
}

static int by_place(const void *a, const void *b, void *arg)
{
	const struct observation *x = a, *y = b;
	const struct figure *f = arg;
	const struct figure *p = &f[x->figure], *q = &f[y->figure];
	int d;

	if (x->context != y->context)
		return x->context < y->context ? -1 : 1;
	d = (int)rank_of(p->metric) - (int)rank_of(q->metric);
	d = d ? d : strcmp(p->metric, q->metric);
	d = d ? d : strcmp(p->label, q->label);
	d = d ? d : strcmp(p->stat, q->stat);
	if (d)
		return d;
	if (x->variant != y->variant)
		return x->variant < y->variant ? -1 : 1;
	return x->run < y->run ? -1 : x->run > y->run;
}

/* How many runs a variant has in a context: a counter that some of them lack counted 0 there. */
static size_t runs_of(const struct compare *c, size_t context, size_t variant)
{
	const struct run_row *example = c->contexts[context].example;
	char buf[RUN_DIM_SIZE];
	size_t n = 0;

	for (size_t i = 0; i < c->n_runs; i++)
		n += run_same_but(example, &c->runs[i], 1u << c->by) &&
		     !strcmp(run_dim_value(&c->runs[i], c->by, buf), c->variants[variant]);
	return n;
}

/* The observations [from, to) of one figure in one context, as a sample of one variant. */
static struct sample sample_variant(const struct compare *c, const struct observation *seen,
				    size_t n, size_t context, size_t variant, bool counts)
{
	size_t runs = runs_of(c, context, variant), k = 0;
	double *v = calloc(runs + 1, sizeof(*v));
	struct sample s;

	if (!v)
		abort();
	for (size_t i = 0; i < n && k < runs; i++)
		if (seen[i].variant == variant)
			v[k++] = seen[i].value;
	s = sample_of(v, counts ? runs : k);
	free(v);
	return s;
}

static void add_row(struct compare *c, const struct compare_row *row)
{
	c->rows = realloc(c->rows, (c->n_rows + 1) * sizeof(*c->rows));
	if (!c->rows)
		abort();
	c->rows[c->n_rows++] = *row;
}

static void compare_figure(struct compare *c, const struct figure *f,
			   const struct observation *seen, size_t n)
{
	size_t context = seen->context;
	struct sample base = sample_variant(c, seen, n, context, 0, f->counts);

	if (!base.n)
		return;
	for (size_t v = 1; v < c->n_variants; v++) {
		struct sample other = sample_variant(c, seen, n, context, v, f->counts);

		if (!other.n)
			continue;
		add_row(c, &(struct compare_row){
				   .context = context,
				   .variant = v,
				   .metric = f->metric,
				   .label = f->label,
				   .stat = f->stat,
				   .unit = f->unit,
				   .base = base,
				   .other = other,
				   .difference = other.mean - base.mean,
				   .interval = welch_interval(&base, &other, c->confidence),
			   });
	}
}

static void compare_all(struct compare *c)
{
	struct compare_figures *f = c->figures;
	size_t i = 0, end;

	for (size_t k = 0; k < c->n_contexts; k++)
		c->contexts[k].has_baseline = runs_of(c, k, 0) > 0;
	if (f->n_seen)
		qsort_r(f->seen, f->n_seen, sizeof(*f->seen), by_place, f->v);
	for (; i < f->n_seen; i = end) {
		for (end = i + 1; end < f->n_seen; end++)
			if (f->seen[end].context != f->seen[i].context ||
			    f->seen[end].figure != f->seen[i].figure)
				break;
		compare_figure(c, &f->v[f->seen[i].figure], f->seen + i, end - i);
	}
}

static bool read_figures(struct compare *c, struct store *store, struct err *err)
{
	struct compare_figures *f = c->figures;
	char buf[RUN_DIM_SIZE];

	for (size_t i = 0; i < c->n_runs; i++) {
		f->context = find_context(c, &c->runs[i]);
		f->variant = find_variant(c, run_dim_value(&c->runs[i], c->by, buf));
		f->run = i;
		if (!store_values(store, c->runs[i].id, NULL, observe, f, err))
			return false;
	}
	if (!f->n_seen)
		return err_set(err, "%s: no stored metric fits; see: mmsim list metrics",
			       store_path(store));
	return true;
}

struct compare *compare_runs(struct store *store, const struct run_filter *filter,
			     const struct compare_options *options, struct err *err)
{
	struct compare *c = calloc(1, sizeof(*c));

	if (!c || !(c->figures = calloc(1, sizeof(*c->figures)))) {
		free(c);
		err_set(err, "out of memory");
		return NULL;
	}
	c->by = options->by;
	c->confidence = options->confidence > 0 ? options->confidence : 0.95;
	c->figures->options = options;
	if (store_runs(store, filter, &c->runs, &c->n_runs, &c->left_out, err) &&
	    choose_baseline(c, options->baseline, err) && read_figures(c, store, err)) {
		c->baseline = c->variants[0];
		compare_all(c);
		return c;
	}
	compare_free(c);
	return NULL;
}

void compare_free(struct compare *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->figures->n; i++) {
		free(c->figures->v[i].metric);
		free(c->figures->v[i].label);
		free(c->figures->v[i].stat);
		free(c->figures->v[i].unit);
	}
	free(c->figures->v);
	free(c->figures->seen);
	free(c->figures);
	for (size_t i = 0; i < c->n_variants; i++)
		free(c->variants[i]);
	for (size_t i = 0; i < c->n_contexts; i++)
		free(c->contexts[i].title);
	free(c->variants);
	free(c->contexts);
	free(c->rows);
	store_free_runs(c->runs, c->n_runs);
	free(c);
}
