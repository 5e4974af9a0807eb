/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors and rank order of published against simulated figures, by hand-made series, and the texts
 * made of them. Would break: an error with the wrong sign or base, a fitted point counted as
 * evidence.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/validate.h"

static struct validation_point rising[] = {
	{ "1", 100, 110, true },
	{ "2", 200, 180, false },
	{ "4", 400, 300, false },
	{ "8", 800, 800, false },
};

static struct validation_series series(struct validation_point *p, size_t n)
{
	return (struct validation_series){
		.table = "table", .name = "series", .x_name = "n", .unit = "ns", .points = p, .n = n
	};
}

static void near(double a, double b)
{
	assert_true(fabs(a - b) < 1e-9);
}

static void errors(void **state)
{
	struct validation_series s = series(rising, 4);

	(void)state;
	near(validation_error(&rising[0]), 0.1);
	near(validation_error(&rising[2]), -0.25);
	near(validation_mean_error(&s), (0.1 + 0.1 + 0.25 + 0) / 4);
	near(validation_max_error(&s), 0.25);
	near(validation_predicted_error(&s), (0.1 + 0.25 + 0) / 3);
}

static void no_prediction(void **state)
{
	struct validation_series s = series(rising, 1);

	(void)state;
	assert_true(isnan(validation_predicted_error(&s)));
	near(validation_mean_error(&s), 0.1);
}

static void rank_order(void **state)
{
	struct validation_point same[] = { { "a", 1, 5, false },
					   { "b", 2, 6, false },
					   { "c", 3, 60, false } };
	struct validation_point reverse[] = { { "a", 1, 9, false },
					      { "b", 2, 8, false },
					      { "c", 3, 7, false } };
	/* ranks 1 2 3 4 against 1 3 2 4: 1 - 6 * (0 + 1 + 1 + 0) / (4 * 15) */
	struct validation_point swapped[] = { { "a", 1, 1, false },
					      { "b", 2, 3, false },
					      { "c", 3, 2, false },
					      { "d", 4, 4, false } };
	struct validation_series s = series(same, 3);

	(void)state;
	near(validation_rank(&s), 1);
	s = series(reverse, 3);
	near(validation_rank(&s), -1);
	s = series(swapped, 4);
	near(validation_rank(&s), 0.8);
	s = series(same, 2);
	assert_true(isnan(validation_rank(&s)));
}

static char *text_of(void (*print)(const struct validation_series *s, size_t n, FILE *out),
		     const struct validation_series *s)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	print(s, 1, out);
	fclose(out);
	return text;
}

static void texts(void **state)
{
	struct validation_point p[] = { { "1", 1234567, 1300000, false },
					{ "2", 0.0525, 0.05, true },
					{ "4", 2.5e10, 2.4e10, false } };
	static const char *const wanted[] = { "1235000", "1300000", "+5.3%",
					      "0.0525",  "-4.8%",   "2.5e+10" };
	struct validation_series s = series(p, 3);
	char *plain = text_of(validation_print, &s), *markdown = text_of(validation_markdown, &s);

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		assert_non_null(strstr(plain, wanted[i]));
		assert_non_null(strstr(markdown, wanted[i]));
	}
	assert_non_null(strstr(plain, "fitted"));
	assert_non_null(strstr(markdown, "-4.8% (fitted)"));
	free(plain);
	free(markdown);
}

static void json(void **state)
{
	struct validation_point p[] = { { "1", 10, 11, true }, { "before", 20, 20, false } };
	struct validation_series s = series(p, 2);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct json j;

	(void)state;
	json_init(&j, out);
	validation_json(&s, &j);
	fclose(out);
	assert_non_null(strstr(text, "\"x\": 1,"));
	assert_non_null(strstr(text, "\"x\": \"before\""));
	assert_non_null(strstr(text, "\"mean_abs_error\": 0.05"));
	assert_non_null(strstr(text, "\"max_abs_error\": 0.1"));
	assert_null(strstr(text, "fitted"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors),     cmocka_unit_test(no_prediction),
		cmocka_unit_test(rank_order), cmocka_unit_test(texts),
		cmocka_unit_test(json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
