/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Flushing by Arm's broadcast instructions, as arch/arm64 uses them: a TLBI says what is to go, and
 * only the DSB after it says that it has gone. In between the model leaves every CPU its stale
 * translations, as the architecture may: a policy that frees pages before the DSB is found out.
 */
#ifndef MODELS_KERNEL_TLBI_H
#define MODELS_KERNEL_TLBI_H

#include "models/kernel/mm.h"

/* TLBIs of the mm's ASID for the range of f, in steps of its stride, or for all of it (end ==
 * TLB_FLUSH_ALL). Freed tables: the entries of upper levels, too (VAE1IS); without, last-level
 * entries only (VALE1IS). */
void tlbi_flush(struct task *t, const struct flush_tlb_info *f);
/* The same of pages. */
static inline void tlbi_mm_range(struct task *t, struct mm *mm, uint64_t start, uint64_t end,
				 bool tables)
{
	const struct flush_tlb_info f = { .mm = mm,
					  .start = start,
					  .end = end,
					  .stride_shift = PAGE_SHIFT,
					  .freed_tables = tables };

	tlbi_flush(t, &f);
}
/* Waits until all that this CPU has sent has been done on every CPU. */
void dsb_ish(struct task *t);
void tlbi_free_cpu(struct kcpu *c);

#endif
