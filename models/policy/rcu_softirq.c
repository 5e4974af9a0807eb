// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * rcu-callbacks: softirq, each CPU invokes its own callbacks in batches, as Linux is booted by
 * default.
 */
#include "models/policy/policy.h"

static const struct rcu_callback_ops ops = { .offload = false };
static const struct policy_choice choice = {
	.axis = AXIS_RCU_CALLBACKS,
	.name = "softirq",
	.summary = "on the CPU that queued them, in limited batches, then ksoftirqd",
	.source = "kernel/rcu/tree.c, rcu_do_batch",
	.ops = &ops,
};
POLICY(choice);
