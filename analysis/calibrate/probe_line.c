// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Cache lines: the hand-over between two CPUs that take turns at a compare-and-swap, and what a
 * line costs its own core or the memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "analysis/calibrate/probe.h"

enum { TURNS = 100, DETAIL_PAIRS = 64, LINES = 256, LINE_BYTES = 64 };

/* Where a line lies decides which slice of the L3 keeps account of it, and so how far away that is:
 * every repeat takes another line, and the figure is what most lines take. */
#define LINE_QUANTILE 0.3

struct ping {
	char *lines; /* a page for each */
	_Atomic bool stop;
	_Atomic unsigned int line; /* the one in use */
	unsigned int cpu;
	_Atomic int ready; /* 1 = bound, -1 = may not */
};

/* Odd: the partner's turn. */
static _Atomic uint32_t *turn_of(const struct ping *p, unsigned int i)
{
	size_t slot = i * 29 % (PAGE_BYTES / LINE_BYTES);

	return (_Atomic uint32_t *)(void *)(p->lines + i * PAGE_BYTES + slot * LINE_BYTES);
}

static void *answer(void *arg)
{
	struct ping *p = arg;

	if (!clock_bind(p->cpu)) {
		atomic_store(&p->ready, -1);
		return NULL;
	}
	atomic_store(&p->ready, 1);
	for (;;) {
		_Atomic uint32_t *turn = turn_of(p, atomic_load(&p->line));
		uint32_t odd;

		/* Looks for another line only now and then. */
		for (int i = 0; i < TURNS; i++) {
			odd = atomic_load_explicit(turn, memory_order_relaxed) | 1;
			atomic_compare_exchange_strong(turn, &odd, odd + 1);
		}
		if (atomic_load(&p->stop))
			return NULL;
	}
}

static void take_turns(_Atomic uint32_t *turn, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		uint32_t even;

		do
			even = atomic_load_explicit(turn, memory_order_relaxed) & ~1u;
		while (!atomic_compare_exchange_strong(turn, &even, even + 1));
	}
	while (atomic_load_explicit(turn, memory_order_relaxed) & 1)
		;
}

static void ping_pong(struct calib *c, struct ping *p, const struct cpu_pair *pair)
{
	const char *name = distance_names[pair->distance];
	struct figure *fig = figure_get(&c->figures, "ns", LINE_QUANTILE, "line.%s", name);
	struct figure *one = fig;

	if (c->n_pairs > 1 && c->n_pairs <= DETAIL_PAIRS) {
		one = figure_get(&c->figures, "ns", LINE_QUANTILE, "line.%u-%u", pair->a, pair->b);
		one->detail = true;
	}
	for (size_t i = 0; probe_goes_on(c, i, 5); i++) {
		_Atomic uint32_t *turn = turn_of(p, (unsigned int)(i % LINES));
		struct guard g;
		uint64_t begin, end;

		atomic_store(&p->line, (unsigned int)(i % LINES));
		take_turns(turn, 1); /* until the partner has come over */
		g = guard_begin();
		begin = clock_ticks();
		take_turns(turn, TURNS);
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

static bool probe_pair(struct calib *c, const struct cpu_pair *pair, char *lines, struct err *err)
{
	struct ping p = { .lines = lines, .cpu = pair->b };
	pthread_t thread;
	int ready;

	if (!clock_bind(pair->a))
		return err_set(err, "not allowed to run on CPU %u", pair->a);
	if (pthread_create(&thread, NULL, answer, &p))
		return err_set(err, "cannot start a second thread");
	while (!(ready = atomic_load(&p.ready)))
		sched_yield();
	if (ready > 0)
		ping_pong(c, &p, pair);
	atomic_store(&p.stop, true);
	pthread_join(thread, NULL);
	return ready > 0 || err_set(err, "not allowed to run on CPU %u", pair->b);
}

static bool run_line(struct calib *c, struct err *err)
{
	double begin = clock_wall_s(), deadline = c->deadline;
	bool ok = true;
	char *lines;

	if (!c->n_pairs)
		return err_set(err, "hand-over of cache lines: there is only one CPU");
	lines = mmap(NULL, LINES * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	if (lines == MAP_FAILED)
		return err_set(err, "mmap: %s", strerror(errno));
	memset(lines, 0, LINES * PAGE_BYTES);
	for (size_t i = 0; ok && i < c->n_pairs; i++) {
		c->deadline = begin + (deadline - begin) * (double)(i + 1) / (double)c->n_pairs;
		ok = probe_pair(c, &c->pair[i], lines, err);
	}
	munmap(lines, LINES * PAGE_BYTES);
	return ok;
}

const struct probe probe_line = { .name = "cache lines", .weight = 1, .run = run_line };
