// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One thread maps N pages, writes, protects, unprotects, drops, reads, drops, writes and unmaps
 * them, each step timed: what a machine's kernel step costs add up to. `mmsim calibrate` does the
 * same on the real machine (analysis/calibrate/probe_mm.c), so the steps here and there must agree.
 */
#include <sys/mman.h>

#include "workloads/synthetic/bench.h"

METRIC(desc_step, "workload.step_time", METRIC_HISTOGRAM, "ps", "step",
       "one step of a cycle, warm-up left out");

/* A page that stays keeps the upper tables, which other mappings of a real process would. */
#define KEEPER UINT64_C(0x7f0000000000)
#define AREA   (KEEPER + (UINT64_C(4) << 20))

struct params {
	uint32_t pages;
};

static const struct param params[] = { { .name = "pages",
					 .type = PARAM_U32,
					 .offset = offsetof(struct params, pages),
					 .def = "64",
					 .min = 1,
					 .max = 512,
					 .help = "of the mapping" },
				       PARAM_END };

static void step(const struct bench *b, const char *name, sim_ps begin)
{
	if (b->loops >= b->warm_up)
		hist_add(&metric_get(sim_metrics(b->sim), &desc_step, name)->hist,
			 sim_now(b->sim) - begin);
}

static void map_fixed(struct task *t, uint64_t addr, uint64_t len)
{
	int64_t ret = sys_mmap(t, addr, len, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);

	sim_check(task_sim(t), ret == (int64_t)addr, "workload", "mmap of %#llx failed: %lld",
		  (unsigned long long)addr, (long long)ret);
}

static void cycle(struct task *t, const struct bench *b)
{
	const struct params *p = b->params;
	uint64_t len = p->pages * PAGE_BYTES;
	sim_ps begin = sim_now(b->sim);

	map_fixed(t, AREA, len);
	step(b, "mmap", begin);
	bench_touch(t, AREA, p->pages, USER_WRITE);
	begin = sim_now(b->sim);
	sys_mprotect(t, AREA, len, PROT_READ);
	step(b, "mprotect_ro", begin);
	begin = sim_now(b->sim);
	sys_mprotect(t, AREA, len, PROT_READ | PROT_WRITE);
	step(b, "mprotect_rw", begin);
	begin = sim_now(b->sim);
	sys_madvise(t, AREA, len, MADV_DONTNEED);
	step(b, "zap", begin);
	begin = sim_now(b->sim);
	bench_touch(t, AREA, p->pages, USER_READ);
	step(b, "fault_read", begin);
	sys_madvise(t, AREA, len, MADV_DONTNEED);
	begin = sim_now(b->sim);
	bench_touch(t, AREA, p->pages, USER_WRITE);
	step(b, "fault_write", begin);
	begin = sim_now(b->sim);
	sys_munmap(t, AREA, len);
	step(b, "munmap", begin);
}

static void measured(struct task *t, void *arg)
{
	struct bench *b = arg;

	map_fixed(t, KEEPER, PAGE_BYTES);
	bench_touch(t, KEEPER, 1, USER_WRITE);
	while (bench_goes_on(b)) {
		sim_ps begin = sim_now(b->sim);

		cycle(t, b);
		bench_sample(b, begin);
	}
}

static const struct bench_load mm_cycle = {
	.type = { BENCH_FRAME, .name = "mm_cycle",
		  .summary = "one thread maps, writes, protects, drops, reads and unmaps N pages, "
			     "step by step",
		  .source = "mmsim calibrate (docs/calibrate.md)", .params = params,
		  .params_size = sizeof(struct params) },
	.measured = measured,
	.warm_up = 3,
};
WORKLOAD(mm_cycle.type);
