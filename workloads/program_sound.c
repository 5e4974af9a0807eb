/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who woke whom, and that it cannot hang. Waits and wake-ups are paired while events are read, by
 * time; where clocks disagree, they are paired here by order. Then the program is run without time,
 * and waits that nobody could end become sleeps.
 */
#include <string.h>

#include "workloads/program_build.h"

void builder_pair(struct builder *b, int32_t sleeper, uint32_t wait, int32_t waker, uint32_t wake)
{
	struct build_note *mine = &b->task[sleeper].note[wait];
	struct build_note *its = &b->task[waker].note[wake];

	mine->peer = waker;
	mine->peer_op = wake;
	its->peer = sleeper;
	its->peer_op = wait;
}

bool builder_paired(const struct builder *b, const int32_t *keep, int32_t task, uint32_t op)
{
	const struct build_note *mine = &b->task[task].note[op], *its;
	const struct build_task *peer;

	if (mine->peer == NO_TASK || keep[mine->peer] < 0)
		return false;
	peer = &b->task[mine->peer];
	if (mine->peer_op >= peer->n_ops)
		return false;
	its = &peer->note[mine->peer_op];
	return its->peer == task && its->peer_op == op &&
	       peer->op[mine->peer_op].kind != b->task[task].op[op].kind;
}

/*
 * A thread that sleeps is woken, then runs: with one clock for all, a wake-up lies within each
 * sleep. Where many sleeps have none, the clocks of threads disagree, and the time of a wake-up or
 * of a way in says nothing; but the n-th wake-up still ends the n-th sleep.
 */
static bool clocks_disagree(const struct builder *b, const int32_t *keep)
{
	/* the recordings at hand: up to 5%; with clocks shifted by what calls took: from 37% */
	enum { A_FEW = 4, PERCENT = 20 };
	size_t unwoken = 0, sleeps = 0;

	for (size_t i = 0; i < b->n_tasks; i++) {
		unwoken += keep[i] < 0 ? 0 : b->task[i].unwoken;
		sleeps += keep[i] < 0 ? 0 : b->task[i].n_sleeps;
	}
	return unwoken >= A_FEW && unwoken * 100 > sleeps * PERCENT;
}

static void match_by_order(struct builder *b, int32_t index)
{
	struct build_task *t = &b->task[index];

	for (size_t i = 0; i < t->n_sleeps; i++)
		if (t->sleep[i].op != NO_OP)
			t->note[t->sleep[i].op].peer = NO_TASK;
	for (size_t i = 0; i < t->n_sleeps && i < t->n_wakings; i++)
		if (t->sleep[i].op != NO_OP && t->waking[i].op != NO_OP)
			builder_pair(b, index, t->sleep[i].op, t->waking[i].task, t->waking[i].op);
}

/* The way in was told by another clock: the sleep lasts until the first event of its own. */
static void end_sleeps_late(struct build_task *t)
{
	for (size_t i = 0; i + 1 < t->n_ops; i++) {
		if (t->op[i].kind != PROGRAM_WAIT)
			continue;
		t->note[i + 1].gap_ns -= t->note[i].after_ns;
		t->op[i].len += (uint64_t)t->note[i].after_ns * SIM_NS;
	}
}

void builder_match(struct builder *b, const int32_t *keep)
{
	if (!clocks_disagree(b, keep))
		return;
	for (size_t i = 0; i < b->n_tasks; i++) {
		match_by_order(b, (int32_t)i);
		end_sleeps_late(&b->task[i]);
	}
}

/* ---- the program without time: each task as far as it can go ---- */

struct walker {
	uint32_t pc;
	uint64_t wakes;
	bool started, queued;
	bool let_go;        /* of its parent's mm, for which that may wait */
	int32_t vfork_from; /* that waits so, NO_TASK = nobody */
};

struct walk {
	struct builder *b;
	const int32_t *keep;
	struct walker *w; /* by task */
	int32_t *queue;   /* who can go on; each at most once */
	size_t head, n;
};

static void enqueue(struct walk *k, int32_t task)
{
	struct walker *w = &k->w[task];

	if (w->queued || !w->started)
		return;
	w->queued = true;
	k->queue[(k->head + k->n++) % k->b->n_tasks] = task;
}

/* An execve or an end: who waits in vfork goes on. */
static void let_go(struct walk *k, int32_t task)
{
	struct walker *w = &k->w[task];

	w->let_go = true;
	if (w->vfork_from != NO_TASK)
		enqueue(k, w->vfork_from);
	w->vfork_from = NO_TASK;
}

/* False: it waits. */
static bool step(struct walk *k, int32_t task)
{
	const struct build_task *t = &k->b->task[task];
	struct walker *w = &k->w[task];
	const struct program_op *op = &t->op[w->pc];
	int32_t other;

	if (op->kind == PROGRAM_WAKE && builder_paired(k->b, k->keep, task, w->pc)) {
		other = t->note[w->pc].peer;
		k->w[other].wakes++;
		enqueue(k, other);
	} else if (op->kind == PROGRAM_WAIT && builder_paired(k->b, k->keep, task, w->pc)) {
		if (!w->wakes)
			return false;
		w->wakes--;
	} else if (op->kind == PROGRAM_FORK || op->kind == PROGRAM_CLONE) {
		struct walker *child = &k->w[op->other];

		if (!child->started) {
			child->started = true;
			enqueue(k, (int32_t)op->other);
		}
		if (op->flags & CLONE_VFORK_FLAG && !child->let_go) {
			child->vfork_from = task;
			return false;
		}
	} else if (op->kind == PROGRAM_EXEC) {
		let_go(k, task);
	}
	w->pc++;
	return true;
}

static void walk_all(struct walk *k)
{
	while (k->n) {
		int32_t task = k->queue[k->head];

		k->head = (k->head + 1) % k->b->n_tasks;
		k->n--;
		k->w[task].queued = false;
		while (k->w[task].pc < k->b->task[task].n_ops && step(k, task))
			;
		if (k->w[task].pc == k->b->task[task].n_ops)
			let_go(k, task);
	}
}

/*
 * A wait of the task up to where it stands whose wake-up has not run. There is one: wake-ups count,
 * whoever they were meant for, and all that ran are used up.
 */
static uint32_t unmet_wait(const struct walk *k, int32_t task)
{
	const struct build_task *t = &k->b->task[task];

	for (uint32_t i = k->w[task].pc;; i--)
		if (t->op[i].kind == PROGRAM_WAIT && builder_paired(k->b, k->keep, task, i) &&
		    t->note[i].peer_op >= k->w[t->note[i].peer].pc)
			return i;
}

/* The first who waits in vain sleeps instead; false: nobody does. */
static bool free_one(struct walk *k)
{
	for (size_t i = 0; i < k->b->n_tasks; i++) {
		struct build_task *t = &k->b->task[i];
		uint32_t wait;

		if (!k->w[i].started || k->w[i].pc >= t->n_ops)
			continue;
		if (t->op[k->w[i].pc].kind != PROGRAM_WAIT) /* in vfork: its child's is the wait */
			continue;
		wait = unmet_wait(k, (int32_t)i);
		t->note[wait].peer = NO_TASK;
		t->op[wait].len = 0;                 /* its length is of another clock */
		k->w[i].wakes += wait != k->w[i].pc; /* one that it took is left over */
		enqueue(k, (int32_t)i);
		return true;
	}
	return false;
}

void builder_unlock(struct builder *b, const int32_t *keep)
{
	struct walk k = { .b = b, .keep = keep };

	k.w = xcalloc(b->n_tasks, sizeof(*k.w));
	k.queue = xmalloc(b->n_tasks * sizeof(*k.queue));
	for (size_t i = 0; i < b->n_tasks; i++) {
		const struct build_task *t = &b->task[i];

		k.w[i].vfork_from = NO_TASK;
		if (keep[i] < 0)
			continue;
		k.w[i].started = !t->created || t->creator == NO_TASK || keep[t->creator] < 0;
		enqueue(&k, (int32_t)i);
	}
	do
		walk_all(&k);
	while (free_one(&k));
	free(k.w);
	free(k.queue);
}
