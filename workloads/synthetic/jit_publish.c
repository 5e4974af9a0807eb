// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A just-in-time compiler that keeps to W^X: code is written into fresh pages, which mprotect turns
 * from writable to executable while other threads run what was published before: a shootdown of all
 * of them for each publication. When the code area is full, it is taken back and filled anew. With
 * `dual`, code is written through a second mapping that stays writable, and nothing is protected.
 */
#include <sys/mman.h>

#include "sim/rng.h"
#include "workloads/synthetic/bench.h"

struct params {
	uint64_t area;
	uint32_t pages;
	bool dual;
	sim_ps compile, run;
};

#define P(field) offsetof(struct params, field)

static const struct param params[] = { { .name = "area",
					 .type = PARAM_BYTES,
					 .offset = P(area),
					 .def = "2MiB",
					 .min = PAGE_BYTES,
					 .multiple = PAGE_BYTES,
					 .max = 1e12,
					 .help = "for code" },
				       { .name = "pages",
					 .type = PARAM_U32,
					 .offset = P(pages),
					 .def = "2",
					 .min = 1,
					 .max = 512,
					 .help = "published at a time" },
				       { .name = "dual",
					 .type = PARAM_BOOL,
					 .offset = P(dual),
					 .def = "false",
					 .help = "write through a second, shared mapping" },
				       { .name = "compile",
					 .type = PARAM_PS,
					 .offset = P(compile),
					 .def = "20us",
					 .max = 1e12,
					 .help = "work before a publication" },
				       { .name = "run",
					 .type = PARAM_PS,
					 .offset = P(run),
					 .def = "1us",
					 .max = 1e12,
					 .help = "work of a thread in one page of code" },
				       PARAM_END };

struct state {
	struct bench b;
	uint64_t code, alias; /* alias: where code is written; the same place without `dual` */
	uint64_t published;   /* bytes that may be run */
};

/* Code that is taken back under its feet would be left by a safepoint: the access just fails. */
static void runner(struct task *t, void *arg)
{
	struct state *s = arg;
	const struct params *p = s->b.params;
	struct rng rng;

	rng_init(&rng, sim_seed(s->b.sim), "jit.runner", task_cpu(t));
	while (!s->b.done) {
		uint64_t pages = s->published / PAGE_BYTES;

		if (pages)
			user_access(t, s->code + rng_below(&rng, pages) * PAGE_BYTES, USER_EXEC);
		user_compute(t, p->run);
	}
}

static void map_code(struct task *t, struct state *s)
{
	const struct params *p = s->b.params;

	if (!p->dual) {
		s->code = (uint64_t)sys_mmap(t, 0, p->area, PROT_READ | PROT_WRITE,
					     MAP_PRIVATE | MAP_ANONYMOUS);
		s->alias = s->code;
		return;
	}
	s->code = (uint64_t)sys_mmap(t, 0, p->area, PROT_READ | PROT_EXEC, MAP_SHARED);
	s->alias = (uint64_t)sys_mmap(t, 0, p->area, PROT_READ | PROT_WRITE, MAP_SHARED);
}

static void publish(struct task *t, struct state *s)
{
	const struct params *p = s->b.params;
	uint64_t len = p->pages * PAGE_BYTES;

	if (s->published + len > p->area) {
		s->published = 0;
		if (!p->dual)
			sys_mprotect(t, s->code, p->area, PROT_READ | PROT_WRITE);
	}
	bench_touch(t, s->alias + s->published, p->pages, USER_WRITE);
	if (!p->dual)
		sys_mprotect(t, s->code + s->published, len, PROT_READ | PROT_EXEC);
	s->published += len;
}

static void measured(struct task *t, void *arg)
{
	struct state *s = arg;
	const struct params *p = s->b.params;

	map_code(t, s);
	bench_spread(t, &s->b, "runner", sys_clone_thread, runner, s);
	while (bench_goes_on(&s->b)) {
		sim_ps begin;

		user_compute(t, p->compile);
		begin = sim_now(s->b.sim);
		publish(t, s);
		bench_sample(&s->b, begin);
	}
}

static const struct bench_load jit_publish = {
	.type = { BENCH_FRAME, .name = "jit_publish",
		  .summary = "code is written, made executable and run by other threads: W^X",
		  .source = "V8 and OpenJDK code caches under W^X", .params = params,
		  .params_size = sizeof(struct params) },
	.measured = measured,
	.warm_up = 10,
	.threads = 4,
	.cpu_each = true,
	.state = sizeof(struct state),
};
WORKLOAD(jit_publish.type);
