// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reads back what an earlier calibration left in a machine file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/calibrate/calibrate.h"

struct row {
	char *unit;
	double min, median, spread;
	uint64_t rounds, repeats, outliers, discarded;
};

#define R(name_, type_)                                                                            \
	{                                                                                          \
		.name = #name_, .type = type_, .offset = offsetof(struct row, name_), .help = ""   \
	}

static const struct param row_params[] = {
	R(unit, PARAM_STRING),   R(min, PARAM_DOUBLE),    R(median, PARAM_DOUBLE),
	R(spread, PARAM_DOUBLE), R(rounds, PARAM_U64),    R(repeats, PARAM_U64),
	R(outliers, PARAM_U64),  R(discarded, PARAM_U64), PARAM_END
};

static bool read_row(const struct yaml_node *map, const char *name, struct earlier *e, size_t i,
		     struct err *err)
{
	struct row r = { 0 };
	bool ok = param_init(&r, row_params, err) && yaml_bind(map, &r, row_params, NULL, err);

	if (ok) {
		snprintf(e->v[i].name, sizeof(e->v[i].name), "%s", name);
		snprintf(e->v[i].unit, sizeof(e->v[i].unit), "%s", r.unit);
		e->v[i].s = (struct summary){ .min = r.min,
					      .median = r.median,
					      .spread = r.spread,
					      .rounds = r.rounds,
					      .repeats = r.repeats,
					      .outliers = r.outliers,
					      .discarded = r.discarded };
	}
	param_free(&r, row_params);
	return ok;
}

static void copy_text(const struct yaml_node *map, const char *key, char *buf, size_t size)
{
	const struct yaml_node *node = yaml_get(map, key);

	snprintf(buf, size, "%s", node && node->kind == YAML_SCALAR ? node->text : "");
}

static bool read_figures(const struct yaml_node *root, const char *path, struct earlier *e,
			 struct err *err)
{
	const struct yaml_node *c = yaml_get(root, "calibration"), *figures;

	figures = c && c->kind == YAML_MAP ? yaml_get(c, "figures") : NULL;
	if (!figures || figures->kind != YAML_MAP || !figures->n)
		return err_set(err,
			       "%s: holds no figures to check against, expected a file written by "
			       "mmsim calibrate -o",
			       path);
	copy_text(c, "base", e->base, sizeof(e->base));
	copy_text(c, "date", e->date, sizeof(e->date));
	e->v = calloc(figures->n, sizeof(*e->v));
	if (!e->v)
		return err_set(err, "out of memory");
	for (; e->n < figures->n; e->n++) {
		const struct yaml_node *item = figures->items[e->n];

		if (item->kind != YAML_MAP)
			return err_at(err, item->where, "a figure: expected a mapping");
		if (!read_row(item, figures->keys[e->n]->text, e, e->n, err))
			return false;
	}
	return true;
}

bool earlier_load(const char *path, struct earlier *e, struct err *err)
{
	struct machine_desc desc = { 0 };
	struct yaml_doc *doc;
	bool ok;

	*e = (struct earlier){ 0 };
	/* As a machine, so that a spoilt file is told before a minute of measuring. */
	if (!machine_load(path, &desc, &doc, err))
		return false;
	ok = read_figures(yaml_root(doc), path, e, err);
	yaml_free(doc);
	machine_desc_free(&desc);
	return ok;
}

void earlier_free(struct earlier *e)
{
	free(e->v);
	*e = (struct earlier){ 0 };
}
