// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * khugepaged against the program whose memory it collapses: threads write all over a heap that
 * wants huge pages, while the measured one punches holes into it and fills them again. khugepaged's
 * pace is that of the policy axis collapse, whose default of 10 s lets a short run see one pass.
 */
#include <sys/mman.h>

#include "sim/rng.h"
#include "workloads/synthetic/bench.h"

struct params {
	uint64_t heap, hole;
	sim_ps think;
};

#define P(field) offsetof(struct params, field)

static const struct param params[] = { { .name = "heap",
					 .type = PARAM_BYTES,
					 .offset = P(heap),
					 .def = "16MiB",
					 .min = HUGE_BYTES,
					 .multiple = PAGE_BYTES,
					 .max = 1e12,
					 .help = "memory that is written to" },
				       { .name = "hole",
					 .type = PARAM_BYTES,
					 .offset = P(hole),
					 .def = "64KiB",
					 .min = PAGE_BYTES,
					 .multiple = PAGE_BYTES,
					 .max = HUGE_BYTES,
					 .help = "dropped and written anew in a loop" },
				       { .name = "think",
					 .type = PARAM_PS,
					 .offset = P(think),
					 .def = "20us",
					 .max = 1e12,
					 .help = "a thread's own work between accesses" },
				       PARAM_END };

struct state {
	struct bench b;
	uint64_t heap;
};

static uint64_t random_page(const struct params *p, struct rng *rng)
{
	return rng_below(rng, p->heap / PAGE_BYTES) * PAGE_BYTES;
}

static void writer(struct task *t, void *arg)
{
	struct state *s = arg;
	const struct params *p = s->b.params;
	struct rng rng;

	rng_init(&rng, sim_seed(s->b.sim), "khugepaged.writer", task_cpu(t));
	while (!s->b.done) {
		user_compute(t, p->think);
		bench_touch(t, s->heap + random_page(p, &rng), 1, USER_WRITE);
	}
}

/* Small pages first; only then is it memory for huge ones. */
static void set_up(struct task *t, struct state *s)
{
	const struct params *p = s->b.params;
	int64_t at = sys_mmap(t, 0, p->heap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	s->heap = (uint64_t)at;
	sys_madvise(t, s->heap, p->heap, MADV_NOHUGEPAGE);
	bench_touch(t, s->heap, p->heap / PAGE_BYTES, USER_WRITE);
	sys_madvise(t, s->heap, p->heap, MADV_HUGEPAGE);
}

static void measured(struct task *t, void *arg)
{
	struct state *s = arg;
	const struct params *p = s->b.params;
	struct rng rng;

	rng_init(&rng, sim_seed(s->b.sim), "khugepaged.holes", 0);
	set_up(t, s);
	bench_spread(t, &s->b, "writer", sys_clone_thread, writer, s);
	while (bench_goes_on(&s->b)) {
		uint64_t hole = rng_below(&rng, p->heap / p->hole) * p->hole;
		sim_ps begin = sim_now(s->b.sim);

		user_compute(t, p->think);
		sys_madvise(t, s->heap + hole, p->hole, MADV_DONTNEED);
		bench_touch(t, s->heap + hole, p->hole / PAGE_BYTES, USER_WRITE);
		bench_sample(&s->b, begin);
	}
}

static const struct bench_load khugepaged = {
	.type = { BENCH_FRAME, .name = "khugepaged",
		  .summary = "holes punched into a heap that khugepaged collapses and threads "
			     "write to",
		  .source = "mm/khugepaged.c; retract and collapse races, linux-mm 2023",
		  .params = params, .params_size = sizeof(struct params) },
	.measured = measured,
	.warm_up = 5,
	.threads = 4,
	.cpu_each = true,
	.state = sizeof(struct state),
};
WORKLOAD(khugepaged.type);
