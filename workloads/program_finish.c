/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes the program of what was noted: estimates the recorder's cost and that of faults, turns gaps
 * into own work, keeps the threads that do memory operations and those that they create, and sees
 * to it that each wait has its wake-up.
 */
#include <string.h>

#include "models/kernel/ops.h"
#include "workloads/program_build.h"

enum { FEW_LOCKS = 8 }; /* fewer samples than this say nothing */
/* Of the gaps after a fault or the sending of an IPI: a program that computes after each leaves few
 * that are this alone, but a quarter to which its own work adds little. */
enum { GAP_PERCENTILE = 1, GAP_USUAL = 25 };
/* A program that does much after each wake-up hides what the IPI took. Guests take longest: 8 to 9
 * us with the recording, where it shows (1st percentiles of the recordings at hand, but
 * redis-bgsave). */
static const sim_ps longest_send = 9 * SIM_US;

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

int by_ps(const void *a, const void *b)
{
	sim_ps x = *(const sim_ps *)a, y = *(const sim_ps *)b;

	return x < y ? -1 : x > y;
}

void gaps_add(struct gaps *g, uint64_t ns)
{
	xgrow(g->v, g->n, g->cap);
	g->v[g->n++] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

sim_ps gaps_percentile(struct gaps *g, unsigned int q)
{
	if (!g->n)
		return 0;
	qsort(g->v, g->n, sizeof(*g->v), by_value);
	return (sim_ps)g->v[(g->n - 1) * q / 100] * SIM_NS;
}

/* Over all threads. */
static sim_ps gap_percentile(const struct builder *b, int class)
{
	struct gaps all = { 0 };
	sim_ps p;

	for (size_t i = 0; i < b->n_tasks; i++) {
		const struct gaps *g = &b->task[i].gaps[class];

		for (size_t j = 0; j < g->n; j++)
			gaps_add(&all, g->v[j]);
	}
	p = gaps_percentile(&all, GAP_PERCENTILE);
	free(all.v);
	return p;
}

static void estimate(struct builder *b)
{
	struct gaps *locks = &b->tracer_alone;
	struct program *p = b->p;

	if (locks->n < FEW_LOCKS)
		locks = &b->tracer_free;
	if (locks->n >= FEW_LOCKS) {
		p->tracer_ps = gaps_percentile(locks, 25);
		p->tracer_cold_ps = gaps_percentile(locks, 95) - p->tracer_ps;
		p->tracer_samples = locks->n;
	}
	for (int class = 0; class < FAULT_CLASSES; class ++)
		p->fault_ps[class] = gap_percentile(b, class);
	p->send_ps = gap_percentile(b, GAP_SEND);
}

/* ---- which tasks ---- */

struct finish {
	struct builder *b;
	int32_t *index;                 /* of a build task in the program, or NO_TASK */
	int32_t *space_index;           /* likewise of spaces */
	sim_ps gap_ps[GAP_CLASSES];     /* of the task at hand */
	sim_ps usual_ps[FAULT_CLASSES]; /* likewise: what its faults mostly take more */
};

/* Those with memory operations of their own, and whom those create. */
static bool chosen(const struct finish *f, const struct build_task *t)
{
	if (t->creator != NO_TASK && t->created && f->index[t->creator] != NO_TASK)
		return true;
	return t->mm_ops && strcmp(t->comm, "perf") != 0;
}

static void choose(struct finish *f)
{
	struct builder *b = f->b;
	struct program *p = b->p;
	bool more = true;

	memset(f->index, 0xff, b->n_tasks * sizeof(*f->index));
	while (more) { /* once, and again where a child was seen before its parent */
		more = false;
		for (size_t i = 0; i < b->n_tasks; i++)
			if (f->index[i] == NO_TASK && chosen(f, &b->task[i])) {
				f->index[i] = 0;
				more = true;
			}
	}
	for (size_t i = 0; i < b->n_tasks; i++)
		if (f->index[i] != NO_TASK)
			f->index[i] = (int32_t)p->n_tasks++;
}

static uint32_t space_of(struct finish *f, int32_t space)
{
	if (f->space_index[space] < 0)
		f->space_index[space] = (int32_t)f->b->p->n_spaces++;
	return (uint32_t)f->space_index[space];
}

/* ---- operations ---- */

static sim_ps at_pace(sim_ps ps, uint8_t pace)
{
	return ps + ps * pace / PACE_UNIT;
}

static sim_ps think(const struct finish *f, const struct build_note *note)
{
	const struct program *p = f->b->p;
	uint8_t pace = pace_at(f->b, note->cpu, note->at_ns);
	int64_t ps = note->gap_ns * (int64_t)SIM_NS -
		     (int64_t)(note->events * at_pace(p->tracer_ps, pace));

	if (note->fault < GAP_CLASSES) {
		int64_t rest = (int64_t)at_pace(f->gap_ps[note->fault], pace) -
			       (int64_t)note->service_ns * (int64_t)SIM_NS;

		ps -= rest > 0 ? rest : 0;
	}
	return ps > 0 ? (sim_ps)ps : 0;
}

static uint32_t kernel_part(const struct finish *f, const struct build_note *note, sim_ps think)
{
	sim_ps usual = note->fault < FAULT_CLASSES ? f->usual_ps[note->fault] : 0;

	return (uint32_t)((usual < think ? usual : think) / SIM_NS);
}

static enum op_kind op_kind_of(const struct program_op *op)
{
	static const uint8_t map[PROGRAM_KINDS] = {
		[PROGRAM_MMAP] = OP_MMAP,         [PROGRAM_MUNMAP] = OP_MUNMAP,
		[PROGRAM_MPROTECT] = OP_MPROTECT, [PROGRAM_MADVISE] = OP_MADVISE,
		[PROGRAM_MREMAP] = OP_MREMAP,     [PROGRAM_BRK] = OP_BRK,
		[PROGRAM_FORK] = OP_FORK,         [PROGRAM_CLONE] = OP_CLONE,
		[PROGRAM_EXEC] = OP_EXEC,
	};

	if (op->kind == PROGRAM_CLONE && op->flags & CLONE_VFORK_FLAG)
		return OP_VFORK;
	return (enum op_kind)map[op->kind];
}

static void compare(struct program_recorded *r, const struct program_op *op)
{
	static const uint8_t call[PROGRAM_KINDS] = {
		[PROGRAM_MMAP] = SC_MMAP,         [PROGRAM_MUNMAP] = SC_MUNMAP,
		[PROGRAM_MPROTECT] = SC_MPROTECT, [PROGRAM_MADVISE] = SC_MADVISE,
		[PROGRAM_MREMAP] = SC_MREMAP,     [PROGRAM_BRK] = SC_BRK,
		[PROGRAM_FORK] = SC_CLONE,        [PROGRAM_CLONE] = SC_CLONE3,
		[PROGRAM_EXEC] = SC_EXECVE,
	};
	enum op_kind kind = op_kind_of(op);

	r->faults += op->kind == PROGRAM_ACCESS;
	if (!call[op->kind])
		return;
	r->calls[call[op->kind]]++;
	if (!op->recorded_ns)
		return;
	hist_add(&r->latency[kind][op_size_of(kind, op->len)], op->recorded_ns * SIM_NS);
	r->op_time_ps += (double)op->recorded_ns * (double)SIM_NS;
}

/* Sets what the operation refers to; false: it goes, and its own work is the next one's. */
static bool resolve(struct finish *f, int32_t task, uint32_t i, struct program_op *op)
{
	const struct build_task *t = &f->b->task[task];
	int32_t peer = t->note[i].peer;

	switch (op->kind) {
	case PROGRAM_WAKE:
		op->other = peer == NO_TASK ? 0 : (uint32_t)f->index[peer];
		return builder_paired(f->b, f->index, task, i);
	case PROGRAM_WAIT:
		if (builder_paired(f->b, f->index, task, i)) {
			op->other = (uint32_t)f->index[peer];
			return true;
		}
		if (i + 1 == t->n_ops && t->state == TASK_BLOCKED)
			return false; /* never woken within the recording */
		op->kind = PROGRAM_SLEEP;
		op->other = (uint32_t)t->note[i].wake_cpu;
		return op->len > 0;
	case PROGRAM_MMAP:
	case PROGRAM_MREMAP:
		if (!op->after)
			return true;
		if (f->index[op->other] < 0) /* not replayed: it has gone by */
			op->after = 0;
		else
			op->other = (uint32_t)f->index[op->other];
		return true;
	case PROGRAM_FORK:
	case PROGRAM_CLONE:
		op->other = (uint32_t)f->index[op->other];
		return true;
	case PROGRAM_EXEC:
		op->other = space_of(f, (int32_t)op->other);
		return true;
	default:
		return true;
	}
}

static void add_op(struct finish *f, struct program_task *out, const struct program_op *op)
{
	struct program *p = f->b->p;

	out->op[out->n_ops++] = *op;
	p->n_ops++;
	p->sleeps += op->kind == PROGRAM_SLEEP;
	if (op->kind == PROGRAM_EXEC) {
		p->file_reads += op->prot + op->flags;
		p->file_wait += op->new_len + op->new_addr;
	}
	p->inferred_late += op->kind == PROGRAM_INFER;
	compare(&p->recorded, op);
}

/* Someone whom a task that is not replayed made appears when he did. */
static void add_start(struct finish *f, const struct build_task *t, struct program_task *out)
{
	struct program_op op = { .kind = PROGRAM_SLEEP, .cpu = NO_CPU, .other = (uint32_t)NO_CPU };

	if (t->creator == NO_TASK || out->parent >= 0)
		return;
	op.len = (t->first_ns - f->b->start_ns) * SIM_NS;
	add_op(f, out, &op);
}

/* What the thread's faults mostly take more than the fastest: not more than that again. */
static sim_ps usual_rest(struct gaps *gaps, sim_ps fastest)
{
	sim_ps rest;

	if (gaps->n < FEW_GAPS)
		return 0;
	rest = gaps_percentile(gaps, GAP_USUAL) - fastest;
	return rest < fastest ? rest : fastest;
}

static void make_ops(struct finish *f, int32_t task, struct program_task *out)
{
	struct build_task *t = &f->b->task[task];
	sim_ps carry = 0;

	for (int i = 0; i < GAP_CLASSES; i++) {
		const struct program *p = f->b->p;

		f->gap_ps[i] = i == GAP_SEND ? p->send_ps : p->fault_ps[i];
		if (t->gaps[i].n >= FEW_GAPS)
			f->gap_ps[i] = gaps_percentile(&t->gaps[i], GAP_PERCENTILE);
		if (i == GAP_SEND && f->gap_ps[i] > longest_send)
			f->gap_ps[i] = longest_send;
		if (i < FAULT_CLASSES)
			f->usual_ps[i] = usual_rest(&t->gaps[i], f->gap_ps[i]);
	}
	out->op = xmalloc((t->n_ops + 1) * sizeof(*out->op));
	add_start(f, t, out);
	/* who was created in the recording did not sleep before it */
	for (uint32_t i = t->from_sleep && out->parent >= 0; i < t->n_ops; i++) {
		struct program_op op = t->op[i];

		op.think = think(f, &t->note[i]);
		op.kernel_ns = kernel_part(f, &t->note[i], op.think);
		op.think += carry;
		op.pace = pace_at(f->b, t->note[i].cpu, t->note[i].at_ns);
		op.cpu = t->note[i].cpu;
		carry = 0;
		if (!resolve(f, task, i, &op))
			carry = op.think;
		else
			add_op(f, out, &op);
	}
	walks_even_out(out->op, out->n_ops);
}

/* ---- the whole ---- */

static void add_all(struct hist *h, const struct gaps *g)
{
	for (size_t i = 0; i < g->n; i++)
		hist_add(h, g->v[i] * SIM_NS);
}

/* Where its first operation is. Before a sleep that began before the recording, it may have been
 * another program, with another mm. */
static void first_cpu(struct program_task *t)
{
	for (size_t i = 0; i < t->n_ops; i++)
		if (t->op[i].cpu != NO_CPU && (t->parent >= 0 || t->op[i].kind != PROGRAM_SLEEP)) {
			t->initial_cpu = t->op[i].cpu;
			return;
		}
}

static void make_task(struct finish *f, int32_t i)
{
	struct build_task *t = &f->b->task[i];
	struct program_task *out = &f->b->p->task[f->index[i]];

	if (t->proc < 0)
		builder_space(f->b, t);
	out->tid = t->tid;
	out->pid = t->pid >= 0 ? t->pid : t->tid;
	out->comm = xstrdup(t->comm);
	out->initial_cpu = t->cpu;
	out->mm_ops = t->mm_ops;
	out->leader = NO_TASK;
	out->parent = t->created && t->creator != NO_TASK ? f->index[t->creator] : NO_TASK;
	make_ops(f, i, out);
	first_cpu(out);
	add_all(&f->b->p->recorded.lock_wait, &t->waits);
	add_all(&f->b->p->recorded.lock_hold, &t->holds);
}

/* Threads of one process that are there at the start: the main thread leads, else the first. */
static void make_leaders(struct finish *f)
{
	struct builder *b = f->b;
	int32_t *leader = xmalloc(b->n_procs * sizeof(*leader));

	memset(leader, 0xff, b->n_procs * sizeof(*leader));
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < b->n_tasks; i++) {
			struct program_task *t = f->index[i] == NO_TASK ? NULL
									: &b->p->task[f->index[i]];

			if (!t || t->parent != NO_TASK)
				continue;
			if (leader[b->task[i].proc] == NO_TASK && (pass || t->tid == t->pid))
				leader[b->task[i].proc] = f->index[i];
		}
	for (size_t i = 0; i < b->n_tasks; i++)
		if (f->index[i] != NO_TASK && b->p->task[f->index[i]].parent == NO_TASK &&
		    leader[b->task[i].proc] != f->index[i])
			b->p->task[f->index[i]].leader = leader[b->task[i].proc];
	free(leader);
}

static void make_spaces(struct finish *f)
{
	struct program *p = f->b->p;

	for (size_t i = f->b->n_spaces; i-- > 0;) /* copies come after their originals */
		if (f->b->space[i].copy_of >= 0)
			space_inherit(&f->b->space[f->b->space[i].copy_of], &f->b->space[i]);
	p->space = xcalloc(p->n_spaces, sizeof(*p->space));
	for (size_t i = 0; i < f->b->n_spaces; i++) {
		struct program_space *s;

		if (f->space_index[i] < 0)
			continue;
		s = &p->space[f->space_index[i]];
		space_infer(&f->b->space[i], s);
		p->inferred_ranges += s->n_ranges;
		p->inferred_bytes += s->bytes;
		p->inferred_pages += s->pages;
	}
}

void builder_finish(struct builder *b)
{
	struct finish f = { .b = b };
	struct program *p = b->p;

	f.index = xmalloc(b->n_tasks * sizeof(*f.index));
	estimate(b);
	pace_finish(b);
	ticks_find(b);
	choose(&f);
	builder_match(b, f.index);
	builder_unlock(b, f.index);
	for (size_t i = 0; i < b->n_tasks; i++)
		if (f.index[i] != NO_TASK && b->task[i].first_space < 0)
			builder_space(b, &b->task[i]);
	f.space_index = xmalloc(b->n_spaces * sizeof(*f.space_index));
	memset(f.space_index, 0xff, b->n_spaces * sizeof(*f.space_index));
	p->task = xcalloc(p->n_tasks, sizeof(*p->task));
	for (size_t i = 0; i < b->n_tasks; i++)
		if (f.index[i] != NO_TASK) {
			p->task[f.index[i]].space = space_of(&f, b->task[i].first_space);
			make_task(&f, (int32_t)i);
		}
	make_leaders(&f);
	make_spaces(&f);
	background_finish(b, f.index);
	p->recorded.span = (b->end_ns - b->start_ns) * SIM_NS;
	free(f.index);
	free(f.space_index);
}
