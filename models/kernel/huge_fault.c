// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Page faults that are decided at the PMD: a first access to 2 MiB, the huge zero page, writes to a
 * write-protected huge page. As do_huge_pmd_anonymous_page and do_huge_pmd_wp_page of Linux 6.18.
 */
#include "models/kernel/huge_file.h"
#include "models/kernel/rmap.h"
#include "models/kernel/userfaultfd.h"

bool thp_suitable(const struct task *t, const struct vma *vma, uint64_t addr)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_HUGE_PAGES];
	const struct huge_page_ops *ops = p->choice->ops;
	uint64_t haddr = addr & ~(PMD_SIZE - 1);

	if (!ops->eligible(vma->flags & VM_HUGEPAGE, vma->flags & VM_NOHUGEPAGE))
		return false;
	return (vma->flags & (MAP_ANONYMOUS | MAP_SHARED)) == MAP_ANONYMOUS &&
	       haddr >= vma->start && haddr + PMD_SIZE <= vma->end;
}

/* More than a CPU's stock of charges: each level's counter pays at once. */
uint32_t alloc_anon_folio_pmd(struct task *t)
{
	uint32_t pfn = alloc_huge_page(t);

	spend(t, t->k->cost.memcg_charge);
	for (unsigned int i = 0; i < MEMCG_LEVELS; i++)
		touch_line(t, &t->k->page_counter_line[i], LINE_ATOMIC);
	return pfn;
}

static void zero_folio(struct task *t, uint32_t pfn)
{
	for (uint32_t i = 0; i < HPAGE_PAGES; i++)
		spend_on_pages(t, bulk_move_time(t, PFN_ZERO, pfn + i));
	settle(t);
}

static struct page_table *lock_pmd(struct task *t, struct fault *f)
{
	struct page_table *pmd = pmd_lookup(f->mm, f->addr);

	f->ptl = pmd_lockptr(t, f->mm, pmd);
	spin_lock(t, f->ptl);
	return pmd;
}

static uint64_t make_pmd(const struct fault *f, uint32_t pfn, uint64_t flags)
{
	uint64_t pmd = (uint64_t)pfn << PAGE_SHIFT | flags | PTE_HUGE | PTE_PRESENT | PTE_ACCESSED;

	return f->vma->prot & PROT_EXEC ? pmd | PTE_EXEC : pmd;
}

/* map_anon_folio_pmd, under the PMD's lock. */
static void map_folio(struct task *t, struct fault *f, struct page_table *pmd, uint32_t pfn)
{
	uint64_t flags = f->vma->prot & PROT_WRITE ? PTE_WRITE | PTE_DIRTY : 0;

	folio_add_new_huge_rmap(t, f->vma, f->addr & ~(PMD_SIZE - 1), pfn);
	rss_add_fault(t, f->mm, MM_ANONPAGES, HPAGE_PAGES);
	f->mm->huge_pages = true;
	spend(t, t->k->cost.pte_set);
	folio_add_lru(t, pfn);
	pmd_set(pmd, f->addr, make_pmd(f, pfn, flags));
}

/* ---- nothing is there ---- */

static bool map_huge_zero(struct task *t, struct fault *f)
{
	struct page_table *table = pte_alloc_one(t, f->mm, f->addr & ~(PMD_SIZE - 1));
	struct page_table *pmd = lock_pmd(t, f);
	bool none = !pmd->slot.pte[pt_index(f->addr, PT_PMD)];
	bool missing = none && f->vma->flags & VM_UFFD_MISSING;

	if (none && !missing) {
		spend(t, t->k->cost.pte_set);
		pgtable_trans_huge_deposit(pmd, table);
		pmd_set(pmd, f->addr, make_pmd(f, PFN_ZERO, PTE_ZERO));
		f->mm->huge_pages = true;
		table = NULL;
	}
	spin_unlock(t, f->ptl);
	if (table)
		pte_free_one(t, f->mm, table);
	if (missing)
		handle_userfault(t, f);
	else
		count_thp(t, "zero_page_map");
	return true;
}

static bool do_huge_pmd_anonymous_page(struct task *t, struct fault *f)
{
	struct page_table *table, *pmd;
	bool none, missing;
	uint32_t pfn;

	if (!anon_vma_prepare(t, f))
		return true;
	khugepaged_enter_vma(t, f->vma);
	if (f->access != USER_WRITE)
		return map_huge_zero(t, f);
	pfn = alloc_anon_folio_pmd(t);
	table = pte_alloc_one(t, f->mm, f->addr & ~(PMD_SIZE - 1));
	zero_folio(t, pfn);
	pmd = lock_pmd(t, f);
	none = !pmd->slot.pte[pt_index(f->addr, PT_PMD)];
	missing = none && f->vma->flags & VM_UFFD_MISSING;
	if (none && !missing) {
		pgtable_trans_huge_deposit(pmd, table);
		map_folio(t, f, pmd, pfn);
		table = NULL;
	}
	spin_unlock(t, f->ptl);
	if (table) { /* somebody was faster, or it is not for us to fill */
		free_page(t, pfn);
		pte_free_one(t, f->mm, table);
	}
	if (missing)
		handle_userfault(t, f);
	else
		count_thp(t, "fault_alloc");
	return true;
}

/* ---- a huge page is there ---- */

/* The first write to 2 MiB of zeroes: the old translation must be gone before the new appears. */
static bool write_to_huge_zero(struct task *t, struct fault *f, uint64_t old)
{
	uint64_t haddr = f->addr & ~(PMD_SIZE - 1);
	uint32_t pfn = alloc_anon_folio_pmd(t);
	struct page_table *pmd;

	zero_folio(t, pfn);
	pmd = lock_pmd(t, f);
	if (pmd_read(f->mm, f->addr) == old) {
		f->mm->changing++;
		spend(t, t->k->cost.pte_clear);
		pmd_set(pmd, haddr, old & ~PTE_PRESENT);
		flush_tlb_mm_range(t, f->mm, haddr, haddr + PMD_SIZE, false);
		f->mm->changing--;
		map_folio(t, f, pmd, pfn);
		pfn = 0;
		count_thp(t, "fault_alloc");
	}
	spin_unlock(t, f->ptl);
	if (pfn)
		free_page(t, pfn);
	return true;
}

/* Reuse of a folio that nobody else has; else its pages are copied one by one, as PTEs. */
static bool do_huge_pmd_wp_page(struct task *t, struct fault *f, uint64_t old)
{
	struct page_table *pmd;
	struct page *folio = pfn_page(t->k, pte_pfn(old));
	bool reuse;

	if (!(old & PTE_FILE) && !anon_vma_prepare(t, f))
		return true;
	if (old & PTE_ZERO)
		return write_to_huge_zero(t, f, old);
	pmd = lock_pmd(t, f);
	if (pmd_read(f->mm, f->addr) != old) {
		spin_unlock(t, f->ptl);
		return true;
	}
	reuse = old & PTE_FILE || (folio->pmd_maps == 1 && folio->refs == 1u + folio->in_batch);
	if (reuse) {
		spend(t, t->k->cost.pte_set);
		folio_move_anon_rmap(t, f->vma, pte_pfn(old));
		pmd_set(pmd, f->addr,
			pte_allow_vma(old, f->vma) | PTE_WRITE | PTE_DIRTY | PTE_ACCESSED);
		count_fault(t, FAULT_REUSE);
	}
	spin_unlock(t, f->ptl);
	if (!reuse)
		split_huge_pmd(t, f->mm, f->addr);
	return reuse;
}

static bool fault_on_huge_page(struct task *t, struct fault *f, uint64_t old)
{
	struct page_table *pmd;

	if (f->access == USER_WRITE && !(old & PTE_WRITE))
		return do_huge_pmd_wp_page(t, f, old);
	pmd = lock_pmd(t, f);
	if (pmd_read(f->mm, f->addr) == old) {
		spend(t, t->k->cost.pte_set);
		pmd_set(pmd, f->addr, pte_allow_vma(old, f->vma));
	}
	spin_unlock(t, f->ptl);
	count_fault(t, FAULT_SPURIOUS);
	return true;
}

bool huge_pmd_fault(struct task *t, struct fault *f)
{
	uint64_t old = f->mm->huge_pages ? pmd_read(f->mm, f->addr) : 0;
	const struct page_table *pmd;

	if (old)
		return fault_on_huge_page(t, f, old);
	if (f->vma->mapping && f->vma->mapping->huge)
		return map_huge_file(t, f);
	if (!thp_suitable(t, f->vma, f->addr) || !zone_has_huge_page(t->k->pages))
		return false;
	pmd = pmd_alloc(t, f->mm, f->addr);
	if (pmd->slot.pte[pt_index(f->addr, PT_PMD)])
		return false;
	count_fault(t, FAULT_HUGE);
	return do_huge_pmd_anonymous_page(t, f);
}
