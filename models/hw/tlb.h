/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The TLBs of one logical CPU: an L1 for data and one for code, each with arrays per page size or
 * one for all, an L2 that both share or two of them, and the page-walk caches that hold upper-level
 * entries. Everything is tagged by context. A context stands for one PCID between two flushes of
 * it: flushing a PCID means to give it a new context number, so a full flush costs the host nothing
 * and old entries die in place. Each entry holds the PTE it was filled from and the life of the
 * page then, so that the use of a translation that outlived its page can be told. Replacement:
 * dead entries first, then as tlb_replace.h says. What a flush costs in time is in the machine
 * file, what a walk costs in walk.h. SMT siblings may use the same arrays: contexts tell theirs
 * apart.
 */
#ifndef MODELS_HW_TLB_H
#define MODELS_HW_TLB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/hw/tlb_replace.h"

struct machine_desc;

#define TLB_LIVE_CONTEXTS 8 /* 6 dynamic ASIDs, a global ASID, global entries */
#define TLB_GLOBAL_SLOT   7 /* entries with the G bit: seen under every PCID */
#define TLB_SLOT_BITS     4 /* the low bits of a context are its thread and slot */
#define TLB_CONTEXT_BITS  26
#define TLB_MAX_LIVES     ((UINT32_C(1) << (TLB_CONTEXT_BITS - TLB_SLOT_BITS)) - 1)
#define TLB_VPN_BITS      36
#define TLB_TAG_VPN       ((UINT64_C(1) << TLB_VPN_BITS) - 1)

enum tlb_side { TLB_DATA, TLB_CODE, TLB_SIDES };
enum tlb_size { TLB_4K, TLB_2M, TLB_1G, TLB_SIZES };
/* What a thread has of an array whose core has two: all, as if it were alone; both use all of it;
 * half of its sets. */
enum tlb_smt { TLB_SMT_NONE, TLB_SMT_SHARED, TLB_SMT_SPLIT };
extern const char *const tlb_smt_modes[];

struct tlb_entry {
	uint64_t pte;  /* as it was when filled */
	uint32_t life; /* of the page it maps */
	bool dirty;    /* D was set when filled: a write needs no walk */
};

struct tlb_level {
	uint32_t sets, ways;
	uint32_t bucket_mask;
	uint8_t replacement, hash; /* enum tlb_replacement, enum tlb_hash */
	uint64_t full;             /* contexts' deaths when all of its one set was live */
	uint32_t cursor; /* full associativity: where the search for a dead entry goes on */
	uint64_t *tag;   /* context << 38 | size << 36 | page number; 0 = empty */
	uint32_t *stamp; /* last use, by clock */
	uint32_t clock;
	/* The host's way to find a tag in whatever way it is: index + 1 of the first in a bucket,
	 * of the next after each. What was used last comes first. */
	uint32_t *bucket, *next;
	struct tlb_entry *entry;
};

/* Numbers for the lives of slots. */
struct tlb_contexts {
	uint32_t last;
	uint64_t deaths;                  /* of contexts and of single entries */
	uint32_t live[TLB_LIVE_CONTEXTS]; /* contexts that a slot still holds; 0 = none */
	unsigned int thread;              /* 1 in the contexts of a sibling that shares arrays */
	const struct tlb_contexts *other; /* that thread's, or NULL */
};

enum { TLB_ARRAYS = 8, TLB_WALK_LEVELS = 3 }; /* walk caches of PDEs, PDPTEs, PML4Es */

struct tlb {
	/* Which array holds what: several may be the same. */
	struct tlb_level *l1[TLB_SIDES][TLB_SIZES], *l2[TLB_SIDES][TLB_SIZES];
	uint8_t sizes;   /* bit a size that was ever filled */
	bool has_global; /* so was an entry with the G bit */
	struct tlb_contexts contexts, walk_contexts;
	uint64_t changes; /* flushes and invalidations so far, by anyone */
	uint64_t l1_hits, l2_hits, misses;
	/* Slots by last use, most recent first; how many of them hardware keeps (0: all) */
	uint8_t recent[TLB_LIVE_CONTEXTS], nr_recent, l2_pcids;
	bool l1d_keeps_pcids;
	struct tlb_level array[TLB_ARRAYS], walk[TLB_WALK_LEVELS];
};

void tlb_init(struct tlb *tlb, const struct machine_desc *desc);
/* After tlb_init: uses the arrays of its SMT sibling that the machine shares (tlb.smt_*). */
void tlb_share(struct tlb *tlb, struct tlb *sibling, const struct machine_desc *desc);
void tlb_free(struct tlb *tlb);

static inline uint32_t tlb_context(const struct tlb *tlb, unsigned int slot)
{
	return tlb->contexts.live[slot];
}
static inline unsigned int tlb_slot(uint32_t context)
{
	return context & (TLB_LIVE_CONTEXTS - 1);
}

/* ---- translating ---- */

enum tlb_result { TLB_L1_HIT, TLB_L2_HIT, TLB_MISS };
/* vpn counts 4 KiB pages, whatever the size of the page found. An L2 hit is copied to L1. *entry is
 * good until the next call; NULL on a miss. */
enum tlb_result tlb_lookup_slowly(struct tlb *tlb, enum tlb_side side, uint32_t context,
				  uint64_t vpn, struct tlb_entry **entry);

static inline uint64_t tlb_tag(uint32_t context, enum tlb_size size, uint64_t vpn)
{
	return (uint64_t)context << (TLB_VPN_BITS + 2) | (uint64_t)size << TLB_VPN_BITS |
	       (vpn & TLB_TAG_VPN);
}
static inline uint32_t *tlb_bucket(const struct tlb_level *level, uint64_t tag)
{
	return &level->bucket[(tag ^ tag >> (TLB_VPN_BITS - 5)) & level->bucket_mask];
}

static inline enum tlb_result tlb_lookup_for(struct tlb *tlb, enum tlb_side side, uint32_t context,
					     uint64_t vpn, struct tlb_entry **entry)
{
	struct tlb_level *level = tlb->l1[side][TLB_4K];
	uint64_t tag = tlb_tag(context, TLB_4K, vpn);

	if (__builtin_expect(level->tag != NULL && tag, 1)) {
		uint32_t at = *tlb_bucket(level, tag);

		if (__builtin_expect(at && level->tag[at - 1] == tag, 1)) {
			level->stamp[at - 1] = ++level->clock;
			tlb->l1_hits++;
			*entry = &level->entry[at - 1];
			return TLB_L1_HIT;
		}
	}
	return tlb_lookup_slowly(tlb, side, context, vpn, entry);
}
/* Of data. */
static inline enum tlb_result tlb_lookup(struct tlb *tlb, uint32_t context, uint64_t vpn,
					 struct tlb_entry **entry)
{
	return tlb_lookup_for(tlb, TLB_DATA, context, vpn, entry);
}

/* Into L1 and L2 of a side. The context of TLB_GLOBAL_SLOT makes a global entry. */
void tlb_fill_page(struct tlb *tlb, enum tlb_side side, enum tlb_size size, uint32_t context,
		   uint64_t vpn, struct tlb_entry entry);
/* A clean 4 KiB page of data. */
void tlb_fill(struct tlb *tlb, uint32_t context, uint64_t vpn, uint64_t pte, uint32_t life);

/* ---- the page-walk caches ---- */

/* How many levels above the last a walk must load: 0 after a hit on a PDE, 3 with no help. *entry:
 * the table where it begins (pte its frame, life), NULL if at the top. */
unsigned int tlb_walk_start(struct tlb *tlb, uint32_t context, uint64_t vpn,
			    const struct tlb_entry **entry);
/* Remembers the entry that was loaded `level` levels above the last (1 = the PDE). */
void tlb_walk_fill(struct tlb *tlb, uint32_t context, uint64_t vpn, unsigned int level,
		   struct tlb_entry entry);

/* ---- a CR3 write that keeps the PCID's translations ---- */

/* The slot is the one in use from now on. Where hardware keeps the translations of a few PCIDs only
 * (`tlb.l2_pcids`), those of the one used longest ago go; without `tlb.l1d_keeps_pcids` L1 is
 * empty. */
void tlb_use_slot(struct tlb *tlb, unsigned int slot);

/* ---- flushing: each instruction's effect ---- */

/* CR3 write, INVPCID of one context: slot gets a new context, everything filled under its old one
 * is gone, upper levels too; global entries stay. Returns the new context. */
uint32_t tlb_flush_slot(struct tlb *tlb, unsigned int slot);
/* INVPCID of all contexts, with global entries or without; a CR4.PGE change is one with. */
void tlb_flush_all(struct tlb *tlb, bool global);
/* INVLPG, INVLPGB of a page: its translation of any size, for data and code, global ones included,
 * and all that the walk caches hold of the context. True if it was in a TLB. */
bool tlb_invalidate(struct tlb *tlb, uint32_t context, uint64_t vpn);
/* INVPCID of one address: as INVLPG, but global entries stay. */
bool tlb_invalidate_one(struct tlb *tlb, uint32_t context, uint64_t vpn);
/* As INVPCID of one address, and the walk caches stay (Arm TLBI VALE1: last level only). */
bool tlb_invalidate_leaf(struct tlb *tlb, uint32_t context, uint64_t vpn);
/* A page fault: what it went through is forgotten. */
void tlb_forget(struct tlb *tlb, uint32_t context, uint64_t vpn);

/* Live translations of a context (in L1 and L2 at once: counted once): for reports and tests. */
uint32_t tlb_count(const struct tlb *tlb, uint32_t context);

#endif
