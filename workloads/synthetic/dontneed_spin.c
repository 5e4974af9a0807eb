// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One thread loops DONTNEED of one page and touches it; the other threads of the process spin, so
 * that each loop is a shootdown of all of them.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "workloads/synthetic/bench.h"

#define WARM_UP    100
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

struct workload {
	struct bench b;
	const struct params *p;
};

static void spinner(struct task *t, void *arg)
{
	struct workload *w = arg;

	while (!w->b.done)
		user_compute(t, SPIN_SLICE);
}

static void measured(struct task *t, void *arg)
{
	struct workload *w = arg;
	uint64_t page = bench_map(t, 1, USER_WRITE);

	for (uint32_t i = 1; i < w->b.threads; i++) {
		struct task_attr attr = { .comm = "spinner",
					  .cpu = (int)kernel_nth_core_cpu(w->b.k, i),
					  .fn = spinner,
					  .arg = w };

		sys_clone_thread(t, &attr);
	}
	while (bench_goes_on(&w->b)) {
		sim_ps begin = sim_now(w->b.sim);

		user_compute(t, w->p->think);
		sys_madvise(t, page, 4096, MADV_DONTNEED);
		bench_touch(t, page, 1, USER_WRITE);
		bench_sample(&w->b, begin);
	}
}

static struct workload *start(const struct workload_type *type, struct kernel *k, const void *p,
			      const char *file, uint32_t threads, sim_ps duration, struct err *err)
{
	struct workload *w;

	(void)type, (void)file;
	if (threads > kernel_nr_cpus(k)) {
		err_set(err, "%u threads: each needs a CPU of its own, there are %u", threads,
			kernel_nr_cpus(k));
		return NULL;
	}
	w = calloc(1, sizeof(*w));
	w->p = p;
	bench_init(&w->b, k, threads, 2, duration, WARM_UP);
	bench_spawn(&w->b, "dontneed", 0, measured, w);
	return w;
}

static const struct workload_type dontneed_spin = {
	.name = "dontneed_spin",
	.summary = "DONTNEED and touch of one page while the process' other threads spin",
	.source = "Nadav Amit, flush remote and local TLBs concurrently, 2019",
	.params = params,
	.params_size = sizeof(struct params),
	.start = start,
	.finish = bench_workload_finish,
	.free = bench_workload_free,
};
WORKLOAD(dontneed_spin);
