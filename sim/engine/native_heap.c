/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rare operations on the native engine's heap: growing, and giving out sequence numbers anew.
 * The hot ones are inline in the header.
 */
#include "sim/engine/native_heap.h"

#include <stdlib.h>
#include <string.h>

enum { LINE = 64, PADDING = 8, FIRST_SIZE = 64 };

/* Moves the keys to a block where key[1] starts a cache line and all behind the last is KEY_MAX. */
static bool resize_keys(struct heap *h, size_t size)
{
	size_t bytes = (size + PADDING) * sizeof(event_key) + LINE;
	char *memory = aligned_alloc(LINE, (bytes + LINE - 1) / LINE * LINE);
	event_key *key;

	if (!memory)
		return false;
	key = (event_key *)(void *)(memory + LINE - sizeof(event_key));
	memset(key, 0xff, (size + PADDING) * sizeof(*key));
	if (h->n)
		memcpy(key, h->key, h->n * sizeof(*key));
	free(h->memory);
	h->memory = memory;
	h->key = key;
	return true;
}

bool heap_reserve(struct heap *h, size_t actors)
{
	size_t size = h->size ? h->size : FIRST_SIZE;
	uint32_t *pos;

	if (h->memory && actors <= h->size)
		return true;
	while (size < actors)
		size *= 2;
	pos = realloc(h->pos, size * sizeof(*pos));
	if (!pos)
		return false;
	h->pos = pos;
	if (!resize_keys(h, size))
		return false;
	h->size = size;
	return true;
}

void heap_free(struct heap *h)
{
	free(h->memory);
	free(h->pos);
	*h = (struct heap){ 0 };
}

static int compare(const void *a, const void *b)
{
	event_key x = *(const event_key *)a, y = *(const event_key *)b;

	return (x > y) - (x < y);
}

uint64_t heap_renumber(struct heap *h)
{
	/* A sorted array is a heap. */
	qsort(h->key, h->n, sizeof(*h->key), compare);
	for (size_t i = 0; i < h->n; i++)
		heap_place(h, i, key_make(key_time(h->key[i]), i + 1, key_id(h->key[i])));
	return h->n;
}
