/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making of error lines. A line never holds a control character, whatever a user's file or option
 * contained, so that it stays one line on any terminal and in any log. Printing is the caller's.
 */
#include "sim/base/err.h"

#include <stdio.h>
#include <string.h>

static void make_one_line(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
	}
}

static void append_v(struct err *err, size_t used, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

static void append_v(struct err *err, size_t used, const char *fmt, va_list args)
{
	if (used < sizeof(err->msg))
		vsnprintf(err->msg + used, sizeof(err->msg) - used, fmt, args);
	make_one_line(err->msg);
}

bool err_set(struct err *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	append_v(err, 0, fmt, args);
	va_end(args);
	return false;
}

bool err_at(struct err *err, struct where where, const char *fmt, ...)
{
	size_t used = 0;
	va_list args;
	int n = 0;

	if (where.file && where.line)
		n = snprintf(err->msg, sizeof(err->msg), "%s:%u: ", where.file, where.line);
	else if (where.file)
		n = snprintf(err->msg, sizeof(err->msg), "%s: ", where.file);
	if (n > 0)
		used = (size_t)n;
	va_start(args, fmt);
	append_v(err, used, fmt, args);
	va_end(args);
	return false;
}

bool err_prefix(struct err *err, const char *fmt, ...)
{
	struct err old = *err;
	va_list args;
	size_t used;

	va_start(args, fmt);
	append_v(err, 0, fmt, args);
	va_end(args);
	used = strlen(err->msg);
	snprintf(err->msg + used, sizeof(err->msg) - used, ": %s", old.msg);
	return false;
}
