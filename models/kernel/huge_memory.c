// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Huge PMDs outside of faults: zap, split, and what mprotect, fork, mremap and madvise do with one.
 * Orders of locks and flushes are those of Linux 6.12 to 6.18 on x86-64, where a flush of one huge
 * page outside of a gather is 512 pages to flush_tlb_mm_range, and so of everything.
 */
#include "models/kernel/khugepaged.h"

#include <errno.h>

METRIC(desc_thp, "mm.thp", METRIC_COUNTER, "1", "event",
       "huge pages: what happened to them, as /proc/vmstat names it");

void count_thp(struct task *t, const char *event)
{
	metric_get(sim_metrics(t->k->sim), &desc_thp, event)->value++;
}

/* ---- the PMD ---- */

uint64_t pmd_read(const struct mm *mm, uint64_t addr)
{
	const struct page_table *pmd = pmd_lookup(mm, addr);
	uint64_t value = pmd ? pmd->slot.pte[pt_index(addr, PT_PMD)] : 0;

	return value & PTE_HUGE ? value : 0;
}

uint64_t leaf_read(const struct mm *mm, uint64_t addr)
{
	const struct page_table *table = pt_lookup(mm, addr);
	uint64_t pmd;

	if (table)
		return table->slot.pte[pt_index(addr, PT_PTE)];
	pmd = pmd_read(mm, addr);
	return pmd && !(pmd & PTE_ZERO) ? pmd + ((uint64_t)pt_index(addr, PT_PTE) << PAGE_SHIFT)
					: pmd;
}

void pmd_set(struct page_table *pmd, uint64_t addr, uint64_t value)
{
	uint64_t *slot = &pmd->slot.pte[pt_index(addr, PT_PMD)];

	pmd->nr += (value != 0) - (*slot != 0);
	*slot = value;
}

static uint64_t pmd_at(const struct page_table *pmd, uint64_t addr)
{
	return pmd->slot.pte[pt_index(addr, PT_PMD)];
}

static uint64_t haddr_of(uint64_t addr)
{
	return addr & ~(PMD_SIZE - 1);
}

/* NULL, and no lock, if no huge page is there. */
/* The PMD table of addr with the lock of its entries. */
static struct page_table *pmd_trans_huge_lock(struct task *t, struct mm *mm, uint64_t addr,
					      struct spinlock **pml)
{
	struct page_table *pmd = pmd_lookup(mm, addr);

	if (!pmd_read(mm, addr))
		return NULL;
	*pml = pmd_lockptr(t, mm, pmd);
	spin_lock(t, *pml);
	if (pmd_read(mm, addr))
		return pmd;
	spin_unlock(t, *pml);
	return NULL;
}

void pgtable_trans_huge_deposit(struct page_table *pmd, struct page_table *table)
{
	table->next_deposit = pmd->deposit;
	pmd->deposit = table;
}

static struct page_table *pgtable_trans_huge_withdraw(struct page_table *pmd)
{
	struct page_table *table = pmd->deposit;

	pmd->deposit = table->next_deposit;
	table->next_deposit = NULL;
	return table;
}

void pmd_populate(struct page_table *pmd, struct page_table *table, uint64_t addr)
{
	table->base = haddr_of(addr);
	pmd_set(pmd, addr, 0);
	pmd->slot.child[pt_index(addr, PT_PMD)] = table;
	pmd->nr++;
}

static bool pmd_is_exclusive(struct task *t, uint64_t pmd)
{
	const struct page *folio = pfn_page(t->k, pte_pfn(pmd));

	return !(pmd & (PTE_ZERO | PTE_FILE)) && folio->pmd_maps == 1 &&
	       folio->refs == 1u + folio->in_batch;
}

/* ---- splitting ---- */

/* One reference for each page in place of one for the PMD. */
static void remap_by_ptes(struct task *t, struct page_table *table, uint64_t addr, uint64_t old)
{
	struct page *folio = pfn_page(t->k, pte_pfn(old));
	bool zero = old & PTE_ZERO;

	for (uint64_t i = 0; i < HPAGE_PAGES; i++) {
		pt_set(table, addr + i * PAGE_SIZE,
		       (old & ~PTE_HUGE) + (zero ? 0 : i << PAGE_SHIFT));
		if (!zero)
			folio[i].mapcount++;
	}
	spend(t, HPAGE_PAGES * (t->k->cost.pte_set + (zero ? 0 : t->k->cost.page_mapcount)));
	if (zero)
		return;
	folio->forked |= folio->refs != 1u + folio->in_batch;
	folio->pmd_maps--;
	folio->refs += HPAGE_PAGES - 1;
}

/* Of a file: the page cache has the pages, and faults map them again. */
static void unmap_file_pmd(struct task *t, struct mm *mm, struct page_table *pmd, uint64_t haddr,
			   struct spinlock *pml)
{
	uint32_t folio = pte_pfn(pmd_at(pmd, haddr));

	pmd_set(pmd, haddr, 0);
	rss_add_bulk(t, mm, MM_FILEPAGES, -HPAGE_PAGES);
	spend(t, t->k->cost.rmap);
	pfn_page(t->k, folio)->pmd_maps--;
	mm->changing--;
	spin_unlock(t, pml);
	release_pages(t, &folio, 1);
	count_thp(t, "split_pmd");
}

void split_huge_pmd(struct task *t, struct mm *mm, uint64_t addr)
{
	struct spinlock *pml;
	struct page_table *pmd = pmd_trans_huge_lock(t, mm, addr, &pml), *table;
	uint64_t haddr = haddr_of(addr), old;

	if (!pmd)
		return;
	/* pmdp_invalidate: not present, but still huge, so that faults wait for the lock. No CPU
	 * may hold 4 KiB and 2 MiB translations of an address at once. */
	old = pmd_at(pmd, addr);
	mm->changing++;
	spend(t, t->k->cost.pte_clear);
	pmd_set(pmd, haddr, old & ~PTE_PRESENT);
	flush_tlb_mm_range(t, mm, haddr, haddr + PMD_SIZE, false);
	if (old & PTE_FILE) {
		unmap_file_pmd(t, mm, pmd, haddr, pml);
		return;
	}
	table = pgtable_trans_huge_withdraw(pmd);
	remap_by_ptes(t, table, haddr, old);
	pmd_populate(pmd, table, haddr);
	settle(t);
	mm->changing--;
	spin_unlock(t, pml);
	count_thp(t, "split_pmd");
}

/* ---- zap ---- */

uint64_t zap_huge_pmd(struct task *t, struct mmu_gather *tlb, struct vma *vma, uint64_t addr,
		      uint64_t end)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_FLUSH_GATHERING];
	const struct gather_ops *ops = p->choice->ops;
	uint64_t haddr = haddr_of(addr), old;
	struct page_table *pmd;
	struct spinlock *pml;
	bool full = false;

	(void)vma;
	if (addr != haddr || end < haddr + PMD_SIZE) {
		split_huge_pmd(t, tlb->mm, addr);
		return addr;
	}
	pmd = pmd_trans_huge_lock(t, tlb->mm, addr, &pml);
	if (!pmd)
		return addr;
	old = pmd_at(pmd, addr);
	spend(t, t->k->cost.pte_clear);
	pmd_set(pmd, haddr, 0);
	tlb_remove_huge_entry(tlb, haddr);
	if (!(old & PTE_ZERO)) {
		spend(t, t->k->cost.rmap);
		rss_add_bulk(t, tlb->mm, old & PTE_FILE ? MM_FILEPAGES : MM_ANONPAGES,
			     -HPAGE_PAGES);
		pfn_page(t->k, pte_pfn(old))->pmd_maps--;
		full = tlb_remove_page(t, tlb, pte_pfn(old));
	}
	ops->pte_cleared(p->params, t, tlb, haddr);
	if (!(old & PTE_FILE))
		pte_free_one(t, tlb->mm, pgtable_trans_huge_withdraw(pmd));
	spin_unlock(t, pml);
	if (full)
		tlb_flush_mmu(t, tlb);
	return haddr + PMD_SIZE;
}

/* ---- mprotect ---- */

bool change_huge_pmd(struct task *t, struct mmu_gather *tlb, uint64_t addr, uint64_t end,
		     unsigned int prot)
{
	uint64_t haddr = haddr_of(addr), old, pmd;
	struct page_table *table;
	struct spinlock *pml;

	if (!pmd_read(tlb->mm, addr))
		return false;
	if (addr != haddr || end < haddr + PMD_SIZE) {
		split_huge_pmd(t, tlb->mm, addr);
		return false;
	}
	table = pmd_trans_huge_lock(t, tlb->mm, addr, &pml);
	if (!table)
		return false;
	old = pmd_at(table, addr);
	pmd = old & ~(PTE_WRITE | PTE_EXEC | PTE_PROTNONE);
	pmd = prot ? pmd | PTE_PRESENT : (pmd & ~PTE_PRESENT) | PTE_PROTNONE;
	if (prot & PROT_EXEC)
		pmd |= PTE_EXEC;
	if (prot & PROT_WRITE && old & PTE_DIRTY && pmd_is_exclusive(t, old))
		pmd |= PTE_WRITE;
	spend(t, t->k->cost.pte_clear + t->k->cost.pte_set);
	pmd_set(table, haddr, pmd);
	if (pmd != old && old & PTE_PRESENT)
		tlb_remove_huge_entry(tlb, haddr);
	spin_unlock(t, pml);
	return true;
}

/* ---- fork ---- */

static void copy_locked(struct task *t, struct page_table *to, struct page_table *from,
			uint64_t haddr)
{
	uint64_t pmd = pmd_at(from, haddr) & ~PTE_WRITE;
	struct page *folio = pfn_page(t->k, pte_pfn(pmd));

	spend(t, t->k->cost.pte_read + t->k->cost.pte_clear + t->k->cost.pte_set);
	if (!(pmd & PTE_ZERO)) {
		spend(t, t->k->cost.rmap);
		folio->refs++;
		folio->pmd_maps++;
	}
	pmd_set(from, haddr, pmd);
	pmd_set(to, haddr, pmd & ~PTE_ACCESSED);
}

bool copy_huge_pmd(struct task *t, struct mm *to, struct vma *vma, uint64_t addr)
{
	uint64_t haddr = haddr_of(addr);
	struct page_table *table, *dst, *src;
	struct spinlock *dst_lock, *src_lock;
	bool zero;

	(void)vma;
	if (!pmd_read(t->mm, addr))
		return false;
	table = pte_alloc_one(t, to, haddr);
	dst = pmd_alloc(t, to, haddr);
	dst_lock = pmd_lockptr(t, to, dst);
	spin_lock(t, dst_lock);
	src = pmd_trans_huge_lock(t, t->mm, addr, &src_lock);
	if (!src) {
		spin_unlock(t, dst_lock);
		pte_free_one(t, to, table);
		return false;
	}
	zero = pmd_at(src, addr) & PTE_ZERO;
	pgtable_trans_huge_deposit(dst, table);
	copy_locked(t, dst, src, haddr);
	rss_add_bulk(t, to, MM_ANONPAGES, zero ? 0 : HPAGE_PAGES);
	to->huge_pages = true;
	spin_unlock(t, src_lock);
	spin_unlock(t, dst_lock);
	return true;
}

/* ---- mremap ---- */

/* Under mmap_lock for writing, so that nothing can appear at either side. */
static void move_locked(struct task *t, struct mm *mm, struct page_table *from,
			struct page_table *to, uint64_t old, uint64_t new)
{
	uint64_t pmd = pmd_at(from, old);

	mm->changing++;
	spend(t, t->k->cost.pte_clear + t->k->cost.pte_set);
	pmd_set(from, old, 0);
	if (to != from && !(pmd & PTE_FILE))
		pgtable_trans_huge_deposit(to, pgtable_trans_huge_withdraw(from));
	pmd_set(to, new, pmd);
	if (pmd & PTE_PRESENT)
		flush_tlb_mm_range(t, mm, old, old + PMD_SIZE, false);
	mm->changing--;
}

bool move_huge_pmd(struct task *t, struct mm *mm, uint64_t old, uint64_t new, uint64_t len)
{
	struct page_table *from, *to;
	struct spinlock *first, *second;

	if (!pmd_read(mm, old))
		return false;
	from = pmd_lookup(mm, old);
	to = old % PMD_SIZE || new % PMD_SIZE || len < PMD_SIZE ? NULL : pmd_alloc(t, mm, new);
	if (!to || pmd_at(to, new)) { /* not as a whole, or to where a table was left */
		split_huge_pmd(t, mm, old);
		return false;
	}
	first = pmd_lockptr(t, mm, from);
	second = pmd_lockptr(t, mm, to);
	spin_lock(t, first);
	if (second != first)
		spin_lock(t, second);
	move_locked(t, mm, from, to, old, new);
	if (second != first)
		spin_unlock(t, second);
	spin_unlock(t, first);
	return true;
}

/* ---- madvise ---- */

bool free_huge_pmd_lazily(struct task *t, struct mmu_gather *tlb, uint64_t addr, uint64_t end)
{
	struct mm *mm = tlb->mm;
	uint64_t haddr = haddr_of(addr), pmd;
	struct page_table *table;
	struct spinlock *pml;

	if (!pmd_read(mm, addr))
		return false;
	if (addr != haddr || end < haddr + PMD_SIZE) {
		split_huge_pmd(t, mm, addr);
		return false;
	}
	table = pmd_trans_huge_lock(t, mm, addr, &pml);
	if (!table)
		return false;
	pmd = pmd_at(table, addr);
	if (pmd & (PTE_ACCESSED | PTE_DIRTY) && !(pmd & (PTE_ZERO | PTE_FILE))) {
		spend(t, t->k->cost.pte_clear + t->k->cost.pte_set);
		pmd_set(table, haddr, pmd & ~PTE_PRESENT);
		flush_tlb_mm_range(t, mm, haddr, haddr + PMD_SIZE, false);
		pmd_set(table, haddr, pmd & ~(PTE_ACCESSED | PTE_DIRTY));
		tlb_remove_huge_entry(tlb, haddr);
	}
	spin_unlock(t, pml);
	return true;
}

int hugepage_madvise(struct task *t, struct mm *mm, uint64_t addr, uint64_t end, int advice)
{
	bool on = advice == MADV_HUGEPAGE;
	int ret = vma_change_flags(t, mm, addr, end, on ? VM_HUGEPAGE : VM_NOHUGEPAGE,
				   on ? VM_NOHUGEPAGE : VM_HUGEPAGE);

	for (size_t i = vma_index(mm, addr); i < mm->nr_vmas && mm->vmas[i]->start < end; i++)
		khugepaged_enter_vma(t, mm->vmas[i]);
	return ret;
}
