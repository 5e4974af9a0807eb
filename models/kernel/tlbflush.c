// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * x86 TLB flushing: generations, the 33-page ceiling, lazy filtering, and the handler that every
 * flushed CPU runs. As arch/x86 of Linux 6.16 to 6.18 does it; the route of a flush to other CPUs
 * is the shootdown policy's.
 */
#include "models/hw/steal.h"
#include "models/kernel/init.h"
#include "models/kernel/mmu_notifier.h"
#include "models/kernel/smp.h"

METRIC(desc_invlpg, "tlb.invlpg", METRIC_COUNTER, "1", NULL, "INVLPG instructions");
METRIC(desc_cr3, "tlb.cr3_flush", METRIC_COUNTER, "1", NULL, "CR3 writes that flushed an ASID");
METRIC(desc_latency, "tlb.flush_latency", METRIC_HISTOGRAM, "ps", NULL,
       "flush_tlb_mm_range, from call to return");
METRIC(desc_lazy, "ipi.skipped_lazy", METRIC_COUNTER, "1", NULL,
       "CPUs of an mm_cpumask that a shootdown left out: lazy, or running another mm");

METRIC(desc_preempted, "ipi.skipped_preempted", METRIC_COUNTER, "1", NULL,
       "CPUs that a shootdown left to their host, which had preempted them");

void tlbflush_init(struct kernel *k)
{
	struct metrics *m = sim_metrics(k->sim);

	k->metric.invlpg = metric_get(m, &desc_invlpg, "");
	k->metric.cr3_flush = metric_get(m, &desc_cr3, "");
	k->metric.flush_latency = metric_get(m, &desc_latency, "");
	k->metric.ipi_skipped_lazy = metric_get(m, &desc_lazy, "");
	k->metric.ipi_skipped_preempted = metric_get(m, &desc_preempted, "");
}

void flush_slot_all(struct task *t, unsigned int slot)
{
	struct cpu *cpu = this_cpu(t)->cpu;

	spend_time(t, cpu->m->desc.flush.cr3_write);
	settle(t);
	tlb_flush_slot(&cpu->tlb, slot);
	/* The CPU that settling ended on: the user's PCID is flushed on the way back. */
	this_cpu(t)->user_pcid_flush = cpu->m->desc.flush.pti;
	t->k->metric.cr3_flush->value++;
}

static void invalidate_pages(struct task *t, unsigned int slot, uint64_t start, uint64_t end,
			     unsigned int stride_shift)
{
	struct cpu *cpu = this_cpu(t)->cpu;
	const struct machine_desc *d = &cpu->m->desc;

	for (uint64_t addr = start; addr < end; addr += UINT64_C(1) << stride_shift) {
		spend_time(t, d->flush.invlpg + (d->flush.pti ? d->flush.invpcid_single : 0));
		tlb_invalidate(&cpu->tlb, tlb_context(&cpu->tlb, slot), addr >> PAGE_SHIFT);
		t->k->metric.invlpg->value++;
	}
	settle(t);
}

void flush_slot_range(struct task *t, unsigned int slot, uint64_t start, uint64_t end)
{
	invalidate_pages(t, slot, start, end, PAGE_SHIFT);
}

/*
 * struct tlb_state begins with 32 bytes, loaded_mm first among them, and ctxs[] of 16 bytes each
 * (x86-64, 5.x to 6.18): what the first two ASIDs note of their flushes takes the line of loaded_mm
 * away from all who look whether this CPU must be told.
 */
#define CTXS_BESIDE_LOADED_MM 2

void note_tlb_gen(struct task *t, unsigned int asid, uint64_t gen)
{
	struct cpu_tlbstate *s = &this_cpu(t)->tlbstate;

	s->ctxs[asid].tlb_gen = gen;
	if (asid < CTXS_BESIDE_LOADED_MM)
		post_store(t, &s->line);
}

static void flush_stale(struct task *t, struct cpu_tlbstate *s, const struct flush_tlb_info *f,
			uint64_t mm_gen, bool local)
{
	unsigned int asid = s->loaded_asid;
	uint64_t local_gen = s->ctxs[asid].tlb_gen;
	bool partial = f->end != TLB_FLUSH_ALL && f->new_tlb_gen == local_gen + 1 &&
		       f->new_tlb_gen == mm_gen;

	if (partial)
		invalidate_pages(t, asid, f->start, f->end, f->stride_shift);
	else
		flush_slot_all(t, asid);
	note_tlb_gen(t, asid, mm_gen);
	trace_tlb_flush(t, local ? TLB_LOCAL_MM_SHOOTDOWN : TLB_REMOTE_SHOOTDOWN, !partial,
			partial ? (f->end - f->start) >> f->stride_shift : 0);
}

void leave_cpumask(struct task *t, struct mm *mm)
{
	touch_line(t, &mm->cpumask_line[t->cpu / 512], LINE_ATOMIC);
	settle(t);
	cpumask_unset(&mm->cpumask, t->cpu);
}

/* A CPU that does not use it yet takes it over. By INVLPGB it is up to date; where it is kept so by
 * mm_cpumask, IPIs are sent to trim that mask and flush as well. */
static void flush_global_asid(struct task *t, const struct flush_tlb_info *f, bool local)
{
	struct cpu_tlbstate *s = &this_cpu(t)->tlbstate;
	bool whole = f->end == TLB_FLUSH_ALL;

	if (s->is_lazy && t->k->asid_by_mask) {
		leave_cpumask(t, f->mm);
		switch_mm_irqs_off(t, NULL);
		return;
	}
	if (s->loaded_asid != GLOBAL_ASID_SLOT) {
		switch_mm_irqs_off(t, f->mm);
		return;
	}
	if (!t->k->asid_by_mask)
		return;
	if (whole)
		flush_slot_all(t, GLOBAL_ASID_SLOT);
	else
		invalidate_pages(t, GLOBAL_ASID_SLOT, f->start, f->end, f->stride_shift);
	trace_tlb_flush(t, local ? TLB_LOCAL_MM_SHOOTDOWN : TLB_REMOTE_SHOOTDOWN, whole,
			whole ? 0 : (f->end - f->start) >> f->stride_shift);
}

void flush_tlb_func(struct task *t, void *arg)
{
	const struct flush_tlb_info *f = arg;
	struct kcpu *c = this_cpu(t);
	struct cpu_tlbstate *s = &c->tlbstate;
	bool local = f->initiator == c->id;
	uint64_t mm_gen;

	spend(t, t->k->cost.flush_func);
	if (!local && !f->early_ack)
		touch_line(t, &t->k->cpus[f->initiator].tlbstate.info_line, LINE_READ);
	if (f->mm != s->loaded_mm) {
		if (!local && !switch_clears_cpumask(t->k)) {
			leave_cpumask(t, f->mm);
			trace_tlb_flush(t, TLB_REMOTE_WRONG_CPU, false, 0);
		}
		return;
	}
	if (f->mm->global_asid) {
		flush_global_asid(t, f, local);
		return;
	}
	if (s->is_lazy) {
		switch_mm_irqs_off(t, NULL);
		return;
	}
	if (f->new_tlb_gen <= s->ctxs[s->loaded_asid].tlb_gen)
		return;
	touch_line(t, &f->mm->tlb_gen_line, LINE_READ);
	settle(t);
	mm_gen = f->mm->tlb_gen;
	flush_stale(t, s, f, mm_gen, local);
}

bool trim_cpumask_due(struct task *t, struct mm *mm)
{
	uint64_t now = to_jiffies(t->k, sim_now(t->k->sim));

	/* Beside tlb_gen, which this CPU has just raised. */
	touch_line(t, &mm->tlb_gen_line, LINE_READ);
	if (now <= mm->next_trim)
		return false;
	touch_line(t, &mm->tlb_gen_line, LINE_WRITE);
	mm->next_trim = now + to_jiffies(t->k, SIM_S);
	return true;
}

/* smp_cond_fn */
static bool should_flush_tlb(struct task *t, unsigned int cpu, void *arg)
{
	const struct flush_tlb_info *f = arg;
	struct cpu_tlbstate *s = &t->k->cpus[cpu].tlbstate;

	if (!f->lazy_only)
		touch_line(t, &s->line, LINE_READ);
	touch_line(t, &s->shared_line, LINE_READ);
	if (f->lazy_only && !s->is_lazy)
		return true;
	if ((!s->is_lazy || f->lazy_too) && (s->switching || s->loaded_mm == f->mm || f->trim))
		return true;
	t->k->metric.ipi_skipped_lazy->value++;
	return false;
}

/* Freed tables must be forgotten by lazy CPUs, too: they may walk them speculatively, and so nobody
 * goes on before they have. And who changes to a global ASID, or misses remote actions, looks. */
static bool flushes_lazy_cpus(const struct task *t, const struct flush_tlb_info *info)
{
	return info->freed_tables || info->mm->asid_transition ||
	       (info->mm->global_asid && t->k->asid_by_mask);
}

/* kvm_flush_tlb_multi: who is preempted is flushed by its host before it runs again. */
static void leave_preempted_to_host(struct task *t, struct cpumask *mask)
{
	struct cpumask all = *mask;

	cpumask_for_each(cpu, &all) {
		struct kcpu *c = &t->k->cpus[cpu];

		if (cpu == t->cpu || !c->cpu->steal)
			continue;
		touch_line(t, &c->tlbstate.steal_line, LINE_READ);
		settle(t);
		if (!steal_ask_flush(c->cpu))
			continue;
		touch_line(t, &c->tlbstate.steal_line, LINE_ATOMIC);
		cpumask_unset(mask, cpu);
		t->k->metric.ipi_skipped_preempted->value++;
	}
}

void flush_tlb_multi(struct task *t, const struct cpumask *targets, struct flush_tlb_info *info)
{
	struct cpumask mask = *targets;

	if (info->pv_flush && t->k->m->desc.virt.pv_flush)
		leave_preempted_to_host(t, &mask);
	trace_tlb_flush(t, TLB_REMOTE_SEND_IPI, info->end == TLB_FLUSH_ALL,
			(info->end - info->start) >> info->stride_shift);
	smp_call_function_many_inlined(t, &mask, flush_tlb_func, info,
				       info->early_ack && !info->freed_tables ? sizeof(*info) : 0,
				       flushes_lazy_cpus(t, info) ? NULL : should_flush_tlb,
				       IPI_SHOOTDOWN);
}

void flush_local(struct task *t, struct flush_tlb_info *info)
{
	if (this_cpu(t)->tlbstate.loaded_mm != info->mm)
		return;
	irq_disable(t);
	flush_tlb_func(t, info);
	irq_enable(t);
}

/* The generation is raised after the PTEs have changed and before mm_cpumask is read. */
static void ask_for_flush(struct task *t, struct flush_tlb_info *info)
{
	struct mm *mm = info->mm;

	touch_line(t, &mm->tlb_gen_line, LINE_ATOMIC);
	settle(t);
	info->new_tlb_gen = ++mm->tlb_gen;
	info->initiator = t->cpu;
	touch_line(t, &this_cpu(t)->tlbstate.info_line, LINE_WRITE);
	touch_line(t, &mm->cpumask_line[0], LINE_READ);
}

static void flush_range(struct task *t, struct mm *mm, uint64_t start, uint64_t end,
			unsigned int stride_shift, bool freed_tables)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_SHOOTDOWN];
	const struct shootdown_ops *ops = p->choice->ops;
	struct flush_tlb_info info = { .mm = mm,
				       .start = start,
				       .end = end,
				       .stride_shift = stride_shift,
				       .freed_tables = freed_tables };
	unsigned int ceiling = ops->ceiling ? ops->ceiling(p->params)
					    : TLB_SINGLE_PAGE_FLUSH_CEILING;
	sim_ps asked_at;

	preempt_disable(t);
	spend(t, t->k->cost.flush_setup);
	settle(t);
	asked_at = sim_now(t->k->sim);
	if (end == TLB_FLUSH_ALL || (end - start) >> stride_shift > ceiling) {
		info.start = 0;
		info.end = TLB_FLUSH_ALL;
	}
	if (!t->k->tlb_broadcast)
		ask_for_flush(t, &info);
	ops->flush(p->params, t, mm, &info);
	arch_invalidate_secondary_tlbs(t, mm, info.start, info.end);
	settle(t);
	hist_add(&t->k->metric.flush_latency->hist, sim_now(t->k->sim) - asked_at);
	preempt_enable(t);
}

void flush_tlb_mm_range(struct task *t, struct mm *mm, uint64_t start, uint64_t end,
			bool freed_tables)
{
	flush_range(t, mm, start, end, PAGE_SHIFT, freed_tables);
}

void flush_tlb_huge_range(struct task *t, struct mm *mm, uint64_t start, uint64_t end)
{
	flush_range(t, mm, start, end, PMD_SHIFT, false);
}
