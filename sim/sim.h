/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine: simulated time and actors.
 *
 * Time is an integer, uint64_t picoseconds. An actor is a coroutine that runs ordinary blocking C;
 * it gives the processor away only in sim_sleep_until, sim_park and sim_park_until, so between two
 * of these calls it is alone. An actor that is scheduled has one place in the event order: (time,
 * sequence number). Sequence numbers are given when the actor is scheduled, so that events at the
 * same time run in the order in which they were scheduled, on every engine.
 *
 * Two engines implement this header and give the same results to the picosecond: "native" (a d-ary
 * heap and Boost.Context switches) and "simgrid" (SimGrid actors and semaphores, loaded on demand).
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/err.h"

typedef uint64_t sim_ps; /* simulated time or duration, picoseconds */

#define SIM_PS    ((sim_ps)1)
#define SIM_NS    ((sim_ps)1000)
#define SIM_US    ((sim_ps)1000000)
#define SIM_MS    ((sim_ps)1000000000)
#define SIM_S     ((sim_ps)1000000000000)
#define SIM_NEVER UINT64_MAX

struct sim;       /* one run: engine, clock, actors, random streams, metrics, violations */
struct sim_actor; /* lives until its function returns */
struct metrics;   /* sim/metrics.h */

typedef void sim_fn(void *arg);

/* The machine as SimGrid sees it; the native engine ignores it. One host a CPU. */
struct sim_platform {
	unsigned int hosts;
	unsigned int hosts_per_group; /* hosts that share a cluster (an L3 group), 0 = all */
};

struct sim_options {
	const char *engine; /* one of sim_engine_names; NULL = "native" */
	uint64_t seed;      /* of every named random stream */
	size_t stack_bytes; /* of each actor, 0 = 64 KiB; a guard page lies below */
	struct sim_platform platform;
};

enum sim_end {
	SIM_END_FINISHED, /* every actor that is not a daemon has returned */
	SIM_END_LIMIT,    /* the time limit was reached; sim_now is the limit */
	SIM_END_STOPPED,  /* sim_stop was called */
	SIM_END_DEADLOCK, /* work is left and nobody can run: *err names the actors and their waits
			   */
	SIM_END_DIED,     /* an actor called sim_die, or overflowed its stack: *err says which */
};

struct sim *sim_create(const struct sim_options *opt, struct err *err);
/* Frees the run; actors that have not returned are abandoned (their stacks are unmapped). */
void sim_destroy(struct sim *sim);

/* Runs events with time <= limit in order. May be called again after SIM_END_LIMIT (native only).
 */
enum sim_end sim_run(struct sim *sim, sim_ps limit, struct err *err);
/* From an actor: the run ends when this actor next blocks or returns. */
void sim_stop(struct sim *sim);
/* From an actor: ends the run with SIM_END_DIED and this message. Does not return. */
void sim_die(struct sim *sim, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));

extern const char *const sim_engine_names[]; /* NULL-terminated */
const char *sim_engine_name(const struct sim *sim);
uint64_t sim_seed(const struct sim *sim);
uint64_t sim_events(const struct sim *sim); /* actor wake-ups so far: the engine's unit of work */

/* Simulated time now. Inline: the first field of struct sim is the clock, pinned by an assertion.
 */
static inline sim_ps sim_now(const struct sim *sim)
{
	return *(const sim_ps *)(const void *)sim;
}

/*
 * Makes an actor that starts at the present time, after everything already scheduled for it. `name`
 * is copied. `host` is its place on the platform (used by simgrid only). A daemon does not keep the
 * run alive and does not count as work left when nobody can run. Without memory for its stack the
 * run ends with SIM_END_DIED: from an actor this does not return, before sim_run it returns NULL.
 */
struct sim_actor *sim_spawn(struct sim *sim, const char *name, unsigned int host, bool daemon,
			    sim_fn *fn, void *arg);
struct sim_actor *sim_self(const struct sim *sim); /* NULL outside actors */
const char *sim_actor_name(const struct sim_actor *actor);

/* Blocks the caller until t (>= now). Nothing else can wake it: for that, park with a time-out. */
void sim_sleep_until(struct sim *sim, sim_ps t);
/* Blocks until another actor unparks the caller. `why` (static text) is shown on a deadlock. */
void sim_park(struct sim *sim, const char *why);
/* Blocks until unparked (true) or until t (false). t == SIM_NEVER: as sim_park. */
bool sim_park_until(struct sim *sim, sim_ps t, const char *why);

/*
 * Wakes a parked actor at time t (>= now), unless it wakes earlier anyway. Returns false, and does
 * nothing, if the actor is not parked (it runs, sleeps, or was already unparked for t or earlier):
 * there is no token, a waker must know whom it wakes. If the actor's own time-out is <= t, the
 * time-out wins: false as well, and its park returns false. So true means that this call decided
 * when the actor wakes (until an earlier call does).
 */
bool sim_unpark_at(struct sim *sim, struct sim_actor *actor, sim_ps t);
static inline bool sim_unpark(struct sim *sim, struct sim_actor *actor)
{
	return sim_unpark_at(sim, actor, sim_now(sim));
}

struct metrics *sim_metrics(struct sim *sim);
/* Hands the registry over to the caller, who frees it; for after the run. */
struct metrics *sim_take_metrics(struct sim *sim);

/* ---- invariants: always compiled in; a violation is recorded and the run goes on ---- */

struct sim_violation {
	sim_ps time;    /* of the first */
	uint64_t count; /* how often this place and kind was hit; only the first is kept whole */
	const char *file, *kind; /* kind: short static name, e.g. "stale-translation" */
	unsigned int line;
	char where[64]; /* actor name */
	char text[384];
};

void sim_violate(struct sim *sim, const char *file, unsigned int line, const char *kind,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6), cold));
#define sim_check(sim, cond, kind, ...)                                                            \
	do {                                                                                       \
		if (__builtin_expect(!(cond), 0))                                                  \
			sim_violate(sim, __FILE__, __LINE__, kind, __VA_ARGS__);                   \
	} while (0)

size_t sim_violations(const struct sim *sim, const struct sim_violation **v);

#endif
