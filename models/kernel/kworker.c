// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One bound worker for each CPU that ever gets work, its queue, and flush_work.
 */
#include "models/kernel/kworker.h"

#include <stdlib.h>

#include "models/kernel/mm.h"

typedef void kwork_fn(struct task *worker);

struct kwork {
	kwork_fn *fn;
	struct task *waiter;
	bool done;
	struct kwork *next;
};

struct kworker {
	struct task *task;
	struct kwork *head, **tail;
};

static void worker_main(struct task *t, void *arg)
{
	struct kworker *w = arg;

	for (;;) {
		struct kwork *work;

		while (!w->head)
			sched_block(t, "work for the kworker");
		work = w->head;
		w->head = work->next;
		if (!w->head)
			w->tail = &w->head;
		t->k->busy_kthreads++; /* even at the end: somebody waits for it */
		work->fn(t);
		kthread_idle(t);
		work->done = true;
		sched_wake(t, work->waiter);
		cond_resched(t);
	}
}

static struct kworker *worker_of(struct kcpu *c)
{
	struct task_attr attr = { .comm = "kworker", .cpu = (int)c->id, .fn = worker_main };

	if (!c->kworker) {
		c->kworker = calloc(1, sizeof(*c->kworker));
		c->kworker->tail = &c->kworker->head;
		attr.arg = c->kworker;
		c->kworker->task = sched_spawn(c->k, &attr, NULL, true);
	}
	return c->kworker;
}

static void queue_work_on(struct task *t, struct kcpu *c, struct kwork *work)
{
	struct kworker *w = worker_of(c);

	spend(t, t->k->cost.lock_slow);
	settle(t);
	*w->tail = work;
	w->tail = &work->next;
	sched_wake(t, w->task);
}

/* Runs fn on each CPU for which `needed` holds, and waits for all. */
static void schedule_on_each_cpu(struct task *t, bool (*needed)(const struct kcpu *c), kwork_fn *fn)
{
	struct kernel *k = t->k;
	struct kwork *work = calloc(k->nr_cpus, sizeof(*work));

	for (unsigned int cpu = 0; cpu < k->nr_cpus; cpu++) {
		work[cpu] = (struct kwork){ .fn = fn, .waiter = t, .done = true };
		if (!needed(&k->cpus[cpu]))
			continue;
		work[cpu].done = false;
		queue_work_on(t, &k->cpus[cpu], &work[cpu]);
	}
	for (unsigned int cpu = 0; cpu < k->nr_cpus; cpu++)
		while (!work[cpu].done)
			sched_block(t, "a kworker");
	free(work);
}

static bool needs_drain(const struct kcpu *c)
{
	return c->lru_batch;
}

void lru_add_drain_all(struct task *t)
{
	schedule_on_each_cpu(t, needs_drain, lru_add_drain);
}
