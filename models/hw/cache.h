/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One set-associative cache of 64-byte lines, least recently used out first. It holds line numbers
 * (address / 64) and no data: whether a line is there is all that costs depend on. Which caches a
 * machine has, and who fills which, is in usermem.h.
 */
#ifndef MODELS_HW_CACHE_H
#define MODELS_HW_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_LINE 64

struct cache {
	uint32_t sets, ways, clock;
	uint32_t mask;   /* sets - 1 if that is a power of two, else 0 */
	uint64_t *tag;   /* line + 1; 0 = empty. NULL until the first fill */
	uint32_t *stamp; /* last use */
};

void cache_init(struct cache *c, uint64_t bytes, uint32_t ways);
void cache_free(struct cache *c);

static inline size_t cache_set(const struct cache *c, uint64_t line)
{
	return (size_t)(c->mask ? line & c->mask : line % c->sets) * c->ways;
}

/* Is the line there? A use of it, if so. */
static inline bool cache_use(struct cache *c, uint64_t line)
{
	size_t base;

	if (!c->tag)
		return false;
	base = cache_set(c, line);
	for (uint32_t w = 0; w < c->ways; w++) {
		if (c->tag[base + w] == line + 1) {
			c->stamp[base + w] = ++c->clock;
			return true;
		}
	}
	return false;
}

/* Puts in a line that is not there. True: *out had to go. */
bool cache_fill(struct cache *c, uint64_t line, uint64_t *out);

#endif
