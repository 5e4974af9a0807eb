/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is compared. A policy is one choice on one axis. Each axis is an operations table that the
 * kernel model calls (below); each choice is one file in this folder that registers a struct
 * policy_choice. A policy set (configs/policies/NAME.yaml) picks one choice for every axis, with
 * parameters, and may extend another set. To add a policy: one new file, no edit elsewhere.
 */
#ifndef MODELS_POLICY_POLICY_H
#define MODELS_POLICY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/base/param.h"
#include "sim/base/section.h"
#include "sim/sim.h"

struct task;
struct mm;
struct vma;
struct mmu_gather;
struct page_table;
struct spinlock;
struct address_space;
struct flush_tlb_info;
struct tlbflush_unmap_batch;
struct machine_desc;

enum policy_axis {
	AXIS_FLUSH_GATHERING, /* struct gather_ops */
	AXIS_SHOOTDOWN,       /* struct shootdown_ops */
	AXIS_TABLE_FREEING,   /* struct table_free_ops */
	AXIS_TABLE_LOCKS,     /* struct table_lock_ops */
	AXIS_SECONDARY_TLBS,  /* struct secondary_tlb_ops */
	AXIS_RCU_CALLBACKS,   /* struct rcu_callback_ops */
	AXIS_MMAP_LOCKING,    /* struct mmap_lock_ops */
	AXIS_LRU,             /* struct lru_ops */
	AXIS_PAGE_LISTS,      /* struct page_list_ops */
	AXIS_RSS_COUNTERS,    /* struct rss_ops */
	AXIS_HUGE_PAGES,      /* struct huge_page_ops */
	AXIS_COLLAPSE,        /* struct collapse_ops */
	AXIS_BATCHED_UNMAP,   /* struct unmap_ops */
	AXIS_KSM,             /* struct ksm_ops */
	AXIS_RETRACT,         /* struct retract_ops */
	AXIS_NUMA,            /* struct numa_ops */
	POLICY_AXES
};

struct policy_axis_desc {
	const char *name, *help;
};
extern const struct policy_axis_desc policy_axes[POLICY_AXES];

struct policy_choice {
	enum policy_axis axis;
	const char *name, *summary, *source; /* source: commit, mail, paper, document */
	const struct param *params;          /* may be NULL */
	size_t params_size;
	const void *ops; /* the axis' table */
};

/* POLICY(my_choice): at file scope, once. */
#define POLICY(choice) SECTION_ROW(policies, &(choice))

/* ---- the axes' operations; `p` is the choice's bound parameters ---- */

/* Which cleared PTEs share a flush. */
struct gather_ops {
	/* After each PTE that was present is cleared, under its lock. May flush at once. */
	void (*pte_cleared)(const void *p, struct task *t, struct mmu_gather *tlb, uint64_t addr);
	/* Pages that a gather may queue before it must flush and free. */
	unsigned int (*max_pages)(const void *p);
	/* One gather for a whole madvise or process_madvise call (else one for each VMA or range)?
	 */
	bool (*gather_across_ranges)(const void *p);
	/* A dirty page of a file is flushed before its PTE's lock is gone: does its mapping count
	 * until then (Linux 6.2)? NULL: yes. */
	bool (*delays_rmap)(const void *p);
	/* Does mprotect flush each VMA by itself, without a gather (before Linux 5.19)? NULL: no.
	 */
	bool (*mprotect_flushes_vma)(const void *p);
};

/* How other CPUs forget a translation. Called with preemption off, after tlb_gen was raised. Must
 * have flushed every CPU that may use a stale translation when it returns. */
struct shootdown_ops {
	void (*flush)(const void *p, struct task *t, struct mm *mm,
		      const struct flush_tlb_info *info);
	/* tlb_single_page_flush_ceiling: a flush of more pages becomes one of everything.
	 * NULL: 33, Linux' own */
	unsigned int (*ceiling)(const void *p);
	/* Does a store to its flags call an idle CPU that polls (Linux 5.8), or an interrupt? NULL:
	 * a store. */
	bool (*store_to_polling)(const void *p);
	/* Flushes of a global ASID reach the CPUs of mm_cpumask only: one that joins it flushes. */
	bool asid_by_mask;
	/* Does a CPU leave mm_cpumask when it switches to another mm (before Linux 6.14), or at the
	 * next flush that finds it there? NULL: the latter. */
	bool (*switch_clears_cpumask)(const void *p);
	/* Do the machine's instructions reach every CPU at every flush? Then the kernel keeps
	 * neither tlb_gen nor mm_cpumask. NULL: no. */
	bool (*hardware_broadcast)(const struct machine_desc *desc);
	/* For batched unmapping (tlb_batch.h): notes or issues the invalidation of one page; and
	 * completes all of a batch. NULL or false: by generations and IPIs, as x86. */
	bool (*batch_add)(const void *p, struct task *t, struct mm *mm, uint64_t addr);
	bool (*batch_flush)(const void *p, struct task *t);
};

/* What happens to a page table that has been unhooked. The tables' TLB entries are flushed before
 * `flush` is called. */
struct table_free_ops {
	void (*remove)(const void *p, struct task *t, struct mmu_gather *tlb,
		       struct page_table *table);
	void (*flush)(const void *p, struct task *t, struct mmu_gather *tlb);
	/* Freed tables do not outlive those who wait for their locks: no PT_RECLAIM, which frees
	 * tables while faults may be under way in them. */
	bool frees_at_once;
	/* Does DONTNEED of a whole table free it (PT_RECLAIM)? NULL: yes. */
	bool (*pt_reclaim)(const void *p);
};

struct table_lock_ops {
	struct spinlock *(*pte_lockptr)(const void *p, struct mm *mm, struct page_table *table);
	struct spinlock *(*pmd_lockptr)(const void *p, struct mm *mm, struct page_table *table);
	bool indirect; /* the table's descriptor has a pointer to its lock, not the lock */
};

/* Who else keeps translations. NULL: does not want to know. */
struct secondary_tlb_ops {
	/* Before PTEs of the range change and after they have been flushed. May sleep. */
	void (*range_start)(const void *p, struct task *t, struct mm *mm, uint64_t start,
			    uint64_t end);
	void (*range_end)(const void *p, struct task *t, struct mm *mm, uint64_t start,
			  uint64_t end);
	/* Behind a flush of the CPUs; end == TLB_FLUSH_ALL: everything. Must not sleep. */
	void (*invalidate)(const void *p, struct task *t, struct mm *mm, uint64_t start,
			   uint64_t end);
};

/* Where RCU callbacks run. */
struct rcu_callback_ops {
	bool offload; /* on threads, not on the CPU that queued them */
	/* How long (ps) one may wait for company; NULL: not at all. */
	uint64_t (*lazy)(const void *p);
};

struct mmap_lock_ops {
	bool fault_takes_vma_lock;
	/* May this advice run under the VMA's lock instead of mmap_lock? */
	bool (*madvise_takes_vma_lock)(const void *p, int advice);
	/* May munmap let others read while it frees what it has taken out of the tree? NULL: yes.
	 */
	bool (*munmap_downgrades)(const void *p, bool below_stack);
	/* Is the VMA's lock an rwsem (Linux 6.4 to 6.14) and not a reference count? NULL: no. */
	bool (*vma_lock_is_rwsem)(const void *p);
	/* Does process_madvise lock for each of its ranges (before Linux 6.15)? NULL: no. */
	bool (*locks_each_range)(const void *p);
};

struct lru_ops {
	unsigned int (*batch)(const void *p); /* folios in a per-CPU batch */
	/* lru_add_drain in munmap, madvise, exit, and before a gather's pages are freed? */
	bool (*drain_before_zap)(const void *p);
	/* Pages freed together that leave the list under one hold of its lock (at most
	 * LRU_BATCH_MAX); and are they freed right then, or when all have left it? */
	unsigned int (*free_batch)(const void *p);
	bool (*frees_by_batch)(const void *p);
};

/* Free pages between the per-CPU lists and the zone. */
struct page_list_ops {
	/* Pages that an empty list takes, after so many refills in a row. batch, high: pcp->batch
	 * and pcp->high, which the size of memory sets. */
	unsigned int (*refill)(const void *p, unsigned int batch, unsigned int in_a_row);
	/* Pages that a list of n gives back; 0: it is not too long. */
	unsigned int (*surplus)(const void *p, unsigned int batch, unsigned int high,
				unsigned int n);
};

enum mm_counter { MM_FILEPAGES, MM_ANONPAGES, NR_MM_COUNTERS };

/* What it takes to keep count of an mm's pages; mm->rss is the sum itself. */
struct rss_ops {
	void (*born)(const void *p, struct task *t, struct mm *mm);
	void (*gone)(const void *p, struct task *t, struct mm *mm);
	/* A fault changed the count by n; a zap or a fork did, by a whole page table's. */
	void (*fault)(const void *p, struct task *t, struct mm *mm, enum mm_counter c, int n);
	void (*bulk)(const void *p, struct task *t, struct mm *mm, enum mm_counter c, int n);
};

/* Which anonymous memory gets huge pages; what MADV_HUGEPAGE and MADV_NOHUGEPAGE said of it. */
struct huge_page_ops {
	bool (*eligible)(bool advised, bool advised_against);
};

/* /sys/kernel/mm/transparent_hugepage/khugepaged */
struct collapse_settings {
	bool khugepaged; /* is there one? MADV_COLLAPSE is always there */
	uint32_t pages_to_scan, max_ptes_none, max_ptes_shared;
	sim_ps scan_sleep;
};

/* Making one huge page of small ones: when a table has been unhooked from its PMD and every CPU has
 * flushed, but some may still walk it without a lock. */
struct collapse_ops {
	/* Returns when none does. mmap_lock and the anon_vma's are held for writing. */
	void (*wait_for_walkers)(const void *p, struct task *t);
	const struct collapse_settings *(*settings)(const void *p);
};

/* When reclaim and migration flush what they unmap. */
struct unmap_ops {
	/* May the flush of a PTE that was just cleared wait for its batch's? */
	bool (*should_defer)(const void *p, struct task *t, struct mm *mm);
	/* No CPU may use a translation of the batch any more when it returns. */
	void (*flush)(const void *p, struct task *t, struct tlbflush_unmap_batch *batch);
};

/* /sys/kernel/mm/ksm */
struct ksm_settings {
	uint32_t pages_to_scan;
	sim_ps sleep;
};

struct ksm_ops {
	const struct ksm_settings *(*settings)(const void *p); /* NULL: it does not run */
};

/* The pages [index, index + 512) of a file have become one, which is locked: PTE tables go, so that
 * PMDs can map it. */
struct retract_ops {
	void (*retract)(const void *p, struct task *t, struct address_space *m, uint64_t index);
	/* The same for one mm that still (or again) maps it by PTEs, from addr on; no locks held.
	 */
	void (*collapse_mapped)(const void *p, struct task *t, struct mm *mm, uint64_t addr);
};

struct numa_scan {
	sim_ps delay, period; /* before the first scan of an mm; from one to the next */
	uint64_t size;        /* bytes of address space that a scan covers */
	bool two_stage;       /* a page moves at its second fault in a row from the same node */
};

/* Automatic balancing of pages over NUMA nodes. */
struct numa_ops {
	const struct numa_scan *(*scan)(const void *p); /* NULL: there is none */
};

/* ---- sets ---- */

struct policy_pick {
	const struct policy_choice *choice;
	void *params;
};

struct policy_set {
	char *name, *description;
	struct policy_pick pick[POLICY_AXES];
};

/* Loads NAME or a path, with what it extends. Every axis is chosen in the end, or it is an error.
 */
bool policy_set_load(const char *name, struct policy_set *set, struct err *err);
/* "AXIS.PARAM=VALUE" or "AXIS=CHOICE". *known = false (and true returned) if KEY names no axis. */
bool policy_set_override(struct policy_set *set, const char *key, const char *value,
			 struct where where, bool *known, struct err *err);
void policy_set_free(struct policy_set *set);

const struct policy_choice *policy_find(enum policy_axis axis, const char *name);
/* All choices, by axis then name. Caller frees the array. */
size_t policy_choices(const struct policy_choice ***sorted);

#endif
