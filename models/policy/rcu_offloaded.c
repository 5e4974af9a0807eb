// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * rcu-callbacks: offloaded, threads wait for grace periods and invoke callbacks of all CPUs
 * (rcu_nocbs=all); with a lazy time, callbacks that nobody waits for are put off by as much to save
 * power, and the memory behind them stays pinned.
 */
#include "models/policy/policy.h"

#include "sim/sim.h"

struct params {
	sim_ps lazy;
};

static const struct param params[] = { { .name = "lazy",
					 .type = PARAM_PS,
					 .offset = offsetof(struct params, lazy),
					 .def = "0s",
					 .max = 1e14,
					 .help = "how long call_rcu may wait before it asks for a "
						 "grace period; 10 s in Linux with "
						 "CONFIG_RCU_LAZY" },
				       PARAM_END };

static uint64_t lazy(const void *p)
{
	return ((const struct params *)p)->lazy;
}

static const struct rcu_callback_ops ops = { .offload = true, .lazy = lazy };
static const struct policy_choice choice = {
	.axis = AXIS_RCU_CALLBACKS,
	.name = "offloaded",
	.summary = "by threads of their own, anywhere; optionally lazy",
	.source = "kernel/rcu/tree_nocb.h, rcu_nocbs= and CONFIG_RCU_LAZY (Linux 6.2)",
	.params = params,
	.params_size = sizeof(struct params),
	.ops = &ops,
};
POLICY(choice);
