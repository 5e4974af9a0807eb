/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The frame of the micro-benchmarks: one measured task loops until the end of its time, and each
 * loop after a warm-up is one sample of workload.loop_time. Other tasks of the load look at `done`.
 * A load is one file: its tasks and a struct workload_type; struct workload begins with a struct
 * bench.
 */
#ifndef WORKLOADS_SYNTHETIC_BENCH_H
#define WORKLOADS_SYNTHETIC_BENCH_H

#include "workloads/op_metrics.h"
#include "workloads/workload.h"

struct bench {
	struct kernel *k;
	struct sim *sim;
	struct op_metrics m;
	struct metric *loop;
	uint32_t threads;
	uint64_t warm_up, loops; /* loops not counted; loops so far */
	sim_ps duration, begin;  /* begin: of the first loop that counts */
	bool done;
};

/* threads = 0: `own`. duration = 0: 20 ms. */
void bench_init(struct bench *b, struct kernel *k, uint32_t threads, uint32_t own, sim_ps duration,
		uint64_t warm_up);
/* Starts the measured task as a process of its own, bound to the first core. */
struct task *bench_spawn(struct bench *b, const char *comm, unsigned int cpu, task_fn *fn,
			 void *arg);
/* May the measured task go on? From then on the load is done. */
bool bench_goes_on(struct bench *b);
/* A loop that began at `begin` has ended. */
void bench_sample(struct bench *b, sim_ps begin);
/* A mapping of anonymous memory, every page touched. */
uint64_t bench_map(struct task *t, uint64_t pages, enum user_access access);
void bench_touch(struct task *t, uint64_t addr, uint64_t pages, enum user_access access);
void bench_finish(struct bench *b);

/* What struct workload_type's finish and free need; struct workload begins with struct bench. */
void bench_workload_finish(struct workload *w);
void bench_workload_free(struct workload *w);

#endif
