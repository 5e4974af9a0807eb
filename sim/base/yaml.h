/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A YAML file as a tree whose every node knows its line, and its binding to parameter tables. Built
 * on libyaml, because errors in values (units, ranges) must name a line long after parsing.
 */
#ifndef SIM_BASE_YAML_H
#define SIM_BASE_YAML_H

#include "sim/base/err.h"
#include "sim/base/param.h"

struct yaml_doc; /* one parsed file */

enum yaml_kind { YAML_SCALAR, YAML_SEQ, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	struct where where;
	const char *text;         /* YAML_SCALAR */
	size_t n;                 /* YAML_SEQ: items; YAML_MAP: pairs */
	struct yaml_node **items; /* YAML_SEQ: values; YAML_MAP: values */
	struct yaml_node **keys;  /* YAML_MAP: scalar keys; a key twice is an error at load */
};

/* Exactly one document, its root a mapping. NULL and *err on a missing file, bad YAML, aliases
 * that recurse, or more than 16 MiB. */
struct yaml_doc *yaml_load(const char *path, struct err *err);
struct yaml_doc *yaml_parse(const char *name, const char *text, size_t size, struct err *err);
/* libyaml exports a yaml_free of its own, which ours would replace inside libyaml. */
#define yaml_free yaml_doc_free
void yaml_free(struct yaml_doc *doc);
const struct yaml_node *yaml_root(const struct yaml_doc *doc);
/* NULL if the mapping has no such key. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/*
 * Binds a mapping to a table: nested mappings give dotted names, a sequence of scalars gives a
 * comma-separated list. `skip` (may be NULL, NULL-terminated) names top-level keys that the caller
 * handles itself; they count as known names in messages. Required rows that stay unset are an
 * error.
 */
bool yaml_bind(const struct yaml_node *map, void *obj, const struct param *table,
	       const char *const *skip, struct err *err);

#endif
