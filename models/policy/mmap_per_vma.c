// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * mmap-locking: per-vma, faults take the VMA's own lock and fall back to mmap_lock; madvise may
 * too.
 */
#include "models/policy/mmap_common.h"

enum madvise_mode { MADVISE_VMA, MADVISE_MMAP };
static const char *const modes[] = { "vma", "mmap", NULL };
enum vma_lock { VMA_LOCK_REFCNT, VMA_LOCK_RWSEM };
static const char *const vma_locks[] = { "refcnt", "rwsem", NULL };

struct params {
	struct mmap_params common;
	uint32_t madvise, lock;
};

static const struct param params[] = {
	{ .name = "madvise",
	  .type = PARAM_ENUM,
	  .offset = offsetof(struct params, madvise),
	  .def = "vma",
	  .choices = modes,
	  .help = "lock of MADV_DONTNEED and MADV_FREE: vma (Linux 6.17) or mmap (before)" },
	{ .name = "lock",
	  .type = PARAM_ENUM,
	  .offset = offsetof(struct params, lock),
	  .def = "refcnt",
	  .choices = vma_locks,
	  .help = "the VMA's lock: a reference count (Linux 6.15) or an rwsem (before)" },
	MMAP_DOWNGRADE,
	MMAP_LOCK_EACH_RANGE,
	PARAM_END
};

static bool madvise_takes_vma_lock(const void *arg, int advice)
{
	const struct params *p = arg;

	return p->madvise == MADVISE_VMA && (advice == MADV_DONTNEED || advice == MADV_FREE);
}

static bool vma_lock_is_rwsem(const void *arg)
{
	return ((const struct params *)arg)->lock == VMA_LOCK_RWSEM;
}

static const struct mmap_lock_ops ops = {
	.fault_takes_vma_lock = true,
	.madvise_takes_vma_lock = madvise_takes_vma_lock,
	.munmap_downgrades = mmap_munmap_downgrades,
	.vma_lock_is_rwsem = vma_lock_is_rwsem,
	.locks_each_range = mmap_locks_each_range,
};
static const struct policy_choice choice = {
	.axis = AXIS_MMAP_LOCKING,
	.name = "per-vma",
	.summary = "faults (and MADV_DONTNEED) take the VMA's own lock first",
	.source = "Linux 6.4 (faults), 6.15 (vm_refcnt), 6.17 (madvise)",
	.params = params,
	.params_size = sizeof(struct params),
	.ops = &ops,
};
POLICY(choice);
