// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * DONTNEED of N populated pages by the only thread of a process, so that each call flushes N pages
 * on its own CPU: tlb.flush_latency is what the flush costs, tracing included if asked for.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "workloads/synthetic/bench.h"

#define WARM_UP 20

struct params {
	uint32_t pages;
	sim_ps tracing, cold;
};

static const struct param params[] = {
	{ .name = "pages",
	  .type = PARAM_U32,
	  .offset = offsetof(struct params, pages),
	  .def = "1",
	  .min = 1,
	  .max = 1e6,
	  .help = "flushed by one call" },
	{ .name = "tracing",
	  .type = PARAM_PS,
	  .offset = offsetof(struct params, tracing),
	  .def = "0",
	  .max = 1e9,
	  .help = "what each tracepoint costs, the measuring one too" },
	{ .name = "cold",
	  .type = PARAM_PS,
	  .offset = offsetof(struct params, cold),
	  .def = "0",
	  .max = 1e9,
	  .help = "what a flush costs more where other work has evicted its code and data" },
	PARAM_END
};

struct workload {
	struct bench b;
	const struct params *p;
};

static void measured(struct task *t, void *arg)
{
	struct workload *w = arg;
	uint64_t area = bench_map(t, w->p->pages, USER_WRITE);

	while (bench_goes_on(&w->b)) {
		sim_ps begin;

		bench_touch(t, area, w->p->pages, USER_WRITE);
		begin = sim_now(w->b.sim);
		sys_madvise(t, area, w->p->pages * UINT64_C(4096), MADV_DONTNEED);
		bench_sample(&w->b, begin);
	}
}

static struct workload *start(const struct workload_type *type, struct kernel *k, const void *p,
			      const char *file, uint32_t threads, sim_ps duration, struct err *err)
{
	struct workload *w = calloc(1, sizeof(*w));

	(void)type, (void)file, (void)err;
	w->p = p;
	bench_init(&w->b, k, threads, 1, duration, WARM_UP);
	/* One tracepoint lies in the flush: both costs come with it. */
	kernel_set_tracing(k, w->p->tracing + w->p->cold);
	bench_spawn(&w->b, "flusher", 0, measured, w);
	return w;
}

static const struct workload_type flush_cost = {
	.name = "flush_cost",
	.summary = "flushes of N pages on their own CPU, by DONTNEED",
	.source = "Dave Hansen, x86: mm: set TLB flush ceiling, 2014",
	.params = params,
	.params_size = sizeof(struct params),
	.start = start,
	.finish = bench_workload_finish,
	.free = bench_workload_free,
};
WORKLOAD(flush_cost);
