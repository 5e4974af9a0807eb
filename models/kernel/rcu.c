// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Grace periods: the kthread that starts and ends them and scans for idle CPUs, and the CPUs that
 * notice them, note quiescent states at ticks and context switches, and report up the tree. As tree
 * RCU of 6.1 to 6.18 with PREEMPT_RCU.
 */
#include <stdlib.h>

#include "models/kernel/rcu_internal.h"

METRIC(desc_gp, "rcu.grace_period", METRIC_HISTOGRAM, "ps", NULL, "length of grace periods");

#define QOVLD 20000 /* callbacks on one CPU that make scans come three times as often */

/* ---- the tree ---- */

static void make_tree(struct kernel *k, struct rcu *r)
{
	struct lock_class *class = lock_class_get(k, "rcu_node");

	r->nr_leaves = (k->nr_cpus + RCU_FANOUT_LEAF - 1) / RCU_FANOUT_LEAF;
	r->nr_nodes = r->nr_leaves > 1 ? 1 + r->nr_leaves : 1;
	r->node = calloc(r->nr_nodes, sizeof(*r->node));
	r->leaf = &r->node[r->nr_nodes - r->nr_leaves];
	for (unsigned int i = 0; i < r->nr_nodes; i++)
		spin_lock_init(k, &r->node[i].lock, class);
	for (unsigned int i = 0; i < r->nr_leaves; i++) {
		r->leaf[i].first_cpu = i * RCU_FANOUT_LEAF;
		if (r->nr_leaves == 1)
			continue;
		r->leaf[i].parent = &r->node[0];
		r->leaf[i].parent_bit = UINT64_C(1) << i;
		r->node[0].all |= r->leaf[i].parent_bit;
	}
	for (unsigned int cpu = 0; cpu < k->nr_cpus; cpu++)
		rcu_leaf(r, cpu)->all |= rcu_bit(cpu);
}

bool rcu_report_up(struct task *t, struct rcu_node *n, enum rcu_mask which, uint64_t bits)
{
	bool last;

	n->mask[which] &= ~bits;
	while (!n->mask[which] && n->parent) {
		bits = n->parent_bit;
		spin_unlock(t, &n->lock);
		n = n->parent;
		spin_lock(t, &n->lock);
		n->mask[which] &= ~bits;
	}
	last = !n->mask[which] && !n->parent;
	spin_unlock(t, &n->lock);
	return last;
}

/* At the root, it wakes the kthread. */
static void report_up(struct task *t, struct rcu *r, struct rcu_node *n, uint64_t bits)
{
	if (rcu_report_up(t, n, RCU_QSMASK, bits) && t != r->kthread)
		sched_wake(t, r->kthread);
}

/* ---- the grace-period kthread ---- */

/* jiffies_till_first_fqs and _next_fqs */
static sim_ps fqs_interval(const struct kernel *k)
{
	uint32_t hz = k->m->desc.hz_tick;
	unsigned int jiffies = 1 + (hz > 250) + (hz > 500) + k->nr_cpus / 256;

	for (unsigned int i = 0; i < k->nr_cpus; i++)
		if (k->cpus[i].rcu.pending >= QOVLD)
			return (jiffies + 2) / 3 * k->jiffy;
	return jiffies * k->jiffy;
}

/* The root first, so that it waits for each leaf before any of their CPUs can report. */
static void gp_init(struct task *t, struct rcu *r)
{
	r->started++;
	r->gp_start = sim_now(t->k->sim);
	for (unsigned int i = 0; i < r->nr_nodes; i++) {
		struct rcu_node *n = &r->node[i];

		spin_lock_irq(t, &n->lock);
		n->mask[RCU_QSMASK] = n->all;
		n->started = r->started;
		spend(t, t->k->cost.rcu_node);
		spin_unlock_irq(t, &n->lock);
	}
}

/* CPUs of the leaf that need not be waited for: idle, idle since the scan before, or the kthread's
 * own, which has switched to it since the start. Reads each one's context-tracking state. */
static uint64_t quiescent_cpus(struct task *t, const struct rcu_node *leaf)
{
	uint64_t found = 0;

	for (uint64_t bits = leaf->mask[RCU_QSMASK]; bits; bits &= bits - 1) {
		struct kcpu *c = &t->k->cpus[leaf->first_cpu + (unsigned int)__builtin_ctzll(bits)];
		struct rcu_data *d = &c->rcu;

		touch_line(t, &c->context_line, LINE_READ);
		settle(t);
		if (c->curr == c->idle || c->id == t->cpu || d->in_user ||
		    (d->scanned_gp == leaf->started && d->idle_entries != d->idle_seen))
			found |= bits & -bits;
		d->scanned_gp = leaf->started;
		d->idle_seen = d->idle_entries;
	}
	return found;
}

static void force_qs_scan(struct task *t, struct rcu *r)
{
	for (unsigned int i = 0; i < r->nr_leaves; i++) {
		struct rcu_node *leaf = &r->leaf[i];

		spin_lock_irq(t, &leaf->lock);
		spend(t, t->k->cost.rcu_node);
		if (leaf->mask[RCU_QSMASK])
			report_up(t, r, leaf, quiescent_cpus(t, leaf));
		else
			spin_unlock(t, &leaf->lock);
		irq_enable(t);
	}
}

/* Other wake-ups than that of the last CPU to report mean nothing. */
static void sleep_until_fqs(struct task *t, struct rcu *r)
{
	sim_ps until = sim_now(t->k->sim) + fqs_interval(t->k);

	while (r->node[0].mask[RCU_QSMASK] && !r->force && sim_now(t->k->sim) < until) {
		sched_sleep(t, until - sim_now(t->k->sim), "rcu: quiescent states");
		r->runs++;
	}
	r->force = false;
}

static void gp_cleanup(struct task *t, struct rcu *r)
{
	for (unsigned int i = 0; i < r->nr_nodes; i++) {
		struct rcu_node *n = &r->node[i];

		spin_lock_irq(t, &n->lock);
		n->completed = r->started;
		r->needed |= n->needed > r->started;
		spend(t, t->k->cost.rcu_node);
		spin_unlock_irq(t, &n->lock);
	}
	r->completed = r->started;
	hist_add(&r->gp->hist, sim_now(t->k->sim) - r->gp_start);
	rcu_nocb_gp_ended(t, r);
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
		while (r->node[0].mask[RCU_QSMASK]) {
			sleep_until_fqs(t, r);
			if (r->node[0].mask[RCU_QSMASK])
				force_qs_scan(t, r);
		}
		gp_cleanup(t, r);
	}
}

/* While one runs, a mark on the leaf is enough: who ends it looks at all nodes. */
void rcu_start_gp(struct task *t, struct rcu *r)
{
	struct rcu_node *leaf = rcu_leaf(r, t->cpu), *root = &r->node[0];
	uint64_t number = r->started + 1;
	bool climb;

	if (!r->kthread)
		r->kthread = kthread_spawn(t->k, "rcu_preempt", gp_kthread, r);
	if (leaf->needed >= number)
		return;
	spin_lock(t, &leaf->lock);
	climb = leaf->needed < number && !(leaf->started > leaf->completed);
	leaf->needed = number;
	r->needed |= climb && leaf == root;
	spin_unlock(t, &leaf->lock);
	if (!climb)
		return;
	if (leaf != root) {
		spin_lock(t, &root->lock);
		root->needed = number;
		r->needed = true;
		spin_unlock(t, &root->lock);
	}
	if (!rcu_gp_running(r))
		sched_wake(t, r->kthread);
}

void rcu_force_quiescent_state(struct task *t, struct rcu *r)
{
	if (r->force || !rcu_gp_running(r))
		return;
	r->force = true;
	sched_wake(t, r->kthread);
}

/* ---- a CPU's part ---- */

/* note_gp_changes: looks again at the next tick if the leaf is busy. */
static void note_gp_changes(struct task *t, struct rcu *r, struct rcu_data *d)
{
	struct rcu_node *leaf = rcu_leaf(r, t->cpu);

	touch_line(t, &leaf->lock.line, LINE_READ); /* gp_seq lies beside the lock */
	settle(t);
	if (d->seen_gp == leaf->started && d->seen_end == leaf->completed)
		return;
	if (!spin_trylock(t, &leaf->lock))
		return;
	if (d->seen_gp != leaf->started) {
		d->seen_gp = leaf->started;
		d->needs_qs = leaf->mask[RCU_QSMASK] & rcu_bit(t->cpu);
		d->qs_noted = false;
	}
	d->seen_end = leaf->completed;
	spin_unlock(t, &leaf->lock);
}

static void report_qs(struct task *t, struct rcu *r, struct rcu_data *d)
{
	struct rcu_node *leaf = rcu_leaf(r, t->cpu);

	d->needs_qs = false;
	spin_lock(t, &leaf->lock);
	if (leaf->mask[RCU_QSMASK] & rcu_bit(t->cpu))
		report_up(t, r, leaf, rcu_bit(t->cpu));
	else
		spin_unlock(t, &leaf->lock); /* a scan was faster */
}

void rcu_tick(struct task *t)
{
	struct rcu *r = t->k->rcu;
	struct rcu_data *d = &this_cpu(t)->rcu;

	/* A tick outside of any reader is itself a quiescent state. */
	d->qs_noted |= t == this_cpu(t)->idle || !t->preempt_off;
	note_gp_changes(t, r, d);
	if (d->needs_qs && d->qs_noted)
		report_qs(t, r, d);
	if (!d->pending || d->offloaded)
		return;
	hist_add(&r->backlog->hist, d->pending);
	if (rcu_advance_cbs(r, d, d->seen_end))
		rcu_start_gp(t, r);
}

void rcu_note_context_switch(struct task *t)
{
	this_cpu(t)->rcu.qs_noted = true;
}

void rcu_user(struct task *t, bool enter)
{
	if (this_cpu(t)->isolated && t->k->m->desc.nohz_full)
		rcu_idle(t, enter);
}

void rcu_idle(struct task *t, bool enter)
{
	struct kcpu *c = this_cpu(t);

	touch_line(t, &c->context_line, LINE_ATOMIC);
	c->rcu.idle_entries += enter;
	c->rcu.in_user = enter && t != c->idle;
}

/* ---- making and freeing ---- */

void rcu_init(struct kernel *k)
{
	struct rcu *r = calloc(1, sizeof(*r));
	struct metrics *m = sim_metrics(k->sim);

	r->k = k;
	k->rcu = r;
	make_tree(k, r);
	for (unsigned int i = 0; i < k->nr_cpus; i++)
		line_init(&k->cpus[i].context_line, line_class_get(k->m, "context_tracking"));
	r->gp = metric_get(m, &desc_gp, "");
	rcu_callbacks_init(k, r);
	rcu_nocb_init(k, r);
	rcu_exp_init(k, r);
}

void rcu_free(struct kernel *k)
{
	struct rcu *r = k->rcu;

	for (unsigned int i = 0; i < r->nr_nodes; i++)
		spin_lock_free(k, &r->node[i].lock);
	for (unsigned int i = 0; i < k->nr_cpus; i++)
		line_free(&k->cpus[i].context_line, k->m);
	rcu_nocb_free(k, r);
	rcu_exp_free(k, r);
	free(r->node);
	free(r);
}

uint64_t kernel_rcu_runs(const struct kernel *k)
{
	return k->rcu->runs;
}
