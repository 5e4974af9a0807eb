// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Caches: loads around rings of lines, each needing the one before, in an order that no prefetcher
 * follows. A ring that fits a cache finds all of itself there; of a much larger one every line
 * comes from memory. How much of an L3 a guest has beside its neighbours no register tells, so
 * rings of growing size look for it.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "analysis/calibrate/cache_curve.h"
#include "analysis/calibrate/probe.h"

enum { LINE_BYTES = 64, LOADS = 4096 };

#define HUGE_BYTES (2ul << 20)

struct rings {
	char *area;
	size_t bytes;
};

static size_t up_to(size_t bytes, size_t unit)
{
	return (bytes + unit - 1) / unit * unit;
}

static bool rings_map(struct rings *r, size_t bytes)
{
	r->bytes = up_to(bytes, HUGE_BYTES) + HUGE_BYTES;
	r->area = mmap(NULL, r->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r->area == MAP_FAILED)
		return false;
	madvise(r->area, r->bytes, MADV_HUGEPAGE); /* or the TLB would be measured, too */
	memset(r->area, 1, r->bytes);
	return true;
}

/* The successor by a linear congruence of full period over n lines, a power of two; the multiplier
 * leaps a golden section. */
static void ring_link(char *lines, uint64_t n)
{
	uint64_t step = ((uint64_t)((double)n * 0.618) & ~UINT64_C(3)) + 1;

	for (uint64_t i = 0; i < n; i++)
		*(void **)(lines + i * LINE_BYTES) = lines + (i * step + 1) % n * LINE_BYTES;
}

static void measure(struct calib *c, const struct rings *r, size_t bytes, const char *name)
{
	struct figure *fig = figure_get(&c->figures, "ns", LOW_QUANTILE, "%s", name);
	char *lines = (char *)up_to((size_t)r->area, HUGE_BYTES);
	uint64_t n = bytes / LINE_BYTES;
	void **p = (void **)lines;

	fig->detail = true;
	ring_link(lines, n);
	p = chase(p, n); /* until it is where it will stay */
	for (int repeat = 0; repeat < 3; repeat++)
		p = chase_timed(c, fig, p, LOADS);
}

static void sweep(struct calib *c, const struct rings *r)
{
	for (unsigned int i = 0; i < cache_rings(&c->topo.caches); i++) {
		size_t bytes = cache_ring(&c->topo.caches, i);
		char name[48];

		cache_ring_name(bytes, name, sizeof(name));
		measure(c, r, bytes, name);
	}
}

static bool run_cache(struct calib *c, struct err *err)
{
	unsigned int n = cache_rings(&c->topo.caches);
	struct rings r;

	if (!n)
		return err_set(err, "caches: hwloc does not tell their sizes");
	if (!clock_bind(c->home))
		return err_set(err, "not allowed to run on CPU %u", c->home);
	if (!rings_map(&r, cache_ring(&c->topo.caches, n - 1)))
		return err_set(err, "caches: no memory for a ring beyond them");
	for (size_t i = 0; probe_goes_on(c, i, 1); i++)
		sweep(c, &r);
	munmap(r.area, r.bytes);
	return true;
}

const struct probe probe_cache = { .name = "caches", .weight = 1, .run = run_cache };
