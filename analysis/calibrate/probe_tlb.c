// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * TLB reach: one load in each of N pages, in an order that no prefetcher follows, against the same
 * number of lines packed into as few pages as possible. The caches see the same in both, so what
 * the difference grows by at a number of pages is the TLB's doing. tlb_steps finds the steps.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "analysis/calibrate/probe.h"
#include "analysis/calibrate/tlb_curve.h"
#include "sim/rng.h"

enum { LINE_BYTES = 64, LOADS = 1500 };

struct tlb_area {
	char *sparse, *dense;
	uint32_t *order;
};

static void *map_small_pages(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, bytes, MADV_NOHUGEPAGE);
	memset(p, 1, bytes);
	return p;
}

/* A line at a different place in each page, lest all fall into the same sets of the caches. */
static void **sparse_line(const struct tlb_area *a, uint32_t i)
{
	uint32_t slot = (i * 37 + i / 64 * 11) % (PAGE_BYTES / LINE_BYTES);

	return (void **)(a->sparse + i * PAGE_BYTES + slot * LINE_BYTES);
}

static void **dense_line(const struct tlb_area *a, uint32_t i)
{
	return (void **)(a->dense + (size_t)i * LINE_BYTES);
}

static void shuffle(uint32_t *order, uint32_t n, struct rng *rng)
{
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n - 1; i > 0; i--) {
		uint32_t j = (uint32_t)rng_below(rng, i + 1), swap = order[i];

		order[i] = order[j];
		order[j] = swap;
	}
}

static void link_lines(struct tlb_area *a, uint32_t n, struct rng *rng)
{
	shuffle(a->order, n, rng);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t from = a->order[i], to = a->order[(i + 1) % n];

		*sparse_line(a, from) = sparse_line(a, to);
		*dense_line(a, from) = dense_line(a, to);
	}
}

static void measure(struct calib *c, void **start, uint32_t n, struct figure *fig)
{
	start = chase(start, n); /* warm */
	chase_timed(c, fig, start, n > LOADS ? n : LOADS / n * n);
}

static struct figure *curve_figure(struct calib *c, const char *kind, uint32_t n)
{
	struct figure *fig = figure_get(&c->figures, "ns", 0.02, "tlb.%s.%u", kind, n);

	fig->detail = true;
	return fig;
}

static void sweep(struct calib *c, struct tlb_area *a, struct rng *rng)
{
	for (unsigned int i = 0; i < TLB_POINTS; i++) {
		uint32_t n = tlb_point(i);
		struct figure *sparse = curve_figure(c, "sparse", n);
		struct figure *dense = curve_figure(c, "dense", n);

		link_lines(a, n, rng);
		for (int repeat = 0; repeat < 3; repeat++) {
			measure(c, sparse_line(a, 0), n, sparse);
			measure(c, dense_line(a, 0), n, dense);
		}
	}
}

static bool run_tlb(struct calib *c, struct err *err)
{
	uint32_t most = tlb_point(TLB_POINTS - 1);
	size_t sparse_bytes = most * PAGE_BYTES, dense_bytes = (size_t)most * LINE_BYTES;
	struct tlb_area a = { .sparse = map_small_pages(sparse_bytes),
			      .dense = map_small_pages(dense_bytes),
			      .order = calloc(most, sizeof(*a.order)) };
	bool ok = a.sparse && a.dense && a.order;
	struct rng rng;

	if (!ok)
		err_set(err, "TLB reach: no memory for %u pages", most);
	if (ok && !clock_bind(c->home))
		ok = err_set(err, "not allowed to run on CPU %u", c->home);
	rng_init(&rng, 1, "calibrate.tlb", 0);
	for (size_t i = 0; ok && probe_goes_on(c, i, 1); i++)
		sweep(c, &a, &rng);
	if (a.sparse)
		munmap(a.sparse, sparse_bytes);
	if (a.dense)
		munmap(a.dense, dense_bytes);
	free(a.order);
	return ok;
}

const struct probe probe_tlb = { .name = "TLB reach", .weight = 2, .run = run_tlb };
