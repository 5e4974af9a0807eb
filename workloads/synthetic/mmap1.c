// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * will-it-scale mmap1: mmap and munmap of an anonymous area that is never touched.
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
					 .def = "128MiB",
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
		uint64_t area;

		user_compute(t, p->think);
		area = loop_mmap(t, self, p->size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS);
		loop_munmap(t, self, area, p->size);
		loop_count(self);
	}
}

static struct workload *start(const struct workload_type *type, struct kernel *k, const void *p,
			      const char *file, uint32_t threads, sim_ps duration, struct err *err)
{
	(void)type, (void)file;
	return threads_start(k, loop, p, threads, duration, err);
}

static const struct workload_type mmap1 = {
	.name = "mmap1",
	.summary = "mmap and munmap of an untouched area: mmap_lock for writing",
	.source = "will-it-scale tests/mmap1.c",
	.params = params,
	.params_size = sizeof(struct params),
	.start = start,
	.finish = threads_finish,
	.free = threads_free,
};
WORKLOAD(mmap1);
