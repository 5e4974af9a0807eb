// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Set-associative lookup, fill and invalidation. L2 holds what L1 evicts and what it was filled
 * with (filled together, evicted apart), as on the x86 cores that the machine files describe.
 */
#include "models/hw/tlb.h"

#include <stdlib.h>
#include <string.h>

#include "models/hw/machine.h"

#define SIZE_SHIFT 9 /* each page size is 512 of the one below */

/* Memory comes at the first fill, so that an idle CPU of a large machine costs none. */
static void level_alloc(struct tlb_level *level)
{
	size_t n = (size_t)level->sets * level->ways;

	level->tag = calloc(n, sizeof(*level->tag));
	level->stamp = calloc(n, sizeof(*level->stamp));
	level->entry = calloc(n, sizeof(*level->entry));
	level->next = calloc(n, sizeof(*level->next));
	level->bucket = calloc((size_t)level->bucket_mask + 1, sizeof(*level->bucket));
}

static void level_free(struct tlb_level *level)
{
	free(level->tag);
	free(level->stamp);
	free(level->entry);
	free(level->next);
	free(level->bucket);
	level->tag = NULL;
	level->stamp = NULL;
	level->entry = NULL;
	level->next = NULL;
	level->bucket = NULL;
}

static void levels_free(struct tlb_level *level, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		level_free(&level[i]);
}

void tlb_free(struct tlb *tlb)
{
	levels_free(tlb->array, TLB_ARRAYS);
	levels_free(tlb->walk, TLB_WALK_LEVELS);
}

/* ---- one array ---- */

static uint32_t number(const struct tlb_contexts *c, uint32_t life, unsigned int slot)
{
	return life << TLB_SLOT_BITS | c->thread * TLB_LIVE_CONTEXTS | slot;
}

/* Empties every array that the thread uses: a sibling that shares one loses its own, too. */
static void forget_everything(struct tlb *tlb)
{
	for (enum tlb_side side = TLB_DATA; side < TLB_SIDES; side++)
		for (enum tlb_size size = TLB_4K; size < TLB_SIZES; size++) {
			level_free(tlb->l1[side][size]);
			level_free(tlb->l2[side][size]);
		}
}

/* The next number for a slot. When they run out, everything is forgotten once, so that no old tag
 * can come back. */
static uint32_t new_life(struct tlb *tlb, struct tlb_contexts *c, unsigned int slot)
{
	c->deaths++;
	if (++c->last > TLB_MAX_LIVES) {
		if (c == &tlb->contexts)
			forget_everything(tlb);
		else
			levels_free(tlb->walk, TLB_WALK_LEVELS);
		c->last = 2;
		for (unsigned int i = 0; i < TLB_LIVE_CONTEXTS; i++)
			c->live[i] = number(c, 1, i);
	}
	c->live[slot] = number(c, c->last, slot);
	return c->live[slot];
}

static size_t set_of(const struct tlb_level *level, uint64_t tag)
{
	return (size_t)tlb_set((enum tlb_hash)level->hash, tag & TLB_TAG_VPN, level->sets) *
	       level->ways;
}

/* Index of the entry with this tag, or -1. */
static ptrdiff_t level_find(const struct tlb_level *level, uint64_t tag)
{
	if (!level->tag || !tag) /* 0 marks an empty way, and page 0 of a slot never flushed */
		return -1;
	for (uint32_t at = *tlb_bucket(level, tag); at; at = level->next[at - 1])
		if (level->tag[at - 1] == tag)
			return (ptrdiff_t)at - 1;
	return -1;
}

static void unlink_entry(struct tlb_level *level, size_t i)
{
	uint32_t *at = tlb_bucket(level, level->tag[i]);

	while (*at != i + 1)
		at = &level->next[*at - 1];
	*at = level->next[i];
}

static void link_entry(struct tlb_level *level, size_t i)
{
	uint32_t *first = tlb_bucket(level, level->tag[i]);

	level->next[i] = *first;
	*first = (uint32_t)i + 1;
}

static void level_drop(struct tlb_contexts *c, struct tlb_level *level, size_t i)
{
	c->deaths++;
	unlink_entry(level, i);
	level->tag[i] = 0;
}

static unsigned int thread_of(uint32_t context)
{
	return context / TLB_LIVE_CONTEXTS & 1;
}

static bool is_live(const struct tlb_contexts *c, uint64_t tag)
{
	uint32_t context = (uint32_t)(tag >> (TLB_VPN_BITS + 2));

	if (!tag)
		return false;
	if (thread_of(context) != c->thread)
		c = c->other;
	return c && c->live[tlb_slot(context)] == context;
}

static uint64_t all_deaths(const struct tlb_contexts *c)
{
	return c->deaths + (c->other ? c->other->deaths : 0);
}

/* An entry of the set that no lookup can find, or -1. A search of the only set of many ways goes on
 * where the last one ended, and is not done again before something has died. */
static ptrdiff_t dead_entry(const struct tlb_contexts *c, struct tlb_level *level, size_t base)
{
	uint32_t from = level->sets == 1 ? level->cursor : 0;

	if (level->sets == 1 && level->full == all_deaths(c))
		return -1;
	for (uint32_t i = 0; i < level->ways; i++) {
		uint32_t w = from + i < level->ways ? from + i : from + i - level->ways;

		if (is_live(c, level->tag[base + w]))
			continue;
		level->cursor = w;
		return (ptrdiff_t)(base + w);
	}
	level->full = all_deaths(c);
	return -1;
}

static size_t take_way(const struct tlb_contexts *c, struct tlb_level *level, uint64_t tag)
{
	size_t base = set_of(level, tag);
	ptrdiff_t dead = dead_entry(c, level, base);

	if (dead >= 0)
		return (size_t)dead;
	return base + tlb_victim((enum tlb_replacement)level->replacement, &level->stamp[base],
				 level->ways, level->clock);
}

static void level_touch(struct tlb_level *level, size_t i)
{
	level->stamp[i] = ++level->clock;
	if (*tlb_bucket(level, level->tag[i]) != i + 1) {
		unlink_entry(level, i);
		link_entry(level, i);
	}
}

static struct tlb_entry *level_put(const struct tlb_contexts *c, struct tlb_level *level,
				   uint64_t tag, struct tlb_entry entry)
{
	ptrdiff_t at = level_find(level, tag);
	size_t i;

	if (!level->tag)
		level_alloc(level);
	i = at >= 0 ? (size_t)at : take_way(c, level, tag);
	if (at < 0) {
		if (level->tag[i])
			unlink_entry(level, i);
		level->tag[i] = tag;
		link_entry(level, i);
	}
	level->entry[i] = entry;
	level_touch(level, i);
	return &level->entry[i];
}

/* ---- translating ---- */

struct place {
	struct tlb_level *level;
	uint64_t tag;
	size_t at;
	enum tlb_size size;
};

/* A page of any size, of the context or a global one. */
static bool find(struct tlb *tlb, struct tlb_level *const of[TLB_SIZES], uint32_t context,
		 uint64_t vpn, struct place *p)
{
	const uint32_t seen[2] = { context, tlb_context(tlb, TLB_GLOBAL_SLOT) };

	if (tlb->sizes == 1u << TLB_4K && !tlb->has_global) { /* as nearly always */
		uint64_t tag = tlb_tag(context, TLB_4K, vpn);
		ptrdiff_t at = level_find(of[TLB_4K], tag);

		*p = (struct place){ of[TLB_4K], tag, (size_t)at, TLB_4K };
		return at >= 0;
	}
	for (enum tlb_size size = TLB_4K; size < TLB_SIZES; size++) {
		if (!(tlb->sizes >> size & 1))
			continue;
		for (unsigned int g = 0; g <= (unsigned int)tlb->has_global; g++) {
			uint64_t tag = tlb_tag(seen[g], size, vpn >> (SIZE_SHIFT * size));
			ptrdiff_t at = level_find(of[size], tag);

			if (at < 0)
				continue;
			*p = (struct place){ of[size], tag, (size_t)at, size };
			return true;
		}
	}
	return false;
}

enum tlb_result tlb_lookup_slowly(struct tlb *tlb, enum tlb_side side, uint32_t context,
				  uint64_t vpn, struct tlb_entry **entry)
{
	struct place p;

	if (find(tlb, tlb->l1[side], context, vpn, &p)) {
		level_touch(p.level, p.at);
		*entry = &p.level->entry[p.at];
		tlb->l1_hits++;
		return TLB_L1_HIT;
	}
	if (find(tlb, tlb->l2[side], context, vpn, &p)) {
		level_touch(p.level, p.at);
		*entry = level_put(&tlb->contexts, tlb->l1[side][p.size], p.tag,
				   p.level->entry[p.at]);
		tlb->l2_hits++;
		return TLB_L2_HIT;
	}
	*entry = NULL;
	tlb->misses++;
	return TLB_MISS;
}

void tlb_fill_page(struct tlb *tlb, enum tlb_side side, enum tlb_size size, uint32_t context,
		   uint64_t vpn, struct tlb_entry entry)
{
	uint64_t tag = tlb_tag(context, size, vpn >> (SIZE_SHIFT * size));

	tlb->sizes |= (uint8_t)(1u << size);
	tlb->has_global |= context && context == tlb_context(tlb, TLB_GLOBAL_SLOT);
	level_put(&tlb->contexts, tlb->l1[side][size], tag, entry);
	level_put(&tlb->contexts, tlb->l2[side][size], tag, entry);
}

void tlb_fill(struct tlb *tlb, uint32_t context, uint64_t vpn, uint64_t pte, uint32_t life)
{
	tlb_fill_page(tlb, TLB_DATA, TLB_4K, context, vpn,
		      (struct tlb_entry){ .pte = pte, .life = life });
}

/* ---- the page-walk caches ---- */

static uint64_t walk_tag(const struct tlb *tlb, uint32_t context, uint64_t vpn, unsigned int level)
{
	return tlb_tag(tlb->walk_contexts.live[tlb_slot(context)], TLB_4K,
		       vpn >> (SIZE_SHIFT * level));
}

unsigned int tlb_walk_start(struct tlb *tlb, uint32_t context, uint64_t vpn,
			    const struct tlb_entry **entry)
{
	for (unsigned int i = 0; i < TLB_WALK_LEVELS; i++) {
		struct tlb_level *level = &tlb->walk[i];
		ptrdiff_t at = level_find(level, walk_tag(tlb, context, vpn, i + 1));

		if (at < 0)
			continue;
		level_touch(level, (size_t)at);
		*entry = &level->entry[at];
		return i;
	}
	*entry = NULL;
	return TLB_WALK_LEVELS;
}

void tlb_walk_fill(struct tlb *tlb, uint32_t context, uint64_t vpn, unsigned int level,
		   struct tlb_entry entry)
{
	struct tlb_level *cache = &tlb->walk[level - 1];

	if (!tlb->walk_contexts.live[tlb_slot(context)])
		new_life(tlb, &tlb->walk_contexts, tlb_slot(context));
	if (cache->ways)
		level_put(&tlb->walk_contexts, cache, walk_tag(tlb, context, vpn, level), entry);
}

/* ---- PCIDs in hardware ---- */

static bool is_own(const struct tlb *tlb, uint64_t tag)
{
	return thread_of((uint32_t)(tag >> (TLB_VPN_BITS + 2))) == tlb->contexts.thread;
}

/* Everything of L1 that is data's alone, and this thread's. */
static void empty_l1d(struct tlb *tlb)
{
	for (enum tlb_size size = TLB_4K; size < TLB_SIZES; size++) {
		struct tlb_level *level = tlb->l1[TLB_DATA][size];

		if (size != TLB_4K && level == tlb->l1[TLB_DATA][size - 1])
			continue;
		for (size_t i = 0; level->tag && i < (size_t)level->sets * level->ways; i++)
			if (level->tag[i] && is_own(tlb, level->tag[i]))
				level_drop(&tlb->contexts, level, i);
	}
}

void tlb_use_slot(struct tlb *tlb, unsigned int slot)
{
	unsigned int at = 0;

	if (tlb->l1d_keeps_pcids && !tlb->l2_pcids)
		return;
	while (at < tlb->nr_recent && tlb->recent[at] != slot)
		at++;
	if (!tlb->l1d_keeps_pcids && at)
		empty_l1d(tlb);
	if (at == tlb->nr_recent && at && at == tlb->l2_pcids)
		tlb_flush_slot(tlb, tlb->recent[--at]);
	else if (at == tlb->nr_recent)
		tlb->nr_recent++;
	memmove(&tlb->recent[1], &tlb->recent[0], at);
	tlb->recent[0] = (uint8_t)slot;
}

/* ---- flushing ---- */

static void walk_flush(struct tlb *tlb, unsigned int slot)
{
	new_life(tlb, &tlb->walk_contexts, slot);
}

uint32_t tlb_flush_slot(struct tlb *tlb, unsigned int slot)
{
	tlb->changes++;
	walk_flush(tlb, slot);
	return new_life(tlb, &tlb->contexts, slot);
}

void tlb_flush_all(struct tlb *tlb, bool global)
{
	for (unsigned int slot = 0; slot < TLB_LIVE_CONTEXTS; slot++)
		if (tlb->contexts.live[slot] && (slot != TLB_GLOBAL_SLOT || global))
			tlb_flush_slot(tlb, slot);
}

/* The page's entries of one context, in every array that can hold one. */
static bool drop(struct tlb *tlb, uint32_t context, uint64_t vpn)
{
	bool had = false;

	for (enum tlb_size size = TLB_4K; size < TLB_SIZES; size++) {
		uint64_t tag = tlb_tag(context, size, vpn >> (SIZE_SHIFT * size));

		if (!(tlb->sizes >> size & 1))
			continue;
		for (enum tlb_side side = TLB_DATA; side < TLB_SIDES; side++) {
			struct tlb_level *const in[] = { tlb->l1[side][size], tlb->l2[side][size] };

			for (unsigned int i = 0; i < 2; i++) {
				ptrdiff_t at = level_find(in[i], tag);

				if (at < 0)
					continue;
				level_drop(&tlb->contexts, in[i], (size_t)at);
				had = true;
			}
		}
	}
	return had;
}

bool tlb_invalidate_one(struct tlb *tlb, uint32_t context, uint64_t vpn)
{
	tlb->changes++;
	walk_flush(tlb, tlb_slot(context));
	return drop(tlb, context, vpn);
}

bool tlb_invalidate_leaf(struct tlb *tlb, uint32_t context, uint64_t vpn)
{
	tlb->changes++;
	return drop(tlb, context, vpn);
}

bool tlb_invalidate(struct tlb *tlb, uint32_t context, uint64_t vpn)
{
	uint32_t global = tlb_context(tlb, TLB_GLOBAL_SLOT);
	bool had = tlb_invalidate_one(tlb, context, vpn);

	return (tlb->has_global && drop(tlb, global, vpn)) || had;
}

void tlb_forget(struct tlb *tlb, uint32_t context, uint64_t vpn)
{
	drop(tlb, context, vpn);
	for (unsigned int i = 0; i < TLB_WALK_LEVELS; i++) {
		ptrdiff_t at = level_find(&tlb->walk[i], walk_tag(tlb, context, vpn, i + 1));

		if (at >= 0)
			level_drop(&tlb->walk_contexts, &tlb->walk[i], (size_t)at);
	}
}

/* ---- counting ---- */

enum { USED_ARRAYS = 2 * TLB_SIDES * TLB_SIZES };

/* L1 first, each once. */
static unsigned int arrays_in_use(const struct tlb *tlb, const struct tlb_level *used[])
{
	unsigned int n = 0;

	for (unsigned int at = 0; at < USED_ARRAYS; at++) {
		enum tlb_side side = at / TLB_SIZES % TLB_SIDES;
		enum tlb_size size = at % TLB_SIZES;
		const struct tlb_level *level = at < USED_ARRAYS / 2 ? tlb->l1[side][size]
								     : tlb->l2[side][size];
		unsigned int i = 0;

		while (i < n && used[i] != level)
			i++;
		if (i == n)
			used[n++] = level;
	}
	return n;
}

static uint32_t count_in(const struct tlb_level *level, uint32_t context,
			 const struct tlb_level *const below[], unsigned int n_below)
{
	uint32_t n = 0;

	for (size_t i = 0; level->tag && i < (size_t)level->sets * level->ways; i++) {
		unsigned int b = 0;

		if (!level->tag[i] || level->tag[i] >> (TLB_VPN_BITS + 2) != context)
			continue;
		while (b < n_below && level_find(below[b], level->tag[i]) < 0)
			b++;
		n += b == n_below;
	}
	return n;
}

uint32_t tlb_count(const struct tlb *tlb, uint32_t context)
{
	const struct tlb_level *used[USED_ARRAYS];
	unsigned int arrays = arrays_in_use(tlb, used);
	uint32_t n = 0;

	for (unsigned int a = 0; a < arrays; a++)
		n += count_in(used[a], context, &used[a + 1], arrays - a - 1);
	return n;
}
