// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Cache lines: the hand-over between two CPUs that take turns at a compare-and-swap, and what a
 * line costs its own core or the memory.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/calibrate/probe.h"

enum { TURNS = 100, DETAIL_PAIRS = 64 };

struct ping {
	_Alignas(128) _Atomic uint32_t turn; /* odd: the partner's */
	_Alignas(128) _Atomic bool stop;
	unsigned int cpu;
	_Atomic int ready; /* 1 = bound, -1 = may not */
};

static void *answer(void *arg)
{
	struct ping *p = arg;

	if (!clock_bind(p->cpu)) {
		atomic_store(&p->ready, -1);
		return NULL;
	}
	atomic_store(&p->ready, 1);
	for (;;) {
		uint32_t odd = atomic_load_explicit(&p->turn, memory_order_relaxed) | 1;

		if (!atomic_compare_exchange_strong(&p->turn, &odd, odd + 1) &&
		    atomic_load_explicit(&p->stop, memory_order_relaxed))
			return NULL;
	}
}

static void take_turns(struct ping *p, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		uint32_t even;

		do
			even = atomic_load_explicit(&p->turn, memory_order_relaxed) & ~1u;
		while (!atomic_compare_exchange_strong(&p->turn, &even, even + 1));
	}
	while (atomic_load_explicit(&p->turn, memory_order_relaxed) & 1)
		;
}

static void ping_pong(struct calib *c, struct ping *p, const struct cpu_pair *pair)
{
	const char *name = distance_names[pair->distance];
	struct figure *fig = figure_get(&c->figures, "ns", LOW_QUANTILE, "line.%s", name);
	struct figure *one = fig;

	if (c->n_pairs > 1 && c->n_pairs <= DETAIL_PAIRS) {
		one = figure_get(&c->figures, "ns", LOW_QUANTILE, "line.%u-%u", pair->a, pair->b);
		one->detail = true;
	}
	for (size_t i = 0; probe_goes_on(c, i, 5); i++) {
		struct guard g = guard_begin();
		uint64_t begin = clock_ticks(), end;

		take_turns(p, TURNS);
		end = clock_ticks();
		if (!guard_undisturbed(&g)) {
			fig->now.discarded++;
			continue;
		}
		samples_add(&fig->now, clock_ns(&c->clock, begin, end) / (2.0 * TURNS));
		if (one != fig)
			samples_add(&one->now, fig->now.v[fig->now.n - 1]);
	}
}

static bool probe_pair(struct calib *c, const struct cpu_pair *pair, struct err *err)
{
	struct ping *p = aligned_alloc(128, sizeof(*p));
	pthread_t thread;
	int ret, ready;

	if (!p)
		return err_set(err, "out of memory");
	memset(p, 0, sizeof(*p));
	p->cpu = pair->b;
	ret = clock_bind(pair->a) ? pthread_create(&thread, NULL, answer, p) : -1;
	if (ret) {
		free(p);
		return err_set(err, "not allowed to run on CPU %u", pair->a);
	}
	while (!(ready = atomic_load(&p->ready)))
		sched_yield();
	if (ready > 0)
		ping_pong(c, p, pair);
	atomic_store(&p->stop, true);
	pthread_join(thread, NULL);
	free(p);
	return ready > 0 || err_set(err, "not allowed to run on CPU %u", pair->b);
}

static bool run_line(struct calib *c, struct err *err)
{
	double begin = clock_wall_s(), deadline = c->deadline;

	if (!c->n_pairs)
		return err_set(err, "hand-over of cache lines: there is only one CPU");
	for (size_t i = 0; i < c->n_pairs; i++) {
		c->deadline = begin + (deadline - begin) * (double)(i + 1) / (double)c->n_pairs;
		if (!probe_pair(c, &c->pair[i], err))
			return false;
	}
	return true;
}

const struct probe probe_line = { .name = "cache lines", .weight = 1, .run = run_line };
