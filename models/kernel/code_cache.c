// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The state of each core's caches as far as kernel code is concerned.
 */
#include "models/kernel/code_cache.h"

#include <math.h>
#include <stdlib.h>

#include "models/hw/cache.h"
#include "models/kernel/kernel.h"

static size_t places(void)
{
	return (size_t)(__stop_mmsim_spend - __start_mmsim_spend);
}

void code_cache_init(struct kernel *k)
{
	const struct machine_desc *d = &k->m->desc;
	struct code_cache_model *c = &k->code_model;
	double per_ps = d->cache.code_line ? 1 / (double)d->cache.code_line : 0;

	*c = (struct code_cache_model){
		.l2_lines = (double)d->cache.l2_size / CACHE_LINE,
		.l3_lines = (double)d->cache.l3_size / CACHE_LINE,
		.lines = per_ps,
		.l3_cost = (double)d->cache.l3_hit,
		.user_lines = d->cache.user_line ? 1 / (double)d->cache.user_line : 0,
	};
	if (d->cache.user_l3_line)
		c->from_memory = (double)d->cache.user_line / (double)d->cache.user_l3_line;
	if (d->line.memory > d->cache.l3_hit)
		c->memory_cost = (double)(d->line.memory - d->cache.l3_hit);
	c->negligible = per_ps > 0 ? (uint64_t)(c->l2_lines / 100) : UINT64_MAX;
	k->code = calloc(k->m->nr_cores, sizeof(*k->code));
	for (unsigned int i = 0; i < k->nr_cpus; i++) {
		struct code_cache **core = &k->code[k->cpus[i].cpu->core];

		if (!*core)
			*core = calloc(1, sizeof(**core) + places() * sizeof(*(*core)->used));
		k->cpus[i].code = *core;
	}
}

/* So many times L2's lines leave less than one in a hundred of those that were there. */
#define ALL_GONE 5

void code_cache_free(struct kernel *k)
{
	for (unsigned int i = 0; i < k->m->nr_cores; i++)
		free(k->code[i]);
	free(k->code);
}

double code_cache_share(const struct code_cache_model *c, uint64_t new_lines)
{
	return 1 - exp(-(double)new_lines / c->l2_lines);
}

sim_ps code_cache_miss(const struct code_cache_model *c, sim_ps work, uint64_t new_lines)
{
	double lines = fmin((double)work * c->lines, CODE_PLACE_LINES);
	double l3 = 1 - exp(-(double)new_lines * c->from_memory / c->l3_lines);

	return (sim_ps)(lines *
			(code_cache_share(c, new_lines) * c->l3_cost + l3 * c->memory_cost));
}

void code_cache_lose(struct code_cache *core, const struct code_cache_model *c)
{
	core->lines += (uint64_t)(ALL_GONE * c->l2_lines);
}

void code_cache_user(struct task *t, sim_ps work)
{
	this_cpu(t)->code->lines += (uint64_t)((double)work * t->k->code_model.user_lines);
}
