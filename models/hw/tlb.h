/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The data TLB of one logical CPU: two set-associative levels for 4 KiB pages, tagged by context. A
 * context stands for one PCID between two flushes of it: flushing a PCID means to give it a new
 * context number, so a full flush costs the host nothing and old entries die in place. Each entry
 * holds the PTE it was filled from and the life of the page then, so that the use of a translation
 * that outlived its page can be told. Replacement: dead entries first, then least recently used.
 * What a flush or a walk costs in time is not here (flush.h, machine file).
 */
#ifndef MODELS_HW_TLB_H
#define MODELS_HW_TLB_H

#include <stdbool.h>
#include <stdint.h>

struct machine_desc;

#define TLB_LIVE_CONTEXTS 8 /* 6 dynamic ASIDs, a global ASID, the kernel's own */

struct tlb_entry {
	uint64_t pte;  /* as it was when filled */
	uint32_t life; /* of the page it maps */
	bool dirty;    /* the CPU has set D through this entry */
};

struct tlb_level {
	uint32_t sets, ways;
	uint64_t *tag;   /* context << 36 | vpn; 0 = empty */
	uint32_t *stamp; /* last use */
	struct tlb_entry *entry;
};

struct tlb {
	struct tlb_level l1, l2;
	uint32_t clock, last_context;
	uint32_t live[TLB_LIVE_CONTEXTS]; /* contexts that a slot still holds; 0 = none */
	uint64_t l1_hits, l2_hits, misses;
};

void tlb_init(struct tlb *tlb, const struct machine_desc *desc);
void tlb_free(struct tlb *tlb);

/* Slot `slot` gets a new context: everything filled under its old one is gone. Returns it. */
uint32_t tlb_flush_slot(struct tlb *tlb, unsigned int slot);
static inline uint32_t tlb_context(const struct tlb *tlb, unsigned int slot)
{
	return tlb->live[slot];
}

enum tlb_result { TLB_L1_HIT, TLB_L2_HIT, TLB_MISS };
/* An L2 hit is copied to L1. *entry is good until the next call; NULL on a miss. */
enum tlb_result tlb_lookup(struct tlb *tlb, uint32_t context, uint64_t vpn,
			   struct tlb_entry **entry);
void tlb_fill(struct tlb *tlb, uint32_t context, uint64_t vpn, uint64_t pte, uint32_t life);
/* Removes the page's translation from both levels. True if there was one. */
bool tlb_invalidate(struct tlb *tlb, uint32_t context, uint64_t vpn);
/* Live entries of a context in both levels (a page in both counts once): for reports and tests. */
uint32_t tlb_count(const struct tlb *tlb, uint32_t context);

#endif
