/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What param.c needs to know of each parameter type: one row of operations. Private to sim/base.
 */
#ifndef SIM_BASE_PARAM_VALUE_H
#define SIM_BASE_PARAM_VALUE_H

#include "sim/base/param.h"

struct param_ops {
	size_t size;
	const char *kind; /* end of "expected ..."; NULL: made from the row */
	/* Reads text into *value (size bytes, nothing owned before); err: "'TEXT' ...: expected
	 * KIND" */
	bool (*read)(void *value, const char *text, const struct param *row, struct err *err);
	char *(*write)(const void *value, const struct param *row); /* heap */
	/* For bounds; NULL where they do not apply to the value as a whole. */
	double (*number)(const void *value);
	const char *(*bound)(double bound, char *buf, size_t size); /* a bound as text */
	void (*free)(void *value);                                  /* NULL: owns nothing */
	bool (*copy)(void *dst, const void *src);                   /* NULL: plain bytes */
};

extern const struct param_ops param_ops[]; /* by enum param_type */

enum { PARAM_VALUE_MAX = 16 }; /* bytes of the largest type */

#endif
