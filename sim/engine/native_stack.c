/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stacks of the native engine's actors: mapped memory with a guard below. They are reused by id and
 * unmapped with the run.
 */
#define _GNU_SOURCE /* MAP_STACK */
#include "sim/engine/native.h"

#include <sys/mman.h>

#ifdef MMSIM_ASAN
#include <sanitizer/asan_interface.h>
#endif

/*
 * The guard is wide, so that a function with large local arrays does not step over it. It costs
 * address space only.
 */
enum { GUARD = 64 << 10, PAGE = 4096, LINE = 64 };

/*
 * Tops that all had the same address modulo 4 KiB would compete for the same few sets of the first
 * cache. Each is moved down by a different number of lines, but never below the page's last
 * quarter, so that a blocked actor's few frames stay in one page (one TLB entry).
 */
static size_t colour(uint32_t id)
{
	return (size_t)(id * 5 % 48) * LINE;
}

bool stack_make(struct native *n, struct stack *stack, uint32_t id)
{
	char *map;

	if (stack->map)
		return true;
	n->usable_bytes = (n->sim.opt.stack_bytes + PAGE - 1) / PAGE * PAGE + PAGE;
	n->map_bytes = GUARD + n->usable_bytes;
	map = mmap(NULL, n->map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (map == MAP_FAILED)
		return false;
	if (mprotect(map + GUARD, n->usable_bytes, PROT_READ | PROT_WRITE) != 0) {
		munmap(map, n->map_bytes);
		return false;
	}
	stack->map = map;
	stack->top = map + n->map_bytes - colour(id);
	return true;
}

void stack_forget(const struct native *n, const struct stack *stack)
{
#ifdef MMSIM_ASAN
	ASAN_UNPOISON_MEMORY_REGION(stack->map + GUARD, n->usable_bytes);
#else
	(void)n;
	(void)stack;
#endif
}

void stack_unmap(struct native *n, struct stack *stack)
{
	if (!stack->map)
		return;
	stack_forget(n, stack); /* something else may be mapped here next */
	munmap(stack->map, n->map_bytes);
	stack->map = NULL;
}

bool stack_guards(const struct stack *stack, const void *address)
{
	const char *p = address;

	return stack->map && p >= stack->map && p < stack->map + GUARD;
}
