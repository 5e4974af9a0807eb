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

LOOP_LOAD(page_fault1, loop, MAP_PRIVATE | MAP_ANONYMOUS, params,
	  "write faults through anonymous memory, then munmap of all",
	  "will-it-scale tests/page_fault1.c");

LOOP_LOAD(page_fault2, loop, MAP_PRIVATE, params,
	  "write faults through a private file mapping: a copy each",
	  "will-it-scale tests/page_fault2.c");

LOOP_LOAD(page_fault3, loop, MAP_SHARED, params,
	  "write faults through a shared file mapping, then munmap of all",
	  "will-it-scale tests/page_fault3.c");
