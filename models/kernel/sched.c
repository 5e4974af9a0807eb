// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The scheduler: the switch itself; whose turn it is decides fair.c, where a sleeper wakes
 * wakeup.c. A task's actor runs only while the task is on a CPU; schedule() hands the CPU from one
 * actor to the next. Idle loops are in idle.c, the memory side of a switch in switch_mm.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/kernel/fair.h"
#include "models/kernel/hrtimer.h"
#include "models/kernel/kernel.h"
#include "models/kernel/mm.h"
#include "models/kernel/rcu.h"
#include "models/kernel/runqueue.h"
#include "models/kernel/tlbi.h"

bool runqueue_add(struct kcpu *c, struct task *t)
{
	bool served = fair_enqueue(c, t);

	cpumask_unset(&c->k->idle_mask, c->id);
	return served;
}

bool runqueue_steal(struct kcpu *c)
{
	struct kernel *k = c->k;

	if (c->isolated)
		return false;
	for (unsigned int i = 1; i < k->nr_cpus; i++) {
		struct kcpu *from = &k->cpus[(c->id + i) % k->nr_cpus];

		for (struct task *t = from->rq_head; t; t = t->rq_next) {
			/* Preempted, but still leaving: not to be taken yet. */
			if (t->on_cpu || t->delayed || t->bound != NO_CPU ||
			    from->curr == from->idle)
				continue;
			fair_dequeue(t);
			runqueue_add(c, t);
			return true;
		}
	}
	return false;
}

static void start_tick(struct kcpu *c)
{
	struct kernel *k = c->k;
	sim_ps now = sim_now(k->sim);

	c->next_tick = (now + k->jiffy - k->tick_phase) / k->jiffy * k->jiffy + k->tick_phase;
	while (c->next_tick <= now)
		c->next_tick += k->jiffy;
	cpu_raise(c->cpu, IRQ_TICK, c->next_tick);
}

void tick_restart(struct kcpu *c)
{
	if (c->isolated && c->next_tick == SIM_NEVER && c->curr != c->idle)
		start_tick(c);
}

/* The first thing that an actor does on its new CPU. */
static void finish_switch(struct task *t)
{
	struct kcpu *c = this_cpu(t);

	c->cpu->irq_off--;
	t->preempt_off--;
	if (cpu_irq_pending(c->cpu, sim_now(t->k->sim)) && !c->cpu->irq_off)
		handle_irqs(t);
}

static void wait_for_cpu(struct task *t)
{
	while (!t->on_cpu) {
		const char *why = t->state == TASK_BLOCKED ? t->wait : "a CPU";
		bool timer = t->timer != SIM_NEVER && t->state == TASK_BLOCKED;

		if (timer && t->timer < sim_now(t->k->sim))
			t->timer = sim_now(t->k->sim); /* it fired during the switch */
		if (sim_park_until(t->k->sim, timer ? t->timer : SIM_NEVER, why) || !timer)
			continue;
		if (t->state != TASK_BLOCKED || sim_now(t->k->sim) < t->timer)
			continue;
		t->timer = SIM_NEVER;
		if (t->timer_cpu != NO_CPU) {
			hrtimer_start(t);
		} else {
			t->state = TASK_RUNNING;
			wake_place(NULL, t);
		}
	}
	t->timer = SIM_NEVER;
}

static void switch_to(struct task *t, struct task *next)
{
	struct kcpu *c = this_cpu(t);
	struct kernel *k = t->k;

	k->metric.context_switches->value++;
	rcu_note_context_switch(t);
	tracepoint(t);
	spend(t, k->cost.context_switch);
	if (k->tlb_broadcast) /* a TLBI is waited for where it was issued */
		dsb_ish(t);
	if (next->mm)
		switch_mm_irqs_off(t, next->mm);
	else
		enter_lazy_tlb(t);
	settle(t);
	if (t == c->idle)
		start_tick(c);
	touch_line(t, &c->curr_line, LINE_WRITE);
	task_lines_write(t, t);
	task_lines_write(t, next);
	settle(t);
	c->curr = next;
	c->cpu->runner = next->actor;
	next->cpu = c->id;
	next->on_cpu = true;
	t->on_cpu = false;
	if (next == c->idle)
		cpumask_set(&k->idle_mask, c->id);
	rwsem_owner_off_cpu(t);
	mutex_owner_off_cpu(t);
	if (t->wake_after_switch || t->wake_on_leave) {
		t->wake_after_switch = t->wake_on_leave = false;
		t->state = TASK_RUNNING;
		wake_place(NULL, t);
	}
	sim_unpark(k->sim, next->actor);
}

void schedule(struct task *t)
{
	struct kcpu *c;
	struct task *next;

	settle(t);
	c = this_cpu(t);
	sim_check(t->k->sim, !t->preempt_off && !c->in_irq, "atomic-sleep",
		  "%s schedules with preemption off or in an interrupt", t->comm);
	t->preempt_off++;
	c->cpu->irq_off++;
	rcu_exp_quiescent(t);
	settle(t);
	if (t->wake_after_switch) { /* woken before it had gone */
		t->wake_after_switch = false;
		finish_switch(t);
		return;
	}
	c->need_resched = c->resched_now = false;
	if (t != c->idle)
		fair_put_prev(c, t);
	next = fair_pick(c, t);
	if (!next)
		next = c->idle;
	if (next == t) {
		finish_switch(t);
		return;
	}
	switch_to(t, next);
	if (t->state == TASK_DEAD)
		return;
	wait_for_cpu(t);
	finish_switch(t);
}

void sched_block(struct task *t, const char *why)
{
	settle(t);
	if (t->wake_token) {
		t->wake_token = false;
		return;
	}
	t->wait = why;
	t->state = TASK_BLOCKED;
	schedule(t);
	t->wait = NULL;
}

void sched_sleep(struct task *t, sim_ps duration, const char *why)
{
	settle(t);
	t->timer = sim_now(t->k->sim) + duration;
	sched_block(t, why);
	t->timer = SIM_NEVER;
}

void sched_migrate(struct task *t, unsigned int cpu)
{
	settle(t);
	t->bound = (int)cpu;
	t->state = TASK_BLOCKED;
	t->wait = "its migration";
	/* As if the stopper thread woke it there, once it has left this CPU. */
	t->wake_on_leave = true;
	schedule(t);
}

/* ---- the stopper: one thread a CPU that goes before all others ---- */

struct stopper {
	struct task *task, *moves; /* the thread; the task that it is to move, or NULL */
};

/* migration_cpu_stop: from this CPU's queue to the one that it is bound to. */
static void migration_cpu_stop(struct task *stopper, struct task *t)
{
	struct kcpu *c = this_cpu(stopper);
	bool here;

	spin_lock_irq(stopper, &c->rq_lock);
	here = t->queued && t->cpu == c->id;
	if (here)
		fair_dequeue(t);
	spin_unlock_irq(stopper, &c->rq_lock);
	if (here)
		wake_place(stopper, t);
}

static void stopper_main(struct task *t, void *arg)
{
	struct stopper *s = arg;

	for (;;) {
		while (!s->moves)
			sched_block(t, "work for the stopper");
		migration_cpu_stop(t, s->moves);
		s->moves = NULL;
	}
}

static struct stopper *stopper_of(struct kcpu *c)
{
	struct task_attr attr = { .comm = "migration", .cpu = (int)c->id, .fn = stopper_main };

	if (!c->stopper) {
		c->stopper = calloc(1, sizeof(*c->stopper));
		attr.arg = c->stopper;
		c->stopper->task = sched_spawn(c->k, &attr, NULL, true);
		c->stopper->task->stop_class = true;
	}
	return c->stopper;
}

void stop_and_migrate(struct task *t)
{
	struct stopper *s;

	settle(t);
	while (t->bound != NO_CPU && t->cpu != (unsigned int)t->bound) {
		s = stopper_of(this_cpu(t));
		preempt_disable(t);
		s->moves = t;
		sched_wake(t, s->task);
		t->preempt_off--; /* schedule() follows */
		schedule(t);
	}
}

void sched_tick(struct task *t)
{
	struct kcpu *c = this_cpu(t);

	c->resched_now = c->need_resched && c->preempt == PREEMPT_LAZY;
	if (t != c->idle && fair_tick(c))
		c->need_resched = true;
}

static void task_main(void *arg)
{
	struct task *t = arg;
	jmp_buf exit_jump;

	if (setjmp(exit_jump))
		return; /* sys_exit has given the CPU away */
	t->exit_jump = &exit_jump;
	wait_for_cpu(t);
	finish_switch(t);
	t->fn(t, t->arg);
	sys_exit(t);
}

/* Core after core, but for the isolated ones, which are the last. */
static unsigned int next_place(struct kernel *k)
{
	unsigned int cpu = kernel_nth_core_cpu(k, k->next_place++);

	for (unsigned int i = 0; i < k->nr_cpus && k->cpus[cpu].isolated; i++)
		cpu = kernel_nth_core_cpu(k, k->next_place++);
	return cpu;
}

static struct task *new_task(struct kernel *k, const struct task_attr *attr, struct mm *mm,
			     bool kthread)
{
	struct task *t = calloc(1, sizeof(*t));
	char name[40];

	t->k = k;
	t->id = ++k->next_task_id;
	snprintf(t->comm, sizeof(t->comm), "%s", attr->comm);
	snprintf(name, sizeof(name), "%s/%u", attr->comm, t->id);
	t->mm = mm;
	t->kthread = kthread;
	t->bound = attr->cpu;
	t->cpu = attr->cpu != NO_CPU           ? (unsigned int)attr->cpu
		 : attr->initial_cpu != NO_CPU ? (unsigned int)attr->initial_cpu
					       : next_place(k);
	t->timer = SIM_NEVER;
	t->timer_cpu = NO_CPU;
	t->fn = attr->fn;
	t->arg = attr->arg;
	t->preempt_off = 1; /* until finish_switch */
	task_lines_init(t);
	t->next = k->tasks;
	k->tasks = t;
	if (!kthread)
		k->live_tasks++;
	t->actor = sim_spawn(k->sim, name, t->cpu, kthread, task_main, t);
	return t;
}

struct task *sched_spawn(struct kernel *k, const struct task_attr *attr, struct mm *mm,
			 bool kthread)
{
	struct task *t = new_task(k, attr, mm, kthread);

	wake_place(NULL, t);
	return t;
}

struct task *sched_fork(struct task *parent, const struct task_attr *attr, struct mm *mm)
{
	struct task *t;

	settle(parent);
	t = new_task(parent->k, attr, mm, false);
	wake_place(parent, t);
	return t;
}

struct task *kthread_spawn(struct kernel *k, const char *comm, task_fn *fn, void *arg)
{
	struct task_attr attr = {
		.comm = comm, .cpu = NO_CPU, .initial_cpu = 0, .fn = fn, .arg = arg
	};

	return sched_spawn(k, &attr, NULL, true);
}
