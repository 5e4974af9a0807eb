// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * When an mm gets its global ASID, and how its CPUs come to use it.
 */
#include "models/policy/global_asid.h"

METRIC(desc_granted, "tlb.global_asids", METRIC_COUNTER, "1", NULL, "global ASIDs given to an mm");

void finish_asid_transition(struct task *t, struct mm *mm, struct flush_tlb_info *f)
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

void consider_global_asid(const struct global_asid_params *p, struct task *t, struct mm *mm)
{
	if (t->id % p->sample != to_jiffies(t->k, sim_now(t->k->sim)) % p->sample)
		return;
	if (cpumask_weight(&mm->cpumask) < p->min_active_cpus ||
	    active_cpus(t, mm) < p->min_active_cpus || mm->global_asid)
		return;
	mm->global_asid = (unsigned int)mm->ctx_id;
	mm->asid_transition = true;
	metric_get(sim_metrics(t->k->sim), &desc_granted, "")->value++;
}
