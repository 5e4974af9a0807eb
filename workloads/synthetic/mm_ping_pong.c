// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Two processes on one CPU take turns through an eventfd, each touching some pages at its turn. A
 * loop is one turn: what the context switch costs, and the TLB misses that it leaves behind.
 */
#include <stdlib.h>

#include "workloads/synthetic/bench.h"

#define WARM_UP 50

struct params {
	uint32_t pages, background;
	sim_ps touch;
};

static const struct param params[] = {
	{ .name = "pages",
	  .type = PARAM_U32,
	  .offset = offsetof(struct params, pages),
	  .def = "0",
	  .max = 1e6,
	  .help = "pages that a turn reads" },
	{ .name = "background",
	  .type = PARAM_U32,
	  .offset = offsetof(struct params, background),
	  .def = "8",
	  .max = 1e6,
	  .help = "pages of stack, code and data that any turn needs (estimate)" },
	{ .name = "touch",
	  .type = PARAM_PS,
	  .offset = offsetof(struct params, touch),
	  .def = "400ps",
	  .max = 1e12,
	  .help = "reading one page beside its translation" },
	PARAM_END
};

struct workload {
	struct bench b;
	const struct params *p;
	struct side {
		struct workload *w;
		struct task *task, *other;
	} side[2];
	sim_ps turn_begin; /* of either side */
};

static void take_turns(struct task *t, void *arg)
{
	struct side *self = arg;
	struct workload *w = self->w;
	uint64_t n = (uint64_t)w->p->pages + w->p->background;
	uint64_t area = bench_map(t, n + 1, USER_READ); /* zero pages: no cache misses */

	if (self == &w->side[1])
		sys_event_read(t);
	while (bench_goes_on(&w->b)) {
		if (w->turn_begin)
			bench_sample(&w->b, w->turn_begin);
		w->turn_begin = sim_now(w->b.sim);
		bench_touch(t, area, n, USER_READ);
		user_compute(t, w->p->pages * w->p->touch);
		sys_event_write(t, self->other);
		sys_event_read(t);
	}
	sys_event_write(t, self->other);
}

static struct workload *start(const struct workload_type *type, struct kernel *k, const void *p,
			      const char *file, uint32_t threads, sim_ps duration, struct err *err)
{
	struct workload *w = calloc(1, sizeof(*w));

	(void)type, (void)file, (void)err;
	w->p = p;
	bench_init(&w->b, k, threads, 1, duration, WARM_UP);
	for (unsigned int i = 0; i < 2; i++) {
		w->side[i].w = w;
		w->side[i].task = bench_spawn(&w->b, i ? "pong" : "ping", 0, take_turns,
					      &w->side[i]);
	}
	w->side[0].other = w->side[1].task;
	w->side[1].other = w->side[0].task;
	return w;
}

static const struct workload_type mm_ping_pong = {
	.name = "mm_ping_pong",
	.summary = "two processes on one CPU take turns through an eventfd, touching pages",
	.source = "Andy Lutomirski, PCID and improved laziness, 2017",
	.params = params,
	.params_size = sizeof(struct params),
	.start = start,
	.finish = bench_workload_finish,
	.free = bench_workload_free,
};
WORKLOAD(mm_ping_pong);
