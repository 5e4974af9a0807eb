// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * numa_rebind: a task uses all pages of a mapping again and again, and is bound to the other half
 * of the machine after so many passes. With numa-balancing: scan, its pages follow it: hint faults,
 * and migrations one page at a time.
 */
#include <sys/mman.h>

#include "workloads/synthetic/bench.h"

#define WORK_PER_PASS (20 * SIM_US)

struct params {
	uint64_t size;
	uint32_t stay;
};

static const struct param params[] = { { .name = "size",
					 .type = PARAM_BYTES,
					 .offset = offsetof(struct params, size),
					 .def = "1MiB",
					 .min = PAGE_BYTES,
					 .multiple = PAGE_BYTES,
					 .max = 1e12,
					 .help = "of the mapping" },
				       { .name = "stay",
					 .type = PARAM_U32,
					 .offset = offsetof(struct params, stay),
					 .def = "200",
					 .min = 1,
					 .max = 1e9,
					 .help = "passes from one move to the next" },
				       PARAM_END };

static void measured(struct task *t, void *arg)
{
	struct bench *b = arg;
	const struct params *p = b->params;
	uint64_t pages = p->size / PAGE_BYTES, area = bench_map(t, pages, USER_WRITE);
	unsigned int nr_cpus = kernel_nr_cpus(b->k);

	while (bench_goes_on(b)) {
		sim_ps begin;

		if (b->loops % p->stay == p->stay - 1)
			sys_sched_setaffinity(t, (int)((task_cpu(t) + nr_cpus / 2) % nr_cpus));
		begin = sim_now(b->sim);
		bench_touch(t, area, pages, USER_WRITE);
		user_compute(t, WORK_PER_PASS);
		bench_sample(b, begin);
	}
}

static const struct bench_load numa_rebind = {
	.type = { BENCH_FRAME, .name = "numa_rebind",
		  .summary = "uses a mapping, moving to the other half of the machine now and then",
		  .source = "kernel/sched/fair.c: what numa-balancing is for", .params = params,
		  .params_size = sizeof(struct params) },
	.measured = measured,
	.min_cpus = 2,
};
WORKLOAD(numa_rebind.type);
