/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the two files of configs/validation to single runs, and from outcomes to figures. Which
 * metric a figure is, in which unit, is one table below.
 */
#include "cli/validate_tables.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/datadir.h"
#include "sim/base/text.h"
#include "workloads/xalloc.h"

enum stat { STAT_GAUGE, STAT_MEAN, STAT_MEDIAN, STAT_PER_LOOP };

/* What a series measures: a metric, how it is read, and the factor to the unit. */
static const struct figure {
	const char *name, *unit, *metric;
	enum stat stat;
	double factor;
	bool cycles; /* times the machine's clock */
} figures[] = {
	{ "loops_per_s", "loops a second", "workload.ops_per_s", STAT_GAUGE, 1, false },
	{ "loop_ns", "ns a loop", "workload.loop_time", STAT_MEAN, 1e-3, false },
	{ "loop_us", "us a loop", "workload.loop_time", STAT_MEAN, 1e-6, false },
	{ "s_per_10000", "s for 10,000 loops", "workload.loop_time", STAT_MEAN, 1e-8, false },
	{ "handler_us", "us to the handler", "workload.to_handler", STAT_MEAN, 1e-6, false },
	{ "flush_cycles", "cycles a flush", "tlb.flush_latency", STAT_MEDIAN, 1e-12, true },
	{ "misses_per_loop", "TLB misses", "tlb.user_misses", STAT_PER_LOOP, 1, false },
};

#define ROW(field) .name = #field, .offset = offsetof(struct validation_spec, field)

static const struct param spec_params[] = {
	{ ROW(machine), .type = PARAM_STRING, .def = "", .help = "machine file of all points" },
	{ ROW(policy), .type = PARAM_STRING, .def = "", .help = "policy set" },
	{ ROW(workload), .type = PARAM_STRING, .def = "", .help = "load" },
	{ ROW(figure), .type = PARAM_STRING, .def = "", .help = "what is compared" },
	{ ROW(x), .type = PARAM_STRING, .def = "", .help = "the published list of x values" },
	{ ROW(vary), .type = PARAM_STRING, .def = "", .help = "what x sets: threads, or a KEY" },
	{ ROW(normalise), .type = PARAM_STRING, .def = "",
	  .help = "this point is made to agree by one factor for the whole series" },
	{ ROW(reason), .type = PARAM_STRING, .def = "", .help = "suspected, if it is off" },
	{ ROW(fitted), .type = PARAM_LIST, .def = "", .help = "x of points fitted to" },
	{ ROW(threads), .type = PARAM_U32, .def = "0", .max = 65536, .help = "of the load" },
	{ ROW(seeds), .type = PARAM_U32, .def = "3", .min = 1, .max = 100, .help = "averaged" },
	{ ROW(duration), .type = PARAM_PS, .def = "0", .help = "simulated time" },
	{ ROW(limit_mean), .type = PARAM_DOUBLE, .def = "0.15", .max = 10,
	  .help = "mean error beyond which a series is called off" },
	{ ROW(limit_worst), .type = PARAM_DOUBLE, .def = "0.4", .max = 10,
	  .help = "error of a point beyond which a series is called off" },
	PARAM_END,
};

static const struct figure *find_figure(const char *name)
{
	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
		if (!strcmp(figures[i].name, name))
			return &figures[i];
	return NULL;
}

/* ---- levels ---- */

static void add_setting(struct validation_spec *s, const char *key, const char *value,
			struct where where)
{
	s->set = xrealloc(s->set, (s->n_set + 1) * sizeof(*s->set));
	s->set[s->n_set++] =
		(struct setting){ .key = xstrdup(key), .value = xstrdup(value), .where = where };
}

static bool add_settings(struct validation_spec *s, const struct yaml_node *map, struct err *err)
{
	if (map->kind != YAML_MAP)
		return err_at(err, map->where, "set: expected a map of KEY: VALUE");
	for (size_t i = 0; i < map->n; i++) {
		if (map->items[i]->kind != YAML_SCALAR)
			return err_at(err, map->items[i]->where, "%s: expected one value",
				      map->keys[i]->text);
		add_setting(s, map->keys[i]->text, map->items[i]->text, map->items[i]->where);
	}
	return true;
}

/* A level inherits all of its parent, then says its own. node may be NULL. */
static bool read_level(struct validation_spec *s, const struct validation_spec *parent,
		       const struct yaml_node *node, struct err *err)
{
	static const char *const skip[] = { "series", "points", "set", NULL };
	const struct yaml_node *set;

	memset(s, 0, sizeof(*s));
	if (!param_init(s, spec_params, err))
		return false;
	if (parent && !param_copy(s, parent, spec_params, err))
		return false;
	for (size_t i = 0; parent && i < parent->n_set; i++)
		add_setting(s, parent->set[i].key, parent->set[i].value, parent->set[i].where);
	if (!node)
		return true;
	set = node->kind == YAML_MAP ? yaml_get(node, "set") : NULL;
	return yaml_bind(node, s, spec_params, skip, err) && (!set || add_settings(s, set, err));
}

static void free_level(struct validation_spec *s)
{
	param_free(s, spec_params);
	for (size_t i = 0; i < s->n_set; i++) {
		free(s->set[i].key);
		free(s->set[i].value);
	}
	free(s->set);
}

/* ---- points ---- */

static bool is_fitted(const struct validation_spec *s, const char *x)
{
	for (char **f = s->fitted; f && *f; f++)
		if (!strcmp(*f, x))
			return true;
	return !strcmp(s->normalise, x) && *x;
}

static bool add_runs(struct validation_plan *v, size_t series, size_t point,
		     const struct validation_spec *s, uint32_t seeds, struct err *err)
{
	for (uint32_t seed = 1; seed <= (seeds ? seeds : s->seeds); seed++) {
		struct planned_run *r;

		v->plan.runs = xrealloc(v->plan.runs, (v->plan.n + 1) * sizeof(*v->plan.runs));
		v->runs = xrealloc(v->runs, (v->plan.n + 1) * sizeof(*v->runs));
		v->runs[v->plan.n] = (struct validation_run){ series, point };
		r = &v->plan.runs[v->plan.n++];
		*r = (struct planned_run){ .spec = { .workload = s->workload,
						     .machine = s->machine,
						     .policy = s->policy,
						     .threads = s->threads,
						     .duration = s->duration,
						     .seed = seed,
						     .set = s->set,
						     .n_set = s->n_set },
					   .workload = xstrdup(s->workload),
					   .machine = xstrdup(s->machine),
					   .policy = xstrdup(s->policy) };
		if (seed == 1 && !experiment_check(&r->spec, err))
			return err_prefix(err, "%s, %s", v->series[series].table,
					  v->series[series].name);
	}
	return true;
}

/* What x sets, if anything. */
static bool apply_x(struct validation_spec *s, const char *x, struct where where, struct err *err)
{
	if (!*s->vary || !*x)
		return true;
	if (!strcmp(s->vary, "threads"))
		return param_set(s, spec_params, "threads", x, where, err);
	add_setting(s, s->vary, x, where);
	return true;
}

static bool add_point(struct validation_plan *v, size_t series, const char *x,
		      const struct yaml_node *value, const struct yaml_node *level, uint32_t seeds,
		      struct err *err)
{
	struct validation_series *out = &v->series[series];
	struct validation_spec *s = xcalloc(1, sizeof(*s));
	struct validation_point p = { 0 };

	v->levels = xrealloc(v->levels, (v->n_levels + 1) * sizeof(*v->levels));
	v->levels[v->n_levels++] = s;
	if (!read_level(s, &v->spec[series], level, err) || !apply_x(s, x, value->where, err))
		return false;
	if (value->kind != YAML_SCALAR || !text_to_double(value->text, &p.published, err))
		return err_at(err, value->where, "%s %s: expected a number", out->name, x);
	if (p.published <= 0)
		return err_at(err, value->where, "%s %s: expected a number above 0", out->name, x);
	p.x = xstrdup(x);
	p.fitted = is_fitted(s, *x ? x : out->name);
	out->points = xrealloc(out->points, (out->n + 1) * sizeof(*out->points));
	out->points[out->n++] = p;
	return add_runs(v, series, out->n - 1, s, seeds, err);
}

/* A list over the table's x, a map of x to figure, or a single figure. */
static bool add_points(struct validation_plan *v, size_t series, const struct yaml_node *table,
		       const struct yaml_node *values, const struct yaml_node *level,
		       uint32_t seeds, struct err *err)
{
	const struct yaml_node *points = level ? yaml_get(level, "points") : NULL, *x;

	if (values->kind == YAML_SCALAR)
		return add_point(v, series, "", values, NULL, seeds, err);
	if (values->kind == YAML_MAP) {
		for (size_t i = 0; i < values->n; i++) {
			const char *key = values->keys[i]->text;

			if (!add_point(v, series, key, values->items[i],
				       points ? yaml_get(points, key) : NULL, seeds, err))
				return false;
		}
		return true;
	}
	x = yaml_get(table, v->spec[series].x);
	if (!x || x->kind != YAML_SEQ || x->n != values->n)
		return err_at(err, values->where, "%s: no list '%s' of %zu values beside it",
			      v->series[series].name, v->spec[series].x, values->n);
	for (size_t i = 0; i < values->n; i++)
		if (!add_point(v, series, x->items[i]->text, values->items[i], NULL, seeds, err))
			return false;
	return true;
}

/* ---- tables ---- */

static bool add_series(struct validation_plan *v, const char *table, const char *name,
		       const struct validation_spec *above, const struct yaml_node *level,
		       uint32_t seeds, struct err *err)
{
	const struct yaml_node *data = yaml_get(yaml_root(v->published), table);
	const struct yaml_node *values = data ? yaml_get(data, name) : NULL;
	size_t i = v->n_series;
	const struct figure *figure;

	if (!values)
		return err_at(err, level->where, "%s has no series '%s' in published.yaml", table,
			      name);
	v->series = xrealloc(v->series, (i + 1) * sizeof(*v->series));
	v->spec = xrealloc(v->spec, (i + 1) * sizeof(*v->spec));
	memset(&v->series[i], 0, sizeof(*v->series));
	v->n_series++;
	if (!read_level(&v->spec[i], above, level, err))
		return false;
	figure = find_figure(v->spec[i].figure);
	if (!figure)
		return err_at(err, level->where, "%s, %s: no figure '%s'", table, name,
			      v->spec[i].figure);
	v->series[i].table = xstrdup(table);
	v->series[i].name = xstrdup(name);
	v->series[i].x_name = xstrdup(v->spec[i].x);
	v->series[i].unit = xstrdup(figure->unit);
	return add_points(v, i, data, values, level, seeds, err);
}

static bool add_table(struct validation_plan *v, const char *name, const struct yaml_node *node,
		      uint32_t seeds, struct err *err)
{
	const struct yaml_node *series = yaml_get(node, "series");
	struct validation_spec s;
	bool ok = read_level(&s, NULL, node, err);

	if (ok && (!series || series->kind != YAML_MAP))
		ok = err_at(err, node->where, "%s: expected a map 'series'", name);
	for (size_t i = 0; ok && i < series->n; i++)
		ok = add_series(v, name, series->keys[i]->text, &s, series->items[i], seeds, err);
	free_level(&s);
	return ok;
}

static bool wants(char *const *wanted, const char *table)
{
	if (!*wanted)
		return true;
	for (; *wanted; wanted++)
		if (!strcmp(*wanted, table))
			return true;
	return false;
}

static bool check_wanted(char *const *wanted, const struct yaml_node *tables, struct err *err)
{
	for (; *wanted; wanted++) {
		struct nearest near;

		if (yaml_get(tables, *wanted))
			continue;
		nearest_init(&near, *wanted);
		for (size_t i = 0; i < tables->n; i++)
			nearest_offer(&near, tables->keys[i]->text);
		if (nearest_result(&near))
			return err_set(err, "no table '%s'; did you mean '%s'?", *wanted,
				       nearest_result(&near));
		return err_set(err, "no table '%s' in configs/validation/tables.yaml", *wanted);
	}
	return true;
}

/* Nothing published may be left out in silence. */
static bool check_complete(const struct validation_plan *v, struct err *err)
{
	const struct yaml_node *all = yaml_root(v->published), *root = yaml_root(v->tables);
	const struct yaml_node *others = yaml_get(root, "others");

	for (size_t i = 0; i < all->n; i++) {
		const char *name = all->keys[i]->text;

		if (!yaml_get(yaml_get(root, "tables"), name) &&
		    !(others && yaml_get(others, name)))
			return err_at(err, all->keys[i]->where,
				      "%s: tables.yaml says neither how to run it nor why not",
				      name);
	}
	return true;
}

static struct yaml_doc *load(const char *name, struct err *err)
{
	char path[4096];

	if (!datadir_find("configs/validation", name, ".yaml", path, sizeof(path), err))
		return NULL;
	return yaml_load(path, err);
}

bool validation_plan_load(struct validation_plan *v, char *const *wanted, uint32_t seeds,
			  struct err *err)
{
	const struct yaml_node *tables;

	memset(v, 0, sizeof(*v));
	if (!(v->published = load("published", err)) || !(v->tables = load("tables", err)))
		return false;
	tables = yaml_get(yaml_root(v->tables), "tables");
	if (!tables || tables->kind != YAML_MAP)
		return err_at(err, yaml_root(v->tables)->where, "expected a map 'tables'");
	if (!check_complete(v, err) || !check_wanted(wanted, tables, err))
		return false;
	for (size_t i = 0; i < tables->n; i++) {
		const char *name = tables->keys[i]->text;

		if (wants(wanted, name) && !add_table(v, name, tables->items[i], seeds, err))
			return false;
	}
	return true;
}

void validation_plan_free(struct validation_plan *v)
{
	for (size_t i = 0; i < v->n_series; i++) {
		for (size_t k = 0; k < v->series[i].n; k++)
			free(v->series[i].points[k].x);
		free(v->series[i].points);
		free(v->series[i].table);
		free(v->series[i].name);
		free(v->series[i].x_name);
		free(v->series[i].unit);
		free_level(&v->spec[i]);
	}
	for (size_t i = 0; i < v->n_levels; i++) {
		free_level(v->levels[i]);
		free(v->levels[i]);
	}
	free(v->series);
	free(v->spec);
	free(v->levels);
	free(v->runs);
	plan_free(&v->plan);
	yaml_free(v->published);
	yaml_free(v->tables);
	memset(v, 0, sizeof(*v));
}

/* ---- figures ---- */

static double clock_hz(const struct outcome *o)
{
	for (size_t i = 0; i < o->n_config; i++) {
		uint64_t hz;
		struct err ignored = { 0 };

		if (!strcmp(o->config[i].key, "machine.clock") &&
		    text_to_hz(o->config[i].value, &hz, &ignored))
			return (double)hz;
	}
	return 0;
}

static double read_metric(const struct outcome *o, const struct figure *f,
			  const struct metric *metric)
{
	const struct metric *ops;

	switch (f->stat) {
	case STAT_GAUGE:
		return metric->gauge;
	case STAT_MEAN:
		return hist_mean(&metric->hist);
	case STAT_MEDIAN:
		return (double)hist_quantile(&metric->hist, 0.5);
	case STAT_PER_LOOP:
		ops = metric_find(o->metrics, "workload.ops", "");
		return ops && ops->value ? (double)metric->value / (double)ops->value : 0;
	}
	return 0;
}

bool validation_plan_add(struct validation_plan *v, const struct planned_run *run,
			 const struct outcome *o, struct err *err)
{
	const struct validation_run *r = &v->runs[run - v->plan.runs];
	const struct validation_series *s = &v->series[r->series];
	const struct figure *f = find_figure(v->spec[r->series].figure);
	const struct metric *metric = metric_find(o->metrics, f->metric, "");
	size_t seeds = 0;

	if (o->end == SIM_END_DEADLOCK || o->end == SIM_END_DIED)
		return err_set(err, "%s, %s %s: %s", s->table, s->name, s->points[r->point].x,
			       o->message);
	if (o->n_violations)
		return err_set(err, "%s, %s %s: %s: %s", s->table, s->name, s->points[r->point].x,
			       o->violations[0].kind, o->violations[0].text);
	if (!metric)
		return err_set(err, "%s, %s: the run has no metric %s", s->table, s->name,
			       f->metric);
	for (size_t i = 0; i < v->plan.n; i++)
		seeds += v->runs[i].series == r->series && v->runs[i].point == r->point;
	s->points[r->point].simulated += read_metric(o, f, metric) * f->factor *
					 (f->cycles ? clock_hz(o) : 1) / (double)seeds;
	return true;
}

void validation_plan_finish(struct validation_plan *v)
{
	for (size_t i = 0; i < v->n_series; i++) {
		struct validation_series *s = &v->series[i];
		double factor = 1;

		for (size_t k = 0; k < s->n; k++)
			if (*s->points[k].x && !strcmp(s->points[k].x, v->spec[i].normalise))
				factor = s->points[k].published / s->points[k].simulated;
		for (size_t k = 0; k < s->n; k++)
			s->points[k].simulated *= factor;
	}
}

void validation_plan_others(const struct validation_plan *v,
			    void (*fn)(void *arg, const char *table, const char *why), void *arg)
{
	const struct yaml_node *others = yaml_get(yaml_root(v->tables), "others");

	for (size_t i = 0; others && i < others->n; i++)
		if (others->items[i]->kind == YAML_SCALAR)
			fn(arg, others->keys[i]->text, others->items[i]->text);
}

const char *validation_plan_source(const struct validation_plan *v, const char *table)
{
	const struct yaml_node *data = yaml_get(yaml_root(v->published), table);
	const struct yaml_node *source = data ? yaml_get(data, "source") : NULL;

	return source && source->kind == YAML_SCALAR ? source->text : "";
}
