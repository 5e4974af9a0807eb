// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Filling and emptying a cache; the lookup is in the header because simulated accesses live on it.
 */
#include "models/hw/cache.h"

#include <stdlib.h>

void cache_init(struct cache *c, uint64_t bytes, uint32_t ways)
{
	uint64_t lines = bytes / CACHE_LINE;

	*c = (struct cache){ .ways = ways ? ways : 1 };
	c->sets = (uint32_t)(lines / c->ways);
	if (!c->sets)
		c->sets = 1;
	c->mask = c->sets & (c->sets - 1) ? 0 : c->sets - 1;
}

void cache_free(struct cache *c)
{
	free(c->tag);
	free(c->stamp);
	c->tag = NULL;
	c->stamp = NULL;
}

bool cache_fill(struct cache *c, uint64_t line, uint64_t *out)
{
	size_t base = cache_set(c, line), best = base;
	bool evicted;

	if (!c->tag) {
		/* Untouched pages of a large cache stay the system's zero page. */
		c->tag = calloc((size_t)c->sets * c->ways, sizeof(*c->tag));
		c->stamp = calloc((size_t)c->sets * c->ways, sizeof(*c->stamp));
	}
	for (uint32_t w = 0; w < c->ways; w++) {
		size_t i = base + w;

		if (!c->tag[i]) {
			best = i;
			break;
		}
		if ((int32_t)(c->stamp[i] - c->stamp[best]) < 0)
			best = i;
	}
	evicted = c->tag[best] != 0;
	if (evicted)
		*out = c->tag[best] - 1;
	c->tag[best] = line + 1;
	c->stamp[best] = ++c->clock;
	return evicted;
}
