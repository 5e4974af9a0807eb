/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The calls of a replay, and its accesses to memory: at the address that the recorded one has
 * become, measured, and errors counted.
 */
#include <errno.h>
#include <sys/mman.h>

#include "workloads/replay.h"
#include "workloads/replay_metrics.h"

/*
 * Refused by a mapping: then it ended in a signal in the recording, too (a runtime's safepoint, a
 * null pointer that is caught). Refused for want of one: another thread's mapping came or went in
 * another order than it did then.
 */
static void do_access(struct task *task, struct replay *r, uint64_t addr,
		      const struct program_op *op)
{
	enum user_access access = (enum user_access)op->access;
	uint64_t start, end;

	if (op->flags & PROGRAM_BY_KERNEL) {
		kernel_access(task, addr, access); /* a guess that does not hold is none */
		return;
	}
	if (user_access(task, addr, access))
		return;
	if (addr < PROGRAM_LOWEST || (mm_find_vma(task, addr, &start, &end) && start <= addr)) {
		r->segvs++;
		return;
	}
	mm_infer_mapping(task, addr & ~4095ull, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS);
	r->inferred_late++;
	r->segvs += !user_access(task, addr, access);
}

static uint64_t where(const struct replay_task *t, uint64_t addr)
{
	return t->copy ? replay_relocate(t, addr) : replay_moved_addr(t, addr);
}

/* From now on the recorded address means this one. */
static void now_at(const struct replay_task *t, const struct program_op *op, uint64_t addr,
		   uint64_t len, int64_t ret, bool moved)
{
	moved |= op->handed || op->after || replay_moved_addr(t, addr) != (uint64_t)ret;
	if (ret > 0 && !t->copy && moved)
		replay_note_moved(t, op, addr, len, (uint64_t)ret);
}

static int64_t do_mmap(struct task *task, const struct replay_task *t, uint64_t addr,
		       const struct program_op *op)
{
	uint32_t flags = op->flags & ~(uint32_t)(MAP_FIXED_NOREPLACE | MAP_GROWSDOWN);
	int64_t ret;

	if (op->flags & MAP_FIXED || t->copy) {
		ret = sys_mmap(task, addr, op->len, op->prot, flags | MAP_FIXED);
	} else { /* what was there is gone, or the kernel finds another place */
		addr = replay_is_early(task, t->r, op) ? 0 : op->addr;
		ret = sys_mmap(task, addr, op->len, op->prot, flags);
	}
	now_at(t, op, op->addr, op->len, ret, ret != (int64_t)op->addr);
	return ret;
}

/* It may have other neighbours than it had, and grow elsewhere. */
static int64_t mremap_in_place(struct task *task, const struct replay_task *t, uint64_t addr,
			       const struct program_op *op, unsigned int flags)
{
	bool grows = op->new_len > op->len, moves = addr != op->addr && !t->copy;
	int64_t ret;

	if (grows)
		moves |= replay_must_move(task, t, op, addr + op->len, op->new_len - op->len);
	ret = sys_mremap(task, addr, op->len, op->new_len, moves ? flags | MREMAP_MAYMOVE : flags,
			 0);
	now_at(t, op, op->addr, op->new_len, ret, moves && grows);
	return ret;
}

static int64_t do_mremap(struct task *task, const struct replay_task *t, uint64_t from,
			 const struct program_op *op)
{
	unsigned int flags = op->flags & ~(unsigned int)MREMAP_FIXED;
	uint64_t to = where(t, op->new_addr);
	bool moves;
	int64_t ret;

	if (op->new_addr == op->addr)
		return mremap_in_place(task, t, from, op, flags);
	if (!t->copy && !(op->flags & MREMAP_FIXED))
		to = op->new_addr;
	moves = !(op->flags & MREMAP_FIXED) && replay_must_move(task, t, op, to, op->new_len);
	flags |= moves ? MREMAP_MAYMOVE : MREMAP_MAYMOVE | MREMAP_FIXED;
	ret = sys_mremap(task, from, op->len, op->new_len, flags, to);
	now_at(t, op, op->new_addr, op->new_len, ret, moves);
	return ret;
}

void replay_call(struct task *task, struct replay_task *t, const struct program_op *op)
{
	static const uint8_t kinds[PROGRAM_KINDS] = {
		[PROGRAM_MMAP] = OP_MMAP,         [PROGRAM_MUNMAP] = OP_MUNMAP,
		[PROGRAM_MPROTECT] = OP_MPROTECT, [PROGRAM_MADVISE] = OP_MADVISE,
		[PROGRAM_MREMAP] = OP_MREMAP,     [PROGRAM_BRK] = OP_BRK,
		[PROGRAM_ACCESS] = OP_FAULT,      [PROGRAM_EXEC] = OP_EXEC,
	};
	struct replay *r = t->r;
	uint64_t addr = where(t, op->addr);
	sim_ps begin = op_begin(&r->ops);
	int64_t ret = 0;

	switch (op->kind) {
	case PROGRAM_MMAP:
		ret = do_mmap(task, t, addr, op);
		break;
	case PROGRAM_MUNMAP:
		t->releasing = true;
		ret = sys_munmap(task, addr, op->len);
		replay_released(t, op->addr, op->len);
		break;
	case PROGRAM_MPROTECT:
		ret = sys_mprotect(task, addr, op->len, op->prot);
		break;
	case PROGRAM_MADVISE:
		ret = sys_madvise(task, addr, op->len, (int)op->flags);
		break;
	case PROGRAM_MREMAP:
		ret = do_mremap(task, t, addr, op);
		if (op->new_addr != op->addr)
			replay_released(t, op->addr, op->len);
		break;
	case PROGRAM_BRK:
		ret = sys_brk(task, op->addr) == (int64_t)op->addr || !op->addr ? 0 : -ENOMEM;
		break;
	case PROGRAM_ACCESS:
		do_access(task, r, addr, op);
		break;
	case PROGRAM_EXEC:
		replay_exec(task, r, op);
		if (!t->copy)
			replay_moved_exec(r, t->program->pid);
		break;
	default:
		break;
	}
	op_end(&r->ops, (enum op_kind)kinds[op->kind], op->kind == PROGRAM_ACCESS ? 0 : op->len,
	       begin);
	replay_note_call(r, (enum op_kind)kinds[op->kind], op, task_call_time(task));
	r->errors += ret < 0;
}
