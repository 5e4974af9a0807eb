// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * DONTNEED of one page, touch it, migrate to another CPU: the CPU that was left is lazy and may
 * still hold the translation, so the next DONTNEED asks what laziness costs.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "workloads/synthetic/bench.h"

#define WARM_UP 50

struct workload {
	struct bench b;
};

static void measured(struct task *t, void *arg)
{
	struct workload *w = arg;
	uint64_t page = bench_map(t, 1, USER_WRITE);

	while (bench_goes_on(&w->b)) {
		sim_ps begin = sim_now(w->b.sim);

		sys_madvise(t, page, 4096, MADV_DONTNEED);
		bench_touch(t, page, 1, USER_WRITE);
		sys_sched_setaffinity(t, (int)((task_cpu(t) + 1) % w->b.threads));
		bench_sample(&w->b, begin);
	}
}

static struct workload *start(const struct workload_type *type, struct kernel *k, const void *p,
			      const char *file, uint32_t threads, sim_ps duration, struct err *err)
{
	struct workload *w;

	(void)type, (void)file, (void)p;
	if (threads > kernel_nr_cpus(k) || kernel_nr_cpus(k) < 2) {
		err_set(err, "migration among %u CPUs: there are %u", threads ? threads : 2,
			kernel_nr_cpus(k));
		return NULL;
	}
	w = calloc(1, sizeof(*w));
	bench_init(&w->b, k, threads, 2, duration, WARM_UP);
	bench_spawn(&w->b, "migrant", 0, measured, w);
	return w;
}

static const struct workload_type dontneed_migrate = {
	.name = "dontneed_migrate",
	.summary = "DONTNEED and touch of one page, then on to the next of --threads CPUs",
	.source = "Andy Lutomirski, PCID and improved laziness, 2017",
	.start = start,
	.finish = bench_workload_finish,
	.free = bench_workload_free,
};
WORKLOAD(dontneed_migrate);
