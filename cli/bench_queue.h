/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An M/M/1 queue: the standard test of a simulation engine, because theory knows the answer.
 * Private to the engine's benchmark.
 */
#ifndef CLI_BENCH_QUEUE_H
#define CLI_BENCH_QUEUE_H

#include <stdint.h>

#include "sim/base/err.h"

struct queue_result {
	uint64_t customers, events;
	double seconds;               /* real time of the run */
	double system_us, theory_us;  /* mean time in the system */
	double bound_us;              /* 99.9% confidence half-width of system_us, by batch means */
	double length, theory_length; /* mean number in the system */
};

/* One server, utilisation 0.9. False and *err if the run fails, or misses theory by more than its
 * confidence bound. */
bool bench_queue(const char *engine, uint64_t customers, struct queue_result *r, struct err *err);

#endif
