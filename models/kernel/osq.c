// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The optimistic spin queue: MCS nodes, one a CPU, of which a waiter may take itself out again when
 * it must reschedule. The head has the queue "locked" and spins on the owner of the semaphore or
 * mutex that the queue belongs to; what it spins for is that lock's business.
 */
#include "models/kernel/kernel.h"

static struct line *node(const struct osq_waiter *w)
{
	return &this_cpu(w->task)->osq_line;
}

static void make_head(struct task *t, struct osq *q, struct osq_waiter *w)
{
	struct kernel *k = t->k;
	sim_ps seen;

	post_store(t, node(w));
	q->head = w;
	seen = line_access(k->m, node(w), this_cpu(w->task)->cpu->core, LINE_READ, sim_now(k->sim));
	sim_unpark_at(k->sim, w->task->actor, seen + k->m->desc.pause / 2);
}

/* Takes w out wherever it stands; neighbours are linked by atomics on their nodes. */
static void unqueue(struct task *t, struct osq *q, struct osq_waiter *w)
{
	if (w->prev) {
		touch_line(t, node(w->prev), LINE_ATOMIC);
		settle(t);
	}
	/* While that took its time, w may have become the head, or its neighbours others. */
	if (w->prev)
		w->prev->next = w->next;
	if (w->next)
		w->next->prev = w->prev;
	else
		q->tail = w->prev;
	if (q->head != w)
		return;
	q->head = NULL;
	if (w->next)
		make_head(t, q, w->next);
}

bool osq_lock(struct task *t, struct osq *q, struct osq_waiter *w, const char *why)
{
	*w = (struct osq_waiter){ .task = t, .prev = q->tail };
	if (w->prev)
		w->prev->next = w;
	else
		q->head = w;
	q->tail = w;
	touch_line(t, q->line, LINE_ATOMIC);
	if (q->head == w)
		return true;
	touch_line(t, node(w), LINE_WRITE);
	settle(t);
	if (w->prev)
		post_store(t, node(w->prev));
	while (q->head != w && !this_cpu(t)->need_resched)
		spin_wait(t, SIM_NEVER, why);
	if (q->head == w)
		return true;
	unqueue(t, q, w);
	return false;
}

void osq_unlock(struct task *t, struct osq *q, struct osq_waiter *w)
{
	touch_line(t, q->line, LINE_ATOMIC); /* is w the last? */
	settle(t);
	unqueue(t, q, w);
}
