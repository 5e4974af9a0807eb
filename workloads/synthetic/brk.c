// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * will-it-scale brk1 and brk2: the break goes up by a page and down again, each a loop. In brk1
 * nothing lies below it, so a VMA comes and goes; in brk2 a page of the task's own does, and its
 * VMA grows and shrinks. Threads move the one break of their process past each other.
 */
#include "workloads/synthetic/threads.h"

static void loop(struct task *t, struct loop_thread *self)
{
	const struct loop_params *p = self->params;
	uint64_t page = (uint64_t)sys_brk(t, 0);

	if (self->arg) {
		page += PAGE_BYTES;
		sys_brk(t, page);
	}
	while (!loop_done(self)) {
		user_compute(t, p->think);
		loop_brk(t, self, page + PAGE_BYTES);
		loop_count(self, 1);
		loop_brk(t, self, page);
		loop_count(self, 1);
	}
}

static const struct param params[] = { LOOP_THINK, LOOP_PROCESSES, PARAM_END };

LOOP_LOAD(brk1, loop, 0, params, "brk up and down by a page, on an empty heap",
	  "will-it-scale tests/brk1.c");

LOOP_LOAD(brk2, loop, 1, params, "brk up and down by a page, above one of the task's own",
	  "will-it-scale tests/brk2.c");
