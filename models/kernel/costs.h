/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel's own straight-line code costs, step by step, without the cache lines, locks,
 * IPIs and flush instructions that have models of their own. Read from `kernel:` of a machine file;
 * all steps are multiplied by kernel.scale (1 = a 3 GHz core of 2020 with warm caches). Defaults:
 * docs/models.md says where each comes from.
 */
#ifndef MODELS_KERNEL_COSTS_H
#define MODELS_KERNEL_COSTS_H

#include "sim/base/param.h"
#include "sim/sim.h"

struct kernel_costs {
	double scale;
	/* entries and exits */
	sim_ps syscall, exception, irq;
	/* RCU, locks, notifiers */
	sim_ps rcu_node, ptlock_alloc, notifier;
	/* scheduler */
	sim_ps wakeup, context_switch, tick, tick_stop, softirq, clone, fork, dup_vma, copy_page,
		wrprotect_pte, exec, exit, tasklist, wait4;
	/* VMAs */
	sim_ps vma_lookup, vma_alloc, vma_free, vma_merge, vma_store, vma_shift, file_link,
		brk_base, mmap_base, munmap_base, mprotect_base, madvise_base, process_base,
		event_file, pipe, set_affinity;
	/* pages and tables */
	sim_ps fault_base, page_alloc, page_zero, page_copy, bulk_zero, bulk_copy, page_free,
		buddy_page, memcg_charge, rmap, rmap_shared, page_mapcount, page_compare,
		ksm_compare, ksm_checksum, uffd_ioctl, lru_add, lru_move, table_alloc, table_free,
		anon_vma, anon_vma_chain, anon_vma_unlink, file_map;
	/* per PTE */
	sim_ps pte_read, pte_set, pte_clear, pte_skip, pte_move;
	/* gather and flush code around the instructions */
	sim_ps gather, gather_page, flush_setup, flush_func, call_single, call_many, csd_wait;
	/* reclaim, swap, I/O */
	sim_ps reclaim_folio, rmap_visit, swap_slot, swap_cache, io_submit, io_complete;
	sim_ps percpu, lru_drain;
	sim_ps rcu_callback, rcu_call, lock_slow;
};

extern const struct param kernel_cost_params[];

/* Multiplies every step by scale; call once after binding. */
void kernel_costs_apply_scale(struct kernel_costs *c);

#endif
