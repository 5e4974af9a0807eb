// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * DONTNEED of N populated pages by the only thread of a process, so that each call flushes N pages
 * on its own CPU: tlb.flush_latency is what the flush costs, tracing included if asked for.
 */
#include <sys/mman.h>

#include "workloads/synthetic/bench.h"

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

static void measured(struct task *t, void *arg)
{
	struct bench *b = arg;
	const struct params *p = b->params;
	uint64_t area = bench_map(t, p->pages, USER_WRITE);

	/* One tracepoint lies in the flush: both costs come with it. */
	kernel_set_tracing(b->k, p->tracing + p->cold, 0);
	while (bench_goes_on(b)) {
		sim_ps begin;

		bench_touch(t, area, p->pages, USER_WRITE);
		begin = sim_now(b->sim);
		sys_madvise(t, area, p->pages * PAGE_BYTES, MADV_DONTNEED);
		bench_sample(b, begin);
	}
}

static const struct bench_load flush_cost = {
	.type = { BENCH_FRAME, .name = "flush_cost",
		  .summary = "flushes of N pages on their own CPU, by DONTNEED",
		  .source = "Dave Hansen, x86: mm: set TLB flush ceiling, 2014", .params = params,
		  .params_size = sizeof(struct params) },
	.measured = measured,
	.warm_up = 20,
};
WORKLOAD(flush_cost.type);
