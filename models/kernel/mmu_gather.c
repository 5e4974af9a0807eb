// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * mmu_gather: what must be flushed is collected first, pages and tables are freed after the flush.
 * Two gathers at once on one mm end in a full flush of all CPUs, lazy ones too.
 */
#include <stdlib.h>
#include <string.h>

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

bool tlb_gather_is_full(const struct task *t, const struct mmu_gather *tlb)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_FLUSH_GATHERING];
	const struct gather_ops *ops = p->choice->ops;
	unsigned int n = tlb->nr_pages + (tlb->tables_take_slots ? tlb->nr_tables : 0);

	return n >= ops->max_pages(p->params);
}

bool tlb_remove_page(struct task *t, struct mmu_gather *tlb, uint32_t pfn)
{
	if (tlb->nr_pages == tlb->cap_pages) {
		tlb->cap_pages = tlb->cap_pages ? 4 * tlb->cap_pages : 8;
		tlb->pages = realloc(tlb->pages, tlb->cap_pages * sizeof(*tlb->pages));
	}
	tlb->pages[tlb->nr_pages++] = pfn;
	spend(t, t->k->cost.gather_page);
	return tlb_gather_is_full(t, tlb);
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
		lru_drain_for_zap(t);
		release_pages(t, tlb->pages + done, n);
		settle(t);
		cond_resched(t);
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

void dec_tlb_flush_pending(struct task *t, struct mm *mm)
{
	touch_line(t, &mm->pending_line, LINE_ATOMIC);
	settle(t);
	mm->tlb_flush_pending--;
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
	dec_tlb_flush_pending(t, mm);
	free(tlb->pages);
	free(tlb->tables);
}

/* ---- zap ---- */

/* What one hold of a table's lock comes to. */
struct zapping {
	bool full;  /* the gather is */
	bool force; /* a dirty page of a file: flush before the lock is let go */
	int unmapped[NR_MM_COUNTERS];
	unsigned int nr_delayed;
	uint32_t delayed[PTRS_PER_TABLE]; /* pages whose mapping counts until the flush */
};

/* A dirty page may be cleaned as soon as it seems unmapped, so no CPU may write to it by then. */
static void zap_dirty_file(struct task *t, struct zapping *z, uint32_t pfn)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_FLUSH_GATHERING];
	const struct gather_ops *ops = p->choice->ops;

	z->force = true;
	if (!ops->delays_rmap || ops->delays_rmap(p->params))
		z->delayed[z->nr_delayed++] = pfn;
	else
		folio_remove_rmap(t, pfn);
}

static void zap_present(struct task *t, struct mmu_gather *tlb, struct zapping *z, uint64_t addr,
			uint64_t pte)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_FLUSH_GATHERING];
	const struct gather_ops *ops = p->choice->ops;

	tlb_remove_entry(tlb, addr);
	if (!(pte & PTE_ZERO)) {
		z->unmapped[pte & PTE_FILE ? MM_FILEPAGES : MM_ANONPAGES]--;
		if (pte & PTE_FILE && pte & PTE_DIRTY)
			zap_dirty_file(t, z, pte_pfn(pte));
		else
			folio_remove_rmap(t, pte_pfn(pte));
		z->full = tlb_remove_page(t, tlb, pte_pfn(pte));
	}
	ops->pte_cleared(p->params, t, tlb, addr);
}

static uint64_t zap_ptes(struct task *t, struct mmu_gather *tlb, struct page_table *table,
			 uint64_t addr, uint64_t end, struct zapping *z)
{
	z->full = z->force = false;
	z->nr_delayed = 0;
	memset(z->unmapped, 0, sizeof(z->unmapped));
	for (; addr < end && !z->full; addr += PAGE_SIZE) {
		uint64_t pte = table->slot.pte[pt_index(addr, PT_PTE)];

		if (!pte) {
			spend(t, t->k->cost.pte_skip);
			continue;
		}
		spend(t, t->k->cost.pte_clear);
		pt_set(table, addr, 0);
		if (pte & PTE_MIGRATION)
			z->unmapped[pte & PTE_FILE ? MM_FILEPAGES : MM_ANONPAGES]--;
		if (pte & PTE_SWAP)
			free_swap_and_cache(t, pte_pfn(pte));
		if (pte & (PTE_PRESENT | PTE_PROTNONE))
			zap_present(t, tlb, z, addr, pte);
	}
	for (unsigned int c = 0; c < NR_MM_COUNTERS; c++)
		rss_add_bulk(t, tlb->mm, c, z->unmapped[c]);
	if (z->force)
		tlb_flush_mmu_tlbonly(t, tlb);
	for (unsigned int i = 0; i < z->nr_delayed; i++)
		folio_remove_rmap(t, z->delayed[i]);
	return addr;
}

static void zap_one_table(struct task *t, struct mmu_gather *tlb, uint64_t addr, uint64_t end,
			  bool reclaim)
{
	uint64_t base = addr;
	struct page_table *table = NULL, *gone = NULL;
	struct zapping z;

	reclaim &= addr % PMD_SIZE == 0 && end == addr + PMD_SIZE;
	while (addr < end) {
		struct spinlock *ptl;

		table = pte_offset_map_lock(t, tlb->mm, addr, &ptl);
		if (!table)
			return;
		flush_tlb_batched_pending(t, tlb->mm);
		addr = zap_ptes(t, tlb, table, addr, end, &z);
		if (reclaim && addr == end && !z.full && !table->nr)
			gone = try_unhook_pte(t, tlb->mm, table);
		pte_unmap_unlock(t, table, ptl);
		if (z.full || z.force)
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
		cond_resched(t);
	}
}
