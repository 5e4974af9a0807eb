/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A workload: what runs on the simulated machine. A synthetic load is one file that registers a
 * struct workload_type; a recording (.mmt) is one more type whose programs come from a file.
 */
#ifndef WORKLOADS_WORKLOAD_H
#define WORKLOADS_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "models/kernel/ops.h"
#include "sim/base/err.h"
#include "sim/base/param.h"
#include "sim/base/section.h"
#include "sim/metrics.h"

struct workload; /* one instance in one run */

struct workload_type {
	const char *name, *summary, *source;
	const struct param *params; /* may be NULL; offsets into the instance's params */
	size_t params_size;
	/*
	 * Spawns the tasks on k. threads = 0: the workload's own number. The tasks run until
	 * `duration` of simulated time (0 = until their work ends): synthetic loops look at the
	 * time before each loop. Returns NULL and *err if it can't.
	 */
	struct workload *(*start)(const struct workload_type *type, struct kernel *k,
				  const void *params, const char *file, uint32_t threads,
				  sim_ps duration, struct err *err);
	/* How many threads it runs, where that is not how many tasks it starts with. May be NULL.
	 */
	uint32_t (*threads)(const struct workload *w);
	/* After the run: set its final metrics (throughput and so on). May be NULL. */
	void (*finish)(struct workload *w);
	void (*free)(struct workload *w);
};

#define WORKLOAD(var) SECTION_ROW(workloads, &var)

/* By name, or for a path that names an existing file the replay type. */
const struct workload_type *workload_find(const char *name, struct err *err);
size_t workload_types(const struct workload_type ***sorted); /* caller frees */

#endif
