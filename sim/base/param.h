/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A parameter table: one row for each named, typed, bounded, documented value of some struct. The
 * same rows read machine and scenario YAML, a policy's parameters, --set KEY=VALUE and command
 * line options, and print their help and their canonical dump. Names are dotted where YAML nests
 * ("ipi.icr_write" is the key icr_write below ipi).
 */
#ifndef SIM_BASE_PARAM_H
#define SIM_BASE_PARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/base/err.h"

enum param_type {
	PARAM_BOOL,   /* bool */
	PARAM_U32,    /* uint32_t */
	PARAM_U64,    /* uint64_t */
	PARAM_DOUBLE, /* double */
	PARAM_PS,     /* uint64_t picoseconds, text with a time unit */
	PARAM_BYTES,  /* uint64_t bytes, text with KiB/MiB/GiB or plain */
	PARAM_HZ,     /* uint64_t Hz, text with Hz/kHz/MHz/GHz */
	PARAM_STRING, /* char *, heap, owned by the struct */
	PARAM_ENUM,   /* uint32_t index into choices */
	PARAM_LIST,   /* char **, heap, NULL-terminated list of strings; text is comma-separated */
	PARAM_U32_LIST, /* struct u32_list; text is comma-separated, ranges "1-4" allowed */
};

struct u32_list {
	uint32_t *v;
	size_t n;
};

struct param {
	const char *name;
	enum param_type type;
	size_t offset;
	const char *def;            /* as text; NULL = the value is required */
	double min, max;            /* in the type's base unit; both 0 = unbounded */
	uint64_t multiple;          /* PARAM_BYTES: of this; 0 or 1 = any */
	const char *const *choices; /* PARAM_ENUM, and PARAM_STRING if not any: NULL-terminated */
	const char *help;           /* one line; what it means and its unit */
};

/* A table ends with a row whose name is NULL. */
#define PARAM_END                                                                                  \
	{                                                                                          \
		.name = NULL                                                                       \
	}

/* Sets every row to its default (required rows to zero/NULL). Call before anything else. */
bool param_init(void *obj, const struct param *table, struct err *err);
/* Frees what PARAM_STRING and the lists own. */
void param_free(void *obj, const struct param *table);
/* Sets one by name. An unknown name, a wrong unit or a value out of range is told with `where`,
 * what was expected and the nearest valid name. Wrong values leave obj unchanged. */
bool param_set(void *obj, const struct param *table, const char *name, const char *text,
	       struct where where, struct err *err);
const struct param *param_find(const struct param *table, const char *name);
/* Canonical text of one value: param_set reads it back to the same value. Heap; caller frees. */
char *param_get(const void *obj, const struct param *table, const struct param *row);
/* "time with unit, 0ns..1ms", "one of a|b|c": for messages and help. Returns buf. */
const char *param_expects(const struct param *row, char *buf, size_t size);
/* Deep copy of all rows' values from src to an initialised dst. */
bool param_copy(void *dst, const void *src, const struct param *table, struct err *err);

#endif
