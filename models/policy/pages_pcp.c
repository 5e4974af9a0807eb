// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * page-lists: pcp, per-CPU lists of free pages in front of each zone: how many pages cross the
 * zone's lock at once.
 */
#include "models/kernel/mm.h"

struct params {
	uint32_t scale_max;
	bool free_scales;
};

#define P(field) offsetof(struct params, field)

static const struct param params[] = {
	{ .name = "scale_max",
	  .type = PARAM_U32,
	  .offset = P(scale_max),
	  .def = "5",
	  .max = 6,
	  .help = "refills in a row double, so often at most (Linux 6.7; 0 before)" },
	{ .name = "free_scales",
	  .type = PARAM_BOOL,
	  .offset = P(free_scales),
	  .def = "true",
	  .help = "half of `high` is given back at once (more than a batch since Linux 5.14)" },
	PARAM_END
};

static unsigned int refill(const void *arg, unsigned int batch, unsigned int in_a_row)
{
	const struct params *p = arg;

	return batch << (in_a_row < p->scale_max ? in_a_row : p->scale_max);
}

static unsigned int surplus(const void *arg, unsigned int batch, unsigned int high, unsigned int n)
{
	const struct params *p = arg;

	if (n <= high)
		return 0;
	return p->free_scales ? n - high / 2 : batch;
}

static const struct page_list_ops ops = { refill, surplus };
static const struct policy_choice choice = {
	.axis = AXIS_PAGE_LISTS,
	.name = "pcp",
	.summary = "per-CPU lists over one lock a zone",
	.source = "mm/page_alloc.c, struct per_cpu_pages",
	.params = params,
	.params_size = sizeof(struct params),
	.ops = &ops,
};
POLICY(choice);
