// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The radix page table: lookup, making tables, unhooking empty ones.
 */
#include <stdlib.h>

#include "models/kernel/mm.h"

struct page_table *pt_lookup(const struct mm *mm, uint64_t addr)
{
	struct page_table *table = mm->pgd;

	for (int level = PT_PGD; table && level > PT_PTE; level--)
		table = table->slot.child[pt_index(addr, (enum pt_level)level)];
	return table;
}

void pt_set(struct page_table *table, uint64_t addr, uint64_t pte)
{
	uint64_t *slot = &table->slot.pte[pt_index(addr, PT_PTE)];

	table->nr += (pte != 0) - (*slot != 0);
	*slot = pte;
}

static struct page_table *new_table(struct task *t, struct mm *mm, enum pt_level level,
				    uint64_t addr)
{
	struct page_table *table = calloc(1, sizeof(*table));

	table->level = level;
	table->base = addr & ~(pt_span(level) - 1);
	spin_lock_init(t->k, &table->ptl, lock_class_get(t->k, "ptlock"));
	table->pfn = alloc_page(t);
	table->life = pfn_page(t->k, table->pfn)->life;
	spend(t, t->k->cost.table_alloc);
	mm->nr_tables++;
	return table;
}

void pt_free_table(struct kernel *k, struct mm *mm, struct page_table *table)
{
	spin_lock_free(k, &table->ptl);
	mm->nr_tables--;
	free(table);
}

static void discard_table(struct task *t, struct mm *mm, struct page_table *table)
{
	free_page(t, table->pfn);
	pt_free_table(t->k, mm, table);
}

/* Hooks a new table below parent unless somebody was faster. */
static struct page_table *install(struct task *t, struct mm *mm, struct page_table *parent,
				  uint64_t addr)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_TABLE_LOCKS];
	const struct table_lock_ops *ops = p->choice->ops;
	struct page_table *table = new_table(t, mm, parent->level - 1, addr);
	struct page_table **slot = &parent->slot.child[pt_index(addr, parent->level)];
	struct spinlock *pml = parent->level == PT_PMD ? ops->pmd_lockptr(p->params, mm, parent)
						       : &mm->page_table_lock;

	spin_lock(t, pml);
	if (!*slot) {
		*slot = table;
		parent->nr++;
		table = NULL;
	}
	spin_unlock(t, pml);
	if (table)
		discard_table(t, mm, table);
	return *slot;
}

struct page_table *pt_alloc(struct task *t, struct mm *mm, uint64_t addr)
{
	struct page_table *table = mm->pgd;

	if (!table)
		table = mm->pgd = new_table(t, mm, PT_PGD, 0);
	while (table->level > PT_PTE) {
		struct page_table *child = table->slot.child[pt_index(addr, table->level)];

		table = child ? child : install(t, mm, table, addr);
	}
	return table;
}

static void remove_table(struct task *t, struct mmu_gather *tlb, struct page_table *parent,
			 unsigned int index)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_TABLE_FREEING];
	const struct table_free_ops *ops = p->choice->ops;
	struct page_table *table = parent->slot.child[index];

	sim_check(t->k->sim, table->nr == 0, "table-not-empty",
		  "a page table with %u used slots is freed", table->nr);
	parent->slot.child[index] = NULL;
	parent->nr--;
	spend(t, t->k->cost.table_free);
	tlb->freed_tables = true;
	tlb_remove_entry(tlb, table->base);
	ops->remove(p->params, t, tlb, table);
}

/* Frees what lies wholly inside [floor, ceiling) below `table`, from the leaves up. */
static void free_below(struct task *t, struct mmu_gather *tlb, struct page_table *table,
		       uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling)
{
	uint64_t span = pt_span(table->level - 1);

	for (uint64_t at = start & ~(span - 1); at < end; at += span) {
		unsigned int index = pt_index(at, table->level);
		struct page_table *child = table->slot.child[index];

		if (!child)
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
