/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between reclaim.c, which chooses lists, and shrink_folio.c, which disposes of folios.
 */
#ifndef MODELS_KERNEL_SHRINK_H
#define MODELS_KERNEL_SHRINK_H

#include "models/kernel/mm.h"

struct scan_control {
	uint64_t nr_to_reclaim, scanned, reclaimed;
	uint64_t writeback; /* folios passed over because they are being written */
	uint64_t dirty;     /* and because they are a file's, and dirty */
	int priority;
	bool kswapd, ignore_references;
};

/* Disposes of *n isolated folios; those that stay are left in pfn[], *n of them. Returns how many
 * were freed. */
unsigned int shrink_folio_list(struct task *t, struct scan_control *sc, uint32_t *pfn,
			       unsigned int *n);
/* Through how many PTEs the page was used since this was asked last. -1: could not be found out. */
int folio_referenced(struct task *t, uint32_t pfn);
/* In the interrupt that ends a write: those who wait for one go on. */
void reclaim_writeback_ended(struct task *t);

#endif
