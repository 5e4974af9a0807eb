/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of names that a reader or writer of recordings has met: task names, call sites, CPU
 * masks. Strings are stored in chunks that never move, because events point into them.
 */
#include <stdlib.h>
#include <string.h>

#include "workloads/trace_reader.h"
#include "workloads/xalloc.h"

#define CHUNK 65536u

static uint32_t hash_bytes(const char *s, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u ^ n;

	while (n >= 8) {
		uint64_t w;

		memcpy(&w, s, 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
		s += 8;
		n -= 8;
	}
	while (n--)
		h = (h ^ (unsigned char)*s++) * 0x100000001b3u;
	return (uint32_t)(h ^ (h >> 32));
}

static void grow(struct strtab *tab)
{
	uint32_t slots = tab->cap ? tab->cap * 4 : 128;

	tab->cap = slots / 2;
	tab->mask = slots - 1;
	tab->v = xrealloc(tab->v, tab->cap * sizeof(*tab->v));
	tab->hash_of = xrealloc(tab->hash_of, tab->cap * sizeof(*tab->hash_of));
	free(tab->slot);
	tab->slot = xcalloc(slots, sizeof(*tab->slot));
	for (uint32_t i = 0; i < tab->n; i++) {
		uint32_t at = tab->hash_of[i] & tab->mask;

		while (tab->slot[at])
			at = (at + 1) & tab->mask;
		tab->slot[at] = i + 1;
	}
}

static char *store(struct strtab *tab, const char *s, size_t n)
{
	char *copy;

	if (tab->room - tab->used < n + 1) {
		tab->room = n + 1 > CHUNK ? n + 1 : CHUNK;
		tab->used = 0;
		tab->chunk = xrealloc(tab->chunk, (tab->n_chunks + 1) * sizeof(*tab->chunk));
		tab->chunk[tab->n_chunks++] = xmalloc(tab->room);
	}
	copy = tab->chunk[tab->n_chunks - 1] + tab->used;
	memcpy(copy, s, n);
	copy[n] = '\0';
	tab->used += n + 1;
	return copy;
}

const char *strtab_add(struct strtab *tab, const char *s, size_t n, uint32_t *index)
{
	uint32_t h = hash_bytes(s, n), at;

	if (tab->n >= tab->cap)
		grow(tab);
	for (at = h & tab->mask; tab->slot[at]; at = (at + 1) & tab->mask) {
		uint32_t i = tab->slot[at] - 1;

		if (tab->hash_of[i] == h && !strncmp(tab->v[i], s, n) && !tab->v[i][n]) {
			if (index)
				*index = i;
			return tab->v[i];
		}
	}
	tab->v[tab->n] = store(tab, s, n);
	tab->hash_of[tab->n] = h;
	tab->slot[at] = ++tab->n;
	if (index)
		*index = tab->n - 1;
	return tab->v[tab->n - 1];
}

void strtab_free(struct strtab *tab)
{
	for (size_t i = 0; i < tab->n_chunks; i++)
		free(tab->chunk[i]);
	free(tab->chunk);
	free(tab->v);
	free(tab->hash_of);
	free(tab->slot);
	memset(tab, 0, sizeof(*tab));
}
