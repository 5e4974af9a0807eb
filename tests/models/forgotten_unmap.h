/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A planted fault: the batched-unmap policy planted-no-flush puts every flush off and does none.
 * Only a test binary that includes this has the policy.
 */
#ifndef TESTS_MODELS_FORGOTTEN_UNMAP_H
#define TESTS_MODELS_FORGOTTEN_UNMAP_H

#include "models/kernel/tlb_batch.h"
#include "tests/models/model.h"

static bool always_defer(const void *p, struct task *t, struct mm *mm)
{
	(void)p, (void)t, (void)mm;
	return true;
}

static void flush_nothing(const void *p, struct task *t, struct tlbflush_unmap_batch *batch)
{
	(void)p, (void)t, (void)batch;
}

static const struct unmap_ops no_flush_ops = { always_defer, flush_nothing };
static const struct policy_choice no_flush_choice = { .axis = AXIS_BATCHED_UNMAP,
						      .name = "planted-no-flush",
						      .summary = "wrong on purpose",
						      .source = "tests",
						      .ops = &no_flush_ops };
POLICY(no_flush_choice);

#endif
