// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Comparing and merging pages, in the order of locks and flushes of Linux 6.12: a page is first
 * write-protected with a flush under its table's lock, then compared once more, then its PTE is
 * replaced with another flush. Trees are hash tables here, but cost their depth in comparisons.
 */
#include "models/kernel/ksm_merge.h"

#include <stdlib.h>

#include "models/kernel/huge_memory.h"
#include "models/kernel/rmap.h"

METRIC(desc_ksm, "ksm.pages", METRIC_COUNTER, "1", "event", "what came of pages that ksmd saw");

#define BUCKETS 4096

struct node {
	uint64_t contents;
	uint32_t pfn, life; /* of a merged page */
	struct mm *mm;      /* where an unmerged one is */
	uint64_t addr;
	struct node *next;
};

struct tree {
	struct node *bucket[BUCKETS];
	uint64_t n;
};

struct ksm_trees {
	struct tree stable, unstable;
};

static void count(struct task *t, const char *event)
{
	metric_get(sim_metrics(t->k->sim), &desc_ksm, event)->value++;
}

/* ---- the trees ---- */

static void tree_clear(struct tree *tree)
{
	for (unsigned int i = 0; i < BUCKETS; i++) {
		while (tree->bucket[i]) {
			struct node *node = tree->bucket[i];

			tree->bucket[i] = node->next;
			free(node);
		}
	}
	tree->n = 0;
}

struct ksm_trees *ksm_trees_create(void)
{
	return calloc(1, sizeof(struct ksm_trees));
}

void ksm_trees_free(struct ksm_trees *trees)
{
	tree_clear(&trees->stable);
	tree_clear(&trees->unstable);
	free(trees);
}

void ksm_trees_new_round(struct ksm_trees *trees)
{
	tree_clear(&trees->unstable);
}

/* Where the node is, or where it would be put. */
static struct node **tree_find(struct tree *tree, uint64_t contents)
{
	struct node **link = &tree->bucket[contents % BUCKETS];

	while (*link && (*link)->contents != contents)
		link = &(*link)->next;
	return link;
}

/* Down a balanced tree: a comparison for each level. */
static struct node **tree_search(struct task *t, struct tree *tree, uint64_t contents)
{
	for (uint64_t n = tree->n; n; n /= 2)
		spend(t, t->k->cost.ksm_compare);
	settle(t);
	return tree_find(tree, contents);
}

static void tree_insert(struct tree *tree, const struct node *node)
{
	struct node **link = tree_find(tree, node->contents);

	struct node *next = *link ? (*link)->next : NULL;

	if (!*link) {
		*link = calloc(1, sizeof(**link));
		tree->n++;
	}
	**link = *node;
	(*link)->next = next;
}

static void tree_remove(struct tree *tree, struct node **link)
{
	struct node *node = *link;

	*link = node->next;
	free(node);
	tree->n--;
}

/* ksm_get_folio: the page that a stable node names, with a reference, unless it has gone since. */
static uint32_t stable_page(struct task *t, struct tree *tree, uint64_t contents)
{
	struct node **link = tree_search(t, tree, contents), *node = *link;
	struct page *page;

	if (!node || !contents)
		return 0;
	page = pfn_page(t->k, node->pfn);
	/* Without users it is about to be freed. */
	if (page->life != node->life || !page_folio(page)->refs || !(page->flags & PG_KSM) ||
	    page->contents != contents) {
		tree_remove(tree, link);
		return 0;
	}
	page_folio(page)->refs++;
	touch_page(t, node->pfn);
	return node->pfn;
}

/* ---- one PTE ---- */

uint32_t ksm_get_page(struct task *t, struct mm *mm, uint64_t addr)
{
	uint64_t pte = leaf_read(mm, addr);

	spend(t, pte ? t->k->cost.pte_read : t->k->cost.pte_skip);
	if (!(pte & PTE_PRESENT) || pte & (PTE_ZERO | PTE_FILE))
		return 0;
	if (pte & PTE_HUGE) {
		page_folio(pfn_page(t->k, pte_pfn(pte)))->refs++;
	} else {
		struct spinlock *ptl;
		struct page_table *table = pte_offset_map_lock(t, mm, addr, &ptl);

		pte = table ? table->slot.pte[pt_index(addr, PT_PTE)] : 0;
		if (!(pte & PTE_PRESENT) || pte & (PTE_ZERO | PTE_FILE))
			pte = 0;
		if (pte)
			page_folio(pfn_page(t->k, pte_pfn(pte)))->refs++;
		if (table)
			pte_unmap_unlock(t, table, ptl);
	}
	if (pte)
		touch_page(t, pte_pfn(pte) - pfn_page(t->k, pte_pfn(pte))->tail);
	return pte_pfn(pte);
}

/* ptep_clear_flush */
static uint64_t clear_and_flush(struct task *t, struct mm *mm, struct page_table *table,
				uint64_t addr)
{
	uint64_t pte = table->slot.pte[pt_index(addr, PT_PTE)];

	mm->changing++;
	spend(t, t->k->cost.pte_clear);
	pt_set(table, addr, 0);
	flush_tlb_mm_range(t, mm, addr, addr + PAGE_SIZE, false);
	mm->changing--;
	return pte;
}

/* Does somebody beside its mappings and us hold it (a gather, an LRU batch, somebody's I/O)? */
static bool held_elsewhere(struct task *t, uint32_t pfn)
{
	const struct page *page = pfn_page(t->k, pfn);

	return !page_folio(pfn_page(t->k, pfn))->order && page->refs != page->mapcount + 1;
}

/* From now on nobody writes to the page through this PTE. *pte: what it is now. */
static bool write_protect_page(struct task *t, struct mm *mm, uint64_t addr, uint32_t pfn,
			       uint64_t *pte)
{
	struct spinlock *ptl;
	struct page_table *table = pte_offset_map_lock(t, mm, addr, &ptl);
	bool ok = false;

	if (!table)
		return false;
	*pte = table->slot.pte[pt_index(addr, PT_PTE)];
	if (*pte & PTE_PRESENT && pte_pfn(*pte) == pfn) {
		uint64_t old = *pte;

		if (old & (PTE_WRITE | PTE_DIRTY))
			old = clear_and_flush(t, mm, table, addr);
		ok = !held_elsewhere(t, pfn);
		*pte = ok ? old & ~(PTE_WRITE | PTE_DIRTY) : old;
		spend(t, t->k->cost.pte_set);
		pt_set(table, addr, *pte);
	}
	pte_unmap_unlock(t, table, ptl);
	return ok;
}

/* The PTE leads to kpfn, which gets a reference of its own. */
static bool replace_page(struct task *t, struct mm *mm, uint64_t addr, uint64_t expected,
			 uint32_t kpfn)
{
	struct spinlock *ptl;
	struct page_table *table = pte_offset_map_lock(t, mm, addr, &ptl);
	uint32_t old = pte_pfn(expected);
	uint64_t pte;
	bool same;

	if (!table)
		return false;
	pte = table->slot.pte[pt_index(addr, PT_PTE)];
	same = pte_pfn(pte) == old && pte & PTE_PRESENT && !(pte & PTE_WRITE);
	if (same) {
		clear_and_flush(t, mm, table, addr);
		spend(t, t->k->cost.rmap);
		folio_dup_rmap(t, kpfn);
		spend(t, t->k->cost.pte_set);
		pt_set(table, addr,
		       (uint64_t)kpfn << PAGE_SHIFT | (pte & (PAGE_SIZE - 1) & ~PTE_DIRTY));
		folio_remove_rmap(t, old);
	}
	pte_unmap_unlock(t, table, ptl);
	if (same)
		release_pages(t, &old, 1);
	return same;
}

/* ---- merging ---- */

/* kpfn == 0: the page itself becomes one that others may be merged with. Under mmap_lock. */
static bool merge_one(struct task *t, struct mm *mm, uint64_t addr, uint32_t pfn, uint32_t kpfn)
{
	struct page *page = pfn_page(t->k, pfn);
	uint32_t folio = pfn - page->tail;
	bool ok;
	uint64_t pte;

	if (pfn == kpfn || page->flags & PG_KSM || !folio_trylock(t, folio))
		return false;
	if (pmd_read(mm, addr))
		split_huge_pmd(t, mm, addr);
	ok = write_protect_page(t, mm, addr, pfn, &pte);
	if (ok && kpfn) {
		spend(t, t->k->cost.page_compare);
		settle(t);
		ok = page->contents == pfn_page(t->k, kpfn)->contents && page->contents &&
		     replace_page(t, mm, addr, pte, kpfn);
	} else if (ok) {
		ok = page->contents;
		page->flags |= ok ? PG_KSM : 0;
	}
	folio_unlock(t, folio);
	return ok;
}

static bool is_mergeable(const struct mm *mm, uint64_t addr)
{
	const struct vma *vma = mm->users ? vma_lookup(mm, addr) : NULL;

	return vma && vma->flags & VM_MERGEABLE && vma->anon_vma;
}

static bool merge_with(struct task *t, struct mm *mm, uint64_t addr, uint32_t pfn, uint32_t kpfn)
{
	struct read_hold hold;
	bool ok;

	mmap_read_lock(t, mm, &hold);
	ok = is_mergeable(mm, addr) && merge_one(t, mm, addr, pfn, kpfn);
	mmap_read_unlock(t, mm, &hold);
	return ok;
}

/* Both unmerged so far: ours becomes the one that theirs is merged with. */
static void merge_two(struct task *t, struct ksm_trees *trees, struct ksm_rmap_item *item,
		      uint32_t pfn, const struct node *other)
{
	struct read_hold hold;
	uint32_t theirs;

	mmap_read_lock(t, other->mm, &hold);
	theirs = is_mergeable(other->mm, other->addr) ? ksm_get_page(t, other->mm, other->addr) : 0;
	mmap_read_unlock(t, other->mm, &hold);
	if (!theirs)
		return;
	if (theirs != pfn && merge_with(t, item->mm, item->addr, pfn, 0)) {
		struct page *page = pfn_page(t->k, pfn);

		if (merge_with(t, other->mm, other->addr, theirs, pfn)) {
			tree_insert(&trees->stable, &(struct node){ .contents = page->contents,
								    .pfn = pfn,
								    .life = page->life });
			count(t, "new");
			count(t, "merged");
		} else {
			page->flags &= ~PG_KSM; /* alone, and so as before */
		}
	}
	release_pages(t, &theirs, 1);
}

void cmp_and_merge_page(struct task *t, struct ksm_trees *trees, struct ksm_rmap_item *item,
			uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);
	uint64_t contents = page->contents;
	struct node **link, other;
	uint32_t kpfn;

	if (page->flags & PG_KSM)
		return;
	kpfn = stable_page(t, &trees->stable, contents);
	if (kpfn) {
		count(t, merge_with(t, item->mm, item->addr, pfn, kpfn) ? "merged" : "failed");
		release_pages(t, &kpfn, 1);
		return;
	}
	spend(t, t->k->cost.ksm_checksum);
	settle(t);
	if (!contents || item->checksum != contents) { /* it changes too often, or is new */
		item->checksum = contents;
		count(t, "volatile");
		return;
	}
	link = tree_search(t, &trees->unstable, contents);
	if (!*link) {
		tree_insert(
			&trees->unstable,
			&(struct node){ .contents = contents, .mm = item->mm, .addr = item->addr });
		return;
	}
	other = **link;
	tree_remove(&trees->unstable, link);
	merge_two(t, trees, item, pfn, &other);
}

void ksm_unmerge(struct task *t, struct mm *mm, uint64_t addr, uint64_t end)
{
	for (; addr < end; addr += PAGE_SIZE) {
		uint64_t pte = leaf_read(mm, addr);
		struct fault f = { .mm = mm, .addr = addr, .access = USER_WRITE };

		spend(t, pte ? t->k->cost.pte_read : t->k->cost.pte_skip);
		if (!(pte & PTE_PRESENT) || pte & (PTE_ZERO | PTE_FILE) ||
		    !(pfn_page(t->k, pte_pfn(pte))->flags & PG_KSM))
			continue;
		f.vma = vma_lookup(mm, addr);
		if (f.vma)
			handle_mm_fault(t, &f);
	}
}
