// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * flush-gathering: mmu-gather, what Linux does: one flush for all that a call unmaps, or for as
 * many pages as the gather's batches hold.
 */
#include "models/kernel/mm.h"

struct params {
	uint32_t bundle, batch_pages, max_batches;
	bool across_ranges, spare_slot, delays_rmap, mprotect_by_vma;
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
	{ .name = "spare_slot",
	  .type = PARAM_BOOL,
	  .offset = P(spare_slot),
	  .def = "true",
	  .help = "a batch is left with one slot free, as a folio may need two (Linux 6.12)" },
	{ .name = "delays_rmap",
	  .type = PARAM_BOOL,
	  .offset = P(delays_rmap),
	  .def = "true",
	  .help = "a dirty file page counts as mapped until its flush (Linux 6.2)" },
	{ .name = "mprotect_by_vma",
	  .type = PARAM_BOOL,
	  .offset = P(mprotect_by_vma),
	  .def = "false",
	  .help = "mprotect flushes each VMA by itself (until Linux 5.18)" },
	PARAM_END
};

static void pte_cleared(const void *p, struct task *t, struct mmu_gather *tlb, uint64_t addr)
{
	(void)p, (void)t, (void)tlb, (void)addr;
}

static unsigned int max_pages(const void *arg)
{
	const struct params *p = arg;
	unsigned int spare = p->spare_slot;

	return (p->bundle - (p->bundle > 1 ? spare : 0)) +
	       p->max_batches * (p->batch_pages - (p->batch_pages > 1 ? spare : 0));
}

static bool gather_across_ranges(const void *arg)
{
	return ((const struct params *)arg)->across_ranges;
}

static bool delays_rmap(const void *arg)
{
	return ((const struct params *)arg)->delays_rmap;
}

static bool mprotect_flushes_vma(const void *arg)
{
	return ((const struct params *)arg)->mprotect_by_vma;
}

static const struct gather_ops ops = { pte_cleared, max_pages, gather_across_ranges, delays_rmap,
				       mprotect_flushes_vma };
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
