// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The levels of a machine's caches, and moving whole pages through them.
 */
#include "models/hw/usermem.h"

#include <stdlib.h>

#define PAGE_BYTES 4096
#define PAGE_LINES (PAGE_BYTES / CACHE_LINE)

static unsigned int groups(const struct machine *m)
{
	return m->desc.topo.sockets * m->desc.topo.l3_per_socket;
}

static sim_ps page_time(double gb_per_s)
{
	return gb_per_s > 0 ? (sim_ps)(PAGE_BYTES * 1e3 / gb_per_s) : 0;
}

struct usermem *usermem_create(const struct machine *m)
{
	const struct machine_desc *d = &m->desc;
	struct usermem *mem = calloc(1, sizeof(*mem));

	mem->core = calloc(m->nr_cores, sizeof(*mem->core));
	mem->l3 = calloc(groups(m), sizeof(*mem->l3));
	for (unsigned int i = 0; i < m->nr_cores; i++) {
		cache_init(&mem->core[i].l1d, d->cache.l1d_size, d->cache.l1d_ways);
		cache_init(&mem->core[i].l2, d->cache.l2_size, d->cache.l2_ways);
	}
	for (unsigned int i = 0; i < groups(m); i++)
		cache_init(&mem->l3[i], d->cache.l3_size, d->cache.l3_ways);
	mem->latency[MEM_L1] = d->cache.l1d_hit;
	mem->latency[MEM_L2] = d->cache.l2_hit;
	mem->latency[MEM_L3] = d->cache.l3_hit;
	mem->latency[MEM_DRAM] = d->line.memory;
	mem->page_time[MEM_L2] = page_time(d->cache.l2_rate);
	mem->page_time[MEM_L3] = page_time(d->cache.l3_rate);
	mem->page_time[MEM_DRAM] = page_time(d->cache.memory_rate);
	for (unsigned int i = 0; i < MEM_LEVELS; i++)
		mem->has_rates |= mem->page_time[i] != 0;
	return mem;
}

void usermem_free(struct usermem *mem, const struct machine *m)
{
	for (unsigned int i = 0; i < m->nr_cores; i++) {
		cache_free(&mem->core[i].l1d);
		cache_free(&mem->core[i].l2);
	}
	for (unsigned int i = 0; i < groups(m); i++)
		cache_free(&mem->l3[i]);
	free(mem->core);
	free(mem->l3);
	free(mem);
}

enum mem_level usermem_miss(struct machine *m, unsigned int core, uint64_t line)
{
	struct core_caches *c = &m->mem->core[core];
	struct cache *l3 = &m->mem->l3[core / m->desc.topo.cores_per_l3];
	enum mem_level from = MEM_L2;
	uint64_t gone;

	if (!cache_use(&c->l2, line)) {
		from = MEM_L3;
		if (!cache_use(l3, line)) {
			from = MEM_DRAM;
			cache_fill(l3, line, &gone);
		}
		cache_fill(&c->l2, line, &gone);
	}
	cache_fill(&c->l1d, line, &gone);
	m->mem->loads[from]++;
	return from;
}

static sim_ps move_lines(struct machine *m, unsigned int core, uint64_t frame)
{
	sim_ps page = 0;

	for (uint64_t i = 0; i < PAGE_LINES; i++)
		page += m->mem->page_time[usermem_access(m, core,
							 frame * PAGE_BYTES + i * CACHE_LINE)];
	return page / PAGE_LINES;
}

void usermem_touch_page(struct machine *m, unsigned int core, uint64_t frame)
{
	move_lines(m, core, frame);
}

sim_ps usermem_move_page(struct machine *m, unsigned int core, uint64_t from, uint64_t to)
{
	sim_ps time;

	if (!m->mem->has_rates)
		return 0;
	time = move_lines(m, core, to);
	return from == to ? time : time + move_lines(m, core, from);
}
