// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Tasks as workloads see them: spawning, exit, their own work, blocking and waking. How new ones
 * come from old ones is in fork.c, new programs in exec.c.
 */
#include <stdlib.h>

#include "models/kernel/fair.h"
#include "models/kernel/numa.h"
#include "models/kernel/process.h"

struct task *kernel_spawn(struct kernel *k, const struct task_attr *attr)
{
	return sched_spawn(k, attr, mm_create(k), false);
}

/* An mm that it never touches: its switches load CR3 as those of any process do. */
struct task *kernel_spawn_daemon(struct kernel *k, const struct task_attr *attr)
{
	return sched_spawn(k, attr, mm_create(k), true);
}

struct task *kernel_spawn_kthread(struct kernel *k, const struct task_attr *attr)
{
	return sched_spawn(k, attr, NULL, true);
}

static void exit_mm(struct task *t)
{
	struct mm *mm = t->mm;
	struct read_hold hold;

	complete_vfork_done(t);
	mmap_read_lock(t, mm, &hold);
	irq_disable(t);
	t->mm = NULL;
	enter_lazy_tlb(t);
	irq_enable(t);
	mmap_read_unlock(t, mm, &hold);
	mm_drop(t, mm);
}

static void exit_notify(struct task *t)
{
	link_task(t);
	t->exited = true;
	if (t->reaper)
		sched_wake(t, t->reaper);
}

void sys_wait4(struct task *t, struct task *child)
{
	syscall_enter(t);
	settle(t);
	child->reaper = t;
	while (!child->exited)
		sched_block(t, "a child's exit");
	spend(t, t->k->cost.wait4);
	link_task(t);
	syscall_exit(t);
}

void task_exit_mm(struct task *t)
{
	if (t->exiting)
		return;
	t->exiting = true;
	spend(t, t->k->cost.exit);
	tracepoint(t);
	if (t->mm)
		exit_mm(t);
	settle(t);
}

void sys_exit(struct task *t)
{
	task_exit_mm(t);
	sim_check(t->k->sim, !t->held_mutex, "lock-leak", "%s exits while it holds %s", t->comm,
		  t->held_mutex->class->name);
	sim_check(t->k->sim, !t->held_write, "lock-leak", "%s exits while it holds %s", t->comm,
		  t->held_write->class->name);
	free(t->working_set);
	t->working_set = NULL;
	exit_notify(t);
	if (!t->kthread && --t->k->live_tasks == 0)
		kthreads_finish(t);
	t->state = TASK_DEAD;
	schedule(t);
	longjmp(*t->exit_jump, 1);
}

/* ---- the task's own time ---- */

void task_set_pace(struct task *t, uint8_t slower)
{
	t->pace = slower;
}

/* What was asked of it outside of any call (exit_to_user_mode_loop). */
static void user_mode_prepare(struct task *t)
{
	if (t->numa_work)
		task_numa_work(t);
	while (this_cpu(t)->need_resched)
		schedule(t);
}

static void user_mode_enter(struct task *t)
{
	rcu_user(t, true);
	t->in_user = true;
}

static void user_mode_leave(struct task *t)
{
	t->in_user = false;
	rcu_user(t, false);
}

void user_compute(struct task *t, sim_ps work)
{
	user_compute_of(t, work, work);
}

void user_compute_of(struct task *t, sim_ps work, sim_ps own)
{
	uint8_t pace = t->pace;

	user_mode_prepare(t);
	if (pace)
		settle(t);
	t->pace = 0; /* its own work was recorded as long as it took */
	user_mode_enter(t);
	code_cache_user(t, own);
	spend_time(t, work + refill_time(t, work));
	settle(t);
	t->pace = pace;
	user_mode_leave(t);
}

void task_block(struct task *t)
{
	while (!t->user_wake)
		sched_block(t, "a wake-up of its workload");
	t->user_wake = false;
}

void task_wake(struct task *waker, struct task *sleeper)
{
	sleeper->user_wake = true;
	sched_wake(waker, sleeper);
}

void task_wake_first(struct task *waker, struct task *sleeper)
{
	sleeper->goes_first = true;
	task_wake(waker, sleeper);
	sleeper->goes_first = false;
}

void task_give_way(struct task *t, struct task *to)
{
	settle(t);
	if (!to->queued || to->delayed || this_cpu(to) != this_cpu(t))
		return;
	this_cpu(t)->buddy = to;
	schedule(t);
}

bool task_is_asleep(const struct task *t)
{
	return t->state == TASK_BLOCKED && !t->on_cpu;
}

bool task_goes_to_sleep(const struct task *t)
{
	return t->state == TASK_BLOCKED;
}

bool task_is_running(const struct task *t)
{
	const struct kcpu *c = this_cpu(t);

	return t->on_cpu || (t->queued && !t->delayed && c->curr == c->idle);
}

void task_spin(struct task *t, sim_ps at_most)
{
	struct cpu *cpu;

	user_mode_prepare(t);
	settle(t);
	user_mode_enter(t);
	cpu = this_cpu(t)->cpu;
	cpu_wait(cpu, sim_now(t->k->sim) + at_most, "another task");
	if (cpu_irq_pending(cpu, sim_now(t->k->sim)))
		handle_irqs(t);
	user_mode_leave(t);
}

void task_spin_end(struct task *t)
{
	if (t->on_cpu && this_cpu(t)->cpu->waiting)
		sim_unpark(t->k->sim, t->actor);
}

void sys_event_write(struct task *waker, struct task *sleeper)
{
	syscall_enter(waker);
	spend(waker, waker->k->cost.event_file);
	task_wake(waker, sleeper);
	syscall_exit(waker);
}

void sys_event_read(struct task *t)
{
	syscall_enter(t);
	spend(t, t->k->cost.event_file);
	task_block(t);
	syscall_exit(t);
}

void task_sleep(struct task *t, sim_ps duration)
{
	sim_ps end;

	settle(t);
	end = sim_now(t->k->sim) + duration;
	while (sim_now(t->k->sim) < end)
		sched_sleep(t, end - sim_now(t->k->sim), "a timer");
}

void task_bind(struct task *t, int cpu)
{
	t->bound = cpu;
	if (cpu != NO_CPU && t->cpu != (unsigned int)cpu)
		sched_migrate(t, (unsigned int)cpu);
}

void task_hide(struct task *t)
{
	t->unseen = true;
}

void task_bind_at_wakeup(struct task *t, int cpu)
{
	t->bound = cpu;
}

void sys_sched_setaffinity(struct task *t, int cpu)
{
	syscall_enter(t);
	spend(t, t->k->cost.set_affinity);
	settle(t);
	t->bound = cpu;
	if (cpu != NO_CPU && t->cpu != (unsigned int)cpu)
		stop_and_migrate(t);
	syscall_exit(t);
}

void task_yield(struct task *t)
{
	settle(t);
	if (!this_cpu(t)->nr_queued)
		return;
	fair_yield(this_cpu(t));
	schedule(t);
}

struct sim *task_sim(const struct task *t)
{
	return t->k->sim;
}

struct kernel *task_kernel(const struct task *t)
{
	return t->k;
}

unsigned int task_cpu(const struct task *t)
{
	return t->cpu;
}

struct sim *kernel_sim(const struct kernel *k)
{
	return k->sim;
}

unsigned int kernel_nr_cpus(const struct kernel *k)
{
	return k->nr_cpus;
}

/* CPUs are numbered with one thread of every core first. */
unsigned int kernel_nth_core_cpu(const struct kernel *k, unsigned int i)
{
	return i % k->nr_cpus;
}

void kernel_hide_idle(struct kernel *k, unsigned int cpu)
{
	if (cpu < k->nr_cpus)
		k->cpus[cpu].idle->unseen = true;
}

/* Jiffies from the end of a grace period until callbacks are called: at the second tick at the
 * latest. */
#define CALLBACKS_WAIT 2

void kernel_rcu_busy(struct kernel *k, sim_ps span)
{
	k->rcu_busy_until = sim_now(k->sim) + span + CALLBACKS_WAIT * k->jiffy;
}

bool kernel_align_ticks(struct kernel *k, sim_ps period, sim_ps phase)
{
	if (period != k->jiffy)
		return false;
	k->tick_phase = phase % period;
	return true;
}
