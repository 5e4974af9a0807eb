// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The way into a system call and out of it, and the moments at which its tracepoints fire: what a
 * recorder sees of a call is neither the entry code nor the cost of its own last event.
 */
#include "models/kernel/kernel.h"

void syscall_enter(struct task *t)
{
	spend(t, t->k->cost.syscall / 2);
	t->entered = task_time(t);
	tracepoint(t);
}

void syscall_exit(struct task *t)
{
	t->call_time = task_time(t) - t->entered;
	tracepoint(t);
	spend(t, t->k->cost.syscall / 2);
	settle(t);
}

sim_ps task_call_time(const struct task *t)
{
	return t->call_time;
}
