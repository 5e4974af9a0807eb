/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * YAML and parameter tables together, as configurations use them: each wrong file gives a message
 * that names line, value, what was expected and the nearest key; right files read back what
 * param_get writes; hostile bytes give an error and nothing else.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/yaml.h"
#include "sim/rng.h"

struct config {
	bool fast;
	uint32_t cores;
	uint64_t pages, duration, cache, clock, icr_write;
	double share;
	char *name;
	uint32_t mode;
	char **loads;
	struct u32_list cpus;
};

static const char *const modes[] = { "eager", "lazy", NULL };

#define ROW(field, type_, ...)                                                                     \
	{                                                                                          \
		.type = type_, .offset = offsetof(struct config, field), .help = "", __VA_ARGS__   \
	}

static const struct param table[] = {
	ROW(fast, PARAM_BOOL, .name = "fast", .def = "no"),
	ROW(cores, PARAM_U32, .name = "cores", .def = "4", .min = 1, .max = 1024),
	ROW(pages, PARAM_U64, .name = "pages", .def = "0"),
	ROW(duration, PARAM_PS, .name = "duration", .def = "1ms", .min = 1e6, .max = 1e14),
	ROW(cache, PARAM_BYTES, .name = "cache.size", .def = "1MiB"),
	ROW(clock, PARAM_HZ, .name = "clock", .def = "2.5GHz"),
	ROW(icr_write, PARAM_PS, .name = "ipi.icr_write", .def = "5ns"),
	ROW(share, PARAM_DOUBLE, .name = "share", .def = "0.5", .min = 0, .max = 1),
	ROW(name, PARAM_STRING, .name = "name"),
	ROW(mode, PARAM_ENUM, .name = "mode", .def = "lazy", .choices = modes),
	ROW(loads, PARAM_LIST, .name = "loads", .def = ""),
	ROW(cpus, PARAM_U32_LIST, .name = "cpus", .def = "0", .max = 1023),
	PARAM_END,
};

static const char *const skipped[] = { "extends", NULL };

static bool load(const char *text, size_t size, struct config *c, struct err *err)
{
	struct yaml_doc *doc;
	bool ok;

	err->msg[0] = '\0';
	assert_true(param_init(c, table, err));
	doc = yaml_parse("m.yaml", text, size, err);
	if (!doc) {
		assert_true(err_is_set(err));
		return false;
	}
	ok = yaml_bind(yaml_root(doc), c, table, skipped, err);
	assert_int_equal(ok, !err_is_set(err));
	yaml_free(doc);
	return ok;
}

static void refuses(const char *text, const char *message)
{
	struct config c;
	struct err err;

	if (load(text, strlen(text), &c, &err))
		fail_msg("accepted: %s", text);
	if (strcmp(err.msg, message))
		fail_msg("\n  got:      %s\n  expected: %s", err.msg, message);
	param_free(&c, table);
}

static void test_messages(void **state)
{
	(void)state;
	refuses("name: x\nipi:\n  icr_wirte: 5ns\n",
		"m.yaml:3: unknown key 'ipi.icr_wirte' (did you mean 'ipi.icr_write'?)");
	refuses("name: x\nextend: y\n", "m.yaml:2: unknown key 'extend' (did you mean 'extends'?)");
	refuses("name: x\nwhatever: y\n", "m.yaml:2: unknown key 'whatever'");
	refuses("name: x\n\n\nduration: 50\n",
		"m.yaml:4: duration: '50' has no unit: expected a time with unit "
		"(ps, ns, us, ms, s), 1us..100s");
	refuses("name: x\nduration: 500s\n",
		"m.yaml:2: duration: '500s' is out of range: expected a time with unit "
		"(ps, ns, us, ms, s), 1us..100s");
	refuses("name: x\ncores: 0\n",
		"m.yaml:2: cores: '0' is out of range: expected a whole number, 1..1024");
	refuses("name: x\ncores: many\n",
		"m.yaml:2: cores: 'many' is no whole number: expected a whole number, 1..1024");
	refuses("name: x\nmode: lzy\n", "m.yaml:2: mode: unknown value 'lzy' (did you mean "
					"'lazy'?): expected one of eager|lazy");
	refuses("name: x\nname: y\n", "m.yaml:2: key 'name' a second time (first on line 1)");
	refuses("name: x\nipi: {icr_write: 1ns}\nipi.icr_write: 2ns\n",
		"m.yaml:3: key 'ipi.icr_write' a second time");
	refuses("cores: 4\n", "m.yaml:1: missing key 'name': expected text");
	refuses("name: x\ncores: [1, 2]\n",
		"m.yaml:2: cores: a list: expected a whole number, 1..1024");
	refuses("name: x\ncores: {a: 1}\n",
		"m.yaml:2: cores: a mapping: expected a whole number, 1..1024");
	refuses("name: x\nipi: 5\n", "m.yaml:2: ipi: expected a mapping of its keys");
	refuses("name: x\nloads: [a, [b]]\n",
		"m.yaml:2: loads: an item that is no plain value: expected a comma-separated list");
	refuses("name: x\ncpus: 1-4,9-7\n",
		"m.yaml:2: cpus: '9-7' is a falling range: expected whole numbers and ranges such "
		"as 1-4, comma-separated, 0..1023");
	refuses("name: x\ncpus: 5000\n",
		"m.yaml:2: cpus: '5000' is out of range: expected whole numbers and ranges such "
		"as 1-4, comma-separated, 0..1023");
}

static void test_documents(void **state)
{
	(void)state;
	refuses("", "m.yaml: empty: expected a mapping (KEY: VALUE lines)");
	refuses("- a\n", "m.yaml:1: expected a mapping (KEY: VALUE lines)");
	refuses("name: x\n---\nname: y\n", "m.yaml:2: a second document: expected one");
	refuses("name: &a [*a]\n", "m.yaml:1: alias '*a' contains itself");
	refuses("name: *b\n", "m.yaml:1: alias '*b' has no anchor");
	refuses("name: \"a\\0b\"\n", "m.yaml:1: a NUL character in a value");
	refuses("? [a]\n: b\n", "m.yaml:1: a key must be plain text");
	refuses("a: b: c\n", "m.yaml:1: mapping values are not allowed in this context");
}

static char *get(const struct config *c, const char *name)
{
	return param_get(c, table, param_find(table, name));
}

static void has(const struct config *c, const char *name, const char *want)
{
	char *text = get(c, name);

	assert_string_equal(text, want);
	free(text);
}

static const char good[] = "# a machine\n"
			   "extends: other\n"
			   "name: &n two words\n"
			   "fast: on\n"
			   "cores: 16\n"
			   "pages: 0x1_0000\n"
			   "duration: 1.5ms\n"
			   "cache: {size: 1.5MiB}\n"
			   "clock: 2.3GHz\n"
			   "share: 0.1\n"
			   "mode: eager\n"
			   "loads: [a, b c, *n]\n"
			   "cpus: [0-3, 9, 10, 64-65]\n";

static void test_values(void **state)
{
	struct config c, copy;
	struct err err;

	(void)state;
	if (!load(good, strlen(good), &c, &err))
		fail_msg("%s", err.msg);
	has(&c, "name", "two words");
	has(&c, "fast", "true");
	has(&c, "pages", "65536");
	has(&c, "duration", "1500us");
	has(&c, "cache.size", "1536KiB");
	has(&c, "clock", "2300MHz");
	has(&c, "ipi.icr_write", "5ns");
	has(&c, "share", "0.1");
	has(&c, "mode", "eager");
	has(&c, "loads", "a,b c,two words");
	has(&c, "cpus", "0-3,9,10,64,65");
	assert_int_equal(c.cpus.n, 8);
	assert_true(param_init(&copy, table, &err));
	assert_true(param_copy(&copy, &c, table, &err));
	for (const struct param *row = table; row->name; row++) {
		char *text = param_get(&c, table, row);

		assert_true(param_set(&c, table, row->name, text, (struct where){ 0 }, &err));
		has(&copy, row->name, text);
		free(text);
	}
	param_free(&c, table);
	has(&copy, "loads", "a,b c,two words"); /* deep */
	param_free(&copy, table);
}

static void test_wrong_value_changes_nothing(void **state)
{
	struct where where = { "--set", 0, 0 };
	struct config c;
	struct err err;

	(void)state;
	assert_true(load(good, strlen(good), &c, &err));
	assert_false(param_set(&c, table, "cpus", "1,x", where, &err));
	assert_false(param_set(&c, table, "loads", "a,,b", where, &err));
	assert_false(param_set(&c, table, "cores", "2000", where, &err));
	assert_false(param_set(&c, table, "cpus", "0-4000000000", where, &err));
	assert_false(param_set(&c, table, "corse", "2", where, &err));
	assert_string_equal(err.msg, "--set: unknown key 'corse' (did you mean 'cores'?)");
	has(&c, "cpus", "0-3,9,10,64,65");
	has(&c, "loads", "a,b c,two words");
	has(&c, "cores", "16");
	param_free(&c, table);
}

/* A child's file that leaves out what its parent's file set is complete. */
static void test_second_file_over_the_first(void **state)
{
	static const char more[] = "cores: 8\n";
	struct yaml_doc *doc;
	struct config c;
	struct err err;

	(void)state;
	assert_true(load(good, strlen(good), &c, &err));
	doc = yaml_parse("child.yaml", more, strlen(more), &err);
	assert_non_null(doc);
	assert_true(yaml_bind(yaml_root(doc), &c, table, skipped, &err));
	has(&c, "cores", "8");
	has(&c, "name", "two words");
	yaml_free(doc);
	param_free(&c, table);
}

static void test_missing_file_and_folder(void **state)
{
	struct err err = { "" };

	(void)state;
	assert_null(yaml_load("/nonexistent/x.yaml", &err));
	assert_string_equal(err.msg, "/nonexistent/x.yaml: No such file or directory");
	assert_null(yaml_load("/", &err));
	assert_string_equal(err.msg, "/: Is a directory");
}

static void test_hostile_shapes(void **state)
{
	size_t size = (16 << 20) + 1;
	char *text = malloc(size + 1);
	struct config c;
	struct err err;

	(void)state;
	memset(text, ' ', size);
	assert_false(load(text, size, &c, &err)); /* too large */
	assert_non_null(strstr(err.msg, "larger than 16 MiB"));
	param_free(&c, table);
	memset(text, '[', 10000);
	memcpy(text, "name: ", 6);
	assert_false(load(text, 10000, &c, &err)); /* deep */
	assert_non_null(strstr(err.msg, "nested more than"));
	param_free(&c, table);
	memset(text, 0, 4096);
	assert_false(load(text, 4096, &c, &err)); /* binary */
	param_free(&c, table);
	free(text);
}

/* Every truncation, and thousands of random changes, of a good file: an answer, no crash. */
static void test_fuzz(void **state)
{
	size_t size = sizeof(good) - 1;
	struct config c;
	struct rng rng;
	struct err err;
	char text[sizeof(good)];

	(void)state;
	for (size_t cut = 0; cut < size; cut++) {
		load(good, cut, &c, &err);
		param_free(&c, table);
	}
	rng_init(&rng, 1, "fuzz", 0);
	for (int round = 0; round < 5000; round++) {
		memcpy(text, good, sizeof(good));
		for (uint64_t n = rng_below(&rng, 4) + 1; n-- > 0;) {
			static const char nasty[] = "[]{}&*!|>'\"%@`-:?,#\n\t \0\x80\xff";

			text[rng_below(&rng, size)] = nasty[rng_below(&rng, sizeof(nasty))];
		}
		load(text, size, &c, &err);
		param_free(&c, table);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_wrong_value_changes_nothing),
		cmocka_unit_test(test_second_file_over_the_first),
		cmocka_unit_test(test_missing_file_and_folder),
		cmocka_unit_test(test_hostile_shapes),
		cmocka_unit_test(test_fuzz),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
