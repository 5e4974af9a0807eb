/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between sim.c and an engine: the parts of a run and of an actor that both engines share, and the
 * operations that an engine implements. An engine embeds struct sim and struct sim_actor as first
 * members of its own. Private to sim/.
 */
#ifndef SIM_ENGINE_ENGINE_H
#define SIM_ENGINE_ENGINE_H

#include <stdlib.h>

#include "sim/sim.h"

enum actor_state {
	ACTOR_BUSY,   /* runs, sleeps, or has not started */
	ACTOR_PARKED, /* without a time-out: has no place in the event order */
	ACTOR_TIMED,  /* parked, its place in the event order is the time-out */
	ACTOR_WOKEN,  /* parked, its place in the event order is the wake-up */
};

/* One cache line. Written by the actor itself when it blocks and by its waker. */
struct sim_actor {
	const char *why; /* of the last park; NULL: never parked, or sleeps */
	uint32_t id;     /* small, reused */
	uint8_t state;   /* enum actor_state */
	bool daemon;
	char *name;
	sim_fn *fn;
	void *arg;
	struct sim_actor *prev, *next; /* all that live, in order of creation */
	unsigned int host;
};

_Static_assert(sizeof(struct sim_actor) <= 64, "an actor's common part is one cache line");

struct sim {
	sim_ps now; /* sim_now() reads it here */
	struct sim_actor *self;
	const struct engine_ops *ops;
	uint64_t events;
	uint64_t seq; /* last sequence number given */
	bool stop;    /* sim_stop was called */
	bool died;    /* ->death says why; the run cannot go on */

	size_t live; /* actors that are not daemons */
	struct sim_actor *first, *last;
	struct err death;
	struct sim_options opt;
	struct metrics *metrics;
	struct sim_violation *violation;
	size_t n_violations, max_violations;
	void *plugin; /* dlopen handle, NULL for a built-in engine */
};

_Static_assert(offsetof(struct sim, now) == 0, "sim_now() reads the first field");

#define ENGINE_ABI 1

struct engine_ops {
	const char *name;
	unsigned int abi; /* ENGINE_ABI: a plug-in of another build is refused */
	size_t sim_size;  /* sizeof(struct sim), for the same reason */

	/* A zeroed struct that starts with struct sim. */
	struct sim *(*create)(const struct sim_options *opt, struct err *err);
	/* Frees engine and actors' engine parts, and the struct itself. */
	void (*destroy)(struct sim *sim);
	/* An actor with its context ready, id set and the rest zero; NULL and *err: none left. */
	struct sim_actor *(*alloc)(struct sim *sim, struct err *err);
	/* Schedules a filled-in actor for now. */
	void (*start)(struct sim *sim, struct sim_actor *actor);
	enum sim_end (*run)(struct sim *sim, sim_ps limit, struct err *err);

	/* From an actor; times are >= now. */
	void (*sleep_until)(struct sim *sim, sim_ps t);
	bool (*park_until)(struct sim *sim, sim_ps t, const char *why);
	void (*leave)(struct sim *sim) __attribute__((noreturn)); /* ends the run as it stands */
	void (*stop)(struct sim *sim); /* sim->stop was set: the next block ends the run */
	/* actor is parked in one way or the other; t >= now */
	bool (*unpark_at)(struct sim *sim, struct sim_actor *actor, sim_ps t);
};

extern const struct engine_ops native_engine;
/* What a plug-in exports. */
#define ENGINE_PLUGIN_SYMBOL "mmsim_engine"

/* Why a run ended, once its engine has nothing left to run before the limit. */
static inline enum sim_end engine_end(const struct sim *sim, bool runnable)
{
	if (sim->died)
		return SIM_END_DIED;
	if (!sim->live)
		return SIM_END_FINISHED;
	if (sim->stop)
		return SIM_END_STOPPED;
	return runnable ? SIM_END_LIMIT : SIM_END_DEADLOCK;
}

static inline void actor_link(struct sim *sim, struct sim_actor *actor)
{
	actor->prev = sim->last;
	actor->next = NULL;
	*(sim->last ? &sim->last->next : &sim->first) = actor;
	sim->last = actor;
	sim->live += !actor->daemon;
}

static inline void actor_unlink(struct sim *sim, struct sim_actor *actor)
{
	*(actor->prev ? &actor->prev->next : &sim->first) = actor->next;
	*(actor->next ? &actor->next->prev : &sim->last) = actor->prev;
	sim->live -= !actor->daemon;
	free(actor->name);
	actor->name = NULL;
}

/* sim/plugin.c */
const struct engine_ops *engine_load(const char *name, void **plugin, struct err *err);

#endif
