// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * numa-balancing: off, pages stay where they were first touched.
 */
#include "models/kernel/mm.h"

static const struct numa_scan *scan(const void *p)
{
	(void)p;
	return NULL;
}

static const struct numa_ops ops = { scan };
static const struct policy_choice choice = {
	.axis = AXIS_NUMA,
	.name = "off",
	.summary = "kernel.numa_balancing=0: pages stay where they were first touched",
	.source = "Documentation/admin-guide/sysctl/kernel.rst",
	.ops = &ops,
};
POLICY(choice);
