// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * will-it-scale mmap1 and mmap2: mmap and munmap of an area that is never touched, of anonymous
 * memory and of a private file.
 */
#include <sys/mman.h>

#include "workloads/synthetic/threads.h"

static void loop(struct task *t, struct loop_thread *self)
{
	const struct loop_params *p = self->params;

	while (!loop_done(self)) {
		uint64_t area;

		user_compute(t, p->think);
		area = loop_mmap(t, self, p->size, self->arg);
		loop_munmap(t, self, area, p->size);
		loop_count(self, 1);
	}
}

static const struct param params[] = { LOOP_SIZE("128MiB"), LOOP_THINK, LOOP_PROCESSES, PARAM_END };

LOOP_LOAD(mmap1, loop, MAP_PRIVATE | MAP_ANONYMOUS, params,
	  "mmap and munmap of an untouched area: mmap_lock for writing",
	  "will-it-scale tests/mmap1.c");

LOOP_LOAD(mmap2, loop, MAP_PRIVATE, params, "mmap and munmap of an untouched private file mapping",
	  "will-it-scale tests/mmap2.c");
