// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Memory that comes from elsewhere as it is used: threads touch missing pages of a registered
 * range, handlers fetch and supply them by UFFDIO_COPY. What post-copy migration of a guest does,
 * and snapshots that are restored lazily. A loop is one page of the measured thread.
 */
#include <sys/mman.h>

#include "sim/rng.h"
#include "workloads/synthetic/bench.h"

struct params {
	uint64_t size;
	uint32_t handlers, ahead;
	sim_ps fetch, think;
};

#define P(field) offsetof(struct params, field)

static const struct param params[] = { { .name = "size",
					 .type = PARAM_BYTES,
					 .offset = P(size),
					 .def = "4MiB",
					 .min = PAGE_BYTES,
					 .multiple = PAGE_BYTES,
					 .max = 1e12,
					 .help = "of the range; dropped when all of it has come" },
				       { .name = "handlers",
					 .type = PARAM_U32,
					 .offset = P(handlers),
					 .def = "1",
					 .min = 1,
					 .max = 1024,
					 .help = "threads that supply pages" },
				       { .name = "ahead",
					 .type = PARAM_U32,
					 .offset = P(ahead),
					 .def = "1",
					 .min = 1,
					 .max = 512,
					 .help = "pages supplied for one fault" },
				       { .name = "fetch",
					 .type = PARAM_PS,
					 .offset = P(fetch),
					 .def = "10us",
					 .max = 1e12,
					 .help = "a handler's work for one fault" },
				       { .name = "think",
					 .type = PARAM_PS,
					 .offset = P(think),
					 .def = "2us",
					 .max = 1e12,
					 .help = "a thread's own work for one page" },
				       PARAM_END };

struct state {
	struct bench b;
	struct userfaultfd *u;
	uint64_t area;
};

/* A page at a time, so that one that is there already stops only itself. */
static void handler(struct task *t, void *arg)
{
	struct state *s = arg;
	const struct params *p = s->b.params;
	uint64_t addr;

	while (sys_uffd_read(t, s->u, &addr)) {
		user_compute(t, p->fetch);
		for (uint32_t i = 0; i < p->ahead && addr < s->area + p->size; i++) {
			sys_uffd_copy(t, s->u, addr, PAGE_BYTES);
			addr += PAGE_BYTES;
		}
	}
}

static void toucher(struct task *t, void *arg)
{
	struct state *s = arg;
	const struct params *p = s->b.params;
	struct rng rng;

	rng_init(&rng, sim_seed(s->b.sim), "uffd.toucher", task_cpu(t));
	while (!s->b.done) {
		user_compute(t, p->think);
		bench_touch(t, s->area + rng_below(&rng, p->size / PAGE_BYTES) * PAGE_BYTES, 1,
			    USER_READ);
	}
}

static void spawn(struct task *t, struct state *s, const char *comm, uint32_t i, task_fn *fn)
{
	struct task_attr attr = {
		.comm = comm, .cpu = (int)kernel_nth_core_cpu(s->b.k, i), .fn = fn, .arg = s
	};

	sys_clone_thread(t, &attr);
}

static void measured(struct task *t, void *arg)
{
	struct state *s = arg;
	const struct params *p = s->b.params;
	uint64_t at = 0;

	s->area = (uint64_t)sys_mmap(t, 0, p->size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS);
	s->u = sys_userfaultfd(t);
	sys_uffd_register(t, s->u, s->area, p->size);
	bench_spread(t, &s->b, "toucher", sys_clone_thread, toucher, s);
	for (uint32_t i = 0; i < p->handlers; i++)
		spawn(t, s, "handler", s->b.threads + i, handler);
	while (bench_goes_on(&s->b)) {
		sim_ps begin;

		if (at == p->size) {
			sys_madvise(t, s->area, p->size, MADV_DONTNEED);
			at = 0;
		}
		user_compute(t, p->think);
		begin = sim_now(s->b.sim);
		bench_touch(t, s->area + at, 1, USER_WRITE);
		bench_sample(&s->b, begin);
		at += PAGE_BYTES;
	}
	sys_uffd_close(t, s->u);
}

static const struct bench_load uffd_pager = {
	.type = { BENCH_FRAME, .name = "uffd_pager",
		  .summary = "threads touch missing pages that userfaultfd handlers fetch and copy",
		  .source = "Documentation/admin-guide/mm/userfaultfd.rst, post-copy migration",
		  .params = params, .params_size = sizeof(struct params) },
	.measured = measured,
	.warm_up = 10,
	.threads = 2,
	.min_cpus = 3,
	.state = sizeof(struct state),
};
WORKLOAD(uffd_pager.type);
