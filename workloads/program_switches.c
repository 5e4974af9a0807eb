/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * On and off the CPU while a recording is read: sleeps and who ends them, moves to other CPUs, who
 * preempts whom. Which wake-ups and sleeps belong together where clocks disagree is
 * program_sound.c's.
 */
#include <string.h>

#include "workloads/program_events.h"

enum { MOST_LATENCIES = 4096 }; /* more change their median no more */

/* From a wake-up to the way in on an idle CPU: the median of those that were seen. */
static void add_latency(struct builder *b, uint64_t ns)
{
	if (b->wake_latency.n == MOST_LATENCIES)
		return;
	gaps_add(&b->wake_latency, ns);
	if (b->wake_latency.n >= FEW_GAPS && (b->wake_latency.n & (b->wake_latency.n - 1)) == 0)
		b->usual_latency_ns = gaps_percentile(&b->wake_latency, 50) / SIM_NS;
}

/*
 * Off the CPU from out to in, as seen at t, the thread's own next event. The way in is told by
 * whoever ran there before, whose clock may be another: it counts only between out and t. An idle
 * task may not tell it: then it came as soon after its wake-up as others do, and what follows is
 * its own work.
 */
static uint64_t way_in(const struct builder *b, const struct build_task *t, uint64_t now)
{
	if (t->resumed)
		return t->in_ns >= t->out_ns && t->in_ns <= now ? t->in_ns : now;
	if (t->state == TASK_BLOCKED && t->woken && t->wake_ns >= t->out_ns &&
	    b->usual_latency_ns && t->wake_ns + b->usual_latency_ns < now)
		return t->wake_ns + b->usual_latency_ns;
	return now;
}

/* The switch is recorded before the thread goes on, on its time. */
static uint32_t events_in(const struct build_task *t, uint64_t in)
{
	return t->resumed && in == t->in_ns ? t->in_events : 0;
}

static void wake_up(const struct builder *b, struct build_task *t, uint64_t now)
{
	struct program_op *op = &t->op[t->n_ops - 1];
	uint64_t in = way_in(b, t, now), end = in;

	/* waiting for a CPU after the wake-up is the scheduler's, not the sleep's */
	if (t->woken && t->wake_ns >= t->out_ns && t->wake_ns < in)
		end = t->wake_ns;
	op->len = (end - t->out_ns) * SIM_NS;
	t->note[t->n_ops - 1].after_ns = (int64_t)(now - in);
	task_mark(t, in, events_in(t, in));
}

/* It was put on another CPU while it waited for one. */
static void move(struct build_task *t, uint64_t in_ns, int16_t cpu)
{
	struct program_op op = { .kind = PROGRAM_MOVE, .other = (uint32_t)cpu };
	struct build_note note = task_cut(t, t->out_ns);

	task_append(t, &op, &note);
	task_mark(t, in_ns, events_in(t, in_ns));
}

/* On the same CPU: the stretch goes on. */
static void come_back(struct build_task *t, uint64_t in_ns)
{
	t->minus_ns += (int64_t)(in_ns - t->out_ns);
	t->events += events_in(t, in_ns);
}

int16_t event_cpu(const struct trace_event *e)
{
	return e->cpu < TRACE_CPUS_MAX ? (int16_t)e->cpu : NO_CPU;
}

/* Nobody saw it come back. What is longer than such processes took in the recordings at hand (40 to
 * 60 us, every 50 ms) is its own work. */
static void comes_from_unseen(struct builder *b, struct build_task *t, uint64_t now)
{
	static const uint64_t longest_ns = 100000;

	t->by_unseen = false;
	t->resumed = true;
	t->in_ns = now - t->out_ns < longest_ns ? now : t->out_ns + longest_ns;
	t->in_events = 0;
	background_unseen(b, t->at_cpu, t->out_ns, t->in_ns);
}

void switches_settle(struct builder *b, struct build_task *t, const struct trace_event *e)
{
	uint64_t now = e->time_ns;

	if (t->by_unseen)
		comes_from_unseen(b, t, now);

	exec_goes_on(t, way_in(b, t, now));
	t->unwoken += t->state == TASK_BLOCKED && !t->woken && !t->deep;
	if (t->state == TASK_BLOCKED)
		wake_up(b, t, now);
	else if (t->state == TASK_PREEMPTED && event_cpu(e) != t->at_cpu)
		move(t, way_in(b, t, now), event_cpu(e));
	else if (t->state == TASK_PREEMPTED)
		come_back(t, way_in(b, t, now));
	t->at_cpu = event_cpu(e);
	t->resumed = t->woken = false;
	t->state = TASK_RUNNING;
}

/* It goes to sleep: by an operation of its own, or (no_op) within one. */
static void note_sleep(struct build_task *t, uint32_t op)
{
	xgrow(t->sleep, t->n_sleeps, t->cap_sleeps);
	t->sleep[t->n_sleeps++] = (struct wake_ref){ .op = op };
}

static void block(struct builder *b, int32_t index, uint64_t now)
{
	struct build_task *t = &b->task[index];
	struct program_op op = { .kind = PROGRAM_WAIT };
	struct build_note note = task_cut(t, now);

	task_append(t, &op, &note);
	if (t->early_waker != NO_TASK) {
		builder_pair(b, index, (uint32_t)t->n_ops - 1, t->early_waker, t->early_op);
		b->task[t->early_waker].op[t->early_op].flags |= PROGRAM_FOUND_LEAVING;
		t->woken = true;
		t->wake_ns = now;
	}
	t->early_waker = NO_TASK;
	t->state = TASK_BLOCKED;
	t->out_ns = now;
}

/* Someone who was not seen before comes from a sleep that began before the recording. */
static int32_t asleep_at_start(struct builder *b, int32_t tid, uint64_t now)
{
	int32_t index = builder_new_task(b, tid, now);

	block(b, index, b->start_ns);
	b->task[index].from_sleep = true;
	return index;
}

enum { AT_ONCE_NS = 30000 }; /* from a wake-up to the switch that it leads to */

void switches_preempt(struct build_task *t, int32_t woken, uint64_t now)
{
	int64_t since = (int64_t)(now - t->mark_ns);

	for (size_t i = t->n_ops; i-- > 0 && since < AT_ONCE_NS; since += t->note[i].gap_ns) {
		if (t->op[i].kind != PROGRAM_WAKE)
			return;
		if (t->note[i].peer != woken && woken != NO_TASK)
			continue;
		t->op[i].flags |= PROGRAM_PREEMPTS;
		return;
	}
}

void switches_event(struct builder *b, const struct trace_event *e)
{
	int32_t prev = builder_find(b, (int32_t)e->arg[0]);
	int32_t next = e->arg[2] ? builder_now(b, (int32_t)e->arg[2]) : NO_TASK;
	char state = (char)(e->arg[1] & 0xff);
	size_t cpu = e->cpu < TRACE_CPUS_MAX ? e->cpu : TRACE_CPUS_MAX;

	if (e->arg[0] && prev != NO_TASK) {
		struct build_task *t = &b->task[prev];
		bool inside = t->call || t->lock_wait || t->exiting || t->copying;

		exec_sleeps(t, state);
		t->resumed = t->in_irq = false;
		if (state == 'X' || state == 'Z')
			t->state = TASK_DEAD;
		else if (inside)
			t->state = TASK_IN_CALL;
		else if (state == 'R')
			t->state = TASK_PREEMPTED;
		else
			block(b, prev, e->time_ns);
		if (t->state == TASK_PREEMPTED && next != NO_TASK)
			switches_preempt(t, next, e->time_ns);
		t->deep = state == 'D' && !inside;
		if (state != 'R' && !t->deep && t->state != TASK_DEAD)
			note_sleep(t, inside ? NO_OP : (uint32_t)t->n_ops - 1);
		t->out_ns = e->time_ns;
	}
	if (e->arg[2] && next == NO_TASK)
		next = asleep_at_start(b, (int32_t)e->arg[2], e->time_ns);
	if (next != NO_TASK) {
		if (!e->arg[0] && b->task[next].state == TASK_BLOCKED && b->task[next].woken &&
		    e->time_ns > b->task[next].wake_ns)
			add_latency(b, e->time_ns - b->task[next].wake_ns);
		b->task[next].resumed = true;
		b->task[next].in_events = 1;
		b->task[next].in_ns = e->time_ns;
		if (b->task[next].cpu == NO_CPU)
			b->task[next].cpu = event_cpu(e);
	}
	b->on_cpu[cpu] = next;
}

/* The wake-up as an operation of the thread in whose context it was; its number, or NO_OP. */
static uint32_t add_wake(struct builder *b, int32_t self, int32_t target, uint64_t now)
{
	struct program_op op = { .kind = PROGRAM_WAKE };
	struct build_task *w = self == NO_TASK ? NULL : &b->task[self];
	struct build_note note;

	if (!w || w->in_irq || w->call || w->lock_wait || w->copying || self == target)
		return NO_OP;
	note = task_cut(w, now);
	note.peer = target;
	note.peer_op = NO_OP;
	task_append(w, &op, &note);
	task_mark(w, now, 1);
	return (uint32_t)w->n_ops - 1;
}

bool switches_waking(struct builder *b, const struct trace_event *e, int32_t self)
{
	int32_t target = builder_find(b, (int32_t)e->arg[0]);
	struct build_task *t;
	uint32_t op;

	if (target == NO_TASK) {
		target = asleep_at_start(b, (int32_t)e->arg[0], e->time_ns);
		note_sleep(&b->task[target], 0);
	}
	op = add_wake(b, self, target, e->time_ns);
	if (self != NO_TASK)
		exec_wakes(&b->task[self], e);
	t = &b->task[target];
	if (t->state != TASK_BLOCKED || !t->deep) {
		xgrow(t->waking, t->n_wakings, t->cap_wakings);
		t->waking[t->n_wakings++] = (struct wake_ref){ self, op };
	}
	if (t->state == TASK_BLOCKED && !t->woken) {
		t->woken = true;
		t->wake_ns = e->time_ns;
		t->note[t->n_ops - 1].wake_cpu = event_cpu(e);
		if (op != NO_OP) {
			builder_pair(b, target, (uint32_t)t->n_ops - 1, self, op);
			b->task[self].op[op].flags |= PROGRAM_FOUND_ASLEEP;
		}
	} else if ((t->state == TASK_RUNNING || (t->state == TASK_BLOCKED && !t->deep)) &&
		   op != NO_OP) { /* one who was woken before has run since, unseen */
		builder_touch(b, target);
		t->early_waker = self; /* counts if its next event is to go to sleep */
		t->early_op = op;
	} else if (t->exec.asleep && !t->woken) {
		t->woken = true;
		t->wake_ns = e->time_ns;
	}
	return op != NO_OP;
}

void switches_load_mm(struct builder *b, struct build_task *t, const struct trace_event *e)
{
	int32_t next = e->cpu < TRACE_CPUS_MAX ? b->on_cpu[e->cpu] : NO_TASK;

	if (t->state == TASK_RUNNING) {
		t->state = t->call || t->lock_wait ? TASK_IN_CALL : TASK_PREEMPTED;
		t->by_unseen = true;
		t->out_ns = e->time_ns;
		t->resumed = false;
	} else if (next != NO_TASK) {
		b->task[next].in_events++;
	}
}
