// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The radix page table: lookup, making tables, unhooking empty ones.
 */
#include <stdlib.h>

#include "models/hw/usermem.h"
#include "models/kernel/mm.h"

struct page_table *pt_lookup(const struct mm *mm, uint64_t addr)
{
	struct page_table *table = mm->pgd;

	for (int level = PT_PGD; table && level > PT_PTE; level--)
		table = table->slot.child[pt_index(addr, (enum pt_level)level)];
	return (uintptr_t)table & PTE_HUGE ? NULL : table;
}

struct page_table *pmd_lookup(const struct mm *mm, uint64_t addr)
{
	struct page_table *table = mm->pgd;

	for (int level = PT_PGD; table && level > PT_PMD; level--)
		table = table->slot.child[pt_index(addr, (enum pt_level)level)];
	return table;
}

void pt_set(struct page_table *table, uint64_t addr, uint64_t pte)
{
	uint64_t *slot = &table->slot.pte[pt_index(addr, PT_PTE)];

	table->nr += (pte != 0) - (*slot != 0);
	*slot = pte;
}

static const struct table_lock_ops *lock_ops(const struct task *t, const void **params)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_TABLE_LOCKS];

	*params = p->params;
	return p->choice->ops;
}

static struct page_table *new_table(struct task *t, struct mm *mm, enum pt_level level,
				    uint64_t addr)
{
	struct page_table *table = calloc(1, sizeof(*table));
	const void *params;

	table->level = level;
	table->base = addr & ~(pt_span(level) - 1);
	spin_lock_init(t->k, &table->ptl, lock_class_get(t->k, "ptlock"));
	table->pfn = alloc_page(t);
	table->life = pfn_page(t->k, table->pfn)->life;
	usermem_touch_page(t->k->m, this_cpu(t)->cpu->core, table->pfn); /* zeroed there */
	line_init(&table->desc_line, line_class_get(t->k->m, "ptdesc"));
	if (lock_ops(t, &params)->indirect) {
		spend(t, t->k->cost.ptlock_alloc);
		touch_line(t, &table->desc_line, LINE_WRITE);
	}
	spend(t, t->k->cost.table_alloc);
	mm->nr_tables++;
	return table;
}

void pt_free_table(struct kernel *k, struct mm *mm, struct page_table *table)
{
	mm->nr_tables--;
	sim_check(k->sim, !table->deposit, "table-leak", "a PMD table is freed with a deposit");
	sim_check(k->sim, !table->walkers, "table-life", "a page table is freed while %u walk it",
		  table->walkers);
	if (table->walkers) {
		table->slot.child[0] = k->condemned;
		k->condemned = table;
		return;
	}
	spin_lock_free(k, &table->ptl);
	line_free(&table->desc_line, k->m);
	free(table);
}

uint32_t pt_end_table(struct kernel *k, struct mm *mm, struct page_table *table)
{
	uint32_t pfn = table->pfn;

	k->metric.tables_freed->value++;
	free_page_quietly(k, pfn);
	pt_free_table(k, mm, table);
	return pfn;
}

/* The way to the lock: where it is not in the descriptor, that is one line more. */
static void follow(struct task *t, const struct table_lock_ops *ops, struct page_table *table)
{
	if (ops->indirect)
		touch_line(t, &table->desc_line, LINE_READ);
}

struct spinlock *pmd_lockptr(struct task *t, struct mm *mm, struct page_table *pmd)
{
	const void *params;
	const struct table_lock_ops *ops = lock_ops(t, &params);

	follow(t, ops, pmd);
	return ops->pmd_lockptr(params, mm, pmd);
}

struct spinlock *pte_lockptr(struct task *t, struct mm *mm, struct page_table *table)
{
	const void *params;
	const struct table_lock_ops *ops = lock_ops(t, &params);

	follow(t, ops, table);
	return ops->pte_lockptr(params, mm, table);
}

struct page_table *pte_offset_map_lock(struct task *t, struct mm *mm, uint64_t addr,
				       struct spinlock **ptl)
{
	struct page_table *table;

	while ((table = pt_lookup(mm, addr))) {
		table->walkers++;
		*ptl = pte_lockptr(t, mm, table);
		spin_lock(t, *ptl);
		if (pt_lookup(mm, addr) == table)
			return table;
		pte_unmap_unlock(t, table, *ptl); /* reclaimed while we waited */
	}
	return NULL;
}

void pte_unmap_unlock(struct task *t, struct page_table *table, struct spinlock *ptl)
{
	settle(t);
	table->walkers--; /* preemption is off until the lock is gone: RCU keeps it that long */
	spin_unlock(t, ptl);
}

struct page_table *pte_alloc_one(struct task *t, struct mm *mm, uint64_t addr)
{
	return new_table(t, mm, PT_PTE, addr);
}

void pte_free_one(struct task *t, struct mm *mm, struct page_table *table)
{
	free_page(t, table->pfn);
	pt_free_table(t->k, mm, table);
}

/* Hooks a new table below parent unless somebody was faster. */
static struct page_table *install(struct task *t, struct mm *mm, struct page_table *parent,
				  uint64_t addr)
{
	struct page_table *table = new_table(t, mm, parent->level - 1, addr);
	struct page_table **slot = &parent->slot.child[pt_index(addr, parent->level)];
	struct spinlock *pml = parent->level == PT_PMD ? pmd_lockptr(t, mm, parent)
						       : &mm->page_table_lock;

	spin_lock(t, pml);
	if (!*slot) {
		*slot = table;
		parent->nr++;
		table = NULL;
	}
	spin_unlock(t, pml);
	if (table)
		pte_free_one(t, mm, table);
	return *slot;
}

static struct page_table *alloc_down_to(struct task *t, struct mm *mm, uint64_t addr,
					enum pt_level lowest)
{
	struct page_table *table = mm->pgd;

	if (!table) {
		table = new_table(t, mm, PT_PGD, 0);
		if (mm->pgd)
			pte_free_one(t, mm, table);
		else
			mm->pgd = table;
		table = mm->pgd;
	}
	while (table->level > lowest) {
		struct page_table *child = table->slot.child[pt_index(addr, table->level)];

		if (!child)
			child = install(t, mm, table, addr);
		if ((uintptr_t)child & PTE_HUGE)
			return NULL;
		if (child) /* else it was reclaimed at once */
			table = child;
	}
	return table;
}

struct page_table *pt_alloc(struct task *t, struct mm *mm, uint64_t addr)
{
	return alloc_down_to(t, mm, addr, PT_PTE);
}

struct page_table *pmd_alloc(struct task *t, struct mm *mm, uint64_t addr)
{
	return alloc_down_to(t, mm, addr, PT_PMD);
}

/* ---- PT_RECLAIM ---- */

static struct page_table *unhook_pte(struct page_table *pmd, struct page_table *table)
{
	pmd->slot.child[pt_index(table->base, PT_PMD)] = NULL;
	pmd->nr--;
	return table;
}

struct page_table *try_unhook_pte(struct task *t, struct mm *mm, struct page_table *table)
{
	struct page_table *pmd = pmd_lookup(mm, table->base);
	struct spinlock *pml = pmd_lockptr(t, mm, pmd);

	if (!spin_trylock(t, pml))
		return NULL;
	unhook_pte(pmd, table);
	spend(t, t->k->cost.pte_clear);
	spin_unlock(t, pml);
	return table;
}

struct page_table *unhook_pte_if_empty(struct task *t, struct mm *mm, uint64_t addr)
{
	struct page_table *pmd = pmd_lookup(mm, addr), *table, *gone = NULL;
	struct spinlock *pml = pmd_lockptr(t, mm, pmd), *ptl;

	spin_lock(t, pml);
	table = pt_lookup(mm, addr);
	ptl = table ? pte_lockptr(t, mm, table) : pml;
	if (ptl != pml)
		spin_lock(t, ptl);
	spend(t, PTRS_PER_TABLE * t->k->cost.pte_skip);
	if (table && !table->nr)
		gone = unhook_pte(pmd, table);
	if (ptl != pml)
		spin_unlock(t, ptl);
	spin_unlock(t, pml);
	return gone;
}

void free_pte(struct task *t, struct mmu_gather *tlb, struct page_table *table)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_TABLE_FREEING];

	spend(t, t->k->cost.table_free);
	tlb->freed_tables = true;
	tlb_remove_entry(tlb, table->base);
	((const struct table_free_ops *)p->choice->ops)->remove(p->params, t, tlb, table);
}

/* ---- munmap and exit ---- */

static void remove_table(struct task *t, struct mmu_gather *tlb, struct page_table *parent,
			 unsigned int index)
{
	struct page_table *table = parent->slot.child[index];

	sim_check(t->k->sim, table->nr == 0, "table-not-empty",
		  "a page table with %u used slots is freed", table->nr);
	parent->slot.child[index] = NULL;
	parent->nr--;
	free_pte(t, tlb, table);
}

/* Frees what lies wholly inside [floor, ceiling) below `table`, from the leaves up. */
static void free_below(struct task *t, struct mmu_gather *tlb, struct page_table *table,
		       uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling)
{
	uint64_t span = pt_span(table->level - 1);

	for (uint64_t at = start & ~(span - 1); at < end; at += span) {
		unsigned int index = pt_index(at, table->level);
		struct page_table *child = table->slot.child[index];

		if (!child || (uintptr_t)child & PTE_HUGE) /* huge: a neighbour's */
			continue;
		if (child->level > PT_PTE) {
			uint64_t a = at > start ? at : start;

			free_below(t, tlb, child, a, at + span < end ? at + span : end, floor,
				   ceiling);
		}
		if (at >= floor && at + span <= ceiling)
			remove_table(t, tlb, table, index);
	}
}

void free_pgtables(struct task *t, struct mmu_gather *tlb, uint64_t start, uint64_t end,
		   uint64_t floor, uint64_t ceiling)
{
	if (tlb->mm->pgd)
		free_below(t, tlb, tlb->mm->pgd, start, end, floor, ceiling);
}
