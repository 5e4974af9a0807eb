/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The JSON writer: escaping, nesting and numbers. Would break: output that no parser reads.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/json.h"
#include "analysis/table.h"

static void write_all(struct json *j)
{
	json_object(j, NULL);
	json_string(j, "a\"b",
		    "line\n\ttab \\ \x01 \xc3\xa9 \xff \xed\xa0\x80 \xf0\x9f\x98\x80 end\x7f");
	json_string(j, "none", NULL);
	json_array(j, "list");
	json_u64(j, NULL, UINT64_MAX);
	json_double(j, NULL, 0.1);
	json_double(j, NULL, NAN);
	json_double(j, NULL, -1e300);
	json_bool(j, NULL, true);
	json_end_array(j);
	json_array(j, "empty");
	json_end_array(j);
	json_object(j, "nothing");
	json_end_object(j);
	json_end_object(j);
}

static void test_text(void **state)
{
	static const char expected[] =
		"{\n"
		"  \"a\\\"b\": \"line\\n\\ttab \\\\ \\u0001 \xc3\xa9 \\ufffd \\ufffd\\ufffd\\ufffd "
		"\xf0\x9f\x98\x80 end\\u007f\",\n"
		"  \"none\": null,\n"
		"  \"list\": [\n    18446744073709551615,\n    0.1,\n    null,\n    -1e+300,\n    "
		"true\n  ],\n"
		"  \"empty\": [],\n"
		"  \"nothing\": {}\n"
		"}\n";
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct json j;

	(void)state;
	json_init(&j, out);
	write_all(&j);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

/* Every double that is written reads back to itself. */
static void test_doubles(void **state)
{
	uint64_t x = 88172645463325252u;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char *text;
		size_t size;
		double v, back;
		struct json j;
		FILE *out;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(&v, &x, sizeof(v));
		if (!isfinite(v))
			continue;
		out = open_memstream(&text, &size);
		json_init(&j, out);
		json_double(&j, NULL, v);
		fclose(out);
		back = strtod(text, NULL);
		assert_memory_equal(&v, &back, sizeof(v));
		free(text);
	}
}

static void test_table(void **state)
{
	static const char expected[] = " name   value  note\n"
				       " \xc3\xa9tude     12\n"
				       " x          7  yes\n";
	struct table *t = table_new();
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	table_column(t, "name", TABLE_LEFT);
	table_column(t, "value", TABLE_RIGHT);
	table_column(t, "note", TABLE_LEFT);
	table_cell(t, "%s", "\xc3\xa9tude");
	table_cell(t, "%d", 12);
	table_cell(t, "%s", "");
	table_cell(t, "%s", "x");
	table_cell(t, "%d", 7);
	table_cell(t, "%s", "yes");
	table_print(t, out, 1);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
