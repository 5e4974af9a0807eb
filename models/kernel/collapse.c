// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * 512 anonymous pages become one: the look at the PTEs that says whether it is worth while, and
 * collapse_huge_page with its locks and its flush in the order of Linux 6.12 to 6.18. How walkers
 * that hold no lock are waited for is the policy axis collapse.
 */
#include "models/kernel/huge_file.h"

#include <errno.h>

#include "models/kernel/kworker.h"
#include "models/kernel/rmap.h"

METRIC(desc_collapse, "mm.collapse", METRIC_COUNTER, "1", "result",
       "2 MiB that khugepaged or MADV_COLLAPSE looked at, by what came of them");

static const char *const result_names[SCAN_RESULTS] = {
	[SCAN_SUCCEED] = "succeeded",
	[SCAN_PMD_NULL] = "pmd_null",
	[SCAN_PMD_MAPPED] = "pmd_mapped",
	[SCAN_EXCEED_NONE_PTE] = "exceed_none_pte",
	[SCAN_EXCEED_SWAP_PTE] = "exceed_swap_pte",
	[SCAN_EXCEED_SHARED_PTE] = "exceed_shared_pte",
	[SCAN_PAGE_RO] = "no_writable_page",
	[SCAN_LACK_REFERENCED_PAGE] = "lack_referenced_page",
	[SCAN_PAGE_COUNT] = "not_suitable_page_count",
	[SCAN_PAGE_LRU] = "page_not_in_lru",
	[SCAN_PAGE_LOCK] = "page_locked",
	[SCAN_DEL_PAGE_LRU] = "could_not_delete_page_from_lru",
	[SCAN_VMA_CHECK] = "vma_check_failed",
	[SCAN_ANY_PROCESS] = "any_process",
	[SCAN_ALLOC_HUGE_PAGE_FAIL] = "alloc_huge_page_failed",
	[SCAN_PAGE_FILLED] = "page_filled",
};

/* ---- what the PTEs say ---- */

struct pte_counts {
	unsigned int none, shared, referenced, writable;
};

/* One PTE: SCAN_SUCCEED if it is no obstacle. in_hand: the page must be locked and off the list. */
static enum scan_result look_at_pte(struct task *t, const struct collapse_control *cc, uint64_t pte,
				    struct pte_counts *n)
{
	const struct collapse_settings *s = collapse_settings(t);
	struct page *page, *folio;

	spend(t, t->k->cost.pte_read);
	if (!pte || pte & PTE_ZERO) {
		n->none++;
		return cc->is_khugepaged && n->none > s->max_ptes_none ? SCAN_EXCEED_NONE_PTE
								       : SCAN_SUCCEED;
	}
	if (!(pte & PTE_PRESENT)) /* swapped out, or PROT_NONE */
		return SCAN_EXCEED_SWAP_PTE;
	page = pfn_page(t->k, pte_pfn(pte));
	folio = page_folio(page);
	n->writable += (pte & PTE_WRITE) != 0;
	n->referenced += (pte & PTE_ACCESSED) != 0;
	n->shared += page->mapcount + folio->pmd_maps > 1;
	if (cc->is_khugepaged && n->shared > s->max_ptes_shared)
		return SCAN_EXCEED_SHARED_PTE;
	if (!folio->on_lru || page->flags & PG_KSM)
		return SCAN_PAGE_LRU;
	if (folio->flags & PG_LOCKED)
		return SCAN_PAGE_LOCK;
	if (!folio->order && folio->refs != page->mapcount + (folio->in_batch ? 1u : 0))
		return SCAN_PAGE_COUNT; /* somebody else holds it: a gather, an LRU batch */
	return SCAN_SUCCEED;
}

static enum scan_result look_at_table(struct task *t, const struct collapse_control *cc,
				      const struct vma *vma, const struct page_table *table)
{
	struct pte_counts n = { 0 };

	for (unsigned int i = 0; i < PTRS_PER_TABLE; i++) {
		enum scan_result r = look_at_pte(t, cc, table->slot.pte[i], &n);

		if (r != SCAN_SUCCEED)
			return r;
	}
	if (n.none && vma->flags & VM_UFFD_MISSING) /* empty pages are its handler's */
		return SCAN_EXCEED_NONE_PTE;
	if (!n.writable)
		return SCAN_PAGE_RO;
	if (cc->is_khugepaged && !n.referenced)
		return SCAN_LACK_REFERENCED_PAGE;
	return SCAN_SUCCEED;
}

/* ---- the collapse ---- */

/* mmap_lock was let go of meanwhile. */
static struct vma *revalidate(const struct task *t, const struct collapse_control *cc,
			      const struct mm *mm, uint64_t addr)
{
	struct vma *vma = mm->users ? vma_lookup(mm, addr) : NULL;

	if (!vma || addr < vma->start || addr + PMD_SIZE > vma->end)
		return NULL;
	if (vma->mapping)
		return shmem_suitable(vma, addr) ? vma : NULL;
	if (!vma->anon_vma)
		return NULL;
	if (cc->is_khugepaged)
		return thp_suitable(t, vma, addr) ? vma : NULL;
	return (vma->flags & (MAP_ANONYMOUS | MAP_SHARED | VM_NOHUGEPAGE)) == MAP_ANONYMOUS ? vma
											    : NULL;
}

struct collapse {
	struct mm *mm;
	struct vma *vma;
	uint64_t addr;
	struct page_table *pmd, *table;
	uint32_t folio;
};

/* The pages are locked and taken off the LRU list one by one, under the lock of their table. */
static enum scan_result isolate(struct task *t, const struct collapse_control *cc,
				struct collapse *c, unsigned int *done)
{
	struct spinlock *ptl = pte_lockptr(t, c->mm, c->table);
	enum scan_result r;

	*done = 0;
	spin_lock(t, ptl);
	r = look_at_table(t, cc, c->vma, c->table);
	for (unsigned int i = 0; r == SCAN_SUCCEED && i < PTRS_PER_TABLE; i++) {
		uint64_t pte = c->table->slot.pte[i];

		if (!pte || pte & PTE_ZERO || pfn_page(t->k, pte_pfn(pte))->tail) {
			*done = i + 1;
			continue;
		}
		if (!folio_trylock(t, pte_pfn(pte))) {
			r = SCAN_PAGE_LOCK;
		} else if (!folio_isolate_lru(t, pte_pfn(pte))) {
			folio_unlock(t, pte_pfn(pte));
			r = SCAN_DEL_PAGE_LRU;
		} else {
			*done = i + 1;
		}
	}
	spin_unlock(t, ptl);
	return r;
}

/* Back on the list, if they are to stay. */
static void release_ptes(struct task *t, struct collapse *c, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		uint64_t pte = c->table->slot.pte[i];

		if (!pte || pte & PTE_ZERO || pfn_page(t->k, pte_pfn(pte))->tail)
			continue;
		folio_unlock(t, pte_pfn(pte));
		folio_putback_lru(t, pte_pfn(pte));
	}
}

/* __collapse_huge_page_copy: with only mmap_lock, for nobody can reach the table any more. */
static void copy_pages(struct task *t, struct collapse *c)
{
	for (uint32_t i = 0; i < HPAGE_PAGES; i++, cond_resched(t)) {
		uint64_t pte = c->table->slot.pte[i];
		bool none = !pte || pte & PTE_ZERO;

		spend_on_pages(t, bulk_move_time(t, none ? PFN_ZERO : pte_pfn(pte), c->folio + i));
		if (!none)
			pfn_page(t->k, c->folio + i)->contents =
				pfn_page(t->k, pte_pfn(pte))->contents;
		settle(t);
	}
}

static void drop_small_pages(struct task *t, struct collapse *c)
{
	struct spinlock *ptl = pte_lockptr(t, c->mm, c->table);

	for (uint32_t i = 0; i < HPAGE_PAGES; i++) {
		uint64_t pte = c->table->slot.pte[i];
		uint32_t pfn = pte_pfn(pte);

		if (!pte || pte & PTE_ZERO)
			rss_add_bulk(t, c->mm, MM_ANONPAGES, 1);
		if (!pte)
			continue;
		spin_lock(t, ptl);
		spend(t, t->k->cost.pte_clear);
		pt_set(c->table, c->addr + i * PAGE_SIZE, 0);
		if (!(pte & PTE_ZERO))
			folio_remove_rmap(t, pfn);
		spin_unlock(t, ptl);
		if (pte & PTE_ZERO)
			continue;
		if (!pfn_page(t->k, pfn)->tail) {
			folio_unlock(t, pfn);
			folio_putback_lru(t, pfn);
		}
		release_pages(t, &pfn, 1);
	}
}

static void repopulate(struct task *t, struct collapse *c)
{
	struct spinlock *pml = pmd_lockptr(t, c->mm, c->pmd);

	spin_lock(t, pml);
	spend(t, t->k->cost.pte_set);
	pmd_populate(c->pmd, c->table, c->addr);
	spin_unlock(t, pml);
}

static void map_huge(struct task *t, struct collapse *c)
{
	struct spinlock *pml = pmd_lockptr(t, c->mm, c->pmd);
	uint64_t pmd = (uint64_t)c->folio << PAGE_SHIFT | PTE_HUGE | PTE_PRESENT | PTE_ACCESSED |
		       PTE_DIRTY;

	pmd |= (c->vma->prot & PROT_WRITE ? PTE_WRITE : 0) |
	       (c->vma->prot & PROT_EXEC ? PTE_EXEC : 0);
	spin_lock(t, pml);
	folio_add_new_huge_rmap(t, c->vma, c->addr, c->folio);
	folio_add_lru(t, c->folio);
	pgtable_trans_huge_deposit(c->pmd, c->table);
	spend(t, t->k->cost.pte_set);
	pmd_set(c->pmd, c->addr, pmd);
	c->mm->huge_pages = true;
	spin_unlock(t, pml);
}

/* The PMD is cleared and all CPUs forget what it led to: pmdp_collapse_flush. */
static void detach_table(struct task *t, struct collapse *c)
{
	struct spinlock *pml = pmd_lockptr(t, c->mm, c->pmd);

	spin_lock(t, pml);
	c->mm->changing++;
	spend(t, t->k->cost.pte_clear);
	pmd_set(c->pmd, c->addr, 0);
	flush_tlb_mm_range(t, c->mm, c->addr, c->addr + PMD_SIZE, false);
	c->mm->changing--;
	spin_unlock(t, pml);
}

/* Is the PMD still one that leads to a table? */
static enum scan_result find_table(struct collapse *c)
{
	c->table = pt_lookup(c->mm, c->addr);
	c->pmd = pmd_lookup(c->mm, c->addr);
	if (c->table)
		return SCAN_SUCCEED;
	return pmd_read(c->mm, c->addr) ? SCAN_PMD_MAPPED : SCAN_PMD_NULL;
}

/* Under mmap_lock for writing; the folio is not mapped if this fails. */
static enum scan_result collapse_locked(struct task *t, const struct collapse_control *cc,
					struct collapse *c)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_COLLAPSE];
	const struct collapse_ops *ops = p->choice->ops;
	enum scan_result r;
	unsigned int n;

	vma_start_write(t, c->mm, c->vma);
	/* Only now: DONTNEED under the VMA's lock alone may have unhooked the table (PT_RECLAIM),
	 * a race that Linux 6.17 fixed. */
	r = find_table(c);
	if (r != SCAN_SUCCEED)
		return r;
	anon_vma_lock_write(t, c->vma);
	detach_table(t, c);
	ops->wait_for_walkers(p->params, t);
	r = isolate(t, cc, c, &n);
	if (r != SCAN_SUCCEED) {
		repopulate(t, c);
		anon_vma_unlock_write(t, c->vma);
		release_ptes(t, c, n);
		return r;
	}
	anon_vma_unlock_write(t, c->vma);
	copy_pages(t, c);
	drop_small_pages(t, c);
	map_huge(t, c);
	return r;
}

/* No lock is held, neither before nor after. */
static enum scan_result collapse_huge_page(struct task *t, const struct collapse_control *cc,
					   struct mm *mm, uint64_t addr)
{
	struct collapse c = { .mm = mm, .addr = addr };
	enum scan_result r = SCAN_VMA_CHECK;
	struct read_hold hold;

	if (!zone_has_huge_page(t->k->pages))
		return SCAN_ALLOC_HUGE_PAGE_FAIL;
	c.folio = alloc_anon_folio_pmd(t);
	mmap_read_lock(t, mm, &hold); /* where it would swap pages in */
	spend(t, t->k->cost.vma_lookup);
	settle(t);
	c.vma = revalidate(t, cc, mm, addr);
	mmap_read_unlock(t, mm, &hold);
	if (c.vma) {
		mmap_write_lock(t, mm);
		spend(t, t->k->cost.vma_lookup);
		settle(t);
		c.vma = revalidate(t, cc, mm, addr);
		if (c.vma)
			r = collapse_locked(t, cc, &c);
		mmap_write_unlock(t, mm);
	}
	if (r != SCAN_SUCCEED)
		free_page(t, c.folio);
	return r;
}

static enum scan_result count_result(struct task *t, enum scan_result r)
{
	metric_get(sim_metrics(t->k->sim), &desc_collapse, result_names[r])->value++;
	return r;
}

/* A file needs no mmap_lock. */
static enum scan_result scan_file(struct task *t, const struct collapse_control *cc, struct mm *mm,
				  struct vma *vma, uint64_t addr, struct read_hold *hold,
				  bool *locked)
{
	uint64_t index = linear_page_index(vma, addr);
	struct address_space *m = vma->mapping;
	enum scan_result r;

	m->refs++;
	mmap_read_unlock(t, mm, hold);
	*locked = false;
	r = hpage_collapse_scan_file(t, cc, m, index);
	if (r == SCAN_PMD_MAPPED && pt_lookup(mm, addr)) {
		const struct policy_pick *p = &t->k->policy.pick[AXIS_RETRACT];

		((const struct retract_ops *)p->choice->ops)
			->collapse_mapped(p->params, t, mm, addr);
	}
	address_space_put(t->k, m);
	return count_result(t, r);
}

enum scan_result hpage_collapse_scan_pmd(struct task *t, const struct collapse_control *cc,
					 struct mm *mm, struct vma *vma, uint64_t addr,
					 struct read_hold *hold, bool *locked)
{
	struct collapse c = { .mm = mm, .vma = vma, .addr = addr };
	struct page_table *table;
	struct spinlock *ptl;
	enum scan_result r = find_table(&c);

	if (vma->mapping)
		return scan_file(t, cc, mm, vma, addr, hold, locked);
	if (r == SCAN_SUCCEED && !vma->anon_vma)
		r = SCAN_PAGE_RO; /* nothing but zero pages */
	if (r == SCAN_SUCCEED) {
		table = pte_offset_map_lock(t, mm, addr, &ptl);
		r = table ? look_at_table(t, cc, vma, table) : SCAN_PMD_NULL;
		if (table)
			pte_unmap_unlock(t, table, ptl);
	}
	if (r == SCAN_SUCCEED) {
		mmap_read_unlock(t, mm, hold);
		*locked = false;
		r = collapse_huge_page(t, cc, mm, addr);
	}
	return count_result(t, r);
}

int madvise_collapse(struct task *t, struct mm *mm, uint64_t addr, uint64_t end)
{
	static const struct collapse_control cc = { .is_khugepaged = false };
	uint64_t start = (addr + PMD_SIZE - 1) & ~(PMD_SIZE - 1);
	struct read_hold hold;
	bool locked = false;
	int ret = 0;

	lru_add_drain_all(t);
	for (uint64_t a = start; a + PMD_SIZE <= end; a += PMD_SIZE) {
		enum scan_result r;
		struct vma *vma;

		if (!locked) {
			cond_resched(t);
			mmap_read_lock(t, mm, &hold);
		}
		locked = true;
		vma = revalidate(t, &cc, mm, a);
		if (!vma) {
			ret = -EINVAL;
			continue;
		}
		r = hpage_collapse_scan_pmd(t, &cc, mm, vma, a, &hold, &locked);
		if (r != SCAN_SUCCEED && r != SCAN_PMD_MAPPED)
			ret = -EAGAIN;
	}
	if (locked)
		mmap_read_unlock(t, mm, &hold);
	return ret;
}
