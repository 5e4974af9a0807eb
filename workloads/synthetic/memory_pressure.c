// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * memory_pressure: each task uses pages of its mapping at random, and now and then gives one page
 * back by DONTNEED. With less memory (machine.memory.size) than all mappings together, kswapd and
 * direct reclaim unmap in batches while the tasks' own flushes go on in the same mm.
 */
#include <sys/mman.h>

#include "workloads/synthetic/threads.h"

#define READS_PER_WRITE 2

struct params {
	struct loop_params loop;
	uint32_t dontneed_every;
};

static void loop(struct task *t, struct loop_thread *self)
{
	const struct params *p = self->params;
	uint64_t pages = p->loop.size / PAGE_BYTES;
	uint64_t area = loop_mmap(t, self, p->loop.size, MAP_PRIVATE | MAP_ANONYMOUS);
	struct rng rng;

	rng_init(&rng, sim_seed(task_sim(t)), "memory_pressure", self->index);
	for (uint64_t n = 1; !loop_done(self); n++) {
		uint64_t at = area + rng_below(&rng, pages) * PAGE_BYTES;

		user_compute(t, p->loop.think);
		loop_fault(t, self, at,
			   rng_below(&rng, READS_PER_WRITE + 1) ? USER_READ : USER_WRITE);
		if (p->dontneed_every && n % p->dontneed_every == 0)
			loop_madvise(t, self, at, PAGE_BYTES, MADV_DONTNEED);
		loop_count(self, 1);
	}
	loop_munmap(t, self, area, p->loop.size);
}

static const struct param params[] = {
	LOOP_SIZE("8MiB"),
	LOOP_THINK,
	LOOP_PROCESSES,
	{ .name = "dontneed_every",
	  .type = PARAM_U32,
	  .offset = offsetof(struct params, dontneed_every),
	  .def = "16",
	  .max = 1e9,
	  .help = "accesses from one DONTNEED to the next; 0: none" },
	PARAM_END
};

static const struct loop_load memory_pressure = {
	.type = { LOOP_FRAME, .name = "memory_pressure",
		  .summary = "random accesses to more than machine.memory.size, and DONTNEED",
		  .source = "Nadav Amit, TLB batching consolidation, 2021: reclaim beside gathers",
		  .params = params, .params_size = sizeof(struct params) },
	.loop = loop,
};
WORKLOAD(memory_pressure.type);
