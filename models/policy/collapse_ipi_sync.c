// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * collapse: ipi-sync, an IPI to every CPU, which waits for walkers that run with interrupts off;
 * Linux up to 7.0.
 */
#include "models/kernel/smp.h"
#include "models/policy/collapse_common.h"

static void wait_for_walkers(const void *p, struct task *t)
{
	(void)p;
	tlb_remove_table_sync_one(t);
}

static const struct collapse_ops ops = { wait_for_walkers, collapse_settings_of };
static const struct policy_choice choice = {
	.axis = AXIS_COLLAPSE,
	.name = "ipi-sync",
	.summary = "an IPI to every CPU, which waits for walkers that run with interrupts off",
	.source = "mm/khugepaged.c, collapse_huge_page of Linux 6.1 to 6.18",
	.params = collapse_params,
	.params_size = sizeof(struct collapse_settings),
	.ops = &ops,
};
POLICY(choice);
