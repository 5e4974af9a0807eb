/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The text tables of table.h. Widths count UTF-8 code points, not bytes.
 */
#define _GNU_SOURCE
#include "analysis/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct column {
	char *title;
	enum table_align align;
};

struct table {
	struct column *columns;
	char **cells;
	size_t n_columns, n_cells, room;
};

/* Out of memory for a few strings of output: nothing sensible can be said any more. */
static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

struct table *table_new(void)
{
	return must(calloc(1, sizeof(struct table)));
}

void table_free(struct table *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i]);
	for (size_t i = 0; i < t->n_columns; i++)
		free(t->columns[i].title);
	free(t->cells);
	free(t->columns);
	free(t);
}

void table_column(struct table *t, const char *title, enum table_align align)
{
	t->columns = must(realloc(t->columns, (t->n_columns + 1) * sizeof(*t->columns)));
	t->columns[t->n_columns++] = (struct column){ .title = must(strdup(title)),
						      .align = align };
}

void table_cell(struct table *t, const char *fmt, ...)
{
	va_list ap;

	if (t->n_cells == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		t->cells = must(realloc(t->cells, t->room * sizeof(*t->cells)));
	}
	va_start(ap, fmt);
	if (vasprintf(&t->cells[t->n_cells++], fmt, ap) < 0)
		abort();
	va_end(ap);
}

size_t table_rows(const struct table *t)
{
	return t->n_columns ? t->n_cells / t->n_columns : 0;
}

static size_t width_of(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static void put_row(const struct table *t, FILE *out, unsigned int margin, char *const *cells,
		    const size_t *width)
{
	size_t owed = margin; /* spaces not yet written: they vanish at a line's end */

	for (size_t i = 0; i < t->n_columns; i++) {
		const char *text = cells ? cells[i] : t->columns[i].title;
		size_t pad = width[i] - width_of(text);

		if (t->columns[i].align == TABLE_RIGHT)
			owed += pad;
		if (*text) {
			fprintf(out, "%*s%s", (int)owed, "", text);
			owed = 0;
		}
		owed += 2 + (t->columns[i].align == TABLE_LEFT ? pad : 0);
	}
	fputc('\n', out);
}

static void print(const struct table *t, FILE *out, unsigned int margin, bool titles)
{
	size_t rows = table_rows(t);
	size_t *width;

	if (!rows)
		return;
	width = must(calloc(t->n_columns, sizeof(*width)));
	for (size_t i = 0; i < t->n_columns; i++)
		width[i] = titles ? width_of(t->columns[i].title) : 0;
	for (size_t i = 0; i < rows * t->n_columns; i++) {
		size_t w = width_of(t->cells[i]);

		if (w > width[i % t->n_columns])
			width[i % t->n_columns] = w;
	}
	if (titles)
		put_row(t, out, margin, NULL, width);
	for (size_t r = 0; r < rows; r++)
		put_row(t, out, margin, t->cells + r * t->n_columns, width);
	free(width);
}

void table_print(const struct table *t, FILE *out, unsigned int margin)
{
	print(t, out, margin, true);
}

void table_print_rows(const struct table *t, FILE *out, unsigned int margin)
{
	print(t, out, margin, false);
}
