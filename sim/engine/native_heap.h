/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The native engine's event order: a 4-ary heap of 16-byte keys that sort by time, then sequence
 * number. The actor's id rides in a key's lowest bits, so that ordering touches no actor, and the
 * four children of a node fill one cache line.
 *
 *   key = time (64 bits) | sequence number (40) | actor id (24)
 *
 * Beyond the last key there are only KEY_MAX, so neither an empty heap nor a last node with fewer
 * than four children is a special case. All functions are inline: this is the hot core.
 */
#ifndef SIM_ENGINE_NATIVE_HEAP_H
#define SIM_ENGINE_NATIVE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/sim.h"

typedef unsigned __int128 event_key;

#define KEY_ID_BITS  24
#define KEY_SEQ_BITS 40
#define KEY_MAX      (~(event_key)0)

struct heap {
	event_key *key; /* key[0] is the first event; key[1] starts a cache line */
	uint32_t *pos;  /* by actor id: its index in key, if it is there */
	size_t n, size; /* keys in use; room, without the padding */
	void *memory;
};

static inline event_key key_make(sim_ps time, uint64_t seq, uint32_t id)
{
	return (event_key)time << 64 | seq << KEY_ID_BITS | id;
}

static inline sim_ps key_time(event_key key)
{
	return (sim_ps)(key >> 64);
}

static inline uint32_t key_id(event_key key)
{
	return (uint32_t)key & ((1u << KEY_ID_BITS) - 1);
}

static inline void heap_place(struct heap *h, size_t i, event_key key)
{
	h->key[i] = key;
	h->pos[key_id(key)] = (uint32_t)i;
}

/* Fills the hole at i with key, which may belong further down. */
static inline void heap_sift_down(struct heap *h, size_t i, event_key key)
{
	for (;;) {
		size_t c = 4 * i + 1, left, right, least;
		event_key l, r, k;

		if (c >= h->n)
			break;
		/* Two pairs, then the winners: no branch that data could mispredict. */
		left = c + (h->key[c + 1] < h->key[c]);
		right = c + 2 + (h->key[c + 3] < h->key[c + 2]);
		l = h->key[left];
		r = h->key[right];
		least = r < l ? right : left;
		k = h->key[least];
		if (key < k)
			break;
		heap_place(h, i, k);
		i = least;
	}
	heap_place(h, i, key);
}

/* Fills the hole at i with key, which may belong further up. */
static inline void heap_sift_up(struct heap *h, size_t i, event_key key)
{
	while (i > 0) {
		size_t parent = (i - 1) / 4;

		if (h->key[parent] < key)
			break;
		heap_place(h, i, h->key[parent]);
		i = parent;
	}
	heap_place(h, i, key);
}

/* There is room: heap_reserve made it when the actor was made, and each actor has one key at most.
 */
static inline void heap_push(struct heap *h, event_key key)
{
	heap_sift_up(h, h->n++, key);
}

static inline void heap_pop(struct heap *h)
{
	event_key last = h->key[--h->n];

	h->key[h->n] = KEY_MAX;
	if (h->n)
		heap_sift_down(h, 0, last);
}

/* Takes the first key out and puts another in: one pass instead of two. */
static inline void heap_replace_first(struct heap *h, event_key key)
{
	heap_sift_down(h, 0, key);
}

/* The key of an actor that is in the heap becomes an earlier one. */
static inline void heap_advance(struct heap *h, event_key key)
{
	heap_sift_up(h, h->pos[key_id(key)], key);
}

/* native_heap.c: room for `actors` ids and as many keys; false: no memory. */
bool heap_reserve(struct heap *h, size_t actors);
void heap_free(struct heap *h);
/* New sequence numbers 1.. in the present order, once the numbers are used up. Returns the last. */
uint64_t heap_renumber(struct heap *h);

#endif
