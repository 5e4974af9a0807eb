// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Advice that ages pages instead of dropping them: MADV_FREE (old, clean, dropped when memory is
 * short), MADV_COLD (the next to be reclaimed) and MADV_PAGEOUT (reclaimed now).
 */
#include "models/kernel/huge_memory.h"
#include "models/kernel/mmu_notifier.h"
#include "models/kernel/reclaim.h"
#include "models/kernel/swap.h"
#include "models/kernel/tlb_batch.h"

struct aging {
	struct mmu_gather *tlb;
	struct page_table *table;
	bool pageout;
	uint32_t isolated[PTRS_PER_TABLE];
	unsigned int nr_isolated;
};

typedef void pte_fn(struct task *t, struct aging *a, uint64_t addr, uint64_t pte);

/* Old and perhaps clean, in the place of what is there; flushed with the gather. */
static void age_pte(struct task *t, struct aging *a, uint64_t addr, uint64_t pte, uint64_t bits)
{
	if (!(pte & bits))
		return;
	spend(t, t->k->cost.pte_clear + t->k->cost.pte_set);
	pt_set(a->table, addr, pte & ~bits);
	tlb_remove_entry(a->tlb, addr);
}

/* What a slot of swap or the page's dirty bit would keep must go first, and only its one user may
 * say so. */
static bool forget_contents(struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);
	bool ok = false;

	if (!(page->flags & (PG_SWAPCACHE | PG_DIRTY)))
		return true;
	if (!folio_trylock(t, pfn))
		return false;
	if (page->mapcount == 1 && (!(page->flags & PG_SWAPCACHE) || folio_free_swap(t, pfn))) {
		page->flags &= (uint16_t)~PG_DIRTY;
		ok = true;
	}
	folio_unlock(t, pfn);
	return ok;
}

static void free_pte_lazily(struct task *t, struct aging *a, uint64_t addr, uint64_t pte)
{
	if (pte & PTE_SWAP) {
		pt_set(a->table, addr, 0);
		free_swap_and_cache(t, pte_pfn(pte));
		return;
	}
	if (!(pte & (PTE_PRESENT | PTE_PROTNONE)) || pte & (PTE_ZERO | PTE_FILE) ||
	    !forget_contents(t, pte_pfn(pte)))
		return;
	pte = a->table->slot.pte[pt_index(addr, PT_PTE)]; /* D may have been set meanwhile */
	age_pte(t, a, addr, pte, PTE_DIRTY | PTE_ACCESSED);
	lru_move_later(t, pte_pfn(pte), LRU_LAZYFREE);
}

static void cold_or_pageout_pte(struct task *t, struct aging *a, uint64_t addr, uint64_t pte)
{
	uint32_t pfn = pte_pfn(pte);
	struct page *page;

	if (!(pte & PTE_PRESENT) || pte & PTE_ZERO)
		return;
	page = pfn_page(t->k, pfn);
	if (page->mapcount != 1 || page_folio(page)->order || page->flags & PG_KSM)
		return; /* others use it, too */
	age_pte(t, a, addr, pte, PTE_ACCESSED);
	page->flags &= (uint16_t)~PG_REFERENCED;
	if (!a->pageout)
		lru_move_later(t, pfn, LRU_DEACTIVATE);
	else if (folio_isolate_lru(t, pfn))
		a->isolated[a->nr_isolated++] = pfn;
}

static void age_table(struct task *t, struct aging *a, uint64_t addr, uint64_t end, pte_fn *fn)
{
	struct mm *mm = a->tlb->mm;
	struct spinlock *ptl;

	a->nr_isolated = 0;
	a->table = pte_offset_map_lock(t, mm, addr, &ptl);
	if (!a->table)
		return;
	flush_tlb_batched_pending(t, mm);
	for (; addr < end; addr += PAGE_SIZE) {
		spend(t, t->k->cost.pte_read);
		fn(t, a, addr, a->table->slot.pte[pt_index(addr, PT_PTE)]);
	}
	pte_unmap_unlock(t, a->table, ptl);
	/* Before the gather's own flush: the unmapping flushes what it has cleared. */
	if (a->nr_isolated)
		reclaim_pages(t, a->isolated, a->nr_isolated);
}

static void age_range(struct task *t, struct aging *a, uint64_t addr, uint64_t end, pte_fn *fn)
{
	struct mmu_gather tlb;

	lru_add_drain(t);
	tlb_gather_mmu(t, &tlb, t->mm);
	a->tlb = &tlb;
	for (uint64_t next; addr < end; addr = next) {
		next = (addr & ~(PMD_SIZE - 1)) + PMD_SIZE;
		next = next < end ? next : end;
		if (fn == free_pte_lazily && free_huge_pmd_lazily(t, &tlb, addr, next))
			continue;
		age_table(t, a, addr, next, fn);
		cond_resched(t);
	}
	tlb_finish_mmu(t, &tlb);
}

/* Only what VMAs cover: tables between them are munmap's to free. Looked up anew each time: under
 * the VMA's lock alone, others come and go meanwhile. */
void madvise_free(struct task *t, uint64_t addr, uint64_t end)
{
	struct mm *mm = t->mm;
	struct aging a = { 0 };

	notifier_range_start(t, mm, addr, end);
	for (uint64_t at = addr, to; at < end; at = to) {
		size_t i = vma_index(mm, at);
		uint64_t from;

		if (i >= mm->nr_vmas || mm->vmas[i]->start >= end)
			break;
		from = mm->vmas[i]->start;
		to = mm->vmas[i]->end;
		age_range(t, &a, from > at ? from : at, to < end ? to : end, free_pte_lazily);
	}
	notifier_range_end(t, mm, addr, end);
}

/* A gather for each VMA, as the kernel has it. */
void madvise_cold(struct task *t, uint64_t addr, uint64_t end, bool pageout)
{
	struct mm *mm = t->mm;
	struct aging a = { .pageout = pageout };

	for (size_t i = vma_index(mm, addr); i < mm->nr_vmas && mm->vmas[i]->start < end; i++) {
		uint64_t from = mm->vmas[i]->start, to = mm->vmas[i]->end;

		age_range(t, &a, from > addr ? from : addr, to < end ? to : end,
			  cold_or_pageout_pte);
	}
}
