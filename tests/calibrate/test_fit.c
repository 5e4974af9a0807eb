/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What calibration makes of times that are known: constants of fork planted into figures, and
 * factors of groups planted into steps, must come out again; spoilt figures must not.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#define fit_scale           tested_fit_scale
#define fit_check_shootdown tested_fit_check_shootdown
#include "analysis/calibrate/fit.c"

static void plant(struct calibration *c, const char *name, double ns)
{
	figure_add_round(figure_get(&c->figures, "ns", 0.05, "%s", name), ns);
}

static double constant_ns(const struct calibration *c, const char *key)
{
	const struct constant *k = constant_find(c, key);
	char unit[8] = "";
	double v = 0;

	if (!k)
		return 0;
	assert_int_equal(sscanf(k->text, "%lf%7s", &v, unit), 2);
	return strcmp(unit, "us") == 0 ? 1000 * v : v;
}

static void plant_forks(struct calibration *c, double scale)
{
	const double vma = 220 * scale, chain = 200 * scale, page = (4 + 6 + 36) * scale,
		     written = 17 * scale, base = 100000;

	plant(c, "syscall", 180);
	plant(c, "task.process", 180 + scale * (300 + 150 + 16000));
	plant(c, "task.thread", 180 + scale * (300 + 150 + 9000));
	plant(c, "brk.grow", 180 + scale * (60 + 120 + 150));
	plant(c, "fork.base", base);
	plant(c, "fork.vmas", base + FORK_VMAS * vma);
	plant(c, "fork.touched", base + FORK_VMAS * (vma + 2 * chain + page + written));
	plant(c, "fork.pages_ro", base + vma + 2 * chain + page + written + FORK_PAGES * page);
	plant(c, "fork.pages_rw",
	      base + vma + 2 * chain + page + written + FORK_PAGES * (page + written));
}

#define near(a, b, tolerance) assert_true(fabs((double)(a) - (double)(b)) <= (tolerance))

static void test_forks(void **state)
{
	struct calibration c = { 0 };
	struct kernel_costs costs;
	struct err err = { 0 };

	(void)state;
	assert_true(param_init(&costs, kernel_cost_params, &err));
	plant_forks(&c, 1.5);
	derive_forks(&c, &costs, 1.5);
	near(constant_ns(&c, "kernel.fork"), 16000, 5);
	near(constant_ns(&c, "kernel.clone"), 9000, 5);
	near(constant_ns(&c, "kernel.brk_base"), 150, 0.1);
	near(constant_ns(&c, "kernel.dup_vma"), 220, 0.1);
	near(constant_ns(&c, "kernel.anon_vma_chain"), 200, 0.1);
	near(constant_ns(&c, "kernel.copy_page"), 36, 0.1);
	near(constant_ns(&c, "kernel.wrprotect_pte"), 17, 0.1);
	calibration_free(&c);
}

/* A figure that a busy machine spoilt leaves the base's constant, and no other is lost. */
static void test_spoilt_fork(void **state)
{
	struct calibration c = { 0 };
	struct kernel_costs costs;
	struct err err = { 0 };

	(void)state;
	assert_true(param_init(&costs, kernel_cost_params, &err));
	plant_forks(&c, 1);
	plant(&c, "fork.vmas", 1000);
	plant(&c, "fork.vmas", 1000);
	derive_forks(&c, &costs, 1);
	assert_null(constant_find(&c, "kernel.dup_vma"));
	assert_non_null(constant_find(&c, "kernel.copy_page"));
	assert_non_null(constant_find(&c, "kernel.fork"));
	calibration_free(&c);
}

static void test_groups(void **state)
{
	static const double planted[GROUPS] = { 0.5, 3.25 };
	double part[GROUPS][STEPS], factor[GROUPS];
	struct fit f = { .n = STEPS };

	(void)state;
	for (int i = 0; i < STEPS; i++) {
		f.a[i] = 20 + 3 * i;
		part[0][i] = i % 7 == CYCLE_ZAP || i % 7 == CYCLE_MUNMAP ? 100 * (i + 1) : 0;
		part[1][i] = i % 7 == CYCLE_FAULT_WRITE ? 90 * (i + 2) : 0;
		f.b[i] = 300 + i + part[0][i] + part[1][i];
		f.measured[i] = f.a[i] +
				1.3 * (300 + i + planted[0] * part[0][i] + planted[1] * part[1][i]);
	}
	assert_true(solve_groups(&f, part, factor));
	near(factor[0], planted[0], 1e-6);
	near(factor[1], planted[1], 1e-6);
	for (int i = 0; i < STEPS; i++) /* freeing cannot cost a hundred times as much */
		f.measured[i] += 100 * part[0][i];
	assert_true(solve_groups(&f, part, factor));
	assert_true(factor[0] <= most_factor && factor[1] >= least_factor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forks),
		cmocka_unit_test(test_spoilt_fork),
		cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
