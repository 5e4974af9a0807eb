// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * membarrier: the private expedited form looks at what every CPU runs and interrupts those that run
 * a thread of the caller's process; the global one waits for a grace period of RCU.
 */
#include <errno.h>

#include "models/kernel/mm.h"
#include "models/kernel/smp.h"

/* smp_mb in the caller's context, ordered by the interrupt itself. */
static void ipi_mb(struct task *t, void *info)
{
	(void)info;
	spend_time(t, t->k->m->desc.line.atomic);
}

static void private_expedited(struct task *t)
{
	struct kernel *k = t->k;
	struct cpumask mask;

	spend_time(t, k->m->desc.line.atomic);
	if (t->mm->users == 1)
		return;
	mutex_lock(t, &k->membarrier_ipi_mutex);
	cpumask_clear(&mask);
	for (unsigned int cpu = 0; cpu < k->nr_cpus; cpu++) {
		touch_line(t, &k->cpus[cpu].curr_line, LINE_READ);
		settle(t);
		/* A kernel thread that borrows the mm orders itself when it switches back. */
		if (cpu != t->cpu && k->cpus[cpu].curr->mm == t->mm)
			cpumask_set(&mask, cpu);
	}
	smp_call_function_many_cond(t, &mask, ipi_mb, NULL, NULL, IPI_MEMBARRIER);
	mutex_unlock(t, &k->membarrier_ipi_mutex);
	spend_time(t, k->m->desc.line.atomic);
}

int sys_membarrier(struct task *t, enum membarrier_cmd cmd)
{
	int ret = 0;

	syscall_enter(t);
	if (cmd == MEMBARRIER_CMD_PRIVATE_EXPEDITED)
		private_expedited(t);
	else if (t->k->m->desc.isolated_cores && t->k->m->desc.nohz_full)
		ret = -EINVAL; /* their user mode is no quiescent state that anybody waits for */
	else
		synchronize_rcu(t);
	syscall_exit(t);
	return ret;
}
