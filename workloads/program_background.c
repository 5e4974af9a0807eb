/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What goes on besides the tasks that are replayed: kernel threads, the recorder itself, processes
 * without memory operations. They are noted by their runs on CPUs alone, and become tasks that
 * sleep and compute. Tasks with operations are made by program_finish.c.
 */
#include <stdio.h>
#include <string.h>

#include "workloads/program_events.h"

/* ---- while events are read ---- */

/*
 * Once in, once out, and in again: else the two were told by clocks that disagree, or one is lost.
 * A switch out of a task whose CPU was last seen to go idle tells nothing: idle CPUs may not tell
 * when they leave.
 */
static void count_switch(struct builder *b, bool odd)
{
	b->switches++;
	b->odd_switches += odd;
}

static void start_run(struct build_task *t, uint64_t now, int16_t cpu)
{
	if (t->run_open) /* its end is not known */
		t->run[t->n_runs - 1].out_ns = t->run[t->n_runs - 1].in_ns;
	xgrow(t->run, t->n_runs, t->cap_runs);
	t->run[t->n_runs++] = (struct build_run){
		.in_ns = now,
		.wake_ns = t->run_wake_ns,
		.wake_cpu = t->run_wake_cpu,
		.cpu = cpu,
	};
	t->run_open = true;
	t->run_irq = false;
	t->run_wake_ns = 0;
}

/* No event yet; some; the last was a switch; one to the idle task. */
enum { CPU_NEW, CPU_SEEN, CPU_SWITCHED, CPU_IDLE };

/*
 * The run that goes on. Without a switch in it began before the recording, if nothing else was
 * there on its CPU; else with its first event: the switch was not recorded, as happens on idle
 * CPUs.
 */
static struct build_run *current_run(const struct builder *b, struct build_task *t, int16_t cpu,
				     uint64_t now)
{
	bool at_start = !t->n_runs && cpu != NO_CPU && b->cpu_state[cpu] == CPU_NEW;

	if (!t->run_open)
		start_run(t, at_start ? b->start_ns : now, cpu);
	return &t->run[t->n_runs - 1];
}

static void run_event(struct build_task *t, struct build_run *run, const struct trace_event *e)
{
	if (e->type == TRACE_IPI_ENTRY) {
		t->run_irq = true;
		t->run_irq_ns = e->time_ns;
	} else if (e->type == TRACE_IPI_EXIT && t->run_irq) {
		t->run_irq = false;
		run->irq_ns += e->time_ns - t->run_irq_ns;
		run->events++; /* the recording of the end comes after it */
	} else if (!t->run_irq) {
		run->events++;
	}
	t->user |= e->type == TRACE_SYS_ENTER || e->type == TRACE_SYS_EXIT ||
		   e->type == TRACE_PAGE_FAULT;
}

static void on_switch(struct builder *b, int32_t prev, size_t cpu, const struct trace_event *e)
{
	struct build_run *run;

	if (prev != NO_TASK && b->cpu_state[cpu] != CPU_IDLE)
		count_switch(b, !b->task[prev].run_open && b->task[prev].n_runs);
	if (b->on_cpu[cpu] != NO_TASK)
		count_switch(b, b->task[b->on_cpu[cpu]].run_open);
	if (prev != NO_TASK) {
		run = current_run(b, &b->task[prev], event_cpu(e), e->time_ns);
		run->out_ns = e->time_ns;
		run->state = (char)(e->arg[1] & 0xff);
		b->task[prev].run_open = false;
	}
	if (b->on_cpu[cpu] != NO_TASK)
		start_run(&b->task[b->on_cpu[cpu]], e->time_ns, event_cpu(e));
}

/* Of anything but a switch. */
static void other_event(struct builder *b, int32_t self, const struct trace_event *e)
{
	int32_t woken;

	if (e->type == TRACE_WAKING) {
		ticks_note(b, e);
		woken = builder_find(b, (int32_t)e->arg[0]);
		if (woken != NO_TASK && !b->task[woken].run_open) {
			b->task[woken].run_wake_ns = e->time_ns;
			b->task[woken].run_wake_cpu = event_cpu(e);
		}
	}
	if (self != NO_TASK)
		run_event(&b->task[self], current_run(b, &b->task[self], event_cpu(e), e->time_ns),
			  e);
}

void background_event(struct builder *b, int32_t self, const struct trace_event *e)
{
	size_t cpu = e->cpu < TRACE_CPUS_MAX ? e->cpu : TRACE_CPUS_MAX;
	bool loads_mm = b->cpu_state[cpu] >= CPU_SWITCHED && e->type == TRACE_TLB_FLUSH &&
			!e->arg[1];

	if (e->type == TRACE_SWITCH)
		on_switch(b, self, cpu, e);
	else if (!loads_mm)
		other_event(b, self, e);
	else if (b->on_cpu[cpu] != NO_TASK && b->on_cpu[cpu] != self)
		b->task[b->on_cpu[cpu]].user = true; /* to a kernel thread it is lazy */
	if (e->type != TRACE_SWITCH)
		b->cpu_state[cpu] = CPU_SEEN;
	else
		b->cpu_state[cpu] = e->arg[2] ? CPU_SWITCHED : CPU_IDLE;
}

/* ---- tasks of runs ---- */

/* On the CPU from in to out, less handlers, less the recorder's cost. */
static sim_ps time_on_cpu(const struct program *p, const struct build_run *run)
{
	int64_t ps = (int64_t)(run->out_ns - run->in_ns) - (int64_t)run->irq_ns;

	ps = ps * (int64_t)SIM_NS - (int64_t)(run->events * p->tracer_ps);
	return ps > 0 ? (sim_ps)ps : 0;
}

/*
 * From the event of the switch in to that of the switch out there is at least the rest of the one
 * and the start of the other, and the recording: the shortest runs (10th percentile) hold little
 * else. That is the simulated scheduler's; what is longer is own work.
 */
static sim_ps estimate_switch(const struct builder *b, const int32_t *keep)
{
	struct gaps all = { 0 };
	sim_ps ps = b->p->tracer_ps;

	for (size_t i = 0; i < b->n_tasks; i++)
		for (size_t j = 0; keep[i] == NO_TASK && j < b->task[i].n_runs; j++) {
			const struct build_run *run = &b->task[i].run[j];

			if (!run->irq_ns && run->state)
				gaps_add(&all, time_on_cpu(b->p, run) / SIM_NS);
		}
	if (all.n >= FEW_GAPS)
		ps = gaps_percentile(&all, 10);
	free(all.v);
	return ps;
}

/* From where the last run ended to the wake-up; how long it then waits is the scheduler's. */
static uint64_t sleep_ns(const struct build_run *run, const struct build_run *last,
			 uint64_t start_ns)
{
	uint64_t from = last ? last->out_ns : start_ns, to = run->in_ns;

	if (last && last->state == 'R')
		return 0;
	if (run->wake_ns >= from && run->wake_ns < to)
		to = run->wake_ns;
	return to > from ? to - from : 0;
}

static void add_op(struct program_task *out, const struct build_run *run, enum program_kind kind,
		   sim_ps think)
{
	out->op[out->n_ops++] =
		(struct program_op){ .kind = (uint8_t)kind, .cpu = run->cpu, .think = think };
}

/* Between a run and the next: a sleep, and on which CPU it went on. True: own work so far is noted.
 */
static bool add_pause(const struct builder *b, struct program_task *out,
		      const struct build_run *last, const struct build_run *next, sim_ps think)
{
	uint64_t ns = sleep_ns(next, last, b->start_ns);
	bool moves = last && next->cpu != NO_CPU && last->cpu != next->cpu;
	struct program_op *op = &out->op[out->n_ops];

	if (!ns && !moves)
		return false;
	add_op(out, last ? last : next, ns ? PROGRAM_SLEEP : PROGRAM_MOVE, think);
	op->len = ns * SIM_NS;
	op->flags = ns && next->wake_ns && ticks_at(b, next->wake_ns) ? PROGRAM_BY_TICK : 0;
	op->other = (uint32_t)(ns ? next->wake_ns ? next->wake_cpu : NO_CPU : next->cpu);
	return true;
}

/* With the recording, if it is still there; else nobody saw it go (the recorder leaves out its own
 * events), and a run whose end is not known counts as its beginning alone. */
static void last_run_ends(const struct builder *b, const struct build_task *t)
{
	struct build_run *run = &t->run[t->n_runs - 1];
	size_t cpu = run->cpu != NO_CPU ? (size_t)run->cpu : TRACE_CPUS_MAX;

	run->out_ns = b->on_cpu[cpu] == (int32_t)(t - b->task) ? b->end_ns : run->in_ns;
}

static void make_ops(const struct builder *b, struct build_task *t, sim_ps switch_ps,
		     struct program_task *out)
{
	const struct build_run *last = NULL;
	sim_ps think = 0, on_cpu;

	if (t->run_open)
		last_run_ends(b, t);
	out->op = xcalloc(t->n_runs + 1, sizeof(*out->op));
	for (size_t i = 0; i < t->n_runs; i++) {
		const struct build_run *run = &t->run[i];

		if (add_pause(b, out, last, run, think))
			think = 0;
		on_cpu = time_on_cpu(b->p, run);
		think += on_cpu > switch_ps ? on_cpu - switch_ps : 0;
		last = run;
	}
	/* for ever, if it did not exit */
	if (last->state == 'X' || last->state == 'Z')
		add_op(out, last, PROGRAM_EXIT, think);
	else
		add_op(out, last, PROGRAM_WAIT, think);
}

/* migration/1, ksoftirqd/0, kworker/1:2H-kb, but not kworker/u8:2: the CPU, or NO_CPU. */
static int cpu_of_name(const char *comm)
{
	const char *at = strchr(comm, '/');
	int cpu = NO_CPU, end = 0;

	if (!at || at[1] < '0' || at[1] > '9' || sscanf(at + 1, "%4d%n", &cpu, &end) != 1)
		return NO_CPU;
	return !at[1 + end] || at[1 + end] == ':' ? cpu : NO_CPU;
}

/* Its name says so, and it ran nowhere else. */
static bool is_bound(const struct build_task *t)
{
	int cpu = cpu_of_name(t->comm);

	for (size_t i = 0; i < t->n_runs; i++)
		if (t->run[i].cpu != cpu)
			return false;
	return cpu != NO_CPU;
}

/* A thread of a replayed process borrows what is loaded, too: that is mostly its own mm. */
static bool in_foreground(const struct program *p, const struct build_task *t)
{
	for (size_t i = 0; i < p->n_tasks; i++)
		if (t->pid >= 0 && p->task[i].pid == t->pid)
			return true;
	return false;
}

static void make_task(struct builder *b, struct build_task *t, sim_ps switch_ps)
{
	struct program *p = b->p;
	struct program_task *out = &p->background[p->n_background++];

	out->tid = t->tid;
	out->pid = t->pid >= 0 ? t->pid : t->tid;
	out->comm = xstrdup(t->comm[0] ? t->comm : "background");
	out->parent = out->leader = NO_TASK;
	out->initial_cpu = t->run[0].cpu;
	out->kthread = (!t->user && strcmp(t->comm, "perf") != 0) || in_foreground(p, t);
	out->bound = out->kthread && is_bound(t);
	out->rcu = out->kthread &&
		   (!strcmp(t->comm, "rcu_preempt") || !strcmp(t->comm, "rcu_sched"));
	make_ops(b, t, switch_ps, out);
}

void background_unseen(struct builder *b, int16_t cpu, uint64_t in_ns, uint64_t out_ns)
{
	xgrow(b->unseen, b->n_unseen, b->cap_unseen);
	b->unseen[b->n_unseen++] = (struct build_run){
		.in_ns = in_ns,
		.out_ns = out_ns,
		.wake_cpu = NO_CPU,
		.cpu = cpu,
		.state = 'S',
	};
}

/* All runs of such processes as those of one. */
static void make_unseen(struct builder *b, sim_ps switch_ps)
{
	struct build_task t = {
		.tid = -1,
		.pid = -1,
		.comm = "unseen",
		.user = true,
		.run = b->unseen,
		.n_runs = b->n_unseen,
	};

	if (!b->n_unseen)
		return;
	make_task(b, &t, switch_ps);
	b->p->background[b->p->n_background - 1].unseen = true;
}

/* Then the times of runs say nothing, and there is no background. */
static bool runs_are_known(const struct builder *b)
{
	/* the recordings at hand: up to 16; with clocks shifted by what calls took: 58 */
	enum { PERCENT = 33 };

	return b->odd_switches * 100 <= b->switches * PERCENT;
}

void background_finish(struct builder *b, const int32_t *keep)
{
	sim_ps switch_ps = estimate_switch(b, keep);
	struct program *p = b->p;

	p->background = xcalloc(b->n_tasks + 1, sizeof(*p->background)); /* and the unseen */
	for (size_t i = 0; i < b->n_tasks; i++)
		if (keep[i] == NO_TASK && b->task[i].n_runs && runs_are_known(b))
			make_task(b, &b->task[i], switch_ps);
	p->left_out = b->n_tasks - p->n_tasks - p->n_background;
	if (runs_are_known(b))
		make_unseen(b, switch_ps);
}
