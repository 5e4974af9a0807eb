/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One error: a single line for a person, made where the fault is found and printed by whoever
 * can end the program. Every fallible function of mmsim takes a struct err * last and returns
 * false (or NULL, or -1) after setting it. Nothing below cli/ prints or exits.
 */
#ifndef SIM_BASE_ERR_H
#define SIM_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct err {
	char msg[768]; /* one line, no newline; "" while nothing went wrong */
};

/* Where a piece of text came from; line 0 = no line (an option, a whole file). */
struct where {
	const char *file;
	unsigned int line, column;
};

/* Each returns false, so that a caller can write: return err_set(err, "..."). */
bool err_set(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "FILE:LINE: ..." */
bool err_at(struct err *err, struct where where, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Puts "context: " before what is already there. */
bool err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static inline bool err_is_set(const struct err *err)
{
	return err->msg[0] != '\0';
}

#endif
