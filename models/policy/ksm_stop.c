// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * ksm: stop, MADV_MERGEABLE marks memory, but nothing scans it.
 */
#include <stddef.h>

#include "models/policy/policy.h"

static const struct ksm_settings *settings(const void *p)
{
	(void)p;
	return NULL;
}

static const struct ksm_ops ops = { settings };
static const struct policy_choice choice = {
	.axis = AXIS_KSM,
	.name = "stop",
	.summary = "nothing is merged, whatever is advised",
	.source = "Documentation/admin-guide/mm/ksm.rst, run = 0",
	.ops = &ops,
};
POLICY(choice);
