/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * raw_syscalls: calls as numbers, which say different things in 64-bit and in 32-bit programs of
 * x86 (and this is the only tracepoint that shows calls of 32-bit programs on a 64-bit kernel).
 * What a thread is shows in what it does; what makes no sense as one of our calls is none.
 */
#include "workloads/trace_text.h"
#include "workloads/xalloc.h"

enum abi { ABI_UNKNOWN, ABI_64, ABI_32 };

struct raw_thread {
	int32_t tid;
	uint8_t abi, call; /* call: that it is in, 0 = none of ours */
};

struct raw_calls {
	struct raw_thread *v; /* hash by tid; tid 0 = free */
	size_t n, mask;
};

/* arch/x86/entry/syscalls of Linux: syscall_64.tbl, syscall_32.tbl (mmap is mmap2 there) */
static const struct {
	uint16_t nr64, nr32;
	uint8_t call, args;
} numbers[] = {
	{ 9, 192, SC_MMAP, 6 },
	{ 11, 91, SC_MUNMAP, 2 },
	{ 10, 125, SC_MPROTECT, 3 },
	{ 28, 219, SC_MADVISE, 3 },
	{ 440, 440, SC_PROCESS_MADVISE, 5 },
	{ 25, 163, SC_MREMAP, 5 },
	{ 12, 45, SC_BRK, 1 },
	{ 59, 11, SC_EXECVE, 3 },
	{ 56, 120, SC_CLONE, 5 },
	{ 435, 435, SC_CLONE3, 2 },
	{ 58, 190, SC_VFORK, 0 },
};

enum { MMAP2_32 = 192, PAGE_BITS = 12 };

static struct raw_thread *slot_of(const struct raw_calls *r, int32_t tid)
{
	size_t at = ((uint32_t)tid * 0x9e3779b9u >> 8) & r->mask;

	while (r->v[at].tid && r->v[at].tid != tid)
		at = (at + 1) & r->mask;
	return &r->v[at];
}

static void grow(struct raw_calls *r)
{
	struct raw_calls old = *r;

	r->mask = r->mask ? 2 * r->mask + 1 : 255;
	r->v = xcalloc(r->mask + 1, sizeof(*r->v));
	for (size_t i = 0; old.v && i <= old.mask; i++)
		if (old.v[i].tid)
			*slot_of(r, old.v[i].tid) = old.v[i];
	free(old.v);
}

static struct raw_thread *thread_of(struct raw_calls *r, int32_t tid)
{
	struct raw_thread *t;

	if (2 * (r->n + 1) > r->mask)
		grow(r);
	t = slot_of(r, tid);
	if (!t->tid) {
		t->tid = tid;
		r->n++;
	}
	return t;
}

static bool above_4g(uint64_t v)
{
	return v > UINT32_MAX;
}

/* addr, len, prot, flags of a mapping; 192 is lgetxattr of 64-bit programs, with two pointers. */
static bool like_mmap2(const uint64_t *arg)
{
	return arg[1] && arg[2] <= 7 && arg[3] & 3 && arg[3] < 1 << 26;
}

static void learn(struct raw_thread *t, uint64_t nr, const uint64_t *arg)
{
	for (int i = 0; i < 6; i++)
		if (above_4g(arg[i]))
			t->abi = ABI_64;
	if (t->abi != ABI_64 && nr == MMAP2_32 && like_mmap2(arg))
		t->abi = ABI_32;
}

/* 0: none of ours. Registers that are no arguments of it become 0. */
static uint8_t call_of(const struct raw_thread *t, uint64_t nr, uint64_t *arg)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (nr == (t->abi == ABI_32 ? numbers[i].nr32 : numbers[i].nr64)) {
			for (int j = numbers[i].args; j < 6; j++)
				arg[j] = 0;
			return numbers[i].call;
		}
	return 0;
}

/* A 32-bit call of the same number, by a thread not yet known for one, names no pages. */
static bool makes_sense(uint8_t call, const uint64_t *arg)
{
	switch (call) {
	case SC_MUNMAP:
	case SC_MPROTECT:
	case SC_MADVISE:
	case SC_MREMAP:
		return !(arg[0] & ((1 << PAGE_BITS) - 1));
	default:
		return true;
	}
}

static bool enter(struct raw_thread *t, uint64_t nr, struct trace_event *e)
{
	learn(t, nr, e->arg);
	t->call = call_of(t, nr, e->arg);
	if (t->call && !makes_sense(t->call, e->arg))
		t->call = 0;
	if (t->call == SC_MMAP && t->abi == ABI_32)
		e->arg[5] <<= PAGE_BITS;
	e->nr = t->call;
	return t->call;
}

static bool leave(struct raw_thread *t, struct trace_event *e)
{
	e->nr = t->call;
	t->call = 0;
	if (!e->nr || ((e->nr == SC_MMAP || e->nr == SC_BRK) && e->arg[0] < 1 << PAGE_BITS))
		return false;
	if (e->nr == SC_EXECVE && !e->arg[0])
		t->abi = ABI_UNKNOWN;
	trace_widen_error(e);
	return true;
}

bool raw_call(struct raw_calls *r, uint64_t nr, struct trace_event *e)
{
	struct raw_thread *t;

	if (e->tid <= 0)
		return false;
	t = thread_of(r, e->tid);
	return e->type == TRACE_SYS_ENTER ? enter(t, nr, e) : leave(t, e);
}

void raw_fault(struct raw_calls *r, const struct trace_event *e)
{
	if (r->n && e->tid > 0 && (above_4g(e->arg[0]) || above_4g(e->arg[1])))
		thread_of(r, e->tid)->abi = ABI_64;
}

struct raw_calls *raw_new(void)
{
	return xcalloc(1, sizeof(struct raw_calls));
}

void raw_free(struct raw_calls *r)
{
	free(r->v);
	free(r);
}
