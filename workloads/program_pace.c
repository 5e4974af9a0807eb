/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How fast the recorded machine was, when. A guest slows down as a whole while its host's clock is
 * lower or the other thread of its core is busy; mmap1-2t does by a quarter, after 80 ms, and its
 * recorder with it. The recorder's own event costs the same always, so what it costs in a window of
 * time, against the windows in which it was cheapest, is the machine's pace there. An operation
 * keeps the pace of its window; how long it took is not looked at.
 */
#include <string.h>

#include "workloads/program_build.h"

static const uint64_t window_ns = 20000000;
static const int64_t warm_ns = 10000; /* after more own work caches are cold */
enum {
	FEW_SAMPLES = 32, /* of a window */
	FEW_WINDOWS = 5,
	MOST_WINDOWS = 1 << 22, /* a day: a longer recording has damaged times */
	QUARTILE = 25,
	FASTEST = 10,            /* the percentile of windows that counts as full speed */
	REACH = 2,               /* windows on each side that must agree */
	SLIGHT = PACE_UNIT / 10, /* CPUs may differ by that much for the recorder alone */
};

/* A call that goes for mmap_lock at once: from its entry to there nothing but the recorder ran, and
 * little code of the call's own. It waits for nobody. */
void pace_sample(struct builder *b, const struct build_task *t)
{
	struct pace_samples *p = &b->pace_samples[t->call];
	uint64_t gap = t->lock_ns - t->call_ns;

	if (t->pending_note.gap_ns > warm_ns || gap > UINT32_MAX)
		return;
	xgrow(p->v, p->n, p->cap);
	p->v[p->n++] = (struct pace_sample){
		.window = (uint32_t)((t->lock_ns - b->start_ns) / window_ns),
		.gap_ns = (uint32_t)gap,
	};
}

/* The lower quartile of each window, 0 = not known; the samples are sorted by time. */
static size_t quartiles(const struct pace_samples *p, uint32_t *window, size_t n)
{
	struct gaps here = { 0 };
	size_t known = 0;

	for (size_t i = 0; i < p->n; i++) {
		uint32_t w = p->v[i].window;

		xgrow(here.v, here.n, here.cap);
		here.v[here.n++] = p->v[i].gap_ns;
		if (i + 1 < p->n && p->v[i + 1].window == w)
			continue;
		if (w < n && here.n >= FEW_SAMPLES) {
			window[w] = (uint32_t)(gaps_percentile(&here, QUARTILE) / SIM_NS);
			known++;
		}
		here.n = 0;
	}
	free(here.v);
	return known;
}

static uint32_t full_speed(const uint32_t *window, size_t n)
{
	struct gaps known = { 0 };
	uint32_t fast;

	for (size_t i = 0; i < n; i++)
		if (window[i]) {
			xgrow(known.v, known.n, known.cap);
			known.v[known.n++] = window[i];
		}
	fast = (uint32_t)(gaps_percentile(&known, FASTEST) / SIM_NS);
	free(known.v);
	return fast;
}

/* The middle one of those around: a single slow window may be the recorder's. */
static uint32_t lasting(const uint32_t *window, size_t n, size_t i)
{
	struct gaps known = { 0 };
	uint32_t middle = 0;

	for (size_t j = i > REACH ? i - REACH : 0; j < n && j <= i + REACH; j++)
		if (window[j]) {
			xgrow(known.v, known.n, known.cap);
			known.v[known.n++] = window[j];
		}
	if (known.n > REACH)
		middle = (uint32_t)(gaps_percentile(&known, 50) / SIM_NS);
	free(known.v);
	return middle;
}

void pace_finish(struct builder *b)
{
	const struct pace_samples *most = b->pace_samples; /* each call has a length of its own */
	size_t n = (size_t)((b->end_ns - b->start_ns) / window_ns) + 1;
	uint32_t *window, fast;

	for (int i = 0; i < SC_SYSCALLS; i++)
		if (b->pace_samples[i].n > most->n)
			most = &b->pace_samples[i];
	if (most->n < (size_t)FEW_WINDOWS * FEW_SAMPLES || n > MOST_WINDOWS)
		return;
	window = xcalloc(n, sizeof(*window));
	if (quartiles(most, window, n) >= FEW_WINDOWS) {
		fast = full_speed(window, n);
		b->pace = xcalloc(n, sizeof(*b->pace));
		b->n_paces = n;
		for (size_t i = 0; i < n; i++) {
			uint64_t at = lasting(window, n, i), slower;

			slower = at > fast ? (at - fast) * PACE_UNIT / fast : 0;
			slower = slower < SLIGHT ? 0 : slower < PACE_UNIT ? slower : PACE_UNIT;
			b->pace[i] = (uint8_t)slower;
		}
	}
	free(window);
}

uint8_t pace_at(const struct builder *b, uint64_t ns)
{
	size_t i = (size_t)((ns - b->start_ns) / window_ns);

	return i < b->n_paces ? b->pace[i] : 0;
}

void pace_free(struct builder *b)
{
	free(b->pace);
	for (int i = 0; i < SC_SYSCALLS; i++)
		free(b->pace_samples[i].v);
}
