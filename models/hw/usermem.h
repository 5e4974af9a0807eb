/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The caches that user memory and page tables go through: an L1D and an L2 for each core (SMT
 * siblings share them), an L3 for each group. A line that is missing is put into every level on
 * its way. Coherence between cores is not modelled here: lines that CPUs fight over are line.h's.
 * What a program's own loads and stores cost is part of its own time; these caches serve page
 * walks, zeroing and copying.
 */
#ifndef MODELS_HW_USERMEM_H
#define MODELS_HW_USERMEM_H

#include "models/hw/cache.h"
#include "models/hw/machine.h"

enum mem_level { MEM_L1, MEM_L2, MEM_L3, MEM_DRAM, MEM_LEVELS };

struct usermem {
	struct core_caches {
		struct cache l1d, l2;
	} * core;
	struct cache *l3; /* by group */
	sim_ps latency[MEM_LEVELS];
	sim_ps page_time[MEM_LEVELS]; /* to move 4 KiB from there; 0 = not stated */
	uint64_t loads[MEM_LEVELS];
	bool has_rates;
};

struct usermem *usermem_create(const struct machine *m);
void usermem_free(struct usermem *mem, const struct machine *m);

/* Where a core finds a line that is not in its L1D, which has it afterwards. */
enum mem_level usermem_miss(struct machine *m, unsigned int core, uint64_t line);

/* One load or store at a physical address. */
static inline enum mem_level usermem_access(struct machine *m, unsigned int core, uint64_t addr)
{
	uint64_t line = addr / CACHE_LINE;

	if (__builtin_expect(cache_use(&m->mem->core[core].l1d, line), 1)) {
		m->mem->loads[MEM_L1]++;
		return MEM_L1;
	}
	return usermem_miss(m, core, line);
}
static inline sim_ps usermem_load(struct machine *m, unsigned int core, uint64_t addr)
{
	return m->mem->latency[usermem_access(m, core, addr)];
}

/* A frame's lines come to the core, as when it zeroes the page. */
void usermem_touch_page(struct machine *m, unsigned int core, uint64_t frame);
/* Zeroing (from == to) or copying a frame by a core: what the caches' bandwidth makes of it, 0 if
 * the machine states none. */
sim_ps usermem_move_page(struct machine *m, unsigned int core, uint64_t from, uint64_t to);

#endif
