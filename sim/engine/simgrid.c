/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine on SimGrid: each actor is a SimGrid actor that waits on its own semaphore, with a
 * time-out where it has a time. SimGrid's clock is a double, ours an integer, so SimGrid decides
 * when an actor has arrived at its time, and a plain sorted array of (time, sequence number)
 * decides whose turn it is: an actor that arrived too early waits for the baton. Kept naive on
 * purpose, since the native engine is checked against it.
 */
#include <simgrid/actor.h>
#include <simgrid/engine.h>
#include <simgrid/host.h>
#include <simgrid/semaphore.h>
#include <string.h>

#include "sim/engine/engine.h"
#include "sim/engine/simgrid_fault.h"
#include "sim/engine/simgrid_platform.h"

struct player {
	struct sim_actor actor;
	struct simgrid *run;
	sg_actor_t sg;
	sg_sem_t turn; /* released when it may be this actor's turn, or its time changed */
	sim_ps time;   /* SIM_NEVER: none */
	uint64_t seq;
	bool arrived;        /* SimGrid's clock has reached time */
	struct player *next; /* in simgrid.all */
};

struct simgrid {
	struct sim sim;
	struct player **order; /* sorted by (time, seq) */
	size_t n, size;
	struct player *holder; /* of the baton: the one actor that runs */
	struct player *all;
	uint32_t next_id;
	double origin; /* SimGrid's clock when our time was 0 */
	sim_ps limit;
	bool ended, ran;
	enum sim_end end;
};

/* SimGrid has one clock and one set of actors in a process. */
static bool in_use;

static struct simgrid *simgrid(struct sim *sim)
{
	return (struct simgrid *)(void *)sim;
}

static struct player *player(struct sim_actor *actor)
{
	return (struct player *)(void *)actor;
}

/* ---- order ---- */

static bool before(const struct player *a, const struct player *b)
{
	return a->time != b->time ? a->time < b->time : a->seq < b->seq;
}

/* How many stand before p. */
static size_t place_of(const struct simgrid *s, const struct player *p)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (before(s->order[middle], p))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void insert(struct simgrid *s, struct player *p, sim_ps time)
{
	size_t i;

	p->time = time;
	p->seq = ++s->sim.seq;
	p->arrived = false;
	i = place_of(s, p);
	memmove(s->order + i + 1, s->order + i, (s->n - i) * sizeof(*s->order));
	s->order[i] = p;
	s->n++;
}

static void take_out(struct simgrid *s, struct player *p)
{
	size_t i = place_of(s, p);

	s->n--;
	memmove(s->order + i, s->order + i + 1, (s->n - i) * sizeof(*s->order));
}

/* ---- turns ---- */

static bool is_turn(const struct simgrid *s, const struct player *p)
{
	return !s->ended && !s->holder && p->arrived && s->n && s->order[0] == p;
}

/* Waits until SimGrid's clock has reached p->time, or the semaphore is released. */
static void wait_for_time(const struct simgrid *s, struct player *p)
{
	/* From the absolute time, so that roundings do not add up. */
	double left = s->origin + (double)p->time * 1e-12 - simgrid_get_clock();

	if (left <= 0 || sg_sem_acquire_timeout(p->turn, left))
		p->arrived = true;
}

static void wait_for_turn(struct simgrid *s, struct player *p)
{
	while (!is_turn(s, p)) {
		if (s->ended)
			sg_actor_exit();
		if (p->arrived || p->time == SIM_NEVER)
			sg_sem_acquire(p->turn);
		else
			wait_for_time(s, p);
	}
	take_out(s, p);
	s->holder = p;
	s->sim.self = &p->actor;
	s->sim.now = p->time;
	s->sim.events++;
}

/* The holder gives the baton away: to the first if it waits for it already, or ends the run. */
static void pass_baton(struct simgrid *s)
{
	sim_ps next = s->n ? s->order[0]->time : SIM_NEVER;
	bool runnable = next != SIM_NEVER;

	s->holder = NULL;
	s->sim.self = NULL;
	if (s->sim.died || s->sim.stop || !s->sim.live || !runnable || next > s->limit) {
		s->ended = true;
		s->end = engine_end(&s->sim, runnable);
		sg_actor_kill_all(); /* all but the caller */
	} else if (s->order[0]->arrived) {
		sg_sem_release(s->order[0]->turn);
	}
}

static void block(struct simgrid *s, struct player *p)
{
	pass_baton(s);
	wait_for_turn(s, p);
}

/* ---- operations ---- */

static void simgrid_sleep_until(struct sim *sim, sim_ps t)
{
	struct player *p = player(sim->self);

	insert(simgrid(sim), p, t);
	block(simgrid(sim), p);
}

static bool simgrid_park_until(struct sim *sim, sim_ps t, const char *why)
{
	struct player *p = player(sim->self);
	bool woken;

	p->actor.why = why;
	p->actor.state = t == SIM_NEVER ? ACTOR_PARKED : ACTOR_TIMED;
	p->time = SIM_NEVER;
	p->arrived = false;
	if (t != SIM_NEVER)
		insert(simgrid(sim), p, t);
	block(simgrid(sim), p);
	woken = p->actor.state == ACTOR_WOKEN;
	p->actor.state = ACTOR_BUSY;
	return woken;
}

static bool simgrid_unpark_at(struct sim *sim, struct sim_actor *actor, sim_ps t)
{
	struct player *p = player(actor);

	if (actor->state != ACTOR_PARKED) {
		if (p->time <= t)
			return false;
		take_out(simgrid(sim), p);
	}
	insert(simgrid(sim), p, t);
	actor->state = ACTOR_WOKEN;
	sg_sem_release(p->turn); /* it looks at its new time, and waits again */
	return true;
}

static void simgrid_stop(struct sim *sim)
{
	(void)sim; /* pass_baton looks */
}

static __attribute__((noreturn)) void simgrid_leave(struct sim *sim)
{
	pass_baton(simgrid(sim));
	sg_actor_exit();
}

/* ---- life of actors ---- */

static void actor_main(int argc, char **argv)
{
	struct player *p = sg_actor_self_get_data();
	struct simgrid *s = p->run;

	(void)argc;
	(void)argv;
	wait_for_turn(s, p);
	p->actor.fn(p->actor.arg);
	actor_unlink(&s->sim, &p->actor);
	pass_baton(s);
}

static struct sim_actor *simgrid_alloc(struct sim *sim, struct err *err)
{
	struct simgrid *s = simgrid(sim);
	struct player *p = calloc(1, sizeof(*p));

	if (p && s->next_id == s->size) { /* each actor stands in the order once at most */
		size_t more = s->size ? 2 * s->size : 64;
		struct player **order = realloc(s->order, more * sizeof(struct player *));

		if (order) {
			s->order = order;
			s->size = more;
		}
	}
	if (!p || s->next_id == s->size) {
		free(p);
		err_set(err, "out of memory with %u actors", s->next_id);
		return NULL;
	}
	p->run = s;
	p->actor.id = s->next_id++;
	p->next = s->all;
	s->all = p;
	return &p->actor;
}

static void simgrid_start(struct sim *sim, struct sim_actor *actor)
{
	struct player *p = player(actor);
	char host[32];

	p->turn = sg_sem_init(0);
	insert(simgrid(sim), p, sim->now);
	p->sg = sg_actor_init(actor->name,
			      sg_host_by_name(simgrid_host_name(actor->host, host, sizeof(host))));
	/* Never sg_actor_daemonize: pass_baton ends the run itself, and SimGrid 3.32 crashes when
	 * it kills several daemons, as each removes itself from the list that is being walked. */
	sg_actor_set_data(p->sg, p);
	sg_actor_start(p->sg, actor_main, 0, NULL);
}

/* ---- a run ---- */

static enum sim_end simgrid_run_all(struct sim *sim, sim_ps limit, struct err *err)
{
	struct simgrid *s = simgrid(sim);

	(void)err;
	if (s->ran) {
		err_set(&sim->death, "engine 'simgrid' cannot go on with a run that has ended");
		sim->died = true;
		return SIM_END_DIED;
	}
	s->ran = true;
	s->limit = limit;
	s->ended = !sim->live;
	s->end = engine_end(sim, s->n > 0);
	s->origin = simgrid_get_clock();
	simgrid_fault_enter(sim);
	simgrid_run();
	simgrid_fault_leave();
	return s->end;
}

static void simgrid_destroy(struct sim *sim)
{
	struct simgrid *s = simgrid(sim);

	if (!s->ran && s->all) {
		/* Made but never run: let them start, see that all is over, and go. */
		s->ended = true;
		simgrid_run();
	}
	while (s->all) {
		struct player *p = s->all;

		s->all = p->next;
		sg_sem_destroy(p->turn);
		free(p);
	}
	free(s->order);
	free(s);
	in_use = false;
}

static struct sim *simgrid_create(const struct sim_options *opt, struct err *err)
{
	struct simgrid *s;

	if (in_use) {
		err_set(err, "engine 'simgrid': another run of this process is not destroyed yet, "
			     "and SimGrid has one clock a process");
		return NULL;
	}
	if (!simgrid_setup(opt, err))
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s) {
		err_set(err, "out of memory");
		return NULL;
	}
	in_use = true;
	return &s->sim;
}

__attribute__((visibility("default"))) const struct engine_ops mmsim_engine = {
	.name = "simgrid",
	.abi = ENGINE_ABI,
	.sim_size = sizeof(struct sim),
	.create = simgrid_create,
	.destroy = simgrid_destroy,
	.alloc = simgrid_alloc,
	.start = simgrid_start,
	.run = simgrid_run_all,
	.sleep_until = simgrid_sleep_until,
	.park_until = simgrid_park_until,
	.leave = simgrid_leave,
	.stop = simgrid_stop,
	.unpark_at = simgrid_unpark_at,
};
