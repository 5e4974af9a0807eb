/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The native engine: takes the first key from the heap and switches straight from the actor that
 * gives way to the one that runs next. The caller of sim_run is switched to only at the end of a
 * run.
 */
#include "sim/engine/native.h"

#include <string.h>

#ifdef MMSIM_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

/* Boost.Context's C entry points; its headers are C++. */
typedef struct {
	void *fctx; /* who switched to us */
	void *data;
} transfer_t;

transfer_t jump_fcontext(void *to, void *data);
void *make_fcontext(void *stack_top, size_t size, void (*fn)(transfer_t));

static struct native *native(struct sim *sim)
{
	return (struct native *)(void *)sim;
}

/* ---- switching ---- */

#ifdef MMSIM_ASAN

static const void *stack_bottom(const struct native *n, const struct stack *s, size_t *size)
{
	*size = s ? n->usable_bytes : n->main_size;
	return s ? s->map + n->map_bytes - n->usable_bytes : n->main_bottom;
}

/* to: NULL = the caller of sim_run; keep: NULL = who gives way never resumes. */
static void asan_start(struct native *n, const struct stack *to, const struct stack *from,
		       void **keep)
{
	size_t size;
	const void *bottom = stack_bottom(n, to, &size);

	n->from = from;
	__sanitizer_start_switch_fiber(keep, bottom, size);
}

static void asan_finish(struct native *n, void *kept)
{
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(kept, &bottom, &size);
	if (!n->from) {
		n->main_bottom = bottom;
		n->main_size = size;
	}
}

#else

static inline void asan_start(struct native *n, const struct stack *to, const struct stack *from,
			      void **keep)
{
	(void)n;
	(void)to;
	(void)from;
	(void)keep;
}

static inline void asan_finish(struct native *n, void *kept)
{
	(void)n;
	(void)kept;
}

#endif

/* The stack of the actor that runs; NULL: the caller of sim_run. */
static inline const struct stack *stack_of(const struct native *n, const struct sim_actor *actor)
{
	return actor ? &n->stack[actor->id] : NULL;
}

/*
 * Gives way to the context `to`, which belongs to n->sim.self (already the next one). `save` is
 * where to find us again.
 */
static inline void give_way(struct native *n, void *to, void **save, const struct sim_actor *from)
{
	void *fake = NULL;
	transfer_t t;

	n->save = save;
	asan_start(n, stack_of(n, n->sim.self), stack_of(n, from), &fake);
	t = jump_fcontext(to, n);
	/* We are back, perhaps much later, and know only n: store who switched to us. */
	asan_finish(n, fake);
	*n->save = t.fctx;
}

/* The first key was taken out of the heap: makes its actor the one that runs; returns its context.
 */
static inline void *next_actor(struct native *n, event_key key)
{
	struct slot *slot = &n->slot[key_id(key)];

	n->sim.now = key_time(key);
	n->sim.events++;
	n->sim.self = slot->actor;
	return slot->fctx;
}

/*
 * The next but one to run is known already, unless the next schedules something before it. With
 * thousands of actors its saved registers and frames are not in the first cache: ask for them now.
 */
static inline void prefetch_first(const struct native *n)
{
	const struct slot *slot = &n->slot[key_id(n->heap.key[0]) & (n->heap.size - 1)];
	const char *frames = slot->fctx;

	__builtin_prefetch(slot->actor, 1);
	if (!frames) /* an actor that has not started, or an empty heap */
		return;
	__builtin_prefetch(frames, 1);
	__builtin_prefetch(frames + 64, 1);
	__builtin_prefetch(frames + 128, 1);
}

/* The caller of sim_run is next. */
static void *next_main(struct native *n)
{
	n->sim.self = NULL;
	return n->main_fctx;
}

/*
 * Who runs next, once self blocks: the first actor, if it may. Not inline, so that what the heap
 * needs of the stack is gone at the switch: a blocked actor keeps few cache lines.
 */
static __attribute__((noinline)) void *next_first(struct native *n)
{
	event_key first = n->heap.key[0];
	void *to;

	if (key_time(first) >= n->wall)
		return next_main(n);
	heap_pop(&n->heap);
	to = next_actor(n, first);
	prefetch_first(n);
	return to;
}

/* The same, and self gets a key, which is not the first. */
static __attribute__((noinline)) void *next_and_insert(struct native *n, event_key key)
{
	event_key first = n->heap.key[0];
	void *to;

	if (key_time(first) >= n->wall) {
		heap_push(&n->heap, key);
		return next_main(n);
	}
	heap_replace_first(&n->heap, key);
	to = next_actor(n, first);
	prefetch_first(n);
	return to;
}

/* self gives way to whom n->sim.self says by now. */
static inline void block(struct native *n, void *to, const struct sim_actor *self)
{
	give_way(n, to, &n->slot[self->id].fctx, self);
}

static inline event_key new_key(struct native *n, sim_ps t, uint32_t id)
{
	if (__builtin_expect(++n->sim.seq >> KEY_SEQ_BITS != 0, 0))
		n->sim.seq = heap_renumber(&n->heap) + 1;
	return key_make(t, n->sim.seq, id);
}

/* Until t; nobody else can run before it: the clock moves and that is all. */
static inline bool advance(struct native *n, event_key key)
{
	if (key > n->heap.key[0] || key_time(key) >= n->wall)
		return false;
	n->sim.now = key_time(key);
	n->sim.events++;
	return true;
}

/* ---- operations ---- */

static void native_sleep_until(struct sim *sim, sim_ps t)
{
	const struct sim_actor *self = sim->self;
	struct native *n = native(sim);
	event_key key = new_key(n, t, self->id);

	if (!advance(n, key))
		block(n, next_and_insert(n, key), self);
}

static bool native_park_until(struct sim *sim, sim_ps t, const char *why)
{
	struct sim_actor *self = sim->self;
	struct native *n = native(sim);
	event_key key;
	bool woken;

	self->why = why;
	if (t == SIM_NEVER) {
		self->state = ACTOR_PARKED;
		block(n, next_first(n), self);
	} else {
		key = new_key(n, t, self->id);
		if (advance(n, key))
			return false;
		self->state = ACTOR_TIMED;
		block(n, next_and_insert(n, key), self);
	}
	woken = self->state == ACTOR_WOKEN;
	self->state = ACTOR_BUSY;
	return woken;
}

static bool native_unpark_at(struct sim *sim, struct sim_actor *actor, sim_ps t)
{
	struct native *n = native(sim);

	if (actor->state == ACTOR_PARKED) {
		heap_push(&n->heap, new_key(n, t, actor->id));
	} else {
		if (key_time(n->heap.key[n->heap.pos[actor->id]]) <= t)
			return false;
		heap_advance(&n->heap, new_key(n, t, actor->id));
	}
	actor->state = ACTOR_WOKEN;
	return true;
}

static void native_stop(struct sim *sim)
{
	native(sim)->wall = 0;
}

static __attribute__((noreturn)) void native_leave(struct sim *sim)
{
	struct native *n = native(sim);
	const struct sim_actor *self = sim->self;

	block(n, next_main(n), self);
	abort(); /* a run that died is not resumed */
}

/* ---- life of actors ---- */

/* The actor returned: its id and stack are free, and nobody resumes its context. */
static void finish(struct native *n)
{
	struct sim_actor *self = n->sim.self;
	const struct stack *from = stack_of(n, self);
	void *to;

	actor_unlink(&n->sim, self);
	n->free_id[n->n_free++] = self->id;
	if (!n->sim.live)
		n->wall = 0;
	to = next_first(n);
	n->save = &n->dead_fctx;
	asan_start(n, stack_of(n, n->sim.self), from, NULL);
	jump_fcontext(to, n);
	abort();
}

static void actor_main(transfer_t t)
{
	struct native *n = t.data;
	struct sim_actor *self = n->sim.self;

	asan_finish(n, NULL);
	*n->save = t.fctx;
	self->fn(self->arg);
	finish(n);
}

/* More ids, in all tables that ids index. */
static bool grow_ids(struct native *n)
{
	size_t more = n->max_ids ? 2 * n->max_ids : 64;
	struct stack *stack;
	struct slot *slot;
	uint32_t *free_id;

	if (more > (size_t)1 << KEY_ID_BITS || !heap_reserve(&n->heap, more))
		return false;
	slot = realloc(n->slot, more * sizeof(*slot));
	if (!slot)
		return false;
	n->slot = slot;
	memset(slot + n->max_ids, 0, (more - n->max_ids) * sizeof(*slot));
	stack = realloc(n->stack, more * sizeof(*stack));
	if (!stack)
		return false;
	n->stack = stack;
	memset(stack + n->max_ids, 0, (more - n->max_ids) * sizeof(*stack));
	free_id = realloc(n->free_id, more * sizeof(*free_id));
	if (!free_id)
		return false;
	n->free_id = free_id;
	n->max_ids = more;
	return true;
}

static struct sim_actor *native_alloc(struct sim *sim, struct err *err)
{
	struct native *n = native(sim);
	struct slot *slot;
	uint32_t id;

	if (!n->n_free && n->n_ids == n->max_ids && !grow_ids(n)) {
		err_set(err, "out of memory with %zu actors", n->n_ids);
		return NULL;
	}
	id = n->n_free ? n->free_id[n->n_free - 1] : (uint32_t)n->n_ids;
	slot = &n->slot[id];
	if (!slot->actor)
		slot->actor = aligned_alloc(64, 64);
	if (!slot->actor || !stack_make(n, &n->stack[id], id)) {
		err_set(err, "no memory for one more stack of %zu KiB with %zu actors",
			sim->opt.stack_bytes >> 10, n->n_ids);
		return NULL;
	}
	if (n->n_free)
		n->n_free--;
	else
		n->n_ids++;
	memset(slot->actor, 0, sizeof(*slot->actor));
	slot->actor->id = id;
	return slot->actor;
}

static void native_start(struct sim *sim, struct sim_actor *actor)
{
	struct native *n = native(sim);
	const struct stack *s = &n->stack[actor->id];

	stack_forget(n, s);
	n->slot[actor->id].fctx = make_fcontext(s->top, n->usable_bytes, actor_main);
	heap_push(&n->heap, new_key(n, sim->now, actor->id));
}

/* ---- a run ---- */

void native_escape(struct native *n)
{
	const struct stack *from = stack_of(n, n->sim.self);

	n->sim.self = NULL;
	asan_start(n, NULL, from, NULL);
	siglongjmp(n->overflow, 1);
}

/* Apart, so that no local variable lives across the jump out of the signal handler. */
static __attribute__((noinline)) void run_actors(struct native *n)
{
	void *to;

	if (sigsetjmp(n->overflow, 1)) {
		asan_finish(n, NULL);
		return;
	}
	to = next_first(n);
	if (n->sim.self)
		give_way(n, to, &n->main_fctx, NULL);
}

static enum sim_end native_run(struct sim *sim, sim_ps limit, struct err *err)
{
	struct native *n = native(sim);

	if (!fault_enter(n, err))
		return SIM_END_DIED;
	n->wall = limit == SIM_NEVER ? SIM_NEVER : limit + 1;
	if (sim->live)
		run_actors(n);
	fault_leave(n);
	return engine_end(sim, key_time(n->heap.key[0]) != SIM_NEVER);
}

static void native_destroy(struct sim *sim)
{
	struct native *n = native(sim);

	for (size_t i = 0; i < n->n_ids; i++)
		stack_unmap(n, &n->stack[i]);
	for (size_t i = 0; i < n->max_ids; i++)
		free(n->slot[i].actor);
	free(n->slot);
	free(n->stack);
	free(n->free_id);
	heap_free(&n->heap);
	free(n);
}

static struct sim *native_create(const struct sim_options *opt, struct err *err)
{
	struct native *n = aligned_alloc(64, (sizeof(*n) + 63) / 64 * 64);

	(void)opt;
	if (!n) {
		err_set(err, "out of memory");
		return NULL;
	}
	memset(n, 0, sizeof(*n));
	if (!heap_reserve(&n->heap, 1)) {
		heap_free(&n->heap);
		free(n);
		err_set(err, "out of memory");
		return NULL;
	}
	return &n->sim;
}

const struct engine_ops native_engine = {
	.name = "native",
	.abi = ENGINE_ABI,
	.sim_size = sizeof(struct sim),
	.create = native_create,
	.destroy = native_destroy,
	.alloc = native_alloc,
	.start = native_start,
	.run = native_run,
	.sleep_until = native_sleep_until,
	.park_until = native_park_until,
	.leave = native_leave,
	.stop = native_stop,
	.unpark_at = native_unpark_at,
};
