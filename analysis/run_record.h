/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is kept of one run: plain data, filled in by the caller of store_add_run. The analysis layer
 * knows a run only in this form and as rows of the database, never as a model's struct.
 */
#ifndef ANALYSIS_RUN_RECORD_H
#define ANALYSIS_RUN_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "sim/metrics.h"
#include "sim/sim.h"

struct run_pair {
	const char *key, *value;
};

struct run_record {
	const char *scenario; /* "" = none */
	const char *workload, *machine, *policy, *engine;
	const char
		*settings; /* "KEY=VALUE ..." that differ from the machine, policy and workload */
	uint64_t seed;
	uint32_t threads, cpus;
	sim_ps duration;           /* asked for; 0 = until the work ends */
	const char *end, *message; /* end: see run_end_name */
	sim_ps sim_time;
	uint64_t events;
	const struct metrics *metrics;
	const struct run_pair *config;
	size_t n_config;
	const struct sim_violation *violations;
	size_t n_violations;
	struct {
		const char *name, *revision, *version;
		int64_t started; /* seconds since 1970 */
		double wall_s;
		uint64_t rss_bytes;
	} host; /* what differs between two runs of one seed; kept in a table of its own */
};

/* "finished", "limit", "stopped", "deadlock", "died" */
const char *run_end_name(enum sim_end end);

#endif
