/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts what passes by. Knows no more of a thread than its number, its name and the call that it
 * is in.
 */
#include "workloads/trace_summary.h"

#include <stdio.h>
#include <string.h>

#include "models/kernel/ops.h"
#include "workloads/trace_mmt.h"
#include "workloads/xalloc.h"

struct thread_state {
	struct trace_thread seen;
	uint64_t call_ns;
	uint8_t call; /* 0 = none */
};

struct counter {
	struct trace_summary *out;
	struct thread_state *thread;
	size_t n, cap;
	uint32_t *slot; /* hash of (pid, tid): thread + 1 */
	size_t mask;
	bool cpu[TRACE_CPUS_MAX];
};

static size_t hash(const struct counter *c, int32_t pid, int32_t tid)
{
	uint64_t h = ((uint64_t)(uint32_t)pid << 32 | (uint32_t)tid) * 0x9e3779b97f4a7c15u;

	return (size_t)(h >> 24) & c->mask;
}

static void grow(struct counter *c)
{
	c->cap = c->cap ? 2 * c->cap : 64;
	c->thread = xrealloc(c->thread, c->cap * sizeof(*c->thread));
	free(c->slot);
	c->mask = 4 * c->cap - 1;
	c->slot = xcalloc(c->mask + 1, sizeof(*c->slot));
	for (uint32_t i = 0; i < c->n; i++) {
		size_t at = hash(c, c->thread[i].seen.pid, c->thread[i].seen.tid);

		while (c->slot[at])
			at = (at + 1) & c->mask;
		c->slot[at] = i + 1;
	}
}

static struct thread_state *thread_of(struct counter *c, const struct trace_event *e)
{
	struct thread_state *t;
	size_t at;

	if (c->n == c->cap)
		grow(c);
	for (at = hash(c, e->pid, e->tid); c->slot[at]; at = (at + 1) & c->mask) {
		t = &c->thread[c->slot[at] - 1];
		if (t->seen.pid == e->pid && t->seen.tid == e->tid)
			return t;
	}
	t = &c->thread[c->n++];
	c->slot[at] = (uint32_t)c->n;
	memset(t, 0, sizeof(*t));
	t->seen.pid = e->pid;
	t->seen.tid = e->tid;
	return t;
}

static void count_call(struct trace_summary *s, struct thread_state *t, const struct trace_event *e)
{
	struct trace_call *call = &s->call[e->nr];

	if (e->type == TRACE_SYS_ENTER) {
		t->call = e->nr;
		t->call_ns = e->time_ns;
		return;
	}
	call->count++;
	call->failed += e->arg[0] >= (uint64_t)-4095;
	if (t->call == e->nr)
		hist_add(&call->latency, e->time_ns - t->call_ns);
	t->call = 0;
	t->seen.calls++;
}

static void count_flush(struct trace_summary *s, const struct trace_event *e)
{
	uint64_t reason = e->arg[1];

	if (reason >= PROGRAM_FLUSH_REASONS)
		return;
	s->flushes[reason]++;
	if (e->arg[0] == UINT64_MAX)
		s->full_flushes[reason]++;
	else
		s->flushed_pages[reason] += e->arg[0];
}

static void count_event(struct counter *c, const struct trace_event *e)
{
	struct trace_summary *s = c->out;
	struct thread_state *t;

	if (!s->stats.events++)
		s->first_ns = e->time_ns;
	s->last_ns = e->time_ns;
	s->by_type[e->type]++;
	if (e->cpu < TRACE_CPUS_MAX && !c->cpu[e->cpu]) {
		c->cpu[e->cpu] = true;
		s->cpus++;
	}
	if (e->type == TRACE_LOST)
		return;
	program_ipis_count(&s->ipis, e);
	t = thread_of(c, e);
	t->seen.events++;
	if (e->comm[0] && strcmp(t->seen.comm, e->comm))
		snprintf(t->seen.comm, sizeof(t->seen.comm), "%s", e->comm);
	if (e->type == TRACE_SYS_ENTER || e->type == TRACE_SYS_EXIT)
		count_call(s, t, e);
	else if (e->type == TRACE_TLB_FLUSH)
		count_flush(s, e);
	else if (e->type == TRACE_PAGE_FAULT) {
		t->seen.faults++;
		s->faults[e->arg[2] & 16 ? USER_EXEC : e->arg[2] & 2 ? USER_WRITE : USER_READ]++;
	}
}

static int by_number(const void *a, const void *b)
{
	const struct trace_thread *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static void take_threads(struct counter *c)
{
	struct trace_summary *s = c->out;

	s->n_threads = c->n;
	s->thread = xmalloc(c->n * sizeof(*s->thread));
	for (size_t i = 0; i < c->n; i++)
		s->thread[i] = c->thread[i].seen;
	if (c->n)
		qsort(s->thread, c->n, sizeof(*s->thread), by_number);
	for (size_t i = 0; i < c->n; i++)
		s->n_processes += !i || s->thread[i].pid != s->thread[i - 1].pid;
}

bool trace_summarise(const char *path, struct trace_summary *out, struct err *err)
{
	struct trace_reader *reader = trace_open(path, err);
	struct counter *c;
	struct trace_event event;
	int got;

	if (!reader)
		return false;
	memset(out, 0, sizeof(*out));
	for (int i = 0; i < SC_SYSCALLS; i++)
		hist_init(&out->call[i].latency);
	out->version = reader->format == &trace_format_mmt ? MMT_VERSION : 0;
	c = xcalloc(1, sizeof(*c));
	c->out = out;
	while ((got = trace_next(reader, &event, err)) == 1)
		count_event(c, &event);
	out->format = reader->format->name; /* only an event shows whose text it is */
	trace_get_stats(reader, &out->stats);
	program_ipis_end(&out->ipis);
	take_threads(c);
	free(c->thread);
	free(c->slot);
	free(c);
	trace_close(reader);
	if (got < 0)
		trace_summary_free(out);
	return got == 0;
}

void trace_summary_free(struct trace_summary *s)
{
	for (int i = 0; i < SC_SYSCALLS; i++)
		hist_free(&s->call[i].latency);
	free(s->thread);
}
