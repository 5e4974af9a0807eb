// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The way into a system call and out of it, and the moments at which its tracepoints fire: what a
 * recorder sees of a call is neither the entry code nor the cost of its own last event. Constants
 * of mitigations, and the footprint of the kernel in the TLB.
 */
#include "models/kernel/entry.h"

#include <stdlib.h>

#include "models/kernel/init.h"

#define TEXT_PAGES  4096                     /* 16 MiB, the size of a distribution kernel's text */
#define DATA_PAGES  4096                     /* of a CPU: its per-CPU areas, stacks, slabs */
#define KERNEL_BASE (UINT64_C(0x8000) << 16) /* page number; above all user pages */

/* A page that is none of the n drawn before. */
static uint64_t draw_page(struct rng *rng, const uint64_t *drawn, uint32_t n)
{
	uint64_t page = KERNEL_BASE + rng_below(rng, TEXT_PAGES);

	for (uint32_t i = 0; i < n; i++)
		if (drawn[i] == page)
			return draw_page(rng, drawn, n);
	return page;
}

void entry_init(struct kernel *k)
{
	const struct machine_desc *d = &k->m->desc;
	sim_ps cr3 = d->flush.pti ? d->mitigations.pti_cr3 : 0;
	uint32_t n = d->tlb.kernel_pages;
	struct rng rng;

	k->entry_ps = cr3 + d->mitigations.entry;
	k->exit_ps = cr3 + d->mitigations.exit;
	k->user_flush_ps = d->flush.cr3_write > cr3 ? d->flush.cr3_write - cr3 : 0;
	if (!n)
		return;
	k->kernel_page = calloc(n, sizeof(*k->kernel_page));
	rng_init(&rng, sim_seed(k->sim), "kernel.pages", 0);
	for (uint32_t i = 0; i < n; i++)
		k->kernel_page[i] = draw_page(&rng, k->kernel_page, i);
	for (unsigned int cpu = 0; cpu < k->nr_cpus; cpu++)
		tlb_flush_slot(&k->m->cpus[cpu].tlb, TLB_GLOBAL_SLOT);
}

void entry_free(struct kernel *k)
{
	free(k->kernel_page);
}

/* Half of them text, the same for all CPUs, half data of the CPU. Isolated page tables have no
 * global entries. */
void touch_kernel_pages(struct task *t)
{
	const struct machine_desc *d = &t->k->m->desc;
	struct tlb *tlb = &this_cpu(t)->cpu->tlb;
	uint32_t context = tlb_context(tlb, this_cpu(t)->tlbstate.loaded_asid);
	uint32_t owner = d->flush.pti ? context : tlb_context(tlb, TLB_GLOBAL_SLOT);

	for (uint32_t i = 0; i < d->tlb.kernel_pages; i++) {
		enum tlb_side side = i % 2 ? TLB_DATA : TLB_CODE;
		uint64_t vpn = t->k->kernel_page[i];
		struct tlb_entry *e;

		if (side == TLB_DATA)
			vpn += TEXT_PAGES + (uint64_t)t->cpu * DATA_PAGES;
		switch (tlb_lookup_for(tlb, side, context, vpn, &e)) {
		case TLB_L2_HIT:
			spend_time(t, d->tlb.l2_hit);
			break;
		case TLB_MISS:
			spend_time(t, d->tlb.walk);
			tlb_fill_page(tlb, side, TLB_4K, owner, vpn,
				      (struct tlb_entry){ .dirty = true });
			break;
		default:
			break;
		}
	}
}

/* ---- system calls ---- */

void syscall_enter(struct task *t)
{
	spend(t, t->k->cost.syscall / 2);
	enter_kernel(t);
	t->entered = task_time(t);
	tracepoint(t);
}

void syscall_exit(struct task *t)
{
	t->call_time = task_time(t) - t->entered;
	tracepoint(t);
	exit_kernel(t);
	spend(t, t->k->cost.syscall / 2);
	settle(t);
}

sim_ps task_call_time(const struct task *t)
{
	return t->call_time;
}
