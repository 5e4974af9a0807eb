/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The part of a run that no engine has to know: its life, its actors' names, how it ends and what
 * is said about that, and its violations. Event order and context switches are the engines' matter.
 */
#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/engine/engine.h"
#include "sim/metrics.h"

enum { DEFAULT_STACK = 64 << 10, MIN_STACK = 8 << 10, REPORT_ACTORS = 20 };

const char *const sim_engine_names[] = { "native", "simgrid", NULL };

static const struct engine_ops *find_engine(const char *name, void **plugin, struct err *err)
{
	struct nearest n;

	*plugin = NULL;
	if (!name || !strcmp(name, native_engine.name))
		return &native_engine;
	if (!strcmp(name, "simgrid"))
		return engine_load(name, plugin, err);
	nearest_init(&n, name);
	nearest_offer(&n, "native");
	nearest_offer(&n, "simgrid");
	if (nearest_result(&n))
		err_set(err, "unknown engine '%s' (did you mean '%s'?): expected native|simgrid",
			name, nearest_result(&n));
	else
		err_set(err, "unknown engine '%s': expected native|simgrid", name);
	return NULL;
}

struct sim *sim_create(const struct sim_options *opt, struct err *err)
{
	struct sim_options o = opt ? *opt : (struct sim_options){ 0 };
	const struct engine_ops *ops;
	struct sim *sim;
	void *plugin;

	if (!o.stack_bytes)
		o.stack_bytes = DEFAULT_STACK;
	if (o.stack_bytes < MIN_STACK)
		o.stack_bytes = MIN_STACK;
	ops = find_engine(o.engine, &plugin, err);
	if (!ops)
		return NULL;
	sim = ops->create(&o, err);
	if (!sim)
		return NULL;
	sim->ops = ops;
	sim->plugin = plugin;
	sim->opt = o;
	sim->opt.engine = ops->name;
	sim->metrics = metrics_create();
	if (!sim->metrics) {
		sim_destroy(sim);
		err_set(err, "out of memory");
		return NULL;
	}
	return sim;
}

void sim_destroy(struct sim *sim)
{
	if (!sim)
		return;
	while (sim->first)
		actor_unlink(sim, sim->first);
	if (sim->metrics)
		metrics_free(sim->metrics);
	free(sim->violation);
	/* A plug-in stays loaded: SimGrid's library cannot be unloaded. */
	sim->ops->destroy(sim);
}

/* "a (why), b (why) and 7 more", as far as there is room. */
static void list_waits(const struct sim *sim, char *buf, size_t size)
{
	size_t used = 0, listed = 0, left = sim->live;

	for (const struct sim_actor *a = sim->first; a; a = a->next) {
		char one[192];
		size_t n;

		if (a->daemon)
			continue;
		snprintf(one, sizeof(one), "%s%.80s (%.80s)", listed ? ", " : "", a->name,
			 a->state == ACTOR_PARKED && a->why ? a->why : "sleeps for ever");
		n = strlen(one);
		if (listed == REPORT_ACTORS || used + n + 32 > size) {
			snprintf(buf + used, size - used, " and %zu more", left);
			return;
		}
		memcpy(buf + used, one, n + 1);
		used += n;
		listed++;
		left--;
	}
}

enum sim_end sim_run(struct sim *sim, sim_ps limit, struct err *err)
{
	char at[32], waits[640] = "";
	enum sim_end end;

	if (sim->died) {
		*err = sim->death;
		return SIM_END_DIED;
	}
	end = sim->ops->run(sim, limit, err);
	sim->self = NULL;
	sim->stop = false;
	if (end == SIM_END_LIMIT) {
		sim->now = limit;
	} else if (end == SIM_END_DEADLOCK) {
		list_waits(sim, waits, sizeof(waits));
		err_set(err, "deadlock at %s: nobody can run and %zu actor%s: %s",
			text_from_ps(sim->now, at, sizeof(at)), sim->live,
			sim->live == 1 ? " waits" : "s wait", waits);
	} else if (end == SIM_END_DIED) {
		*err = sim->death;
	}
	return end;
}

void sim_stop(struct sim *sim)
{
	sim->stop = true;
	sim->ops->stop(sim);
}

void sim_die(struct sim *sim, const char *fmt, ...)
{
	char text[512], at[32];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	err_set(&sim->death, "%s died at %s: %s",
		sim->self ? sim->self->name : "(outside of all actors)",
		text_from_ps(sim->now, at, sizeof(at)), text);
	sim->died = true;
	if (!sim->self)
		abort(); /* the contract: from an actor */
	sim->ops->leave(sim);
}

const char *sim_engine_name(const struct sim *sim)
{
	return sim->ops->name;
}

uint64_t sim_seed(const struct sim *sim)
{
	return sim->opt.seed;
}

uint64_t sim_events(const struct sim *sim)
{
	return sim->events;
}

struct metrics *sim_take_metrics(struct sim *sim)
{
	struct metrics *m = sim->metrics;

	sim->metrics = NULL;
	return m;
}

struct metrics *sim_metrics(struct sim *sim)
{
	return sim->metrics;
}

/* ---- actors ---- */

struct sim_actor *sim_spawn(struct sim *sim, const char *name, unsigned int host, bool daemon,
			    sim_fn *fn, void *arg)
{
	struct err err = { "" };
	struct sim_actor *a = sim->ops->alloc(sim, &err);
	char *copy = a ? strdup(name) : NULL;

	if (!copy) {
		if (sim->self)
			sim_die(sim, "cannot make actor '%s': %s", name, err.msg);
		err_set(&sim->death, "cannot make actor '%s': %s", name, err.msg);
		sim->died = true;
		return NULL;
	}
	a->name = copy;
	a->why = NULL;
	a->state = ACTOR_BUSY;
	a->daemon = daemon;
	a->fn = fn;
	a->arg = arg;
	a->host = host;
	actor_link(sim, a);
	sim->ops->start(sim, a);
	return a;
}

struct sim_actor *sim_self(const struct sim *sim)
{
	return sim->self;
}

const char *sim_actor_name(const struct sim_actor *actor)
{
	return actor->name;
}

/* A time in the past is a model's bug: told, and the event happens now. */
static __attribute__((cold, noinline)) sim_ps in_the_past(struct sim *sim, sim_ps t)
{
	sim_check(sim, false, "time-in-the-past", "asked for %llu ps before the present",
		  (unsigned long long)(sim->now - t));
	return sim->now;
}

void sim_sleep_until(struct sim *sim, sim_ps t)
{
	if (__builtin_expect(t < sim->now, 0))
		t = in_the_past(sim, t);
	sim->ops->sleep_until(sim, t);
}

void sim_park(struct sim *sim, const char *why)
{
	sim->ops->park_until(sim, SIM_NEVER, why);
}

bool sim_park_until(struct sim *sim, sim_ps t, const char *why)
{
	if (__builtin_expect(t < sim->now, 0))
		t = in_the_past(sim, t);
	return sim->ops->park_until(sim, t, why);
}

bool sim_unpark_at(struct sim *sim, struct sim_actor *actor, sim_ps t)
{
	if (actor->state == ACTOR_BUSY)
		return false;
	if (__builtin_expect(t < sim->now, 0))
		t = in_the_past(sim, t);
	return sim->ops->unpark_at(sim, actor, t);
}

/* ---- violations ---- */

static struct sim_violation *add_violation(struct sim *sim)
{
	if (sim->n_violations == sim->max_violations) {
		size_t more = sim->max_violations ? 2 * sim->max_violations : 8;
		struct sim_violation *v = realloc(sim->violation, more * sizeof(*v));

		if (!v)
			abort(); /* a violation must not be lost silently */
		sim->violation = v;
		sim->max_violations = more;
	}
	sim->violation[sim->n_violations] = (struct sim_violation){ 0 };
	return &sim->violation[sim->n_violations++];
}

void sim_violate(struct sim *sim, const char *file, unsigned int line, const char *kind,
		 const char *fmt, ...)
{
	struct sim_violation *v;
	va_list args;

	for (size_t i = 0; i < sim->n_violations; i++) {
		v = &sim->violation[i];
		if (v->line == line && !strcmp(v->file, file) && !strcmp(v->kind, kind)) {
			v->count++;
			return;
		}
	}
	v = add_violation(sim);
	v->time = sim->now;
	v->count = 1;
	v->file = file;
	v->kind = kind;
	v->line = line;
	snprintf(v->where, sizeof(v->where), "%s", sim->self ? sim->self->name : "");
	va_start(args, fmt);
	vsnprintf(v->text, sizeof(v->text), fmt, args);
	va_end(args);
}

size_t sim_violations(const struct sim *sim, const struct sim_violation **v)
{
	*v = sim->violation;
	return sim->n_violations;
}
