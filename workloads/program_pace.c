/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How fast each CPU of the recorded machine was, when. A guest's CPU slows down while its host's
 * clock is lower or the other thread of its core is busy: mmap1-2t's by a quarter, now one, now
 * both, after 80 ms; node-gc's first by a fifth throughout; their recorders with them. The
 * recorder's own event costs the same always, so what it costs on a CPU in a window of time,
 * against the windows in which it was cheapest, is the CPU's pace there. An operation keeps the
 * pace of its window; how long it took is not looked at.
 *
 * Two gaps between events are mostly the recorder's: from a call's entry to the start of its lock,
 * where caches are cold after own work, and from there to the lock's being taken, where others may
 * have its line. The lesser slowness of both counts.
 */
#include <string.h>

#include "workloads/program_build.h"

static const uint64_t least_window_ns = 10000000;
static const int64_t warm_ns = 10000; /* after more own work caches are cold */
enum {
	FEW_SAMPLES = 16, /* of a window; of a kind, ten times as many */
	FEW_WINDOWS = 5,
	MOST_WINDOWS = 1 << 16, /* longer recordings have longer ones */
	FASTEST = 10,           /* the percentile that is the recorder alone, and full speed */
	REACH = 2,              /* windows on each side that speak for one without samples */
	ONE = 1024,             /* full speed */
	LITTLE_CODE = ONE / 12, /* calls that take more than the shortest have code of their own */
	SLIGHT = PACE_UNIT / 20 /* recorders differ by that much */
};

static void add_sample(struct builder *b, const struct trace_event *e, uint64_t gap, uint8_t kind)
{
	struct pace_samples *p = &b->pace_samples;

	if (!gap || gap > UINT32_MAX / ONE || e->cpu >= TRACE_CPUS_MAX)
		return;
	xgrow(p->v, p->n, p->cap);
	p->v[p->n++] = (struct pace_sample){
		.at_ns = e->time_ns - b->start_ns,
		.gap_ns = (uint32_t)gap,
		.cpu = e->cpu,
		.kind = kind,
	};
}

/* A call that goes for mmap_lock at once: it waits for nobody. */
void pace_of_call(struct builder *b, const struct build_task *t, const struct trace_event *e)
{
	if (t->pending_note.gap_ns <= warm_ns)
		add_sample(b, e, e->time_ns - t->call_ns, (uint8_t)t->call);
}

/* A lock that nobody else is at. */
void pace_of_lock(struct builder *b, const struct build_task *t, const struct trace_event *e)
{
	add_sample(b, e, e->time_ns - t->lock_ns, PACE_LOCK);
}

/* What the recorder takes at full speed in gaps of this kind; 0: not known. */
static uint32_t shortest(const struct pace_samples *p, uint8_t kind)
{
	struct gaps gaps = { 0 };
	uint32_t ns = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].kind == kind)
			gaps_add(&gaps, p->v[i].gap_ns);
	if (gaps.n >= 10 * FEW_SAMPLES)
		ns = (uint32_t)(gaps_percentile(&gaps, FASTEST) / SIM_NS);
	free(gaps.v);
	return ns;
}

/* Leaves locks, and the calls with no code of their own; their gaps in 1/ONE of the shortest. */
static void keep_bare(struct pace_samples *p)
{
	uint32_t of[PACE_LOCK + 1], least = UINT32_MAX;
	size_t n = 0;

	for (uint8_t kind = 0; kind <= PACE_LOCK; kind++) {
		of[kind] = shortest(p, kind);
		if (of[kind] && of[kind] < least && kind != PACE_LOCK)
			least = of[kind];
	}
	for (size_t i = 0; i < p->n; i++) {
		struct pace_sample s = p->v[i];

		if (!of[s.kind] ||
		    (s.kind != PACE_LOCK && of[s.kind] > least + least * LITTLE_CODE / ONE))
			continue;
		s.gap_ns = s.gap_ns * ONE / of[s.kind];
		p->v[n++] = s;
	}
	p->n = n;
}

static int by_cpu_and_time(const void *a, const void *b)
{
	const struct pace_sample *x = a, *y = b;

	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	return x->at_ns < y->at_ns ? -1 : x->at_ns > y->at_ns;
}

/* The samples of one CPU and window; 0: too few. */
static uint32_t window_of(const struct pace_sample *v, size_t n)
{
	uint32_t least = 0;

	for (int locks = 0; locks < 2; locks++) {
		struct gaps gaps = { 0 };
		uint32_t at = 0;

		for (size_t i = 0; i < n; i++)
			if ((v[i].kind == PACE_LOCK) == locks)
				gaps_add(&gaps, v[i].gap_ns);
		if (gaps.n >= FEW_SAMPLES)
			at = (uint32_t)(gaps_percentile(&gaps, FASTEST) / SIM_NS);
		if (at && (!least || at < least))
			least = at;
		free(gaps.v);
	}
	return least;
}

/* Fills in the windows of one CPU, and adds them to known if that is not NULL. Returns how many
 * samples are the CPU's. */
static size_t windows_of(const struct builder *b, const struct pace_sample *v, size_t n,
			 uint32_t *window, struct gaps *known)
{
	size_t from = 0, i = 0;

	for (; i < n && v[i].cpu == v->cpu; i++) {
		uint64_t w = v[i].at_ns / b->pace_window_ns;

		if (i + 1 < n && v[i + 1].cpu == v->cpu && v[i + 1].at_ns / b->pace_window_ns == w)
			continue;
		window[w] = window_of(v + from, i + 1 - from);
		if (window[w] && known)
			gaps_add(known, window[w]);
		from = i + 1;
	}
	return i;
}

/* Without samples of its own: the middle one of those around. */
static uint32_t window_near(const uint32_t *window, size_t n, size_t i)
{
	struct gaps known = { 0 };
	uint32_t middle;

	if (window[i])
		return window[i];
	for (size_t j = i > REACH ? i - REACH : 0; j < n && j <= i + REACH; j++)
		if (window[j])
			gaps_add(&known, window[j]);
	middle = (uint32_t)(gaps_percentile(&known, 50) / SIM_NS);
	free(known.v);
	return middle;
}

static void fill_in(struct builder *b, unsigned int cpu, const uint32_t *window, uint32_t fast)
{
	b->pace[cpu] = xcalloc(b->n_paces, sizeof(*b->pace[cpu]));
	for (size_t i = 0; i < b->n_paces; i++) {
		uint32_t at = window_near(window, b->n_paces, i);
		uint64_t slower = at > fast ? (uint64_t)(at - fast) * PACE_UNIT / fast : 0;

		slower = slower < SLIGHT ? 0 : slower < PACE_UNIT ? slower : PACE_UNIT;
		b->pace[cpu][i] = (uint8_t)slower;
	}
}

void pace_finish(struct builder *b)
{
	struct pace_samples *p = &b->pace_samples;
	uint64_t all_ns = b->end_ns - b->start_ns;
	struct gaps known = { 0 };
	uint32_t *window, fast;

	keep_bare(p);
	if (p->n < (size_t)FEW_WINDOWS * FEW_SAMPLES)
		return;
	qsort(p->v, p->n, sizeof(*p->v), by_cpu_and_time);
	b->pace_window_ns = all_ns / MOST_WINDOWS;
	if (b->pace_window_ns < least_window_ns)
		b->pace_window_ns = least_window_ns;
	b->n_paces = (size_t)(all_ns / b->pace_window_ns) + 1;
	window = xcalloc(b->n_paces, sizeof(*window));
	for (size_t i = 0; i < p->n;)
		i += windows_of(b, p->v + i, p->n - i, window, &known);
	fast = (uint32_t)(gaps_percentile(&known, FASTEST) / SIM_NS);
	for (size_t i = 0; i < p->n && known.n >= FEW_WINDOWS;) {
		const struct pace_sample *s = p->v + i;

		memset(window, 0, b->n_paces * sizeof(*window));
		i += windows_of(b, s, p->n - i, window, NULL);
		fill_in(b, s->cpu, window, fast);
	}
	free(known.v);
	free(window);
}

uint8_t pace_at(const struct builder *b, int cpu, uint64_t ns)
{
	size_t i = b->n_paces ? (size_t)((ns - b->start_ns) / b->pace_window_ns) : 0;

	return cpu >= 0 && i < b->n_paces && b->pace[cpu] ? b->pace[cpu][i] : 0;
}

void pace_free(struct builder *b)
{
	for (unsigned int i = 0; i < TRACE_CPUS_MAX; i++)
		free(b->pace[i]);
	free(b->pace_samples.v);
}
