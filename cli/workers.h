/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs a plan in worker processes, one a run, and hands the outcomes over in the plan's order
 * whatever the number of workers: so the database is the same. A worker that crashes harms nobody
 * else. Ctrl-C ends all workers; what was handed over stays.
 */
#ifndef CLI_WORKERS_H
#define CLI_WORKERS_H

#include "cli/scenario.h"

/* Takes over *o. False and *err: stop everything. */
typedef bool workers_done_fn(void *arg, const struct planned_run *run, struct outcome *o,
			     struct err *err);

struct workers_options {
	unsigned int jobs; /* 0 = one for each CPU that this process may use */
	bool progress;     /* a line on standard error while it runs */
	workers_done_fn *done;
	void *arg;
};

/* An exit code: EXIT_OK, EXIT_RUN or EXIT_USAGE with *err, EXIT_INTERRUPTED. */
int workers_run(const struct plan *plan, const struct workers_options *o, struct err *err);

#endif
