/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which way of a full set a fill takes, and which set a page belongs to. Trees of "used last" bits
 * need no bits here: a bit points away from the half that was touched last, and the ways' stamps
 * say which half that was. So a hit costs the host nothing more than it does with LRU.
 */
#ifndef MODELS_HW_TLB_REPLACE_H
#define MODELS_HW_TLB_REPLACE_H

#include <stdint.h>

enum tlb_replacement {
	TLB_LRU,
	TLB_TREE_PLRU,
	/* (MRU+1)%3 PLRU4 of the 12-way L2 TLB of Intel's Skylake and its kin: thirds, of which
	 * the one after the third touched last loses; a tree within it. */
	TLB_MRU_PLUS_1,
	TLB_REPLACEMENTS
};
extern const char *const tlb_replacements[]; /* names, NULL at the end */

enum tlb_hash {
	TLB_HASH_LINEAR, /* the page number's low bits */
	TLB_HASH_XOR,    /* xor the bits above them */
	TLB_HASHES
};
extern const char *const tlb_hashes[];

/* The way to lose of `ways` (> 0) with these stamps, `clock` being the newest. */
uint32_t tlb_victim(enum tlb_replacement how, const uint32_t *stamp, uint32_t ways, uint32_t clock);

static inline uint64_t tlb_set(enum tlb_hash how, uint64_t page, uint32_t sets)
{
	return (how == TLB_HASH_XOR ? page ^ page / sets : page) % sets;
}

#endif
