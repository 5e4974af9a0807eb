// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The memory side of a context switch on x86: mm_cpumask, ASIDs, tlb_gen, lazy TLB. As
 * switch_mm_irqs_off of Linux 6.16 to 6.18: the previous mm's bit stays in its cpumask.
 */
#include "models/kernel/init.h"
#include "models/kernel/mm.h"

METRIC(desc_flush, "tlb.flush", METRIC_COUNTER, "1", "reason",
       "tlb_flush tracepoint: flushes done or asked for, by the kernel's reason");
METRIC(desc_full, "tlb.flush_full", METRIC_COUNTER, "1", "reason",
       "those of tlb.flush that were of everything (pages:-1)");

METRIC(desc_unseen, "tlb.flush_unseen", METRIC_COUNTER, "1", "reason",
       "those of tlb.flush in idle tasks that the recorder of the replayed recording did not see");
METRIC(desc_full_unseen, "tlb.flush_full_unseen", METRIC_COUNTER, "1", "reason",
       "likewise of tlb.flush_full");

static const char *const reason_names[NR_TLB_FLUSH_REASONS] = {
	[TLB_FLUSH_ON_TASK_SWITCH] = "task-switch", [TLB_REMOTE_SHOOTDOWN] = "remote-shootdown",
	[TLB_LOCAL_SHOOTDOWN] = "local-shootdown",  [TLB_LOCAL_MM_SHOOTDOWN] = "local-mm-shootdown",
	[TLB_REMOTE_SEND_IPI] = "remote-ipi-send",  [TLB_REMOTE_WRONG_CPU] = "remote-wrong-cpu",
};

void flush_metrics_init(struct kernel *k)
{
	struct metrics *m = sim_metrics(k->sim);

	for (unsigned int r = 0; r < NR_TLB_FLUSH_REASONS; r++) {
		k->metric.flush[r] = metric_get(m, &desc_flush, reason_names[r]);
		k->metric.flush_full[r] = metric_get(m, &desc_full, reason_names[r]);
	}
}

static void note_unseen(struct kernel *k, enum tlb_flush_reason reason, bool full)
{
	struct metrics *m = sim_metrics(k->sim);

	metric_get(m, &desc_unseen, reason_names[reason])->value++;
	if (full)
		metric_get(m, &desc_full_unseen, reason_names[reason])->value++;
}

void trace_tlb_flush(struct task *t, enum tlb_flush_reason reason, bool full, uint64_t pages)
{
	tracepoint(t);
	t->k->metric.flush[reason]->value++;
	if (full)
		t->k->metric.flush_full[reason]->value++;
	if (t->unseen)
		note_unseen(t->k, reason, full);
	(void)pages;
}

/* The slot of the mm's ASID on this CPU; joined: it has just come into mm_cpumask. *flush: what the
 * slot holds is not up to date. NULL: init_mm. */
static unsigned int choose_new_asid(struct task *t, const struct mm *next, uint64_t gen,
				    bool joined, bool *flush)
{
	uint64_t ctx_id = next ? next->ctx_id : INIT_MM_CTX_ID;
	struct cpu_tlbstate *s = &this_cpu(t)->tlbstate;
	unsigned int asid;

	if (!t->k->m->desc.tlb.pcid) {
		*flush = true;
		return 0;
	}
	if (next && next->global_asid) {
		*flush = s->ctxs[GLOBAL_ASID_SLOT].ctx_id != ctx_id ||
			 (joined && t->k->asid_by_mask);
		return GLOBAL_ASID_SLOT;
	}
	for (asid = 0; asid < TLB_NR_DYN_ASIDS; asid++) {
		if (s->ctxs[asid].ctx_id != ctx_id)
			continue;
		*flush = s->ctxs[asid].tlb_gen < gen;
		return asid;
	}
	asid = s->next_asid;
	s->next_asid = (asid + 1) % TLB_NR_DYN_ASIDS;
	*flush = true;
	return asid;
}

/*
 * Every load of CR3 fires tlb_flush, with pages:-1 if it flushes and pages:0 if not. So do those
 * that are no switch of tasks: back from lazy mode to what has changed meanwhile, and to init_mm
 * when a shootdown reaches a lazy CPU. Going lazy loads nothing, and neither does coming back to an
 * mm that is up to date: no event.
 */
static void load_new_mm_cr3(struct task *t, const struct mm *next, unsigned int asid, uint64_t gen,
			    bool flush)
{
	struct cpu_tlbstate *s = &this_cpu(t)->tlbstate;

	s->ctxs[asid].ctx_id = next ? next->ctx_id : INIT_MM_CTX_ID;
	tlb_use_slot(&this_cpu(t)->cpu->tlb, asid);
	if (t->k->tlb_broadcast) { /* a write of TTBR; a new ASID has nothing to flush */
		spend_time(t, t->k->m->desc.flush.cr3_write / 2);
		if (flush)
			tlb_flush_slot(&this_cpu(t)->cpu->tlb, asid);
		return;
	}
	if (flush) {
		s->ctxs[asid].tlb_gen = gen;
		flush_slot_all(t, asid);
	} else {
		/* no-flush write: serialisation only */
		spend_time(t, t->k->m->desc.flush.cr3_write / 2);
	}
	trace_tlb_flush(t, TLB_FLUSH_ON_TASK_SWITCH, flush, 0);
}

/* Back from lazy mode to the same mm: flush only what was missed. */
static void leave_lazy(struct task *t, struct mm *mm)
{
	struct cpu_tlbstate *s = &this_cpu(t)->tlbstate;
	unsigned int asid = s->loaded_asid;

	if (t->k->tlb_broadcast) /* it was reached meanwhile */
		return;
	touch_line(t, &mm->tlb_gen_line, LINE_READ);
	settle(t);
	if (s->ctxs[asid].tlb_gen == mm->tlb_gen)
		return;
	load_new_mm_cr3(t, mm, asid, mm->tlb_gen, true);
}

bool switch_clears_cpumask(const struct kernel *k)
{
	const struct policy_pick *p = &k->policy.pick[AXIS_SHOOTDOWN];
	const struct shootdown_ops *ops = p->choice->ops;

	return ops->switch_clears_cpumask && ops->switch_clears_cpumask(p->params);
}

/* What it holds in its TLB stays, to be found old by tlb_gen when it comes back. */
static void leave_previous_mask(struct task *t)
{
	struct mm *prev = this_cpu(t)->tlbstate.loaded_mm;

	if (prev && !t->k->tlb_broadcast && switch_clears_cpumask(t->k))
		leave_cpumask(t, prev);
}

static void leave_previous_asid(struct task *t)
{
	struct cpu_tlbstate *s = &this_cpu(t)->tlbstate;

	if (!t->k->m->desc.tlb.pcid && s->loaded_mm)
		s->ctxs[s->loaded_asid].ctx_id = 0;
}

/* From now on in mm_cpumask; only then is it seen what was missed. Its tlb_gen. */
static uint64_t receive_ipis(struct task *t, struct mm *next, bool *joined)
{
	unsigned int cpu = t->cpu;

	if (t->k->tlb_broadcast)
		return next->tlb_gen;
	if (!cpumask_test(&next->cpumask, cpu) || switch_clears_cpumask(t->k)) {
		touch_line(t, &next->cpumask_line[cpu / 512], LINE_ATOMIC);
		settle(t);
		cpumask_set(&next->cpumask, cpu);
		*joined = true;
	}
	touch_line(t, &next->tlb_gen_line, LINE_READ);
	settle(t);
	return next->tlb_gen;
}

void switch_mm_irqs_off(struct task *t, struct mm *next)
{
	struct cpu_tlbstate *s = &this_cpu(t)->tlbstate;
	bool was_lazy = s->is_lazy, joined = false, flush;
	unsigned int asid;
	uint64_t gen;

	if (was_lazy) {
		touch_line(t, &s->shared_line, LINE_WRITE);
		s->is_lazy = false;
	}
	if (s->loaded_mm == next) {
		if (next && next->global_asid) {
			if (s->loaded_asid != GLOBAL_ASID_SLOT)
				goto reload;
			/* and it was reached meanwhile, lazy or not */
		} else if (next && was_lazy) {
			leave_lazy(t, next);
		}
		return;
	}
reload:
	leave_previous_asid(t);
	s->switching = true;
	touch_line(t, &s->line, LINE_WRITE);
	if (s->loaded_mm != next)
		leave_previous_mask(t);
	gen = next ? receive_ipis(t, next, &joined) : 1;
	asid = choose_new_asid(t, next, gen, joined, &flush);
	load_new_mm_cr3(t, next, asid, gen, flush);
	touch_line(t, &s->line, LINE_WRITE);
	settle(t);
	s->loaded_mm = next;
	s->loaded_asid = asid;
	s->switching = false;
}

void enter_lazy_tlb(struct task *t)
{
	struct cpu_tlbstate *s = &this_cpu(t)->tlbstate;

	if (!s->loaded_mm || s->is_lazy)
		return;
	touch_line(t, &s->shared_line, LINE_WRITE);
	s->is_lazy = true;
}
