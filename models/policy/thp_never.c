// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * huge-pages: never, nowhere, whatever is advised.
 */
#include "models/policy/policy.h"

static bool eligible(bool advised, bool against)
{
	(void)advised, (void)against;
	return false;
}

static const struct huge_page_ops ops = { eligible };
static const struct policy_choice choice = {
	.axis = AXIS_HUGE_PAGES,
	.name = "never",
	.summary = "nowhere, whatever is advised",
	.source = "Documentation/admin-guide/mm/transhuge.rst, transparent_hugepage/enabled",
	.ops = &ops,
};
POLICY(choice);
