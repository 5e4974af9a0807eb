// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * flush-gathering: mmu-gather, what Linux does: one flush for all that a call unmaps, or for as
 * many pages as the gather's batches hold.
 */
#include "models/kernel/mm.h"

struct params {
	uint32_t bundle, batch_pages, max_batches;
	bool across_ranges;
};

#define P(field) offsetof(struct params, field)

static const struct param params[] = {
	{ .name = "bundle",
	  .type = PARAM_U32,
	  .offset = P(bundle),
	  .def = "8",
	  .min = 1,
	  .max = 4096,
	  .help = "MMU_GATHER_BUNDLE: pages queued on the stack" },
	{ .name = "batch_pages",
	  .type = PARAM_U32,
	  .offset = P(batch_pages),
	  .def = "510",
	  .min = 1,
	  .max = 4096,
	  .help = "MAX_GATHER_BATCH: pages in each further batch" },
	{ .name = "max_batches",
	  .type = PARAM_U32,
	  .offset = P(max_batches),
	  .def = "19",
	  .min = 0,
	  .max = 4096,
	  .help = "MAX_GATHER_BATCH_COUNT" },
	{ .name = "across_ranges",
	  .type = PARAM_BOOL,
	  .offset = P(across_ranges),
	  .def = "true",
	  .help = "one gather for all VMAs of an madvise (Linux 6.16), else one each" },
	PARAM_END
};

static void pte_cleared(const void *p, struct task *t, struct mmu_gather *tlb, uint64_t addr)
{
	(void)p, (void)t, (void)tlb, (void)addr;
}

/* A batch is left when one slot is free, since a folio may need two (6.12 and later). */
static unsigned int max_pages(const void *arg)
{
	const struct params *p = arg;

	return (p->bundle - (p->bundle > 1)) +
	       p->max_batches * (p->batch_pages - (p->batch_pages > 1));
}

static bool gather_across_ranges(const void *arg)
{
	return ((const struct params *)arg)->across_ranges;
}

static const struct gather_ops ops = { pte_cleared, max_pages, gather_across_ranges };
static const struct policy_choice choice = {
	.axis = AXIS_FLUSH_GATHERING,
	.name = "mmu-gather",
	.summary = "one flush for all that one call unmaps, in batches of 9,678 pages",
	.source = "mm/mmu_gather.c of Linux 6.12 to 6.18",
	.params = params,
	.params_size = sizeof(struct params),
	.ops = &ops,
};
POLICY(choice);
