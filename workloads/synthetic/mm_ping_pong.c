// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Two processes on one CPU take turns through an eventfd, each touching some pages at its turn. A
 * loop is one turn: what the context switch costs, and the TLB misses that it leaves behind.
 */
#include "workloads/synthetic/bench.h"

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
	struct task *side[2];
	sim_ps turn_begin; /* of either side */
};

static void take_turns(struct task *t, struct workload *w, bool second)
{
	const struct params *p = w->b.params;
	struct task *other = w->side[!second];
	uint64_t n = (uint64_t)p->pages + p->background;
	uint64_t area = bench_map(t, n + 1, USER_READ); /* zero pages: no cache misses */

	if (second)
		sys_event_read(t);
	while (bench_goes_on(&w->b)) {
		if (w->turn_begin)
			bench_sample(&w->b, w->turn_begin);
		w->turn_begin = sim_now(w->b.sim);
		bench_touch(t, area, n, USER_READ);
		user_compute(t, p->pages * p->touch);
		sys_event_write(t, other);
		sys_event_read(t);
	}
	sys_event_write(t, other);
}

static void pong(struct task *t, void *arg)
{
	take_turns(t, arg, true);
}

static void ping(struct task *t, void *arg)
{
	struct workload *w = arg;

	w->side[0] = t;
	w->side[1] = bench_spawn(&w->b, "pong", 0, pong, w);
	take_turns(t, w, false);
}

static const struct bench_load mm_ping_pong = {
	.type = { BENCH_FRAME, .name = "mm_ping_pong",
		  .summary =
			  "two processes on one CPU take turns through an eventfd, touching pages",
		  .source = "Andy Lutomirski, PCID and improved laziness, 2017", .params = params,
		  .params_size = sizeof(struct params) },
	.measured = ping,
	.warm_up = 50,
	.state = sizeof(struct workload),
};
WORKLOAD(mm_ping_pong.type);
