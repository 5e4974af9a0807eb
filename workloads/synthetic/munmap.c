// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * munmap1 and munmap2: an area whose pages have been used is unmapped one page at a time, so that
 * each loop is a munmap with a page to flush and free. munmap1 has written anonymous memory,
 * munmap2 has read a private file. Made in the manner of will-it-scale, which has no such case.
 */
#include <sys/mman.h>

#include "workloads/synthetic/threads.h"

static void loop(struct task *t, struct loop_thread *self)
{
	const struct loop_params *p = self->params;
	enum user_access access = self->arg & MAP_ANONYMOUS ? USER_WRITE : USER_READ;

	while (!loop_done(self)) {
		uint64_t area = loop_mmap(t, self, p->size, self->arg), at;

		for (at = area; at < area + p->size; at += PAGE_BYTES)
			loop_fault(t, self, at, access);
		for (at = area; at < area + p->size && !loop_done(self); at += PAGE_BYTES) {
			user_compute(t, p->think);
			loop_munmap(t, self, at, PAGE_BYTES);
			loop_count(self, 1);
		}
		if (at < area + p->size) /* what is free another may have taken by now */
			loop_munmap(t, self, at, area + p->size - at);
	}
}

static const struct param params[] = { LOOP_SIZE("1MiB"), LOOP_THINK, LOOP_PROCESSES, PARAM_END };

LOOP_LOAD(munmap1, loop, MAP_PRIVATE | MAP_ANONYMOUS, params,
	  "munmap of written anonymous memory, one page a call", "in the manner of will-it-scale");

LOOP_LOAD(munmap2, loop, MAP_PRIVATE, params,
	  "munmap of a private file mapping that was read, one page a call",
	  "in the manner of will-it-scale");
