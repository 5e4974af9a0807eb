// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * mmu_gather: what must be flushed is collected first, pages and tables are freed after the flush.
 * Two gathers at once on one mm end in a full flush of all CPUs, lazy ones too.
 */
#include <stdlib.h>

#include "models/kernel/huge_memory.h"
#include "models/kernel/rmap.h"
#include "models/kernel/swap.h"
#include "models/kernel/tlb_batch.h"

#define PAGES_PER_CHUNK 512 /* freed between two chances to reschedule */

static void reset_range(struct mmu_gather *tlb)
{
	tlb->start = tlb->fullmm ? 0 : UINT64_MAX;
	tlb->end = tlb->fullmm ? TLB_FLUSH_ALL : 0;
	tlb->cleared = false;
	tlb->cleared_ptes = false;
	tlb->freed_tables = false;
}

void tlb_gather_mmu(struct task *t, struct mmu_gather *tlb, struct mm *mm)
{
	*tlb = (struct mmu_gather){ .mm = mm };
	reset_range(tlb);
	spend(t, t->k->cost.gather);
	touch_line(t, &mm->pending_line, LINE_ATOMIC);
	settle(t);
	mm->tlb_flush_pending++;
}

void tlb_gather_mmu_fullmm(struct task *t, struct mmu_gather *tlb, struct mm *mm)
{
	tlb_gather_mmu(t, tlb, mm);
	tlb->fullmm = true;
	reset_range(tlb);
}

static void extend_range(struct mmu_gather *tlb, uint64_t addr, uint64_t size)
{
	tlb->cleared = true;
	if (tlb->fullmm)
		return;
	if (addr < tlb->start)
		tlb->start = addr;
	if (addr + size > tlb->end)
		tlb->end = addr + size;
}

void tlb_remove_entry(struct mmu_gather *tlb, uint64_t addr)
{
	tlb->cleared_ptes = true;
	extend_range(tlb, addr, PAGE_SIZE);
}

void tlb_remove_huge_entry(struct mmu_gather *tlb, uint64_t addr)
{
	extend_range(tlb, addr, PMD_SIZE);
}

bool tlb_remove_page(struct task *t, struct mmu_gather *tlb, uint32_t pfn)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_FLUSH_GATHERING];
	const struct gather_ops *ops = p->choice->ops;

	if (tlb->nr_pages == tlb->cap_pages) {
		tlb->cap_pages = tlb->cap_pages ? 4 * tlb->cap_pages : 8;
		tlb->pages = realloc(tlb->pages, tlb->cap_pages * sizeof(*tlb->pages));
	}
	tlb->pages[tlb->nr_pages++] = pfn;
	spend(t, t->k->cost.gather_page);
	return tlb->nr_pages >= ops->max_pages(p->params);
}

void tlb_flush_mmu_tlbonly(struct task *t, struct mmu_gather *tlb)
{
	if (!tlb->cleared && !tlb->freed_tables)
		return;
	if (tlb->cleared_ptes || tlb->freed_tables || tlb->end == TLB_FLUSH_ALL)
		flush_tlb_mm_range(t, tlb->mm, tlb->start, tlb->end, tlb->freed_tables);
	else
		flush_tlb_huge_range(t, tlb->mm, tlb->start, tlb->end);
	reset_range(tlb);
}

static void free_queued_pages(struct task *t, struct mmu_gather *tlb)
{
	for (unsigned int done = 0, n; done < tlb->nr_pages; done += n) {
		n = tlb->nr_pages - done < PAGES_PER_CHUNK ? tlb->nr_pages - done : PAGES_PER_CHUNK;
		for (unsigned int i = done; i < done + n; i++)
			free_swap_cache(t, tlb->pages[i]);
		release_pages(t, tlb->pages + done, n);
		settle(t);
	}
	tlb->nr_pages = 0;
}

void tlb_flush_mmu(struct task *t, struct mmu_gather *tlb)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_TABLE_FREEING];
	const struct table_free_ops *ops = p->choice->ops;

	tlb_flush_mmu_tlbonly(t, tlb);
	ops->flush(p->params, t, tlb);
	free_queued_pages(t, tlb);
}

void tlb_finish_mmu(struct task *t, struct mmu_gather *tlb)
{
	struct mm *mm = tlb->mm;

	spend(t, t->k->cost.gather);
	touch_line(t, &mm->pending_line, LINE_READ);
	settle(t);
	if (mm->tlb_flush_pending > 1) {
		/* Another gather may have cleared PTEs that we took for absent: flush everything.
		 */
		tlb->fullmm = true;
		reset_range(tlb);
		tlb->cleared = true;
		tlb->freed_tables = true;
	}
	tlb_flush_mmu(t, tlb);
	touch_line(t, &mm->pending_line, LINE_ATOMIC);
	settle(t);
	mm->tlb_flush_pending--;
	free(tlb->pages);
	free(tlb->tables);
}

/* ---- zap ---- */

/* What one hold of a page table's lock leaves to be done. */
struct zapped {
	bool full; /* the gather: no more pages now */
	/* Dirty pages of files: their reverse mapping goes after the flush, so that whoever cleans
	 * them finds the PTE's lock taken until nobody can write through it. */
	unsigned int nr_delayed;
	uint32_t delayed[PTRS_PER_TABLE];
};

/* Still under the lock. */
static void flush_delayed_rmap(struct task *t, struct mmu_gather *tlb, struct zapped *z)
{
	if (!z->nr_delayed)
		return;
	tlb_flush_mmu_tlbonly(t, tlb);
	for (unsigned int i = 0; i < z->nr_delayed; i++)
		folio_remove_rmap(t, z->delayed[i]);
}

static uint64_t zap_ptes(struct task *t, struct mmu_gather *tlb, struct page_table *table,
			 uint64_t addr, uint64_t end, struct zapped *z)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_FLUSH_GATHERING];
	const struct gather_ops *ops = p->choice->ops;
	struct kernel *k = t->k;

	for (; addr < end && !z->full; addr += PAGE_SIZE) {
		uint64_t pte = table->slot.pte[pt_index(addr, PT_PTE)];

		if (!pte) {
			spend(t, k->cost.pte_skip);
			continue;
		}
		spend(t, k->cost.pte_clear);
		pt_set(table, addr, 0);
		if (pte & PTE_MIGRATION)
			tlb->mm->rss--;
		if (pte & PTE_SWAP)
			free_swap_and_cache(t, pte_pfn(pte));
		if (!(pte & (PTE_PRESENT | PTE_PROTNONE)))
			continue;
		tlb_remove_entry(tlb, addr);
		if (!(pte & PTE_ZERO)) {
			if (pte & PTE_FILE && pte & PTE_DIRTY)
				z->delayed[z->nr_delayed++] = pte_pfn(pte);
			else
				folio_remove_rmap(t, pte_pfn(pte));
			tlb->mm->rss--;
			z->full = tlb_remove_page(t, tlb, pte_pfn(pte));
		}
		ops->pte_cleared(p->params, t, tlb, addr);
	}
	return addr;
}

static void zap_one_table(struct task *t, struct mmu_gather *tlb, uint64_t addr, uint64_t end,
			  bool reclaim)
{
	uint64_t base = addr;
	struct page_table *table = NULL, *gone = NULL;

	reclaim &= addr % PMD_SIZE == 0 && end == addr + PMD_SIZE;
	while (addr < end) {
		struct spinlock *ptl;
		struct zapped z;

		z.full = false;
		z.nr_delayed = 0;
		table = pte_offset_map_lock(t, tlb->mm, addr, &ptl);
		if (!table)
			return;
		flush_tlb_batched_pending(t, tlb->mm);
		addr = zap_ptes(t, tlb, table, addr, end, &z);
		flush_delayed_rmap(t, tlb, &z);
		if (reclaim && addr == end && !z.full && !table->nr)
			gone = try_unhook_pte(t, tlb->mm, table);
		pte_unmap_unlock(t, table, ptl);
		if (z.full)
			tlb_flush_mmu(t, tlb);
	}
	if (reclaim && !gone)
		gone = unhook_pte_if_empty(t, tlb->mm, base);
	if (gone)
		free_pte(t, tlb, gone);
}

/* How far a missing upper-level table lets the walk jump. */
static uint64_t skip_missing(const struct mm *mm, uint64_t addr)
{
	const struct page_table *table = mm->pgd;
	int level = PT_PGD;

	while (table && level > PT_PTE) {
		const struct page_table *child =
			table->slot.child[pt_index(addr, (enum pt_level)level)];

		if (!child)
			break;
		table = child;
		level--;
	}
	if (!table)
		return TASK_SIZE;
	return (addr & ~(pt_span((enum pt_level)(level - 1)) - 1)) +
	       pt_span((enum pt_level)(level - 1));
}

void zap_range(struct task *t, struct mmu_gather *tlb, struct vma *vma, uint64_t start,
	       uint64_t end, bool reclaim_tables)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_TABLE_FREEING];
	const struct table_free_ops *ops = p->choice->ops;

	reclaim_tables &= !ops->frees_at_once && (!ops->pt_reclaim || ops->pt_reclaim(p->params));
	for (uint64_t addr = start, next; addr < end; addr = next) {
		spend(t, t->k->cost.pte_read);
		if (!pt_lookup(tlb->mm, addr)) {
			if (pmd_read(tlb->mm, addr)) /* a part of it is split, and zapped then */
				next = zap_huge_pmd(t, tlb, vma, addr, end);
			else
				next = skip_missing(tlb->mm, addr);
			continue;
		}
		next = (addr & ~(PMD_SIZE - 1)) + PMD_SIZE;
		zap_one_table(t, tlb, addr, next < end ? next : end, reclaim_tables);
	}
}
