/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading and writing one page at the disk: submitted by a task, ended by an interrupt on the CPU
 * that submitted it. What the page is for (swap, a file) is its owner's.
 */
#ifndef MODELS_KERNEL_BLK_H
#define MODELS_KERNEL_BLK_H

#include "models/hw/disk.h"
#include "models/kernel/mm.h"

/* In the completion interrupt, in the context of the task that it interrupted; t == NULL: after the
 * run, nothing costs time any more. */
typedef void blk_end_fn(struct kernel *k, struct task *t, uint32_t pfn);

void blk_submit(struct task *t, enum disk_op op, uint32_t pfn, blk_end_fn *end);
/* The interrupt handler. */
void blk_done(struct task *t);
void blk_init(struct kernel *k);
/* After the run: what is under way ends. */
void blk_drain(struct kernel *k);
void blk_free(struct kernel *k);

#endif
