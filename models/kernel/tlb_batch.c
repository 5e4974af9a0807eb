// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * tlb_ubc and mm->tlb_flush_batched as mm/rmap.c of Linux 6.1 to 6.18 keeps them, and the flush of
 * a batch on x86: whoever is in the batch's cpumask and not lazy compares generations of the mm
 * that it has loaded.
 */
#include "models/kernel/mmu_notifier.h"
#include "models/kernel/tlb_batch.h"

#include <stdlib.h>

#include "models/kernel/smp.h"

/* mm->tlb_flush_batched: changes pending in the low half, as of the last flush in the high one. */
#define TLB_FLUSH_BATCH_FLUSHED_SHIFT 16
#define TLB_FLUSH_BATCH_PENDING_MASK  0x7fffu
#define TLB_FLUSH_BATCH_PENDING_LARGE (TLB_FLUSH_BATCH_PENDING_MASK / 2)

METRIC(desc_deferred, "reclaim.ptes_deferred", METRIC_COUNTER, "1", NULL,
       "cleared PTEs whose flush waited for their batch's");
METRIC(desc_at_once, "reclaim.ptes_flushed", METRIC_COUNTER, "1", NULL,
       "cleared PTEs that reclaim or migration flushed at once");
METRIC(desc_flushes, "reclaim.batch_flushes", METRIC_COUNTER, "1", NULL,
       "flushes of a batch of unmapped PTEs");
METRIC(desc_pending, "mm.batched_pending_flush", METRIC_COUNTER, "1", NULL,
       "full flushes under a PTL because reclaim may have left something "
       "(flush_tlb_batched_pending)");

static const struct unmap_ops *unmap_ops(const struct task *t, const void **params)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_BATCHED_UNMAP];

	*params = p->params;
	return p->choice->ops;
}

bool should_defer_flush(struct task *t, struct mm *mm)
{
	const void *params;
	bool defer = unmap_ops(t, &params)->should_defer(params, t, mm);

	if (!defer)
		metric_get(sim_metrics(t->k->sim), &desc_at_once, "")->value++;
	return defer;
}

static struct tlbflush_unmap_batch *batch_of(struct task *t)
{
	if (!t->tlb_ubc)
		t->tlb_ubc = calloc(1, sizeof(*t->tlb_ubc));
	return t->tlb_ubc;
}

static void note_mm(struct tlbflush_unmap_batch *b, struct mm *mm)
{
	for (size_t i = 0; i < b->nr_mms; i++)
		if (b->mms[i] == mm)
			return;
	if (b->nr_mms == b->cap_mms) {
		b->cap_mms = b->cap_mms ? 2 * b->cap_mms : 8;
		b->mms = realloc(b->mms, b->cap_mms * sizeof(*b->mms));
	}
	b->mms[b->nr_mms++] = mm;
	mm->changing++;
}

static void add_batched(struct task *t, struct mm *mm)
{
	touch_line(t, &mm->pending_line, LINE_ATOMIC); /* beside tlb_flush_pending */
	settle(t);
	if ((mm->tlb_flush_batched & TLB_FLUSH_BATCH_PENDING_MASK) > TLB_FLUSH_BATCH_PENDING_LARGE)
		mm->tlb_flush_batched = 1; /* before it runs over: pending, nothing flushed */
	else
		mm->tlb_flush_batched++;
}

void set_tlb_ubc_flush_pending(struct task *t, struct mm *mm, uint64_t addr, uint64_t pte)
{
	struct tlbflush_unmap_batch *b = batch_of(t);

	note_mm(b, mm);
	arch_tlbbatch_add_pending(t, mm, addr, b);
	b->flush_required = true;
	add_batched(t, mm);
	/* Somebody may write through the old translation until the flush. */
	b->writable |= (pte & PTE_DIRTY) != 0;
	kernel_metric(t->k, &t->k->metric.deferred, &desc_deferred)->value++;
}

void try_to_unmap_flush(struct task *t)
{
	struct tlbflush_unmap_batch *b = t->tlb_ubc;
	const void *params;

	if (!b || !b->flush_required)
		return;
	unmap_ops(t, &params)->flush(params, t, b);
	settle(t);
	metric_get(sim_metrics(t->k->sim), &desc_flushes, "")->value++;
	cpumask_clear(&b->cpumask);
	b->flush_required = b->writable = false;
	while (b->nr_mms)
		b->mms[--b->nr_mms]->changing--;
}

void try_to_unmap_flush_dirty(struct task *t)
{
	if (t->tlb_ubc && t->tlb_ubc->writable)
		try_to_unmap_flush(t);
}

void flush_tlb_batched_pending(struct task *t, struct mm *mm)
{
	unsigned int batched, pending;

	touch_line(t, &mm->pending_line, LINE_READ);
	batched = mm->tlb_flush_batched;
	pending = batched & TLB_FLUSH_BATCH_PENDING_MASK;
	if (pending == batched >> TLB_FLUSH_BATCH_FLUSHED_SHIFT)
		return;
	flush_tlb_mm(t, mm);
	metric_get(sim_metrics(t->k->sim), &desc_pending, "")->value++;
	touch_line(t, &mm->pending_line, LINE_ATOMIC);
	settle(t);
	if (mm->tlb_flush_batched == batched) /* else it is flushed once more: no harm */
		mm->tlb_flush_batched = pending | pending << TLB_FLUSH_BATCH_FLUSHED_SHIFT;
}

void tlb_batch_free(struct task *t)
{
	if (t->tlb_ubc)
		free(t->tlb_ubc->mms);
	free(t->tlb_ubc);
}

/* ---- x86 ---- */

static const struct shootdown_ops *shootdown_ops(const struct task *t, const void **params)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_SHOOTDOWN];

	*params = p->params;
	return p->choice->ops;
}

void arch_tlbbatch_add_pending(struct task *t, struct mm *mm, uint64_t addr,
			       struct tlbflush_unmap_batch *batch)
{
	const void *params;
	const struct shootdown_ops *ops = shootdown_ops(t, &params);

	if (ops->batch_add && ops->batch_add(params, t, mm, addr))
		return;
	/* Whoever loads the mm from here on sees the new generation; the others are in its mask. */
	touch_line(t, &mm->tlb_gen_line, LINE_ATOMIC);
	settle(t);
	mm->tlb_gen++;
	touch_line(t, &mm->cpumask_line[0], LINE_READ);
	settle(t);
	for (unsigned int i = 0; i < CPUMASK_WORDS; i++)
		batch->cpumask.w[i] |= mm->cpumask.w[i];
	/* The CPUs' flush is put off, that of secondary TLBs is not, and is of the whole mm. */
	arch_invalidate_secondary_tlbs(t, mm, 0, TLB_FLUSH_ALL);
}

struct batch_info {
	unsigned int initiator;
};

/* With interrupts off: is the mm that is loaded here up to date? */
static void flush_loaded_mm(struct task *t, void *arg)
{
	const struct batch_info *info = arg;
	struct kcpu *c = this_cpu(t);
	struct cpu_tlbstate *s = &c->tlbstate;
	uint64_t gen;

	spend(t, t->k->cost.flush_func);
	if (info->initiator != c->id)
		touch_line(t, &t->k->cpus[info->initiator].tlbstate.info_line, LINE_READ);
	if (!s->loaded_mm || s->loaded_asid == GLOBAL_ASID_SLOT)
		return;
	if (s->is_lazy) {
		switch_mm_irqs_off(t, NULL);
		return;
	}
	touch_line(t, &s->loaded_mm->tlb_gen_line, LINE_READ);
	settle(t);
	gen = s->loaded_mm->tlb_gen;
	if (s->ctxs[s->loaded_asid].tlb_gen == gen)
		return;
	flush_slot_all(t, s->loaded_asid);
	note_tlb_gen(t, s->loaded_asid, gen);
	trace_tlb_flush(t, info->initiator == c->id ? TLB_LOCAL_SHOOTDOWN : TLB_REMOTE_SHOOTDOWN,
			true, 0);
}

static bool is_not_lazy(struct task *t, unsigned int cpu, void *arg)
{
	struct cpu_tlbstate *s = &t->k->cpus[cpu].tlbstate;

	(void)arg;
	touch_line(t, &s->shared_line, LINE_READ);
	return !s->is_lazy;
}

void arch_tlbbatch_flush(struct task *t, struct tlbflush_unmap_batch *b)
{
	const void *params;
	const struct shootdown_ops *ops = shootdown_ops(t, &params);
	struct batch_info info;

	preempt_disable(t);
	spend(t, t->k->cost.flush_setup);
	settle(t);
	info.initiator = t->cpu;
	if (ops->batch_flush && ops->batch_flush(params, t)) {
		preempt_enable(t);
		return;
	}
	touch_line(t, &this_cpu(t)->tlbstate.info_line, LINE_WRITE);
	if (cpumask_any_but(&b->cpumask, t->cpu)) {
		trace_tlb_flush(t, TLB_REMOTE_SEND_IPI, true, 0);
		smp_call_function_many_cond(t, &b->cpumask, flush_loaded_mm, &info, is_not_lazy,
					    IPI_SHOOTDOWN);
	} else if (cpumask_test(&b->cpumask, t->cpu)) {
		irq_disable(t);
		flush_loaded_mm(t, &info);
		irq_enable(t);
	}
	preempt_enable(t);
}
