/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parameter that shootdowns of Linux on x86 have in common: from how many pages on they flush
 * everything.
 */
#ifndef MODELS_POLICY_CEILING_H
#define MODELS_POLICY_CEILING_H

#include "models/kernel/mm.h"

/* A row for a struct with the field uint32_t ceiling. */
#define CEILING_PARAM(type_)                                                                       \
	{                                                                                          \
		.name = "ceiling", .type = PARAM_U32, .offset = offsetof(type_, ceiling),          \
		.def = "33", .max = 1e6, .help = "tlb_single_page_flush_ceiling, pages"            \
	}

#endif
