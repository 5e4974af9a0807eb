/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs made by hand for the tests of the analysis layer: a throughput, a counter by reason and a
 * latency histogram whose values follow from policy and seed.
 */
#ifndef TESTS_ANALYSIS_FIXTURE_H
#define TESTS_ANALYSIS_FIXTURE_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/store.h"

METRIC(fix_throughput, "workload.ops_per_s", METRIC_GAUGE, "1/s", NULL, "loops a second");
METRIC(fix_flush, "tlb.flush", METRIC_COUNTER, "1", "reason", "flushes");
METRIC(fix_latency, "op.latency", METRIC_HISTOGRAM, "ps", "operation", "time of an operation");

struct fixture_run {
	const char *policy;
	uint64_t seed;
	uint32_t threads;
	double throughput;
	uint64_t flushes; /* 0: the counter is never touched */
	sim_ps latency;   /* middle of the histogram */
	const char *end;  /* NULL = "limit" */
};

static inline bool fixture_add(struct store *store, const struct fixture_run *f, struct err *err)
{
	static const struct run_pair config[] = { { "kernel.hz", "250" }, { "seed", "x'y\"z" } };
	struct sim_violation violation = { .time = 5,
					   .count = 2,
					   .file = "a.c",
					   .kind = "stale",
					   .line = 7,
					   .where = "task",
					   .text = "it's stale" };
	struct metrics *m = metrics_create();
	struct run_record r = {
		.scenario = "test",
		.workload = "loop",
		.machine = "box",
		.policy = f->policy,
		.engine = "native",
		.settings = "",
		.seed = f->seed,
		.threads = f->threads,
		.cpus = 8,
		.duration = SIM_MS,
		.end = f->end ? f->end : "limit",
		.message = "",
		.sim_time = SIM_MS,
		.events = 1000 + f->seed,
		.metrics = m,
		.config = config,
		.n_config = 2,
		.violations = &violation,
		.n_violations = f->seed == 99,
		.host = { .name = "h",
			  .revision = "r",
			  .version = "v",
			  .started = 1700000000,
			  .wall_s = 0.5,
			  .rss_bytes = 1 << 20 },
	};
	bool ok;

	metric_get(m, &fix_throughput, "")->gauge = f->throughput;
	if (f->flushes)
		metric_get(m, &fix_flush, "remote")->value = f->flushes;
	for (uint64_t i = 0; f->latency && i < 1000; i++)
		hist_add(&metric_get(m, &fix_latency, "madvise")->hist,
			 f->latency / 2 + f->latency * i / 1000);
	ok = store_add_run(store, &r, NULL, err);
	metrics_free(m);
	return ok;
}

/* A folder of the test's own, removed by fixture_clean. */
static char fixture_dir[64];

static inline int fixture_setup(void **state)
{
	(void)state;
	strcpy(fixture_dir, "/tmp/mmsim-test-XXXXXX");
	return mkdtemp(fixture_dir) ? 0 : -1;
}

static inline int fixture_clean(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", fixture_dir);
	return system(command);
}

static inline const char *fixture_path(const char *name)
{
	static char path[4][PATH_MAX];
	static unsigned int next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", fixture_dir, name);
	return path[next];
}

#endif
