/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Work done on every CPU by its worker thread of the mm_percpu_wq: what lru_add_drain_all and its
 * like wait for. No interrupts: each worker is woken as any task is.
 */
#ifndef MODELS_KERNEL_KWORKER_H
#define MODELS_KERNEL_KWORKER_H

#include "models/kernel/kernel.h"

/* Every CPU's batch of new folios goes to the LRU list. */
void lru_add_drain_all(struct task *t);

#endif
