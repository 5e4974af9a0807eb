// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A process with much memory ends: its threads have filled it, are told to go, and the last one
 * tears it down. A loop is from the word to go to the parent's wait4. Other processes may fault
 * meanwhile, and their op.latency fault tells what the exit costs the machine.
 */
#include <sys/mman.h>

#include "workloads/synthetic/bench.h"

#define NEIGHBOUR_PAGES 256

struct params {
	uint64_t size;
	uint32_t neighbours;
};

static const struct param params[] = {
	{ .name = "size",
	  .type = PARAM_BYTES,
	  .offset = offsetof(struct params, size),
	  .def = "64MiB",
	  .min = PAGE_BYTES,
	  .multiple = PAGE_BYTES,
	  .max = 1e12,
	  .help = "of the process' written memory" },
	{ .name = "neighbours",
	  .type = PARAM_U32,
	  .offset = offsetof(struct params, neighbours),
	  .def = "0",
	  .max = 65536,
	  .help = "other processes, which map, write and unmap 1 MiB over and over" },
	PARAM_END
};

struct workload {
	struct bench b;
	struct task *parent, *leader;
	uint64_t area;
	unsigned int filled; /* threads of the process that have written their part */
	struct filler {
		struct workload *w;
		struct task *task;
		unsigned int index;
	} filler[];
};

/* The i-th part of the memory, by the i-th thread. */
static void fill_part(struct task *t, struct workload *w, unsigned int i)
{
	const struct params *p = w->b.params;
	uint64_t pages = p->size / PAGE_BYTES, from = pages * i / w->b.threads;
	uint64_t to = pages * (i + 1) / w->b.threads;

	bench_touch(t, w->area + from * PAGE_BYTES, to - from, USER_WRITE);
	if (++w->filled == w->b.threads)
		task_wake(t, w->parent);
	task_block(t); /* until it is time to go */
}

static void filler_main(struct task *t, void *arg)
{
	struct filler *f = arg;

	fill_part(t, f->w, f->index);
}

static void leader_main(struct task *t, void *arg)
{
	struct workload *w = arg;
	const struct params *p = w->b.params;

	w->area = bench_mmap(t, p->size / PAGE_BYTES);
	for (unsigned int i = 1; i < w->b.threads; i++) {
		struct filler *f = &w->filler[i];
		struct task_attr attr = { .comm = "filler",
					  .cpu = (int)kernel_nth_core_cpu(w->b.k, 1 + i),
					  .fn = filler_main,
					  .arg = f };

		f->w = w;
		f->index = i;
		f->task = sys_clone_thread(t, &attr);
	}
	fill_part(t, w, 0);
	for (unsigned int i = 1; i < w->b.threads; i++)
		task_wake(t, w->filler[i].task);
	for (unsigned int i = 1; i < w->b.threads; i++)
		sys_wait4(t, w->filler[i].task);
}

static void neighbour(struct task *t, void *arg)
{
	struct bench *b = arg;

	while (!b->done) {
		uint64_t area = bench_mmap(t, NEIGHBOUR_PAGES);

		for (unsigned int i = 0; i < NEIGHBOUR_PAGES && !b->done; i++) {
			sim_ps begin = op_begin(&b->m);

			bench_touch(t, area + i * PAGE_BYTES, 1, USER_WRITE);
			op_end(&b->m, OP_FAULT, 0, begin);
		}
		sys_munmap(t, area, NEIGHBOUR_PAGES * PAGE_BYTES);
	}
}

static void measured(struct task *t, void *arg)
{
	struct workload *w = arg;
	const struct params *p = w->b.params;
	struct task_attr attr = { .comm = "leader",
				  .cpu = (int)kernel_nth_core_cpu(w->b.k, 1),
				  .fn = leader_main,
				  .arg = w };

	w->parent = t;
	for (unsigned int i = 0; i < p->neighbours; i++)
		bench_spawn(&w->b, "neighbour", kernel_nth_core_cpu(w->b.k, 1 + w->b.threads + i),
			    neighbour, &w->b);
	while (bench_goes_on(&w->b)) {
		sim_ps begin;

		w->filled = 0;
		w->leader = sys_fork(t, &attr);
		task_block(t);
		begin = sim_now(w->b.sim);
		task_wake(t, w->leader);
		sys_wait4(t, w->leader);
		bench_sample(&w->b, begin);
	}
}

static size_t state_size(uint32_t threads)
{
	return sizeof(struct workload) + threads * sizeof(struct filler);
}

static const struct bench_load exit_huge = {
	.type = { BENCH_FRAME, .name = "exit_huge",
		  .summary = "the end of a process with much memory and --threads threads",
		  .source = "exit_mmap; situations of mm concurrency", .params = params,
		  .params_size = sizeof(struct params) },
	.measured = measured,
	.min_cpus = 2,
	.cpu_each = true,
	.state_of = state_size,
};
WORKLOAD(exit_huge.type);
