// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * lru: batched, new folios collect in a per-CPU batch that moves to the LRU list under the LRU lock
 * when it is full, or (before Linux 6.14) whenever munmap or madvise is about to free pages.
 */
#include "models/kernel/mm.h"

struct params {
	uint32_t batch, free_batch;
	bool drain_before_zap, frees_by_batch;
};

static const struct param params[] = {
	{ .name = "batch",
	  .type = PARAM_U32,
	  .offset = offsetof(struct params, batch),
	  .def = "31",
	  .min = 1,
	  .max = LRU_BATCH_MAX,
	  .help = "folios in a per-CPU batch (15 until Linux 6.11)" },
	{ .name = "drain_before_zap",
	  .type = PARAM_BOOL,
	  .offset = offsetof(struct params, drain_before_zap),
	  .def = "false",
	  .help = "lru_add_drain in munmap, madvise, exit and before freeing (until Linux 6.13)" },
	{ .name = "free_batch",
	  .type = PARAM_U32,
	  .offset = offsetof(struct params, free_batch),
	  .def = "31",
	  .min = 1,
	  .max = LRU_BATCH_MAX,
	  .help = "freed folios that leave the list under one hold of its lock (32 until 6.9)" },
	{ .name = "frees_by_batch",
	  .type = PARAM_BOOL,
	  .offset = offsetof(struct params, frees_by_batch),
	  .def = "true",
	  .help = "each such batch is uncharged and freed at once (6.10), not up to 512 at the "
		  "end" },
	PARAM_END
};

static unsigned int batch(const void *p)
{
	return ((const struct params *)p)->batch;
}

static bool drain_before_zap(const void *p)
{
	return ((const struct params *)p)->drain_before_zap;
}

static unsigned int free_batch(const void *p)
{
	return ((const struct params *)p)->free_batch;
}

static bool frees_by_batch(const void *p)
{
	return ((const struct params *)p)->frees_by_batch;
}

static const struct lru_ops ops = { batch, drain_before_zap, free_batch, frees_by_batch };
static const struct policy_choice choice = {
	.axis = AXIS_LRU,
	.name = "batched",
	.summary = "per-CPU batches of new folios over one LRU lock",
	.source = "mm/swap.c; removal of lru_add_drain from the zap paths: 1aa43598c03b, 6.14",
	.params = params,
	.params_size = sizeof(struct params),
	.ops = &ops,
};
POLICY(choice);
