// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * secondary-tlbs: none, nobody but the CPUs keeps translations.
 */
#include "models/policy/policy.h"

static const struct secondary_tlb_ops ops = { 0 };
static const struct policy_choice choice = {
	.axis = AXIS_SECONDARY_TLBS,
	.name = "none",
	.summary = "no secondary TLBs",
	.source = "a process that no device and no hypervisor maps",
	.ops = &ops,
};
POLICY(choice);
