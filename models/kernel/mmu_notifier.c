// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The calls to secondary TLBs, with what must hold around them: pairs, and no sleeping where the
 * caller may not sleep.
 */
#include "models/kernel/mmu_notifier.h"

#include <stdlib.h>

METRIC(desc_ranges, "notifier.ranges", METRIC_COUNTER, "1", NULL,
       "invalidate_range_start calls that had subscribers");
METRIC(desc_invalidations, "notifier.invalidations", METRIC_COUNTER, "1", NULL,
       "invalidations of secondary TLBs from a CPU's flush");
METRIC(desc_time, "notifier.invalidation_time", METRIC_HISTOGRAM, "ps", NULL,
       "one of these, or what the subscribers of one range do");

void secondary_init(struct kernel *k)
{
	struct secondary *s = calloc(1, sizeof(*s));
	struct metrics *m = sim_metrics(k->sim);

	srcu_init(k, &s->srcu, "mmu_notifier");
	spin_lock_init(k, &s->queue_lock, lock_class_get(k, "iommu_queue"));
	s->ranges = metric_get(m, &desc_ranges, "");
	s->invalidations = metric_get(m, &desc_invalidations, "");
	s->invalidation_time = metric_get(m, &desc_time, "");
	k->secondary = s;
}

void secondary_free(struct kernel *k)
{
	srcu_free(&k->secondary->srcu);
	spin_lock_free(k, &k->secondary->queue_lock);
	free(k->secondary);
}

static const struct secondary_tlb_ops *ops_of(const struct task *t, const void **p)
{
	const struct policy_pick *pick = &t->k->policy.pick[AXIS_SECONDARY_TLBS];

	*p = pick->params;
	return pick->choice->ops;
}

void notifier_range_start(struct task *t, struct mm *mm, uint64_t start, uint64_t end)
{
	const void *p;
	const struct secondary_tlb_ops *ops = ops_of(t, &p);
	sim_ps asked_at;

	mm->notifier_ranges++;
	if (!ops->range_start)
		return;
	sim_check(t->k->sim, !t->preempt_off && !this_cpu(t)->in_irq, "atomic-sleep",
		  "%s starts a notifier range with preemption off", t->comm);
	settle(t);
	asked_at = sim_now(t->k->sim);
	t->k->secondary->ranges->value++;
	ops->range_start(p, t, mm, start, end);
	settle(t);
	hist_add(&t->k->secondary->invalidation_time->hist, sim_now(t->k->sim) - asked_at);
}

void notifier_range_end(struct task *t, struct mm *mm, uint64_t start, uint64_t end)
{
	const void *p;
	const struct secondary_tlb_ops *ops = ops_of(t, &p);

	sim_check(t->k->sim, mm->notifier_ranges > 0, "notifier-balance",
		  "%s ends a notifier range that nobody has started", t->comm);
	if (mm->notifier_ranges)
		mm->notifier_ranges--;
	if (ops->range_end)
		ops->range_end(p, t, mm, start, end);
}

void arch_invalidate_secondary_tlbs(struct task *t, struct mm *mm, uint64_t start, uint64_t end)
{
	const void *p;
	const struct secondary_tlb_ops *ops = ops_of(t, &p);
	sim_ps asked_at;

	if (!ops->invalidate)
		return;
	settle(t);
	asked_at = sim_now(t->k->sim);
	t->k->secondary->invalidations->value++;
	ops->invalidate(p, t, mm, start, end);
	settle(t);
	hist_add(&t->k->secondary->invalidation_time->hist, sim_now(t->k->sim) - asked_at);
}

void mmu_notifier_release(struct task *t, struct mm *mm)
{
	const void *p;
	const struct secondary_tlb_ops *ops = ops_of(t, &p);

	(void)mm;
	if (ops->range_start)
		synchronize_srcu(t, &t->k->secondary->srcu);
}
