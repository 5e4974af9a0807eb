// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Processes that share memory of shmem use one 2 MiB after the other; when all have its pages
 * mapped, the measured one collapses it: every process' PTE table has to go, as the policy axis
 * retract has it, while they go on using the memory, and a second thread of each maps and unmaps
 * other memory. A loop is one collapse.
 */
#include <sys/mman.h>

#include "sim/rng.h"
#include "workloads/synthetic/bench.h"

#define HUGE_PAGES 512

struct params {
	uint32_t regions, own;
	sim_ps think;
};

#define P(field) offsetof(struct params, field)

static const struct param params[] = {
	{ .name = "regions",
	  .type = PARAM_U32,
	  .offset = P(regions),
	  .def = "64",
	  .min = 1,
	  .max = 1e6,
	  .help = "of 2 MiB; at most so many loops" },
	{ .name = "own",
	  .type = PARAM_U32,
	  .offset = P(own),
	  .def = "16",
	  .max = 1e6,
	  .help = "pages that a process' second thread maps and unmaps; 0: none" },
	{ .name = "think",
	  .type = PARAM_PS,
	  .offset = P(think),
	  .def = "2us",
	  .max = 1e12,
	  .help = "a process' own work between accesses" },
	PARAM_END
};

struct state {
	struct bench b;
	uint64_t area;
	uint32_t at; /* region in use; past the last for a moment */
};

/* The other thread of a process: it holds the mmap_lock now and then. */
static void mapper(struct task *t, void *arg)
{
	struct state *s = arg;
	const struct params *p = s->b.params;
	uint64_t len = p->own * PAGE_BYTES;

	while (!s->b.done) {
		int64_t own = sys_mmap(t, 0, len, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS);

		bench_touch(t, (uint64_t)own, p->own, USER_WRITE);
		sys_munmap(t, (uint64_t)own, len);
		user_compute(t, p->think);
	}
}

static void sharer(struct task *t, void *arg)
{
	struct state *s = arg;
	const struct params *p = s->b.params;
	struct task_attr attr = {
		.comm = "mapper", .cpu = NO_CPU, .initial_cpu = NO_CPU, .fn = mapper, .arg = s
	};
	struct rng rng;

	rng_init(&rng, sim_seed(s->b.sim), "shmem.sharer", task_cpu(t));
	if (p->own)
		sys_clone_thread(t, &attr);
	while (!s->b.done) {
		uint32_t region = s->at < p->regions ? s->at : p->regions - 1;
		uint64_t page = rng_below(&rng, HUGE_PAGES), at = s->area + region * HUGE_BYTES;

		bench_touch(t, at + page * PAGE_BYTES, 1, USER_READ);
		user_compute(t, p->think);
	}
}

static void measured(struct task *t, void *arg)
{
	struct state *s = arg;
	const struct params *p = s->b.params;

	s->area = (uint64_t)sys_mmap(t, 0, p->regions * HUGE_BYTES, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS);
	bench_spread(t, &s->b, "sharer", sys_fork, sharer, s);
	for (; s->at < p->regions && bench_goes_on(&s->b); s->at++) {
		uint64_t region = s->area + s->at * HUGE_BYTES;
		sim_ps begin;

		bench_touch(t, region, HUGE_PAGES, USER_WRITE);
		begin = sim_now(s->b.sim);
		sys_madvise(t, region, HUGE_BYTES, MADV_COLLAPSE);
		bench_sample(&s->b, begin);
		bench_touch(t, region, 1, USER_WRITE);
	}
	s->b.done = true;
}

static const struct bench_load shmem_collapse = {
	.type = { BENCH_FRAME, .name = "shmem_collapse",
		  .summary = "shared memory is collapsed under the processes that use it",
		  .source = "Hugh Dickins, mm: free retracted page table by RCU, 2023",
		  .params = params, .params_size = sizeof(struct params) },
	.measured = measured,
	.warm_up = 1,
	.threads = 4,
	.cpu_each = true,
	.state = sizeof(struct state),
};
WORKLOAD(shmem_collapse.type);
