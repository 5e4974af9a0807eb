/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * KSM: pages of equal contents in memory that asked for it (MADV_MERGEABLE) become one that is
 * copied when it is written to. Frames carry no contents here: a workload says what a page holds
 * (user_fill), and any other write makes it unknown, and so unlike all others.
 */
#ifndef MODELS_KERNEL_KSM_H
#define MODELS_KERNEL_KSM_H

#include "models/kernel/huge_memory.h"

/* MADV_MERGEABLE, MADV_UNMERGEABLE: under mmap_lock for writing. */
int ksm_madvise(struct task *t, struct mm *mm, uint64_t addr, uint64_t end, int advice);
/* The child of an mm that KSM scans is scanned, too. */
void ksm_fork(struct task *t, struct mm *mm, const struct mm *from);
/* The mm ends: waits if ksmd is in it. */
void ksm_exit(struct task *t, struct mm *mm);
void ksm_free(struct kernel *k);

#endif
