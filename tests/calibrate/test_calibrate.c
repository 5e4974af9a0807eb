// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The statistics and the arithmetic of a calibration on numbers that are known: planted outliers,
 * planted TLB steps, planted flush costs, and a machine file that must load and give back what was
 * written. Nothing here measures time.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/calibrate/calibrate.h"
#include "analysis/calibrate/probe_mm.h"
#include "analysis/calibrate/tlb_curve.h"
#include "sim/rng.h"

#define near(a, b, tolerance) assert_true(fabs((double)(a) - (double)(b)) <= (tolerance))

static void test_quantiles(void **state)
{
	struct samples s = { 0 };

	(void)state;
	for (int i = 100; i >= 0; i--)
		samples_add(&s, i);
	near(samples_quantile(&s, 0.5), 50, 1e-9);
	near(samples_quantile(&s, 0.25), 25, 1e-9);
	near(samples_quantile(&s, 0), 0, 1e-9);
	near(samples_quantile(&s, 1), 100, 1e-9);
	assert_int_equal(samples_outliers(&s), 0);
	/* Quartiles stay near 25 and 75: beyond 225 or -125 is far out. */
	samples_add(&s, 5000);
	samples_add(&s, -700);
	samples_add(&s, 210);
	assert_int_equal(samples_outliers(&s), 2);
	samples_free(&s);
}

/* Noise that only adds, and one round spoilt as a whole, must not move the figure. */
static void test_figure_ignores_noise(void **state)
{
	struct figures f = { 0 };
	struct figure *fig = figure_get(&f, "ns", 0.2, "x.%d", 7);
	struct summary s;
	struct rng rng;

	(void)state;
	rng_init(&rng, 5, "test", 0);
	for (int round = 0; round < 11; round++) {
		double slow = round == 4 ? 3 : 1;

		for (int i = 0; i < 200; i++) {
			bool hit = rng_below(&rng, 10) < 4;

			samples_add(&fig->now,
				    slow * (100 + (double)rng_below(&rng, 5)) +
					    (hit ? 50 + (double)rng_below(&rng, 10000) : 0));
		}
		fig->now.discarded = 2;
		figures_end_round(&f);
	}
	s = figure_summary(fig);
	near(s.median, 101.5, 1.5);
	assert_true(s.spread < 2);
	assert_true(s.min >= 100 && s.min < 101.5);
	assert_int_equal(s.rounds, 11);
	assert_int_equal(s.repeats, 2200);
	assert_int_equal(s.discarded, 22);
	assert_ptr_equal(figure_get(&f, "ns", 0.2, "x.7"), fig);
	assert_null(figure_find(&f, "y"));
	figures_free(&f);
}

static void test_last_round_and_resolution(void **state)
{
	struct figures f = { 0 };
	struct figure *fig = figure_get(&f, "ns", 0.5, "z");
	struct summary a, b = { .median = 12, .spread = 1 };

	(void)state;
	figure_add_round(fig, 9);
	figure_add_round(fig, 11);
	figure_add_round(fig, 10);
	fig->resolution = 4;
	a = figure_summary(fig);
	near(a.median, 10, 1e-9);
	near(a.spread, 4, 1e-9);
	near(figure_last(fig), 10, 1e-9); /* the summary must not have sorted the rounds */
	assert_true(summaries_agree(&a, &b));
	b.median = 15.5;
	assert_false(summaries_agree(&a, &b));
	figures_free(&f);
}

static void plant_tlb(double *extra, uint32_t l1, uint32_t l2, double hit, double walk,
		      double noise)
{
	struct rng rng;

	rng_init(&rng, l1 + l2, "test", 0);
	for (unsigned int i = 0; i < TLB_POINTS; i++) {
		uint32_t n = tlb_point(i);
		double v = n <= l1 ? 0 : n <= l2 ? hit : walk;

		/* Hashed sets: the rise takes a quarter of a doubling. */
		if (n > l2 && n < l2 * 1.2)
			v = hit + (walk - hit) * (n - l2) / (0.2 * l2);
		extra[i] = v + noise * rng_normal(&rng);
	}
}

static void test_tlb_steps(void **state)
{
	static const struct {
		uint32_t l1, l2;
	} shapes[] = { { 64, 1536 }, { 96, 2048 }, { 72, 3072 }, { 48, 1024 }, { 96, 4096 } };
	double extra[TLB_POINTS];

	(void)state;
	assert_int_equal(tlb_point(0), 16);
	assert_int_equal(tlb_point(TLB_POINTS - 1), 8192);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct tlb_levels t;

		plant_tlb(extra, shapes[i].l1, shapes[i].l2, 2, 12, 0.08);
		t = tlb_steps(extra);
		assert_true(t.l1 && t.l2);
		assert_int_equal(t.l1_entries, shapes[i].l1);
		near(t.l2_entries, shapes[i].l2, shapes[i].l2 / 8.0);
		near(t.l2_hit_ns, 2, 0.1);
		near(t.walk_ns, 12, 0.2);
	}
	/* A flat curve has no steps to be found. */
	plant_tlb(extra, 64, 1536, 0, 0, 0.02);
	assert_false(tlb_steps(extra).l1);
}

static void plant(struct figures *f, const char *name, double v)
{
	samples_add(&figure_get(f, "ns", 0.2, "%s", name)->now, v);
}

static const struct topology unknown; /* without caches */

static double derived(const struct figures *f, const char *name)
{
	const struct figure *fig = figure_find(f, name);

	assert_non_null(fig);
	return figure_last(fig);
}

static void plant_flush(struct figures *f, double invlpg)
{
	for (int i = 0; i < DONTNEED_POINTS; i++) {
		unsigned int n = dontneed_pages[i];
		char name[32];

		snprintf(name, sizeof(name), "dontneed.%u", n);
		plant(f, name, 500 + 70 * n + (n <= 33 ? invlpg * n : 210));
	}
	plant(f, "mprotect_empty.64", 400);
	plant(f, "mprotect_ro.64", 400 + 70 + 180 + 64 * 20);
	plant(f, "mprotect_ro.512", 400 + 70 + 180 + 512 * 20);
	figures_end_round(f);
	derive_round(f, &unknown);
}

static void test_flush(void **state)
{
	struct figures f = { 0 };

	(void)state;
	plant_flush(&f, 110);
	near(derived(&f, "flush.invlpg"), 110, 0.1);
	near(derived(&f, "dontneed.per_page"), 70, 0.1);
	near(derived(&f, "flush.full"), 70 + 180, 0.1);
	figures_free(&f);
	/* Without a step there is nothing to tell apart, and no constant. */
	plant_flush(&f, 0);
	assert_true(!figure_find(&f, "flush.invlpg") || derived(&f, "flush.invlpg") < 0.01);
	figures_free(&f);
}

/* A guest that has 3 MiB of a 32 MiB L3, and one that has all. */
static void test_caches(void **state)
{
	static const double some[] = { 1, 4, 13, 103, 140, 140, 140, 140, 140 };
	static const double all[] = { 1, 4, 13, 13, 13, 13, 13, 140, 140 };
	const struct cache_sizes s = { 32 << 10, 1 << 20, 32 << 20, 8, 16, 16 };
	struct topology topo = { .caches = s };
	struct figures f = { 0 };

	(void)state;
	assert_int_equal(cache_rings(&s), 9);
	assert_int_equal(cache_ring(&s, 0), 16 << 10);
	assert_int_equal(cache_ring(&s, 1), 512 << 10);
	assert_int_equal(cache_ring(&s, 2), 2 << 20);
	assert_int_equal(cache_ring(&s, 8), 128 << 20);
	for (unsigned int i = 0; i < 9; i++) {
		char name[48];

		cache_ring_name(cache_ring(&s, i), name, sizeof(name));
		plant(&f, name, some[i]);
	}
	figures_end_round(&f);
	derive_round(&f, &topo);
	near(derived(&f, "cache.l1d_hit"), 1, 1e-6);
	near(derived(&f, "cache.l2_hit"), 4, 1e-6);
	near(derived(&f, "cache.l3_hit"), 13, 1e-6);
	near(derived(&f, "line.memory"), 140, 1e-6);
	/* half way up, 76.5, is 63.5 of the 90 to 4 MiB */
	near(derived(&f, "cache.l3_size"), 2048 * exp2(63.5 / 90), 0.1);
	figures_free(&f);
	assert_true(fabs(cache_steps(&s, all).l3_bytes / (32 << 20) - exp2(0.5)) < 1e-6);
}

/* Would break: an L3 in a curve that has none, a ring that its L2 holds. */
static void test_odd_caches(void **state)
{
	static const double flat[] = { 1, 4, 130, 131, 132, 130, 130, 130, 130 };
	const struct cache_sizes s = { 48 << 10, 1280 << 10, 30 << 20, 12, 20, 0 }, none = { 0 },
				 large = { 32 << 10, 1 << 20, 96 << 20, 8, 8, 16 };

	(void)state;
	assert_int_equal(cache_rings(&none), 0);
	assert_int_equal(cache_ring(&s, 0), 16 << 10);
	assert_int_equal(cache_ring(&s, 2), 2 << 20);
	assert_false(cache_steps(&s, flat).l3);
	assert_int_equal(cache_ring(&large, cache_rings(&large) - 1), 256 << 20);
}

static void test_ipi(void **state)
{
	struct figures f = { 0 };

	(void)state;
	plant(&f, "syscall", 80);
	plant(&f, "ipi.signal.same_l3", 9400);
	plant(&f, "ipi.signal_blocked.same_l3", 400);
	plant(&f, "ipi.delivery.same_l3", 5000);
	plant(&f, "ipi.membarrier_alone.same_l3", 160);
	plant(&f, "ipi.madvise.same_l3", 15000);
	plant(&f, "ipi.madvise_alone.same_l3", 800);
	figures_end_round(&f);
	derive_round(&f, &unknown);
	near(derived(&f, "ipi.send.same_l3"), 9000, 1e-6);
	near(derived(&f, "ipi.transit.same_l3"), 4880, 1e-6);
	near(derived(&f, "ipi.shootdown.same_l3"), 14200, 1e-6);
	figures_free(&f);
}

static void test_times(void **state)
{
	char text[32];

	(void)state;
	assert_string_equal(constant_time(0.05, text, sizeof(text)), "0.05ns");
	assert_string_equal(constant_time(52.748, text, sizeof(text)), "52.75ns");
	assert_string_equal(constant_time(8324.22, text, sizeof(text)), "8.324us");
	assert_string_equal(constant_time(123456, text, sizeof(text)), "123.5us");
}

/* ---- the file ---- */

static void make(struct calibration *c)
{
	struct summary s = { .median = 61, .spread = 2, .rounds = 9, .repeats = 900 };

	*c = (struct calibration){ .base = "zen5-vm2",
				   .date = "2026-01-02",
				   .seconds = 3,
				   .rounds = 9,
				   .skipped = strdup("one reason\nanother\n") };
	snprintf(c->topo.model, sizeof(c->topo.model), "A \"quoted\" CPU: \\ #1");
	constant_add(c, "line.same_l3", "61ns", CONSTANT_MEASURED, &s, "half a round trip");
	constant_add(c, "topology.cores_per_l3", "2", CONSTANT_READ, NULL, "hwloc");
	constant_add(c, "kernel.scale", "1.75", CONSTANT_MEASURED, &s, "fit");
	plant(&c->figures, "syscall", 80.25);
	plant(&c->figures, "syscall", 81);
	figure_get(&c->figures, "ns", 0.2, "tlb.sparse.16")->detail = true;
	plant(&c->figures, "tlb.sparse.16", 1);
	figures_end_round(&c->figures);
}

static void check_file(const char *path, const struct calibration *c)
{
	struct machine_desc d = { 0 }, base = { 0 };
	struct earlier e = { 0 };
	struct err err = { 0 };
	struct summary s = figure_summary(figure_find(&c->figures, "syscall"));

	if (!machine_load(path, &d, NULL, &err) || !machine_load("zen5-vm2", &base, NULL, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(d.line.same_l3, 61000);
	assert_non_null(strstr(d.description, "A \"quoted\" CPU: \\ #1"));
	for (const struct param *p = machine_params; p->name; p++) {
		char *a = param_get(&d, machine_params, p);
		char *b = param_get(&base, machine_params, p);

		if (!constant_find(c, p->name) && strcmp(p->name, "name") != 0 &&
		    strcmp(p->name, "description") != 0)
			assert_string_equal(a, b);
		free(a);
		free(b);
	}
	if (!earlier_load(path, &e, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(e.n, 1); /* details are left out */
	assert_string_equal(e.v[0].name, "syscall");
	assert_string_equal(e.base, "zen5-vm2");
	assert_string_equal(e.date, "2026-01-02");
	near(e.v[0].s.median, s.median, 1e-3);
	assert_int_equal(e.v[0].s.repeats, 2);
	earlier_free(&e);
	machine_desc_free(&d);
	machine_desc_free(&base);
}

static void test_machine_file(void **state)
{
	char path[] = "/tmp/calibrate-XXXXXX.yaml", text[65536];
	struct calibration c;
	struct err err = { 0 };
	FILE *in;
	size_t n;

	(void)state;
	close(mkstemps(path, 5));
	make(&c);
	if (!machine_file_save(&c, path, &err))
		fail_msg("%s", err.msg);
	check_file(path, &c);
	in = fopen(path, "r");
	n = fread(text, 1, sizeof(text) - 1, in);
	text[n] = '\0';
	fclose(in);
	assert_non_null(strstr(text, "calibrated: 2026-01-02, median of 9, spread 3.3%"));
	assert_non_null(strstr(text, "# from zen5-vm2"));
	assert_non_null(strstr(text, "# Not measured: another\n"));
	assert_non_null(strstr(text, "scale: 1.75"));
	/* A machine file that no calibration wrote is no base for a check. */
	assert_false(earlier_load("zen5-vm2", &(struct earlier){ 0 }, &err));
	assert_non_null(strstr(err.msg, "no figures"));
	assert_false(machine_file_save(&c, "/no/such/folder/x.yaml", &err));
	unlink(path);
	calibration_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_figure_ignores_noise),
		cmocka_unit_test(test_last_round_and_resolution),
		cmocka_unit_test(test_tlb_steps),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_caches),
		cmocka_unit_test(test_odd_caches),
		cmocka_unit_test(test_ipi),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_machine_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
