/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text tables for people: columns as wide as their widest cell, numbers to the right. Cells are
 * added in reading order; a row ends when every column has its cell.
 */
#ifndef ANALYSIS_TABLE_H
#define ANALYSIS_TABLE_H

#include <stdio.h>

enum table_align { TABLE_LEFT, TABLE_RIGHT };

struct table;

struct table *table_new(void);
void table_free(struct table *t);
/* All columns before the first cell. */
void table_column(struct table *t, const char *title, enum table_align align);
void table_cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
size_t table_rows(const struct table *t);
/* Each line begins with `indent` spaces; none ends in one. Nothing is printed without a row. */
void table_print(const struct table *t, FILE *out, unsigned int indent);
/* The same without the line of titles. */
void table_print_rows(const struct table *t, FILE *out, unsigned int indent);

#endif
