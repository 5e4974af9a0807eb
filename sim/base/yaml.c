/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Builds the tree of a YAML document from libyaml's events, with a stack of its own, so that depth
 * and size are bounded by us whatever the input. Binding of a tree to parameters is in yaml_bind.c.
 */
#include "sim/base/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum {
	DEPTH_MAX = 32,
	ANCHORS_MAX = 256,
	FILE_MAX = 16 << 20,
	CHUNK = 64 << 10,
};

/* All nodes and texts of a document live and die together. */
struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(16) char data[];
};

struct yaml_doc {
	struct chunk *chunks;
	struct yaml_node *root;
	const char *name;
};

struct level {
	struct yaml_node *node;
	size_t capacity;
	bool have_key; /* of a mapping: the next node is a value */
};

struct builder {
	struct yaml_doc *doc;
	yaml_parser_t parser;
	struct level level[DEPTH_MAX];
	size_t depth, documents, n_anchors;
	struct {
		const char *name;
		struct yaml_node *node;
		bool complete;
	} anchors[ANCHORS_MAX];
	struct err *err;
};

static void *doc_alloc(struct yaml_doc *doc, size_t size)
{
	struct chunk *c = doc->chunks;

	size = (size + 15) & ~(size_t)15;
	if (!c || c->size - c->used < size) {
		size_t room = size > CHUNK ? size : CHUNK;

		c = malloc(sizeof(*c) + room);
		if (!c)
			return NULL;
		*c = (struct chunk){ .next = doc->chunks, .size = room };
		doc->chunks = c;
	}
	c->used += size;
	return memset(c->data + c->used - size, 0, size);
}

static char *doc_text(struct yaml_doc *doc, const char *text, size_t size)
{
	char *copy = doc_alloc(doc, size + 1);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

static struct where mark_where(const struct builder *b, yaml_mark_t mark)
{
	return (struct where){ b->doc->name, (unsigned int)mark.line + 1,
			       (unsigned int)mark.column + 1 };
}

static bool no_memory(struct builder *b)
{
	return err_set(b->err, "%s: out of memory", b->doc->name);
}

static bool grow(struct builder *b, struct level *l)
{
	size_t n = l->node->n, more = l->capacity ? 2 * l->capacity : 8;
	struct yaml_node **items, **keys;

	if (n < l->capacity)
		return true;
	items = doc_alloc(b->doc, more * sizeof(*items));
	keys = doc_alloc(b->doc, more * sizeof(*keys));
	if (!items || !keys)
		return no_memory(b);
	if (n) {
		memcpy(items, l->node->items, n * sizeof(*items));
		memcpy(keys, l->node->keys, n * sizeof(*keys));
	}
	l->node->items = items;
	l->node->keys = keys;
	l->capacity = more;
	return true;
}

/* Hangs a new node below the innermost open collection. */
static bool attach(struct builder *b, struct yaml_node *node)
{
	struct level *l;

	if (!b->depth) {
		if (node->kind != YAML_MAP)
			return err_at(b->err, node->where, "expected a mapping (KEY: VALUE lines)");
		b->doc->root = node;
		return true;
	}
	l = &b->level[b->depth - 1];
	if (!grow(b, l))
		return false;
	if (l->node->kind == YAML_MAP && !l->have_key) {
		if (node->kind != YAML_SCALAR)
			return err_at(b->err, node->where, "a key must be plain text");
		l->node->keys[l->node->n] = node;
		l->have_key = true;
		return true;
	}
	l->node->items[l->node->n++] = node;
	l->have_key = false;
	return true;
}

static bool add_anchor(struct builder *b, const yaml_char_t *name, struct yaml_node *node)
{
	const char *text = (const char *)name;

	if (!name)
		return true;
	if (b->n_anchors == ANCHORS_MAX)
		return err_at(b->err, node->where, "more than %d anchors", ANCHORS_MAX);
	b->anchors[b->n_anchors].name = doc_text(b->doc, text, strlen(text));
	if (!b->anchors[b->n_anchors].name)
		return no_memory(b);
	b->anchors[b->n_anchors].node = node;
	b->anchors[b->n_anchors++].complete = node->kind == YAML_SCALAR;
	return true;
}

static struct yaml_node *new_node(struct builder *b, enum yaml_kind kind, const yaml_event_t *e)
{
	struct yaml_node *node = doc_alloc(b->doc, sizeof(*node));

	if (!node) {
		no_memory(b);
		return NULL;
	}
	node->kind = kind;
	node->where = mark_where(b, e->start_mark);
	return node;
}

static bool on_scalar(struct builder *b, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	struct yaml_node *node = new_node(b, YAML_SCALAR, e);

	if (!node)
		return false;
	if (strlen(text) != e->data.scalar.length)
		return err_at(b->err, node->where, "a NUL character in a value");
	node->text = doc_text(b->doc, text, e->data.scalar.length);
	if (!node->text)
		return no_memory(b);
	return add_anchor(b, e->data.scalar.anchor, node) && attach(b, node);
}

static bool on_start(struct builder *b, const yaml_event_t *e)
{
	bool map = e->type == YAML_MAPPING_START_EVENT;
	struct yaml_node *node = new_node(b, map ? YAML_MAP : YAML_SEQ, e);

	if (!node)
		return false;
	if (b->depth == DEPTH_MAX)
		return err_at(b->err, node->where, "nested more than %d deep", DEPTH_MAX);
	if (!add_anchor(b, map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor,
			node) ||
	    !attach(b, node))
		return false;
	b->level[b->depth++] = (struct level){ .node = node };
	return true;
}

static int compare_keys(const void *a, const void *b)
{
	const struct yaml_node *x = *(struct yaml_node *const *)a,
			       *y = *(struct yaml_node *const *)b;
	int d = strcmp(x->text, y->text);

	if (d)
		return d;
	if (x->where.line != y->where.line)
		return x->where.line < y->where.line ? -1 : 1;
	return (x->where.column > y->where.column) - (x->where.column < y->where.column);
}

static bool check_keys(struct builder *b, const struct yaml_node *map)
{
	struct yaml_node **sorted = malloc((map->n + 1) * sizeof(struct yaml_node *));
	bool ok = true;

	if (!sorted)
		return no_memory(b);
	if (map->n)
		memcpy(sorted, map->keys, map->n * sizeof(*sorted));
	qsort(sorted, map->n, sizeof(*sorted), compare_keys);
	for (size_t i = 1; ok && i < map->n; i++) {
		if (!strcmp(sorted[i - 1]->text, sorted[i]->text))
			ok = err_at(b->err, sorted[i]->where,
				    "key '%.100s' a second time (first on line %u)",
				    sorted[i]->text, sorted[i - 1]->where.line);
	}
	free(sorted);
	return ok;
}

static bool on_end(struct builder *b)
{
	struct yaml_node *node = b->level[--b->depth].node;

	for (size_t i = 0; i < b->n_anchors; i++)
		b->anchors[i].complete |= b->anchors[i].node == node;
	return node->kind != YAML_MAP || check_keys(b, node);
}

static bool on_alias(struct builder *b, const yaml_event_t *e)
{
	const char *name = (const char *)e->data.alias.anchor;
	struct where where = mark_where(b, e->start_mark);

	/* The last definition of a name counts, as YAML says. */
	for (size_t i = b->n_anchors; i-- > 0;) {
		if (strcmp(b->anchors[i].name, name))
			continue;
		if (!b->anchors[i].complete)
			return err_at(b->err, where, "alias '*%.100s' contains itself", name);
		return attach(b, b->anchors[i].node);
	}
	return err_at(b->err, where, "alias '*%.100s' has no anchor", name);
}

static bool on_event(struct builder *b, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->documents++)
			return err_at(b->err, mark_where(b, e->start_mark),
				      "a second document: expected one");
		return true;
	case YAML_SCALAR_EVENT:
		return on_scalar(b, e);
	case YAML_ALIAS_EVENT:
		return on_alias(b, e);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return on_start(b, e);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_end(b);
	default:
		return true;
	}
}

static bool parse_error(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;
	const char *problem = p->problem ? p->problem : "unreadable";

	if (p->error == YAML_MEMORY_ERROR)
		return no_memory(b);
	if (p->error == YAML_READER_ERROR)
		return err_set(b->err, "%s: byte %zu: %s: expected YAML text in UTF-8",
			       b->doc->name, p->problem_offset, problem);
	return err_at(b->err, mark_where(b, p->problem_mark), "%s%s%s",
		      p->context ? p->context : "", p->context ? ": " : "", problem);
}

static bool build(struct builder *b)
{
	bool ok = true, end = false;

	while (ok && !end) {
		yaml_event_t event;

		if (!yaml_parser_parse(&b->parser, &event))
			return parse_error(b);
		end = event.type == YAML_STREAM_END_EVENT;
		ok = on_event(b, &event);
		yaml_event_delete(&event);
	}
	if (ok && !b->doc->root)
		return err_set(b->err, "%s: empty: expected a mapping (KEY: VALUE lines)",
			       b->doc->name);
	return ok;
}

struct yaml_doc *yaml_parse(const char *name, const char *text, size_t size, struct err *err)
{
	struct builder *b = calloc(1, sizeof(*b));
	struct yaml_doc *doc = calloc(1, sizeof(*doc));
	bool ok = false;

	if (!b || !doc || !yaml_parser_initialize(&b->parser)) {
		err_set(err, "%s: out of memory", name);
		goto out;
	}
	b->doc = doc;
	b->err = err;
	doc->name = doc_text(doc, name, strlen(name));
	if (!doc->name)
		err_set(err, "%s: out of memory", name);
	else if (size > FILE_MAX)
		err_set(err, "%s: larger than 16 MiB", name);
	else {
		yaml_parser_set_input_string(&b->parser, (const unsigned char *)text, size);
		ok = build(b);
	}
	yaml_parser_delete(&b->parser);
out:
	free(b);
	if (ok)
		return doc;
	yaml_free(doc);
	return NULL;
}

struct yaml_doc *yaml_load(const char *path, struct err *err)
{
	FILE *in = fopen(path, "rbe");
	struct yaml_doc *doc = NULL;
	char *text = NULL;
	size_t size;

	if (!in) {
		err_set(err, "%s: %s", path, strerror(errno));
		return NULL;
	}
	text = malloc(FILE_MAX + 1); /* only the pages that are read into become real */
	size = text ? fread(text, 1, FILE_MAX + 1, in) : 0;
	if (!text)
		err_set(err, "%s: out of memory", path);
	else if (ferror(in))
		err_set(err, "%s: %s", path, strerror(errno));
	else
		doc = yaml_parse(path, text, size, err);
	free(text);
	fclose(in);
	return doc;
}

void yaml_free(struct yaml_doc *doc)
{
	while (doc && doc->chunks) {
		struct chunk *c = doc->chunks;

		doc->chunks = c->next;
		free(c);
	}
	free(doc);
}

const struct yaml_node *yaml_root(const struct yaml_doc *doc)
{
	return doc->root;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	if (map->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++) {
		if (!strcmp(map->keys[i]->text, key))
			return map->items[i];
	}
	return NULL;
}
