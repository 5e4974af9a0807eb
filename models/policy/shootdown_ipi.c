// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * shootdown: ipi, an interrupt to every CPU that may hold a stale translation, the local flush
 * while they run, then waiting for all.
 */
#include "models/policy/ceiling.h"

enum filter { FILTER_LOADED_MM, FILTER_LAZY };
static const char *const filters[] = { "loaded-mm", "lazy", NULL };

struct params {
	bool concurrent, trim, skip_lazy, early_ack, store_to_polling, pv_flush,
		switch_clears_cpumask;
	uint32_t ceiling, filter;
};

static const struct param params[] = {
	{ .name = "concurrent",
	  .type = PARAM_BOOL,
	  .offset = offsetof(struct params, concurrent),
	  .def = "true",
	  .help = "flush locally while the IPIs are under way (Linux 5.13), not before" },
	{ .name = "trim",
	  .type = PARAM_BOOL,
	  .offset = offsetof(struct params, trim),
	  .def = "true",
	  .help = "once a second, tell CPUs that run another mm to leave mm_cpumask" },
	{ .name = "skip_lazy",
	  .type = PARAM_BOOL,
	  .offset = offsetof(struct params, skip_lazy),
	  .def = "true",
	  .help = "leave lazy CPUs alone unless tables are freed (Linux 4.20)" },
	{ .name = "early_ack",
	  .type = PARAM_BOOL,
	  .offset = offsetof(struct params, early_ack),
	  .def = "false",
	  .help = "targets acknowledge before they flush, the request inlined (RFC of 2019)" },
	{ .name = "store_to_polling",
	  .type = PARAM_BOOL,
	  .offset = offsetof(struct params, store_to_polling),
	  .def = "true",
	  .help = "an idle CPU that polls is called by a store, not by an IPI (Linux 5.8)" },
	{ .name = "pv_flush",
	  .type = PARAM_BOOL,
	  .offset = offsetof(struct params, pv_flush),
	  .def = "true",
	  .help = "leave preempted CPUs of a guest to their host (Linux 4.16), with "
		  "virt.pv_flush" },
	{ .name = "filter",
	  .type = PARAM_ENUM,
	  .offset = offsetof(struct params, filter),
	  .def = "loaded-mm",
	  .choices = filters,
	  .help = "whom to leave out: CPUs that run another mm and lazy ones (stable 6.1, 6.12), "
		  "or "
		  "only these" },
	{ .name = "switch_clears_cpumask",
	  .type = PARAM_BOOL,
	  .offset = offsetof(struct params, switch_clears_cpumask),
	  .def = "false",
	  .help = "a CPU leaves mm_cpumask as it switches (until Linux 6.13), not when it is found "
		  "there" },
	CEILING_PARAM(struct params),
	PARAM_END
};

static void flush(const void *arg, struct task *t, struct mm *mm, const struct flush_tlb_info *info)
{
	const struct params *p = arg;
	struct flush_tlb_info f = *info;
	struct cpumask mask = mm->cpumask;

	if (!cpumask_any_but(&mask, t->cpu)) {
		flush_local(t, &f);
		return;
	}
	f.trim = p->trim && trim_cpumask_due(t, mm);
	f.lazy_only = p->filter == FILTER_LAZY;
	f.lazy_too = !p->skip_lazy;
	f.early_ack = p->early_ack;
	f.pv_flush = p->pv_flush;
	if (!p->concurrent && cpumask_test(&mask, t->cpu)) {
		flush_local(t, &f);
		cpumask_unset(&mask, t->cpu);
	}
	flush_tlb_multi(t, &mask, &f);
}

static unsigned int ceiling(const void *p)
{
	return ((const struct params *)p)->ceiling;
}

static bool store_to_polling(const void *p)
{
	return ((const struct params *)p)->store_to_polling;
}

static bool clears_at_switch(const void *p)
{
	return ((const struct params *)p)->switch_clears_cpumask;
}

static const struct shootdown_ops ops = {
	.flush = flush,
	.ceiling = ceiling,
	.store_to_polling = store_to_polling,
	.switch_clears_cpumask = clears_at_switch,
};
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
