// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Set-associative lookup, fill and invalidation. L2 holds what L1 evicts and what it was filled
 * with (filled together, evicted apart), as on the x86 cores that the machine files describe.
 */
#include "models/hw/tlb.h"

#include <stdlib.h>

#include "models/hw/machine.h"

#define VPN_BITS     36
#define CONTEXT_BITS 28

static void level_init(struct tlb_level *level, uint32_t entries, uint32_t ways)
{
	level->ways = ways ? ways : 1;
	level->sets = entries / level->ways;
	if (!level->sets)
		level->sets = 1;
}

void tlb_init(struct tlb *tlb, const struct machine_desc *desc)
{
	*tlb = (struct tlb){ 0 };
	level_init(&tlb->l1, desc->tlb.l1d_entries, desc->tlb.l1d_ways);
	level_init(&tlb->l2, desc->tlb.l2_entries, desc->tlb.l2_ways);
}

/* Memory comes at the first fill, so that an idle CPU of a large machine costs none. */
static void level_alloc(struct tlb_level *level)
{
	size_t n = (size_t)level->sets * level->ways;

	level->tag = calloc(n, sizeof(*level->tag));
	level->stamp = calloc(n, sizeof(*level->stamp));
	level->entry = calloc(n, sizeof(*level->entry));
}

static void level_free(struct tlb_level *level)
{
	free(level->tag);
	free(level->stamp);
	free(level->entry);
	level->tag = NULL;
}

void tlb_free(struct tlb *tlb)
{
	level_free(&tlb->l1);
	level_free(&tlb->l2);
}

static uint64_t make_tag(uint32_t context, uint64_t vpn)
{
	return (uint64_t)context << VPN_BITS | (vpn & ((UINT64_C(1) << VPN_BITS) - 1));
}

uint32_t tlb_flush_slot(struct tlb *tlb, unsigned int slot)
{
	if (++tlb->last_context >> CONTEXT_BITS) {
		/* Numbers ran out: forget everything once, so that no old tag can come back. */
		level_free(&tlb->l1);
		level_free(&tlb->l2);
		tlb->last_context = TLB_LIVE_CONTEXTS + 1; /* the others keep 1 to 8 */
		for (unsigned int i = 0; i < TLB_LIVE_CONTEXTS; i++)
			tlb->live[i] = i + 1;
	}
	tlb->live[slot] = tlb->last_context;
	return tlb->last_context;
}

static size_t set_of(const struct tlb_level *level, uint64_t vpn)
{
	return (size_t)(vpn % level->sets) * level->ways;
}

/* Index of the entry with this tag, or -1. */
static ptrdiff_t level_find(const struct tlb_level *level, uint64_t tag, uint64_t vpn)
{
	size_t base = set_of(level, vpn);

	if (!level->tag || !tag) /* 0 marks an empty way, and page 0 of a slot never flushed */
		return -1;
	for (uint32_t w = 0; w < level->ways; w++)
		if (level->tag[base + w] == tag)
			return (ptrdiff_t)(base + w);
	return -1;
}

static bool is_live(const struct tlb *tlb, uint64_t tag)
{
	uint32_t context = (uint32_t)(tag >> VPN_BITS);

	for (unsigned int i = 0; i < TLB_LIVE_CONTEXTS; i++)
		if (tlb->live[i] == context)
			return tag != 0;
	return false;
}

static size_t victim(const struct tlb *tlb, const struct tlb_level *level, uint64_t vpn)
{
	size_t base = set_of(level, vpn), best = base;

	for (uint32_t w = 0; w < level->ways; w++) {
		if (!is_live(tlb, level->tag[base + w]))
			return base + w;
		if ((int32_t)(level->stamp[base + w] - level->stamp[best]) < 0)
			best = base + w;
	}
	return best;
}

static struct tlb_entry *level_put(struct tlb *tlb, struct tlb_level *level, uint64_t tag,
				   uint64_t vpn, struct tlb_entry entry)
{
	ptrdiff_t at = level_find(level, tag, vpn);
	size_t i;

	if (!level->tag)
		level_alloc(level);
	i = at >= 0 ? (size_t)at : victim(tlb, level, vpn);
	level->tag[i] = tag;
	level->stamp[i] = ++tlb->clock;
	level->entry[i] = entry;
	return &level->entry[i];
}

enum tlb_result tlb_lookup(struct tlb *tlb, uint32_t context, uint64_t vpn,
			   struct tlb_entry **entry)
{
	uint64_t tag = make_tag(context, vpn);
	ptrdiff_t at = level_find(&tlb->l1, tag, vpn);

	if (at >= 0) {
		tlb->l1.stamp[at] = ++tlb->clock;
		*entry = &tlb->l1.entry[at];
		tlb->l1_hits++;
		return TLB_L1_HIT;
	}
	at = level_find(&tlb->l2, tag, vpn);
	if (at >= 0) {
		tlb->l2.stamp[at] = ++tlb->clock;
		*entry = level_put(tlb, &tlb->l1, tag, vpn, tlb->l2.entry[at]);
		tlb->l2_hits++;
		return TLB_L2_HIT;
	}
	*entry = NULL;
	tlb->misses++;
	return TLB_MISS;
}

void tlb_fill(struct tlb *tlb, uint32_t context, uint64_t vpn, uint64_t pte, uint32_t life)
{
	uint64_t tag = make_tag(context, vpn);
	struct tlb_entry entry = { .pte = pte, .life = life };

	level_put(tlb, &tlb->l1, tag, vpn, entry);
	level_put(tlb, &tlb->l2, tag, vpn, entry);
}

bool tlb_invalidate(struct tlb *tlb, uint32_t context, uint64_t vpn)
{
	uint64_t tag = make_tag(context, vpn);
	ptrdiff_t l1 = level_find(&tlb->l1, tag, vpn), l2 = level_find(&tlb->l2, tag, vpn);

	if (l1 >= 0)
		tlb->l1.tag[l1] = 0;
	if (l2 >= 0)
		tlb->l2.tag[l2] = 0;
	return l1 >= 0 || l2 >= 0;
}

uint32_t tlb_count(const struct tlb *tlb, uint32_t context)
{
	uint32_t n = 0;

	for (size_t i = 0; tlb->l2.tag && i < (size_t)tlb->l2.sets * tlb->l2.ways; i++)
		n += tlb->l2.tag[i] >> VPN_BITS == context && tlb->l2.tag[i];
	for (size_t i = 0; tlb->l1.tag && i < (size_t)tlb->l1.sets * tlb->l1.ways; i++) {
		uint64_t tag = tlb->l1.tag[i], vpn = tag & ((UINT64_C(1) << VPN_BITS) - 1);

		if (tag && tag >> VPN_BITS == context && level_find(&tlb->l2, tag, vpn) < 0)
			n++;
	}
	return n;
}
