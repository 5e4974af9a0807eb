// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * DONTNEED of one page, touch it, migrate to another CPU: the CPU that was left is lazy and may
 * still hold the translation, so the next DONTNEED asks what laziness costs.
 */
#include <sys/mman.h>

#include "workloads/synthetic/bench.h"

static void measured(struct task *t, void *arg)
{
	struct bench *b = arg;
	uint64_t page = bench_map(t, 1, USER_WRITE);

	while (bench_goes_on(b)) {
		sim_ps begin = sim_now(b->sim);

		sys_madvise(t, page, PAGE_BYTES, MADV_DONTNEED);
		bench_touch(t, page, 1, USER_WRITE);
		sys_sched_setaffinity(t, (int)((task_cpu(t) + 1) % b->threads));
		bench_sample(b, begin);
	}
}

static const struct bench_load dontneed_migrate = {
	.type = { BENCH_FRAME, .name = "dontneed_migrate",
		  .summary =
			  "DONTNEED and touch of one page, then on to the next of --threads CPUs",
		  .source = "Andy Lutomirski, PCID and improved laziness, 2017" },
	.measured = measured,
	.warm_up = 50,
	.threads = 2,
	.min_cpus = 2,
	.cpu_each = true,
};
WORKLOAD(dontneed_migrate.type);
