/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Addresses that go from one thread to another: a kernel hands out a range again as soon as it is
 * unmapped, so a mapping of one thread can show that another one's munmap came before. What came
 * before is noted with the mapping; a replay in which it comes later puts the mapping elsewhere
 * (replay_moved.c).
 */
#include "models/kernel/ops.h"
#include "workloads/program_events.h"

static bool overlap(uint64_t start, uint64_t end, uint64_t addr, uint64_t len)
{
	return addr < end && addr + len > start;
}

static void add_release(struct builder *b, struct build_task *t, uint64_t addr, uint64_t len)
{
	struct build_release *r = &b->release[b->n_releases++ % BUILD_RELEASES];

	*r = (struct build_release){
		.start = addr,
		.end = addr + len,
		.task = (int32_t)(t - b->task),
		.proc = t->proc,
		.number = ++t->n_releases,
	};
}

static void add_mapping(struct builder *b, const struct build_task *t, uint64_t addr, uint64_t len)
{
	b->mapping[b->n_mappings++ % BUILD_RELEASES] = (struct build_mapping){
		.start = addr,
		.end = addr + len,
		.task = (int32_t)(t - b->task),
		.proc = t->proc,
		.op = (uint32_t)t->n_ops, /* this one */
	};
}

/* Whoever had mapped anything there lately: it is a place that changes hands. */
static void hand_over(const struct builder *b, const struct build_task *t, uint64_t addr,
		      uint64_t len)
{
	size_t n = b->n_mappings < BUILD_RELEASES ? b->n_mappings : BUILD_RELEASES;

	for (size_t i = 1; i <= n; i++) {
		const struct build_mapping *m = &b->mapping[(b->n_mappings - i) % BUILD_RELEASES];

		if (m->proc != t->proc || !overlap(m->start, m->end, addr, len))
			continue;
		b->task[m->task].op[m->op].handed = true;
	}
}

void order_munmap_begins(struct builder *b, struct build_task *t)
{
	if (t->unmapping) /* of a call before, which nobody has looked for since */
		return;
	t->unmapping = true;
	xgrow(b->unmapping, b->n_unmapping, b->cap_unmapping);
	b->unmapping[b->n_unmapping++] = (int32_t)(t - b->task);
}

/* One that is under way has let go of its range, or this one could not have it. */
static bool in_munmap(struct builder *b, const struct build_task *t, struct program_op *op,
		      uint64_t addr, uint64_t len)
{
	int32_t first = NO_TASK;
	size_t kept = 0;

	for (size_t i = 0; i < b->n_unmapping; i++) {
		int32_t task = b->unmapping[i];
		struct build_task *other = &b->task[task];

		if (other->call != SC_MUNMAP) {
			other->unmapping = false;
			continue;
		}
		b->unmapping[kept++] = task;
		if (other != t && other->proc == t->proc &&
		    overlap(addr, addr + len, other->arg[0], other->arg[1]) &&
		    (first == NO_TASK || task < first))
			first = task;
	}
	b->n_unmapping = kept;
	if (first == NO_TASK)
		return false;
	op->other = (uint32_t)first;
	op->after = b->task[first].n_releases + 1;
	return true;
}

static void find_release(struct builder *b, const struct build_task *t, struct program_op *op,
			 uint64_t addr, uint64_t len)
{
	size_t n = b->n_releases < BUILD_RELEASES ? b->n_releases : BUILD_RELEASES;

	if (in_munmap(b, t, op, addr, len))
		return;
	for (size_t i = 1; i <= n; i++) {
		const struct build_release *r = &b->release[(b->n_releases - i) % BUILD_RELEASES];

		if (r->proc != t->proc || r->task == (int32_t)(t - b->task) ||
		    !overlap(r->start, r->end, addr, len))
			continue;
		op->other = (uint32_t)r->task;
		op->after = r->number;
		return;
	}
}

/* A new range, which somebody else may have had. */
static void new_range(struct builder *b, struct build_task *t, struct program_op *op, uint64_t addr,
		      uint64_t len)
{
	find_release(b, t, op, addr, len);
	if (op->after)
		hand_over(b, t, addr, len);
	add_mapping(b, t, addr, len);
}

void order_of_call(struct builder *b, struct build_task *t, struct program_op *op)
{
	if (op->kind == PROGRAM_MMAP && !(op->flags & MAP_FIXED))
		new_range(b, t, op, op->addr, op->len);
	if (op->kind == PROGRAM_MUNMAP)
		add_release(b, t, op->addr, op->len);
	if (op->kind != PROGRAM_MREMAP)
		return;
	if (op->new_addr == op->addr) {
		if (op->new_len > op->len)
			new_range(b, t, op, op->addr + op->len, op->new_len - op->len);
		return;
	}
	if (!(op->flags & MREMAP_FIXED))
		new_range(b, t, op, op->new_addr, op->new_len);
	add_release(b, t, op->addr, op->len);
}
