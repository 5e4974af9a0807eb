/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the mmap-locking choices share: when munmap lets readers in, and what process_madvise locks.
 */
#ifndef MODELS_POLICY_MMAP_COMMON_H
#define MODELS_POLICY_MMAP_COMMON_H

#include "models/kernel/mm.h"

/* Each choice's parameters begin with these. */
struct mmap_params {
	uint32_t downgrade;
	bool lock_each_range;
};

enum { DOWNGRADE_ALWAYS, DOWNGRADE_NOT_BELOW_STACK, DOWNGRADE_NEVER };
static const char *const mmap_downgrades[] = { "always", "not-below-stack", "never", NULL };

#define MMAP_DOWNGRADE                                                                             \
	{                                                                                          \
		.name = "downgrade", .type = PARAM_ENUM,                                           \
		.offset = offsetof(struct mmap_params, downgrade), .def = "always",                \
		.choices = mmap_downgrades,                                                        \
		.help = "munmap frees under mmap_lock for reading: always (Linux 6.6), but below " \
			"a stack (4.20 to 6.5), or never"                                          \
	}
#define MMAP_LOCK_EACH_RANGE                                                                       \
	{                                                                                          \
		.name = "lock_each_range", .type = PARAM_BOOL,                                     \
		.offset = offsetof(struct mmap_params, lock_each_range), .def = "false",           \
		.help = "process_madvise locks for each of its ranges (until Linux 6.14)"          \
	}

static inline bool mmap_munmap_downgrades(const void *p, bool below_stack)
{
	uint32_t when = ((const struct mmap_params *)p)->downgrade;

	return when == DOWNGRADE_ALWAYS || (when == DOWNGRADE_NOT_BELOW_STACK && !below_stack);
}

static inline bool mmap_locks_each_range(const void *p)
{
	return ((const struct mmap_params *)p)->lock_each_range;
}

#endif
