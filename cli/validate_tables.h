/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * configs/validation: the published tables, and how each becomes runs. Reads both files, lays out
 * the runs, and turns their outcomes into the simulated figures. Errors and output are in
 * analysis/validate.h and cmd_validate.c.
 */
#ifndef CLI_VALIDATE_TABLES_H
#define CLI_VALIDATE_TABLES_H

#include "analysis/validate.h"
#include "cli/scenario.h"
#include "sim/base/yaml.h"

/* What a level of tables.yaml says; a series inherits from its table, a point from its series. */
struct validation_spec {
	char *machine, *policy, *workload, *figure, *x, *vary, *normalise, *reason;
	char **fitted;
	uint32_t threads, seeds;
	sim_ps duration;
	double limit_mean, limit_worst;
	struct setting *set;
	size_t n_set;
};

struct validation_run { /* whose point a run serves */
	size_t series, point;
};

struct validation_plan {
	struct yaml_doc *published, *tables;
	struct validation_series *series;
	struct validation_spec *spec; /* by series */
	size_t n_series;
	struct validation_spec **levels; /* every point's, for the runs' texts */
	size_t n_levels;
	struct plan plan;
	struct validation_run *runs; /* by run of the plan */
};

/* Tables in `wanted` (NULL-terminated; empty: all). seeds = 0: as the file says. */
bool validation_plan_load(struct validation_plan *v, char *const *wanted, uint32_t seeds,
			  struct err *err);
void validation_plan_free(struct validation_plan *v);
/* Adds one run's figure to its point. False: the run has none, or ended badly. */
bool validation_plan_add(struct validation_plan *v, const struct planned_run *run,
			 const struct outcome *o, struct err *err);
/* After the last run. */
void validation_plan_finish(struct validation_plan *v);

/* Published tables that are no prediction, with why: calls fn for each. */
void validation_plan_others(const struct validation_plan *v,
			    void (*fn)(void *arg, const char *table, const char *why), void *arg);
/* A published table's own words on its source. */
const char *validation_plan_source(const struct validation_plan *v, const char *table);

#endif
