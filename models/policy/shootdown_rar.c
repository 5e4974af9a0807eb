// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * shootdown: rar, Intel's remote action requests. An mm that is active on enough CPUs gets a global
 * ASID; from then on microcode on the CPUs of mm_cpumask flushes for it, interrupts off or not.
 * Once a second IPIs flush instead, to trim the mask.
 */
#include "models/kernel/rar.h"
#include "models/kernel/tlb_batch.h"
#include "models/policy/ceiling.h"
#include "models/policy/global_asid.h"

struct params {
	struct global_asid_params asid;
	uint32_t ceiling;
};

static const struct param params[] = { GLOBAL_ASID_PARAMS, CEILING_PARAM(struct params),
				       PARAM_END };

static void remote_actions(struct task *t, struct mm *mm, struct flush_tlb_info *f)
{
	struct cpumask mask = mm->cpumask;

	smp_call_rar_many(t, mm, &mask, f);
	if (t->k->m->desc.flush.pti) /* and the user's PCID */
		smp_call_rar_many(t, mm, &mask, f);
	flush_local(t, f);
	finish_asid_transition(t, mm, f);
}

static void flush(const void *p, struct task *t, struct mm *mm, const struct flush_tlb_info *info)
{
	struct flush_tlb_info f = *info;
	struct cpumask mask = mm->cpumask;

	if (!cpumask_any_but(&mask, t->cpu)) {
		flush_local(t, &f);
		return;
	}
	f.trim = trim_cpumask_due(t, mm);
	f.pv_flush = true;
	if (mm->global_asid && !f.trim) {
		remote_actions(t, mm, &f);
		return;
	}
	flush_tlb_multi(t, &mask, &f);
	if (t->k->rar)
		consider_global_asid(&((const struct params *)p)->asid, t, mm);
}

/* Of reclaim: all that the CPUs of the batch have. Generations say nothing of global ASIDs. */
static bool batch_flush(const void *p, struct task *t)
{
	struct cpumask mask = t->tlb_ubc->cpumask;

	(void)p;
	if (!t->k->rar)
		return false;
	smp_call_rar_all(t, &mask);
	if (cpumask_test(&mask, t->cpu)) {
		spend_time(t, t->k->m->desc.flush.cr3_write);
		settle(t);
		tlb_flush_all(&this_cpu(t)->cpu->tlb, false);
	}
	return true;
}

static unsigned int ceiling(const void *p)
{
	return ((const struct params *)p)->ceiling;
}

static const struct shootdown_ops ops = {
	.flush = flush, .ceiling = ceiling, .asid_by_mask = true, .batch_flush = batch_flush
};
static const struct policy_choice choice = {
	.axis = AXIS_SHOOTDOWN,
	.name = "rar",
	.summary = "Intel remote action requests for an mm active on enough CPUs, IPIs for others",
	.source = "Rik van Riel, Intel RAR TLB invalidation, RFC v3 of June 2025, not merged",
	.params = params,
	.params_size = sizeof(struct params),
	.ops = &ops,
};
POLICY(choice);
