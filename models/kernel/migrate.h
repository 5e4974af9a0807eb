/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Moving pages to other frames: in batches of up to 512, unmapped with one flush for all, copied,
 * mapped again. Compaction and NUMA balancing choose what is moved and where to.
 */
#ifndef MODELS_KERNEL_MIGRATE_H
#define MODELS_KERNEL_MIGRATE_H

#include "models/kernel/mm.h"

#define NR_MAX_BATCHED_MIGRATION 512
#define NO_NODE                  UINT8_MAX /* wherever the task runs */

/* Instead of a present PTE while its page moves: the old frame, and what else the PTE said. */
static inline uint64_t migration_pte(uint64_t old)
{
	return (old & ~(uint64_t)(PTE_PRESENT | PTE_PROTNONE)) | PTE_MIGRATION;
}

/* Isolated folios (each with a reference of the caller's) move to new frames of a node, or are put
 * back. How many moved. */
unsigned int migrate_pages(struct task *t, const uint32_t *pfn, unsigned int n, uint8_t node);
/* A PTE says that its page moves: waits until it has; no lock held. */
void migration_entry_wait(struct task *t, uint32_t pfn);

#endif
