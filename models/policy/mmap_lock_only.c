// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * mmap-locking: mmap-lock, every fault and madvise takes mmap_lock for reading, as before
 * Linux 6.4.
 */
#include "models/policy/mmap_common.h"

static const struct param params[] = { MMAP_DOWNGRADE, MMAP_LOCK_EACH_RANGE, PARAM_END };

static bool madvise_takes_vma_lock(const void *p, int advice)
{
	(void)p, (void)advice;
	return false;
}

static const struct mmap_lock_ops ops = {
	.madvise_takes_vma_lock = madvise_takes_vma_lock,
	.munmap_downgrades = mmap_munmap_downgrades,
	.locks_each_range = mmap_locks_each_range,
};
static const struct policy_choice choice = {
	.axis = AXIS_MMAP_LOCKING,
	.name = "mmap-lock",
	.summary = "faults and madvise take mmap_lock for reading",
	.source = "Linux before 6.4",
	.params = params,
	.params_size = sizeof(struct mmap_params),
	.ops = &ops,
};
POLICY(choice);
