/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A planted fault: the shootdown policy planted-self flushes its own CPU's TLB and tells no other.
 * Only a test binary that includes this has the policy.
 */
#ifndef TESTS_MODELS_FORGOTTEN_FLUSH_H
#define TESTS_MODELS_FORGOTTEN_FLUSH_H

#include "tests/models/model.h"

static void flush_self(const void *p, struct task *t, struct mm *mm,
		       const struct flush_tlb_info *info)
{
	struct flush_tlb_info f = *info;

	(void)p, (void)mm;
	flush_local(t, &f);
}

static const struct shootdown_ops self_ops = { .flush = flush_self };
static const struct policy_choice self = { .axis = AXIS_SHOOTDOWN,
					   .name = "planted-self",
					   .summary = "wrong on purpose",
					   .source = "tests",
					   .ops = &self_ops };
POLICY(self);

#endif
