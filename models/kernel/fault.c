// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Page faults: the kernel's path by VMA lock or mmap_lock, for anonymous memory (zero page, first
 * write, copy on write) and page-cache pages. What leads to them is in user_access.c.
 */
#include <stdlib.h>

#include "models/kernel/mmu_notifier.h"
#include "models/hw/usermem.h"
#include "models/kernel/entry.h"
#include "models/kernel/filemap.h"
#include "models/kernel/huge_file.h"
#include "models/kernel/init.h"
#include "models/kernel/migrate.h"
#include "models/kernel/numa.h"
#include "models/kernel/rmap.h"
#include "models/kernel/swap.h"
#include "models/kernel/userfaultfd.h"
#include "models/kernel/writeback.h"

METRIC(desc_faults, "mm.faults", METRIC_COUNTER, "1", "kind", "page faults by what they did");
METRIC(desc_hit, "mm.vma_lock_hit", METRIC_COUNTER, "1", NULL, "faults under the VMA's lock");
METRIC(desc_miss, "mm.vma_lock_miss", METRIC_COUNTER, "1", NULL,
       "faults that had to fall back to mmap_lock");

static const char *const fault_names[FAULT_KINDS] = { "anon",  "zero",      "file", "cow",
						      "reuse", "spurious",  "segv", "huge",
						      "swap",  "file-read", "numa" };

void fault_init(struct kernel *k)
{
	for (unsigned int i = 0; i < FAULT_KINDS; i++)
		k->metric.faults[i] = metric_get(sim_metrics(k->sim), &desc_faults, fault_names[i]);
	k->metric.vma_lock_hit = metric_get(sim_metrics(k->sim), &desc_hit, "");
	k->metric.vma_lock_miss = metric_get(sim_metrics(k->sim), &desc_miss, "");
}

#define FAULT_AROUND_PAGES 16

/* False: the table was reclaimed meanwhile. The access will come again and make a new one. */
static bool lock_pte(struct task *t, struct fault *f)
{
	f->table = pte_offset_map_lock(t, f->mm, f->addr, &f->ptl);
	return f->table;
}

static void unlock_pte(struct task *t, struct fault *f)
{
	pte_unmap_unlock(t, f->table, f->ptl);
}

static bool allowed(const struct vma *vma, enum user_access access)
{
	/* x86 cannot forbid reading what may be written or run. */
	unsigned int need = access == USER_WRITE  ? PROT_WRITE
			    : access == USER_EXEC ? PROT_EXEC
						  : PROT_READ | PROT_WRITE | PROT_EXEC;

	return vma->prot & need;
}

static uint64_t make_pte(const struct fault *f, uint32_t pfn, uint64_t flags)
{
	uint64_t pte = (uint64_t)pfn << PAGE_SHIFT | flags | PTE_PRESENT | PTE_ACCESSED;

	if (f->vma->prot & PROT_EXEC)
		pte |= PTE_EXEC;
	return pte;
}

static uint64_t get_pte(const struct fault *f)
{
	return f->table->slot.pte[pt_index(f->addr, PT_PTE)];
}

void count_fault(struct task *t, enum fault_kind kind)
{
	t->k->metric.faults[kind]->value++;
}

bool anon_vma_prepare(struct task *t, struct fault *f)
{
	struct read_hold hold;

	if (f->vma->anon_vma)
		return true;
	if (f->vma_locked && !mmap_read_trylock(t, f->mm, &hold)) {
		f->retry = true;
		return false;
	}
	anon_vma_create(t, f->vma);
	if (f->vma_locked)
		mmap_read_unlock(t, f->mm, &hold);
	return true;
}

/* Takes what the kernel's code takes, or the caches' bandwidth if that is more. */
static sim_ps move_time(struct task *t, uint32_t from, uint32_t to, sim_ps zero, sim_ps copy)
{
	const struct cpu *cpu = this_cpu(t)->cpu;
	sim_ps code = from == PFN_ZERO ? zero : copy;
	sim_ps memory = usermem_move_page(cpu->m, cpu->core, from == PFN_ZERO ? to : from, to);

	return memory > code ? memory : code;
}

sim_ps page_move_time(struct task *t, uint32_t from, uint32_t to)
{
	return move_time(t, from, to, t->k->cost.page_zero, t->k->cost.page_copy);
}

sim_ps bulk_move_time(struct task *t, uint32_t from, uint32_t to)
{
	return move_time(t, from, to, t->k->cost.bulk_zero, t->k->cost.bulk_copy);
}

/* A zeroed page, or a copy of `from`. */
static uint32_t new_anon_page(struct task *t, uint32_t from)
{
	uint32_t pfn = alloc_page(t);

	spend_on_pages(t, page_move_time(t, from, pfn));
	spend(t, t->k->cost.memcg_charge);
	pfn_page(t->k, pfn)->contents = from == PFN_ZERO ? 0 : pfn_page(t->k, from)->contents;
	return pfn;
}

/* Under the PTL. */
static void map_anon(struct task *t, struct fault *f, uint32_t pfn)
{
	uint64_t flags = f->vma->prot & PROT_WRITE ? PTE_WRITE | PTE_DIRTY : 0;

	rss_add_fault(t, f->mm, MM_ANONPAGES, 1);
	folio_add_new_anon_rmap(t, f->vma, f->addr, pfn);
	spend(t, t->k->cost.pte_set);
	folio_add_lru(t, pfn);
	pt_set(f->table, f->addr, make_pte(f, pfn, flags));
}

static void anon_fault(struct task *t, struct fault *f)
{
	bool missing = false;
	uint32_t pfn;

	if (f->access != USER_WRITE) {
		if (!lock_pte(t, f))
			return;
		missing = !get_pte(f) && f->vma->flags & VM_UFFD_MISSING;
		spend(t, t->k->cost.pte_set);
		if (!get_pte(f) && !missing)
			pt_set(f->table, f->addr, make_pte(f, PFN_ZERO, PTE_ZERO));
		unlock_pte(t, f);
		if (missing)
			handle_userfault(t, f);
		else
			count_fault(t, FAULT_ZERO);
		return;
	}
	if (!anon_vma_prepare(t, f))
		return;
	pfn = new_anon_page(t, PFN_ZERO);
	if (lock_pte(t, f)) {
		missing = !get_pte(f) && f->vma->flags & VM_UFFD_MISSING;
		if (!get_pte(f) && !missing) {
			map_anon(t, f, pfn);
			pfn = 0;
		}
		unlock_pte(t, f);
	}
	if (pfn)
		free_page(t, pfn);
	if (missing)
		handle_userfault(t, f);
	else
		count_fault(t, FAULT_ANON);
}

/* Under the PTL. Returns how many pages were mapped. */
static int map_file(struct task *t, struct fault *f, uint64_t addr, uint64_t flags)
{
	uint32_t pfn = filemap_folio_of(t->k, f->vma, addr);

	/* Dropped, or locked, as its contents move: a fault of its own reads it or waits. */
	if (!pfn || file_folio_locked(t->k, pfn))
		return 0;
	pfn_page(t->k, pfn)->mapcount++;
	page_folio(pfn_page(t->k, pfn))->refs++;
	spend(t, t->k->cost.file_map + t->k->cost.pte_set);
	pt_set(f->table, addr, make_pte(f, pfn, PTE_FILE | flags));
	if (flags & PTE_DIRTY)
		file_mark_dirty(t, f->vma, pfn);
	return 1;
}

/* do_fault_around: the cached pages near the address come with it. */
static void map_file_around(struct task *t, struct fault *f)
{
	uint64_t span = FAULT_AROUND_PAGES * PAGE_SIZE, start = f->addr & ~(span - 1);
	uint64_t end = start + span;
	int n = 0;

	if (start < f->vma->start)
		start = f->vma->start;
	if (end > f->vma->end)
		end = f->vma->end;
	for (uint64_t a = start; a < end; a += PAGE_SIZE) {
		if (!f->table->slot.pte[pt_index(a, PT_PTE)])
			n += map_file(t, f, a, 0);
	}
	rss_add_fault(t, f->mm, MM_FILEPAGES, n);
}

/* Under its lock the page moves or goes. */
static bool wait_for_folio(struct task *t, struct fault *f)
{
	uint32_t pfn = filemap_folio_of(t->k, f->vma, f->addr);

	if (!file_folio_locked(t->k, pfn))
		return false;
	f->wait_for = pfn - pfn_page(t->k, pfn)->tail;
	pfn_page(t->k, f->wait_for)->refs++;
	return true;
}

static void file_fault(struct task *t, struct fault *f)
{
	uint64_t index = linear_page_index(f->vma, f->addr);
	uint32_t pfn = 0;

	if (fault_waits_for_hole(t, f, index))
		return;
	if (filemap_is_hole(f->vma->mapping, index)) {
		filemap_fill_hole(t, f->vma->mapping, index);
		if (filemap_is_hole(f->vma->mapping, index))
			return; /* punched again: the access comes again */
	}
	if (!filemap_folio_of(t->k, f->vma, f->addr)) {
		f->wait_for = filemap_read_folio(t, f->vma->mapping, index);
		count_fault(t, FAULT_READ);
		return;
	}
	if (wait_for_folio(t, f))
		return;
	if (f->access == USER_WRITE && !(f->vma->flags & MAP_SHARED)) {
		if (!anon_vma_prepare(t, f))
			return;
		pfn = new_anon_page(t, filemap_folio_of(t->k, f->vma, f->addr));
	}
	if (lock_pte(t, f)) {
		if (f->access != USER_WRITE) {
			map_file_around(t, f);
		} else if (!get_pte(f) && pfn) {
			map_anon(t, f, pfn);
			pfn = 0;
		} else if (!get_pte(f)) {
			int n = map_file(t, f, f->addr, PTE_WRITE | PTE_DIRTY);

			rss_add_fault(t, f->mm, MM_FILEPAGES, n);
		}
		unlock_pte(t, f);
	}
	if (pfn)
		free_page(t, pfn);
	count_fault(t, FAULT_FILE);
}

/* wp_page_copy, from the lock on: the old translation must be gone before the new one appears. */
static void replace_page(struct task *t, struct fault *f, uint64_t old, uint32_t pfn)
{
	f->mm->changing++;
	spend(t, t->k->cost.pte_clear);
	pt_set(f->table, f->addr, 0);
	flush_tlb_mm_range(t, f->mm, f->addr & ~(PAGE_SIZE - 1),
			   (f->addr & ~(PAGE_SIZE - 1)) + PAGE_SIZE, false);
	f->mm->changing--;
	if (!(old & PTE_ZERO))
		rss_add_fault(t, f->mm, old & PTE_FILE ? MM_FILEPAGES : MM_ANONPAGES, -1);
	map_anon(t, f, pfn);
	if (!(old & PTE_ZERO))
		pfn_page(t->k, pte_pfn(old))->mapcount--;
	count_fault(t, FAULT_COW);
}

static bool may_reuse(struct task *t, const struct fault *f, uint64_t pte)
{
	if (f->vma->flags & MAP_SHARED)
		return true;
	if (pte & (PTE_ZERO | PTE_FILE))
		return false;
	if (pfn_page(t->k, pte_pfn(pte))->flags & PG_SWAPCACHE)
		drop_swap_copy(t, pte_pfn(pte));
	return page_is_exclusive(pfn_page(t->k, pte_pfn(pte)));
}

static void reuse_page(struct task *t, struct fault *f, uint64_t pte)
{
	spend(t, t->k->cost.pte_set);
	folio_move_anon_rmap(t, f->vma, pte_pfn(pte));
	if (pte & PTE_FILE)
		file_mark_dirty(t, f->vma, pte_pfn(pte)); /* page_mkwrite */
	pt_set(f->table, f->addr,
	       (pte & ~PTE_PROTNONE) | PTE_PRESENT | PTE_WRITE | PTE_DIRTY | PTE_ACCESSED);
	count_fault(t, FAULT_REUSE);
}

static void write_protect_fault(struct task *t, struct fault *f)
{
	uint64_t page = f->addr & ~(PAGE_SIZE - 1), old;
	uint32_t pfn, dropped = 0;

	if (!lock_pte(t, f))
		return;
	old = get_pte(f);
	if (!(old & (PTE_PRESENT | PTE_PROTNONE)) || may_reuse(t, f, old)) {
		if (old & (PTE_PRESENT | PTE_PROTNONE)) /* else gone: the access comes again */
			reuse_page(t, f, old);
		unlock_pte(t, f);
		return;
	}
	unlock_pte(t, f);
	if (!anon_vma_prepare(t, f))
		return;
	pfn = new_anon_page(t, old & PTE_ZERO ? PFN_ZERO : pte_pfn(old));
	notifier_range_start(t, f->mm, page, page + PAGE_SIZE);
	if (lock_pte(t, f)) {
		if (get_pte(f) == old) {
			replace_page(t, f, old, pfn);
			pfn = 0;
			dropped = old & PTE_ZERO ? 0 : pte_pfn(old);
		}
		unlock_pte(t, f);
	}
	notifier_range_end(t, f->mm, page, page + PAGE_SIZE);
	if (pfn)
		free_page(t, pfn);
	if (dropped) /* all others may have unmapped it since we looked */
		release_pages(t, &dropped, 1);
}

void handle_mm_fault(struct task *t, struct fault *f)
{
	uint64_t pte;

	spend(t, t->k->cost.fault_base);
	settle(t);
	if (huge_pmd_fault(t, f))
		return;
	f->table = pt_alloc(t, f->mm, f->addr);
	if (!f->table) /* a huge page came meanwhile: the access comes again */
		return;
	spend(t, t->k->cost.pte_read);
	pte = get_pte(f);
	if (!pte) {
		/* Shared anonymous memory is a file of shmem. */
		if ((f->vma->flags & (MAP_ANONYMOUS | MAP_SHARED)) == MAP_ANONYMOUS)
			anon_fault(t, f);
		else
			file_fault(t, f);
	} else if (pte & PTE_MIGRATION) {
		f->moves = pte_pfn(pte);
	} else if (pte & PTE_PROTNONE) { /* not the VMA's doing: that allows the access */
		do_numa_page(t, f);
		count_fault(t, FAULT_NUMA);
	} else if (pte & PTE_SWAP) {
		f->wait_for = do_swap_page(t, f->vma, f->addr, pte, f->access == USER_WRITE);
		if (!f->wait_for) /* else it comes again, and counts then */
			count_fault(t, FAULT_SWAP);
	} else if (f->access == USER_WRITE && !(pte & PTE_WRITE)) {
		write_protect_fault(t, f);
	} else if (lock_pte(t, f)) {
		spend(t, t->k->cost.pte_set);
		pte = get_pte(f);
		if (pte)
			pt_set(f->table, f->addr, pte_allow_vma(pte, f->vma));
		unlock_pte(t, f);
		count_fault(t, FAULT_SPURIOUS);
	}
}

static bool try_vma_lock(struct task *t, struct fault *f)
{
	const struct mmap_lock_ops *ops = t->k->policy.pick[AXIS_MMAP_LOCKING].choice->ops;

	if (!ops->fault_takes_vma_lock)
		return false;
	f->vma = vma_start_read(t, f->mm, f->addr);
	f->vma_locked = f->vma != NULL;
	return f->vma_locked;
}

static bool handle_locked_fault(struct task *t, struct fault *f)
{
	if (!f->vma || !allowed(f->vma, f->access)) {
		count_fault(t, FAULT_SEGV);
		return false;
	}
	handle_mm_fault(t, f);
	return true;
}

/* With no lock held, as folio_lock_or_retry has it. */
static void wait_for_page(struct task *t, struct fault *f)
{
	if (f->moves)
		migration_entry_wait(t, f->moves);
	if (f->wait_for) {
		folio_wait_locked(t, f->wait_for);
		release_pages(t, &f->wait_for, 1);
	}
	f->moves = f->wait_for = 0;
}

void release_fault_lock(struct task *t, struct fault *f)
{
	if (f->dropped)
		return;
	f->dropped = true;
	if (f->vma_locked)
		vma_end_read(t, f->mm, f->vma);
	else
		mmap_read_unlock(t, f->mm, &f->hold);
}

/* Under mmap_lock for reading, before and after; in between it may be held for writing. */
static struct vma *find_vma_or_grow(struct task *t, struct fault *f)
{
	struct vma *vma = vma_lookup(f->mm, f->addr);

	return vma ? vma : expand_stack(t, f->mm, f->addr, &f->hold);
}

bool fault_in_locked_page(struct task *t, struct mm *mm, uint64_t addr, enum user_access access,
			  struct read_hold *hold)
{
	struct fault f = { .mm = mm, .addr = addr, .access = access, .hold = *hold };
	bool again = false, ok;

	do {
		if (again) {
			release_fault_lock(t, &f);
			wait_for_page(t, &f);
			f.retry = f.dropped = false;
			mmap_read_lock(t, mm, &f.hold);
		}
		spend(t, t->k->cost.vma_lookup);
		settle(t);
		f.vma = vma_lookup(mm, addr);
		ok = handle_locked_fault(t, &f);
		again = f.retry || f.wait_for || f.moves || f.dropped;
	} while (again);
	*hold = f.hold;
	return ok;
}

void fault_in_user_page(struct task *t, struct mm *mm, uint64_t addr, enum user_access access)
{
	struct read_hold hold;

	mmap_read_lock(t, mm, &hold);
	fault_in_locked_page(t, mm, addr, access, &hold);
	mmap_read_unlock(t, mm, &hold);
}

bool handle_page_fault(struct task *t, uint64_t addr, enum user_access access)
{
	struct fault f = { .mm = t->mm, .addr = addr, .access = access };
	bool ok = false, done = false;

	spend(t, t->k->cost.exception);
	enter_kernel(t);
	if (!t->copies)
		tracepoint(t);
	if (!t->copies && try_vma_lock(t, &f)) {
		ok = handle_locked_fault(t, &f);
		done = !f.retry && !f.wait_for && !f.moves;
		release_fault_lock(t, &f);
	}
	while (!done) {
		wait_for_page(t, &f);
		f.vma_locked = f.retry = f.dropped = false;
		if (!mmap_read_trylock(t, f.mm, &f.hold)) /* get_mmap_lock_carefully */
			mmap_read_lock(t, f.mm, &f.hold);
		spend(t, t->k->cost.vma_lookup);
		settle(t);
		f.vma = find_vma_or_grow(t, &f);
		ok = handle_locked_fault(t, &f);
		done = !f.retry && !f.wait_for && !f.moves;
		release_fault_lock(t, &f);
	}
	exit_kernel(t);
	settle(t);
	return ok;
}
