// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The state of each core's caches as far as kernel code is concerned.
 */
#include "models/kernel/code_cache.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#include "models/hw/cache.h"
#include "models/kernel/mm.h"

static size_t places(void)
{
	return (size_t)(__stop_mmsim_spend - __start_mmsim_spend);
}

/* Lines that leave so little of those that were there. */
static uint64_t lines_leaving(double size, double left)
{
	return (uint64_t)ceil(-log(left) * size);
}

/*
 * A line of L1 goes once as many new ones as there are ways have fallen into its set: so nothing is
 * lost after little work, and everything soon after. Code caches are as large as data caches, or
 * nearly.
 */
static void l1_init(struct code_cache_model *c, const struct machine_desc *d)
{
	unsigned int ways = d->cache.l1d_ways;
	double sets = (double)d->cache.l1d_size / CACHE_LINE / ways;
	double all = ways; /* new lines of a set that leave nothing */
	unsigned int little = 0;

	while (gsl_cdf_poisson_Q(ways - 1, all) < .99)
		all += 1;
	for (unsigned int i = 1; i < L1_STEPS; i++)
		c->l1_share[i] = gsl_cdf_poisson_Q(ways - 1, all * i / L1_STEPS);
	while (little + 1 < L1_STEPS && c->l1_share[little + 1] < .01)
		little++;
	c->l1_gone = (uint64_t)ceil(all * sets);
	c->negligible = c->l1_gone * little / L1_STEPS;
	c->user_l1_lines = 1 / (double)d->cache.user_l1_line;
}

static void model_init(struct code_cache_model *c, const struct machine_desc *d)
{
	double per_ps = d->cache.code_line ? 1 / (double)d->cache.code_line : 0;

	*c = (struct code_cache_model){
		.l2_lines = (double)d->cache.l2_size / CACHE_LINE,
		.l3_lines = (double)d->cache.l3_size / CACHE_LINE,
		.lines = per_ps,
		.l2_cost = (double)d->cache.code_l1_miss,
		.l3_cost = (double)d->cache.l3_hit,
		.user_l2_lines = d->cache.user_line ? 1 / (double)d->cache.user_line : 0,
		.user_l3_lines = d->cache.user_l3_line ? 1 / (double)d->cache.user_l3_line : 0,
	};
	if (d->line.memory > d->cache.l3_hit)
		c->memory_cost = (double)(d->line.memory - d->cache.l3_hit);
	c->negligible = per_ps > 0 ? 0 : UINT64_MAX;
	c->l2_negligible = per_ps > 0 ? lines_leaving(c->l2_lines, .99) : UINT64_MAX;
	c->user_l1_lines = c->user_l2_lines; /* if L1 keeps all, it may still be gone from L2 */
	if (per_ps > 0 && d->cache.user_l1_line)
		l1_init(c, d);
}

/* So many times a cache's lines leave less than one in a hundred of those that were there. */
#define ALL_GONE 5

void code_cache_lose(struct code_cache *core, const struct code_cache_model *c)
{
	core->l1 += c->l1_gone + 1;
	core->l2 += (uint64_t)(ALL_GONE * c->l2_lines);
}

void code_cache_init(struct kernel *k)
{
	unsigned int cores = k->m->desc.topo.cores_per_l3;
	struct code_l3 *l3 = NULL;

	model_init(&k->code_model, &k->m->desc);
	k->code = calloc(k->m->nr_cores, sizeof(*k->code));
	for (unsigned int i = 0; i < k->m->nr_cores; i++) {
		struct code_cache *core = calloc(1, sizeof(*core) + places() * sizeof(*core->used));

		if (i % cores == 0)
			l3 = calloc(1, sizeof(*l3) + places() * sizeof(*l3->used));
		core->l3 = l3;
		k->code[i] = core;
	}
	for (unsigned int i = 0; i < k->nr_cpus; i++)
		k->cpus[i].code = k->code[k->cpus[i].cpu->core];
}

void kernel_cool_caches(struct kernel *k)
{
	for (unsigned int i = 0; i < k->m->nr_cores; i++) {
		code_cache_lose(k->code[i], &k->code_model);
		if (i % k->m->desc.topo.cores_per_l3 == 0)
			k->code[i]->l3->lines += (uint64_t)(ALL_GONE * k->code_model.l3_lines);
	}
}

void code_cache_free(struct kernel *k)
{
	for (unsigned int i = 0; i < k->m->nr_cores; i++) {
		if (i % k->m->desc.topo.cores_per_l3 == 0)
			free(k->code[i]->l3);
		free(k->code[i]);
	}
	free(k->code);
}

static double gone(double new_lines, double size)
{
	return 1 - exp(-new_lines / size);
}

double code_cache_share(const struct code_cache_model *c, uint64_t new_lines)
{
	return new_lines > c->l2_negligible ? gone((double)new_lines, c->l2_lines) : 0;
}

sim_ps code_cache_l1_miss(const struct code_cache_model *c, sim_ps work, uint64_t new_lines)
{
	double lines = fmin((double)work * c->lines, CODE_PLACE_LINES) * c->l2_cost;

	if (new_lines < c->l1_gone)
		lines *= c->l1_share[new_lines * L1_STEPS / c->l1_gone];
	return c->l1_gone ? (sim_ps)lines : 0;
}

sim_ps code_cache_miss(const struct code_cache_model *c, sim_ps work, struct code_age age)
{
	double lines = fmin((double)work * c->lines, CODE_PLACE_LINES), l2, l3;
	sim_ps l1 = code_cache_l1_miss(c, work, age.l1);

	if (age.l2 <= c->l2_negligible)
		return l1;
	l2 = gone((double)age.l2, c->l2_lines);
	l3 = gone((double)age.l3, c->l3_lines);
	return l1 + (sim_ps)(lines * l2 * (c->l3_cost + l3 * c->memory_cost));
}

/* The share of what misses L2 that misses L3 too, for accesses spread over the mm's pages. */
static double beyond_l3(const struct mm *mm, double l3_lines)
{
	double lines = mm ? (double)mm->rss * (PAGE_SIZE / CACHE_LINE) : INFINITY;

	return lines > l3_lines ? 1 - l3_lines / lines : 0;
}

void code_cache_user(struct task *t, sim_ps work)
{
	const struct code_cache_model *c = &t->k->code_model;
	struct code_cache *core = this_cpu(t)->code;

	core->l1 += (uint64_t)((double)work * c->user_l1_lines);
	core->l2 += (uint64_t)((double)work * c->user_l2_lines);
	core->l3->lines += (uint64_t)((double)work * c->user_l3_lines *
				      beyond_l3(t->mm, c->l3_lines));
}
