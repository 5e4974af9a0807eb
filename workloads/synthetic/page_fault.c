// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * will-it-scale page_fault1, 2 and 3: a mapping, a write to each of its pages, munmap; a loop is
 * one page. Of anonymous memory, of a private file (copy on write) and of a shared file.
 */
#include <sys/mman.h>

#include "workloads/synthetic/threads.h"

static void loop(struct task *t, struct loop_thread *self)
{
	const struct loop_params *p = self->params;

	while (!loop_done(self)) {
		uint64_t area = loop_mmap(t, self, p->size, self->arg);

		for (uint64_t at = area; at < area + p->size && !loop_done(self);
		     at += PAGE_BYTES) {
			user_compute(t, p->think);
			loop_fault(t, self, at, USER_WRITE);
			loop_count(self, 1);
		}
		loop_munmap(t, self, area, p->size);
	}
}

static const struct param params[] = { LOOP_SIZE("128MiB"), LOOP_THINK, LOOP_PROCESSES, PARAM_END };

static const struct loop_load page_fault1 = {
	.type = { LOOP_FRAME, .name = "page_fault1",
		  .summary = "write faults through anonymous memory, then munmap of all",
		  .source = "will-it-scale tests/page_fault1.c", .params = params,
		  .params_size = sizeof(struct loop_params) },
	.loop = loop,
	.arg = MAP_PRIVATE | MAP_ANONYMOUS,
};
WORKLOAD(page_fault1.type);

static const struct loop_load page_fault2 = {
	.type = { LOOP_FRAME, .name = "page_fault2",
		  .summary = "write faults through a private file mapping: a copy each",
		  .source = "will-it-scale tests/page_fault2.c", .params = params,
		  .params_size = sizeof(struct loop_params) },
	.loop = loop,
	.arg = MAP_PRIVATE,
};
WORKLOAD(page_fault2.type);

static const struct loop_load page_fault3 = {
	.type = { LOOP_FRAME, .name = "page_fault3",
		  .summary = "write faults through a shared file mapping, then munmap of all",
		  .source = "will-it-scale tests/page_fault3.c", .params = params,
		  .params_size = sizeof(struct loop_params) },
	.loop = loop,
	.arg = MAP_SHARED,
};
WORKLOAD(page_fault3.type);
