// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Offloaded callbacks: the CPU only queues them. A thread for a group of about the square root of
 * the CPUs (rcuog) waits for their grace periods, and one for each CPU (rcuop) invokes what is
 * ready, without limits, as any task may be preempted. Lazy ones may wait for long until somebody
 * else needs a grace period on the CPU.
 */
#include <stdlib.h>

#include "models/kernel/rcu_internal.h"

struct rcu_nocb {             /* of one CPU */
	struct spinlock lock; /* guards its list */
	struct kcpu *cpu;
	struct rcu_nocb_group *group;
	struct task *rcuop;   /* made with the first callback */
	struct rcu_cb *ready; /* what it has taken and not invoked yet */
	bool lazy;            /* all that wait are, until lazy_until */
	sim_ps lazy_until;
};

struct rcu_nocb_group {
	struct rcu *rcu;
	struct task *rcuog; /* likewise */
	unsigned int first, n;
	bool waits; /* for the end of a grace period */
};

static const struct rcu_callback_ops *ops_of(const struct kernel *k, const void **p)
{
	const struct policy_pick *pick = &k->policy.pick[AXIS_RCU_CALLBACKS];

	*p = pick->params;
	return pick->choice->ops;
}

/* ---- the group's thread ---- */

static bool needs_gp(const struct rcu_data *d)
{
	return d->seg[RCU_WAIT].head || d->seg[RCU_NEXT_READY].head || d->seg[RCU_NEXT].head;
}

/* True: callbacks of this CPU wait for the end of a grace period. */
static bool visit(struct task *t, struct rcu_nocb *n, sim_ps *until)
{
	struct rcu *r = n->group->rcu;
	struct rcu_data *d = &n->cpu->rcu;
	bool ready = false, waits = false, start = false;

	spin_lock_irq(t, &n->lock);
	if (n->lazy && sim_now(t->k->sim) < n->lazy_until) {
		*until = n->lazy_until < *until ? n->lazy_until : *until;
	} else if (needs_gp(d)) {
		n->lazy = false;
		start = rcu_advance_cbs(r, d, r->completed);
		ready = d->seg[RCU_DONE].head;
		waits = needs_gp(d);
	}
	spin_unlock_irq(t, &n->lock);
	if (ready)
		sched_wake(t, n->rcuop);
	if (start) {
		irq_disable(t);
		rcu_start_gp(t, r);
		irq_enable(t);
	}
	return waits;
}

static void rcuog_main(struct task *t, void *arg)
{
	struct rcu_nocb_group *g = arg;

	for (;;) {
		uint64_t completed = g->rcu->completed;
		sim_ps until = SIM_NEVER;

		g->waits = false;
		for (unsigned int i = g->first; i < g->first + g->n; i++)
			g->waits |= visit(t, t->k->cpus[i].rcu.nocb, &until);
		if (g->rcu->completed != completed)
			continue;
		if (until == SIM_NEVER)
			sched_block(t, "offloaded callbacks");
		else if (until > sim_now(t->k->sim))
			sched_sleep(t, until - sim_now(t->k->sim), "lazy callbacks");
	}
}

void rcu_nocb_gp_ended(struct task *t, struct rcu *r)
{
	for (unsigned int i = 0; i < r->nr_groups; i++)
		if (r->group[i].waits)
			sched_wake(t, r->group[i].rcuog);
}

/* ---- the CPU's thread ---- */

static void invoke_ready(struct task *t, struct rcu_nocb *n)
{
	struct rcu_cb *cb = n->ready;

	n->ready = cb->next;
	rcu_invoke(n->cpu->k, t, &n->cpu->rcu, cb);
}

void rcu_nocb_drain(struct kernel *k)
{
	for (unsigned int i = 0; i < k->nr_cpus; i++)
		while (k->rcu->nocb[i].ready)
			invoke_ready(NULL, &k->rcu->nocb[i]);
}

static void rcuop_main(struct task *t, void *arg)
{
	struct rcu_nocb *n = arg;
	struct rcu_data *d = &n->cpu->rcu;

	for (;;) {
		if (!d->seg[RCU_DONE].head) {
			sched_block(t, "callbacks to invoke");
			continue;
		}
		spin_lock_irq(t, &n->lock);
		n->ready = rcu_take_list(&d->seg[RCU_DONE]).head;
		spin_unlock_irq(t, &n->lock);
		while (n->ready) {
			preempt_disable(t); /* bottom halves are off */
			spend(t, t->k->cost.rcu_callback);
			settle(t);
			invoke_ready(t, n);
			settle(t);
			preempt_enable(t);
			cond_resched(t);
		}
	}
}

/* ---- call_rcu on an offloaded CPU ---- */

static void make_threads(struct task *t, struct rcu_nocb *n)
{
	if (!n->rcuop)
		n->rcuop = kthread_spawn(t->k, "rcuop", rcuop_main, n);
	if (!n->group->rcuog)
		n->group->rcuog = kthread_spawn(t->k, "rcuog", rcuog_main, n->group);
}

/* With interrupts off. The group's thread is woken for the first callback, and for the first that
 * is in a hurry behind lazy ones. */
void rcu_nocb_enqueue(struct task *t, struct rcu_data *d, struct rcu_cb *cb, bool hurry)
{
	struct rcu_nocb *n = d->nocb;
	const void *p;
	const struct rcu_callback_ops *ops = ops_of(t->k, &p);
	sim_ps lazy = ops->lazy && !hurry ? ops->lazy(p) : 0;
	bool wake;

	make_threads(t, n);
	spin_lock(t, &n->lock);
	wake = !needs_gp(d); /* else rcuog knows */
	rcu_append(d, cb);
	if (wake && lazy) {
		n->lazy = true;
		n->lazy_until = sim_now(t->k->sim) + lazy;
	} else if (n->lazy && (!lazy || d->pending >= RCU_QHIMARK)) {
		n->lazy = false;
		wake = true;
	}
	spin_unlock(t, &n->lock);
	if (wake)
		sched_wake(t, n->group->rcuog);
}

/* ---- making and freeing ---- */

static unsigned int group_size(unsigned int cpus)
{
	unsigned int n = 1;

	while (n * n < cpus)
		n++;
	return n;
}

void rcu_nocb_init(struct kernel *k, struct rcu *r)
{
	unsigned int size = group_size(k->nr_cpus);
	const void *p;
	bool all = ops_of(k, &p)->offload;

	r->nr_groups = (k->nr_cpus + size - 1) / size;
	r->group = calloc(r->nr_groups, sizeof(*r->group));
	r->nocb = calloc(k->nr_cpus, sizeof(*r->nocb));
	for (unsigned int i = 0; i < r->nr_groups; i++)
		r->group[i] = (struct rcu_nocb_group){ .rcu = r, .first = i * size, .n = size };
	r->group[r->nr_groups - 1].n = k->nr_cpus - r->group[r->nr_groups - 1].first;
	for (unsigned int i = 0; i < k->nr_cpus; i++) {
		struct kcpu *c = &k->cpus[i];

		r->nocb[i] = (struct rcu_nocb){ .cpu = c, .group = &r->group[i / size] };
		spin_lock_init(k, &r->nocb[i].lock, lock_class_get(k, "nocb_lock"));
		c->rcu.nocb = &r->nocb[i];
		/* nohz_full implies rcu_nocbs. */
		c->rcu.offloaded = all || (c->isolated && k->m->desc.nohz_full);
	}
}

void rcu_nocb_free(struct kernel *k, struct rcu *r)
{
	for (unsigned int i = 0; i < k->nr_cpus; i++)
		spin_lock_free(k, &r->nocb[i].lock);
	free(r->nocb);
	free(r->group);
}
