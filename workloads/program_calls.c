/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Operations from events: system calls with their results, page faults, forks; and the use of
 * mmap_lock, which tells what the recorder costs. A call's duration is noted for comparison and
 * goes nowhere else.
 */
#include <string.h>
#include <sys/mman.h>

#include "models/kernel/ops.h"
#include "workloads/program_events.h"

static void leave_lock(struct builder *b, struct build_task *t);

enum { CLONE_VM_FLAG = 0x100, CLONE_THREAD_FLAG = 0x10000 };

/* Puts a mapping that nobody recorded before what needs it. */
static void infer_late(struct build_task *t, struct span late)
{
	struct program_op op = {
		.kind = PROGRAM_INFER,
		.addr = late.start,
		.len = late.end - late.start,
		.prot = PROT_READ | PROT_WRITE,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS,
	};
	struct build_note note = { .fault = NO_FAULT, .cpu = NO_CPU, .peer = NO_TASK };

	task_append(t, &op, &note);
}

static void need(struct build_task *t, struct build_space *s, uint64_t addr, uint64_t len,
		 unsigned int access, bool touched)
{
	struct span late;

	if (space_need(s, addr, len, access, touched, &late))
		infer_late(t, late);
}

/* ---- one function a call: fills op in from t->arg and the result; false = leave it out ---- */

typedef bool call_fn(struct builder *b, struct build_task *t, struct program_op *op, uint64_t ret);

static bool call_mmap(struct builder *b, struct build_task *t, struct program_op *op, uint64_t ret)
{
	op->kind = PROGRAM_MMAP;
	op->addr = ret;
	op->len = t->arg[1];
	op->prot = (uint32_t)t->arg[2];
	op->flags = (uint32_t)t->arg[3];
	space_mapped(builder_space(b, t), ret, op->len);
	if (!(op->flags & MAP_FIXED))
		space_chosen(builder_space(b, t), ret, op->len);
	space_stale(builder_space(b, t), ret, ret + op->len);
	if ((op->flags & (MAP_ANONYMOUS | MAP_SHARED)) == MAP_ANONYMOUS && op->prot & PROT_WRITE)
		space_fresh(builder_space(b, t), ret, ret + op->len);
	return true;
}

/* What it did to the space, it did when it began. */
static bool call_munmap(struct builder *b, struct build_task *t, struct program_op *op,
			uint64_t ret)
{
	(void)b;
	(void)ret;
	op->kind = PROGRAM_MUNMAP;
	op->addr = t->arg[0];
	op->len = t->arg[1];
	return true;
}

static bool call_mprotect(struct builder *b, struct build_task *t, struct program_op *op,
			  uint64_t ret)
{
	(void)ret;
	op->kind = PROGRAM_MPROTECT;
	op->addr = t->arg[0];
	op->len = t->arg[1];
	op->prot = (uint32_t)t->arg[2];
	need(t, builder_space(b, t), op->addr, op->len, USER_READ, false);
	return true;
}

static bool call_madvise(struct builder *b, struct build_task *t, struct program_op *op,
			 uint64_t ret)
{
	(void)ret;
	op->kind = PROGRAM_MADVISE;
	op->addr = t->arg[0];
	op->len = t->arg[1];
	op->flags = (uint32_t)t->arg[2];
	need(t, builder_space(b, t), op->addr, op->len, USER_READ, false);
	return true;
}

static bool call_mremap(struct builder *b, struct build_task *t, struct program_op *op,
			uint64_t ret)
{
	struct build_space *s = builder_space(b, t);

	op->kind = PROGRAM_MREMAP;
	op->addr = t->arg[0];
	op->len = t->arg[1];
	op->new_len = t->arg[2];
	op->flags = (uint32_t)t->arg[3];
	op->new_addr = ret;
	need(t, s, op->addr, op->len, USER_READ, false);
	space_unmapped(s, op->addr, op->len);
	space_mapped(s, op->new_addr, op->new_len);
	return true;
}

static bool call_brk(struct builder *b, struct build_task *t, struct program_op *op, uint64_t ret)
{
	op->kind = PROGRAM_BRK;
	op->addr = t->arg[0] == ret ? ret : 0; /* one that was refused asks only */
	space_brk(builder_space(b, t), t->arg[0], ret);
	return true;
}

static bool call_exec(struct builder *b, struct build_task *t, struct program_op *op, uint64_t ret)
{
	int32_t space;

	(void)ret;
	builder_space(b, t);
	space = builder_new_space(b, t->pid, -1);
	b->space[space].whole = true;
	b->proc[t->proc].space = space;
	b->proc[t->proc].mm = 0;
	op->kind = PROGRAM_EXEC;
	op->other = (uint32_t)space;
	exec_ends(t, op);
	if (t->call || t->mm_ops)
		return true;
	t->first_space = space; /* the recording began within the call */
	return false;
}

/* C libraries make processes by clone3() only with a shared mm, and wait for their exec. */
static bool waits_for_child(const struct build_task *t, const struct build_task *child)
{
	if (t->call == SC_CLONE3)
		return t->pid >= 0 && child->pid >= 0 && t->pid != child->pid;
	return t->call == SC_VFORK || (t->call == SC_CLONE && t->arg[0] & CLONE_VFORK_FLAG);
}

static bool call_clone(struct builder *b, struct build_task *t, struct program_op *op, uint64_t ret)
{
	int32_t child = t->child;

	t->child = NO_TASK;
	if (!ret || child == NO_TASK)
		return false;
	builder_space(b, t);
	op->kind = t->call == SC_CLONE && !(t->arg[0] & CLONE_VM_FLAG) ? PROGRAM_FORK
								       : PROGRAM_CLONE;
	if (op->kind == PROGRAM_CLONE && waits_for_child(t, &b->task[child]))
		op->flags = CLONE_VFORK_FLAG;
	op->other = (uint32_t)child;
	b->task[child].created = true;
	return true;
}

static bool call_skip(struct builder *b, struct build_task *t, struct program_op *op, uint64_t ret)
{
	(void)t;
	(void)op;
	(void)ret;
	b->p->skipped_calls++;
	return false;
}

static call_fn *const calls[SC_SYSCALLS] = {
	[SC_MMAP] = call_mmap,
	[SC_MUNMAP] = call_munmap,
	[SC_MPROTECT] = call_mprotect,
	[SC_MADVISE] = call_madvise,
	[SC_PROCESS_MADVISE] = call_skip,
	[SC_MREMAP] = call_mremap,
	[SC_BRK] = call_brk,
	[SC_EXECVE] = call_exec,
	[SC_CLONE] = call_clone,
	[SC_CLONE3] = call_clone,
	[SC_VFORK] = call_clone,
};

/* It lets go of its range long before it returns, and another thread may get that in between. */
static void munmap_begins(struct builder *b, struct build_task *t)
{
	struct build_space *s = builder_space(b, t);
	uint64_t addr = t->arg[0], len = t->arg[1];

	order_munmap_begins(b, t);
	if (addr % PAGE || !len || addr + len < addr)
		return; /* refused */
	/* Of a space that is known from its start, only what was mapped can have been meant. */
	if (!s->whole)
		space_meant(s, addr, len);
	space_unmapped(s, addr, len);
}

static void on_enter(struct builder *b, struct build_task *t, const struct trace_event *e)
{
	t->pending_note = task_note(t, e->time_ns);
	t->exec_cpu = NO_CPU;
	t->call = e->nr;
	t->call_ns = e->time_ns;
	t->last_was_enter = true;
	t->child = NO_TASK;
	memcpy(t->arg, e->arg, sizeof(t->arg));
	exec_begins(t);
	if (e->nr == SC_EXECVE && t->pid != t->tid)
		builder_may_inherit(b, (int32_t)(t - b->task));
	if (e->nr == SC_MUNMAP)
		munmap_begins(b, t);
}

/*
 * Events were lost: what is open now may have ended among them, and another call of the same kind
 * begun, whose end would be taken for this one's. The stretch of own work goes on; what was done in
 * it, nobody knows.
 */
void calls_lost(struct builder *b, struct build_task *t)
{
	b->p->lost_calls += t->call != 0;
	t->call = 0;
	t->in_irq = t->last_was_start = t->last_was_enter = t->lock_wait = t->copying = false;
	t->early_waker = NO_TASK;
	t->fault = NO_FAULT; /* says nothing about how long a fault takes */
	if (t->lock_mm)
		leave_lock(b, t);
}

static bool is_error(uint64_t ret)
{
	return ret >= (uint64_t)-4095;
}

static void on_sys_exit(struct builder *b, struct build_task *t, const struct trace_event *e)
{
	bool known = t->call == e->nr;
	uint64_t ns = e->time_ns - t->call_ns;
	struct program_op op = { 0 };

	/* how long it took is compared with the model's time, never used by it */
	if (known)
		op.recorded_ns = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
	else
		t->pending_note =
			(struct build_note){ .fault = NO_FAULT, .cpu = NO_CPU, .peer = NO_TASK };
	if (e->nr == SC_EXECVE) /* sched_exec moves it before the new mm is there */
		t->pending_note.cpu = t->exec_cpu != NO_CPU ? t->exec_cpu : t->at_cpu;
	/* a new thread comes out of the clone() that its parent went into */
	b->p->lost_calls += !known && e->nr != SC_EXECVE && calls[e->nr] != call_clone;
	if (known && is_error(e->arg[0])) {
		b->p->failed_calls++;
		op = (struct program_op){ .kind = PROGRAM_REFUSED };
		task_append(t, &op, &t->pending_note);
	} else if ((known || (e->nr == SC_EXECVE && !e->arg[0])) &&
		   calls[e->nr](b, t, &op, e->arg[0])) {
		t->mm_ops++;
		order_of_call(b, t, &op);
		task_append(t, &op, &t->pending_note);
	}
	t->call = 0;
	task_mark(t, e->time_ns, 1);
}

static void on_fault(struct builder *b, struct build_task *t, const struct trace_event *e)
{
	struct build_note note = task_note(t, e->time_ns);
	struct program_op op = { .kind = PROGRAM_ACCESS, .addr = e->arg[0] };

	t->call = 0; /* its end was lost */
	op.access = e->arg[2] & 16 ? USER_EXEC : e->arg[2] & 2 ? USER_WRITE : USER_READ;
	if (op.addr >= PROGRAM_LOWEST)
		need(t, builder_space(b, t), op.addr & ~(PAGE - 1), PAGE, op.access, true);
	space_touched(builder_space(b, t), op.addr);
	task_append(t, &op, &note);
	t->mm_ops++;
	t->fault_served = false;
	task_mark(t, e->time_ns, 0);
	t->fault = op.access;
}

/* Clocks of CPUs may differ: what a child did may come before the fork that made it. */
static bool came_before(const struct builder *b, int32_t child, int32_t parent)
{
	const struct build_task *t = &b->task[child];

	for (; parent != NO_TASK; parent = b->task[parent].creator)
		if (parent == child)
			return false; /* nobody makes his own forefathers */
	return t->creator == NO_TASK && t->state != TASK_DEAD && !t->exiting;
}

static void on_fork(struct builder *b, int32_t self, const struct trace_event *e)
{
	int32_t child = builder_find(b, (int32_t)e->arg[0]);

	if (child == NO_TASK || !came_before(b, child, self)) {
		child = builder_new_task(b, (int32_t)e->arg[0], e->time_ns);
		b->task[child].comm = e->text ? e->text : "";
		b->task[child].state = TASK_IN_CALL;
	}
	b->task[child].creator = self;
	b->task[child].by_call = b->task[self].call != 0;
	b->task[self].child = child;
}

/*
 * Whether the child is a thread shows in its process number; without one, by how it was made:
 * clone() with its flags, and clone3() is how C libraries make threads (fork() uses clone()).
 */
void calls_child_starts(struct builder *b, struct build_task *t)
{
	struct build_task *parent = &b->task[t->creator];
	bool shares_mm, thread;
	int32_t from;

	builder_space(b, parent);
	shares_mm = parent->call == SC_CLONE ? parent->arg[0] & CLONE_VM_FLAG : parent->call != 0;
	for (size_t i = parent->n_ops; !parent->call && i > 0; i--) {
		const struct program_op *op = &parent->op[i - 1];

		if ((op->kind == PROGRAM_FORK || op->kind == PROGRAM_CLONE) &&
		    &b->task[op->other] == t) {
			shares_mm = op->kind == PROGRAM_CLONE;
			break;
		}
	}
	thread = t->pid >= 0 && parent->pid >= 0 ? t->pid == parent->pid : shares_mm;
	if (thread) {
		t->proc = parent->proc;
		t->first_space = b->proc[t->proc].space;
		return;
	}
	from = b->proc[parent->proc].space;
	t->proc = builder_new_proc(b, t->pid);
	b->proc[t->proc].space = shares_mm ? from : builder_new_space(b, t->pid, from);
	t->first_space = b->proc[t->proc].space;
}

bool calls_event(struct builder *b, int32_t self, const struct trace_event *e)
{
	struct build_task *t = &b->task[self];

	if (t->exiting) /* a damaged recording: it may still wake others, no more */
		return false;
	switch (e->type) {
	case TRACE_SYS_ENTER:
		on_enter(b, t, e);
		return true;
	case TRACE_SYS_EXIT:
		on_sys_exit(b, t, e);
		return true;
	case TRACE_PAGE_FAULT:
		on_fault(b, t, e);
		return true;
	case TRACE_FORK:
		on_fork(b, self, e);
		return true;
	default:
		return false;
	}
}

/* ---- mmap_lock ---- */

static struct lock_users *slot_of(const struct builder *b, uint64_t mm)
{
	size_t at = (size_t)((mm >> 6) * 0x9e3779b97f4a7c15u >> 32) & b->lock_mask;

	while (b->lock[at].mm && b->lock[at].mm != mm)
		at = (at + 1) & b->lock_mask;
	return &b->lock[at];
}

static void grow_locks(struct builder *b)
{
	struct builder old = *b;

	b->lock_mask = b->lock_mask ? 2 * b->lock_mask + 1 : 63;
	b->lock = xcalloc(b->lock_mask + 1, sizeof(*b->lock));
	for (size_t i = 0; old.lock && i <= old.lock_mask; i++)
		if (old.lock[i].mm)
			*slot_of(b, old.lock[i].mm) = old.lock[i];
	free(old.lock);
}

static struct lock_users *users_of(struct builder *b, uint64_t mm)
{
	struct lock_users *l;

	if (2 * (b->n_locks + 1) > b->lock_mask)
		grow_locks(b);
	l = slot_of(b, mm);
	if (!l->mm) {
		l->mm = mm;
		b->n_locks++;
	}
	return l;
}

static void leave_lock(struct builder *b, struct build_task *t)
{
	struct lock_users *l = users_of(b, t->lock_mm);

	l->users -= l->users > 0;
	t->lock_mm = 0;
	t->lock_wait = false;
}

static void join_lock(struct builder *b, struct build_task *t, const struct trace_event *e)
{
	struct lock_users *l;

	if (t->lock_mm)
		leave_lock(b, t);
	if (!e->arg[0])
		return;
	l = users_of(b, e->arg[0]);
	if (!l->first_tid)
		l->first_tid = t->tid;
	l->shared |= l->first_tid != t->tid;
	t->lock_mm = e->arg[0];
	t->lock_alone = !l->users++;
}

/* Start and end of a wait for nobody have nothing between them but the recorder. */
static void learn_cost(struct builder *b, const struct build_task *t, const struct trace_event *e)
{
	const struct lock_users *l = users_of(b, t->lock_mm);
	struct gaps *g = l->shared ? &b->tracer_free : &b->tracer_alone;

	if (!t->lock_alone || l->users != 1)
		return;
	gaps_add(g, e->time_ns - t->lock_ns);
	pace_of_lock(b, t, e);
}

/* For comparison: what the recorder says of waits and holds. Call before calls_lock's own state
 * changes. */
static void note_lock(struct build_task *t, const struct trace_event *e)
{
	bool same = t->lock_mm && t->lock_mm == e->arg[0];

	if (e->type == TRACE_LOCK_ACQUIRED && e->arg[2] && (!same || t->lock_wait)) {
		if (same)
			gaps_add(&t->waits, e->time_ns - t->lock_ns);
		t->got_ns = e->time_ns;
	} else if (e->type == TRACE_LOCK_RELEASED) {
		if (same && t->got_ns)
			gaps_add(&t->holds, e->time_ns - t->got_ns);
		t->got_ns = 0;
	}
}

void calls_lock(struct builder *b, struct build_task *t, const struct trace_event *e)
{
	bool was_start = t->last_was_start, was_enter = t->last_was_enter;

	note_lock(t, e);
	exec_lock(t, e);
	t->last_was_enter = false;
	t->last_was_start = e->type == TRACE_LOCK_START;
	switch (e->type) {
	case TRACE_LOCK_START:
		builder_learn_mm(b, t, e);
		if (t->call && t->call != SC_EXECVE && e->arg[1])
			builder_space(b, t)->mm = e->arg[0];
		join_lock(b, t, e);
		t->lock_wait = true;
		t->lock_ns = e->time_ns;
		if (was_enter)
			pace_of_call(b, t, e);
		break;
	case TRACE_LOCK_ACQUIRED:
		if (t->lock_mm != e->arg[0]) /* by trylock; a downgrade holds it already */
			join_lock(b, t, e);
		if (was_start && t->lock_mm)
			learn_cost(b, t, e);
		t->lock_wait = false;
		if (!e->arg[2] && t->lock_mm)
			leave_lock(b, t);
		break;
	case TRACE_LOCK_RELEASED:
		if (t->lock_mm)
			leave_lock(b, t);
		break;
	default:
		break;
	}
}
