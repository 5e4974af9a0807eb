/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a recording says of the inside of an execve: how many segments it mapped, and how long it
 * slept because pages of a file were on a disk. That is an input, as a sleep for a timer is: what
 * is in the page cache is no part of a recording, and the disk's time no step of the kernel. How
 * long the call took is not looked at.
 */
#include <string.h>

#include "workloads/program_build.h"

/* The new mm is locked for writing once for its stack and once more to move that. */
enum { STACK_WRITES = 2 };

void exec_begins(struct build_task *t)
{
	t->exec = (struct build_exec){ 0 };
}

void exec_lock(struct build_task *t, const struct trace_event *e)
{
	if (t->call != SC_EXECVE)
		return;
	if (!t->exec.mm && e->type == TRACE_LOCK_START)
		t->exec.mm = e->arg[0];
	t->exec.switched |= e->type == TRACE_LOCK_START && e->arg[0] != t->exec.mm;
	if (e->type == TRACE_LOCK_ACQUIRED && e->arg[0] == t->exec.mm)
		t->exec.writes += e->arg[1] && e->arg[2];
}

/* sched_exec: the stopper's thread takes it to an idler CPU. */
void exec_wakes(struct build_task *t, const struct trace_event *e)
{
	static const char stopper[] = "migration/";

	if (t->call == SC_EXECVE && e->text && !strncmp(e->text, stopper, sizeof(stopper) - 1))
		t->exec.moves = true;
}

/* Uninterruptible and not for mmap_lock: nothing but a file's pages is waited for so. */
void exec_sleeps(struct build_task *t, char state)
{
	t->exec.asleep = t->call == SC_EXECVE && state == 'D' && !t->lock_wait && !t->exec.moves;
	t->exec.moves = false;
}

void exec_goes_on(struct build_task *t, uint64_t in_ns)
{
	uint64_t end = in_ns;

	if (!t->exec.asleep)
		return;
	/* waiting for a CPU after the wake-up is the scheduler's */
	if (t->woken && t->wake_ns >= t->out_ns && t->wake_ns < in_ns)
		end = t->wake_ns;
	t->exec.asleep = false;
	t->exec.reads[t->exec.switched]++;
	t->exec.wait_ns[t->exec.switched] += end - t->out_ns;
}

void exec_ends(const struct build_task *t, struct program_op *op)
{
	if (t->exec.writes > STACK_WRITES)
		op->len = t->exec.writes - STACK_WRITES;
	op->prot = t->exec.reads[false];
	op->new_len = t->exec.wait_ns[false] * SIM_NS;
	op->flags = t->exec.reads[true];
	op->new_addr = t->exec.wait_ns[true] * SIM_NS;
}
