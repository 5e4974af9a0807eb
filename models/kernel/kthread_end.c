// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Kernel threads at the end of a run: it ends with its last task, but not in the middle of what a
 * thread does in the background, which would look like leaks.
 */
#include "models/kernel/kernel.h"

bool kthread_busy(struct task *t)
{
	if (t->k->ending)
		return false;
	t->k->busy_kthreads++;
	return true;
}

void kthread_idle(struct task *t)
{
	settle(t);
	if (--t->k->busy_kthreads == 0 && t->k->ending)
		sched_wake(t, t->k->ending);
}

void kthreads_finish(struct task *t)
{
	t->k->ending = t;
	while (t->k->busy_kthreads)
		sched_block(t, "threads in the background");
}

void kthread_stopped(struct task *t)
{
	for (;;)
		sched_block(t, "nothing: the run is over");
}
