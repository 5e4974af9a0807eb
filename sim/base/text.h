/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Small text helpers that every layer shares: numbers with units, and the nearest known name for
 * "did you mean". No locale: '.' is the decimal point whatever the environment says.
 */
#ifndef SIM_BASE_TEXT_H
#define SIM_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/err.h"

/* What the readers below accept, as the end of "expected ...". */
#define TEXT_KIND_PS     "a time with unit (ps, ns, us, ms, s)"
#define TEXT_KIND_BYTES  "a size in bytes, plain or with unit (B, KiB, MiB, GiB, TiB)"
#define TEXT_KIND_HZ     "a frequency with unit (Hz, kHz, MHz, GHz)"
#define TEXT_KIND_U64    "a whole number"
#define TEXT_KIND_DOUBLE "a number"
#define TEXT_KIND_BOOL   "true or false"

/*
 * Readers of a whole text (blanks around it are ignored): on failure *value is unchanged and err
 * says
 * "'TEXT' WHAT IS WRONG: expected KIND". Fractions finer than the base unit are rounded to nearest.
 */
/* "250ns", "1.5us", "50ms", "2s", "800ps" -> picoseconds. The unit is required, except for 0. */
bool text_to_ps(const char *text, uint64_t *ps, struct err *err);
/* "4KiB", "2MiB", "1GiB", "128" (bytes) */
bool text_to_bytes(const char *text, uint64_t *bytes, struct err *err);
/* "2.3GHz", "800MHz" -> Hz */
bool text_to_hz(const char *text, uint64_t *hz, struct err *err);
/* decimal or 0x hexadecimal, "_" allowed between digits */
bool text_to_u64(const char *text, uint64_t *value, struct err *err);
bool text_to_double(const char *text, double *value, struct err *err);
bool text_to_bool(const char *text, bool *value, struct err *err); /* true|false|yes|no|on|off */

/* A duration for people: 3 significant digits and the fitting unit ("1.23 us"); returns buf. */
const char *text_from_ps(uint64_t ps, char *buf, size_t size);
/* The shortest exact form that text_to_ps reads back ("1500ns"). */
const char *text_exact_ps(uint64_t ps, char *buf, size_t size);
/* The same for bytes ("2MiB") and Hz ("2300MHz"), and a double that reads back bit by bit. */
const char *text_exact_bytes(uint64_t bytes, char *buf, size_t size);
const char *text_exact_hz(uint64_t hz, char *buf, size_t size);
const char *text_exact_double(double value, char *buf, size_t size);
/* 1234567 -> "1.23M"; returns buf */
const char *text_from_count(double count, char *buf, size_t size);

/* Levenshtein distance, case-insensitive. */
unsigned int text_distance(const char *a, const char *b);

/* Collects the nearest of several names to one that is unknown. */
struct nearest {
	const char *wanted, *best;
	unsigned int distance;
};
void nearest_init(struct nearest *n, const char *wanted);
void nearest_offer(struct nearest *n, const char *candidate);
/* NULL when nothing is near enough to be a plausible slip of the fingers. */
const char *nearest_result(const struct nearest *n);

#endif
