/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Faults that the kernel takes when it copies to a process (read() into a fresh buffer): no event
 * tells them, but mmap_lock is taken for reading, outside of any call that is recorded and after
 * the service of the last fault. Where they fell is guessed: the pages of the newest anonymous
 * memory, one after the other, as a buffer is filled.
 */
#include <sys/mman.h>

#include "models/kernel/ops.h"
#include "workloads/program_events.h"

/* ---- memory that is being filled ---- */

void space_fresh(struct build_space *s, uint64_t start, uint64_t end)
{
	if (start >= end)
		return;
	if (s->n_fresh == BUILD_FRESH) /* the oldest goes */
		for (size_t i = 0; i + 1 < s->n_fresh; i++)
			s->fresh[i] = s->fresh[i + 1];
	else
		s->n_fresh++;
	s->fresh[s->n_fresh - 1] = (struct span){ start, end };
}

void space_stale(struct build_space *s, uint64_t start, uint64_t end)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n_fresh; i++) {
		struct span r = s->fresh[i];

		if (start < r.end && end > r.start) {
			if (start > r.start) /* what is left of it first */
				r.end = start;
			else
				r.start = end;
		}
		if (r.start < r.end)
			s->fresh[kept++] = r;
	}
	s->n_fresh = kept;
}

/* The thread touched it: the filling goes on behind. */
void space_touched(struct build_space *s, uint64_t addr)
{
	for (size_t i = 0; i < s->n_fresh; i++)
		if (s->fresh[i].start == (addr & ~(PAGE - 1))) {
			space_stale(s, s->fresh[i].start, s->fresh[i].start + PAGE);
			return;
		}
}

/* The next page; 0: none is known. */
static uint64_t next_page(struct build_space *s)
{
	uint64_t addr;

	if (!s->n_fresh)
		return 0;
	addr = s->fresh[s->n_fresh - 1].start;
	space_stale(s, addr, addr + PAGE);
	return addr;
}

/* ---- the events ---- */

static bool begins(struct builder *b, struct build_task *t, const struct trace_event *e)
{
	struct program_op op = { .kind = PROGRAM_ACCESS,
				 .access = USER_WRITE,
				 .flags = PROGRAM_BY_KERNEL };
	struct build_space *s;
	struct build_note note;

	if (e->arg[1] || t->exiting || t->copying || (t->fault < FAULT_CLASSES && !t->fault_served))
		return t->copying;
	s = builder_space(b, t);
	if (s->mm != e->arg[0])
		return false;
	op.addr = next_page(s);
	if (!op.addr)
		return false;
	note = task_note(t, e->time_ns);
	task_append(t, &op, &note);
	task_mark(t, e->time_ns, 0);
	t->copying = true;
	return true;
}

bool copies_event(struct builder *b, struct build_task *t, const struct trace_event *e)
{
	switch (e->type) {
	case TRACE_LOCK_START:
		return begins(b, t, e);
	case TRACE_LOCK_RELEASED:
		t->fault_served = true;
		if (!t->copying)
			return false;
		task_mark(t, e->time_ns, 1);
		return true;
	default:
		return t->copying;
	}
}
