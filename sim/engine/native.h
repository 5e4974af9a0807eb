/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The native engine's run: shared by its scheduler (native.c), its stacks (native_stack.c) and the
 * detection of stack overflow (native_fault.c).
 */
#ifndef SIM_ENGINE_NATIVE_H
#define SIM_ENGINE_NATIVE_H

#include <setjmp.h>

#include "sim/engine/engine.h"
#include "sim/engine/native_heap.h"

/* Where to resume an actor, by its id. Apart from struct sim_actor: a switch reads only these. */
struct slot {
	void *fctx;
	struct sim_actor *actor;
};

/* An actor's stack: kept with its id, so that the next actor with this id finds it warm. */
struct stack {
	char *map; /* guard, then the stack up to map + map_bytes; NULL: none yet */
	char *top; /* first byte above the usable part */
};

struct native {
	struct sim sim;
	sim_ps wall;       /* events before this time may run; 0: none may */
	void **save;       /* where whoever resumes stores the context of who gave way */
	struct slot *slot; /* by id */
	struct heap heap;

	struct stack *stack;            /* by id */
	uint32_t *free_id;              /* a stack of ids, the last freed first */
	size_t n_ids, n_free, max_ids;  /* ids ever used; of these free; room */
	size_t map_bytes, usable_bytes; /* of one stack's mapping; of that without the guard */

	void *main_fctx, *dead_fctx; /* who called sim_run; contexts that nobody resumes */
	struct native *outer;        /* the run whose actor called sim_run for this one */
	sigjmp_buf overflow;         /* in sim_run */
	void *alt_stack;             /* for the signal handler; NULL: the thread has its own */
#ifdef MMSIM_ASAN
	const void *main_bottom; /* stack of who called sim_run, as the sanitizer told */
	size_t main_size;
	const struct stack *from; /* who gave way: NULL = the caller of sim_run */
#endif
};

/* native.c: from the signal handler back into sim_run */
void native_escape(struct native *n) __attribute__((noreturn));

/* native_stack.c */
bool stack_make(struct native *n, struct stack *stack, uint32_t id);
void stack_unmap(struct native *n, struct stack *stack);
/* Is address in the guard of this actor's stack? */
bool stack_guards(const struct stack *stack, const void *address);
/* Its last user left in the middle of its frames: for the sanitizer, all of it is usable again. */
void stack_forget(const struct native *n, const struct stack *stack);

/* native_fault.c: from enter to leave, an overflow of any actor's stack ends its run. */
bool fault_enter(struct native *n, struct err *err);
void fault_leave(struct native *n);

#endif
