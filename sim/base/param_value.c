/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One value of each scalar parameter type: read from text, written as canonical text, copied,
 * freed. Lists are in param_list.c; tables of parameters and bounds are param.c's matter.
 */
#include "sim/base/param_list.h"
#include "sim/base/param_value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/text.h"

static bool read_bool(void *value, const char *text, const struct param *row, struct err *err)
{
	(void)row;
	return text_to_bool(text, value, err);
}

static bool read_u32(void *value, const char *text, const struct param *row, struct err *err)
{
	uint64_t wide;

	(void)row;
	if (!text_to_u64(text, &wide, err))
		return false;
	if (wide > UINT32_MAX)
		return err_set(err, "'%.80s' is too large: expected " TEXT_KIND_U64, text);
	*(uint32_t *)value = (uint32_t)wide;
	return true;
}

static bool read_u64(void *value, const char *text, const struct param *row, struct err *err)
{
	(void)row;
	return text_to_u64(text, value, err);
}

static bool read_double(void *value, const char *text, const struct param *row, struct err *err)
{
	(void)row;
	return text_to_double(text, value, err);
}

static bool read_ps(void *value, const char *text, const struct param *row, struct err *err)
{
	(void)row;
	return text_to_ps(text, value, err);
}

static bool read_bytes(void *value, const char *text, const struct param *row, struct err *err)
{
	(void)row;
	return text_to_bytes(text, value, err);
}

static bool read_hz(void *value, const char *text, const struct param *row, struct err *err)
{
	(void)row;
	return text_to_hz(text, value, err);
}

static bool read_choice(const char *text, const struct param *row, uint32_t *index, struct err *err)
{
	char hint[160] = "", expected[320];
	struct nearest n;

	nearest_init(&n, text);
	for (uint32_t i = 0; row->choices[i]; i++) {
		nearest_offer(&n, row->choices[i]);
		if (!strcmp(text, row->choices[i])) {
			*index = i;
			return true;
		}
	}
	if (nearest_result(&n))
		snprintf(hint, sizeof(hint), " (did you mean '%s'?)", nearest_result(&n));
	return err_set(err, "unknown value '%.80s'%s: expected %s", text, hint,
		       param_expects(row, expected, sizeof(expected)));
}

static bool read_enum(void *value, const char *text, const struct param *row, struct err *err)
{
	return read_choice(text, row, value, err);
}

static bool read_string(void *value, const char *text, const struct param *row, struct err *err)
{
	uint32_t index;
	char *copy;

	if (row->choices && !read_choice(text, row, &index, err))
		return false;
	copy = strdup(text);
	if (!copy)
		return err_set(err, "out of memory");
	*(char **)value = copy;
	return true;
}

static char *write_bool(const void *value, const struct param *row)
{
	(void)row;
	return strdup(*(const bool *)value ? "true" : "false");
}

static char *write_u32(const void *value, const struct param *row)
{
	char buf[32];

	(void)row;
	snprintf(buf, sizeof(buf), "%u", *(const uint32_t *)value);
	return strdup(buf);
}

static char *write_u64(const void *value, const struct param *row)
{
	char buf[32];

	(void)row;
	snprintf(buf, sizeof(buf), "%llu", (unsigned long long)*(const uint64_t *)value);
	return strdup(buf);
}

static char *write_double(const void *value, const struct param *row)
{
	char buf[64];

	(void)row;
	return strdup(text_exact_double(*(const double *)value, buf, sizeof(buf)));
}

static char *write_ps(const void *value, const struct param *row)
{
	char buf[64];

	(void)row;
	return strdup(text_exact_ps(*(const uint64_t *)value, buf, sizeof(buf)));
}

static char *write_bytes(const void *value, const struct param *row)
{
	char buf[64];

	(void)row;
	return strdup(text_exact_bytes(*(const uint64_t *)value, buf, sizeof(buf)));
}

static char *write_hz(const void *value, const struct param *row)
{
	char buf[64];

	(void)row;
	return strdup(text_exact_hz(*(const uint64_t *)value, buf, sizeof(buf)));
}

static char *write_string(const void *value, const struct param *row)
{
	const char *s = *(char *const *)value;

	(void)row;
	return strdup(s ? s : "");
}

static char *write_enum(const void *value, const struct param *row)
{
	return strdup(row->choices[*(const uint32_t *)value]);
}

static double number_u32(const void *value)
{
	return *(const uint32_t *)value;
}

static double number_u64(const void *value)
{
	return (double)*(const uint64_t *)value;
}

static double number_double(const void *value)
{
	return *(const double *)value;
}

static uint64_t bound_u64(double bound)
{
	return bound >= 0x1p64 ? UINT64_MAX : (uint64_t)bound;
}

static const char *bound_ps(double bound, char *buf, size_t size)
{
	return text_exact_ps(bound_u64(bound), buf, size);
}

static const char *bound_bytes(double bound, char *buf, size_t size)
{
	return text_exact_bytes(bound_u64(bound), buf, size);
}

static const char *bound_hz(double bound, char *buf, size_t size)
{
	return text_exact_hz(bound_u64(bound), buf, size);
}

static void free_string(void *value)
{
	free(*(char **)value);
}

static bool copy_string(void *dst, const void *src)
{
	const char *s = *(char *const *)src;

	*(char **)dst = s ? strdup(s) : NULL;
	return !s || *(char **)dst;
}

const struct param_ops param_ops[] = {
	[PARAM_BOOL] = { sizeof(bool), TEXT_KIND_BOOL, read_bool, write_bool },
	[PARAM_U32] = { sizeof(uint32_t), TEXT_KIND_U64, read_u32, write_u32, number_u32,
			text_exact_double },
	[PARAM_U64] = { sizeof(uint64_t), TEXT_KIND_U64, read_u64, write_u64, number_u64,
			text_exact_double },
	[PARAM_DOUBLE] = { sizeof(double), TEXT_KIND_DOUBLE, read_double, write_double,
			   number_double, text_exact_double },
	[PARAM_PS] = { sizeof(uint64_t), TEXT_KIND_PS, read_ps, write_ps, number_u64, bound_ps },
	[PARAM_BYTES] = { sizeof(uint64_t), TEXT_KIND_BYTES, read_bytes, write_bytes, number_u64,
			  bound_bytes },
	[PARAM_HZ] = { sizeof(uint64_t), TEXT_KIND_HZ, read_hz, write_hz, number_u64, bound_hz },
	[PARAM_STRING] = { sizeof(char *), "text", read_string, write_string, .free = free_string,
			   .copy = copy_string },
	[PARAM_ENUM] = { sizeof(uint32_t), NULL, read_enum, write_enum },
	[PARAM_LIST] = { sizeof(char **), PARAM_KIND_LIST, param_list_read, param_list_write,
			 .free = param_list_free, .copy = param_list_copy },
	[PARAM_U32_LIST] = { sizeof(struct u32_list), PARAM_KIND_U32_LIST, param_u32_list_read,
			     param_u32_list_write, .bound = text_exact_double,
			     .free = param_u32_list_free, .copy = param_u32_list_copy },
};

_Static_assert(sizeof(struct u32_list) <= PARAM_VALUE_MAX, "param_set's buffer holds any value");
