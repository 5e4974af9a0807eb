// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * huge-pages: madvise, only where MADV_HUGEPAGE asked for it.
 */
#include "models/policy/policy.h"

static bool eligible(bool advised, bool against)
{
	return advised && !against;
}

static const struct huge_page_ops ops = { eligible };
static const struct policy_choice choice = {
	.axis = AXIS_HUGE_PAGES,
	.name = "madvise",
	.summary = "only where MADV_HUGEPAGE asked for it",
	.source = "Documentation/admin-guide/mm/transhuge.rst, transparent_hugepage/enabled",
	.ops = &ops,
};
POLICY(choice);
