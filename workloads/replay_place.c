/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * On which CPUs tasks of a replay run. As recorded: each operation begins on the CPU where it began
 * then, a sleeper comes back where it came back then, woken by an interrupt on the CPU where that
 * came in. Free: where the simulated scheduler puts them.
 */
#include "workloads/replay.h"

const char *const replay_placements[] = { [PLACEMENT_AUTO] = "auto",
					  [PLACEMENT_RECORDED] = "recorded",
					  [PLACEMENT_FREE] = "free",
					  NULL };

bool replay_placement(struct replay *r, enum replay_placement wanted, uint32_t processes,
		      struct err *err)
{
	unsigned int there = kernel_nr_cpus(r->kernel), cpus = r->program->cpus;

	if (wanted == PLACEMENT_RECORDED && there < cpus)
		return err_set(err,
			       "placement: recorded needs the %u CPUs of the recording, the "
			       "machine has %u; free lets the scheduler place tasks",
			       cpus, there);
	if (wanted == PLACEMENT_RECORDED && (r->n_copies || processes > 1))
		return err_set(err, "placement: recorded says nothing about more threads or "
				    "processes than were recorded; free lets the scheduler place "
				    "them");
	r->placed = wanted == PLACEMENT_RECORDED ||
		    (wanted == PLACEMENT_AUTO && there == cpus && !r->n_copies && processes == 1);
	return true;
}

/* The CPU that operation i begins on; NO_CPU = anywhere. */
static int cpu_of(const struct replay *r, const struct program_task *p, size_t i)
{
	return r->placed && i < p->n_ops ? p->op[i].cpu : NO_CPU;
}

static void go(struct task *task, int cpu)
{
	if (cpu != NO_CPU)
		task_bind(task, cpu);
}

void replay_go(struct task *task, const struct replay *r, const struct program_task *p, size_t i)
{
	go(task, cpu_of(r, p, i));
	if (r->placed && p->op[i].kind == PROGRAM_MOVE)
		go(task, program_other_cpu(&p->op[i]));
}

void replay_comes_back(struct task *task, const struct replay *r, const struct program_task *p,
		       size_t i)
{
	int cpu = cpu_of(r, p, i + 1);

	if (cpu != NO_CPU)
		task_bind_at_wakeup(task, cpu);
}

void replay_sleep(struct task *task, const struct replay *r, const struct program_task *p, size_t i,
		  sim_ps duration)
{
	int by = program_other_cpu(&p->op[i]);

	replay_comes_back(task, r, p, i);
	if (r->placed && by != NO_CPU)
		task_sleep_for_irq(task, duration, (unsigned int)by);
	else
		task_sleep(task, duration);
}
