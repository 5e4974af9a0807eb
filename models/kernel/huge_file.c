// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * PMDs that map huge pages of shmem, and the steps that policies retract page tables with.
 */
#include "models/kernel/huge_file.h"

#include <stdlib.h>

METRIC(desc_retract, "mm.retract", METRIC_COUNTER, "1", "result",
       "PTE tables that stood in the way of a huge page of a file, by what came of them");

void count_retract(struct task *t, const char *what)
{
	metric_get(sim_metrics(t->k->sim), &desc_retract, what)->value++;
}

bool shmem_suitable(const struct vma *vma, uint64_t addr)
{
	uint64_t haddr = addr & ~(PMD_SIZE - 1);

	return (vma->flags & (MAP_ANONYMOUS | MAP_SHARED)) == (MAP_ANONYMOUS | MAP_SHARED) &&
	       haddr >= vma->start && haddr + PMD_SIZE <= vma->end &&
	       linear_page_index(vma, haddr) % HPAGE_PAGES == 0;
}

bool shmem_wants_huge_pages(const struct task *t, const struct vma *vma)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_HUGE_PAGES];
	const struct huge_page_ops *ops = p->choice->ops;

	return vma->flags & VM_HUGEPAGE && ops->eligible(true, vma->flags & VM_NOHUGEPAGE);
}

bool file_folio_locked(const struct kernel *k, uint32_t pfn)
{
	return page_folio(pfn_page(k, pfn))->flags & PG_LOCKED;
}

/* do_set_pmd */
static bool set_file_pmd(struct task *t, struct fault *f, uint64_t haddr, uint32_t pfn)
{
	struct page_table *pmd = pmd_alloc(t, f->mm, haddr);
	struct page *folio = pfn_page(t->k, pfn);
	uint64_t value = (uint64_t)pfn << PAGE_SHIFT | PTE_HUGE | PTE_FILE | PTE_PRESENT |
			 PTE_ACCESSED;
	struct spinlock *pml = pmd_lockptr(t, f->mm, pmd);
	bool mapped;

	if (f->vma->prot & PROT_WRITE)
		value |= PTE_WRITE | (f->access == USER_WRITE ? PTE_DIRTY : 0);
	if (f->vma->prot & PROT_EXEC)
		value |= PTE_EXEC;
	spin_lock(t, pml);
	mapped = !pmd->slot.pte[pt_index(haddr, PT_PMD)] && !(folio->flags & PG_LOCKED);
	if (mapped) {
		spend(t, t->k->cost.rmap + t->k->cost.pte_set);
		folio->refs++;
		folio->pmd_maps++;
		rss_add_fault(t, f->mm, MM_FILEPAGES, HPAGE_PAGES);
		f->mm->huge_pages = true;
		pmd_set(pmd, haddr, value);
	}
	spin_unlock(t, pml);
	return mapped;
}

bool map_huge_file(struct task *t, struct fault *f)
{
	uint64_t haddr = f->addr & ~(PMD_SIZE - 1);
	uint32_t pfn;

	if (!shmem_suitable(f->vma, f->addr))
		return false;
	pfn = filemap_peek(f->vma->mapping, linear_page_index(f->vma, haddr));
	if (!pfn || pfn_page(t->k, pfn)->order != HPAGE_ORDER || file_folio_locked(t->k, pfn) ||
	    !set_file_pmd(t, f, haddr, pfn))
		return false;
	count_thp(t, "file_mapped");
	return true;
}

/* ---- tables whose PTEs map a huge page ---- */

uint32_t lock_pte_mapped_folio(struct task *t, struct vma *vma, uint64_t addr)
{
	uint32_t pfn;

	if (!vma || !vma->mapping || !shmem_suitable(vma, addr) || !pt_lookup(vma->mm, addr))
		return 0;
	pfn = filemap_peek(vma->mapping, linear_page_index(vma, addr));
	if (!pfn || pfn_page(t->k, pfn)->order != HPAGE_ORDER)
		return 0;
	pfn_page(t->k, pfn)->refs++;
	folio_lock(t, pfn);
	return pfn;
}

void unlock_pte_mapped_folio(struct task *t, uint32_t folio)
{
	folio_unlock(t, folio);
	release_pages(t, &folio, 1);
}

static bool maps_only(struct task *t, const struct page_table *table, uint32_t folio)
{
	for (uint32_t i = 0; i < PTRS_PER_TABLE; i++) {
		uint64_t pte = table->slot.pte[i];

		spend(t, t->k->cost.pte_read);
		if (pte && (!(pte & PTE_PRESENT) || pte_pfn(pte) != folio + i))
			return false;
	}
	return true;
}

bool clear_pte_mapped_folio(struct task *t, struct mm *mm, uint64_t addr, uint32_t folio)
{
	struct spinlock *ptl;
	struct page_table *table = pte_offset_map_lock(t, mm, addr, &ptl);
	bool ok = table && maps_only(t, table, folio);
	int n = 0;

	for (uint32_t i = 0; ok && i < PTRS_PER_TABLE; i++) {
		if (!table->slot.pte[i])
			continue;
		spend(t, t->k->cost.pte_clear);
		pt_set(table, addr + i * PAGE_SIZE, 0);
		folio_remove_rmap(t, folio + i);
		pfn_page(t->k, folio)->refs--; /* never the last: the caller has one */
		n++;
	}
	if (n)
		rss_add_bulk(t, mm, MM_FILEPAGES, -n);
	if (table)
		pte_unmap_unlock(t, table, ptl);
	return ok;
}

/* ---- retracting page tables ---- */

bool retract_candidate(const struct vma *vma, uint64_t index, uint64_t *addr)
{
	if (index < vma->pgoff)
		return false;
	*addr = vma->start + ((index - vma->pgoff) << PAGE_SHIFT);
	/* A VMA with an anon_vma may have private pages in the table. */
	return !vma->anon_vma && *addr % PMD_SIZE == 0 && *addr + PMD_SIZE <= vma->end &&
	       pt_lookup(vma->mm, *addr);
}

struct page_table *pmdp_collapse_flush(struct task *t, struct mm *mm, uint64_t addr)
{
	struct page_table *table = pt_lookup(mm, addr);

	sim_check(t->k->sim, !table->nr, "table-not-empty", "a table with %u PTEs is retracted",
		  table->nr);
	mm->changing++;
	spend(t, t->k->cost.pte_clear);
	pmd_set(pmd_lookup(mm, addr), addr, 0);
	flush_tlb_mm_range(t, mm, addr, addr + PMD_SIZE, false);
	mm->changing--;
	return table;
}

void pte_free_now(struct task *t, struct mm *mm, struct page_table *table)
{
	spend(t, t->k->cost.table_free);
	t->k->metric.tables_freed->value++;
	pte_free_one(t, mm, table);
}

struct deferred_table {
	struct mm *mm;
	struct page_table *table;
};

static void free_deferred(struct kernel *k, struct task *t, void *arg)
{
	struct deferred_table *d = arg;
	uint32_t pfn = pt_end_table(k, d->mm, d->table);

	free(d);
	if (t)
		free_pcp_page(t, pfn);
}

void pte_free_defer(struct task *t, struct mm *mm, struct page_table *table)
{
	struct deferred_table *d = malloc(
		sizeof(*d)); /* in the kernel: inside of the table's page */

	*d = (struct deferred_table){ mm, table };
	spend(t, t->k->cost.table_free);
	call_rcu(t, free_deferred, d);
}
