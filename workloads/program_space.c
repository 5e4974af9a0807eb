/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Follows which addresses of a process are mapped, and guesses what must have been mapped though no
 * recorded call says so: what faulted, and what a successful call named. At the end the guesses
 * become ranges. It works on addresses alone and knows no events.
 */
#include <string.h>
#include <sys/mman.h>

#include "models/kernel/ops.h"
#include "workloads/program_build.h"

/* Index of the first interval that ends after addr. */
static size_t find(const struct spans *s, uint64_t addr)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (s->v[mid].end > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static void replace(struct spans *s, size_t from, size_t to, const struct span *with, size_t n)
{
	size_t tail = s->n - to;

	if (s->n - (to - from) + n > s->cap) {
		s->cap = 2 * (s->n + n);
		s->v = xrealloc(s->v, s->cap * sizeof(*s->v));
	}
	if (tail)
		memmove(s->v + from + n, s->v + to, tail * sizeof(*s->v));
	if (n)
		memcpy(s->v + from, with, n * sizeof(*s->v));
	s->n = from + n + tail;
}

void spans_add(struct spans *s, uint64_t start, uint64_t end)
{
	size_t from = find(s, start), to;
	struct span with = { start, end };

	if (start >= end)
		return;
	if (from && s->v[from - 1].end == start)
		from--;
	for (to = from; to < s->n && s->v[to].start <= end; to++) {
		if (s->v[to].start < with.start)
			with.start = s->v[to].start;
		if (s->v[to].end > with.end)
			with.end = s->v[to].end;
	}
	replace(s, from, to, &with, 1);
}

void spans_remove(struct spans *s, uint64_t start, uint64_t end)
{
	size_t from = find(s, start), to, n = 0;
	struct span with[2];

	for (to = from; start < end && to < s->n && s->v[to].start < end; to++) {
		if (s->v[to].start < start)
			with[n++] = (struct span){ s->v[to].start, start };
		if (s->v[to].end > end)
			with[n++] = (struct span){ end, s->v[to].end };
	}
	if (to > from)
		replace(s, from, to, with, n);
}

bool spans_meet(const struct spans *s, uint64_t start, uint64_t end)
{
	size_t i = find(s, start);

	return i < s->n && s->v[i].start < end;
}

bool spans_gap(const struct spans *s, uint64_t start, uint64_t end, struct span *gap)
{
	size_t i = find(s, start);

	if (i < s->n && s->v[i].start <= start)
		start = s->v[i++].end;
	if (start >= end)
		return false;
	gap->start = start;
	gap->end = i < s->n && s->v[i].start < end ? s->v[i].start : end;
	return true;
}

void spans_copy(struct spans *to, const struct spans *from)
{
	to->n = to->cap = from->n;
	to->v = xmalloc(from->n * sizeof(*to->v));
	if (from->n)
		memcpy(to->v, from->v, from->n * sizeof(*to->v));
}

static uint64_t page_up(uint64_t addr)
{
	return (addr + PAGE - 1) & ~(PAGE - 1);
}

/* [addr, addr + len) in whole pages; false if it is empty or wraps around. */
static bool pages(uint64_t addr, uint64_t len, struct span *out)
{
	out->start = addr & ~(PAGE - 1);
	out->end = page_up(addr + len);
	return len && addr + len >= addr && out->end > out->start;
}

void space_mapped(struct build_space *s, uint64_t addr, uint64_t len)
{
	struct span r;

	if (!pages(addr, len, &r))
		return;
	spans_add(&s->live, r.start, r.end);
	spans_add(&s->ever, r.start, r.end);
	spans_remove(&s->removed, r.start, r.end);
}

void space_chosen(struct build_space *s, uint64_t addr, uint64_t len)
{
	struct span r;

	if (pages(addr, len, &r) && r.end > s->mmap_end)
		s->mmap_end = r.end;
}

void space_unmapped(struct build_space *s, uint64_t addr, uint64_t len)
{
	struct span r;

	if (!pages(addr, len, &r))
		return;
	spans_remove(&s->live, r.start, r.end);
	spans_add(&s->removed, r.start, r.end);
	space_stale(s, r.start, r.end);
}

/* The first call tells where the break was: brk(0) gives it back, and so does a failed one. */
void space_brk(struct build_space *s, uint64_t asked, uint64_t result)
{
	uint64_t old = s->brk;

	s->brk = result;
	if (!s->brk_start) {
		s->brk_start = s->lowest_brk = result;
		return;
	}
	if (asked != result)
		return;
	s->lowest_brk = result < s->lowest_brk ? result : s->lowest_brk;
	space_fresh(s, page_up(old), page_up(result));
	if (page_up(result) > page_up(old))
		space_mapped(s, page_up(old), page_up(result) - page_up(old));
	else
		space_unmapped(s, page_up(result), page_up(old) - page_up(result));
}

static void add_guess(struct build_space *s, struct span r, unsigned int access, bool touched)
{
	xgrow(s->guess, s->n_guesses, s->cap_guesses);
	s->guess[s->n_guesses++] = (struct guess){ r.start, r.end, (uint8_t)(1u << access),
						   touched };
}

void space_meant(struct build_space *s, uint64_t addr, uint64_t len)
{
	struct span r, gap, fresh;

	if (!pages(addr, len, &r))
		return;
	for (; spans_gap(&s->live, r.start, r.end, &gap); r.start = gap.end)
		for (; spans_gap(&s->removed, gap.start, gap.end, &fresh); gap.start = fresh.end)
			add_guess(s, fresh, USER_READ, false);
}

bool space_need(struct build_space *s, uint64_t addr, uint64_t len, unsigned int access,
		bool touched, struct span *late)
{
	struct span r, gap;
	bool is_late = false;

	if (!pages(addr, len, &r))
		return false;
	while (spans_gap(&s->live, r.start, r.end, &gap)) {
		if (spans_meet(&s->removed, gap.start, gap.end)) {
			late->start = is_late ? late->start : gap.start;
			late->end = gap.end;
			is_late = true;
		} else {
			add_guess(s, gap, access, touched);
		}
		spans_remove(&s->removed, gap.start, gap.end);
		spans_add(&s->live, gap.start, gap.end);
	}
	return is_late;
}

/*
 * Above all code: a process that ran before the recording has its code mapped and never faults on
 * it, but its child does. Without this the original's guesses would be joined across it.
 */
void space_inherit(struct build_space *original, const struct build_space *copy)
{
	for (size_t i = 0; i < copy->n_guesses; i++) {
		struct guess g = copy->guess[i];

		if (spans_meet(&original->ever, g.start, g.end))
			continue;
		g.touched = false; /* counted where it was seen */
		xgrow(original->guess, original->n_guesses, original->cap_guesses);
		original->guess[original->n_guesses++] = g;
	}
}

void space_merge(struct build_space *into, const struct build_space *from)
{
	for (size_t i = 0; i < from->live.n; i++)
		spans_add(&into->live, from->live.v[i].start, from->live.v[i].end);
	for (size_t i = 0; i < from->ever.n; i++)
		spans_add(&into->ever, from->ever.v[i].start, from->ever.v[i].end);
	for (size_t i = 0; i < from->n_guesses; i++) {
		if (spans_meet(&into->ever, from->guess[i].start, from->guess[i].end))
			continue;
		xgrow(into->guess, into->n_guesses, into->cap_guesses);
		into->guess[into->n_guesses++] = from->guess[i];
	}
	into->brk_start = into->brk_start ? into->brk_start : from->brk_start;
	into->brk = into->brk ? into->brk : from->brk;
	into->lowest_brk = into->lowest_brk ? into->lowest_brk : from->lowest_brk;
	if (from->mmap_end > into->mmap_end)
		into->mmap_end = from->mmap_end;
}

static int by_start(const void *a, const void *b)
{
	const struct guess *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

enum { EXEC_BIT = 1 << USER_EXEC };
static const uint64_t near_guess = 2 << 20; /* guesses this near are one mapping */
static const uint64_t near_text = 4 << 20;  /* what is this near to code belongs to its file */

/* Joins a range by the next guess if nothing known lies between and both are code or neither is. */
static bool joins(const struct build_space *s, const struct guess *last, const struct guess *next)
{
	if ((last->access & EXEC_BIT) != (next->access & EXEC_BIT))
		return false;
	return next->start <= last->end || (next->start - last->end <= near_guess &&
					    !spans_meet(&s->ever, last->end, next->start));
}

static size_t join(struct build_space *s)
{
	size_t n = 0;

	if (s->n_guesses)
		qsort(s->guess, s->n_guesses, sizeof(*s->guess), by_start);
	for (size_t i = 0; i < s->n_guesses; i++) {
		struct guess *next = &s->guess[i], *last = n ? &s->guess[n - 1] : NULL;

		if (last && joins(s, last, next)) {
			last->end = next->end > last->end ? next->end : last->end;
			last->access |= next->access;
		} else {
			s->guess[n++] = *next;
		}
	}
	return n;
}

static bool near_code(const struct guess *v, size_t n, size_t i)
{
	if (v[i].access & EXEC_BIT)
		return true;
	return (i && v[i - 1].access & EXEC_BIT && v[i].start - v[i - 1].end <= near_text) ||
	       (i + 1 < n && v[i + 1].access & EXEC_BIT && v[i + 1].start - v[i].end <= near_text);
}

/*
 * Only the first fault of a page is a guess, so what else was done there is not known: data of a
 * file gets all rights, and only code is not written to.
 */
void space_infer(struct build_space *s, struct program_space *out)
{
	size_t n;

	*out = (struct program_space){ .pid = s->pid, .mmap_base = s->mmap_end };
	if (!s->copies_brk) {
		out->brk = s->brk_start;
		out->lowest_brk = s->lowest_brk;
	}
	for (size_t i = 0; i < s->n_guesses; i++)
		out->pages += s->guess[i].touched;
	n = join(s);
	out->range = xmalloc(n * sizeof(*out->range));
	out->n_ranges = n;
	for (size_t i = 0; i < n; i++) {
		const struct guess *g = &s->guess[i];
		bool file = near_code(s->guess, n, i);

		out->range[i] = (struct program_range){
			.start = g->start,
			.end = g->end,
			.prot = PROT_READ | (g->access & EXEC_BIT ? 0u : PROT_WRITE) |
				(file ? PROT_EXEC : 0u),
			.flags = MAP_PRIVATE | (file ? 0u : MAP_ANONYMOUS),
		};
		out->bytes += g->end - g->start;
	}
}

void build_space_free(struct build_space *s)
{
	free(s->live.v);
	free(s->ever.v);
	free(s->removed.v);
	free(s->guess);
}
