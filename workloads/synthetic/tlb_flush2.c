// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * will-it-scale tlb_flush2: a private anonymous mapping, page by page: write fault,
 * madvise(DONTNEED) of that page, read fault of the zero page; a new mapping after each pass.
 */
#include <sys/mman.h>

#include "workloads/synthetic/threads.h"

struct params {
	uint64_t size;
	sim_ps think;
};

static const struct param params[] = { { .name = "size",
					 .type = PARAM_BYTES,
					 .offset = offsetof(struct params, size),
					 .def = "1MiB",
					 .min = 4096,
					 .max = 1e12,
					 .help = "of the mapping, per thread" },
				       { .name = "think",
					 .type = PARAM_PS,
					 .offset = offsetof(struct params, think),
					 .def = "10ns",
					 .max = 1e12,
					 .help = "the program's own work in a loop" },
				       PARAM_END };

static void loop(struct task *t, struct loop_thread *self)
{
	const struct params *p = self->params;

	while (!loop_done(self)) {
		uint64_t area = loop_mmap(t, self, p->size, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS);

		for (uint64_t at = area; at < area + p->size && !loop_done(self); at += 4096) {
			user_compute(t, p->think);
			loop_fault(t, self, at, USER_WRITE);
			loop_madvise(t, self, at, 4096, MADV_DONTNEED);
			loop_fault(t, self, at, USER_READ);
			loop_count(self);
		}
		loop_munmap(t, self, area, p->size);
	}
}

static struct workload *start(const struct workload_type *type, struct kernel *k, const void *p,
			      const char *file, uint32_t threads, sim_ps duration, struct err *err)
{
	(void)type, (void)file;
	return threads_start(k, loop, p, threads, duration, err);
}

static const struct workload_type tlb_flush2 = {
	.name = "tlb_flush2",
	.summary = "write fault, DONTNEED and read fault of one page: a shootdown a loop",
	.source = "will-it-scale tests/tlb_flush2.c",
	.params = params,
	.params_size = sizeof(struct params),
	.start = start,
	.finish = threads_finish,
	.free = threads_free,
};
WORKLOAD(tlb_flush2);
