// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * shootdown: invlpgb, AMD's broadcast invalidation. An mm that is active on enough CPUs gets a
 * global ASID; from then on its flushes are INVLPGB and TLBSYNC instead of IPIs.
 */
#include "models/policy/ceiling.h"
#include "models/policy/global_asid.h"

METRIC(desc_invlpgb, "tlb.invlpgb", METRIC_COUNTER, "1", NULL, "INVLPGB instructions");
METRIC(desc_tlbsync, "tlb.tlbsync", METRIC_HISTOGRAM, "ps", NULL, "TLBSYNC, issue to completion");
struct params {
	struct global_asid_params asid;
	uint32_t ceiling;
};

static const struct param params[] = { GLOBAL_ASID_PARAMS, CEILING_PARAM(struct params),
				       PARAM_END };

/* Every CPU: one that left mm_cpumask may still hold the ASID's translations. */
static void broadcast(struct task *t, struct mm *mm, const struct flush_tlb_info *f)
{
	struct kernel *k = t->k;

	for (unsigned int cpu = 0; cpu < k->nr_cpus; cpu++) {
		struct kcpu *c = &k->cpus[cpu];
		struct tlb *tlb = &c->cpu->tlb;

		if (c->tlbstate.ctxs[GLOBAL_ASID_SLOT].ctx_id != mm->ctx_id)
			continue;
		if (f->end == TLB_FLUSH_ALL) {
			tlb_flush_slot(tlb, GLOBAL_ASID_SLOT);
			continue;
		}
		for (uint64_t a = f->start; a < f->end; a += UINT64_C(1) << f->stride_shift)
			tlb_invalidate(tlb, tlb_context(tlb, GLOBAL_ASID_SLOT), a >> PAGE_SHIFT);
	}
}

static void issue(struct task *t, uint64_t n)
{
	const struct machine *m = t->k->m;

	spend_time(t, n * m->desc.flush.invlpgb * (m->desc.flush.pti ? 2 : 1));
	kernel_metric(t->k, &t->k->metric.invlpgb, &desc_invlpgb)->value += n;
}

/* TLBSYNC waits for the farthest CPU that could hold the translation. */
static void tlbsync(struct task *t, const struct mm *mm)
{
	const struct machine *m = t->k->m;
	enum distance worst = DIST_SAME_CORE;
	sim_ps start;

	settle(t);
	start = sim_now(t->k->sim);

	cpumask_for_each(cpu, &mm->cpumask) {
		enum distance d = machine_core_distance(m, this_cpu(t)->cpu->core,
							machine_core_of(m, cpu));

		worst = d > worst ? d : worst;
	}
	spend_time(t, m->desc.flush.tlbsync_base + (sim_ps)worst * m->desc.flush.tlbsync_remote);
	settle(t);
	hist_add(&kernel_metric(t->k, &t->k->metric.tlbsync, &desc_tlbsync)->hist,
		 sim_now(t->k->sim) - start);
}

static void broadcast_flush(struct task *t, struct mm *mm, struct flush_tlb_info *f)
{
	const struct machine_desc *d = &t->k->m->desc;
	uint64_t pages = f->end == TLB_FLUSH_ALL ? 1 : (f->end - f->start) >> f->stride_shift;
	uint64_t per = f->end == TLB_FLUSH_ALL ? 1 : d->flush.invlpgb_max_pages;

	issue(t, (pages + per - 1) / per);
	finish_asid_transition(t, mm, f);
	tlbsync(t, mm);
	broadcast(t, mm, f);
}

static void flush(const void *p, struct task *t, struct mm *mm, const struct flush_tlb_info *info)
{
	struct flush_tlb_info f = *info;
	struct cpumask mask = mm->cpumask;

	f.pv_flush = true;
	if (mm->global_asid) {
		broadcast_flush(t, mm, &f);
	} else if (cpumask_any_but(&mask, t->cpu)) {
		f.trim = trim_cpumask_due(t, mm);
		flush_tlb_multi(t, &mask, &f);
		if (t->k->m->desc.flush.has_invlpgb)
			consider_global_asid(&((const struct params *)p)->asid, t, mm);
	} else {
		flush_local(t, &f);
	}
}

/* invlpgb_flush_all_nonglobals: nobody asks which mms are in the batch. */
static bool batch_flush(const void *p, struct task *t)
{
	struct kernel *k = t->k;

	(void)p;
	if (!k->m->desc.flush.has_invlpgb)
		return false;
	spend_time(t, k->m->desc.flush.invlpgb + k->m->desc.flush.tlbsync_base +
			      (sim_ps)DIST_CROSS_SOCKET * k->m->desc.flush.tlbsync_remote);
	settle(t);
	kernel_metric(k, &k->metric.invlpgb, &desc_invlpgb)->value++;
	for (unsigned int cpu = 0; cpu < k->nr_cpus; cpu++)
		tlb_flush_all(&k->cpus[cpu].cpu->tlb, false);
	return true;
}

static unsigned int ceiling(const void *p)
{
	return ((const struct params *)p)->ceiling;
}

static const struct shootdown_ops ops = { .flush = flush,
					  .ceiling = ceiling,
					  .batch_flush = batch_flush };
static const struct policy_choice choice = {
	.axis = AXIS_SHOOTDOWN,
	.name = "invlpgb",
	.summary = "AMD INVLPGB and TLBSYNC for an mm active on enough CPUs, IPIs for the others",
	.source = "Rik van Riel, x86/mm INVLPGB series, merged in Linux 6.15",
	.params = params,
	.params_size = sizeof(struct params),
	.ops = &ops,
};
POLICY(choice);
