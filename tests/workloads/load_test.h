/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of synthetic loads share: a run that must end well, and its counters by loops.
 */
#ifndef TESTS_WORKLOADS_LOAD_TEST_H
#define TESTS_WORKLOADS_LOAD_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/experiment.h"

#define MAX_SET 8

struct run {
	const char *workload, *machine, *policy;
	uint32_t threads;
	sim_ps duration;
	const char *set[MAX_SET]; /* KEY=VALUE */
};

static inline struct outcome simulate(const struct run *r)
{
	struct setting set[MAX_SET];
	struct outcome o;
	struct err err = { 0 };
	size_t n = 0;

	for (; n < MAX_SET && r->set[n]; n++) {
		const char *equals = strchr(r->set[n], '=');

		set[n] = (struct setting){ .key = strndup(r->set[n], (size_t)(equals - r->set[n])),
					   .value = strdup(equals + 1) };
	}
	struct experiment spec = { .workload = r->workload,
				   .machine = r->machine,
				   .policy = r->policy,
				   .threads = r->threads,
				   .duration = r->duration ? r->duration : SIM_MS,
				   .seed = 1,
				   .set = set,
				   .n_set = n };

	if (!experiment_run(&spec, &o, &err))
		fail_msg("%s", err.msg);
	while (n--) {
		free(set[n].key);
		free(set[n].value);
	}
	if (o.end != SIM_END_FINISHED)
		fail_msg("%s on %s ended badly: %s", r->workload, r->machine, o.message);
	if (o.n_violations)
		fail_msg("%s on %s: %s", r->workload, r->machine, o.violations[0].text);
	return o;
}

static inline double count(const struct outcome *o, const char *name, const char *label)
{
	const struct metric *m = metric_find(o->metrics, name, label);

	return m ? (double)m->value : 0;
}

/* A counter by loops: two runs of different length, so that set-up and warm-up cancel out. */
static inline void each_loop(struct run r, const char *name, const char *label, double wanted)
{
	struct outcome brief, longer;
	double loops, got;

	r.duration = r.duration ? r.duration : SIM_MS;
	brief = simulate(&r);
	r.duration *= 3;
	longer = simulate(&r);
	loops = count(&longer, "workload.ops", "") - count(&brief, "workload.ops", "");
	got = count(&longer, name, label) - count(&brief, name, label);
	assert_true(loops > 20);
	if (fabs(got / loops - wanted) > 0.02 * wanted + 0.02)
		fail_msg("%s %s: %g in %g loops, not %g a loop", name, label, got, loops, wanted);
	outcome_free(&brief);
	outcome_free(&longer);
}

#endif
