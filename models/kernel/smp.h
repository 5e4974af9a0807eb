/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cross calls: smp_call_function_many_cond and its queues, as Linux 6.18 has them. One call_single
 * data for each (source, target); a target's queue is one contended line; an IPI is sent only to a
 * CPU whose queue was empty.
 */
#ifndef MODELS_KERNEL_SMP_H
#define MODELS_KERNEL_SMP_H

#include "models/kernel/kernel.h"

/* Runs on the target with interrupts off, in the context of whatever task t runs there. */
typedef void smp_call_fn(struct task *t, void *info);
/* Evaluated on the source for each target; may touch lines. */
typedef bool smp_cond_fn(struct task *t, unsigned int cpu, void *info);

#define CSD_INLINE_BYTES 64

struct csd {
	struct line line;
	bool locked;
	bool inlined; /* the argument is in data: acknowledged before fn runs */
	char data[CSD_INLINE_BYTES];
	smp_call_fn *fn;
	void *info;
	struct task *waiter; /* spins on this csd, or NULL */
	struct csd *next;
};

/*
 * Calls fn on every CPU of mask for which cond (may be NULL) holds, and waits for all. If the
 * caller's CPU is in the mask, it runs fn itself, interrupts off, after sending and before waiting.
 * Returns the number of remote CPUs called.
 */
unsigned int smp_call_function_many_cond(struct task *t, const struct cpumask *mask,
					 smp_call_fn *fn, void *info, smp_cond_fn *cond,
					 enum ipi_kind kind);
/* The same with the argument (at most CSD_INLINE_BYTES) in the csd: a target acknowledges as soon
 * as it has taken it, and then runs fn. size = 0: as above. */
unsigned int smp_call_function_many_inlined(struct task *t, const struct cpumask *mask,
					    smp_call_fn *fn, void *info, size_t size,
					    smp_cond_fn *cond, enum ipi_kind kind);
/* An empty call of all other online CPUs: whoever walks page tables with interrupts off has ended.
 */
void tlb_remove_table_sync_one(struct task *t);
/* To one other CPU, without waiting; waits first if the last such call has not been run yet. */
void smp_call_function_single_async(struct task *t, unsigned int cpu, smp_call_fn *fn, void *info,
				    enum ipi_kind kind);
/* Target side: runs everything on this CPU's queue. Interrupts are off. */
void flush_smp_call_function_queue(struct task *t);
void smp_init_cpu(struct kcpu *c);
void smp_free_cpu(struct kcpu *c);

#endif
