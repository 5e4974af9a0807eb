/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of models/ share: a kernel on a machine with settings of the test's own, bodies of
 * tasks, and the verdict of a run. Actors must not use cmocka's assertions (they jump to another
 * stack): they use expect(), which records a violation of kind "test" for check_clean() to find.
 */
#ifndef TESTS_MODELS_MODEL_H
#define TESTS_MODELS_MODEL_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/kernel/kernel.h"
#include "models/kernel/mm.h"
#include "models/kernel/rcu.h"
#include "models/kernel/smp.h"
#include "sim/rng.h"

struct model {
	struct sim *sim;
	struct kernel *k;
	enum sim_end end;
	struct err err;
};

struct model_spec {
	const char *machine, *policy; /* NULL: milan-1s72, linux-6.18 */
	/* As for mmsim run --set, without "machine.": "KEY=VALUE", or "KEY" and its value; NULL. */
	const char *const *set;
	uint64_t seed;
};

#define expect(k, cond, ...) sim_check((k)->sim, cond, "test", __VA_ARGS__)

static inline void model_set(struct machine_desc *desc, struct kernel_costs *costs,
			     struct policy_set *set, const char *key, const char *value)
{
	struct where where = { .file = "test" };
	struct err err = { "" };
	bool known = true, ok;

	if (param_find(machine_params, key))
		ok = param_set(desc, machine_params, key, value, where, &err);
	else if (!strncmp(key, "kernel.", 7))
		ok = param_set(costs, kernel_cost_params, key + 7, value, where, &err);
	else
		ok = policy_set_override(set, key, value, where, &known, &err);
	if (!ok || !known)
		fail_msg("%s: %s", key, err.msg);
}

static inline void model_start(struct model *m, const struct model_spec *spec)
{
	struct sim_options opt = { .seed = spec->seed };
	struct kernel_costs costs;
	struct machine_desc desc;
	struct policy_set set;

	*m = (struct model){ .err = { "" } };
	if (!machine_load(spec->machine ? spec->machine : "milan-1s72", &desc, NULL, &m->err) ||
	    !param_init(&costs, kernel_cost_params, &m->err) ||
	    !policy_set_load(spec->policy ? spec->policy : "linux-6.18", &set, &m->err))
		fail_msg("%s", m->err.msg);
	for (const char *const *s = spec->set; s && *s; s++) {
		const char *equals = strchr(*s, '=');
		char key[64];

		snprintf(key, sizeof(key), "%.*s", (int)(equals ? equals - *s : 63), *s);
		model_set(&desc, &costs, &set, key, equals ? equals + 1 : *++s);
	}
	m->sim = sim_create(&opt, &m->err);
	assert_non_null(m->sim);
	m->k = kernel_create(m->sim, &desc, &costs, &set);
}

/* In random tests: not the machine's preemption, but each kind in turn. */
static inline void model_preempt_by(struct model *m, uint64_t seed)
{
	for (unsigned int i = 0; i < m->k->nr_cpus; i++)
		m->k->cpus[i].preempt = (enum preemption)(seed % 3);
}

static inline void model_run(struct model *m)
{
	m->end = sim_run(m->sim, SIM_NEVER, &m->err);
}

/* Takes the kernel down, so that leaks count; m->sim stays for its violations and metrics. */
static inline void model_finish(struct model *m)
{
	kernel_finish(m->k);
	kernel_free(m->k);
	m->k = NULL;
}

static inline void model_end(struct model *m)
{
	if (m->k)
		kernel_free(m->k);
	sim_destroy(m->sim);
}

static inline void print_violations(const struct model *m)
{
	const struct sim_violation *v;
	size_t n = sim_violations(m->sim, &v);

	for (size_t i = 0; i < n && i < 8; i++)
		print_error("%s:%u: %s x%llu at %llu ps by %s: %s\n", v[i].file, v[i].line,
			    v[i].kind, (unsigned long long)v[i].count,
			    (unsigned long long)v[i].time, v[i].where, v[i].text);
}

/* Everything ended as it should, and no check was hit. */
static inline void check_clean(const struct model *m, const char *what, uint64_t seed)
{
	const struct sim_violation *v;

	if (m->end == SIM_END_FINISHED && sim_violations(m->sim, &v) == 0)
		return;
	print_violations(m);
	fail_msg("%s, seed %llu: end %d: %s", what, (unsigned long long)seed, (int)m->end,
		 m->err.msg);
}

/* Runs, takes down and checks, in this order. */
static inline void model_run_clean(struct model *m, const char *what, uint64_t seed)
{
	model_run(m);
	if (m->end == SIM_END_FINISHED)
		model_finish(m);
	check_clean(m, what, seed);
}

static inline uint64_t violations_of(const struct model *m, const char *kind)
{
	const struct sim_violation *v;
	size_t n = sim_violations(m->sim, &v);
	uint64_t count = 0;

	for (size_t i = 0; i < n; i++)
		if (!strcmp(v[i].kind, kind))
			count += v[i].count;
	return count;
}

static inline uint64_t counter(const struct model *m, const char *name, const char *label)
{
	const struct metric *x = metric_find(sim_metrics(m->sim), name, label);

	return x ? x->value : 0;
}

/* Pages that reclaim freed: none where memory was never short. */
static inline uint64_t reclaimed(const struct model *m)
{
	return counter(m, "reclaim.reclaimed", "kswapd") +
	       counter(m, "reclaim.reclaimed", "direct");
}

static inline const struct hist *histogram(const struct model *m, const char *name,
					   const char *label)
{
	static const struct hist none = { .min = UINT64_MAX };
	const struct metric *x = metric_find(sim_metrics(m->sim), name, label);

	return x ? &x->hist : &none;
}

/* NO_CPU: wherever the scheduler likes. */
static inline struct task *spawn(struct model *m, const char *comm, int cpu, task_fn *fn, void *arg)
{
	struct task_attr attr = {
		.comm = comm, .cpu = cpu, .initial_cpu = NO_CPU, .fn = fn, .arg = arg
	};

	return kernel_spawn(m->k, &attr);
}

#endif
