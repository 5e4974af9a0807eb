/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What kernel.c calls once to make each part's metrics, and to free what it made.
 */
#ifndef MODELS_KERNEL_INIT_H
#define MODELS_KERNEL_INIT_H

#include "models/kernel/kernel.h"

void flush_metrics_init(struct kernel *k);
void tlbflush_init(struct kernel *k);
void mmap_lock_metrics_init(struct kernel *k);
void fault_init(struct kernel *k);
void user_access_init(struct kernel *k);
void pipes_free(struct kernel *k);

#endif
