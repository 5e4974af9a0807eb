/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Comparisons and plots of runs made by hand. Would break: a wrong interval, one where there can be
 * none, a counter that a policy never touches, runs of two situations mixed, bad gnuplot.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <sys/stat.h>

#include "analysis/compare.h"
#include "analysis/plot.h"
#include "tests/analysis/fixture.h"

/* Against Welch's formulas worked out by hand for two small samples. */
static void test_welch(void **state)
{
	const double a[] = { 12, 15, 11, 14 }, b[] = { 20, 25, 22 };
	struct sample x = sample_of(a, 4), y = sample_of(b, 3), one = sample_of(a, 1);
	struct interval ci = welch_interval(&x, &y, 0.95);
	double va = (10.0 / 3) / 4, vb = (19.0 / 3) / 3;
	double dof = (va + vb) * (va + vb) / (va * va / 3 + vb * vb / 2);

	(void)state;
	assert_float_equal(x.mean, 13, 1e-12);
	assert_float_equal(x.variance, 10.0 / 3, 1e-12);
	assert_float_equal(dof, 3.53, 0.01);
	assert_true(ci.known);
	assert_float_equal((ci.low + ci.high) / 2, 22 + 1.0 / 3 - 13, 1e-9);
	/* t(0.975; 3.5284) = 2.929, from tables between t(3) = 3.182 and t(4) = 2.776 */
	assert_float_equal((ci.high - ci.low) / 2 / sqrt(va + vb), 2.93, 0.01);
	assert_false(welch_interval(&one, &y, 0.95).known);
	assert_false(sample_interval(&one, 0.95).known);
	ci = welch_interval(&(struct sample){ .n = 3, .mean = 1 },
			    &(struct sample){ .n = 3, .mean = 4 }, 0.95);
	assert_true(ci.known && ci.low == 3 && ci.high == 3);
}

/* 200 comparisons of equals: about 5 in 100 intervals miss 0, or the intervals are wrong. */
static void test_coverage(void **state)
{
	uint64_t x = 12345;
	int missed = 0;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		double v[2][5];

		for (int k = 0; k < 10; k++) {
			double sum = 0;

			for (int m = 0; m < 12; m++) {
				x = x * 6364136223846793005u + 1442695040888963407u;
				sum += (double)(x >> 11) / 9007199254740992.0;
			}
			v[k / 5][k % 5] = sum * (k / 5 ? 3 : 1) - (k / 5 ? 18 : 6);
		}
		struct sample a = sample_of(v[0], 5), b = sample_of(v[1], 5);
		struct interval ci = welch_interval(&a, &b, 0.95);

		missed += ci.low > 0 || ci.high < 0;
	}
	assert_in_range(missed, 60, 140);
}

static struct store *make(const char *name, unsigned int seeds)
{
	struct err err = { 0 };
	struct store *store = store_open(fixture_path(name), STORE_WRITE, &err);

	assert_non_null(store);
	for (uint32_t threads = 2; threads <= 4; threads += 2)
		for (unsigned int s = 1; s <= seeds; s++) {
			struct fixture_run a = { .policy = "linux-6.18",
						 .seed = s,
						 .threads = threads,
						 .throughput = 1000.0 + s,
						 .flushes = 10 * s,
						 .latency = 4000000 };
			struct fixture_run b = { .policy = "it's_new",
						 .seed = s,
						 .threads = threads,
						 .throughput = 1500.0 + 2 * s,
						 .latency = 2000000 };

			/* new first: the baseline is found by name, not by place */
			assert_true(fixture_add(store, &b, &err));
			assert_true(fixture_add(store, &a, &err));
		}
	return store;
}

static const struct compare_row *row_of(const struct compare *c, const char *metric,
					const char *stat)
{
	for (size_t i = 0; i < c->n_rows; i++)
		if (!strcmp(c->rows[i].metric, metric) && !strcmp(c->rows[i].stat, stat))
			return &c->rows[i];
	return NULL;
}

static char *printed(const struct compare *c, bool as_json)
{
	struct json j;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (as_json) {
		json_init(&j, out);
		compare_json(c, &j);
	} else {
		compare_print(c, out);
	}
	fclose(out);
	return text;
}

static void test_compare(void **state)
{
	struct store *store = make("compare.db", 3);
	struct compare_options o = { .by = DIM_POLICY };
	struct run_filter all = { 0 };
	struct err err = { 0 };
	struct compare *c = compare_runs(store, &all, &o, &err);
	const struct compare_row *r;
	char *text;

	(void)state;
	assert_non_null(c);
	assert_string_equal(c->baseline, "linux-6.18");
	assert_int_equal(c->n_contexts, 2);
	r = row_of(c, "workload.ops_per_s", "value");
	assert_non_null(r);
	assert_int_equal(r->base.n, 3);
	assert_float_equal(r->base.mean, 1002, 1e-9);
	assert_float_equal(r->difference, 502, 1e-9);
	assert_true(r->interval.known && r->interval.low < 502 && r->interval.high > 502);
	/* the new policy never flushed: that is 0 in 3 runs, not "no data" */
	r = row_of(c, "tlb.flush", "value");
	assert_non_null(r);
	assert_int_equal(r->other.n, 3);
	assert_true(r->other.mean == 0);
	text = printed(c, false);
	assert_non_null(strstr(text, "95% interval"));
	assert_non_null(strstr(text, "3:3"));
	free(text);
	text = printed(c, true);
	assert_non_null(strstr(text, "\"relative_low\": 0."));
	free(text);
	compare_free(c);
	o.baseline = "linux-7";
	assert_null(compare_runs(store, &all, &o, &err));
	assert_non_null(strstr(err.msg, "it's_new"));
	store_close(store);
}

static void test_one_seed(void **state)
{
	struct store *store = make("one.db", 1);
	struct compare_options o = { .by = DIM_THREADS };
	struct run_filter all = { .policy = (char *[]){ "linux-6.18", NULL } };
	struct err err = { 0 };
	struct compare *c = compare_runs(store, &all, &o, &err);
	char *text;

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->n_contexts, 1);
	assert_true(c->n_rows > 0);
	for (size_t i = 0; i < c->n_rows; i++)
		assert_false(c->rows[i].interval.known);
	text = printed(c, false);
	assert_non_null(strstr(text, "no interval"));
	assert_null(strstr(text, "0.0%"));
	free(text);
	compare_free(c);
	store_close(store);
}

static void draw(struct store *store, plot_fn *fn, const struct plot_options *wish,
		 const char *name)
{
	struct plot_options o = *wish;
	struct err err = { 0 };
	struct stat st;

	o.output = fixture_path(name);
	if (!fn(store, &o, &err))
		fail_msg("%s: %s", name, err.msg);
	assert_int_equal(stat(o.output, &st), 0);
	assert_true(st.st_size > 3000);
}

static void test_plots(void **state)
{
	struct store *store = make("plots.db", 3);
	struct plot_options two = { .filter = { .threads = (uint32_t[]){ 2 }, .n_threads = 1 } };
	struct plot_options all = { 0 };
	struct err err = { 0 };

	(void)state;
	draw(store, plot_cdf, &two, "cdf.png");
	draw(store, plot_cdf, &two, "cdf.svg");
	draw(store, plot_cdf, &two, "cdf.pdf");
	draw(store, plot_bars, &two, "bars.png");
	draw(store, plot_scaling, &all, "scaling.png");
	all.output = fixture_path("mixed.png");
	assert_false(plot_cdf(store, &all, &err));
	assert_non_null(strstr(err.msg, "2 situations"));
	two.output = fixture_path("plot.jpeg");
	assert_false(plot_cdf(store, &two, &err));
	assert_non_null(strstr(err.msg, ".png, .svg or .pdf"));
	two.output = fixture_path("none.png");
	two.metric = "no.such";
	assert_false(plot_bars(store, &two, &err));
	assert_non_null(strstr(err.msg, "no.such"));
	assert_int_equal(access(two.output, F_OK), -1);
	store_close(store);
}

/* gnuplot's own complaint reaches the user, and so does its absence; no file is left. */
static void test_gnuplot_fails(void **state)
{
	char *path = strdup(getenv("PATH"));
	struct err err = { 0 };
	struct gnuplot g;

	(void)state;
	assert_true(gnuplot_begin(&g, fixture_path("bad.png"), &err));
	fputs("plot nonsense(\n", g.script);
	assert_false(gnuplot_end(&g, true, &err));
	assert_non_null(strstr(err.msg, "gnuplot failed"));
	assert_int_equal(access(fixture_path("bad.png"), F_OK), -1);
	setenv("PATH", "/nonexistent", 1);
	assert_true(gnuplot_begin(&g, fixture_path("bad.png"), &err));
	assert_false(gnuplot_end(&g, true, &err));
	setenv("PATH", path, 1);
	assert_non_null(strstr(err.msg, "apt-get install gnuplot-nox"));
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_welch),   cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_compare), cmocka_unit_test(test_one_seed),
		cmocka_unit_test(test_plots),   cmocka_unit_test(test_gnuplot_fails),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_clean);
}
