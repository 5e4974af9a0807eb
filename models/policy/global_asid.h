/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Global ASIDs: an mm that is active on enough CPUs gets one number on all of them, so that its
 * translations can be named from afar. For choices that flush by INVLPGB or by RAR.
 */
#ifndef MODELS_POLICY_GLOBAL_ASID_H
#define MODELS_POLICY_GLOBAL_ASID_H

#include "models/kernel/mm.h"

struct global_asid_params {
	uint32_t min_active_cpus, sample;
};

/* Rows of a parameter table for a struct that begins with the above. */
#define GLOBAL_ASID_PARAMS                                                                         \
	{ .name = "min_active_cpus",                                                               \
	  .type = PARAM_U32,                                                                       \
	  .offset = offsetof(struct global_asid_params, min_active_cpus),                          \
	  .def = "4",                                                                              \
	  .min = 1,                                                                                \
	  .max = NR_CPUS,                                                                          \
	  .help = "an mm active on this many CPUs gets a global ASID" },                           \
	{                                                                                          \
		.name = "sample", .type = PARAM_U32,                                               \
		.offset = offsetof(struct global_asid_params, sample), .def = "32", .min = 1,      \
		.max = 4096, .help = "one flush in so many, by task and jiffy, looks"              \
	}

/* After a flush by IPI. */
void consider_global_asid(const struct global_asid_params *p, struct task *t, struct mm *mm);
/* While CPUs still run the mm under an ASID of their own, IPIs bring them over. */
void finish_asid_transition(struct task *t, struct mm *mm, struct flush_tlb_info *f);

#endif
