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
					 .min = 4096,
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

struct workload {
	struct bench b;
	const struct params *p;
};

static void advise_all(struct task *t, const struct params *p, uint64_t area,
		       struct user_range *range)
{
	uint64_t at = 0;

	while (at < p->size) {
		size_t n = 0;

		for (; n < p->batch && at < p->size; at += 4096)
			range[n++] = (struct user_range){ area + at, 4096 };
		sim_check(task_sim(t), sys_process_madvise(t, range, n, MADV_DONTNEED) > 0,
			  "workload", "process_madvise failed");
	}
}

static void measured(struct task *t, void *arg)
{
	struct workload *w = arg;
	struct user_range *range = calloc(w->p->batch, sizeof(*range));
	uint64_t area = bench_map(t, w->p->size / 4096, USER_WRITE);

	while (bench_goes_on(&w->b)) {
		sim_ps begin;

		if (w->b.loops)
			bench_touch(t, area, w->p->size / 4096, USER_WRITE);
		begin = sim_now(w->b.sim);
		advise_all(t, w->p, area, range);
		bench_sample(&w->b, begin);
	}
	free(range);
}

static struct workload *start(const struct workload_type *type, struct kernel *k, const void *p,
			      const char *file, uint32_t threads, sim_ps duration, struct err *err)
{
	struct workload *w = calloc(1, sizeof(*w));

	(void)type, (void)file, (void)err;
	w->p = p;
	bench_init(&w->b, k, threads, 1, duration, 0);
	bench_spawn(&w->b, "madviser", 0, measured, w);
	return w;
}

static const struct workload_type process_madvise = {
	.name = "process_madvise",
	.summary = "process_madvise(DONTNEED) of populated memory in 4 KiB ranges",
	.source = "SeongJae Park, batch tlb flushes for MADV_DONTNEED and MADV_FREE, 2025",
	.params = params,
	.params_size = sizeof(struct params),
	.start = start,
	.finish = bench_workload_finish,
	.free = bench_workload_free,
};
WORKLOAD(process_madvise);
