// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * RCU callbacks: the per-CPU segmented list, batches in softirq and what they leave to ksoftirqd,
 * and how many wait and what they pin over time. When a grace period has ended is rcu.c's business.
 */
#include <stdlib.h>

#include "models/kernel/rcu_internal.h"

METRIC(desc_cb, "rcu.callbacks", METRIC_COUNTER, "1", NULL, "callbacks invoked");
METRIC(desc_delay, "rcu.callback_delay", METRIC_HISTOGRAM, "ps", NULL,
       "from call_rcu to the callback");
METRIC(desc_backlog, "rcu.backlog", METRIC_HISTOGRAM, "1", NULL,
       "callbacks waiting on a CPU, looked at at its ticks");
METRIC(desc_waiting, "rcu.waiting", METRIC_SERIES, "1", NULL,
       "callbacks that wait, all CPUs, over time");
METRIC(desc_pinned, "rcu.pinned", METRIC_SERIES, "bytes", NULL,
       "memory that waits for RCU to be freed, over time");

/* ---- lists ---- */

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

bool rcu_advance_cbs(struct rcu *r, struct rcu_data *d, uint64_t completed)
{
	uint64_t next_gp = r->started + 1; /* the first that starts wholly later */

	for (unsigned int s = RCU_WAIT; s <= RCU_NEXT_READY; s++)
		if (d->seg[s].head && d->seg[s].gp <= completed)
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

/* ---- call_rcu ---- */

static void note_levels(struct rcu *r, const struct rcu_cb *cb, int sign)
{
	uint64_t now = sim_now(r->k->sim);

	r->waiting += (uint64_t)sign;
	r->pinned += (uint64_t)sign * cb->pins;
	series_set(r->waiting_series->series, now, (double)r->waiting);
	if (cb->pins)
		series_set(r->pinned_series->series, now, (double)r->pinned);
}

/* The list has grown by qhimark since the last look: a grace period at once, or, while one runs, no
 * limit on batches and no waiting for the next scan. */
static void check_flood(struct task *t, struct rcu *r, struct rcu_data *d)
{
	if (d->pending <= d->checked_at + RCU_QHIMARK)
		return;
	d->checked_at = d->pending;
	if (!rcu_gp_running(r)) {
		if (rcu_advance_cbs(r, d, d->seen_end))
			rcu_start_gp(t, r);
		return;
	}
	d->flooded = true;
	rcu_force_quiescent_state(t, r);
}

void rcu_append(struct rcu_data *d, struct rcu_cb *cb)
{
	*d->seg[RCU_NEXT].tail = cb;
	d->seg[RCU_NEXT].tail = &cb->next;
	d->pending++;
}

struct rcu_cb_list rcu_take_list(struct rcu_cb_list *l)
{
	struct rcu_cb_list taken = *l;

	list_init(l);
	return taken;
}

static void enqueue(struct task *t, struct rcu_cb cb, bool hurry)
{
	struct rcu_cb *new = malloc(sizeof(*new));
	struct rcu *r = t->k->rcu;
	struct rcu_data *d;

	*new = cb;
	irq_disable(t);
	spend(t, t->k->cost.rcu_call);
	settle(t);
	new->queued_at = sim_now(t->k->sim);
	note_levels(r, new, 1);
	d = &this_cpu(t)->rcu;
	if (d->offloaded) {
		rcu_nocb_enqueue(t, d, new, hurry);
	} else {
		rcu_append(d, new);
		tick_restart(this_cpu(t));
		check_flood(t, r, d);
	}
	irq_enable(t);
}

void call_rcu_pinning(struct task *t, rcu_fn *fn, void *arg, uint64_t bytes)
{
	enqueue(t, (struct rcu_cb){ .fn = fn, .arg = arg, .pins = bytes }, false);
}

void call_rcu(struct task *t, rcu_fn *fn, void *arg)
{
	enqueue(t, (struct rcu_cb){ .fn = fn, .arg = arg }, false);
}

/* Not even a lazy CPU lets it wait. */
static void call_rcu_hurry(struct task *t, rcu_fn *fn, void *arg)
{
	enqueue(t, (struct rcu_cb){ .fn = fn, .arg = arg }, true);
}

struct sync_wait {
	struct task *sleeper;
	bool done;
};

static void wake_me_after_rcu(struct kernel *k, struct task *t, void *arg)
{
	struct sync_wait *w = arg;

	(void)k;
	w->done = true;
	if (t)
		sched_wake(t, w->sleeper);
}

void synchronize_rcu(struct task *t)
{
	struct sync_wait w = { .sleeper = t };

	call_rcu_hurry(t, wake_me_after_rcu, &w);
	while (!w.done)
		sched_block(t, "an RCU grace period");
}

/* ---- invocation ---- */

void rcu_invoke(struct kernel *k, struct task *t, struct rcu_data *d, struct rcu_cb *cb)
{
	d->pending--;
	hist_add(&k->rcu->delay->hist, sim_now(k->sim) - cb->queued_at);
	k->rcu->callbacks->value++;
	note_levels(k->rcu, cb, -1);
	cb->fn(k, t, cb->arg);
	free(cb);
}

static void invoke_first(struct kernel *k, struct task *t, struct rcu_data *d)
{
	struct rcu_cb *cb = d->seg[RCU_DONE].head;

	d->seg[RCU_DONE].head = cb->next;
	if (!cb->next)
		d->seg[RCU_DONE].tail = &d->seg[RCU_DONE].head;
	rcu_invoke(k, t, d, cb);
}

static uint64_t batch_limit(const struct rcu_data *d)
{
	uint64_t limit = d->flooded ? RCU_QHIMARK : RCU_BLIMIT;

	return d->pending >> RCU_DIVISOR > limit ? d->pending >> RCU_DIVISOR : limit;
}

static void after_batch(struct rcu_data *d)
{
	if (d->pending <= RCU_QLOWMARK)
		d->flooded = false;
	if (!d->pending)
		d->checked_at = 0;
	else if (d->pending + RCU_QHIMARK < d->checked_at)
		d->checked_at = d->pending;
}

/* Beyond the limit only an idle CPU with nothing else to do goes on; long batches also end by time.
 */
static void do_batch(struct task *t, struct rcu_data *d)
{
	uint64_t limit = batch_limit(d), count = 0;
	struct kcpu *c = this_cpu(t);
	sim_ps until = limit > 100 ? sim_now(t->k->sim) + RCU_BATCH_TIME : SIM_NEVER;

	while (d->seg[RCU_DONE].head) {
		spend(t, t->k->cost.rcu_callback);
		invoke_first(t->k, t, d);
		count++;
		if (count >= limit && (c->need_resched || t != c->idle))
			break;
		if (until != SIM_NEVER && count % 32 == 0) {
			settle(t);
			if (sim_now(t->k->sim) >= until)
				break;
		}
	}
	settle(t);
	after_batch(d);
}

/* One round of softirq; false: nothing is left. */
static bool softirq_round(struct task *t, struct rcu_data *d)
{
	spend(t, t->k->cost.softirq);
	do_batch(t, d);
	return d->seg[RCU_DONE].head;
}

/* What is left when softirq gives up, one round at a time, as any other task. */
static void ksoftirqd_main(struct task *t, void *arg)
{
	struct kcpu *c = arg;

	for (;;) {
		bool more = c->rcu.seg[RCU_DONE].head && !c->rcu.in_softirq;

		if (!more) {
			sched_block(t, "softirqs");
			continue;
		}
		preempt_disable(t);
		c->rcu.in_softirq = true;
		softirq_round(t, &c->rcu);
		c->rcu.in_softirq = false;
		preempt_enable(t);
		cond_resched(t);
	}
}

static void wakeup_softirqd(struct task *t, struct kcpu *c)
{
	struct task_attr attr = {
		.comm = "ksoftirqd", .cpu = (int)c->id, .fn = ksoftirqd_main, .arg = c
	};

	if (!c->ksoftirqd)
		c->ksoftirqd = sched_spawn(t->k, &attr, NULL, true);
	else
		sched_wake(t, c->ksoftirqd);
}

/* A batch that leaves callbacks raises the softirq again: up to ten rounds, 2 ms, or until somebody
 * else is to run. */
void rcu_softirq(struct task *t)
{
	struct kcpu *c = this_cpu(t);
	struct rcu_data *d = &c->rcu;
	sim_ps until = sim_now(t->k->sim) + MAX_SOFTIRQ_TIME;
	bool more = true;

	if (!d->seg[RCU_DONE].head || d->in_softirq || d->offloaded)
		return;
	d->in_softirq = true;
	preempt_disable(t);
	for (unsigned int i = 0; more && i < MAX_SOFTIRQ_RESTART; i++) {
		more = softirq_round(t, d);
		if (c->need_resched || sim_now(t->k->sim) >= until)
			break;
	}
	if (more)
		wakeup_softirqd(t, c);
	t->preempt_off--; /* the caller looks at need_resched */
	d->in_softirq = false;
}

/* ---- making, and the end ---- */

void rcu_callbacks_init(struct kernel *k, struct rcu *r)
{
	struct metrics *m = sim_metrics(k->sim);

	for (unsigned int i = 0; i < k->nr_cpus; i++)
		for (unsigned int s = 0; s < RCU_SEGMENTS; s++)
			list_init(&k->cpus[i].rcu.seg[s]);
	r->callbacks = metric_get(m, &desc_cb, "");
	r->delay = metric_get(m, &desc_delay, "");
	r->backlog = metric_get(m, &desc_backlog, "");
	r->waiting_series = metric_get(m, &desc_waiting, "");
	r->pinned_series = metric_get(m, &desc_pinned, "");
}

void rcu_drain(struct kernel *k)
{
	struct rcu *r = k->rcu;

	series_set(r->waiting_series->series, sim_now(k->sim), (double)r->waiting);
	series_set(r->pinned_series->series, sim_now(k->sim), (double)r->pinned);
	rcu_nocb_drain(k);
	for (unsigned int i = 0; i < k->nr_cpus; i++) {
		struct rcu_data *d = &k->cpus[i].rcu;

		for (unsigned int s = RCU_WAIT; s < RCU_SEGMENTS; s++)
			list_splice(&d->seg[RCU_DONE], &d->seg[s]);
		while (d->seg[RCU_DONE].head)
			invoke_first(k, NULL, d);
	}
}
