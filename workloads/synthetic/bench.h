/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The frame of the micro-benchmarks: one measured task loops until the end of its time, and each
 * loop after a warm-up is one sample of workload.loop_time. Other tasks of the load look at `done`.
 * A load is one file: its tasks, its parameters and a struct bench_load that names them.
 */
#ifndef WORKLOADS_SYNTHETIC_BENCH_H
#define WORKLOADS_SYNTHETIC_BENCH_H

#include "workloads/op_metrics.h"
#include "workloads/workload.h"

struct bench {
	const struct bench_load *load;
	const void *params;
	struct kernel *k;
	struct sim *sim;
	struct op_metrics m;
	struct metric *loop;
	uint32_t threads;
	uint64_t warm_up, loops; /* loops not counted; loops so far */
	sim_ps duration, begin;  /* begin: of the first loop that counts */
	bool done;
};

struct bench_load {
	struct workload_type type;
	task_fn *measured; /* a process bound to the first CPU; arg: the struct bench */
	uint64_t warm_up;  /* loops */
	uint32_t threads;  /* the load's own number; 0: one */
	/* For CPUs of their own: the least, and whether every thread needs one. */
	unsigned int min_cpus;
	bool cpu_each;
	size_t state; /* bytes of the load's own; begin with a struct bench. 0: no more than that */
	size_t (*state_of)(uint32_t threads); /* the same where it depends; else NULL */
};

/* struct workload_type's functions for all loads of this frame. duration = 0: 20 ms. */
#define BENCH_FRAME                                                                                \
	.start = bench_start, .threads = bench_threads, .finish = bench_finish, .free = bench_free
struct workload *bench_start(const struct workload_type *type, struct kernel *k, const void *params,
			     const char *file, uint32_t threads, sim_ps duration, struct err *err);
uint32_t bench_threads(const struct workload *w);
void bench_finish(struct workload *w);
void bench_free(struct workload *w);

/* Another process, bound to a CPU. */
struct task *bench_spawn(struct bench *b, const char *comm, unsigned int cpu, task_fn *fn,
			 void *arg);
/* All tasks but the measured one, each on a core of its own, by sys_clone_thread or sys_fork. */
typedef struct task *bench_make_fn(struct task *task, const struct task_attr *attr);
void bench_spread(struct task *t, struct bench *b, const char *comm, bench_make_fn *make,
		  task_fn *fn, void *arg);
/* May the measured task go on? From then on the load is done. */
bool bench_goes_on(struct bench *b);
/* A loop that began at `begin` has ended. */
void bench_sample(struct bench *b, sim_ps begin);
/* A mapping of anonymous memory; bench_map has every page touched, too. */
uint64_t bench_mmap(struct task *t, uint64_t pages);
uint64_t bench_map(struct task *t, uint64_t pages, enum user_access access);
void bench_touch(struct task *t, uint64_t addr, uint64_t pages, enum user_access access);

#endif
