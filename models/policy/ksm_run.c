// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * ksm: run, ksmd scans what was advised MADV_MERGEABLE.
 */
#include "models/policy/policy.h"

#define P(field) offsetof(struct ksm_settings, field)

static const struct param params[] = { { .name = "pages_to_scan",
					 .type = PARAM_U32,
					 .offset = P(pages_to_scan),
					 .def = "100",
					 .min = 1,
					 .max = 1e9,
					 .help = "pages that it looks at before it sleeps" },
				       { .name = "sleep",
					 .type = PARAM_PS,
					 .offset = P(sleep),
					 .def = "20ms",
					 .max = 1e15,
					 .help = "its sleep: sleep_millisecs" },
				       PARAM_END };

static const struct ksm_settings *settings(const void *p)
{
	return p;
}

static const struct ksm_ops ops = { settings };
static const struct policy_choice choice = {
	.axis = AXIS_KSM,
	.name = "run",
	.summary = "ksmd scans what was advised MADV_MERGEABLE",
	.source = "Documentation/admin-guide/mm/ksm.rst, run = 1",
	.params = params,
	.params_size = sizeof(struct ksm_settings),
	.ops = &ops,
};
POLICY(choice);
