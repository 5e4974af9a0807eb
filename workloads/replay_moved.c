/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mappings of ranges that change hands, and where they stand. Where a thread maps a range that
 * another one had unmapped by then, and that munmap is yet to come in the replay, the kernel finds
 * another place, as it would have; what follows on that mapping goes there, but for what the other
 * thread does until its munmap.
 */
#include "workloads/replay.h"

#include "workloads/xalloc.h"

struct replay_moved {
	uint64_t start, end; /* in the recording */
	uint64_t by;         /* modulo 2^64; 0 = it stands where it did */
	int32_t pid;
	uint32_t owner;       /* task that it is of */
	uint32_t task, after; /* whose address it was, until so many releases */
};

static bool is_early(const struct replay *r, uint32_t task, uint32_t after)
{
	const struct replay_task *t = &r->task[task];

	return after && !t->dropped && !t->done && t->releases < after;
}

/* Which mapping a task means by recorded addresses: its own, else the last one but for who is about
 * to lose them. NULL: what stands there. */
static const struct replay_moved *meant(const struct replay_task *t, uint64_t start, uint64_t end)
{
	const struct replay_moved *best = NULL;
	const struct replay *r = t->r;

	for (size_t i = r->n_moved; i-- > 0;) {
		const struct replay_moved *m = &r->moved[i];

		if (start >= m->end || end <= m->start || m->pid != t->program->pid)
			continue;
		if (m->owner == t->index)
			return m;
		if (!best && (t->index != m->task || !is_early(r, m->task, m->after)))
			best = m;
	}
	return best;
}

uint64_t replay_moved_addr(const struct replay_task *t, uint64_t addr)
{
	const struct replay_moved *m = meant(t, addr, addr + 1);

	return m ? addr + m->by : addr;
}

static bool is_mapped(struct task *task, uint64_t addr, uint64_t len)
{
	uint64_t start, end;

	return mm_find_vma(task, addr, &start, &end) && start < addr + len;
}

/* Is it still that task's? One that is about to let go may have done so. */
bool replay_is_early(struct task *task, const struct replay *r, const struct program_op *op)
{
	uint64_t addr = op->kind == PROGRAM_MREMAP ? op->new_addr : op->addr;
	uint64_t len = op->kind == PROGRAM_MREMAP ? op->new_len : op->len;

	if (!is_early(r, op->other, op->after))
		return false;
	if (!r->task[op->other].releasing || r->task[op->other].releases + 1 < op->after)
		return true;
	return is_mapped(task, addr, len);
}

bool replay_must_move(struct task *task, const struct replay_task *t, const struct program_op *op,
		      uint64_t addr, uint64_t len)
{
	return !t->copy && (replay_is_early(task, t->r, op) || is_mapped(task, addr, len));
}

/* The task's own that a new one covers: MAP_FIXED over them, again and again, leaves but one. */
static void forget_covered(const struct replay_task *t, uint64_t start, uint64_t end)
{
	struct replay *r = t->r;
	size_t kept = 0;

	for (size_t i = 0; i < r->n_moved; i++) {
		const struct replay_moved *m = &r->moved[i];

		if (m->pid != t->program->pid || m->owner != t->index || m->start < start ||
		    m->end > end)
			r->moved[kept++] = *m;
	}
	r->n_moved = kept;
}

void replay_note_moved(const struct replay_task *t, const struct program_op *op, uint64_t addr,
		       uint64_t len, uint64_t to)
{
	struct replay *r = t->r;

	if (!op->after) /* else the one before may still be meant by who is to lose it */
		forget_covered(t, addr, addr + len);
	xgrow(r->moved, r->n_moved, r->cap_moved);
	r->moved[r->n_moved++] = (struct replay_moved){
		.start = addr,
		.end = addr + len,
		.by = to - addr,
		.pid = t->program->pid,
		.owner = t->index,
		.task = op->other,
		.after = op->after,
	};
}

/* What is unmapped from one end stays shorter; a hole in the middle does no harm. */
void replay_released(struct replay_task *t, uint64_t addr, uint64_t len)
{
	struct replay *r = t->r;
	uint64_t end = addr + len, by = 0;
	const struct replay_moved *of;
	uint32_t owner = 0;
	size_t kept = 0;

	if (t->copy) /* has a block of its own, where nothing is moved */
		return;
	of = meant(t, addr, end);
	if (of) {
		by = of->by;
		owner = of->owner;
	}
	for (size_t i = 0; i < r->n_moved; i++) {
		struct replay_moved *m = &r->moved[i];

		if (of && m->owner == owner && m->by == by && m->pid == t->program->pid &&
		    addr < m->end && end > m->start) {
			if (addr <= m->start)
				m->start = end;
			else if (end >= m->end)
				m->end = addr;
		}
		if (m->start < m->end)
			r->moved[kept++] = *m;
	}
	r->n_moved = kept;
	t->releases++;
	t->releasing = false;
}

void replay_moved_exec(struct replay *r, int32_t pid)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n_moved; i++)
		if (r->moved[i].pid != pid)
			r->moved[kept++] = r->moved[i];
	r->n_moved = kept;
}

/* A child's mm is a copy. */
void replay_moved_fork(struct replay *r, int32_t from, int32_t to)
{
	replay_moved_exec(r, to); /* of one that had the number before */
	for (size_t i = 0, n = r->n_moved; i < n; i++) {
		struct replay_moved m = r->moved[i];

		if (m.pid != from)
			continue;
		m.pid = to;
		m.after = 0; /* whatever its threads still do, its own have no such past */
		xgrow(r->moved, r->n_moved, r->cap_moved);
		r->moved[r->n_moved++] = m;
	}
}
