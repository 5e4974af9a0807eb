// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * membarrier: threads of one process, each on a core of its own, that call the private expedited
 * form now and then, as user-space RCU and garbage collectors do. Each call interrupts all others.
 */
#include "workloads/synthetic/threads.h"

static void loop(struct task *t, struct loop_thread *self)
{
	const struct loop_params *p = self->params;

	while (!loop_done(self)) {
		user_compute(t, p->think);
		sys_membarrier(t, MEMBARRIER_CMD_PRIVATE_EXPEDITED);
		loop_count(self, 1);
	}
}

static const struct param params[] = { { .name = "think",
					 .type = PARAM_PS,
					 .offset = offsetof(struct loop_params, think),
					 .def = "10us",
					 .max = 1e12,
					 .help = "the program's own work between two calls" },
				       PARAM_END };

LOOP_LOAD(membarrier, loop, 0, params, "membarrier(PRIVATE_EXPEDITED) by every thread",
	  "kernel/sched/membarrier.c");
