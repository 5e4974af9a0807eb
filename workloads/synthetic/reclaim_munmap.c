// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reclaim against munmap: each task holds memory that it comes back to, and maps, writes and unmaps
 * more of it over and over. On a machine whose memory does not hold it all (machine.memory.size),
 * reclaim takes pages of the same mm meanwhile, and a munmap finds its flushes pending.
 */
#include <sys/mman.h>

#include "workloads/synthetic/threads.h"

struct params {
	struct loop_params loop;
	uint64_t held;
	uint32_t used;
};

static const struct param params[] = {
	LOOP_SIZE("256KiB"),
	{ .name = "held",
	  .type = PARAM_BYTES,
	  .offset = offsetof(struct params, held),
	  .def = "8MiB",
	  .min = PAGE_BYTES,
	  .multiple = PAGE_BYTES,
	  .max = 1e12,
	  .help = "memory that a task keeps" },
	{ .name = "used",
	  .type = PARAM_U32,
	  .offset = offsetof(struct params, used),
	  .def = "16",
	  .max = 1e6,
	  .help = "pages of it that a loop writes to, one after the other" },
	LOOP_THINK,
	LOOP_PROCESSES,
	PARAM_END
};

static void loop(struct task *t, struct loop_thread *self)
{
	const struct params *p = self->params;
	uint64_t held = loop_mmap(t, self, p->held, MAP_PRIVATE | MAP_ANONYMOUS), next = 0;

	while (!loop_done(self)) {
		uint64_t area = loop_mmap(t, self, p->loop.size, MAP_PRIVATE | MAP_ANONYMOUS);

		user_compute(t, p->loop.think);
		for (uint64_t at = area; at < area + p->loop.size; at += PAGE_BYTES)
			loop_fault(t, self, at, USER_WRITE);
		for (uint32_t i = 0; i < p->used; i++) {
			loop_fault(t, self, held + next, USER_WRITE);
			next = (next + PAGE_BYTES) % p->held;
		}
		loop_munmap(t, self, area, p->loop.size);
		loop_count(self, 1);
	}
	loop_munmap(t, self, held, p->held);
}

static const struct loop_load reclaim_munmap = {
	.type = { LOOP_FRAME, .name = "reclaim_munmap",
		  .summary = "munmap beside memory in use, more than there is: reclaim's flushes",
		  .source = "situations of mm concurrency", .params = params,
		  .params_size = sizeof(struct params) },
	.loop = loop,
};
WORKLOAD(reclaim_munmap.type);
