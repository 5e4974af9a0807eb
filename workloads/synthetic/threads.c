// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The frame of the will-it-scale loads. The main task makes the others, wakes them all, as the real
 * one does by one byte in a pipe that they poll, and is done.
 */
#include "workloads/synthetic/threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

METRIC(desc_fairness, "workload.slowest_share", METRIC_GAUGE, "1", NULL,
       "loops of the slowest thread, as a share of the mean");

#define DEFAULT_DURATION (50 * SIM_MS)
#define START_STAGGER    (200 * SIM_US) /* tasks that one event woke never go on at one instant */

struct workload {
	const struct loop_load *load;
	struct kernel *k;
	struct sim *sim;
	const struct loop_params *params;
	struct op_metrics m;
	uint32_t nr;
	sim_ps duration, end; /* end: SIM_NEVER until all are made */
	struct loop_thread *thread;
};

static void thread_main(struct task *t, void *arg)
{
	struct loop_thread *self = arg;
	struct workload *w = self->w;
	struct rng rng;

	task_block(t);
	rng_init(&rng, sim_seed(w->sim), "threads.start", self->index);
	user_compute(t, rng_below(&rng, START_STAGGER));
	self->phase = rng_unit(&rng);
	w->load->loop(t, self);
}

static void process_main(struct task *t, void *arg)
{
	struct workload *w = arg;
	unsigned int nr_cpus = kernel_nr_cpus(w->k);

	for (uint32_t i = 0; i < w->nr; i++) {
		char comm[24];
		struct task_attr attr = { .comm = comm,
					  .cpu = (int)kernel_nth_core_cpu(w->k, i % nr_cpus),
					  .initial_cpu = NO_CPU,
					  .fn = thread_main,
					  .arg = &w->thread[i] };

		snprintf(comm, sizeof(comm), "%s%u", w->params->processes ? "process" : "thread",
			 i);
		w->thread[i].task = w->params->processes ? sys_fork(t, &attr)
							 : sys_clone_thread(t, &attr);
	}
	for (uint32_t i = 0; i < w->nr; i++)
		task_wake(t, w->thread[i].task);
	w->end = sim_now(w->sim) + w->duration;
}

static bool counts(const struct workload *w)
{
	return w->end != SIM_NEVER && sim_now(w->sim) <= w->end;
}

bool loop_done(const struct loop_thread *self)
{
	return sim_now(self->w->sim) >= self->w->end;
}

void loop_count(struct loop_thread *self, uint64_t n)
{
	if (!counts(self->w))
		return;
	self->loops += n;
	op_count(self->m, n);
}

struct workload *threads_start(const struct workload_type *type, struct kernel *k,
			       const void *params, const char *file, uint32_t threads,
			       sim_ps duration, struct err *err)
{
	struct task_attr attr = {
		.comm = "main", .cpu = NO_CPU, .initial_cpu = NO_CPU, .fn = process_main
	};
	struct workload *w;

	(void)file;
	if (threads > 65536) {
		err_set(err, "%u threads: at most 65536", threads);
		return NULL;
	}
	w = calloc(1, sizeof(*w));
	w->load = (const struct loop_load *)((const char *)type - offsetof(struct loop_load, type));
	w->k = k;
	w->sim = kernel_sim(k);
	w->params = params;
	w->nr = threads ? threads : 1;
	w->duration = duration ? duration : DEFAULT_DURATION;
	w->end = SIM_NEVER;
	op_metrics_init(&w->m, w->sim);
	w->thread = calloc(w->nr, sizeof(*w->thread));
	for (uint32_t i = 0; i < w->nr; i++)
		w->thread[i] = (struct loop_thread){
			.w = w, .index = i, .params = params, .arg = w->load->arg, .m = &w->m
		};
	attr.arg = w;
	kernel_spawn(k, &attr);
	return w;
}

uint32_t threads_number(const struct workload *w)
{
	return w->nr;
}

void threads_finish(struct workload *w)
{
	uint64_t min = UINT64_MAX, sum = 0;

	for (uint32_t i = 0; i < w->nr; i++) {
		min = w->thread[i].loops < min ? w->thread[i].loops : min;
		sum += w->thread[i].loops;
	}
	metric_get(sim_metrics(w->sim), &desc_fairness, "")->gauge = sum ? (double)min * w->nr /
										     (double)sum
									 : 0;
	op_metrics_finish(&w->m, w->duration);
}

void threads_free(struct workload *w)
{
	free(w->thread);
	free(w);
}

/* ---- timed operations: those that end while loops count ---- */

static void timed(struct loop_thread *self, enum op_kind kind, uint64_t bytes, sim_ps begin)
{
	if (counts(self->w))
		op_end(self->m, kind, bytes, begin);
}

uint64_t loop_mmap(struct task *t, struct loop_thread *self, uint64_t len, unsigned int flags)
{
	sim_ps begin = op_begin(self->m);
	int64_t ret = sys_mmap(t, 0, len, PROT_READ | PROT_WRITE, flags);

	timed(self, OP_MMAP, len, begin);
	sim_check(self->m->sim, ret > 0, "workload", "mmap of %llu bytes failed: %lld",
		  (unsigned long long)len, (long long)ret);
	return (uint64_t)ret;
}

void loop_munmap(struct task *t, struct loop_thread *self, uint64_t addr, uint64_t len)
{
	sim_ps begin = op_begin(self->m);

	sys_munmap(t, addr, len);
	timed(self, OP_MUNMAP, len, begin);
}

void loop_madvise(struct task *t, struct loop_thread *self, uint64_t addr, uint64_t len, int advice)
{
	sim_ps begin = op_begin(self->m);

	sys_madvise(t, addr, len, advice);
	timed(self, OP_MADVISE, len, begin);
}

void loop_brk(struct task *t, struct loop_thread *self, uint64_t brk)
{
	sim_ps begin = op_begin(self->m);

	sys_brk(t, brk);
	timed(self, OP_BRK, 0, begin);
}

void loop_fault(struct task *t, struct loop_thread *self, uint64_t addr, enum user_access access)
{
	sim_ps begin = op_begin(self->m);
	bool ok = user_access(t, addr, access);

	timed(self, OP_FAULT, 0, begin);
	sim_check(self->m->sim, ok, "workload", "access to %#llx is a SIGSEGV",
		  (unsigned long long)addr);
}

struct task *loop_fork(struct task *t, struct loop_thread *self, enum fork_kind kind, task_fn *fn,
		       void *arg)
{
	struct task_attr attr = { .comm = "child",
				  .cpu = kind == FORK_ANYWHERE ? NO_CPU : (int)task_cpu(t),
				  .initial_cpu = NO_CPU,
				  .fn = fn,
				  .arg = arg };
	sim_ps begin = op_begin(self->m);
	struct task *child = kind == CLONE_HERE ? sys_clone_thread(t, &attr) : sys_fork(t, &attr);

	timed(self, kind == CLONE_HERE ? OP_CLONE : OP_FORK, 0, begin);
	return child;
}
