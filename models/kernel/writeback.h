/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writing dirty pages of files: each is write-protected everywhere first, with a flush under the
 * page-table lock, so that the next write to it faults and marks it dirty again. By a flusher
 * thread now and then, or because a program asks.
 */
#ifndef MODELS_KERNEL_WRITEBACK_H
#define MODELS_KERNEL_WRITEBACK_H

#include "models/kernel/filemap.h"

/* A page of a shared file mapping is written to: under the PTL, or its PTE was dirty when it went.
 * Shared anonymous memory (shmem) has nowhere to be written. */
void file_mark_dirty(struct task *t, const struct vma *vma, uint32_t pfn);
/* Memory is short: the flusher starts at once. False: nothing is dirty. */
bool wakeup_flusher(struct task *t);
/* The locked page will not be written any more; what is being written of it has been. */
void file_cancel_dirty(struct task *t, struct address_space *m, uint32_t pfn);
void folio_wait_writeback(struct task *t, uint32_t pfn);
/* The mapping is about to go. */
void writeback_forget(struct kernel *k, struct address_space *m);
void writeback_init(struct kernel *k);
void writeback_free(struct kernel *k);

#endif
