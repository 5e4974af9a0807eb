// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * will-it-scale tlb_flush1, 2 and 3: page by page through a mapping, a write fault,
 * madvise(DONTNEED) of that page and a read fault; a new mapping after each pass. They differ in
 * what is mapped: a private file, anonymous memory, a shared file.
 */
#include <sys/mman.h>

#include "workloads/synthetic/threads.h"

static void loop(struct task *t, struct loop_thread *self)
{
	const struct loop_params *p = self->params;
	uint64_t skip = (uint64_t)(self->phase * (double)(p->size / PAGE_BYTES)) * PAGE_BYTES;

	for (; !loop_done(self); skip = 0) {
		uint64_t area = loop_mmap(t, self, p->size, self->arg);

		for (uint64_t at = area + skip; at < area + p->size && !loop_done(self);
		     at += PAGE_BYTES) {
			user_compute(t, p->think);
			loop_fault(t, self, at, USER_WRITE);
			loop_madvise(t, self, at, PAGE_BYTES, MADV_DONTNEED);
			loop_fault(t, self, at, USER_READ);
			loop_count(self, 1);
		}
		loop_munmap(t, self, area, p->size);
	}
}

static const struct param file_params[] = { LOOP_SIZE("128MiB"), LOOP_THINK, LOOP_PROCESSES,
					    PARAM_END };
static const struct param anon_params[] = { LOOP_SIZE("1MiB"), LOOP_THINK, LOOP_PROCESSES,
					    PARAM_END };

LOOP_LOAD(tlb_flush1, loop, MAP_PRIVATE, file_params,
	  "write, DONTNEED and read of a page of a private file mapping",
	  "will-it-scale tests/tlb_flush1.c");

LOOP_LOAD(tlb_flush2, loop, MAP_PRIVATE | MAP_ANONYMOUS, anon_params,
	  "write fault, DONTNEED and read fault of one page: a shootdown a loop",
	  "will-it-scale tests/tlb_flush2.c");

LOOP_LOAD(tlb_flush3, loop, MAP_SHARED, file_params,
	  "write, DONTNEED and read of a page of a shared file mapping",
	  "will-it-scale tests/tlb_flush3.c");
