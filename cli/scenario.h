/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A scenario: a workload and the matrix of machines, policies, threads and seeds to run it on, from
 * a YAML file (docs/scenarios.md), from options, or both. Makes the list of single runs; runs none.
 */
#ifndef CLI_SCENARIO_H
#define CLI_SCENARIO_H

#include "sim/base/param.h"
#include "workloads/experiment.h"

struct scenario {
	char *name, *description, *workload, *engine;
	char **machines, **policies;
	struct u32_list threads, seed; /* seed: an explicit list, goes before `seeds` */
	uint32_t seeds;
	sim_ps duration;
	struct setting *set; /* the file's first, then --set's: the later one wins */
	size_t n_set;
};

extern const struct param scenario_params[];

bool scenario_init(struct scenario *s, struct err *err);
void scenario_free(struct scenario *s);
/* `name` is a path or a name below configs/scenarios. */
bool scenario_load(struct scenario *s, const char *name, struct err *err);
/* "KEY=VALUE" */
bool scenario_add_setting(struct scenario *s, const char *text, struct where where,
			  struct err *err);

/* One run of the matrix, and what it is called in results. */
struct planned_run {
	struct experiment spec; /* refers to the plan and the scenario */
	char *workload, *machine, *policy;
};

struct plan {
	struct planned_run *runs; /* by machine, threads, policy, seed */
	size_t n;
	char workload_path[4096]; /* the workload as experiment_run wants it */
	char *settings;           /* "KEY=VALUE ..." as stored */
};

/* Finds the workload, checks every combination, and lays out the runs in their order. */
bool plan_make(struct plan *plan, const struct scenario *s, struct err *err);
void plan_free(struct plan *plan);

#endif
