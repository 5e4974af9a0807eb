// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * numa-balancing: scan, what Linux does on machines with several nodes: parts of an mm are made
 * inaccessible in turn, and faults move pages to the node that uses them.
 */
#include "models/kernel/mm.h"

static const struct param params[] = {
	{ .name = "delay",
	  .type = PARAM_PS,
	  .offset = offsetof(struct numa_scan, delay),
	  .def = "1s",
	  .max = 1e14,
	  .help = "scan_delay_ms: before the first scan of an mm" },
	{ .name = "period",
	  .type = PARAM_PS,
	  .offset = offsetof(struct numa_scan, period),
	  .def = "1s",
	  .min = 1e6,
	  .max = 1e14,
	  .help = "scan_period_min_ms: from one scan to the next" },
	{ .name = "size",
	  .type = PARAM_BYTES,
	  .offset = offsetof(struct numa_scan, size),
	  .def = "256MiB",
	  .min = 4096,
	  .max = 1e13,
	  .help = "scan_size_mb: address space that a scan covers" },
	{ .name = "two_stage",
	  .type = PARAM_BOOL,
	  .offset = offsetof(struct numa_scan, two_stage),
	  .def = "true",
	  .help = "a page moves at its second fault in a row from the same node" },
	PARAM_END
};

static const struct numa_scan *scan(const void *p)
{
	return p;
}

static const struct numa_ops ops = { scan };
static const struct policy_choice choice = {
	.axis = AXIS_NUMA,
	.name = "scan",
	.summary = "kernel.numa_balancing=1: hint faults by PROT_NONE, misplaced pages migrate",
	.source = "kernel/sched/fair.c, task_numa_work; mm/memory.c, do_numa_page",
	.params = params,
	.params_size = sizeof(struct numa_scan),
	.ops = &ops,
};
POLICY(choice);
