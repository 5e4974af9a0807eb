// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One run: reads the machine, the policy set and the settings, starts the workload, runs the
 * engine, and gathers what came of it.
 */
#include "workloads/experiment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "models/kernel/kernel.h"
#include "sim/base/text.h"
#include "workloads/workload.h"

METRIC(desc_sim_time, "run.sim_time", METRIC_GAUGE, "ps", NULL, "simulated time at the end");
METRIC(desc_busy, "cpu.busy_time", METRIC_COUNTER, "ps", NULL, "CPU time spent, all CPUs");

struct setup {
	struct machine_desc desc;
	struct kernel_costs costs;
	struct policy_set policy;
	const struct workload_type *workload;
	void *workload_params;
};

static void setup_free(struct setup *s)
{
	machine_desc_free(&s->desc);
	policy_set_free(&s->policy);
	if (s->workload && s->workload->params && s->workload_params)
		param_free(s->workload_params, s->workload->params);
	free(s->workload_params);
}

static bool load_machine(const char *name, struct setup *s, struct err *err)
{
	struct yaml_doc *doc;
	const struct yaml_node *kernel;
	bool ok;

	if (!machine_load(name, &s->desc, &doc, err))
		return false;
	kernel = yaml_get(yaml_root(doc), "kernel");
	ok = param_init(&s->costs, kernel_cost_params, err) &&
	     (!kernel || yaml_bind(kernel, &s->costs, kernel_cost_params, NULL, err));
	yaml_free(doc);
	return ok;
}

static bool set_machine(struct setup *s, const char *key, const struct setting *set,
			struct err *err)
{
	static const char kernel[] = "kernel.";

	if (!strncmp(key, kernel, sizeof(kernel) - 1))
		return param_set(&s->costs, kernel_cost_params, key + sizeof(kernel) - 1,
				 set->value, set->where, err);
	return param_set(&s->desc, machine_params, key, set->value, set->where, err);
}

/* machine.KEY, AXIS or AXIS.KEY, or a parameter of the workload. */
static bool apply_setting(struct setup *s, const struct setting *set, struct err *err)
{
	static const struct param none[] = { PARAM_END };
	static const char machine[] = "machine.";
	bool known;

	if (!strncmp(set->key, machine, sizeof(machine) - 1))
		return set_machine(s, set->key + sizeof(machine) - 1, set, err);
	if (!policy_set_override(&s->policy, set->key, set->value, set->where, &known, err))
		return false;
	if (known)
		return true;
	return param_set(s->workload_params, s->workload->params ? s->workload->params : none,
			 set->key, set->value, set->where, err);
}

static bool setup_load(const struct experiment *spec, struct setup *s, struct err *err)
{
	*s = (struct setup){ 0 };
	if (!load_machine(spec->machine, s, err) || !policy_set_load(spec->policy, &s->policy, err))
		return false;
	s->workload = workload_find(spec->workload, err);
	if (!s->workload)
		return false;
	s->workload_params = calloc(1, s->workload->params_size + 1);
	if (s->workload->params && !param_init(s->workload_params, s->workload->params, err))
		return false;
	for (size_t i = 0; i < spec->n_set; i++)
		if (!apply_setting(s, &spec->set[i], err))
			return false;
	if (machine_desc_cpus(&s->desc) > NR_CPUS)
		return err_set(err, "%u CPUs: at most %u are possible", machine_desc_cpus(&s->desc),
			       NR_CPUS);
	return true;
}

bool experiment_check(const struct experiment *spec, struct err *err)
{
	struct setup s;
	bool ok = setup_load(spec, &s, err);

	setup_free(&s);
	return ok;
}

/* ---- the configuration as it is stored ---- */

static void add_pair(struct outcome *out, const char *prefix, const char *key, char *value)
{
	size_t size = strlen(prefix) + strlen(key) + 1;
	char *full = malloc(size);

	snprintf(full, size, "%s%s", prefix, key);
	out->config = realloc(out->config, (out->n_config + 1) * sizeof(*out->config));
	out->config[out->n_config++] = (struct config_pair){ full, value };
}

static void add_table(struct outcome *out, const char *prefix, const void *obj,
		      const struct param *table)
{
	for (const struct param *p = table; p && p->name; p++)
		add_pair(out, prefix, p->name, param_get(obj, table, p));
}

static int compare_pairs(const void *a, const void *b)
{
	return strcmp(((const struct config_pair *)a)->key, ((const struct config_pair *)b)->key);
}

static void dump_config(const struct setup *s, struct outcome *out)
{
	char prefix[64];

	add_table(out, "machine.", &s->desc, machine_params);
	add_table(out, "machine.kernel.", &s->costs, kernel_cost_params);
	for (unsigned int a = 0; a < POLICY_AXES; a++) {
		const struct policy_pick *p = &s->policy.pick[a];

		add_pair(out, "", policy_axes[a].name, strdup(p->choice->name));
		snprintf(prefix, sizeof(prefix), "%s.", policy_axes[a].name);
		add_table(out, prefix, p->params, p->choice->params);
	}
	add_table(out, "workload.", s->workload_params, s->workload->params);
	qsort(out->config, out->n_config, sizeof(*out->config), compare_pairs);
}

/* ---- the run ---- */

static double wall_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static void collect(struct sim *sim, struct kernel *k, struct outcome *out)
{
	struct metrics *m = sim_metrics(sim);
	uint64_t busy = 0;

	for (unsigned int i = 0; i < k->nr_cpus; i++)
		busy += k->m->cpus[i].busy_ps;
	metric_get(m, &desc_busy, "")->value = busy;
	metric_get(m, &desc_sim_time, "")->gauge = (double)out->sim_time;
}

static void keep_violations(struct sim *sim, size_t n, struct outcome *out)
{
	const struct sim_violation *v;
	size_t all = sim_violations(sim, &v);

	out->n_violations = n < all ? n : all;
	out->violations = calloc(out->n_violations + 1, sizeof(*out->violations));
	if (out->n_violations)
		memcpy(out->violations, v, out->n_violations * sizeof(*v));
}

static bool simulate(const struct experiment *spec, struct setup *s, struct sim *sim,
		     struct outcome *out, struct err *err)
{
	const struct sim_violation *v;
	struct kernel *k;
	struct workload *w;
	struct err why = { 0 };
	size_t n_violations;
	double start;

	kernel_costs_apply_scale(&s->costs);
	out->cpus = machine_desc_cpus(&s->desc);
	k = kernel_create(sim, &s->desc, &s->costs, &s->policy);
	w = s->workload->start(s->workload, k, s->workload_params, spec->workload, spec->threads,
			       spec->duration, err);
	if (!w) {
		kernel_free(k);
		return false;
	}
	out->threads = s->workload->threads ? s->workload->threads(w)
		       : spec->threads      ? spec->threads
					    : k->live_tasks;
	start = wall_now();
	out->end = sim_run(sim, SIM_NEVER, &why);
	out->wall_s = wall_now() - start;
	snprintf(out->message, sizeof(out->message), "%s", why.msg);
	out->sim_time = sim_now(sim);
	out->events = sim_events(sim);
	if (s->workload->finish)
		s->workload->finish(w);
	collect(sim, k, out);
	n_violations = sim_violations(sim, &v);
	if (out->end == SIM_END_FINISHED)
		kernel_finish(k);
	kernel_free(k);
	/* What was cut short cannot be balanced: leaks count only after a run that finished. */
	keep_violations(sim, out->end == SIM_END_FINISHED ? SIZE_MAX : n_violations, out);
	if (s->workload->free)
		s->workload->free(w);
	return true;
}

static uint64_t peak_rss(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_maxrss * 1024;
}

bool experiment_run(const struct experiment *spec, struct outcome *out, struct err *err)
{
	struct sim_options opt = { .engine = spec->engine, .seed = spec->seed };
	struct setup s;
	struct sim *sim;
	bool ok;

	*out = (struct outcome){ 0 };
	if (!setup_load(spec, &s, err)) {
		setup_free(&s);
		return false;
	}
	dump_config(&s, out);
	opt.platform.hosts = machine_desc_cpus(&s.desc);
	opt.platform.hosts_per_group = s.desc.topo.cores_per_l3 * s.desc.topo.threads_per_core;
	sim = sim_create(&opt, err);
	ok = sim && simulate(spec, &s, sim, out, err);
	if (ok) {
		out->metrics = sim_take_metrics(sim);
		out->rss_bytes = peak_rss();
	} else {
		outcome_free(out);
	}
	if (sim)
		sim_destroy(sim);
	setup_free(&s);
	return ok;
}

void outcome_free(struct outcome *out)
{
	for (size_t i = 0; i < out->n_config; i++) {
		free(out->config[i].key);
		free(out->config[i].value);
	}
	free(out->config);
	free(out->violations);
	if (out->metrics)
		metrics_free(out->metrics);
	*out = (struct outcome){ 0 };
}
