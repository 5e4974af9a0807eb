// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Issuing TLBIs, and what a DSB makes of those that a CPU has issued since its last.
 */
#include "models/kernel/tlbi.h"

#include <stdlib.h>

#include "models/hw/tlbi.h"

METRIC(desc_tlbi, "tlb.tlbi", METRIC_COUNTER, "1", NULL, "broadcast TLBI instructions (Arm)");
METRIC(desc_dsb, "tlb.dsb", METRIC_HISTOGRAM, "ps", NULL,
       "DSB ISH that waited for a CPU's own TLBIs, to completion");

struct tlbi {
	uint64_t ctx_id, start, end;
	unsigned int stride_shift;
	bool tables;
};

/* Issued by one CPU, not yet waited for. */
struct tlbi_queue {
	size_t n, cap;
	struct tlbi item[];
};

static void push(struct kcpu *c, struct tlbi item)
{
	struct tlbi_queue *q = c->tlbi;

	if (!q || q->n == q->cap) {
		size_t cap = q ? 2 * q->cap : 8, n = q ? q->n : 0;

		q = c->tlbi = realloc(q, sizeof(*q) + cap * sizeof(q->item[0]));
		q->n = n;
		q->cap = cap;
	}
	q->item[q->n++] = item;
}

void tlbi_flush(struct task *t, const struct flush_tlb_info *f)
{
	const struct machine_desc *d = &t->k->m->desc;
	uint64_t pages = (f->end - f->start) >> f->stride_shift, n = 1;
	struct cpu *cpu;

	if (f->end != TLB_FLUSH_ALL)
		n = tlbi_ops(pages, d->flush.has_tlbi_range);
	if (d->flush.pti) /* the user's ASID is another one */
		n *= 2;
	spend_time(t, n * d->flush.tlbi);
	settle(t);
	cpu = this_cpu(t)->cpu;
	tlbi_send(cpu, n);
	push(this_cpu(t),
	     (struct tlbi){ f->mm->ctx_id, f->start, f->end, f->stride_shift, f->freed_tables });
	kernel_metric(t->k, &t->k->metric.tlbi, &desc_tlbi)->value += n;
}

static void forget(struct tlb *tlb, unsigned int slot, const struct tlbi *i)
{
	uint32_t context = tlb_context(tlb, slot);

	if (i->end == TLB_FLUSH_ALL) {
		tlb_flush_slot(tlb, slot);
		return;
	}
	for (uint64_t a = i->start; a < i->end; a += UINT64_C(1) << i->stride_shift) {
		if (i->tables)
			tlb_invalidate_one(tlb, context, a >> PAGE_SHIFT);
		else
			tlb_invalidate_leaf(tlb, context, a >> PAGE_SHIFT);
	}
}

/* An ASID is the same on every CPU; here it is in whatever slot the CPU has it. */
static void take_effect(struct kernel *k, const struct tlbi *i)
{
	for (unsigned int cpu = 0; cpu < k->nr_cpus; cpu++)
		for (unsigned int slot = 0; slot < TLB_NR_DYN_ASIDS; slot++)
			if (k->cpus[cpu].tlbstate.ctxs[slot].ctx_id == i->ctx_id)
				forget(&k->cpus[cpu].cpu->tlb, slot, i);
}

void dsb_ish(struct task *t)
{
	struct kcpu *c;
	sim_ps begin;

	settle(t);
	c = this_cpu(t);
	if (!c->tlbi || !c->tlbi->n)
		return;
	begin = sim_now(t->k->sim);
	cpu_stall(c->cpu, tlbi_complete_at(c->cpu));
	for (size_t i = 0; i < c->tlbi->n; i++)
		take_effect(t->k, &c->tlbi->item[i]);
	c->tlbi->n = 0;
	hist_add(&kernel_metric(t->k, &t->k->metric.dsb, &desc_dsb)->hist,
		 sim_now(t->k->sim) - begin);
}

void tlbi_free_cpu(struct kcpu *c)
{
	free(c->tlbi);
	c->tlbi = NULL;
}
