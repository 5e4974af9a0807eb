// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Expedited grace periods: every CPU that is not idle is interrupted; outside of a reader it
 * reports at once, inside it is made to schedule as soon as the reader ends. One at a time.
 */
#include "models/kernel/rcu_internal.h"
#include "models/kernel/smp.h"

METRIC(desc_exp, "rcu.expedited", METRIC_HISTOGRAM, "ps", NULL,
       "length of expedited grace periods");
METRIC(desc_shared, "rcu.expedited_shared", METRIC_COUNTER, "1", NULL,
       "requests that another's expedited grace period served");

/* At the root, it wakes who waits. */
static void report_up(struct task *t, struct rcu *r, struct rcu_node *n, uint64_t bits)
{
	if (rcu_report_up(t, n, RCU_EXPMASK, bits) && r->exp_waiter && r->exp_waiter != t)
		sched_wake(t, r->exp_waiter);
}

static void report_cpu(struct task *t, struct rcu *r)
{
	struct rcu_node *leaf = rcu_leaf(r, t->cpu);

	this_cpu(t)->rcu.exp_deferred = false;
	spin_lock(t, &leaf->lock);
	if (leaf->mask[RCU_EXPMASK] & rcu_bit(t->cpu))
		report_up(t, r, leaf, rcu_bit(t->cpu));
	else
		spin_unlock(t, &leaf->lock);
}

/* rcu_exp_handler: t is whom the interrupt found. */
static void exp_handler(struct task *t, void *arg)
{
	struct kcpu *c = this_cpu(t);

	if (t == c->idle || !t->preempt_off) {
		report_cpu(t, arg);
		return;
	}
	c->rcu.exp_deferred = true;
	c->need_resched = true;
}

void rcu_exp_quiescent(struct task *t)
{
	if (this_cpu(t)->rcu.exp_deferred)
		report_cpu(t, t->k->rcu);
}

/* Reports for those who need no interrupt; the others of the leaf are returned. */
static uint64_t select_cpus(struct task *t, struct rcu *r, struct rcu_node *leaf)
{
	uint64_t quiet = 0, busy;

	spin_lock_irq(t, &leaf->lock);
	for (uint64_t bits = leaf->mask[RCU_EXPMASK]; bits; bits &= bits - 1) {
		struct kcpu *c = &t->k->cpus[leaf->first_cpu + (unsigned int)__builtin_ctzll(bits)];

		touch_line(t, &c->context_line, LINE_READ);
		settle(t);
		if (c->id == t->cpu || c->curr == c->idle || c->rcu.in_user)
			quiet |= bits & -bits;
	}
	busy = leaf->mask[RCU_EXPMASK] & ~quiet;
	report_up(t, r, leaf, quiet);
	irq_enable(t);
	return busy;
}

/* Preemption is off, so that "this CPU" stays the one that needs no interrupt. */
static void interrupt_others(struct task *t, struct rcu *r)
{
	for (unsigned int i = 0; i < r->nr_leaves; i++) {
		struct rcu_node *leaf = &r->leaf[i];

		for (uint64_t busy = select_cpus(t, r, leaf); busy; busy &= busy - 1)
			smp_call_function_single_async(
				t, leaf->first_cpu + (unsigned int)__builtin_ctzll(busy),
				exp_handler, r, IPI_RCU);
	}
}

static void exp_gp(struct task *t, struct rcu *r)
{
	sim_ps start = sim_now(t->k->sim);

	r->exp_started++;
	for (unsigned int i = 0; i < r->nr_nodes; i++) {
		spin_lock_irq(t, &r->node[i].lock);
		r->node[i].mask[RCU_EXPMASK] = r->node[i].all;
		spend(t, t->k->cost.rcu_node);
		spin_unlock_irq(t, &r->node[i].lock);
	}
	r->exp_waiter = t;
	preempt_disable(t);
	interrupt_others(t, r);
	preempt_enable(t);
	while (r->node[0].mask[RCU_EXPMASK])
		sched_block(t, "an expedited grace period");
	r->exp_waiter = NULL;
	r->exp_completed = r->exp_started;
	settle(t);
	hist_add(&r->exp_gp->hist, sim_now(t->k->sim) - start);
}

void synchronize_rcu_expedited(struct task *t)
{
	struct rcu *r = t->k->rcu;
	uint64_t enough; /* the first that starts wholly later */

	settle(t);
	enough = r->exp_started + 1;
	mutex_lock(t, &r->exp_mutex);
	if (r->exp_completed >= enough)
		r->exp_shared->value++;
	else
		exp_gp(t, r);
	mutex_unlock(t, &r->exp_mutex);
}

void rcu_exp_init(struct kernel *k, struct rcu *r)
{
	struct metrics *m = sim_metrics(k->sim);

	mutex_init(k, &r->exp_mutex, lock_class_get(k, "rcu_exp_mutex"));
	r->exp_gp = metric_get(m, &desc_exp, "");
	r->exp_shared = metric_get(m, &desc_shared, "");
}

void rcu_exp_free(struct kernel *k, struct rcu *r)
{
	mutex_free(k, &r->exp_mutex);
}
