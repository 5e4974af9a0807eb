// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * KSM against mprotect: ksmd scans and merges memory of few kinds of contents under mmap_lock, page
 * by page, while the measured thread changes its protection and writes some of it anew, which takes
 * merged pages apart again. Other threads of the process read it. Its pace is the axis ksm's.
 */
#include <sys/mman.h>

#include "sim/rng.h"
#include "workloads/synthetic/bench.h"

struct params {
	uint32_t pages, kinds, writes;
	sim_ps think;
};

#define P(field) offsetof(struct params, field)

static const struct param params[] = { { .name = "pages",
					 .type = PARAM_U32,
					 .offset = P(pages),
					 .def = "1024",
					 .min = 1,
					 .max = 1e7,
					 .help = "mergeable memory" },
				       { .name = "kinds",
					 .type = PARAM_U32,
					 .offset = P(kinds),
					 .def = "16",
					 .min = 1,
					 .max = 1e7,
					 .help = "different contents among them" },
				       { .name = "writes",
					 .type = PARAM_U32,
					 .offset = P(writes),
					 .def = "4",
					 .max = 1e6,
					 .help = "pages written anew in a loop" },
				       { .name = "think",
					 .type = PARAM_PS,
					 .offset = P(think),
					 .def = "20us",
					 .max = 1e12,
					 .help = "a thread's own work in a loop" },
				       PARAM_END };

struct state {
	struct bench b;
	uint64_t area;
};

static void fill(struct task *t, const struct state *s, uint32_t page, struct rng *rng)
{
	const struct params *p = s->b.params;

	sim_check(s->b.sim,
		  user_fill(t, s->area + (uint64_t)page * PAGE_BYTES, 1 + rng_below(rng, p->kinds)),
		  "workload", "page %u cannot be written", page);
}

static void reader(struct task *t, void *arg)
{
	struct state *s = arg;
	const struct params *p = s->b.params;
	struct rng rng;

	rng_init(&rng, sim_seed(s->b.sim), "ksm.reader", task_cpu(t));
	while (!s->b.done) {
		user_compute(t, p->think);
		bench_touch(t, s->area + rng_below(&rng, p->pages) * PAGE_BYTES, 1, USER_READ);
	}
}

static void measured(struct task *t, void *arg)
{
	struct state *s = arg;
	const struct params *p = s->b.params;
	uint64_t len = p->pages * PAGE_BYTES;
	struct rng rng;

	rng_init(&rng, sim_seed(s->b.sim), "ksm.contents", 0);
	s->area = (uint64_t)sys_mmap(t, 0, len, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS);
	for (uint32_t i = 0; i < p->pages; i++)
		fill(t, s, i, &rng);
	sys_madvise(t, s->area, len, MADV_MERGEABLE);
	bench_spread(t, &s->b, "reader", sys_clone_thread, reader, s);
	while (bench_goes_on(&s->b)) {
		sim_ps begin = sim_now(s->b.sim);

		user_compute(t, p->think);
		sys_mprotect(t, s->area, len, PROT_READ);
		sys_mprotect(t, s->area, len, PROT_READ | PROT_WRITE);
		for (uint32_t i = 0; i < p->writes; i++)
			fill(t, s, (uint32_t)rng_below(&rng, p->pages), &rng);
		bench_sample(&s->b, begin);
	}
}

static const struct bench_load ksm = {
	.type = { BENCH_FRAME, .name = "ksm",
		  .summary = "mprotect and writes on memory that ksmd merges and threads read",
		  .source = "mm/ksm.c; write_protect_page and replace_page flush under the PTL",
		  .params = params, .params_size = sizeof(struct params) },
	.measured = measured,
	.warm_up = 2,
	.threads = 3,
	.cpu_each = true,
	.state = sizeof(struct state),
};
WORKLOAD(ksm.type);
