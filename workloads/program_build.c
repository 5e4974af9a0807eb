/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads a recording once and notes, thread by thread, operations and the own work before them.
 * Sleeps, wake-ups and CPUs are program_switches.c's, which operations belong to calls is
 * program_calls.c's, what is made of the notes is program_finish.c's.
 */
#include <string.h>

#include "models/kernel/ops.h"
#include "workloads/program_events.h"

/* ---- tables of threads, processes and spaces ---- */

static size_t hash_tid(const struct builder *b, int32_t tid)
{
	return ((uint32_t)tid * 0x9e3779b9u >> 8) & b->mask;
}

static void index_task(struct builder *b, int32_t index)
{
	size_t at = hash_tid(b, b->task[index].tid);

	while (b->slot[at] != NO_TASK && b->task[b->slot[at]].tid != b->task[index].tid)
		at = (at + 1) & b->mask;
	b->slot[at] = index; /* a number that is used again names the new thread */
}

static void grow_index(struct builder *b)
{
	b->mask = 4 * b->cap_tasks - 1;
	b->slot = xrealloc(b->slot, (b->mask + 1) * sizeof(*b->slot));
	memset(b->slot, 0xff, (b->mask + 1) * sizeof(*b->slot));
	for (size_t i = 0; i < b->n_tasks; i++)
		index_task(b, (int32_t)i);
}

int32_t builder_new_task(struct builder *b, int32_t tid, uint64_t now)
{
	struct build_task *t;

	if (b->n_tasks == b->cap_tasks) {
		b->cap_tasks = b->cap_tasks ? 2 * b->cap_tasks : 64;
		b->task = xrealloc(b->task, b->cap_tasks * sizeof(*b->task));
		grow_index(b);
	}
	t = &b->task[b->n_tasks];
	memset(t, 0, sizeof(*t));
	t->tid = tid;
	t->pid = t->proc = -1;
	t->comm = "";
	t->cpu = t->at_cpu = t->exec_cpu = NO_CPU;
	t->creator = t->child = t->early_waker = NO_TASK;
	t->first_space = -1;
	t->fault = NO_FAULT;
	t->first_ns = now;
	t->mark_ns = b->start_ns;
	index_task(b, (int32_t)b->n_tasks);
	return (int32_t)b->n_tasks++;
}

int32_t builder_find(const struct builder *b, int32_t tid)
{
	if (!b->cap_tasks)
		return NO_TASK;
	for (size_t at = hash_tid(b, tid); b->slot[at] != NO_TASK; at = (at + 1) & b->mask)
		if (b->task[b->slot[at]].tid == tid)
			return b->slot[at];
	return NO_TASK;
}

void builder_may_inherit(struct builder *b, int32_t task)
{
	xgrow(b->heir, b->n_heirs, b->cap_heirs);
	b->heir[b->n_heirs++] = task;
}

/* de_thread: who calls execve and is not the leader becomes it, with its number, when that has
 * gone.
 */
int32_t builder_now(struct builder *b, int32_t tid)
{
	int32_t found = builder_find(b, tid);

	if (found == NO_TASK || b->task[found].state != TASK_DEAD)
		return found;
	for (size_t i = 0; i < b->n_heirs; i++) {
		int32_t heir = b->heir[i];
		struct build_task *t = &b->task[heir];

		if (t->pid != tid || t->call != SC_EXECVE)
			continue;
		b->heir[i] = b->heir[--b->n_heirs];
		t->tid = tid;
		index_task(b, heir);
		return heir;
	}
	return found;
}

int32_t builder_new_proc(struct builder *b, int32_t pid)
{
	xgrow(b->proc, b->n_procs, b->cap_procs);
	b->proc[b->n_procs] = (struct build_proc){ .pid = pid, .space = -1 };
	return (int32_t)b->n_procs++;
}

/* The newest process of this number. */
static int32_t find_proc(const struct builder *b, int32_t pid)
{
	for (size_t i = b->n_procs; pid >= 0 && i > 0; i--)
		if (b->proc[i - 1].pid == pid)
			return (int32_t)i - 1;
	return -1;
}

int32_t builder_new_space(struct builder *b, int32_t pid, int32_t copy_of)
{
	struct build_space *s;

	xgrow(b->space, b->n_spaces, b->cap_spaces);
	s = &b->space[b->n_spaces];
	memset(s, 0, sizeof(*s));
	s->pid = pid;
	s->copy_of = copy_of;
	if (copy_of >= 0) {
		const struct build_space *from = &b->space[copy_of];

		spans_copy(&s->live, &from->live);
		spans_copy(&s->ever, &from->ever);
		spans_copy(&s->removed, &from->removed);
		s->brk_start = from->brk_start;
		s->brk = from->brk;
		s->mmap_end = from->mmap_end;
		s->copies_brk = from->brk_start != 0;
		s->whole = from->whole;
	}
	return (int32_t)b->n_spaces++;
}

struct build_space *builder_space(struct builder *b, struct build_task *t)
{
	struct build_proc *proc;

	if (t->proc < 0) {
		t->proc = find_proc(b, t->pid);
		if (t->proc < 0)
			t->proc = builder_new_proc(b, t->pid);
	}
	proc = &b->proc[t->proc];
	if (proc->space < 0)
		proc->space = builder_new_space(b, t->pid, -1);
	if (t->first_space < 0)
		t->first_space = proc->space;
	return &b->space[proc->space];
}

/* ---- own work ---- */

void task_append(struct build_task *t, const struct program_op *op, const struct build_note *note)
{
	xgrow(t->op, t->n_ops, t->cap_ops);
	if (t->cap_notes < t->cap_ops) {
		t->cap_notes = t->cap_ops;
		t->note = xrealloc(t->note, t->cap_notes * sizeof(*t->note));
	}
	t->op[t->n_ops] = *op;
	t->note[t->n_ops++] = *note;
}

void task_mark(struct build_task *t, uint64_t now, uint32_t events)
{
	t->mark_ns = now;
	t->minus_ns = 0;
	t->events = events;
	t->fault = NO_FAULT;
	t->service_ns = 0;
	t->copying = false;
}

struct build_note task_note(struct build_task *t, uint64_t now)
{
	struct build_note note = {
		.at_ns = now,
		.gap_ns = t->exiting ? 0 : (int64_t)(now - t->mark_ns) - t->minus_ns,
		.events = t->events,
		.fault = t->fault,
		.service_ns = t->service_ns,
		.cpu = t->at_cpu,
		.wake_cpu = NO_CPU,
		.peer = NO_TASK,
	};

	if (t->fault < GAP_CLASSES && !t->events && !t->minus_ns && !t->service_ns &&
	    note.gap_ns >= 0)
		gaps_add(&t->gaps[t->fault], (uint64_t)note.gap_ns);
	return note;
}

struct build_note task_cut(struct build_task *t, uint64_t now)
{
	struct build_note note;

	t->events++;
	note = task_note(t, now);
	t->events--;
	note.events--;
	return note;
}

/* ---- events of a thread in its own context ---- */

/* Time in an interrupt handler is not the thread's; what the handler records costs it there. */
static void on_irq(struct build_task *t, const struct trace_event *e)
{
	if (e->type == TRACE_IPI_ENTRY) {
		t->in_irq = true;
		t->irq_ns = e->time_ns;
	} else if (t->in_irq) {
		t->in_irq = false;
		t->minus_ns += (int64_t)(e->time_ns - t->irq_ns);
		t->events++;
	}
}

static void on_task_exit(struct build_task *t, const struct trace_event *e)
{
	struct program_op op = { .kind = PROGRAM_EXIT };
	struct build_note note;

	if (t->exiting || (int32_t)e->arg[0] != t->tid)
		return;
	t->call = 0;
	note = task_cut(t, e->time_ns);
	task_append(t, &op, &note); /* whom it wakes on its way out follows */
	t->exiting = true;
}

/* What the kernel does for a fault shows that the fault lasts at least until here. */
static bool serves_fault(const struct trace_event *e)
{
	switch (e->type) {
	case TRACE_TLB_FLUSH:
		return e->arg[1] >= 2 && e->arg[1] <= 4;
	case TRACE_IPI_SEND_CPU:
	case TRACE_IPI_SEND_CPUMASK:
		return program_ipi_kind(e) == PROGRAM_IPI_SHOOTDOWN;
	case TRACE_LOCK_START:
	case TRACE_LOCK_ACQUIRED:
	case TRACE_LOCK_RELEASED:
		return true;
	default:
		return false;
	}
}

/* A wake-up so far, and nothing else since: this is its IPI. */
static bool sends_wakeup(const struct build_task *t, const struct trace_event *e)
{
	return e->type == TRACE_IPI_SEND_CPU && program_ipi_kind(e) != PROGRAM_IPI_SHOOTDOWN &&
	       t->events == 1 && !t->minus_ns && t->n_ops &&
	       t->op[t->n_ops - 1].kind == PROGRAM_WAKE;
}

static void in_own_work(struct build_task *t, const struct trace_event *e)
{
	static const uint64_t apart_ns = 20000; /* later than this is of something else */
	bool near = e->time_ns - t->mark_ns < apart_ns || e->type == TRACE_LOCK_ACQUIRED;
	uint8_t fault = t->fault;
	uint64_t service = t->service_ns + (e->time_ns - t->mark_ns);

	if (sends_wakeup(t, e)) {
		task_mark(t, e->time_ns, 0);
		t->fault = GAP_SEND;
		return;
	}
	if (fault >= FAULT_CLASSES || !near || !serves_fault(e)) {
		t->events++;
		return;
	}
	task_mark(t, e->time_ns, 1);
	t->fault = fault;
	t->service_ns = service < UINT32_MAX ? (uint32_t)service : UINT32_MAX;
}

static void learn(struct builder *b, struct build_task *t, const struct trace_event *e)
{
	if (e->pid >= 0 && e->tid >= 0)
		t->pid = e->pid;
	if (e->tid >= 0 && e->comm && e->comm[0]) {
		if (t->call == SC_EXECVE && t->exec_cpu == NO_CPU && strcmp(t->comm, e->comm))
			t->exec_cpu = event_cpu(e);
		t->comm = e->comm;
	}
	if (t->cpu == NO_CPU)
		t->cpu = event_cpu(e);
	if (!t->seen) {
		t->seen = true;
		if (t->creator != NO_TASK) {
			calls_child_starts(b, t);
			task_mark(t, e->time_ns, 0);
			t->state = TASK_RUNNING;
			t->resumed = false;
		}
	}
}

/* It loads an mm, and neither an interrupt nor an exec tells why: it switches to a process of which
 * nothing is recorded, that switch included. */
static bool leaves(const struct build_task *t)
{
	return t->seen && !t->in_irq && t->call != SC_EXECVE && !t->exiting;
}

static void own_event(struct builder *b, int32_t self, const struct trace_event *e)
{
	struct build_task *t = &b->task[self];

	/* the flush of a task switch is recorded under who just went off the CPU */
	if (e->type == TRACE_TLB_FLUSH && !e->arg[1] && (t->state != TASK_RUNNING || leaves(t))) {
		switches_load_mm(b, t, e);
		return;
	}
	learn(b, t, e);
	if (t->state != TASK_DEAD)
		switches_settle(b, t, e);
	if (e->type != TRACE_SWITCH)
		t->early_waker = NO_TASK;
	if (e->type == TRACE_IPI_ENTRY || e->type == TRACE_IPI_EXIT) {
		t->last_was_enter = false;
		on_irq(t, e);
		return;
	}
	if (t->in_irq)
		return;
	if (e->type == TRACE_IPI_SEND_CPU && program_ipi_kind(e) == PROGRAM_IPI_RESCHEDULE)
		switches_preempt(t, NO_TASK, e->time_ns);
	calls_lock(b, t, e);
	if (e->type == TRACE_EXIT)
		on_task_exit(t, e);
	else if (e->type != TRACE_SWITCH && e->type != TRACE_WAKING && !calls_event(b, self, e) &&
		 !t->call && !copies_event(b, t, e))
		in_own_work(t, e);
}

static void count(struct program_recorded *r, const struct trace_event *e)
{
	r->events++;
	program_ipis_count(&r->ipis, e);
	if (e->type == TRACE_LOST)
		r->lost += e->arg[0];
	if (e->type == TRACE_TLB_FLUSH && e->arg[1] < PROGRAM_FLUSH_REASONS) {
		r->flushes[e->arg[1]]++;
		r->full_flushes[e->arg[1]] += e->arg[0] == UINT64_MAX;
	}
}

/* Each run of an idle task ends with a switch that it records itself. Some kernels drop all events
 * of all idle tasks but the first CPU's; what they did not see is no part of their counts. */
static void count_idle(struct builder *b, const struct trace_event *e)
{
	if (e->cpu >= TRACE_CPUS_MAX)
		return;
	b->idle_runs[e->cpu] += e->type == TRACE_SWITCH && !e->arg[2];
	b->idle_events[e->cpu] += e->tid == 0;
}

static void find_unseen_idle(struct builder *b)
{
	static const uint32_t enough = 8; /* runs, to be no accident */

	b->p->idle_unseen = xcalloc(b->p->cpus + 1, sizeof(*b->p->idle_unseen));
	for (unsigned int cpu = 0; cpu < b->p->cpus; cpu++)
		b->p->idle_unseen[cpu] = b->idle_runs[cpu] >= enough && !b->idle_events[cpu];
}

void builder_touch(struct builder *b, int32_t task)
{
	if (b->task[task].touched)
		return;
	b->task[task].touched = true;
	xgrow(b->touched, b->n_touched, b->cap_touched);
	b->touched[b->n_touched++] = task;
}

static void on_lost(struct builder *b)
{
	for (size_t i = 0; i < b->n_touched; i++) {
		calls_lost(b, &b->task[b->touched[i]]);
		b->task[b->touched[i]].touched = false;
	}
	b->n_touched = 0;
	memset(b->on_cpu, 0xff, sizeof(b->on_cpu));
}

static void handle(struct builder *b, const struct trace_event *e)
{
	size_t cpu = e->cpu < TRACE_CPUS_MAX ? e->cpu : TRACE_CPUS_MAX;
	int32_t self = NO_TASK, tid = e->tid;

	if (!b->started) {
		b->started = true;
		b->start_ns = e->time_ns;
	}
	b->end_ns = e->time_ns;
	count(&b->p->recorded, e);
	count_idle(b, e);
	if (e->cpu < TRACE_CPUS_MAX && e->cpu >= b->p->cpus)
		b->p->cpus = e->cpu + 1;
	if (e->type == TRACE_LOST) {
		on_lost(b);
		return;
	}
	if (e->type == TRACE_SWITCH && tid != 0)
		tid = (int32_t)e->arg[0]; /* an exiting thread has no number any more */
	if (tid > 0) {
		self = builder_now(b, tid);
		if (self == NO_TASK)
			self = builder_new_task(b, tid, e->time_ns);
	} else if (tid < 0) {
		self = b->on_cpu[cpu];
	}
	if (self != NO_TASK) {
		builder_touch(b, self);
		own_event(b, self, e);
	}
	if (e->type == TRACE_SWITCH)
		switches_event(b, e);
	else if (e->type == TRACE_WAKING && !switches_waking(b, e, self) && self != NO_TASK)
		b->task[self].events += !b->task[self].call && !b->task[self].in_irq;
	background_event(b, self, e);
}

/* ---- the whole ---- */

static void builder_free(struct builder *b)
{
	for (size_t i = 0; i < b->n_tasks; i++) {
		free(b->task[i].op);
		free(b->task[i].note);
		free(b->task[i].sleep);
		free(b->task[i].waking);
		free(b->task[i].run);
		for (int j = 0; j < GAP_CLASSES; j++)
			free(b->task[i].gaps[j].v);
		free(b->task[i].waits.v);
		free(b->task[i].holds.v);
	}
	for (size_t i = 0; i < b->n_spaces; i++)
		build_space_free(&b->space[i]);
	free(b->task);
	free(b->slot);
	free(b->proc);
	free(b->space);
	free(b->lock);
	free(b->unseen);
	free(b->unmapping);
	free(b->touched);
	free(b->heir);
	pace_free(b);
	free(b->tick_wakes.v);
	free(b->tracer_alone.v);
	free(b->wake_latency.v);
	free(b->tracer_free.v);
	free(b);
}

struct program *program_build(struct trace_reader *reader, struct err *err)
{
	struct builder *b = xcalloc(1, sizeof(*b));
	struct trace_event event;
	struct program *p;
	int got;

	b->p = p = xcalloc(1, sizeof(*p));
	memset(b->on_cpu, 0xff, sizeof(b->on_cpu));
	for (int k = 0; k < OP_KINDS; k++)
		for (int s = 0; s < OP_SIZES; s++)
			hist_init(&p->recorded.latency[k][s]);
	hist_init(&p->recorded.lock_wait);
	hist_init(&p->recorded.lock_hold);
	while ((got = trace_next(reader, &event, err)) == 1)
		handle(b, &event);
	program_ipis_end(&p->recorded.ipis);
	find_unseen_idle(b);
	if (got == 0)
		builder_finish(b);
	builder_free(b);
	if (got == 0 && !p->n_tasks)
		got = err_set(err, "no task of the recording does memory operations") - 1;
	if (got < 0) {
		program_free(p);
		return NULL;
	}
	return p;
}
