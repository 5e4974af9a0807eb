/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Parameter tables: defaults, setting by name with bounds and messages, copying. Knows no type by
 * itself: each is a row of param_ops. Where a text came from, YAML or an option, is the caller's.
 */
#include "sim/base/param.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/param_value.h"
#include "sim/base/text.h"

static void *field(void *obj, const struct param *row)
{
	return (char *)obj + row->offset;
}

static const void *const_field(const void *obj, const struct param *row)
{
	return (const char *)obj + row->offset;
}

static bool is_bounded(const struct param *row)
{
	return param_ops[row->type].bound && (row->min != 0 || row->max != 0);
}

static const char *bounds_text(const struct param *row, char *buf, size_t size)
{
	const struct param_ops *ops = &param_ops[row->type];
	char low[64], high[64];
	int used = 0;

	buf[0] = '\0';
	if (is_bounded(row))
		used = snprintf(buf, size, ", %s..%s", ops->bound(row->min, low, sizeof(low)),
				ops->bound(row->max, high, sizeof(high)));
	if (row->multiple > 1)
		snprintf(buf + used, size - (size_t)used, ", a multiple of %s",
			 ops->bound((double)row->multiple, low, sizeof(low)));
	return buf;
}

static bool in_bounds(const struct param *row, const void *value)
{
	const struct param_ops *ops = &param_ops[row->type];

	if (row->multiple > 1 && *(const uint64_t *)value % row->multiple)
		return false;
	return !ops->number || !is_bounded(row) ||
	       (ops->number(value) >= row->min && ops->number(value) <= row->max);
}

const char *param_expects(const struct param *row, char *buf, size_t size)
{
	const struct param_ops *ops = &param_ops[row->type];
	char bounds[160];
	size_t used = 0;

	if (!row->choices) {
		snprintf(buf, size, "%s%s", ops->kind, bounds_text(row, bounds, sizeof(bounds)));
		return buf;
	}
	snprintf(buf, size, "one of ");
	for (size_t i = 0; row->choices[i]; i++) {
		used = strlen(buf);
		snprintf(buf + used, size - used, "%s%s", i ? "|" : "", row->choices[i]);
	}
	return buf;
}

const struct param *param_find(const struct param *table, const char *name)
{
	for (; table->name; table++) {
		if (!strcmp(table->name, name))
			return table;
	}
	return NULL;
}

/* Reads and checks text into *value; on failure nothing is owned. The message names the row. */
static bool read_checked(void *value, const struct param *row, const char *text, struct err *err)
{
	const struct param_ops *ops = &param_ops[row->type];
	char expected[320], bounds[160];

	if (!ops->read(value, text, row, err)) {
		size_t used = strlen(err->msg);

		snprintf(err->msg + used, sizeof(err->msg) - used, "%s",
			 bounds_text(row, bounds, sizeof(bounds)));
		return err_prefix(err, "%s", row->name);
	}
	if (in_bounds(row, value))
		return true;
	return err_set(err, "%s: '%.80s' is out of range: expected %s", row->name, text,
		       param_expects(row, expected, sizeof(expected)));
}

static bool unknown_name(const struct param *table, const char *name, struct where where,
			 struct err *err)
{
	struct nearest n;

	nearest_init(&n, name);
	for (; table->name; table++)
		nearest_offer(&n, table->name);
	if (nearest_result(&n))
		return err_at(err, where, "unknown key '%.100s' (did you mean '%s'?)", name,
			      nearest_result(&n));
	return err_at(err, where, "unknown key '%.100s'", name);
}

bool param_set(void *obj, const struct param *table, const char *name, const char *text,
	       struct where where, struct err *err)
{
	const struct param *row = param_find(table, name);
	_Alignas(16) char value[PARAM_VALUE_MAX];
	const struct param_ops *ops;
	struct err inner = { "" };

	if (!row)
		return unknown_name(table, name, where, err);
	ops = &param_ops[row->type];
	if (!read_checked(value, row, text, &inner))
		return err_at(err, where, "%s", inner.msg);
	if (ops->free)
		ops->free(field(obj, row));
	memcpy(field(obj, row), value, ops->size);
	return true;
}

bool param_init(void *obj, const struct param *table, struct err *err)
{
	/* All to zero first: after an error, param_free finds nothing but what was set. */
	for (const struct param *row = table; row->name; row++)
		memset(field(obj, row), 0, param_ops[row->type].size);
	for (const struct param *row = table; row->name; row++) {
		if (!row->def)
			continue;
		if (!param_set(obj, table, row->name, row->def, (struct where){ 0 }, err))
			return err_prefix(err, "default of");
	}
	return true;
}

void param_free(void *obj, const struct param *table)
{
	for (; table->name; table++) {
		const struct param_ops *ops = &param_ops[table->type];

		if (ops->free)
			ops->free(field(obj, table));
		memset(field(obj, table), 0, ops->size);
	}
}

char *param_get(const void *obj, const struct param *table, const struct param *row)
{
	(void)table;
	return param_ops[row->type].write(const_field(obj, row), row);
}

bool param_copy(void *dst, const void *src, const struct param *table, struct err *err)
{
	_Alignas(16) char value[PARAM_VALUE_MAX];

	for (; table->name; table++) {
		const struct param_ops *ops = &param_ops[table->type];

		if (!ops->copy)
			memcpy(value, const_field(src, table), ops->size);
		else if (!ops->copy(value, const_field(src, table)))
			return err_set(err, "%s: out of memory", table->name);
		if (ops->free)
			ops->free(field(dst, table));
		memcpy(field(dst, table), value, ops->size);
	}
	return true;
}
