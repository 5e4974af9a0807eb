/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The frame of the will-it-scale loads: one process of N threads, each looping on its own memory in
 * one shared mm, thread i bound to core i mod (number of cores); what is rated is the sum of loops.
 * A load is one file: a loop function and a struct workload_type that starts this frame.
 */
#ifndef WORKLOADS_SYNTHETIC_THREADS_H
#define WORKLOADS_SYNTHETIC_THREADS_H

#include "workloads/op_metrics.h"
#include "sim/rng.h"
#include "workloads/workload.h"

struct loop_thread {
	struct workload *w;
	unsigned int index;
	const void *params;
	struct op_metrics *m;
	sim_ps end; /* loops look at the time and stop after it */
	struct task *task;
};

/* Runs until the end of its time: loop_done says when. */
typedef void loop_fn(struct task *t, struct loop_thread *self);

static inline bool loop_done(const struct loop_thread *self)
{
	return sim_now(self->m->sim) >= self->end;
}

/* One more loop of this thread is done. */
void loop_count(struct loop_thread *self);

/* What a load's start, finish and free call. threads = 0: one. duration = 0: 50 ms. */
struct workload *threads_start(struct kernel *k, loop_fn *loop, const void *params,
			       uint32_t threads, sim_ps duration, struct err *err);
void threads_finish(struct workload *w);
void threads_free(struct workload *w);

/* Timed operations: each records its latency. */
uint64_t loop_mmap(struct task *t, struct loop_thread *self, uint64_t len, unsigned int prot,
		   unsigned int flags);
void loop_munmap(struct task *t, struct loop_thread *self, uint64_t addr, uint64_t len);
void loop_madvise(struct task *t, struct loop_thread *self, uint64_t addr, uint64_t len,
		  int advice);
/* An access that is expected to fault. */
void loop_fault(struct task *t, struct loop_thread *self, uint64_t addr, enum user_access access);

#endif
