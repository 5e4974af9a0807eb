/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recordings without process numbers (trace.dat, ftrace without record-tgid), of programs that ran
 * before, or whose clone() calls were not recorded: who shares an address space shows in mmap_lock,
 * whose events name the mm. Threads that a recorded call made are told by that call instead.
 */
#include "workloads/program_events.h"

/* Calls that take the lock of their own mm and of no other. */
static bool locks_own_mm(uint8_t call)
{
	switch (call) {
	case SC_MMAP:
	case SC_MUNMAP:
	case SC_MPROTECT:
	case SC_MADVISE:
	case SC_MREMAP:
	case SC_BRK:
		return true;
	default:
		return false;
	}
}

static int32_t proc_of_mm(const struct builder *b, uint64_t mm)
{
	for (size_t i = 0; i < b->n_procs; i++)
		if (b->proc[i].mm == mm && b->proc[i].pid < 0)
			return (int32_t)i;
	return -1;
}

static void move_tasks(struct builder *b, int32_t from, int32_t to)
{
	for (size_t i = 0; i < b->n_tasks; i++) {
		struct build_task *t = &b->task[i];

		if (t->proc != from)
			continue;
		t->proc = to;
		if (t->first_space == b->proc[from].space)
			t->first_space = b->proc[to].space;
	}
}

void builder_learn_mm(struct builder *b, struct build_task *t, const struct trace_event *e)
{
	struct build_proc *proc;
	int32_t other;

	if (t->pid >= 0 || !e->arg[0] || !locks_own_mm(t->call))
		return;
	builder_space(b, t);
	proc = &b->proc[t->proc];
	if (proc->mm)
		return;
	other = proc_of_mm(b, e->arg[0]);
	proc->mm = e->arg[0];
	if (other < 0 || t->by_call)
		return;
	space_merge(&b->space[b->proc[other].space], &b->space[proc->space]);
	move_tasks(b, t->proc, other);
}
