// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * shootdown: ipi, an interrupt to every CPU that may hold a stale translation, the local flush while
 * they run, then waiting for all.
 */
#include "models/kernel/mm.h"

struct params {
	bool concurrent;
	bool trim;
};

static const struct param params[] = {
	{ .name = "concurrent", .type = PARAM_BOOL, .offset = offsetof(struct params, concurrent),
	  .def = "true", .help = "flush locally while the IPIs are under way (Linux 5.13), not before" },
	{ .name = "trim", .type = PARAM_BOOL, .offset = offsetof(struct params, trim), .def = "true",
	  .help = "once a second, tell CPUs that run another mm to leave mm_cpumask" },
	PARAM_END
};

static void flush(const void *arg, struct task *t, struct mm *mm, const struct flush_tlb_info *info)
{
	const struct params *p = arg;
	struct flush_tlb_info f = *info;
	struct cpumask mask = mm->cpumask;
	sim_ps now = sim_now(t->k->sim);

	if (!cpumask_any_but(&mask, t->cpu)) {
		flush_local(t, &f);
		return;
	}
	if (p->trim && now >= mm->next_trim) {
		f.trim = mm->next_trim != 0;
		mm->next_trim = now + SIM_S;
	}
	if (!p->concurrent && cpumask_test(&mask, t->cpu)) {
		flush_local(t, &f);
		cpumask_unset(&mask, t->cpu);
	}
	flush_tlb_multi(t, &mask, &f);
}

static const struct shootdown_ops ops = { flush };
static const struct policy_choice choice = {
	.axis = AXIS_SHOOTDOWN,
	.name = "ipi",
	.summary = "IPIs to all CPUs in mm_cpumask that are not lazy",
	.source = "arch/x86/mm/tlb.c of Linux 6.16 to 6.18; serial: before Linux 5.13",
	.params = params,
	.params_size = sizeof(struct params),
	.ops = &ops,
};
POLICY(choice);
