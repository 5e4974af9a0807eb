/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How warm kernel code is. A program's own work pushes the kernel's code and data out of its core's
 * caches; what runs for the first time since then fetches them again, line by line. Each place in
 * the source that spends time knows, for each core, how many lines had come into that core when it
 * last ran. A loop is cold in its first round only.
 *
 * Of the lines that code of warm length w touches, w / cache.code_line, those that are gone cost
 * what the next level takes: 1 - exp(-new lines / lines of the level) of them are, as for a cache
 * whose lines are replaced at random; L1, small and by age, keeps all for some
 * microseconds of work, and nothing soon after. A line from L2 costs cache.code_l1_miss, not the
 * latency of L2, most of which is hidden by fetching ahead.
 */
#ifndef MODELS_KERNEL_CODE_CACHE_H
#define MODELS_KERNEL_CODE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "sim/sim.h"

struct kernel;
struct task;

struct code_l3 {         /* of the cores that share an L3 */
	uint64_t lines;  /* that came into it from memory so far */
	uint64_t used[]; /* by place: lines when it ran last on one of them */
};
struct code_use {
	uint64_t l1, l2; /* lines that had come in when a place ran last */
};
struct code_cache { /* of a core */
	struct code_l3 *l3;
	uint64_t l1, l2;        /* lines that came in so far */
	struct code_use used[]; /* by place */
};
struct code_age { /* lines that came in since a place ran last */
	uint64_t l1, l2, l3;
};

/* A place that takes longer than so many lines goes over them again: most of fork is loops. */
#define CODE_PLACE_LINES 400

#define L1_STEPS         128

struct code_cache_model {
	uint64_t negligible;         /* so few new lines in L1 push out next to nothing */
	uint64_t l2_negligible;      /* and so few in L2 */
	uint64_t l1_gone;            /* so many leave nothing in L1; 0: L1 keeps all */
	double l1_share[L1_STEPS];   /* gone after each such part of them */
	double l2_lines, l3_lines;   /* sizes */
	double lines;                /* touched by ps of warm code */
	double l2_cost;              /* ps a line, beyond L1 */
	double l3_cost, memory_cost; /* and beyond L2 and L3 */
	double user_l1_lines;        /* new lines in L1 by ps of a program's work */
	double user_l2_lines;        /* in L2 */
	double user_l3_lines;        /* and in L3, if the program is far larger than it */
};

void code_cache_init(struct kernel *k);
void code_cache_free(struct kernel *k);
/* What warm code of length `work` takes more, what of that is L1's, and (share) how much of it L2
 * has lost, 0 to 1. */
sim_ps code_cache_miss(const struct code_cache_model *model, sim_ps work, struct code_age age);
sim_ps code_cache_l1_miss(const struct code_cache_model *model, sim_ps work, uint64_t new_lines);
double code_cache_share(const struct code_cache_model *model, uint64_t new_lines);
/* The core's L2 is empty: what it held is in L3. */
void code_cache_lose(struct code_cache *core, const struct code_cache_model *model);
/* The task's own work on its core. It pushes out of L3 no more than it has: accesses spread over
 * its resident set find the share of it in L3 that L3 holds. Pages that the kernel zeroes or copies
 * push nothing out: a recorded program that faults 64 pages in a row finds its next mmap as warm as
 * before. */
void code_cache_user(struct task *t, sim_ps work);

/* The places: one byte each, numbered by their addresses. */
extern const char __start_mmsim_spend[] __attribute__((weak));
extern const char __stop_mmsim_spend[] __attribute__((weak));

#define CODE_PLACE(var) static const char var __attribute__((used, __section__("mmsim_spend"))) = 0

#endif
