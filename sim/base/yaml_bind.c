/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Binds a YAML mapping to a parameter table. Says where each wrong key or value stands; what is
 * valid is the table's matter alone.
 */
#include "sim/base/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/param_value.h"
#include "sim/base/text.h"

struct binding {
	void *obj;
	const struct param *table;
	const char *const *skip;
	bool *set; /* by row */
	struct err *err;
};

static bool is_list(const struct param *row)
{
	return row->type == PARAM_LIST || row->type == PARAM_U32_LIST;
}

static bool is_skipped(const struct binding *b, const char *name)
{
	for (const char *const *s = b->skip; s && *s; s++) {
		if (!strcmp(*s, name))
			return true;
	}
	return false;
}

/* Does any row stand below "name."? */
static bool is_group(const struct param *table, const char *name)
{
	size_t n = strlen(name);

	for (; table->name; table++) {
		if (!strncmp(table->name, name, n) && table->name[n] == '.')
			return true;
	}
	return false;
}

static bool unknown_key(const struct binding *b, const char *name, struct where where)
{
	struct nearest n;

	nearest_init(&n, name);
	for (const struct param *row = b->table; row->name; row++)
		nearest_offer(&n, row->name);
	for (const char *const *s = b->skip; s && *s; s++)
		nearest_offer(&n, *s);
	if (nearest_result(&n))
		return err_at(b->err, where, "unknown key '%.100s' (did you mean '%s'?)", name,
			      nearest_result(&n));
	return err_at(b->err, where, "unknown key '%.100s'", name);
}

static bool wrong_kind(const struct binding *b, const struct param *row, struct where where,
		       const char *found)
{
	char expected[320];

	return err_at(b->err, where, "%s: %s: expected %s", row->name, found,
		      param_expects(row, expected, sizeof(expected)));
}

/* A sequence of scalars as the comma-separated text that the table reads. Heap. */
static char *join(const struct binding *b, const struct param *row, const struct yaml_node *seq)
{
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);
	bool ok = true;

	if (!out) {
		err_set(b->err, "out of memory");
		return NULL;
	}
	for (size_t i = 0; ok && i < seq->n; i++) {
		const struct yaml_node *item = seq->items[i];

		if (item->kind != YAML_SCALAR)
			ok = wrong_kind(b, row, item->where, "an item that is no plain value");
		else if (row->type == PARAM_LIST && strchr(item->text, ','))
			ok = wrong_kind(b, row, item->where, "an item with a comma in it");
		else
			fprintf(out, "%s%s", i ? "," : "", item->text);
	}
	if (fclose(out) != 0 && ok)
		ok = err_set(b->err, "out of memory");
	if (ok)
		return text;
	free(text);
	return NULL;
}

static bool bind_value(struct binding *b, const struct param *row, const struct yaml_node *key,
		       const struct yaml_node *value)
{
	bool *set = &b->set[row - b->table], ok;
	char *text;

	if (*set) /* once dotted and once nested: the parser saw two different keys */
		return err_at(b->err, key->where, "key '%s' a second time", row->name);
	*set = true;
	if (value->kind == YAML_MAP)
		return wrong_kind(b, row, value->where, "a mapping");
	if (value->kind == YAML_SCALAR)
		return param_set(b->obj, b->table, row->name, value->text, value->where, b->err);
	if (!is_list(row))
		return wrong_kind(b, row, value->where, "a list");
	text = join(b, row, value);
	if (!text)
		return false;
	ok = param_set(b->obj, b->table, row->name, text, value->where, b->err);
	free(text);
	return ok;
}

/* Recursion is as deep as the dots in a row's name. */
static bool bind_map(struct binding *b, const char *prefix, const struct yaml_node *map)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct yaml_node *key = map->keys[i], *value = map->items[i];
		const struct param *row;
		char name[256];
		bool ok;

		if (!*prefix && is_skipped(b, key->text))
			continue;
		snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "", key->text);
		row = param_find(b->table, name);
		if (row)
			ok = bind_value(b, row, key, value);
		else if (!is_group(b->table, name))
			ok = unknown_key(b, name, key->where);
		else if (value->kind != YAML_MAP)
			ok = err_at(b->err, value->where, "%s: expected a mapping of its keys",
				    name);
		else
			ok = bind_map(b, name, value);
		if (!ok)
			return false;
	}
	return true;
}

/* A required row that an earlier binding (the parent's file) set is not missing. */
static bool is_zero(const void *obj, const struct param *row)
{
	static const char zero[PARAM_VALUE_MAX];

	return !memcmp((const char *)obj + row->offset, zero, param_ops[row->type].size);
}

static bool check_required(const struct binding *b, const struct yaml_node *map)
{
	char expected[320];

	for (const struct param *row = b->table; row->name; row++) {
		if (row->def || b->set[row - b->table] || !is_zero(b->obj, row))
			continue;
		return err_at(b->err, map->where, "missing key '%s': expected %s", row->name,
			      param_expects(row, expected, sizeof(expected)));
	}
	return true;
}

bool yaml_bind(const struct yaml_node *map, void *obj, const struct param *table,
	       const char *const *skip, struct err *err)
{
	struct binding b = { obj, table, skip, NULL, err };
	size_t rows = 0;
	bool ok;

	if (map->kind != YAML_MAP)
		return err_at(err, map->where, "expected a mapping (KEY: VALUE lines)");
	while (table[rows].name)
		rows++;
	b.set = calloc(rows + 1, sizeof(*b.set));
	if (!b.set)
		return err_set(err, "out of memory");
	ok = bind_map(&b, "", map) && check_required(&b, map);
	free(b.set);
	return ok;
}
