// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A process applies DONTNEED to its own populated memory, as 4 KiB ranges, `batch` ranges a call. A
 * loop is one pass over all of the memory; populating it again is not part of the loop.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "workloads/synthetic/bench.h"

struct params {
	uint64_t size;
	uint32_t batch;
};

static const struct param params[] = { { .name = "size",
					 .type = PARAM_BYTES,
					 .offset = offsetof(struct params, size),
					 .def = "256MiB",
					 .min = PAGE_BYTES,
					 .multiple = PAGE_BYTES,
					 .max = 1e12,
					 .help = "of the memory" },
				       { .name = "batch",
					 .type = PARAM_U32,
					 .offset = offsetof(struct params, batch),
					 .def = "32",
					 .min = 1,
					 .max = 1024,
					 .help = "ranges in a call (at most UIO_MAXIOV)" },
				       PARAM_END };

static void advise_all(struct task *t, const struct params *p, uint64_t area,
		       struct user_range *range)
{
	uint64_t at = 0;

	while (at < p->size) {
		size_t n = 0;

		for (; n < p->batch && at < p->size; at += PAGE_BYTES)
			range[n++] = (struct user_range){ area + at, PAGE_BYTES };
		sim_check(task_sim(t), sys_process_madvise(t, range, n, MADV_DONTNEED) > 0,
			  "workload", "process_madvise failed");
	}
}

static void measured(struct task *t, void *arg)
{
	struct bench *b = arg;
	const struct params *p = b->params;
	struct user_range *range = calloc(p->batch, sizeof(*range));
	uint64_t area = bench_map(t, p->size / PAGE_BYTES, USER_WRITE);

	while (bench_goes_on(b)) {
		sim_ps begin;

		if (b->loops)
			bench_touch(t, area, p->size / PAGE_BYTES, USER_WRITE);
		begin = sim_now(b->sim);
		advise_all(t, p, area, range);
		bench_sample(b, begin);
	}
	free(range);
}

static const struct bench_load process_madvise = {
	.type = { BENCH_FRAME, .name = "process_madvise",
		  .summary = "process_madvise(DONTNEED) of populated memory in 4 KiB ranges",
		  .source =
			  "SeongJae Park, batch tlb flushes for MADV_DONTNEED and MADV_FREE, 2025",
		  .params = params, .params_size = sizeof(struct params) },
	.measured = measured,
};
WORKLOAD(process_madvise.type);
