// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * kernel.scale: the models run the very steps that were measured, with the constants found so far.
 * A step's modelled time is a + s b, where a is hardware and b is kernel code at scale 1; two runs
 * give both. Steps of which the base machine has other proportions than this one, those of pages
 * that are freed or taken, get a factor each, from one more run. The scale then leaves the least
 * sum of squares of ln(measured / modelled) over all steps.
 */
#include <gsl/gsl_errno.h>
#include <gsl/gsl_min.h>
#include <gsl/gsl_multifit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/calibrate/calibrate.h"
#include "analysis/calibrate/probe_mm.h"
#include "models/kernel/costs.h"
#include "sim/base/text.h"
#include "workloads/experiment.h"

enum { STEPS = CYCLE_SIZES * CYCLE_STEPS, MOST_SETTINGS = 64, GROUPS = 2, GROUP_KEYS = 3 };

static const struct {
	const char *what;
	const char *key[GROUP_KEYS];
} groups[GROUPS] = {
	{ "freeing pages", { "gather_page", "page_free", "lru_move" } },
	{ "taking pages", { "page_alloc", "memcg_charge", "lru_add" } },
};

static const double least_factor = 0.2, most_factor = 5; /* beyond, a figure is spoilt */

static const char policy[] = "linux-6.18";

struct settings {
	struct setting v[MOST_SETTINGS];
	char text[MOST_SETTINGS][2][80];
	size_t n;
};

static void set(struct settings *s, const char *prefix, const char *key, const char *value)
{
	if (s->n == MOST_SETTINGS)
		return;
	snprintf(s->text[s->n][0], sizeof(s->text[0][0]), "%s%s", prefix, key);
	snprintf(s->text[s->n][1], sizeof(s->text[0][1]), "%s", value);
	s->v[s->n] = (struct setting){ .key = s->text[s->n][0],
				       .value = s->text[s->n][1],
				       .where = { .file = "calibration" } };
	s->n++;
}

static void set_constants(struct settings *s, const struct calibration *c)
{
	for (size_t i = 0; i < c->n_constants; i++)
		set(s, "machine.", c->constant[i].key, c->constant[i].text);
}

static void set_ns(struct settings *s, const char *key, double ns)
{
	char text[64];

	set(s, "machine.", key, text_exact_ps((uint64_t)llround(ns * 1000), text, sizeof(text)));
}

/* ---- the models ---- */

/* syscall and page_zero were measured by themselves: whatever the scale, they cost that. */
static void set_scale(struct settings *s, const struct calibration *c, double scale)
{
	static const char *const own[][2] = { { "kernel.syscall", "syscall" },
					      { "kernel.page_zero", "zero.cached" } };
	char text[64];

	snprintf(text, sizeof(text), "%.6f", scale);
	set(s, "machine.", "kernel.scale", text);
	for (int i = 0; i < 2; i++) {
		const struct figure *fig = figure_find(&c->figures, own[i][1]);

		if (fig)
			set_ns(s, own[i][0], figure_summary(fig).median / scale);
	}
}

static bool run_model(const struct calibration *c, const char *workload, uint32_t threads,
		      struct settings *s, struct outcome *out, struct err *err)
{
	struct experiment spec = { .workload = workload,
				   .machine = c->base,
				   .policy = policy,
				   .threads = threads,
				   .duration = 4 * SIM_MS,
				   .seed = 1,
				   .set = s->v,
				   .n_set = s->n };

	if (!experiment_run(&spec, out, err))
		return false;
	if (out->end == SIM_END_FINISHED)
		return true;
	err_set(err, "the model of %s ended badly: %s", workload, out->message);
	outcome_free(out);
	return false;
}

static double base_ns(const struct kernel_costs *costs, const char *key)
{
	const struct param *p = param_find(kernel_cost_params, key);

	return (double)*(const sim_ps *)((const char *)costs + p->offset) / SIM_NS;
}

struct steps_of {
	const struct calibration *c;
	const struct kernel_costs *costs; /* the base machine's, at scale 1 */
	double scale, factor[GROUPS];
};

static void set_groups(struct settings *s, const struct steps_of *of)
{
	char key[64];

	for (int g = 0; g < GROUPS; g++)
		for (int k = 0; k < GROUP_KEYS; k++) {
			snprintf(key, sizeof(key), "kernel.%s", groups[g].key[k]);
			set_ns(s, key, base_ns(of->costs, groups[g].key[k]) * of->factor[g]);
		}
}

/* Each step's mean in ns. */
static bool model_steps(const struct steps_of *of, double ns[STEPS], struct err *err)
{
	const struct calibration *c = of->c;

	for (int i = 0; i < CYCLE_SIZES; i++) {
		struct settings s = { .n = 0 };
		struct outcome out;
		char pages[16];

		set_constants(&s, c);
		set_scale(&s, c, of->scale);
		set_groups(&s, of);
		snprintf(pages, sizeof(pages), "%u", cycle_pages[i]);
		set(&s, "", "pages", pages);
		if (!run_model(c, "mm_cycle", 1, &s, &out, err))
			return false;
		for (int k = 0; k < CYCLE_STEPS; k++) {
			const struct metric *m = metric_find(out.metrics, "workload.step_time",
							     cycle_steps[k]);

			ns[i * CYCLE_STEPS + k] = m ? hist_mean(&m->hist) / 1e3 : 0;
		}
		outcome_free(&out);
	}
	return true;
}

/* ---- the fit ---- */

struct fit {
	double a[STEPS], b[STEPS], measured[STEPS];
	size_t n;
};

/* Where measured times are noise, a scale may make the model's negative: that fits nothing. */
static double misfit(double ln_scale, void *params)
{
	static const double no_fit = 1e6;
	const struct fit *f = params;
	double sum = 0;

	for (size_t i = 0; i < f->n; i++) {
		double ratio = f->measured[i] / (f->a[i] + exp(ln_scale) * f->b[i]);
		double e = ratio > 0 ? log(ratio) : no_fit;

		sum += e * e;
	}
	return sum / (double)f->n;
}

/* The best of a coarse search, then Brent's method around it. */
static double best_scale(struct fit *f)
{
	gsl_function fn = { .function = misfit, .params = f };
	const double low = log(0.05), high = log(50), step = (high - low) / 200;
	gsl_min_fminimizer *min;
	double at = low + step;

	for (double x = low + step; x < high; x += step)
		if (misfit(x, f) < misfit(at, f))
			at = x;
	/* At an end of the range there is no minimum to enclose: the coarse answer stays. */
	if (misfit(at - step, f) <= misfit(at, f) || misfit(at + step, f) <= misfit(at, f))
		return exp(at);
	min = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent);
	if (!min)
		abort();
	gsl_min_fminimizer_set(min, &fn, at, at - step, at + step);
	for (int i = 0; i < 40; i++)
		if (gsl_min_fminimizer_iterate(min) != GSL_SUCCESS)
			break;
	at = gsl_min_fminimizer_x_minimum(min);
	gsl_min_fminimizer_free(min);
	return exp(at);
}

static const struct figure *step_figure(const struct calibration *c, size_t i)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.%u", cycle_steps[i % CYCLE_STEPS],
		 cycle_pages[i / CYCLE_STEPS]);
	return figure_find(&c->figures, name);
}

/* One scale a round, so that it has a spread as any figure; all steps were measured in each. */
static void fit_rounds(struct calibration *c, const struct fit *model)
{
	struct figure *scale = figure_get(&c->figures, "1", 0.5, "kernel.scale");

	figure_forget(scale);
	scale->resolution = 0.005;
	for (size_t r = 0; r < c->rounds; r++) {
		struct fit f = { .n = 0 };

		for (size_t i = 0; i < STEPS; i++) {
			const struct figure *fig = step_figure(c, i);

			if (!fig || r >= fig->round.n || !(model->b[i] > 0) ||
			    !(fig->round.v[r] > 0))
				continue;
			f.a[f.n] = model->a[i];
			f.b[f.n] = model->b[i];
			f.measured[f.n++] = fig->round.v[r];
		}
		if (f.n)
			figure_add_round(scale, best_scale(&f));
	}
}

static bool add_checks(struct calibration *c, const struct fit *model, double scale)
{
	double sum = 0;

	c->check = calloc(STEPS + DISTANCES, sizeof(*c->check));
	if (!c->check)
		return false;
	for (size_t i = 0; i < STEPS; i++) {
		const struct figure *fig = step_figure(c, i);
		struct model_check *k = &c->check[c->n_checks];

		if (!fig)
			continue;
		memcpy(k->name, fig->name, sizeof(k->name));
		k->measured_ns = figure_summary(fig).median;
		k->model_ns = model->a[i] + scale * model->b[i];
		sum += pow(log(k->measured_ns / k->model_ns), 2);
		c->n_checks++;
	}
	c->misfit = c->n_checks ? sqrt(sum / (double)c->n_checks) : 0;
	return true;
}

static void add_scaled(struct calibration *c, const char *key, const char *figure, double scale)
{
	const struct figure *fig = figure_find(&c->figures, figure);
	char text[64], note[160];
	struct summary s;

	if (!fig)
		return;
	s = figure_summary(fig);
	snprintf(note, sizeof(note), "%.4g ns measured, divided by kernel.scale", s.median);
	constant_time(s.median / scale, text, sizeof(text));
	constant_add(c, key, text, CONSTANT_MEASURED, &s, note);
}

/* The kernel code of the base machine, unscaled. */
static bool base_costs(const struct calibration *c, struct kernel_costs *costs, struct err *err)
{
	struct machine_desc desc = { 0 };
	struct yaml_doc *doc;
	const struct yaml_node *kernel;
	bool ok;

	if (!machine_load(c->base, &desc, &doc, err))
		return false;
	kernel = yaml_get(yaml_root(doc), "kernel");
	ok = param_init(costs, kernel_cost_params, err) &&
	     (!kernel || yaml_bind(kernel, costs, kernel_cost_params, NULL, err));
	yaml_free(doc);
	machine_desc_free(&desc);
	return ok;
}

/* A full flush less the code that the models have around it; if nothing is left, the base's. */
static void take_flush_code_out(struct calibration *c, const struct kernel_costs *costs,
				double scale)
{
	double code = (double)(costs->flush_setup + costs->flush_func) / 1e3 * scale;
	const struct figure *fig = figure_find(&c->figures, "flush.full");
	const struct constant *k = constant_find(c, "flush.cr3_write");
	struct constant left;

	if (!fig || !k)
		return;
	left = *k;
	constant_remove(c, "flush.cr3_write");
	if (figure_summary(fig).median <= code)
		return;
	constant_time(figure_summary(fig).median - code, left.text, sizeof(left.text));
	constant_add(c, left.key, left.text, left.source, &left.summary, left.note);
}

/* ---- the groups ---- */

/* measured = a + s rest + sum of u[g] part[g] by least squares of relative errors; u / s. */
static bool solve_groups(const struct fit *model, const double part[GROUPS][STEPS],
			 double factor[GROUPS])
{
	enum { TERMS = GROUPS + 1 };
	gsl_matrix *x = gsl_matrix_alloc(STEPS, TERMS), *cov = gsl_matrix_alloc(TERMS, TERMS);
	gsl_vector *y = gsl_vector_alloc(STEPS), *w = gsl_vector_alloc(STEPS);
	gsl_multifit_linear_workspace *work = gsl_multifit_linear_alloc(STEPS, TERMS);
	double term[TERMS] = { 0 }, chisq;
	gsl_vector_view v = gsl_vector_view_array(term, TERMS);
	int ret;

	for (int i = 0; i < STEPS; i++) {
		double rest = model->b[i], ns = model->measured[i];

		for (int g = 0; g < GROUPS; g++) {
			gsl_matrix_set(x, (size_t)i, (size_t)g + 1, part[g][i]);
			rest -= part[g][i];
		}
		gsl_matrix_set(x, (size_t)i, 0, rest);
		gsl_vector_set(y, (size_t)i, ns - model->a[i]);
		gsl_vector_set(w, (size_t)i, ns > 0 ? 1 / (ns * ns) : 0);
	}
	ret = gsl_multifit_wlinear(x, w, y, &v.vector, cov, &chisq, work);
	gsl_multifit_linear_free(work);
	gsl_matrix_free(x);
	gsl_matrix_free(cov);
	gsl_vector_free(y);
	gsl_vector_free(w);
	for (int g = 0; g < GROUPS; g++)
		factor[g] = fmin(fmax(term[g + 1] / term[0], least_factor), most_factor);
	return ret == 0 && term[0] > 0;
}

static void add_group(struct calibration *c, const struct kernel_costs *costs, int g, double factor,
		      const struct summary *s)
{
	char key[64], text[64], note[160];

	snprintf(note, sizeof(note), "%s takes %.2f times what it does at the base's proportions",
		 groups[g].what, factor);
	for (int k = 0; k < GROUP_KEYS; k++) {
		snprintf(key, sizeof(key), "kernel.%s", groups[g].key[k]);
		constant_time(base_ns(costs, groups[g].key[k]) * factor, text, sizeof(text));
		constant_add(c, key, text, CONSTANT_MEASURED, s, note);
	}
}

/* Finds their factors and puts them into the model. */
static bool fit_groups(struct steps_of *of, struct fit *model, const double at_one[STEPS],
		       struct err *err)
{
	double part[GROUPS][STEPS], factor[GROUPS], more[STEPS];

	for (int i = 0; i < STEPS; i++) {
		const struct figure *fig = step_figure(of->c, (size_t)i);

		model->measured[i] = fig ? figure_summary(fig).median : 0;
	}
	for (int g = 0; g < GROUPS; g++) {
		of->factor[g] = 2;
		if (!model_steps(of, more, err))
			return false;
		of->factor[g] = 1;
		for (int i = 0; i < STEPS; i++)
			part[g][i] = more[i] - at_one[i];
	}
	if (!solve_groups(model, part, factor))
		return true; /* then the base's proportions are as good as any */
	for (int g = 0; g < GROUPS; g++) {
		of->factor[g] = factor[g];
		for (int i = 0; i < STEPS; i++)
			model->b[i] += (factor[g] - 1) * part[g][i];
	}
	return true;
}

/* Each step's hardware and code with the constants as they are, and so the scale of each round. */
static bool fit_once(struct calibration *c, struct steps_of *of, struct fit *model, double *scale,
		     struct err *err)
{
	double at_one[STEPS], at_two[STEPS];
	const struct figure *fig;

	*of = (struct steps_of){ .c = c, .costs = of->costs, .scale = 2, .factor = { 1, 1 } };
	if (!model_steps(of, at_two, err))
		return false;
	of->scale = 1;
	if (!model_steps(of, at_one, err))
		return false;
	model->n = STEPS;
	for (int i = 0; i < STEPS; i++) {
		model->b[i] = at_two[i] - at_one[i];
		model->a[i] = at_one[i] - model->b[i];
	}
	if (!fit_groups(of, model, at_one, err))
		return false;
	fit_rounds(c, model);
	fig = figure_find(&c->figures, "kernel.scale");
	if (!fig)
		return err_set(err, "no memory call could be measured, so nothing can be fitted");
	*scale = figure_summary(fig).median;
	return true;
}

/* Twice: the code in a full flush goes with the scale, and the scale hangs a little on what is left
 * of the flush. */
bool fit_scale(struct calibration *c, struct err *err)
{
	struct kernel_costs costs;
	struct steps_of of = { .costs = &costs };
	char text[64], note[160];
	double scale = 1;
	struct fit model;
	struct summary s;

	if (!base_costs(c, &costs, err))
		return false;
	for (int i = 0; i < 2; i++) {
		take_flush_code_out(c, &costs, scale);
		if (!fit_once(c, &of, &model, &scale, err))
			return false;
	}
	s = figure_summary(figure_find(&c->figures, "kernel.scale"));
	if (!add_checks(c, &model, scale))
		return err_set(err, "out of memory");
	snprintf(text, sizeof(text), "%.4f", scale);
	snprintf(note, sizeof(note), "fits %zu steps within a factor of %.2f (docs/calibrate.md)",
		 c->n_checks, exp(c->misfit));
	constant_add(c, "kernel.scale", text, CONSTANT_MEASURED, &s, note);
	for (int g = 0; g < GROUPS; g++)
		if (of.factor[g] != 1)
			add_group(c, &costs, g, of.factor[g], &s);
	add_scaled(c, "kernel.syscall", "syscall", scale);
	add_scaled(c, "kernel.page_zero", "zero.cached", scale);
	c->irq_ns = (double)costs.irq / 1e3 * scale;
	derive_forks(c, &costs, scale);
	return true;
}

/* ---- a shootdown, which nothing was fitted to ---- */

static bool loop_ns(const struct calibration *c, uint32_t threads, double *ns, struct err *err)
{
	struct settings s = { .n = 0 };
	const struct metric *m;
	struct outcome out;

	set_constants(&s, c);
	if (!run_model(c, "dontneed_spin", threads, &s, &out, err))
		return false;
	m = metric_find(out.metrics, "workload.loop_time", NULL);
	*ns = m ? (double)hist_quantile(&m->hist, 0.25) / 1e3 : 0;
	outcome_free(&out);
	return true;
}

/* Only the nearest distance: the model's second thread runs on the next core. */
bool fit_check_shootdown(struct calibration *c, struct err *err)
{
	double alone, with;

	for (int d = DIST_SAME_L3; d < DISTANCES; d++) {
		struct model_check *k = &c->check[c->n_checks];
		const struct figure *fig;

		snprintf(k->name, sizeof(k->name), "ipi.shootdown.%s", distance_names[d]);
		fig = figure_find(&c->figures, k->name);
		if (!fig)
			continue;
		if (!loop_ns(c, 1, &alone, err) || !loop_ns(c, 2, &with, err))
			return false;
		k->measured_ns = figure_summary(fig).median;
		k->model_ns = with - alone;
		c->n_checks++;
		break;
	}
	return true;
}
