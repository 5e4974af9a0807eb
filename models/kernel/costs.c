// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The table of kernel step costs with their defaults.
 */
#include "models/kernel/costs.h"

#define C(field, def_, help_)                                                                      \
	{                                                                                          \
		.name = #field, .type = PARAM_PS, .offset = offsetof(struct kernel_costs, field),  \
		.def = def_, .max = 1e10, .help = help_                                            \
	}

const struct param kernel_cost_params[] = {
	{ .name = "scale",
	  .type = PARAM_DOUBLE,
	  .offset = offsetof(struct kernel_costs, scale),
	  .def = "1",
	  .min = 0.05,
	  .max = 50,
	  .help = "multiplies every step below" },
	C(syscall, "70ns", "system call entry and exit"),
	C(exception, "140ns", "page fault exception entry and return"),
	C(irq, "60ns", "generic interrupt entry code and irq_exit"),
	C(wakeup, "300ns", "try_to_wake_up beside its locks"),
	C(context_switch, "400ns", "__schedule and __switch_to beside switch_mm"),
	C(tick, "1200ns", "the periodic tick"),
	C(tick_stop, "500ns", "stopping the tick, or starting it again, beside the timer's write"),
	C(softirq, "100ns", "entering softirq processing"),
	C(clone, "9us", "copy_process of a thread"),
	/* Forks over VMAs and pages on Zen 3 (a guest, Linux 6.18), 1.3 times these: 0.30 us an
	 * empty VMA, 60 ns a page that is read-only already, 22 ns more one that is not. */
	C(fork, "16us", "copy_process of a process beside its mm"),
	C(dup_vma, "220ns", "fork: copying a VMA into the child's tree, beside its anon_vma"),
	C(copy_page, "36ns", "fork: the references to a page that a copied PTE maps"),
	C(wrprotect_pte, "17ns", "fork: write-protecting a PTE"),
	C(exec, "30us", "execve beside its mappings and both mms"),
	C(exit, "8us", "do_exit beside its mm"),
	C(tasklist, "150ns", "linking or unlinking a task under tasklist_lock"),
	C(percpu, "200ns", "allocating or freeing the percpu memory of an mm under pcpu_lock"),
	C(wait4, "1us", "wait4 and release_task beside tasklist_lock"),
	C(vma_lookup, "25ns", "maple tree walk to one VMA"),
	C(vma_alloc, "90ns", "slab allocation and set-up of a VMA"),
	C(vma_free, "70ns", "freeing a VMA"),
	C(vma_merge, "60ns", "merging with a neighbour"),
	C(vma_store, "120ns", "storing a range in the maple tree"),
	/* 0.2 us beyond an mprotect of all of a VMA, where a split takes 0.74 (a Zen 4 guest, Linux
	 * 6.18): to a store as in zen5-vm2 */
	C(vma_shift, "36ns", "moving the boundary of two ranges in the maple tree"),
	C(file_link, "80ns", "linking a VMA into its file's interval tree, or taking it out"),
	C(brk_base, "150ns", "brk: checks, beside the VMA"),
	C(mmap_base, "250ns", "mmap: checks and the search for a gap"),
	C(munmap_base, "200ns", "munmap: checks and gathering of VMAs"),
	C(mprotect_base, "200ns", "mprotect: checks"),
	C(madvise_base, "80ns", "madvise: checks"),
	C(process_base, "410ns", "process_madvise: pidfd, iovec, mm_access"),
	C(event_file, "100ns", "read or write of an eventfd beside wake-up and block"),
	C(pipe, "200ns", "read or write of a byte in a pipe beside its lock, wake-up and block"),
	C(set_affinity, "500ns", "sched_setaffinity beside the migration"),
	C(fault_base, "60ns", "handle_mm_fault: flags, levels, accounting"),
	C(page_alloc, "60ns", "a page from the per-CPU list"),
	C(page_zero, "60ns", "clearing 4 KiB"),
	C(page_copy, "120ns", "copying 4 KiB"),
	/* Demand faults of 2 MiB on AMD Milan and Genoa: 11.8 GB/s (Ankur Arora, x86/mm: Add
	 * multi-page clearing, June 2025). The copy is an estimate: lines are read, too. */
	C(bulk_zero, "330ns", "clearing 4 KiB of 2 MiB, which no cache holds"),
	C(bulk_copy, "500ns", "copying 4 KiB of 2 MiB"),
	C(page_free, "35ns", "a page to the per-CPU list"),
	C(buddy_page, "17ns", "moving one page between the zone and a per-CPU list"),
	C(memcg_charge, "30ns", "charging the memory cgroup from the stock"),
	C(rmap, "20ns", "adding or removing a page's only reverse mapping, with counters"),
	C(rmap_shared, "8ns", "removing one of several"),
	C(page_mapcount, "6ns", "counting one page of a large folio as mapped by a PTE"),
	C(page_compare, "200ns", "comparing two equal pages"),
	C(ksm_compare, "150ns", "finding a page of a KSM tree and comparing until it differs"),
	C(ksm_checksum, "400ns", "xxhash of 4 KiB"),
	C(uffd_ioctl, "250ns", "UFFDIO_COPY beside its locks and pages"),
	C(lru_add, "15ns", "adding a folio to the per-CPU batch"),
	C(lru_drain, "8ns", "looking whether the per-CPU batches are empty"),
	C(lru_move, "25ns", "moving one folio of a batch to the LRU list"),
	C(table_alloc, "150ns", "a page table with its ptlock"),
	C(ptlock_alloc, "40ns", "a ptlock from its slab, where it is not in the descriptor"),
	C(table_free, "90ns", "freeing a page table"),
	C(anon_vma, "150ns", "anon_vma_prepare"),
	/* the same forks: a VMA with an anon_vma takes 0.58 us more, for two of these */
	C(anon_vma_chain, "200ns", "allocating an anon_vma_chain and linking it"),
	/* munmap of a VMA with an anon_vma takes 0.25 to 0.3 us more (the same guest): to making
	 * one as in zen5-vm2 */
	C(anon_vma_unlink, "80ns", "unlinking and freeing an anon_vma_chain and its anon_vma"),
	C(file_map, "60ns", "mapping one page-cache folio"),
	C(pte_read, "4ns", "reading a PTE"),
	C(pte_set, "6ns", "setting a PTE"),
	C(pte_clear, "12ns", "clearing a PTE atomically"),
	C(pte_skip, "500ps", "stepping over an empty PTE"),
	/* mremap of 256 pages on Zen 5 (a guest, Linux 6.18): 17 to 33 ns a page, 1.5 times this.
	 * Nothing looks at the page, as zapping and changing its protection do. */
	C(pte_move, "18ns", "mremap: clearing a PTE and setting it elsewhere"),
	C(gather, "30ns", "tlb_gather_mmu and tlb_finish_mmu"),
	C(gather_page, "4ns", "queueing one page"),
	C(flush_setup, "30ns", "flush_tlb_mm_range before its route"),
	C(flush_func, "40ns", "flush_tlb_func beside its instructions"),
	C(call_single, "30ns", "smp_call_function: per target"),
	C(call_many, "60ns", "smp_call_function: per call"),
	C(csd_wait, "5ns", "waiting for one csd beside its line"),
	C(reclaim_folio, "60ns", "shrink_folio_list: one folio beside its walks, locks and I/O"),
	C(rmap_visit, "25ns", "rmap walk: from one VMA to its PTE"),
	C(swap_slot, "40ns", "allocating or freeing a swap slot under its cluster's lock"),
	C(swap_cache, "30ns", "adding a folio to the swap cache, or taking it out"),
	C(io_submit, "900ns", "submit_bio down to the driver's doorbell"),
	C(io_complete, "700ns", "ending a request in the completion interrupt"),
	C(rcu_callback, "30ns", "invoking one RCU callback"),
	C(rcu_call, "25ns", "call_rcu"),
	C(rcu_node, "25ns", "visiting one node of the tree beside its lock"),
	C(notifier, "20ns", "finding the subscriptions of a range"),
	C(lock_slow, "100ns", "queueing a sleeper on a lock"),
	PARAM_END
};

void kernel_costs_apply_scale(struct kernel_costs *c)
{
	for (const struct param *p = kernel_cost_params; p->name; p++) {
		sim_ps *v = (sim_ps *)((char *)c + p->offset);

		if (p->type == PARAM_PS)
			*v = (sim_ps)((double)*v * c->scale);
	}
	c->scale = 1;
}
