/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Parameters that are lists: of strings, and of whole numbers with ranges. Reading is bounded, so
 * that a slip such as "1-4000000000" is an error and not a gigabyte.
 */
#include "sim/base/param_list.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/text.h"

enum { LIST_MAX = 1 << 20 };

/* The next comma-separated item, trimmed, on the heap. *p moves behind it, NULL at the end. */
static char *next_item(const char **p)
{
	const char *start = *p, *end;

	while (isspace((unsigned char)*start))
		start++;
	end = start + strcspn(start, ",");
	*p = *end ? end + 1 : NULL;
	while (end > start && isspace((unsigned char)end[-1]))
		end--;
	return strndup(start, (size_t)(end - start));
}

static const char *first_item(const char *text)
{
	return text[strspn(text, " \t\n")] ? text : NULL;
}

static void free_strings(char **list)
{
	for (char **p = list; p && *p; p++)
		free(*p);
	free(list);
}

/* Takes over item. */
static bool push_string(char ***list, size_t *n, char *item)
{
	char **more = realloc(*list, (*n + 2) * sizeof(*more));

	if (!more || !item) {
		free(item);
		*list = more ? more : *list;
		return false;
	}
	more[(*n)++] = item;
	more[*n] = NULL;
	*list = more;
	return true;
}

bool param_list_read(void *value, const char *text, const struct param *row, struct err *err)
{
	const char *p = first_item(text);
	char **list = calloc(1, sizeof(*list));
	size_t n = 0;
	bool ok = list != NULL;

	(void)row;
	if (!ok)
		err_set(err, "out of memory");
	while (ok && p) {
		char *item = next_item(&p);

		ok = push_string(&list, &n, item);
		if (!ok)
			err_set(err, "out of memory");
		else if (!*item)
			ok = err_set(err, "'%.80s' has an empty item: expected " PARAM_KIND_LIST,
				     text);
	}
	if (!ok) {
		free_strings(list);
		return false;
	}
	*(char ***)value = list;
	return true;
}

char *param_list_write(const void *value, const struct param *row)
{
	char **list = *(char **const *)value;
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	(void)row;
	if (!out)
		return NULL;
	for (char **p = list; p && *p; p++)
		fprintf(out, "%s%s", p == list ? "" : ",", *p);
	return fclose(out) == 0 ? text : NULL;
}

void param_list_free(void *value)
{
	free_strings(*(char ***)value);
}

bool param_list_copy(void *dst, const void *src)
{
	char **from = *(char **const *)src, **to = NULL;
	size_t n = 0;

	if (from) {
		to = calloc(1, sizeof(*to));
		if (!to)
			return false;
	}
	for (; from && *from; from++) {
		if (!push_string(&to, &n, strdup(*from))) {
			free_strings(to);
			return false;
		}
	}
	*(char ***)dst = to;
	return true;
}

static bool append_range(struct u32_list *l, uint64_t from, uint64_t to)
{
	uint32_t *more;

	if (to - from >= LIST_MAX || l->n + (to - from) >= LIST_MAX)
		return false;
	more = realloc(l->v, (l->n + (size_t)(to - from) + 1) * sizeof(*more));
	if (!more)
		return false;
	l->v = more;
	for (uint64_t i = from; i <= to; i++)
		l->v[l->n++] = (uint32_t)i;
	return true;
}

static bool bad_item(struct err *err, const char *item, const char *what)
{
	return err_set(err, "'%.80s' %s: expected " PARAM_KIND_U32_LIST, item, what);
}

/* "7" or "1-4" */
static bool read_range(char *item, uint64_t *from, uint64_t *to, struct err *err)
{
	char *dash = strchr(item, '-');
	struct err ignored;
	bool ok;

	if (dash)
		*dash = '\0';
	ok = text_to_u64(item, from, &ignored);
	*to = *from;
	if (ok && dash)
		ok = text_to_u64(dash + 1, to, &ignored);
	if (dash)
		*dash = '-';
	if (!ok)
		return bad_item(err, item, "is neither a whole number nor a range");
	if (*from > *to)
		return bad_item(err, item, "is a falling range");
	if (*to > UINT32_MAX)
		return bad_item(err, item, "is too large");
	return true;
}

bool param_u32_list_read(void *value, const char *text, const struct param *row, struct err *err)
{
	bool bounded = row->min != 0 || row->max != 0, ok = true;
	const char *p = first_item(text);
	struct u32_list l = { 0 };

	while (ok && p) {
		char *item = next_item(&p);
		uint64_t from = 0, to = 0;

		ok = item ? read_range(item, &from, &to, err) : err_set(err, "out of memory");
		if (ok && bounded && ((double)from < row->min || (double)to > row->max))
			ok = bad_item(err, item, "is out of range");
		else if (ok && !append_range(&l, from, to))
			ok = bad_item(err, item, "makes the list too long");
		free(item);
	}
	if (ok)
		*(struct u32_list *)value = l;
	else
		free(l.v);
	return ok;
}

char *param_u32_list_write(const void *value, const struct param *row)
{
	const struct u32_list *l = value;
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	(void)row;
	if (!out)
		return NULL;
	for (size_t i = 0; i < l->n; i++) {
		size_t first = i;

		/* Three or more in a row are a range: a list of 1,024 CPUs stays readable. */
		while (i + 1 < l->n && l->v[i + 1] == l->v[i] + 1 && l->v[i] != UINT32_MAX)
			i++;
		if (i - first < 2)
			i = first;
		fprintf(out, "%s%u", first ? "," : "", l->v[first]);
		if (i > first)
			fprintf(out, "-%u", l->v[i]);
	}
	return fclose(out) == 0 ? text : NULL;
}

void param_u32_list_free(void *value)
{
	free(((struct u32_list *)value)->v);
}

bool param_u32_list_copy(void *dst, const void *src)
{
	const struct u32_list *from = src;
	struct u32_list to = { .n = from->n };

	if (from->n) {
		to.v = malloc(from->n * sizeof(*to.v));
		if (!to.v)
			return false;
		memcpy(to.v, from->v, from->n * sizeof(*to.v));
	}
	*(struct u32_list *)dst = to;
	return true;
}
