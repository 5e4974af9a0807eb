// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * RCU: per-CPU segmented callback lists, the grace-period kthread, quiescent states at ticks and
 * context switches, idle CPUs reported by the forced scan, batched invocation. As tree RCU of 6.1
 * to 6.18 with PREEMPT_RCU and no offloading.
 */
#include "models/kernel/rcu.h"

#include <stdlib.h>

METRIC(desc_gp, "rcu.grace_period", METRIC_HISTOGRAM, "ps", NULL, "length of grace periods");
METRIC(desc_cb, "rcu.callbacks", METRIC_COUNTER, "1", NULL, "callbacks invoked");
METRIC(desc_delay, "rcu.callback_delay", METRIC_HISTOGRAM, "ps", NULL,
       "from call_rcu to the callback");
METRIC(desc_backlog, "rcu.backlog", METRIC_HISTOGRAM, "1", NULL,
       "callbacks waiting on a CPU, looked at at its ticks");

#define CPUS_PER_LEAF 16
#define BLIMIT        10
#define QHIMARK       10000
#define MAX_RESTART   10 /* rounds of softirq before ksoftirqd */

struct rcu {
	struct kernel *k;
	struct task *kthread;
	uint64_t started, completed; /* grace periods */
	uint64_t runs;               /* of the kthread, from sleep to sleep */
	bool needed;
	sim_ps gp_start;
	struct cpumask qsmask;
	unsigned int nr_waiting;
	struct spinlock *leaf;
	unsigned int nr_leaves;
	struct metric *gp, *callbacks, *delay, *backlog;
};

static void list_init(struct rcu_cb_list *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

static void list_splice(struct rcu_cb_list *into, struct rcu_cb_list *from)
{
	if (!from->head)
		return;
	*into->tail = from->head;
	into->tail = from->tail;
	list_init(from);
}

static bool gp_running(const struct rcu *r)
{
	return r->started != r->completed;
}

/* jiffies_till_first_fqs and _next_fqs */
static sim_ps fqs_interval(const struct kernel *k)
{
	uint32_t hz = k->m->desc.hz_tick;

	return k->jiffy * (1 + (hz > 250) + (hz > 500) + k->nr_cpus / 256);
}

/* Only an idle CPU, or one that has reported, is not waited for. */
static void report_qs(struct rcu *r, unsigned int cpu)
{
	if (!cpumask_test(&r->qsmask, cpu))
		return;
	cpumask_unset(&r->qsmask, cpu);
	r->nr_waiting--;
}

static void gp_init(struct task *t, struct rcu *r)
{
	r->started++;
	r->gp_start = sim_now(t->k->sim);
	for (unsigned int i = 0; i < r->nr_leaves; i++) {
		spin_lock_irq(t, &r->leaf[i]);
		spend(t, t->k->cost.rcu_call);
		spin_unlock_irq(t, &r->leaf[i]);
	}
	for (unsigned int cpu = 0; cpu < t->k->nr_cpus; cpu++)
		cpumask_set(&r->qsmask, cpu);
	r->nr_waiting = t->k->nr_cpus;
}

static void force_qs_scan(struct task *t, struct rcu *r)
{
	struct kernel *k = t->k;

	for (unsigned int cpu = 0; cpu < k->nr_cpus; cpu++)
		/* Idle, or the kthread's own, which has switched to it since the start. */
		if (k->cpus[cpu].curr == k->cpus[cpu].idle || cpu == t->cpu)
			report_qs(r, cpu);
	spend(t, k->cost.rcu_call * r->nr_leaves);
	settle(t);
}

/* Other wake-ups than that of the last CPU to report mean nothing. */
static void sleep_until_fqs(struct task *t, struct rcu *r)
{
	sim_ps until = sim_now(t->k->sim) + fqs_interval(t->k);

	while (r->nr_waiting && sim_now(t->k->sim) < until) {
		sched_sleep(t, until - sim_now(t->k->sim), "rcu: quiescent states");
		r->runs++;
	}
}

static void gp_kthread(struct task *t, void *arg)
{
	struct rcu *r = arg;

	for (;;) {
		while (!r->needed)
			sched_block(t, "rcu: a callback");
		r->runs++;
		r->needed = false;
		gp_init(t, r);
		while (r->nr_waiting) {
			sleep_until_fqs(t, r);
			if (r->nr_waiting)
				force_qs_scan(t, r);
		}
		r->completed = r->started;
		hist_add(&r->gp->hist, sim_now(t->k->sim) - r->gp_start);
	}
}

void rcu_init(struct kernel *k)
{
	struct rcu *r = calloc(1, sizeof(*r));
	struct metrics *m = sim_metrics(k->sim);

	r->k = k;
	r->nr_leaves = (k->nr_cpus + CPUS_PER_LEAF - 1) / CPUS_PER_LEAF;
	r->leaf = calloc(r->nr_leaves, sizeof(*r->leaf));
	for (unsigned int i = 0; i < r->nr_leaves; i++)
		spin_lock_init(k, &r->leaf[i], lock_class_get(k, "rcu_node"));
	for (unsigned int i = 0; i < k->nr_cpus; i++)
		for (unsigned int s = 0; s < RCU_SEGMENTS; s++)
			list_init(&k->cpus[i].rcu.seg[s]);
	r->gp = metric_get(m, &desc_gp, "");
	r->callbacks = metric_get(m, &desc_cb, "");
	r->delay = metric_get(m, &desc_delay, "");
	r->backlog = metric_get(m, &desc_backlog, "");
	k->rcu = r;
}

void rcu_free(struct kernel *k)
{
	for (unsigned int i = 0; i < k->rcu->nr_leaves; i++)
		spin_lock_free(k, &k->rcu->leaf[i]);
	free(k->rcu->leaf);
	free(k->rcu);
}

uint64_t kernel_rcu_runs(const struct kernel *k)
{
	return k->rcu->runs;
}

void call_rcu(struct task *t, rcu_fn *fn, void *arg)
{
	struct rcu_cb *cb = malloc(sizeof(*cb));
	struct rcu_data *d;

	*cb = (struct rcu_cb){ .fn = fn, .arg = arg };
	irq_disable(t);
	spend(t, t->k->cost.rcu_call);
	settle(t);
	cb->queued_at = sim_now(t->k->sim);
	d = &this_cpu(t)->rcu;
	*d->seg[RCU_NEXT].tail = cb;
	d->seg[RCU_NEXT].tail = &cb->next;
	d->pending++;
	irq_enable(t);
}

/* Ended grace periods move callbacks to done; new callbacks get the number they must wait for. */
static bool advance(struct rcu *r, struct rcu_data *d)
{
	uint64_t next_gp = r->started + 1; /* the first that starts wholly later */

	for (unsigned int s = RCU_WAIT; s <= RCU_NEXT_READY; s++)
		if (d->seg[s].head && d->seg[s].gp <= r->completed)
			list_splice(&d->seg[RCU_DONE], &d->seg[s]);
	if (!d->seg[RCU_WAIT].head && d->seg[RCU_NEXT_READY].head) {
		list_splice(&d->seg[RCU_WAIT], &d->seg[RCU_NEXT_READY]);
		d->seg[RCU_WAIT].gp = d->seg[RCU_NEXT_READY].gp;
	}
	for (unsigned int s = RCU_WAIT; s <= RCU_NEXT_READY; s++) {
		if (!d->seg[RCU_NEXT].head)
			break;
		if (d->seg[s].head && d->seg[s].gp != next_gp)
			continue;
		list_splice(&d->seg[s], &d->seg[RCU_NEXT]);
		d->seg[s].gp = next_gp;
	}
	return d->seg[RCU_NEXT].head || (d->seg[RCU_WAIT].head && d->seg[RCU_WAIT].gp == next_gp) ||
	       (d->seg[RCU_NEXT_READY].head && d->seg[RCU_NEXT_READY].gp == next_gp);
}

static void want_gp(struct task *t, struct rcu *r)
{
	if (!r->kthread)
		r->kthread = kthread_spawn(t->k, "rcu_preempt", gp_kthread, r);
	if (r->needed)
		return;
	r->needed = true;
	if (!gp_running(r))
		sched_wake(t, r->kthread);
}

static void tick_quiescent(struct task *t, struct rcu *r, struct rcu_data *d)
{
	unsigned int cpu = t->cpu;

	if (!gp_running(r) || !cpumask_test(&r->qsmask, cpu))
		return;
	if (d->seen_gp != r->started) {
		d->seen_gp = r->started;
		d->qs_noted = false;
		return;
	}
	/* A tick outside of any reader is itself a quiescent state. */
	if (!d->qs_noted && t->preempt_off)
		return;
	spin_lock(t, &r->leaf[cpu / CPUS_PER_LEAF]);
	report_qs(r, cpu);
	spin_unlock(t, &r->leaf[cpu / CPUS_PER_LEAF]);
	if (!r->nr_waiting)
		sched_wake(t, r->kthread);
}

struct rcu_synchronize {
	struct task *waiter;
	bool done;
};

static void wakeme_after_rcu(struct kernel *k, struct task *t, void *arg)
{
	struct rcu_synchronize *rs = arg;

	(void)k;
	rs->done = true;
	if (t)
		sched_wake(t, rs->waiter);
}

void synchronize_rcu(struct task *t)
{
	struct rcu_synchronize rs = { .waiter = t };

	call_rcu(t, wakeme_after_rcu, &rs);
	while (!rs.done)
		sched_block(t, "synchronize_rcu");
}

void rcu_tick(struct task *t)
{
	struct rcu *r = t->k->rcu;
	struct rcu_data *d = &this_cpu(t)->rcu;

	tick_quiescent(t, r, d);
	if (!d->pending)
		return;
	hist_add(&r->backlog->hist, d->pending);
	if (advance(r, d))
		want_gp(t, r);
}

void rcu_note_context_switch(struct task *t)
{
	this_cpu(t)->rcu.qs_noted = true;
}

static void invoke(struct kernel *k, struct task *t, struct rcu_data *d)
{
	struct rcu_cb *cb = d->seg[RCU_DONE].head;

	d->seg[RCU_DONE].head = cb->next;
	if (!cb->next)
		d->seg[RCU_DONE].tail = &d->seg[RCU_DONE].head;
	d->pending--;
	hist_add(&k->rcu->delay->hist, sim_now(k->sim) - cb->queued_at);
	k->rcu->callbacks->value++;
	cb->fn(k, t, cb->arg);
	free(cb);
}

static void do_batch(struct task *t, struct rcu_data *d)
{
	uint64_t limit = d->pending >> 7 > BLIMIT ? d->pending >> 7 : BLIMIT;

	if (d->pending > QHIMARK)
		limit = QHIMARK;
	while (limit-- && d->seg[RCU_DONE].head) {
		spend(t, t->k->cost.rcu_callback);
		invoke(t->k, t, d);
	}
	settle(t);
}

/* A batch that leaves callbacks raises the softirq again. ksoftirqd, which would take over after
 * MAX_RESTART rounds, is not modelled: the rest waits for the next interrupt. */
void rcu_softirq(struct task *t)
{
	struct rcu_data *d = &this_cpu(t)->rcu;

	if (!d->seg[RCU_DONE].head || d->in_softirq)
		return;
	d->in_softirq = true;
	preempt_disable(t);
	for (unsigned int i = 0; i < MAX_RESTART && d->seg[RCU_DONE].head; i++) {
		spend(t, t->k->cost.softirq);
		do_batch(t, d);
		if (this_cpu(t)->need_resched)
			break;
	}
	t->preempt_off--; /* the caller looks at need_resched */
	d->in_softirq = false;
}

void rcu_drain(struct kernel *k)
{
	for (unsigned int i = 0; i < k->nr_cpus; i++) {
		struct rcu_data *d = &k->cpus[i].rcu;

		for (unsigned int s = RCU_WAIT; s < RCU_SEGMENTS; s++)
			list_splice(&d->seg[RCU_DONE], &d->seg[s]);
		while (d->seg[RCU_DONE].head)
			invoke(k, NULL, d);
	}
}
