/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A scene that every way of flushing must survive, and a wrong one must not: threads on some CPUs
 * use pages at random that another unmaps, protects, or copies by fork.
 */
#ifndef TESTS_MODELS_FLUSH_SCENE_H
#define TESTS_MODELS_FLUSH_SCENE_H

#include "tests/models/model.h"

#define US SIM_US

enum { SCENE_PAGES = 64, SCENE_ROUNDS = 40 };

struct flush_scene {
	const char *machine, *policy;
	const char *const *set;
	unsigned int users; /* on CPUs 1 to users */
	uint64_t seed;
	struct model m;
	uint64_t area;
	bool stop;
};

static inline void scene_user(struct task *t, void *arg)
{
	struct flush_scene *s = arg;
	struct rng rng;

	rng_init(&rng, s->seed, "scene.user", t->cpu);
	while (!s->stop) {
		user_access(t, s->area + rng_below(&rng, SCENE_PAGES) * PAGE_SIZE,
			    rng_below(&rng, 2) ? USER_READ : USER_WRITE);
		user_compute(t, rng_below(&rng, US));
	}
}

static inline void scene_child(struct task *t, void *arg)
{
	(void)t, (void)arg;
}

static inline void scene_act(struct task *t, struct flush_scene *s, struct rng *rng)
{
	struct task_attr attr = {
		.comm = "child", .cpu = 0, .initial_cpu = NO_CPU, .fn = scene_child
	};
	uint64_t n = 1 + rng_below(rng, SCENE_PAGES), first = rng_below(rng, SCENE_PAGES - n + 1);
	uint64_t addr = s->area + first * PAGE_SIZE, len = n * PAGE_SIZE;

	switch (rng_below(rng, 8)) {
	case 0:
		sys_mprotect(t, addr, len, PROT_READ);
		sys_mprotect(t, addr, len, PROT_READ | PROT_WRITE);
		break;
	case 1:
		sys_madvise(t, addr, len, MADV_FREE);
		break;
	case 2:
		sys_madvise(t, s->area, PMD_SIZE, MADV_DONTNEED); /* a whole page table */
		break;
	case 3:
		sys_fork(t, &attr);
		break;
	default:
		sys_madvise(t, addr, len, MADV_DONTNEED);
	}
	user_compute(t, rng_below(rng, 20 * US));
}

static inline void scene_leader(struct task *t, void *arg)
{
	struct flush_scene *s = arg;
	struct task_attr attr = {
		.comm = "user", .initial_cpu = NO_CPU, .fn = scene_user, .arg = s
	};
	struct rng rng;

	rng_init(&rng, s->seed, "scene.leader", 0);
	s->area = (uint64_t)sys_mmap(t, 0, PMD_SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS);
	for (unsigned int cpu = 1; cpu <= s->users; cpu++) {
		attr.cpu = (int)cpu;
		sys_clone_thread(t, &attr);
	}
	user_compute(t, 300 * US);
	for (unsigned int i = 0; i < SCENE_ROUNDS; i++)
		scene_act(t, s, &rng);
	s->stop = true;
}

/* Runs it; model_end() is the caller's. */
static inline void scene_play(struct flush_scene *s)
{
	struct model_spec spec = {
		.machine = s->machine, .policy = s->policy, .set = s->set, .seed = s->seed
	};

	model_start(&s->m, &spec);
	spawn(&s->m, "leader", 0, scene_leader, s);
	model_run(&s->m);
	model_finish(&s->m);
}

/* The scene hits a check of this kind. */
static inline void scene_must_fail(struct flush_scene *s, const char *kind)
{
	scene_play(s);
	assert_int_equal(s->m.end, SIM_END_FINISHED);
	if (!violations_of(&s->m, kind)) {
		print_violations(&s->m);
		fail_msg("%s: no %s", s->policy, kind);
	}
	model_end(&s->m);
}

/* The same, where it takes luck: some seed of a few from s->seed on does. */
static inline void scene_must_fail_once(struct flush_scene *s, const char *kind, unsigned int seeds)
{
	uint64_t hits = 0;

	for (unsigned int i = 0; i < seeds && !hits; i++) {
		struct flush_scene one = *s;

		one.seed += i;
		scene_play(&one);
		hits = violations_of(&one.m, kind);
		model_end(&one.m);
	}
	if (!hits)
		fail_msg("%s: no %s with %u seeds", s->policy, kind, seeds);
}

#endif
