// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Swapping by hand: a pass reads every page of a mapping, which swaps it in, and gives all of it up
 * by MADV_PAGEOUT, which unmaps it in batches and writes what is dirty. Other threads of the
 * process compute, so that there are other CPUs that may hold its translations.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "workloads/synthetic/bench.h"

#define SPINNER_WORK (50 * SIM_US)

struct params {
	uint64_t size;
	bool dirty;
};

static const struct param params[] = { { .name = "size",
					 .type = PARAM_BYTES,
					 .offset = offsetof(struct params, size),
					 .def = "8MiB",
					 .min = PAGE_BYTES,
					 .multiple = PAGE_BYTES,
					 .max = 1e12,
					 .help = "of the mapping" },
				       { .name = "dirty",
					 .type = PARAM_BOOL,
					 .offset = offsetof(struct params, dirty),
					 .def = "false",
					 .help = "write to each page in each pass, so that it is "
						 "written to swap again" },
				       PARAM_END };

static void spinner(struct task *t, void *arg)
{
	struct bench *b = arg;

	while (!b->done)
		user_compute(t, SPINNER_WORK);
}

static void measured(struct task *t, void *arg)
{
	struct bench *b = arg;
	const struct params *p = b->params;
	uint64_t pages = p->size / PAGE_BYTES, area = bench_map(t, pages, USER_WRITE);

	bench_spread(t, b, "spinner", sys_clone_thread, spinner, b);
	sys_madvise(t, area, p->size, MADV_PAGEOUT);
	while (bench_goes_on(b)) {
		sim_ps begin = sim_now(b->sim);

		bench_touch(t, area, pages, p->dirty ? USER_WRITE : USER_READ);
		sys_madvise(t, area, p->size, MADV_PAGEOUT);
		bench_sample(b, begin);
	}
}

static const struct bench_load swap_batch = {
	.type = { BENCH_FRAME, .name = "swap_batch",
		  .summary = "read a mapping, then MADV_PAGEOUT: swapping in and batched unmapping",
		  .source = "Barry Song and Yicong Yang, arm64: support batched TLB flush, 2023",
		  .params = params, .params_size = sizeof(struct params) },
	.measured = measured,
	.warm_up = 1,
	.cpu_each = true,
};
WORKLOAD(swap_batch.type);
