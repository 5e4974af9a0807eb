// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * collapse: rcu-sync, an RCU grace period while mmap_lock is held for writing; what Linux 7.1 does.
 */
#include "models/kernel/rcu.h"
#include "models/policy/collapse_common.h"

static void wait_for_walkers(const void *p, struct task *t)
{
	(void)p;
	synchronize_rcu(t);
}

static const struct collapse_ops ops = { wait_for_walkers, collapse_settings_of };
static const struct policy_choice choice = {
	.axis = AXIS_COLLAPSE,
	.name = "rcu-sync",
	.summary = "an RCU grace period while mmap_lock is held for writing",
	.source = "linux-mm, 2025: tlb_remove_table_sync_one becomes synchronize_rcu",
	.params = collapse_params,
	.params_size = sizeof(struct collapse_settings),
	.ops = &ops,
};
POLICY(choice);
