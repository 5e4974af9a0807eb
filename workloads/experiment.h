/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One run from its specification to its measured values: builds engine, machine, kernel, policies
 * and workload, runs them, and hands back the registry of metrics. The only place where all layers
 * meet; it knows neither files of results nor the command line.
 */
#ifndef WORKLOADS_EXPERIMENT_H
#define WORKLOADS_EXPERIMENT_H

#include "sim/base/err.h"
#include "sim/metrics.h"
#include "sim/sim.h"

struct setting { /* KEY=VALUE, from --set or a scenario's set: */
	char *key, *value;
	struct where where;
};

struct experiment {
	const char *workload; /* synthetic load, or a .mmt file */
	const char *machine;  /* name below configs/machines, or a file */
	const char *policy;   /* name below configs/policies, or a file */
	const char *engine;   /* NULL = native */
	uint32_t threads;     /* 0 = the workload's own number */
	sim_ps duration;      /* 0 = until the work ends */
	uint64_t seed;
	const struct setting *set; /* machine.KEY, policy AXIS.KEY, workload KEY: one name space */
	size_t n_set;
};

struct config_pair {
	char *key, *value;
};

struct outcome {
	enum sim_end end;
	char message[768];       /* what ended it, where that is an error */
	struct metrics *metrics; /* owned */
	struct sim_violation *violations;
	size_t n_violations;
	struct config_pair *config; /* the whole configuration, canonical text, sorted by key */
	size_t n_config;
	uint32_t cpus, threads;
	sim_ps sim_time;
	uint64_t events;    /* engine wake-ups */
	double wall_s;      /* of the simulation itself */
	uint64_t rss_bytes; /* peak resident size of the process */
};

/* False and *err: the specification is bad and nothing ran. A run that ended badly (deadlock, a
 * dead actor) is an outcome: look at ->end. */
bool experiment_run(const struct experiment *spec, struct outcome *out, struct err *err);
void outcome_free(struct outcome *out);

/* Checks names, files and settings without running: for whole scenarios before the first run. */
bool experiment_check(const struct experiment *spec, struct err *err);

#endif
