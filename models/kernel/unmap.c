// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * try_to_unmap: clears every PTE of a page by its reverse mapping, with the flush at once or left
 * to the task's batch; anonymous pages leave a swap PTE.
 */
#include "models/kernel/migrate.h"
#include "models/kernel/mmu_notifier.h"
#include "models/kernel/reclaim.h"
#include "models/kernel/rmap.h"
#include "models/kernel/swap.h"
#include "models/kernel/tlb_batch.h"

static void flush_or_defer(struct task *t, struct mm *mm, uint64_t addr, uint64_t pte,
			   unsigned int flags)
{
	if (!(pte & PTE_PRESENT) && !mm->tlb_flush_pending)
		return; /* PROT_NONE, and flushed since: nobody has it */
	if (flags & TTU_BATCH_FLUSH && should_defer_flush(t, mm)) {
		set_tlb_ubc_flush_pending(t, mm, addr, pte);
		return;
	}
	flush_tlb_mm_range(t, mm, addr, addr + PAGE_SIZE, false);
}

/* A page that MADV_FREE gave up: goes if nobody wrote to it since and nobody else looks at it. */
static bool may_discard(const struct page *page)
{
	return !(page->flags & PG_DIRTY) && page->refs == 1 + page->mapcount;
}

/* What stands in the PTE's place; false: the page must stay mapped. */
static bool replacement(struct task *t, struct page *page, uint64_t old, uint64_t *pte)
{
	*pte = 0;
	if (!(page->flags & PG_ANON))
		return true;
	if (page->flags & PG_SWAPBACKED) {
		bool exclusive = old & PTE_WRITE && page->mapcount == 1;

		swap_duplicate(t, page->swap);
		*pte = swap_pte(page->swap, exclusive);
		return true;
	}
	if (may_discard(page))
		return true;
	if (page->flags & PG_DIRTY)
		page->flags |= PG_SWAPBACKED; /* it is wanted after all */
	return false;
}

static bool unmap_pte(struct task *t, struct vma *vma, uint64_t addr, uint32_t pfn, void *arg)
{
	const unsigned int *flags = arg;
	struct page *page = pfn_page(t->k, pfn);
	struct mm *mm = vma->mm;
	uint64_t old, pte;
	struct spinlock *ptl;
	struct page_table *table;
	bool gone;

	spend(t, t->k->cost.rmap_visit);
	table = pte_offset_map_lock(t, mm, addr, &ptl);
	if (!table)
		return true;
	old = table->slot.pte[pt_index(addr, PT_PTE)];
	spend(t, t->k->cost.pte_read);
	if (!(old & (PTE_PRESENT | PTE_PROTNONE)) || old & PTE_ZERO || pte_pfn(old) != pfn) {
		pte_unmap_unlock(t, table, ptl);
		return true;
	}
	mm->changing++;
	spend(t, t->k->cost.pte_clear);
	settle(t);
	old = table->slot.pte[pt_index(addr, PT_PTE)]; /* with what A and D were set meanwhile */
	pt_set(table, addr, 0);
	flush_or_defer(t, mm, addr, old, *flags);
	if (old & PTE_DIRTY)
		page->flags |= PG_DIRTY;
	gone = true;
	if (*flags & TTU_MIGRATION)
		pte = migration_pte(old);
	else
		gone = replacement(t, page, old, &pte);
	pt_set(table, addr, gone ? pte : old);
	mm->changing--;
	if (gone) {
		spend(t, t->k->cost.pte_set);
		if (!(*flags & TTU_MIGRATION))
			rss_add_bulk(t, mm, old & PTE_FILE ? MM_FILEPAGES : MM_ANONPAGES, -1);
		folio_remove_rmap(t, pfn);
		page->refs--; /* never the last: the caller has one */
	}
	pte_unmap_unlock(t, table, ptl);
	return gone && page->mapcount;
}

static bool unmap_one(struct task *t, struct vma *vma, uint64_t addr, uint32_t pfn, void *arg)
{
	bool more;

	notifier_range_start(t, vma->mm, addr, addr + PAGE_SIZE);
	more = unmap_pte(t, vma, addr, pfn, arg);
	notifier_range_end(t, vma->mm, addr, addr + PAGE_SIZE);
	return more;
}

bool try_to_unmap(struct task *t, uint32_t pfn, unsigned int flags)
{
	rmap_walk(t, pfn, unmap_one, &flags, false);
	settle(t);
	return !pfn_page(t->k, pfn)->mapcount;
}
