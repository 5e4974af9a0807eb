/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A page walk in hardware: the page-walk caches say at which level it begins, and each table entry
 * from there on is one load through the core's data caches. The walk of a guest is not modelled
 * twice: its second dimension is in the machine's tlb.walk.
 */
#ifndef MODELS_HW_WALK_H
#define MODELS_HW_WALK_H

#include "models/hw/cpu.h"

enum { WALK_LEVELS = TLB_WALK_LEVELS + 1 };

/* The tables on the way to a page, as they are now: [0] holds the PTE, the last is the top. Those
 * below `leaf` do not exist. */
struct walk_path {
	struct {
		uint64_t frame;
		uint32_t life;
	} table[WALK_LEVELS];
	unsigned int leaf;
};

/* Performs it and returns what it costs: tlb.walk, and by how much its loads are dearer than one
 * that hits the L1 data cache. *known: the walk caches led to a table, *from its frame and
 * life; whoever knows the frames checks that it has not been freed since. */
sim_ps walk_tables(struct cpu *cpu, uint32_t context, uint64_t vpn, const struct walk_path *path,
		   struct tlb_entry *from, bool *known);

#endif
