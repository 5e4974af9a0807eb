// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The frame of the will-it-scale loads. The main task makes the threads and waits for the end as
 * the real one does: asleep.
 */
#include "workloads/synthetic/threads.h"

#include <stdio.h>
#include <stdlib.h>

METRIC(desc_fairness, "workload.slowest_share", METRIC_GAUGE, "1", NULL,
       "loops of the slowest thread, as a share of the mean");

#define DEFAULT_DURATION (50 * SIM_MS)
#define START_STAGGER    (200 * SIM_US) /* threads of a real process never start at one instant */

struct workload {
	struct kernel *k;
	struct sim *sim;
	loop_fn *loop;
	const void *params;
	struct op_metrics m;
	uint32_t nr;
	sim_ps duration, last_end;
	struct loop_thread *thread;
	uint64_t *loops;
};

static void thread_main(struct task *t, void *arg)
{
	struct loop_thread *self = arg;
	struct rng rng;

	rng_init(&rng, sim_seed(self->m->sim), "threads.start", self->index);
	user_compute(t, rng_below(&rng, START_STAGGER));
	self->w->loop(t, self);
	if (sim_now(self->m->sim) > self->w->last_end)
		self->w->last_end = sim_now(self->m->sim);
}

static void process_main(struct task *t, void *arg)
{
	struct workload *w = arg;
	unsigned int nr_cpus = kernel_nr_cpus(w->k);

	for (uint32_t i = 0; i < w->nr; i++) {
		char comm[24];
		struct task_attr attr = { .comm = comm,
					  .cpu = (int)kernel_nth_core_cpu(w->k, i % nr_cpus),
					  .initial_cpu = -1,
					  .fn = thread_main,
					  .arg = &w->thread[i] };

		snprintf(comm, sizeof(comm), "thread%u", i);
		w->thread[i].task = sys_clone_thread(t, &attr);
	}
}

void loop_count(struct loop_thread *self)
{
	self->w->loops[self->index]++;
	op_count(self->m, 1);
}

struct workload *threads_start(struct kernel *k, loop_fn *loop, const void *params,
			       uint32_t threads, sim_ps duration, struct err *err)
{
	struct task_attr attr = {
		.comm = "main", .cpu = -1, .initial_cpu = -1, .fn = process_main
	};
	struct workload *w;

	if (threads > 65536) {
		err_set(err, "%u threads: at most 65536", threads);
		return NULL;
	}
	w = calloc(1, sizeof(*w));
	w->k = k;
	w->sim = kernel_sim(k);
	w->loop = loop;
	w->params = params;
	w->nr = threads ? threads : 1;
	w->duration = duration ? duration : DEFAULT_DURATION;
	op_metrics_init(&w->m, w->sim);
	w->thread = calloc(w->nr, sizeof(*w->thread));
	w->loops = calloc(w->nr, sizeof(*w->loops));
	for (uint32_t i = 0; i < w->nr; i++)
		w->thread[i] = (struct loop_thread){
			.w = w, .index = i, .params = params, .m = &w->m, .end = w->duration
		};
	attr.arg = w;
	kernel_spawn(k, &attr);
	return w;
}

void threads_finish(struct workload *w)
{
	uint64_t min = UINT64_MAX, sum = 0;

	for (uint32_t i = 0; i < w->nr; i++) {
		min = w->loops[i] < min ? w->loops[i] : min;
		sum += w->loops[i];
	}
	metric_get(sim_metrics(w->sim), &desc_fairness, "")->gauge = sum ? (double)min * w->nr /
										     (double)sum
									 : 0;
	op_metrics_finish(&w->m, w->last_end ? w->last_end : w->duration);
}

void threads_free(struct workload *w)
{
	free(w->thread);
	free(w->loops);
	free(w);
}

uint64_t loop_mmap(struct task *t, struct loop_thread *self, uint64_t len, unsigned int prot,
		   unsigned int flags)
{
	sim_ps begin = op_begin(self->m);
	int64_t ret = sys_mmap(t, 0, len, prot, flags);

	op_end(self->m, OP_MMAP, len, begin);
	sim_check(self->m->sim, ret > 0, "workload", "mmap of %llu bytes failed: %lld",
		  (unsigned long long)len, (long long)ret);
	return (uint64_t)ret;
}

void loop_munmap(struct task *t, struct loop_thread *self, uint64_t addr, uint64_t len)
{
	sim_ps begin = op_begin(self->m);

	sys_munmap(t, addr, len);
	op_end(self->m, OP_MUNMAP, len, begin);
}

void loop_madvise(struct task *t, struct loop_thread *self, uint64_t addr, uint64_t len, int advice)
{
	sim_ps begin = op_begin(self->m);

	sys_madvise(t, addr, len, advice);
	op_end(self->m, OP_MADVISE, len, begin);
}

void loop_fault(struct task *t, struct loop_thread *self, uint64_t addr, enum user_access access)
{
	sim_ps begin = op_begin(self->m);
	bool ok = user_access(t, addr, access);

	op_end(self->m, OP_FAULT, 0, begin);
	sim_check(self->m->sim, ok, "workload", "access to %#llx is a SIGSEGV",
		  (unsigned long long)addr);
}
