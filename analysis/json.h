/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A JSON writer: nesting, commas, indentation and escaping are its business, so that what --json
 * prints is always valid. It writes only; mmsim reads no JSON.
 */
#ifndef ANALYSIS_JSON_H
#define ANALYSIS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_MAX_DEPTH = 32 };

struct json {
	FILE *out;
	unsigned int depth;
	bool filled[JSON_MAX_DEPTH]; /* by depth: something stands there already */
};

void json_init(struct json *j, FILE *out);

/* key is NULL inside an array and at the top. Closing the outermost one ends the line. */
void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_end_object(struct json *j);
void json_end_array(struct json *j);

void json_string(struct json *j, const char *key, const char *value); /* NULL gives null */
void json_u64(struct json *j, const char *key, uint64_t value);
/* The shortest text that reads back to the same double; null if it is not finite. */
void json_double(struct json *j, const char *key, double value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);

#endif
