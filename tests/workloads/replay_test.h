/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of replay share: the replay itself, run on a kernel of fixed costs
 * (fake_kernel.c) that logs what it is asked for.
 */
#ifndef TESTS_REPLAY_TEST_H
#define TESTS_REPLAY_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "trace_test.h"

#include "fake_kernel.c"

#define replay_scale            tested_replay_scale
#define replay_offsets          tested_replay_offsets
#define replay_speed            tested_replay_speed
#define replay_scale_free       tested_replay_scale_free
#define replay_relocate         tested_replay_relocate
#define replay_copy             tested_replay_copy
#define replay_call             tested_replay_call
#define replay_exec             tested_replay_exec
#define replay_background_start tested_replay_background_start
#define replay_placements       tested_replay_placements
#define replay_placement        tested_replay_placement
#define replay_go               tested_replay_go
#define replay_comes_back       tested_replay_comes_back
#define replay_sleep            tested_replay_sleep
#define replay_moved_addr       tested_replay_moved_addr
#define replay_is_early         tested_replay_is_early
#define replay_must_move        tested_replay_must_move
#define replay_note_moved       tested_replay_note_moved
#define replay_released         tested_replay_released
#define replay_moved_fork       tested_replay_moved_fork
#define replay_moved_exec       tested_replay_moved_exec
#include "workloads/replay.c"
#include "workloads/replay_calls.c"
#include "workloads/replay_background.c"
#include "workloads/replay_exec.c"
#include "workloads/replay_moved.c"
#include "workloads/replay_place.c"
#include "workloads/replay_scale.c"

struct result {
	struct kernel k;
	struct workload *w;
	enum sim_end end;
};

static bool with_background; /* of the replays that follow */
static enum replay_placement placement;
static uint32_t processes = 1;
static double speed = 1;

static struct result replay(const char *file, uint32_t threads, sim_ps duration,
			    unsigned int factor, uint64_t seed)
{
	const struct sim_options opt = { .seed = seed, .platform = { .hosts = 2 } };
	const struct replay_params params = { .trace_cost = true,
					      .background = with_background,
					      .placement = placement,
					      .processes = processes,
					      .speed = speed };
	struct result r = { .k = { .cpus = 2, .factor = factor, .gap = UINT64_C(0x600000000000) } };
	struct err err = { 0 };

	r.k.sim = sim_create(&opt, &err);
	assert_non_null(r.k.sim);
	r.w = replay_start(&replay_type, &r.k, &params, file, threads, duration, &err);
	if (!r.w)
		fail_msg("%s", err.msg);
	return r;
}

static void run(struct result *r)
{
	struct err err = { 0 };

	for (uint32_t i = 0; i < r->w->n; i++)
		r->w->r[i].kernel = &r->k; /* the struct was copied out of replay() */
	for (size_t i = 0; i < r->k.n_tasks; i++)
		r->k.task[i]->k = &r->k;
	r->end = sim_run(r->k.sim, SIM_NEVER, &err);
	if (r->end != SIM_END_FINISHED)
		fail_msg("ended %d: %s", r->end, err.msg);
	replay_finish(r->w);
}

static void drop(struct result *r)
{
	free_kernel(&r->k);
	replay_free(r->w);
}

static inline const struct call *find(const struct result *r, const char *comm, const char *what,
				      unsigned int nth)
{
	for (size_t i = 0; i < r->k.n_calls; i++)
		if (!strcmp(r->k.call[i].comm, comm) && !strcmp(r->k.call[i].what, what) && !nth--)
			return &r->k.call[i];
	fail_msg("no %s of %s", what, comm);
	return NULL;
}

static inline size_t count_calls(const struct result *r, const char *what)
{
	size_t n = 0;

	for (size_t i = 0; i < r->k.n_calls; i++)
		n += !strcmp(r->k.call[i].what, what);
	return n;
}

#endif
