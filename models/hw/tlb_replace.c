// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Victims. The policies of Intel's TLBs are those that Tatar et al. found by experiment (TLB;DR:
 * Enhancing TLB-based Attacks with TLB Desynchronized Reverse Engineering, USENIX Security 2022).
 */
#include "models/hw/tlb_replace.h"

#include <stddef.h>

const char *const tlb_replacements[] = { "lru", "plru", "mru+1-plru", NULL };
const char *const tlb_hashes[] = { "linear", "xor", NULL };

/* How long ago any of them was touched last. */
static uint32_t age(const uint32_t *stamp, uint32_t n, uint32_t clock)
{
	uint32_t least = UINT32_MAX;

	for (uint32_t i = 0; i < n; i++)
		least = clock - stamp[i] < least ? clock - stamp[i] : least;
	return least;
}

static uint32_t lru(const uint32_t *stamp, uint32_t ways, uint32_t clock)
{
	uint32_t oldest = 0, most = 0;

	for (uint32_t i = 0; i < ways; i++) {
		uint32_t a = clock - stamp[i];

		oldest = a > most ? i : oldest;
		most = a > most ? a : most;
	}
	return oldest;
}

/* Down to the half that was not touched last, again and again. */
static uint32_t tree(const uint32_t *stamp, uint32_t ways, uint32_t clock)
{
	uint32_t at = 0;

	while (ways > 1) {
		uint32_t left = (ways + 1) / 2;

		if (age(stamp + at, left, clock) >= age(stamp + at + left, ways - left, clock)) {
			ways = left;
		} else {
			at += left;
			ways -= left;
		}
	}
	return at;
}

enum { THIRDS = 3 };

static uint32_t mru_plus_1(const uint32_t *stamp, uint32_t ways, uint32_t clock)
{
	uint32_t begin[THIRDS + 1], newest = 0, next;

	if (ways < THIRDS)
		return tree(stamp, ways, clock);
	for (uint32_t i = 0; i <= THIRDS; i++)
		begin[i] = ways * i / THIRDS;
	for (uint32_t i = 1; i < THIRDS; i++)
		if (age(stamp + begin[i], begin[i + 1] - begin[i], clock) <
		    age(stamp + begin[newest], begin[newest + 1] - begin[newest], clock))
			newest = i;
	next = (newest + 1) % THIRDS;
	return begin[next] + tree(stamp + begin[next], begin[next + 1] - begin[next], clock);
}

uint32_t tlb_victim(enum tlb_replacement how, const uint32_t *stamp, uint32_t ways, uint32_t clock)
{
	switch (how) {
	case TLB_TREE_PLRU:
		return tree(stamp, ways, clock);
	case TLB_MRU_PLUS_1:
		return mru_plus_1(stamp, ways, clock);
	default:
		return lru(stamp, ways, clock);
	}
}
