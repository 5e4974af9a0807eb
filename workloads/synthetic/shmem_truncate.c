// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * khugepaged against truncation and faults: processes share memory of shmem and use it at random,
 * khugepaged makes huge pages of it, and the measured process punches holes into it
 * (MADV_REMOVE), which unmaps them from everybody and frees the pages. A loop is one hole.
 */
#include <sys/mman.h>

#include "sim/rng.h"
#include "workloads/synthetic/bench.h"

struct params {
	uint64_t size, hole;
	sim_ps think, pause;
};

#define P(field) offsetof(struct params, field)

static const struct param params[] = { { .name = "size",
					 .type = PARAM_BYTES,
					 .offset = P(size),
					 .def = "8MiB",
					 .min = HUGE_BYTES,
					 .multiple = PAGE_BYTES,
					 .max = 1e12,
					 .help = "of the shared memory" },
				       { .name = "hole",
					 .type = PARAM_BYTES,
					 .offset = P(hole),
					 .def = "2MiB",
					 .min = PAGE_BYTES,
					 .multiple = PAGE_BYTES,
					 .max = 1e12,
					 .help = "punched in a loop, at a multiple of its size" },
				       { .name = "think",
					 .type = PARAM_PS,
					 .offset = P(think),
					 .def = "500ns",
					 .max = 1e12,
					 .help = "a sharer's own work between two accesses" },
				       { .name = "pause",
					 .type = PARAM_PS,
					 .offset = P(pause),
					 .def = "500us",
					 .max = 1e12,
					 .help = "from one hole to the next" },
				       PARAM_END };

struct state {
	struct bench b;
	uint64_t area;
};

static void sharer(struct task *t, void *arg)
{
	struct state *s = arg;
	const struct params *p = s->b.params;
	struct rng rng;

	rng_init(&rng, sim_seed(s->b.sim), "truncate.sharer", task_cpu(t));
	while (!s->b.done) {
		uint64_t page = rng_below(&rng, p->size / PAGE_BYTES);

		bench_touch(t, s->area + page * PAGE_BYTES, 1, USER_WRITE);
		user_compute(t, p->think);
	}
}

static void measured(struct task *t, void *arg)
{
	struct state *s = arg;
	const struct params *p = s->b.params;
	uint64_t holes = p->size > p->hole ? p->size / p->hole : 1;
	struct rng rng;

	rng_init(&rng, sim_seed(s->b.sim), "truncate.holes", 0);
	s->area = (uint64_t)sys_mmap(t, 0, p->size, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS);
	sys_madvise(t, s->area, p->size, MADV_HUGEPAGE);
	bench_spread(t, &s->b, "sharer", sys_fork, sharer, s);
	while (bench_goes_on(&s->b)) {
		uint64_t at = s->area + rng_below(&rng, holes) * p->hole;
		sim_ps begin;

		task_sleep(t, p->pause);
		begin = sim_now(s->b.sim);
		sys_madvise(t, at, p->hole < p->size ? p->hole : p->size, MADV_REMOVE);
		bench_sample(&s->b, begin);
	}
}

static const struct bench_load shmem_truncate = {
	.type = { BENCH_FRAME, .name = "shmem_truncate",
		  .summary = "holes punched into shared memory that khugepaged collapses",
		  .source = "situations of mm concurrency: khugepaged against truncate and faults",
		  .params = params, .params_size = sizeof(struct params) },
	.measured = measured,
	.warm_up = 2,
	.threads = 4,
	.cpu_each = true,
	.state = sizeof(struct state),
};
WORKLOAD(shmem_truncate.type);
