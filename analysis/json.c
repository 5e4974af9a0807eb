/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The JSON writer of json.h (RFC 8259). Text is taken as UTF-8; bytes that are no UTF-8 come out as
 * U+FFFD, because a task's name may hold anything and the output must stay valid.
 */
#include "analysis/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void json_init(struct json *j, FILE *out)
{
	memset(j, 0, sizeof(*j));
	j->out = out;
}

/* The length of the UTF-8 sequence at s, 0 if it is none (overlong, surrogate, cut off). */
static size_t utf8_length(const unsigned char *s)
{
	static const struct {
		unsigned char mask, lead;
		size_t length;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 1, 0 },
		{ 0xe0, 0xc0, 2, 0x80 },
		{ 0xf0, 0xe0, 3, 0x800 },
		{ 0xf8, 0xf0, 4, 0x10000 },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		uint32_t code = s[0] & (unsigned char)~forms[i].mask;

		if ((s[0] & forms[i].mask) != forms[i].lead)
			continue;
		for (size_t k = 1; k < forms[i].length; k++) {
			if ((s[k] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | (s[k] & 0x3f);
		}
		if (code < forms[i].least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
			return 0;
		return forms[i].length;
	}
	return 0;
}

static void put_text(FILE *out, const char *text)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const unsigned char *s = (const unsigned char *)text;

	fputc('"', out);
	while (*s) {
		const char *special = strchr(from, *s);
		size_t n = utf8_length(s);

		if (special)
			fprintf(out, "\\%c", to[special - from]);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(out, "\\u%04x", *s);
		else if (!n)
			fputs("\\ufffd", out);
		else
			fwrite(s, 1, n, out);
		s += n ? n : 1;
	}
	fputc('"', out);
}

static void indent(struct json *j)
{
	fputc('\n', j->out);
	for (unsigned int i = 0; i < j->depth; i++)
		fputs("  ", j->out);
}

/* What stands before a value: the comma, the line, the key. */
static void before(struct json *j, const char *key)
{
	if (j->depth) {
		if (j->filled[j->depth])
			fputc(',', j->out);
		indent(j);
	}
	j->filled[j->depth] = true;
	if (key) {
		put_text(j->out, key);
		fputs(": ", j->out);
	}
}

static void after(struct json *j)
{
	if (!j->depth)
		fputc('\n', j->out);
}

static void open_level(struct json *j, const char *key, char bracket)
{
	before(j, key);
	fputc(bracket, j->out);
	assert(j->depth + 1 < JSON_MAX_DEPTH);
	j->filled[++j->depth] = false;
}

static void close_level(struct json *j, char bracket)
{
	bool filled = j->filled[j->depth];

	assert(j->depth > 0);
	j->depth--;
	if (filled)
		indent(j);
	fputc(bracket, j->out);
	after(j);
}

void json_object(struct json *j, const char *key)
{
	open_level(j, key, '{');
}

void json_array(struct json *j, const char *key)
{
	open_level(j, key, '[');
}

void json_end_object(struct json *j)
{
	close_level(j, '}');
}

void json_end_array(struct json *j)
{
	close_level(j, ']');
}

void json_string(struct json *j, const char *key, const char *value)
{
	if (!value) {
		json_null(j, key);
		return;
	}
	before(j, key);
	put_text(j->out, value);
	after(j);
}

void json_u64(struct json *j, const char *key, uint64_t value)
{
	before(j, key);
	fprintf(j->out, "%" PRIu64, value);
	after(j);
}

void json_double(struct json *j, const char *key, double value)
{
	char text[40];

	if (!isfinite(value)) {
		json_null(j, key);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	before(j, key);
	fputs(text, j->out);
	after(j);
}

void json_bool(struct json *j, const char *key, bool value)
{
	before(j, key);
	fputs(value ? "true" : "false", j->out);
	after(j);
}

void json_null(struct json *j, const char *key)
{
	before(j, key);
	fputs("null", j->out);
	after(j);
}
