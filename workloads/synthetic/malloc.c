// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * will-it-scale malloc1 and malloc2: malloc and free by glibc. A large block is a mapping of its
 * own, whose first page is written for the header; a small one comes from the thread's cache and
 * makes no system call.
 */
#include <sys/mman.h>

#include "workloads/synthetic/threads.h"

#define SMALL_AT_ONCE 100 /* loops of malloc2 in one piece of work */

static void large(struct task *t, struct loop_thread *self)
{
	const struct loop_params *p = self->params;
	uint64_t len = p->size + PAGE_BYTES; /* the header, rounded up to a page */

	while (!loop_done(self)) {
		uint64_t area;

		user_compute(t, p->think);
		area = loop_mmap(t, self, len, MAP_PRIVATE | MAP_ANONYMOUS);
		loop_fault(t, self, area, USER_WRITE);
		loop_munmap(t, self, area, len);
		loop_count(self, 1);
	}
}

static void small(struct task *t, struct loop_thread *self)
{
	const struct loop_params *p = self->params;

	while (!loop_done(self)) {
		user_compute(t, SMALL_AT_ONCE * p->think);
		loop_count(self, SMALL_AT_ONCE);
	}
}

static const struct param large_params[] = { LOOP_SIZE("128MiB"), LOOP_THINK, LOOP_PROCESSES,
					     PARAM_END };
static const struct param small_params[] = {
	{ .name = "think",
	  .type = PARAM_PS,
	  .offset = offsetof(struct loop_params, think),
	  .def = "15ns",
	  .min = 1,
	  .max = 1e12,
	  .help = "malloc and free from the thread's cache (estimate)" },
	LOOP_PROCESSES,
	PARAM_END
};

LOOP_LOAD(malloc1, large, 0, large_params,
	  "malloc and free of 128 MiB: mmap, one write fault, munmap",
	  "will-it-scale tests/malloc1.c");

LOOP_LOAD(malloc2, small, 0, small_params,
	  "malloc and free of 1 KiB: no system call, the machine's own scaling",
	  "will-it-scale tests/malloc2.c");
