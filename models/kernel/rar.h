/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Remote action requests as the kernel makes them: a table of payloads that all CPUs share, each
 * under a lock, and an action vector of each CPU, one line, in which a byte a payload says what is
 * asked of it and when it is done. After the RFC of 2025, which was not merged.
 */
#ifndef MODELS_KERNEL_RAR_H
#define MODELS_KERNEL_RAR_H

#include "models/kernel/mm.h"

#define RAR_INVLPG_MAX_PAGES 63 /* of one payload; more: the whole PCID */

void rar_init(struct kernel *k);
void rar_free(struct kernel *k);
/* Invalidates the mm's global ASID on the CPUs of the mask but this one, and waits for them. */
void smp_call_rar_many(struct task *t, struct mm *mm, const struct cpumask *mask,
		       const struct flush_tlb_info *f);
/* All PCIDs, without global pages. */
void smp_call_rar_all(struct task *t, const struct cpumask *mask);

#endif
