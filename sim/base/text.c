/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers with units, read and written. Quantities are read with integers only, so that "0.1us" is
 * exactly 100000 ps; doubles go through the C locale whatever setlocale was told. Name distances
 * live in nearest.c.
 */
#define _GNU_SOURCE /* strtod_l */
#include "sim/base/text.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	uint64_t scale;
};

struct quantity {
	const char *kind;
	bool unit_needed;
	struct unit units[6]; /* rising; ends with a NULL name */
};

static const struct quantity q_time = {
	TEXT_KIND_PS,
	true,
	{ { "ps", 1 },
	  { "ns", 1000 },
	  { "us", 1000000 },
	  { "ms", 1000000000 },
	  { "s", 1000000000000 } },
};
static const struct quantity q_bytes = {
	TEXT_KIND_BYTES,
	false,
	{ { "B", 1 },
	  { "KiB", 1ull << 10 },
	  { "MiB", 1ull << 20 },
	  { "GiB", 1ull << 30 },
	  { "TiB", 1ull << 40 } },
};
static const struct quantity q_hz = {
	TEXT_KIND_HZ,
	true,
	{ { "Hz", 1 }, { "kHz", 1000 }, { "MHz", 1000000 }, { "GHz", 1000000000 } },
};

typedef unsigned __int128 u128;

/* DIGITS[.DIGITS] as whole + fraction/den; "_" may stand between digits. */
struct decimal {
	u128 whole, fraction, den;
	bool big;
	const char *end;
};

static bool read_decimal(const char *text, struct decimal *d)
{
	bool point = false, digit = false;
	const char *p;

	*d = (struct decimal){ .den = 1 };
	for (p = text;; p++) {
		if (*p == '_' && digit && isdigit((unsigned char)p[1]))
			continue;
		if (*p == '.' && !point && isdigit((unsigned char)p[1])) {
			point = true;
			continue;
		}
		if (!isdigit((unsigned char)*p))
			break;
		digit = true;
		if (!point) {
			d->whole = d->whole * 10 + (unsigned int)(*p - '0');
			d->big |= d->whole > UINT64_MAX;
			if (d->big)
				d->whole = 0;              /* only the flag counts from here */
		} else if (d->den < 1000000000000000000) { /* 18 digits are finer than any unit */
			d->fraction = d->fraction * 10 + (unsigned int)(*p - '0');
			d->den *= 10;
		}
	}
	d->end = p;
	return digit;
}

static const char *skip_blank(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

/* Compares [p, end of word) with name and wants only blanks behind. */
static bool word_is(const char *p, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(p, name, n) && *skip_blank(p + n) == '\0';
}

static bool complain(struct err *err, const char *text, const char *what, const char *kind)
{
	return err_set(err, "'%.80s' %s: expected %s", text, what, kind);
}

static bool read_quantity(const char *text, const struct quantity *q, uint64_t *value,
			  struct err *err)
{
	const char *p = skip_blank(text);
	const struct unit *u = NULL;
	struct decimal d;
	u128 v;

	if (*p == '-')
		return complain(err, text, "is negative", q->kind);
	if (!read_decimal(p, &d))
		return complain(err, text, "is no number", q->kind);
	p = skip_blank(d.end);
	if (*p == '\0') {
		if (q->unit_needed && (d.big || d.whole || d.fraction))
			return complain(err, text, "has no unit", q->kind);
		u = &q->units[0];
	}
	for (const struct unit *each = q->units; !u && each->name; each++) {
		if (word_is(p, each->name))
			u = each;
	}
	if (!u)
		return complain(err, text, "has an unknown unit", q->kind);
	v = d.whole * u->scale + (d.fraction * u->scale + d.den / 2) / d.den;
	if (d.big || v > UINT64_MAX)
		return complain(err, text, "is too large", q->kind);
	*value = (uint64_t)v;
	return true;
}

bool text_to_ps(const char *text, uint64_t *ps, struct err *err)
{
	return read_quantity(text, &q_time, ps, err);
}

bool text_to_bytes(const char *text, uint64_t *bytes, struct err *err)
{
	return read_quantity(text, &q_bytes, bytes, err);
}

bool text_to_hz(const char *text, uint64_t *hz, struct err *err)
{
	return read_quantity(text, &q_hz, hz, err);
}

static bool read_hex(const char *p, u128 *value, const char **end)
{
	const char *start = p;

	for (*value = 0; isxdigit((unsigned char)*p) || (*p == '_' && p > start); p++) {
		unsigned int digit = (unsigned int)tolower((unsigned char)*p);

		if (*p == '_' && isxdigit((unsigned char)p[1]))
			continue;
		if (*p == '_')
			break;
		if (*value <= UINT64_MAX)
			*value = *value * 16 + (digit <= '9' ? digit - '0' : digit - 'a' + 10);
	}
	*end = p;
	return p > start;
}

bool text_to_u64(const char *text, uint64_t *value, struct err *err)
{
	const char *p = skip_blank(text), *end;
	struct decimal d;
	u128 v;
	bool ok;

	if (*p == '-')
		return complain(err, text, "is negative", TEXT_KIND_U64);
	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		ok = read_hex(p + 2, &v, &end);
	} else {
		ok = read_decimal(p, &d) && d.den == 1;
		v = d.big ? (u128)UINT64_MAX + 1 : d.whole;
		end = d.end;
	}
	if (!ok || *skip_blank(end))
		return complain(err, text, "is no whole number", TEXT_KIND_U64);
	if (v > UINT64_MAX)
		return complain(err, text, "is too large", TEXT_KIND_U64);
	*value = (uint64_t)v;
	return true;
}

/* glibc's own C locale object: no allocation behind it. */
static locale_t c_locale(void)
{
	return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

bool text_to_double(const char *text, double *value, struct err *err)
{
	const char *p = skip_blank(text);
	locale_t c = c_locale();
	char *end;
	double v = strtod_l(p, &end, c);

	freelocale(c);
	if (end == p || *skip_blank(end) || !isfinite(v))
		return complain(err, text, "is no number", TEXT_KIND_DOUBLE);
	*value = v;
	return true;
}

bool text_to_bool(const char *text, bool *value, struct err *err)
{
	static const struct {
		const char *name;
		bool value;
	} words[] = { { "true", true },   { "yes", true }, { "on", true },
		      { "false", false }, { "no", false }, { "off", false } };
	const char *p = skip_blank(text);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i].name);

		if (!strncasecmp(p, words[i].name, n) && !*skip_blank(p + n)) {
			*value = words[i].value;
			return true;
		}
	}
	return complain(err, text, "is neither", TEXT_KIND_BOOL);
}

static const char *exact(uint64_t value, const struct quantity *q, char *buf, size_t size)
{
	const struct unit *u = q->units;

	while (value && u[1].name && value % u[1].scale == 0)
		u++;
	snprintf(buf, size, "%llu%s", (unsigned long long)(value / u->scale), u->name);
	return buf;
}

const char *text_exact_ps(uint64_t ps, char *buf, size_t size)
{
	return exact(ps, &q_time, buf, size);
}

const char *text_exact_bytes(uint64_t bytes, char *buf, size_t size)
{
	return exact(bytes, &q_bytes, buf, size);
}

const char *text_exact_hz(uint64_t hz, char *buf, size_t size)
{
	return exact(hz, &q_hz, buf, size);
}

const char *text_exact_double(double value, char *buf, size_t size)
{
	locale_t c = c_locale(), old = uselocale(c);

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(buf, size, "%.*g", digits, value);
		if (strtod_l(buf, NULL, c) == value)
			break;
	}
	uselocale(old);
	freelocale(c);
	return buf;
}

/* Three significant digits; scales rise by 1000, so at most 999.5 may be printed of each. */
static const char *rounded(double value, const char *const *names, size_t n, const char *gap,
			   char *buf, size_t size)
{
	locale_t c = c_locale(), old = uselocale(c);
	size_t i = 0;

	while (i + 1 < n && fabs(value) >= 999.5) {
		value /= 1000;
		i++;
	}
	if (i == 0 && value == floor(value) && fabs(value) < 1000)
		snprintf(buf, size, "%.0f%s%s", value, *names[0] ? gap : "", names[0]);
	else
		snprintf(buf, size, "%.*f%s%s",
			 fabs(value) < 9.995   ? 2
			 : fabs(value) < 99.95 ? 1
					       : 0,
			 value, *names[i] ? gap : "", names[i]);
	uselocale(old);
	freelocale(c);
	return buf;
}

const char *text_from_ps(uint64_t ps, char *buf, size_t size)
{
	static const char *const names[] = { "ps", "ns", "us", "ms", "s" };

	return rounded((double)ps, names, 5, " ", buf, size);
}

const char *text_from_count(double count, char *buf, size_t size)
{
	static const char *const names[] = { "", "k", "M", "G", "T", "P" };

	return rounded(count, names, 6, "", buf, size);
}
