// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One thread loops DONTNEED of one page and touches it; the other threads of the process spin, so
 * that each loop is a shootdown of all of them.
 */
#include <sys/mman.h>

#include "workloads/synthetic/bench.h"

#define SPIN_SLICE (50 * SIM_US)

struct params {
	sim_ps think;
};

static const struct param params[] = { { .name = "think",
					 .type = PARAM_PS,
					 .offset = offsetof(struct params, think),
					 .def = "5ns",
					 .max = 1e12,
					 .help = "the program's own work in a loop" },
				       PARAM_END };

static void spinner(struct task *t, void *arg)
{
	struct bench *b = arg;

	while (!b->done)
		user_compute(t, SPIN_SLICE);
}

static void measured(struct task *t, void *arg)
{
	struct bench *b = arg;
	const struct params *p = b->params;
	uint64_t page = bench_map(t, 1, USER_WRITE);

	bench_spread(t, b, "spinner", sys_clone_thread, spinner, b);
	while (bench_goes_on(b)) {
		sim_ps begin = sim_now(b->sim);

		user_compute(t, p->think);
		sys_madvise(t, page, PAGE_BYTES, MADV_DONTNEED);
		bench_touch(t, page, 1, USER_WRITE);
		bench_sample(b, begin);
	}
}

static const struct bench_load dontneed_spin = {
	.type = { BENCH_FRAME, .name = "dontneed_spin",
		  .summary = "DONTNEED and touch of one page while the process' other threads spin",
		  .source = "Nadav Amit, flush remote and local TLBs concurrently, 2019",
		  .params = params, .params_size = sizeof(struct params) },
	.measured = measured,
	.warm_up = 100,
	.threads = 2,
	.cpu_each = true,
};
WORKLOAD(dontneed_spin.type);
