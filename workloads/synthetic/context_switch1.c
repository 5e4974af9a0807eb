// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * will-it-scale context_switch1: each task has a partner on its own CPU, and a byte goes to and fro
 * between them through two pipes; a loop is one transfer, which is one switch.
 */
#include "workloads/synthetic/threads.h"

struct pair {
	struct pipe *there, *back;
	bool done;
};

static void partner(struct task *t, void *arg)
{
	struct pair *pair = arg;

	for (;;) {
		sys_pipe_read(t, pair->there);
		if (pair->done)
			return;
		sys_pipe_write(t, pair->back);
	}
}

static void loop(struct task *t, struct loop_thread *self)
{
	const struct loop_params *p = self->params;
	struct pair pair = { kernel_pipe(task_kernel(t)), kernel_pipe(task_kernel(t)), false };
	struct task *child = loop_fork(t, self, p->processes ? FORK_HERE : CLONE_HERE, partner,
				       &pair);

	while (!loop_done(self)) {
		user_compute(t, p->think);
		sys_pipe_write(t, pair.there);
		sys_pipe_read(t, pair.back);
		loop_count(self, 2);
	}
	pair.done = true;
	sys_pipe_write(t, pair.there);
	sys_wait4(t, child); /* it looks at our stack */
}

static const struct param params[] = { LOOP_THINK, LOOP_PROCESSES, PARAM_END };

LOOP_LOAD(context_switch1, loop, 0, params,
	  "a byte to and fro between two tasks of a CPU, through pipes",
	  "will-it-scale tests/context_switch1.c");
