// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * shootdown: invlpgb, AMD's broadcast invalidation. An mm that is active on enough CPUs gets a
 * global ASID; from then on its flushes are INVLPGB and TLBSYNC instead of IPIs.
 */
#include "models/kernel/mm.h"

METRIC(desc_invlpgb, "tlb.invlpgb", METRIC_COUNTER, "1", NULL, "INVLPGB instructions");
METRIC(desc_tlbsync, "tlb.tlbsync", METRIC_HISTOGRAM, "ps", NULL, "TLBSYNC, issue to completion");
METRIC(desc_granted, "tlb.global_asids", METRIC_COUNTER, "1", NULL, "global ASIDs given to an mm");

struct params {
	uint32_t min_active_cpus, sample, ceiling;
};

static const struct param params[] = {
	{ .name = "min_active_cpus",
	  .type = PARAM_U32,
	  .offset = offsetof(struct params, min_active_cpus),
	  .def = "4",
	  .min = 1,
	  .max = NR_CPUS,
	  .help = "an mm active on this many CPUs gets a global ASID" },
	{ .name = "sample",
	  .type = PARAM_U32,
	  .offset = offsetof(struct params, sample),
	  .def = "32",
	  .min = 1,
	  .max = 4096,
	  .help = "one flush in so many, by task and jiffy, looks" },
	{ .name = "ceiling",
	  .type = PARAM_U32,
	  .offset = offsetof(struct params, ceiling),
	  .def = "33",
	  .max = 1e6,
	  .help = "tlb_single_page_flush_ceiling, pages" },
	PARAM_END
};

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

/* TLBSYNC waits for the farthest CPU that could hold the translation. */
static void tlbsync(struct task *t, const struct mm *mm)
{
	const struct machine *m = t->k->m;
	enum distance worst = DIST_SAME_CORE;
	sim_ps start = sim_now(t->k->sim);

	cpumask_for_each(cpu, &mm->cpumask) {
		enum distance d = machine_core_distance(m, this_cpu(t)->cpu->core,
							machine_core_of(m, cpu));

		worst = d > worst ? d : worst;
	}
	spend(t, m->desc.flush.tlbsync_base + (sim_ps)worst * m->desc.flush.tlbsync_remote);
	settle(t);
	hist_add(&metric_get(sim_metrics(t->k->sim), &desc_tlbsync, "")->hist,
		 sim_now(t->k->sim) - start);
}

/* While CPUs still run the mm under an ASID of their own, IPIs bring them over. */
static void finish_asid_transition(struct task *t, struct mm *mm, struct flush_tlb_info *f)
{
	struct cpumask mask = mm->cpumask;

	if (!mm->asid_transition)
		return;
	cpumask_for_each(cpu, &mask) {
		struct cpu_tlbstate *s = &t->k->cpus[cpu].tlbstate;

		touch_line(t, &s->line, LINE_READ);
		settle(t);
		if (s->loaded_mm != mm || s->loaded_asid == GLOBAL_ASID_SLOT)
			continue;
		flush_tlb_multi(t, &mask, f);
		return;
	}
	mm->asid_transition = false;
}

static void broadcast_flush(struct task *t, struct mm *mm, struct flush_tlb_info *f)
{
	const struct machine_desc *d = &t->k->m->desc;
	uint64_t pages = f->end == TLB_FLUSH_ALL ? 1 : (f->end - f->start) >> f->stride_shift;
	uint64_t per = f->end == TLB_FLUSH_ALL ? 1 : d->flush.invlpgb_max_pages;
	uint64_t n = (pages + per - 1) / per;

	spend(t, n * d->flush.invlpgb * (d->flush.pti ? 2 : 1));
	metric_get(sim_metrics(t->k->sim), &desc_invlpgb, "")->value += n;
	finish_asid_transition(t, mm, f);
	tlbsync(t, mm);
	broadcast(t, mm, f);
}

static unsigned int active_cpus(struct task *t, const struct mm *mm)
{
	unsigned int n = 0;
	struct cpumask mask = mm->cpumask;

	cpumask_for_each(cpu, &mask) {
		struct cpu_tlbstate *s = &t->k->cpus[cpu].tlbstate;

		touch_line(t, &s->line, LINE_READ);
		n += s->loaded_mm == mm && !s->is_lazy;
	}
	return n;
}

static void consider_global_asid(const struct params *p, struct task *t, struct mm *mm)
{
	uint64_t jiffies = sim_now(t->k->sim) / t->k->jiffy;

	if (!t->k->m->desc.flush.has_invlpgb || t->id % p->sample != jiffies % p->sample)
		return;
	if (cpumask_weight(&mm->cpumask) < p->min_active_cpus ||
	    active_cpus(t, mm) < p->min_active_cpus || mm->global_asid)
		return;
	mm->global_asid = (unsigned int)mm->ctx_id;
	mm->asid_transition = true;
	metric_get(sim_metrics(t->k->sim), &desc_granted, "")->value++;
}

static void flush(const void *p, struct task *t, struct mm *mm, const struct flush_tlb_info *info)
{
	struct flush_tlb_info f = *info;
	struct cpumask mask = mm->cpumask;

	f.pv_flush = true;
	if (mm->global_asid) {
		broadcast_flush(t, mm, &f);
	} else if (cpumask_any_but(&mask, t->cpu)) {
		flush_tlb_multi(t, &mask, &f);
		consider_global_asid(p, t, mm);
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
	spend(t, k->m->desc.flush.invlpgb + k->m->desc.flush.tlbsync_base +
			 (sim_ps)DIST_CROSS_SOCKET * k->m->desc.flush.tlbsync_remote);
	settle(t);
	metric_get(sim_metrics(k->sim), &desc_invlpgb, "")->value++;
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
