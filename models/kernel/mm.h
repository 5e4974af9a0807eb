/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The memory side: address spaces, VMAs, page tables, pages, and the gather. The page table is a
 * radix tree of four levels that holds what is mapped and nothing more. Every page frame has a life
 * number that grows when it is freed, so that a translation which outlives its page can be told.
 */
#ifndef MODELS_KERNEL_MM_H
#define MODELS_KERNEL_MM_H

#include <sys/mman.h>

#include "models/kernel/kernel.h"
#include "models/kernel/rcu.h"

#define PTRS_PER_TABLE 512
#define PMD_SHIFT      21
#define PMD_SIZE       (UINT64_C(1) << PMD_SHIFT)
#define HPAGE_ORDER    9
#define HPAGE_PAGES    (1u << HPAGE_ORDER)
#define TASK_SIZE      (UINT64_C(1) << 47)
#define MMAP_BASE      UINT64_C(0x7ffff7000000)

#define TLB_FLUSH_ALL  UINT64_MAX

/* ---- PTEs: flags below bit 12, the frame number above ---- */
#define PTE_PRESENT (UINT64_C(1) << 0)
#define PTE_WRITE   (UINT64_C(1) << 1)
#define PTE_HUGE                                                                                   \
	(UINT64_C(1) << 2) /* in a PMD table: maps 2 MiB; clear in any pointer to a table */
#define PTE_ACCESSED  (UINT64_C(1) << 5)
#define PTE_DIRTY     (UINT64_C(1) << 6)
#define PTE_MIGRATION (UINT64_C(1) << 4) /* not present: its page moves (migrate.h) */
#define PTE_SWAP      (UINT64_C(1) << 3) /* not present: names a swap slot (swap.h) */
#define PTE_EXEC      (UINT64_C(1) << 8)
#define PTE_ZERO      (UINT64_C(1) << 9)  /* the shared zero page */
#define PTE_FILE      (UINT64_C(1) << 10) /* a page of a page cache */
#define PTE_PROTNONE  (UINT64_C(1) << 11) /* kept, but no access (PROT_NONE) */
#define pte_pfn(pte)  ((uint32_t)((pte) >> PAGE_SHIFT))

/* ---- page frames (pages.c) ---- */

enum page_flags {
	PG_LOCKED = 1 << 0,     /* see page_lock.c */
	PG_WAITERS = 1 << 1,    /* tasks sleep on it */
	PG_ANON = 1 << 2,       /* mapping is an anon_vma, else an address_space or NULL */
	PG_SWAPBACKED = 1 << 3, /* may not be dropped without writing it */
	PG_ACTIVE = 1 << 4,     /* belongs on an active list */
	PG_REFERENCED = 1 << 5, /* was found used once */
	PG_DIRTY = 1 << 6,      /* differs from what its slot or file has */
	PG_SWAPCACHE = 1 << 7,  /* holds the contents of slot `swap` */
	PG_WRITEBACK = 1 << 8,  /* is being written */
	PG_RECLAIM = 1 << 9,    /* to go as soon as it is written */
	PG_KSM = 1 << 15,       /* merged by ksmd: copied at every write */
};

struct page {
	uint32_t life, mapcount;
	uint32_t refs;       /* mappings, its cache, an LRU batch, gathers: the last one frees */
	uint32_t prev, next; /* on the LRU list */
	uint32_t pmd_maps;   /* of a large folio's head: PMDs that map all of it */
	uint16_t core;       /* that wrote its page struct last */
	uint16_t tail;       /* of a large folio: how far its head is below; else 0 */
	uint8_t order;       /* of a folio's head */
	uint16_t flags;
	uint8_t list;            /* LRU list that it is on */
	uint8_t node, last_node; /* where it lies; where its last NUMA hint fault came from */
	void *mapping;           /* anon_vma (good while it is mapped) or address_space */
	uint64_t index;
	uint32_t swap;     /* slot, with PG_SWAPCACHE */
	uint64_t contents; /* equal for pages that are equal; 0: not known, and unlike all others */
	sim_ps busy_until; /* its line's transfer, of accesses outside of the LRU lock */
	bool free, on_lru, in_batch; /* in_batch: a per-CPU LRU batch holds one of refs */
	uint8_t in_moves;            /* batches of lru_move_later hold so many */
	bool forked; /* of a large folio's head: fork has shared pages of it by PTE */
};
#define PAGE_STRUCTS 4096

/* A list's own node is the page struct of the frame with its number, which is never handed out. */
enum lru_list {
	LRU_INACTIVE_ANON,
	LRU_ACTIVE_ANON,
	LRU_INACTIVE_FILE,
	LRU_ACTIVE_FILE,
	NR_LRU_LISTS
};

enum watermark { WMARK_MIN, WMARK_LOW, WMARK_HIGH, NR_WMARKS };

struct pages {
	struct page **chunk; /* of PAGE_STRUCTS each: a page struct never moves */
	uint32_t nr, cap;
	uint32_t *free; /* the zone's free list */
	uint32_t nr_free;
	uint32_t *free_huge; /* of 2 MiB each: heads */
	uint32_t nr_free_huge;
	struct spinlock zone_lock;
	uint64_t in_use;
	/* Where memory has an end (machine.memory.size); else limit is 0. */
	uint64_t limit, handed_out; /* frames: there are; not in the zone */
	uint64_t wmark[NR_WMARKS];
	uint32_t pcp_batch, pcp_high;
	uint64_t lru_size[NR_LRU_LISTS];
	uint64_t nr_isolated, nr_writeback;
};
#define PFN_ZERO  0
#define PFN_FIRST NR_LRU_LISTS /* that is handed out */

static inline int64_t zone_free_pages(const struct pages *p)
{
	return (int64_t)p->limit - (int64_t)p->handed_out;
}
/* Nobody reclaims for a huge page: there is room, or it is small pages. */
static inline bool zone_has_huge_page(const struct pages *p)
{
	return !p->limit ||
	       zone_free_pages(p) > (int64_t)p->wmark[WMARK_HIGH] + 2 * (int64_t)HPAGE_PAGES;
}
void pages_init(struct kernel *k);
void pages_free(struct kernel *k);
uint32_t alloc_page(struct task *t);
uint32_t alloc_huge_page(struct task *t); /* the head of an order-9 folio */
void free_page(struct task *t, uint32_t pfn);
/* The rest of free_page for a frame that is free already. */
void free_pcp_page(struct task *t, uint32_t pfn);
void free_page_quietly(struct kernel *k, uint32_t pfn); /* after the run */
/* A frame whose coming and going is no part of what is simulated: a page that a file had before. */
uint32_t take_page_quietly(struct kernel *k);
void give_page_quietly(struct kernel *k, uint32_t pfn);
/* The per-CPU lists of all CPUs go back to the zone. */
void drain_all_pages(struct task *t);
static inline struct page *pfn_page(const struct kernel *k, uint32_t pfn)
{
	return &k->pages->chunk[pfn / PAGE_STRUCTS][pfn % PAGE_STRUCTS];
}
/* Where the references of a page are counted: the head of its folio. */
static inline struct page *page_folio(struct page *page)
{
	return page - page->tail;
}
/* May its only mapping write to it? Not while a gather that unmapped it elsewhere has yet to flush.
 * A page of a large folio that was ever shared is copied, as before Linux 6.15. */
static inline bool page_is_exclusive(struct page *page)
{
	const struct page *folio = page_folio(page);

	if (page->flags & PG_KSM)
		return false;
	if (folio->order)
		return page->mapcount == 1 && !folio->pmd_maps && !folio->forked;
	return page->mapcount == 1 && page->refs == 1u + page->in_batch + page->in_moves;
}

/* ---- page lock (page_lock.c): PG_LOCKED in the page struct, sleepers in hashed queues ---- */

/* One atomic on the line of a page struct. */
void touch_page(struct task *t, uint32_t pfn);
bool folio_trylock(struct task *t, uint32_t pfn);
void folio_lock(struct task *t, uint32_t pfn);
void folio_unlock(struct task *t, uint32_t pfn);
/* Sleeps until it is not locked. */
void folio_wait_locked(struct task *t, uint32_t pfn);
void page_lock_init(struct kernel *k);
void page_lock_free(struct kernel *k);

/* ---- the LRU list (lru.c) ---- */

void lru_init(struct kernel *k);
void lru_free(struct kernel *k);
void folio_add_lru(struct task *t, uint32_t pfn);
void lru_add_drain(struct task *t);
/* The folio changes its list when the CPU's batch is full or drained. */
void lru_move_later(struct task *t, uint32_t pfn, enum lru_move why);
/* The same where the policy has it: before a zap, and before its pages are freed. */
void lru_drain_for_zap(struct task *t);
/* Drops a reference to each; frees those that had no other, off the list first. */
void release_pages(struct task *t, const uint32_t *pfn, unsigned int n);
/* Up to n folios from the tail of a list, each with a reference, off the list. */
unsigned int lru_isolate(struct task *t, enum lru_list list, unsigned int n, uint32_t *pfn);
/* One folio that is on a list, wherever: false if it is on none. */
bool folio_isolate_lru(struct task *t, uint32_t pfn);
/* Isolated folios go to the head of the list that their flags name, and lose their reference. */
void lru_putback(struct task *t, const uint32_t *pfn, unsigned int n);
/* An inactive folio goes to the tail. */
void lru_rotate(struct task *t, uint32_t pfn);
/* A new page of a file, at no cost. */
void lru_add_quietly(struct kernel *k, uint32_t pfn);
void lru_remove_quietly(struct kernel *k, uint32_t pfn);
/* The same for one, by way of the CPU's batch. */
void folio_putback_lru(struct task *t, uint32_t pfn);
void lru_drain_quietly(struct kernel *k); /* after the run */
void put_page_quietly(struct kernel *k, uint32_t pfn);

/* ---- page tables (pgtable.c) ---- */

enum pt_level { PT_PTE, PT_PMD, PT_PUD, PT_PGD, PT_LEVELS };

struct page_table {
	enum pt_level level;
	uint32_t nr;      /* used slots */
	uint32_t walkers; /* that hold or wait for its lock: it must not be freed under them */
	uint32_t pfn, life;
	uint64_t base; /* first address covered */
	struct spinlock ptl;
	struct line desc_line; /* its descriptor, where that only points to the lock */
	/* Of a PMD table: empty PTE tables kept for the day when a huge page of it is split. */
	struct page_table *deposit, *next_deposit;
	union {
		uint64_t pte[PTRS_PER_TABLE];
		struct page_table *child[PTRS_PER_TABLE];
	} slot;
};

static inline unsigned int pt_index(uint64_t addr, enum pt_level level)
{
	return (unsigned int)(addr >> (PAGE_SHIFT + 9 * (unsigned int)level)) &
	       (PTRS_PER_TABLE - 1);
}
static inline uint64_t pt_span(enum pt_level level) /* bytes that one table covers */
{
	return UINT64_C(1) << (PAGE_SHIFT + 9 * ((unsigned int)level + 1));
}
/* The PTE table for addr; NULL if there is none. Costs nothing: callers charge the walk. */
struct page_table *pt_lookup(const struct mm *mm, uint64_t addr);
/* Makes missing tables, with allocation, accounting and the upper levels' locks. NULL: the address
 * is mapped by a huge page. */
struct page_table *pt_alloc(struct task *t, struct mm *mm, uint64_t addr);
/* The same down to the PMD table; and the PMD table if there is one. */
struct page_table *pmd_alloc(struct task *t, struct mm *mm, uint64_t addr);
struct page_table *pmd_lookup(const struct mm *mm, uint64_t addr);
/* A table that is hooked nowhere yet, and its end if that never comes. */
struct page_table *pte_alloc_one(struct task *t, struct mm *mm, uint64_t addr);
void pte_free_one(struct task *t, struct mm *mm, struct page_table *table);
/* The lock of the entries of a PMD table. */
struct spinlock *pmd_lockptr(struct task *t, struct mm *mm, struct page_table *pmd);
struct spinlock *pte_lockptr(struct task *t, struct mm *mm, struct page_table *table);
void pt_set(struct page_table *table, uint64_t addr, uint64_t pte);
/* Frees the memory of an unhooked table. */
void pt_free_table(struct kernel *k, struct mm *mm, struct page_table *table);
/*
 * Ends a table and its frame, which is then to be given back by free_pcp_page. Takes no time: who
 * frees several ends all of them first, since a run may be over in the middle of a callback.
 */
uint32_t pt_end_table(struct kernel *k, struct mm *mm, struct page_table *table);
/* The table of addr with its lock held; NULL if there is none (any more). */
struct page_table *pte_offset_map_lock(struct task *t, struct mm *mm, uint64_t addr,
				       struct spinlock **ptl);
void pte_unmap_unlock(struct task *t, struct page_table *table, struct spinlock *ptl);
/* PT_RECLAIM: unhooks an empty PTE table; under its lock only if the one above can be had at once.
 * NULL: not done. What was unhooked goes to free_pte. */
struct page_table *try_unhook_pte(struct task *t, struct mm *mm, struct page_table *locked);
struct page_table *unhook_pte_if_empty(struct task *t, struct mm *mm, uint64_t addr);
void free_pte(struct task *t, struct mmu_gather *tlb, struct page_table *table);
/* Unhooks empty tables wholly inside [floor, ceiling) that cover [start, end). */
void free_pgtables(struct task *t, struct mmu_gather *tlb, uint64_t start, uint64_t end,
		   uint64_t floor, uint64_t ceiling);

/* ---- VMAs (vma.c) ---- */

struct anon_vma; /* rmap.h */
struct anon_vma_chain;
struct address_space; /* filemap.h */

/* Kernel-internal flags of a VMA, above all MAP_ flags; huge_memory.h has others. */
#define VM_DONTCOPY   (1u << 24) /* fork leaves it out */
#define VM_DONTDUMP   (1u << 25)
#define VM_WIPEONFORK (1u << 26) /* the child's is empty */

struct vma {
	struct mm *mm;
	uint64_t start, end;
	uint64_t pgoff; /* of start: in its file, or where anonymous memory was mapped first */
	unsigned int prot,
		flags; /* sys/mman.h's; flags: MAP_SHARED, MAP_ANONYMOUS, MAP_GROWSDOWN */
	struct anon_vma *anon_vma;
	struct anon_vma_chain *chains;
	struct address_space *mapping; /* NULL: private anonymous memory */
	struct vma *i_mmap_next, **i_mmap_pprev;
	struct line ref_line; /* vm_refcnt and vm_lock_seq */
	unsigned int readers;
	uint64_t lock_seq; /* == mm->lock_seq while write-locked */
	bool attached;
	struct task *writer_waits;
};

struct mm {
	struct kernel *k;
	struct mm *next; /* all of the run, dead ones too */
	uint64_t ctx_id;
	unsigned int users; /* tasks */
	struct rwsem mmap_lock;
	uint64_t lock_seq;  /* odd while write-locked */
	sim_ps lock_traced; /* when the writer's mmap_lock_acquire_returned fired */
	struct line tlb_gen_line, cpumask_line[NR_CPUS / 512], pending_line, rss_line;
	uint64_t tlb_gen;
	struct cpumask cpumask; /* CPUs that may hold its translations */
	unsigned int tlb_flush_pending;
	sim_ps numa_next_scan; /* 0: not looked at yet */
	uint64_t numa_scan_offset;
	unsigned int tlb_flush_batched; /* see tlb_batch.c; on pending_line */
	struct spinlock notifier_lock;  /* of its subscriptions */
	unsigned int notifier_ranges;   /* started and not ended */
	unsigned int changing;    /* PTEs are changed and not yet flushed, outside of a gather */
	uint64_t next_trim;       /* jiffies */
	unsigned int global_asid; /* 0 = none; see the broadcast policy */
	bool asid_transition;
	bool huge_pages;                    /* it has had one: faults look for them */
	struct khugepaged_slot *khugepaged; /* where khugepaged finds it; NULL: nothing to scan */
	struct ksm_slot *ksm;               /* likewise ksmd */
	struct userfaultfd *userfaultfd;
	bool contents; /* its workload has said what pages hold */
	struct spinlock page_table_lock;
	struct page_table *pgd;
	struct vma **vmas; /* sorted by address */
	size_t nr_vmas, cap_vmas;
	uint64_t brk_start, brk, mmap_base;
	uint64_t rss, nr_tables;
	int32_t (*rss_percpu)[NR_MM_COUNTERS]; /* by CPU; these two are the policy's */
	struct spinlock rss_lock[NR_MM_COUNTERS];
};

/* mmap_lock begins 56 bytes into a line of mm_struct (its comment there says so): on the next are
 * its owner, which readers write, too, and 48 bytes on mm_lock_seq, which every fault reads. */
static inline struct line *mm_lock_seq_line(struct mm *mm)
{
	return &mm->mmap_lock.owner_line;
}

struct mm *mm_create(struct kernel *k);
/* Page counters (mm.c): the number, and what the policy makes of it. */
void rss_add_fault(struct task *t, struct mm *mm, enum mm_counter c, int n);
void rss_add_bulk(struct task *t, struct mm *mm, enum mm_counter c, int n);
/* Of a new mm in fork and exec. */
void mm_init_counters(struct task *t, struct mm *mm);
void mm_drop(struct task *t, struct mm *mm); /* the last user runs exit_mmap */
void mm_destroy(struct mm *mm);

/* Index of the first VMA with end > addr; mm->nr_vmas if none. */
size_t vma_index(const struct mm *mm, uint64_t addr);
struct vma *vma_lookup(const struct mm *mm, uint64_t addr);
/* Under mmap_lock for writing: */
struct vma *vma_insert(struct task *t, struct mm *mm, uint64_t start, uint64_t end,
		       unsigned int prot, unsigned int flags);
/* As an inferred mapping comes: no cost, no locks, no merging; not while anybody writes. */
struct vma *vma_insert_quietly(struct mm *mm, uint64_t start, uint64_t end, unsigned int prot,
			       unsigned int flags);
/* fork, mremap: another VMA of what `of` maps from pgoff on; not merged. It hangs on no anon_vma.
 */
struct vma *vma_insert_copy(struct task *t, struct mm *mm, uint64_t start, uint64_t end,
			    uint64_t pgoff, const struct vma *of);
/* Sets and clears flags of all VMAs in the range, split at its ends; -ENOMEM after a hole. */
int vma_change_flags(struct task *t, struct mm *mm, uint64_t addr, uint64_t end, unsigned int set,
		     unsigned int clear);
/* do_mmap's own code; allocating and setting up a VMA; storing a range in the maple tree. */
void spend_mmap_base(struct task *t);
void spend_vma_alloc(struct task *t);
void spend_vma_store(struct task *t);
bool vma_split(struct task *t, struct mm *mm, uint64_t addr);
/* The same, for one who stores to the same place of the tree next. */
bool vma_split_unstored(struct task *t, struct mm *mm, uint64_t addr);
/* The VMA at that index and the one above it become one, if nothing tells them apart. */
void vma_try_merge(struct task *t, struct mm *mm, size_t index);
/* vma_merge_existing_range: [addr, end), at one end of a VMA, goes over to the neighbour there,
 * which has the protection that it is to get. Returns that one; NULL: there is none such. */
struct vma *vma_shift_boundary(struct task *t, struct mm *mm, uint64_t addr, uint64_t end,
			       unsigned int prot);
void vma_remove_range(struct mm *mm, size_t first, size_t n);
/* The VMA above addr grows down to it, if it is a stack and room is left. Under mmap_lock for
 * reading
 * (*hold), before and after. */
struct vma *expand_stack(struct task *t, struct mm *mm, uint64_t addr, struct read_hold *hold);
void vma_free(struct task *t, struct mm *mm, struct vma *vma);
uint64_t vma_find_gap(struct mm *mm, uint64_t len);
void vma_start_write(struct task *t, struct mm *mm, struct vma *vma);
void vma_mark_detached(struct task *t, struct mm *mm, struct vma *vma);
/* lock_vma_under_rcu: NULL if it must be the mmap_lock. */
struct vma *vma_start_read(struct task *t, struct mm *mm, uint64_t addr);
void vma_end_read(struct task *t, struct mm *mm, struct vma *vma);

/* Takes mmap_lock for writing over, and lets it go. */
void do_munmap_downgrade(struct task *t, struct mm *mm, uint64_t start, uint64_t end);
/* Under mmap_lock for writing, all of it: MAP_FIXED, mremap. */
void do_munmap_locked(struct task *t, struct mm *mm, uint64_t start, uint64_t end);

void mmap_write_lock(struct task *t, struct mm *mm);
bool mmap_write_trylock(struct task *t, struct mm *mm);
void mmap_write_unlock(struct task *t, struct mm *mm);
void mmap_write_downgrade(struct task *t, struct mm *mm, struct read_hold *hold);
void mmap_read_lock(struct task *t, struct mm *mm, struct read_hold *hold);
bool mmap_read_trylock(struct task *t, struct mm *mm, struct read_hold *hold);
/* Becomes the writer if it is the only reader and nobody waits; then *hold is over. */
bool mmap_upgrade_trylock(struct task *t, struct mm *mm, struct read_hold *hold);
void mmap_read_unlock(struct task *t, struct mm *mm, const struct read_hold *hold);

/* ---- the gather (mmu_gather.c) ---- */

struct mmu_gather {
	struct mm *mm;
	uint64_t start, end; /* what must be flushed; start > end: nothing */
	bool fullmm, freed_tables, cleared;
	bool cleared_ptes; /* else only PMDs that mapped 2 MiB: a flush steps by that much */
	uint32_t *pages;
	unsigned int nr_pages, cap_pages;
	struct page_table **tables; /* of the table-freeing policy */
	unsigned int nr_tables;
	bool tables_take_slots; /* they stand among the pages */
};

void tlb_gather_mmu(struct task *t, struct mmu_gather *tlb, struct mm *mm);
void tlb_gather_mmu_fullmm(struct task *t, struct mmu_gather *tlb, struct mm *mm);
void tlb_remove_entry(struct mmu_gather *tlb, uint64_t addr); /* extends the range */
void tlb_remove_huge_entry(struct mmu_gather *tlb, uint64_t addr);
/* Queues a page; true: the gather is full, flush it. */
bool tlb_remove_page(struct task *t, struct mmu_gather *tlb, uint32_t pfn);
bool tlb_gather_is_full(const struct task *t, const struct mmu_gather *tlb);
void tlb_flush_mmu_tlbonly(struct task *t, struct mmu_gather *tlb);
void tlb_flush_mmu(struct task *t, struct mmu_gather *tlb);
void tlb_finish_mmu(struct task *t, struct mmu_gather *tlb);
/* The end of a gather that has nothing to free and was flushed. */
void dec_tlb_flush_pending(struct task *t, struct mm *mm);
/* Zaps [start, end) of one VMA into the gather. */
void zap_range(struct task *t, struct mmu_gather *tlb, struct vma *vma, uint64_t start,
	       uint64_t end, bool reclaim_tables);

/* ---- flushing (tlbflush.c) ---- */

#define TLB_SINGLE_PAGE_FLUSH_CEILING 33 /* pages; Linux on x86 */

struct flush_tlb_info {
	struct mm *mm;
	uint64_t start, end; /* end == TLB_FLUSH_ALL: everything */
	uint64_t new_tlb_gen;
	unsigned int initiator;
	unsigned int stride_shift; /* of the pages that the range is made of */
	bool freed_tables, trim;
	bool lazy_too;  /* lazy CPUs are interrupted, too */
	bool pv_flush;  /* CPUs that a host has preempted are left to it, where it offers that */
	bool lazy_only; /* whether a CPU is lazy is all that is asked about it */
	bool early_ack; /* targets acknowledge when they begin, not when they have flushed */
};

void flush_tlb_mm_range(struct task *t, struct mm *mm, uint64_t start, uint64_t end,
			bool freed_tables);
/* The same for a range in which nothing but 2 MiB pages were mapped. */
void flush_tlb_huge_range(struct task *t, struct mm *mm, uint64_t start, uint64_t end);
static inline void flush_tlb_mm(struct task *t, struct mm *mm)
{
	flush_tlb_mm_range(t, mm, 0, TLB_FLUSH_ALL, true);
}
/* Once in HZ jiffies: CPUs that run another mm are to be told to leave mm_cpumask. */
bool trim_cpumask_due(struct task *t, struct mm *mm);
/* This CPU may no longer hold translations of the mm. */
void leave_cpumask(struct task *t, struct mm *mm);
/* Parts that shootdown policies are built from. */
void flush_tlb_func(struct task *t, void *info); /* smp_call_fn */
void flush_tlb_multi(struct task *t, const struct cpumask *mask, struct flush_tlb_info *info);
void flush_local(struct task *t, struct flush_tlb_info *info);
/* Removes translations from this CPU's TLB and spends what the instructions cost. */
void flush_slot_all(struct task *t, unsigned int slot);
/* The CPU has flushed ASID up to gen. */
void note_tlb_gen(struct task *t, unsigned int asid, uint64_t gen);
void flush_slot_range(struct task *t, unsigned int slot, uint64_t start, uint64_t end);

/* ---- page faults (fault.c) ---- */

/* Handles a fault at addr; false: SIGSEGV. */
bool handle_page_fault(struct task *t, uint64_t addr, enum user_access access);
/* get_user_pages: of an mm that need not be the task's; there is a VMA that allows it. */
void fault_in_user_page(struct task *t, struct mm *mm, uint64_t addr, enum user_access access);
/* The same by who holds mmap_lock for reading, which may be let go of and taken again. False: no
 * VMA allows it any more. */
bool fault_in_locked_page(struct task *t, struct mm *mm, uint64_t addr, enum user_access access,
			  struct read_hold *hold);
/* MAP_POPULATE, MADV_POPULATE_READ and _WRITE (populate.c). */
void mm_populate(struct task *t, struct mm *mm, uint64_t addr, uint64_t end);
int madvise_populate(struct task *t, struct mm *mm, uint64_t addr, uint64_t end, int advice);
/* What a recorder makes of a new mapping of code. */
void record_mapping(struct task *t);

/* ---- a program's own accesses (user_access.c) ---- */

/* How much longer the task's own work of this length takes, because of walks to pages of its
 * working set that are no longer in the TLB. */
sim_ps refill_time(struct task *t, sim_ps work);

#endif
