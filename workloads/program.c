/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The life of a program and what its parts are called. How it is made from a recording stands in
 * program_build.c and its neighbours.
 */
#include "workloads/program.h"

#include <inttypes.h>
#include <string.h>

#include "workloads/xalloc.h"

const char *const program_kind_names[PROGRAM_KINDS] = {
	[PROGRAM_NONE] = "none",         [PROGRAM_MMAP] = "mmap",       [PROGRAM_MUNMAP] = "munmap",
	[PROGRAM_MPROTECT] = "mprotect", [PROGRAM_MADVISE] = "madvise", [PROGRAM_MREMAP] = "mremap",
	[PROGRAM_BRK] = "brk",           [PROGRAM_ACCESS] = "access",   [PROGRAM_FORK] = "fork",
	[PROGRAM_CLONE] = "clone",       [PROGRAM_EXEC] = "exec",       [PROGRAM_EXIT] = "exit",
	[PROGRAM_WAIT] = "wait",         [PROGRAM_SLEEP] = "sleep",     [PROGRAM_WAKE] = "wake",
	[PROGRAM_MOVE] = "move",         [PROGRAM_REFUSED] = "refused", [PROGRAM_INFER] = "infer",
};

/* As the kernel model's own counters are labelled. */
const char *const program_flush_names[PROGRAM_FLUSH_REASONS] = {
	"task-switch",        "remote-shootdown", "local-shootdown",
	"local-mm-shootdown", "remote-ipi-send",  "remote-wrong-cpu",
};

struct program *program_load(const char *path, struct err *err)
{
	struct trace_reader *reader = trace_open(path, err);
	struct program *p;

	if (!reader)
		return NULL;
	p = program_build(reader, err);
	trace_close(reader);
	return p;
}

void program_free(struct program *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_tasks; i++) {
		free(p->task[i].comm);
		free(p->task[i].op);
	}
	for (size_t i = 0; i < p->n_background; i++) {
		free(p->background[i].comm);
		free(p->background[i].op);
	}
	for (size_t i = 0; i < p->n_spaces; i++)
		free(p->space[i].range);
	for (int k = 0; k < OP_KINDS; k++)
		for (int s = 0; s < OP_SIZES; s++)
			hist_free(&p->recorded.latency[k][s]);
	hist_free(&p->recorded.lock_wait);
	hist_free(&p->recorded.lock_hold);
	free(p->task);
	free(p->background);
	free(p->space);
	free(p->idle_unseen);
	free(p);
}

static void dump_op(FILE *out, const struct program_op *op)
{
	fprintf(out, "  +%" PRIu64 "ps %s", op->think, program_kind_names[op->kind]);
	if (op->cpu != NO_CPU)
		fprintf(out, " [%d]", op->cpu);
	switch (op->kind) {
	case PROGRAM_FORK:
	case PROGRAM_CLONE:
	case PROGRAM_WAIT:
	case PROGRAM_MOVE:
		fprintf(out, " %u", op->other);
		break;
	case PROGRAM_WAKE:
		fprintf(out, " %u%s%s", op->other, op->flags & PROGRAM_PREEMPTS ? " preempts" : "",
			op->flags & PROGRAM_FOUND_ASLEEP    ? ""
			: op->flags & PROGRAM_FOUND_LEAVING ? " leaving"
							    : " early");
		break;
	case PROGRAM_REFUSED:
		break;
	case PROGRAM_EXEC:
		fprintf(out,
			" %u segments %" PRIu64 " reads %u %" PRIu64 "ps, then %u %" PRIu64 "ps",
			op->other, op->len, op->prot, op->new_len, op->flags, op->new_addr);
		break;
	case PROGRAM_SLEEP:
		fprintf(out, " %" PRIu64 "ps", op->len);
		if (program_other_cpu(op) != NO_CPU)
			fprintf(out, " by %u", op->other);
		break;
	case PROGRAM_ACCESS:
		fprintf(out, " %#" PRIx64 " %c%s", op->addr, "rwx"[op->access % 3],
			(op->flags & PROGRAM_BY_KERNEL) ? " by the kernel" : "");
		break;
	case PROGRAM_MREMAP:
		fprintf(out, " %#" PRIx64 " %#" PRIx64 " -> %#" PRIx64 " %#" PRIx64, op->addr,
			op->len, op->new_addr, op->new_len);
		break;
	default:
		fprintf(out, " %#" PRIx64 " %#" PRIx64 " prot %#x flags %#x", op->addr, op->len,
			op->prot, op->flags);
	}
	fputc('\n', out);
}

void program_dump(FILE *out, const struct program *p)
{
	fprintf(out, "program: %zu tasks, %zu spaces, tracer %" PRIu64 "ps\n", p->n_tasks,
		p->n_spaces, p->tracer_ps);
	for (size_t i = 0; i < p->n_spaces; i++) {
		const struct program_space *s = &p->space[i];

		fprintf(out, "space %zu: pid %d brk %#" PRIx64 "\n", i, s->pid, s->brk);
		for (size_t j = 0; j < s->n_ranges; j++)
			fprintf(out, "  %#" PRIx64 "-%#" PRIx64 " prot %#x flags %#x\n",
				s->range[j].start, s->range[j].end, s->range[j].prot,
				s->range[j].flags);
	}
	for (size_t i = 0; i < p->n_tasks; i++) {
		const struct program_task *t = &p->task[i];

		fprintf(out, "task %zu: %d/%d %s parent %d leader %d space %u cpu %d\n", i, t->pid,
			t->tid, t->comm, t->parent, t->leader, t->space, t->initial_cpu);
		for (size_t j = 0; j < t->n_ops; j++)
			dump_op(out, &t->op[j]);
	}
	for (size_t i = 0; i < p->n_background; i++) {
		const struct program_task *t = &p->background[i];

		fprintf(out, "background: %d/%d %s %s cpu %d%s\n", t->pid, t->tid, t->comm,
			t->kthread ? "kernel thread" : "process", t->initial_cpu,
			t->bound ? " bound" : "");
		for (size_t j = 0; j < t->n_ops; j++)
			dump_op(out, &t->op[j]);
	}
}
