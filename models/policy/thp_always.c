// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * huge-pages: always, wherever 2 MiB of a VMA allow it, unless advised against.
 */
#include "models/policy/policy.h"

static bool eligible(bool advised, bool against)
{
	(void)advised;
	return !against;
}

static const struct huge_page_ops ops = { eligible };
static const struct policy_choice choice = {
	.axis = AXIS_HUGE_PAGES,
	.name = "always",
	.summary = "wherever 2 MiB of a VMA allow it, unless advised against",
	.source = "Documentation/admin-guide/mm/transhuge.rst, transparent_hugepage/enabled",
	.ops = &ops,
};
POLICY(choice);
