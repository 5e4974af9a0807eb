/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The frame of the will-it-scale loads: N tasks, each looping on its own memory, task i bound to
 * core i mod (number of cores); what is rated is the sum of loops. They are threads of one process,
 * or with `processes` one process each. All wait until the last was made; loops count from the
 * moment that all run, for the run's duration. A load is one file: a loop function, its parameters
 * (the first of which are struct loop_params) and a struct loop_load that names them.
 */
#ifndef WORKLOADS_SYNTHETIC_THREADS_H
#define WORKLOADS_SYNTHETIC_THREADS_H

#include "workloads/op_metrics.h"
#include "sim/rng.h"
#include "workloads/workload.h"

/* What the parameters of every load begin with, and their rows; a load has those that it uses. */
struct loop_params {
	uint64_t size;
	sim_ps think;
	bool processes;
};

#define LOOP_SIZE(def_)                                                                            \
	{                                                                                          \
		.name = "size", .type = PARAM_BYTES, .offset = offsetof(struct loop_params, size), \
		.def = def_, .min = PAGE_BYTES, .multiple = PAGE_BYTES, .max = 1e12,               \
		.help = "of the mapping, per task"                                                 \
	}
#define LOOP_THINK                                                                                 \
	{                                                                                          \
		.name = "think", .type = PARAM_PS, .offset = offsetof(struct loop_params, think),  \
		.def = "10ns", .max = 1e12, .help = "the program's own work in a loop"             \
	}
#define LOOP_PROCESSES                                                                             \
	{                                                                                          \
		.name = "processes", .type = PARAM_BOOL,                                           \
		.offset = offsetof(struct loop_params, processes), .def = "false",                 \
		.help = "each task is a process of its own, not a thread of one"                   \
	}

struct loop_thread {
	struct workload *w;
	unsigned int index;
	const void *params;
	unsigned int arg; /* the load's */
	struct op_metrics *m;
	struct task *task;
	double phase;   /* 0 to 1: where in its first pass it begins, as if all had run for long */
	uint64_t loops; /* that count */
};

/* Runs until the end of its time: loop_done says when. */
typedef void loop_fn(struct task *t, struct loop_thread *self);

struct loop_load {
	struct workload_type type;
	loop_fn *loop;
	unsigned int arg; /* what loads of one file differ in */
};

/* struct workload_type's functions for all loads of this frame. Tasks = 0: one. duration = 0: 50
 * ms. */
#define LOOP_FRAME                                                                                 \
	.start = threads_start, .threads = threads_number, .finish = threads_finish,               \
	.free = threads_free
/* Registers a load whose parameters are struct loop_params and no more. */
#define LOOP_LOAD(name_, loop_, arg_, params_, summary_, source_)                                  \
	static const struct loop_load name_ = {                                                    \
		.type = { LOOP_FRAME, .name = #name_, .summary = (summary_), .source = (source_),  \
			  .params = (params_), .params_size = sizeof(struct loop_params) },        \
		.loop = (loop_),                                                                   \
		.arg = (arg_),                                                                     \
	};                                                                                         \
	WORKLOAD(name_.type)
struct workload *threads_start(const struct workload_type *type, struct kernel *k,
			       const void *params, const char *file, uint32_t threads,
			       sim_ps duration, struct err *err);
uint32_t threads_number(const struct workload *w);
void threads_finish(struct workload *w);
void threads_free(struct workload *w);

/* Is the time over? */
bool loop_done(const struct loop_thread *self);
/* n more loops of this task are done. */
void loop_count(struct loop_thread *self, uint64_t n);

/* Timed operations: each records its latency. */
uint64_t loop_mmap(struct task *t, struct loop_thread *self, uint64_t len, unsigned int flags);
void loop_munmap(struct task *t, struct loop_thread *self, uint64_t addr, uint64_t len);
void loop_madvise(struct task *t, struct loop_thread *self, uint64_t addr, uint64_t len,
		  int advice);
void loop_brk(struct task *t, struct loop_thread *self, uint64_t brk);
/* An access that is expected to fault. */
void loop_fault(struct task *t, struct loop_thread *self, uint64_t addr, enum user_access access);
enum fork_kind {
	FORK_HERE,     /* a process bound to the parent's CPU */
	FORK_ANYWHERE, /* a process where the scheduler likes */
	CLONE_HERE     /* a thread bound to the parent's CPU */
};
struct task *loop_fork(struct task *t, struct loop_thread *self, enum fork_kind kind, task_fn *fn,
		       void *arg);

#endif
