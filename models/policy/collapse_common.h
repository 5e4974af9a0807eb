/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * khugepaged's settings: the parameters of all choices of the axis collapse.
 */
#ifndef MODELS_POLICY_COLLAPSE_COMMON_H
#define MODELS_POLICY_COLLAPSE_COMMON_H

#include "models/policy/policy.h"

/* Defaults: Documentation/admin-guide/mm/transhuge.rst and mm/khugepaged.c of Linux 6.12. */
static const struct param collapse_params[] = {
	{ .name = "khugepaged",
	  .type = PARAM_BOOL,
	  .offset = offsetof(struct collapse_settings, khugepaged),
	  .def = "true",
	  .help = "a thread looks for what can be collapsed" },
	{ .name = "pages_to_scan",
	  .type = PARAM_U32,
	  .offset = offsetof(struct collapse_settings, pages_to_scan),
	  .def = "4096",
	  .min = 1,
	  .max = 1e9,
	  .help = "PTEs that it looks at before it sleeps" },
	{ .name = "scan_sleep",
	  .type = PARAM_PS,
	  .offset = offsetof(struct collapse_settings, scan_sleep),
	  .def = "10s",
	  .max = 1e15,
	  .help = "its sleep: scan_sleep_millisecs" },
	{ .name = "max_ptes_none",
	  .type = PARAM_U32,
	  .offset = offsetof(struct collapse_settings, max_ptes_none),
	  .def = "511",
	  .max = 511,
	  .help = "PTEs of 512 that may be empty" },
	{ .name = "max_ptes_shared",
	  .type = PARAM_U32,
	  .offset = offsetof(struct collapse_settings, max_ptes_shared),
	  .def = "256",
	  .max = 511,
	  .help = "PTEs of 512 whose page may be mapped elsewhere, too" },
	PARAM_END
};

static inline const struct collapse_settings *collapse_settings_of(const void *p)
{
	return p;
}

#endif
