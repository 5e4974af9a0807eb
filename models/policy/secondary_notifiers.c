// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * secondary-tlbs: notifiers, subscribers that keep page tables of their own (a hypervisor): each is
 * called under SRCU before PTEs change, drops its translations, and installs none until the end of
 * the range.
 */
#include "models/kernel/mmu_notifier.h"

struct params {
	uint32_t subscribers;
	sim_ps invalidate, end;
};

static const struct param params[] = {
	{ .name = "subscribers",
	  .type = PARAM_U32,
	  .offset = offsetof(struct params, subscribers),
	  .def = "1",
	  .min = 1,
	  .max = 64,
	  .help = "per mm" },
	{ .name = "invalidate",
	  .type = PARAM_PS,
	  .offset = offsetof(struct params, invalidate),
	  .def = "1us", /* estimate: no source states one */
	  .max = 1e9,
	  .help = "invalidate_range_start of one subscriber: its lock, its tables, its TLB" },
	{ .name = "end",
	  .type = PARAM_PS,
	  .offset = offsetof(struct params, end),
	  .def = "50ns", /* estimate */
	  .max = 1e9,
	  .help = "invalidate_range_end of one subscriber" },
	PARAM_END
};

/* The spinlock of the subscriptions is the interval tree's, SRCU the list's. */
static void note(struct task *t, struct mm *mm)
{
	spin_lock(t, &mm->notifier_lock);
	spend(t, t->k->cost.notifier);
	spin_unlock(t, &mm->notifier_lock);
}

static void call_all(struct task *t, uint32_t n, sim_ps each)
{
	struct srcu *srcu = &t->k->secondary->srcu;
	unsigned int idx = srcu_read_lock(t, srcu);

	for (uint32_t i = 0; i < n; i++) {
		spend_time(t, each);
		settle(t);
	}
	srcu_read_unlock(t, srcu, idx);
}

static void range_start(const void *arg, struct task *t, struct mm *mm, uint64_t start,
			uint64_t end)
{
	const struct params *p = arg;

	(void)start, (void)end;
	note(t, mm);
	call_all(t, p->subscribers, p->invalidate);
}

static void range_end(const void *arg, struct task *t, struct mm *mm, uint64_t start, uint64_t end)
{
	const struct params *p = arg;

	(void)start, (void)end;
	call_all(t, p->subscribers, p->end);
	note(t, mm);
}

static const struct secondary_tlb_ops ops = { .range_start = range_start, .range_end = range_end };
static const struct policy_choice choice = {
	.axis = AXIS_SECONDARY_TLBS,
	.name = "notifiers",
	.summary = "subscribers with tables of their own, told before and after each change",
	.source = "mm/mmu_notifier.c, invalidate_range_start and _end",
	.params = params,
	.params_size = sizeof(struct params),
	.ops = &ops,
};
POLICY(choice);
