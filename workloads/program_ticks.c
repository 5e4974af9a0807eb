/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When the recorded kernel's clock ticked: its timers end at ticks, and the thread of RCU's grace
 * periods sleeps by such a timer. What else goes by ticks (time slices, waiters of a semaphore that
 * lose patience) meets what those timers wake, in the recording and so in the replay.
 */
#include <stdlib.h>
#include <string.h>

#include "workloads/program_build.h"
#include "workloads/xalloc.h"

enum {
	FEW_WAKES = 8,     /* tell nothing */
	ON_TICKS = 80,     /* % of the wake-ups, or there is no such clock */
	WINDOW_SHARE = 20, /* of a period: where wake-ups of one tick are */
};
static const uint64_t all_periods_ns = 20000000; /* a multiple of each */

/* CONFIG_HZ, slowest first: a kernel that ticks 250 times a second does so 1,000 times, too. */
static const unsigned int rates[] = { 100, 250, 300, 1000 };

void ticks_note(struct builder *b, const struct trace_event *e)
{
	if (!e->text || (strcmp(e->text, "rcu_preempt") != 0 && strcmp(e->text, "rcu_sched") != 0))
		return;
	gaps_add(&b->tick_wakes, (e->time_ns - b->start_ns) % all_periods_ns);
}

/* Of n sorted phases the window that holds most: how many, and where the first of them is. */
static size_t fullest_window(const sim_ps *v, size_t n, sim_ps period, size_t *first)
{
	size_t most = 0;

	for (size_t i = 0, j = 0; i < n; i++) {
		while (j < i + n && v[j % n] + j / n * period < v[i] + period / WINDOW_SHARE)
			j++;
		if (j - i > most) {
			most = j - i;
			*first = i;
		}
	}
	return most;
}

static bool try_period(struct program *p, const struct gaps *g, sim_ps period)
{
	sim_ps *v = xmalloc(g->n * sizeof(*v));
	size_t best = 0, most;
	bool ok;

	for (size_t i = 0; i < g->n; i++)
		v[i] = g->v[i] * SIM_NS % period;
	qsort(v, g->n, sizeof(*v), by_ps);
	most = fullest_window(v, g->n, period, &best);
	ok = most * 100 >= g->n * ON_TICKS;
	if (ok) {
		p->tick_period = period;
		/* a few stray ones may lie before */
		p->tick_phase = v[(best + most / 10) % g->n];
	}
	free(v);
	return ok;
}

void ticks_find(struct builder *b)
{
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		if (b->tick_wakes.n >= FEW_WAKES &&
		    try_period(b->p, &b->tick_wakes, SIM_S / rates[i]))
			return;
}

bool ticks_at(const struct builder *b, uint64_t ns)
{
	const struct program *p = b->p;
	sim_ps window = p->tick_period / WINDOW_SHARE;
	sim_ps at = (ns - b->start_ns) * SIM_NS;

	/* as much before the phase as its strays */
	return p->tick_period &&
	       (at + p->tick_period + window / 4 - p->tick_phase) % p->tick_period < window;
}
