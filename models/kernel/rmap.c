// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * anon_vma trees, the VMAs of files, and the walk over both. What is done at each PTE is the
 * caller's: reclaim, migration, writeback.
 */
#include "models/kernel/rmap.h"

#include <stdlib.h>

#include "models/kernel/filemap.h"

static struct anon_vma *anon_vma_alloc(struct kernel *k, struct anon_vma *root)
{
	struct anon_vma *anon = calloc(1, sizeof(*anon));

	anon->root = root ? root : anon;
	if (root)
		root->refs++;
	anon->last = &anon->chains;
	rwsem_init(k, &anon->rwsem, lock_class_get(k, "anon_vma"));
	return anon;
}

static void anon_vma_put(struct kernel *k, struct anon_vma *anon)
{
	struct anon_vma *root = anon->root;

	if (--anon->refs)
		return;
	sim_check(k->sim, !anon->chains, "rmap", "an anon_vma is freed with VMAs on it");
	rwsem_free(k, &anon->rwsem);
	free(anon);
	if (root != anon)
		anon_vma_put(k, root);
}

/*
 * At the end: a walk that sets PTEs back (migration) must meet a VMA before those whose PTEs are
 * copied or moved from it meanwhile, so that it finds them in one place or the other.
 *
 * Under the root's lock, or while nobody
 * else can know the anon_vma.
 */
static void chain_link(struct vma *vma, struct anon_vma *anon)
{
	struct anon_vma_chain *c = calloc(1, sizeof(*c));

	c->vma = vma;
	c->anon_vma = anon;
	anon->refs++;
	c->same_vma = vma->chains;
	vma->chains = c;
	c->pprev = anon->last;
	*anon->last = c;
	anon->last = &c->next;
}

void anon_vma_lock_write(struct task *t, struct vma *vma)
{
	if (vma->anon_vma)
		down_write(t, &vma->anon_vma->root->rwsem);
}

void anon_vma_unlock_write(struct task *t, struct vma *vma)
{
	if (vma->anon_vma)
		up_write(t, &vma->anon_vma->root->rwsem);
}

void anon_vma_create(struct task *t, struct vma *vma)
{
	struct anon_vma *anon = anon_vma_alloc(t->k, NULL);

	spend(t, t->k->cost.anon_vma);
	anon->refs++;
	down_write(t, &anon->rwsem);
	spin_lock(t, &vma->mm->page_table_lock);
	if (!vma->anon_vma) { /* else a fault on another page of it was faster */
		vma->anon_vma = anon;
		chain_link(vma, anon);
	}
	spin_unlock(t, &vma->mm->page_table_lock);
	up_write(t, &anon->rwsem);
	anon_vma_put(t->k, anon);
}

void anon_vma_clone(struct task *t, struct vma *to, const struct vma *from)
{
	struct rwsem *sem;

	if (!from->anon_vma)
		return;
	sem = &from->anon_vma->root->rwsem;
	down_write(t, sem);
	for (const struct anon_vma_chain *c = from->chains; c; c = c->same_vma) {
		spend(t, t->k->cost.anon_vma_chain);
		chain_link(to, c->anon_vma);
	}
	to->anon_vma = from->anon_vma;
	up_write(t, sem);
}

void anon_vma_fork(struct task *t, struct vma *child, const struct vma *parent)
{
	struct anon_vma *anon, *root;

	if (!parent->anon_vma)
		return;
	anon_vma_clone(t, child, parent);
	root = parent->anon_vma->root;
	spend(t, t->k->cost.anon_vma_chain);
	anon = anon_vma_alloc(t->k, root);
	down_write(t, &root->rwsem);
	chain_link(child, anon);
	up_write(t, &root->rwsem);
	child->anon_vma = anon;
}

void unlink_anon_vmas(struct task *t, struct vma *vma)
{
	struct kernel *k = vma->mm->k;
	struct anon_vma *root = vma->anon_vma ? vma->anon_vma->root : NULL;
	struct anon_vma_chain *c;

	if (!root)
		return;
	root->refs++;
	if (t)
		down_write(t, &root->rwsem);
	while ((c = vma->chains)) {
		if (t)
			spend(t, k->cost.anon_vma_unlink);
		vma->chains = c->same_vma;
		*c->pprev = c->next;
		if (c->next)
			c->next->pprev = c->pprev;
		else
			c->anon_vma->last = c->pprev;
		anon_vma_put(k, c->anon_vma);
		free(c);
	}
	vma->anon_vma = NULL;
	if (t)
		up_write(t, &root->rwsem);
	anon_vma_put(k, root);
}

void anon_vma_take_over(struct vma *vma, struct vma *from)
{
	if (vma->anon_vma || !from->anon_vma)
		return;
	vma->anon_vma = from->anon_vma;
	vma->chains = from->chains;
	for (struct anon_vma_chain *c = vma->chains; c; c = c->same_vma)
		c->vma = vma;
	from->anon_vma = NULL;
	from->chains = NULL;
}

/* ---- the VMAs of a file ---- */

void i_mmap_lock_write(struct task *t, struct vma *vma)
{
	if (vma->mapping)
		down_write(t, &vma->mapping->i_mmap_rwsem);
}

void i_mmap_unlock_write(struct task *t, struct vma *vma)
{
	if (vma->mapping)
		up_write(t, &vma->mapping->i_mmap_rwsem);
}

void vma_link_file(struct task *t, struct vma *vma)
{
	struct address_space *m = vma->mapping;

	if (!m)
		return;
	if (t) {
		i_mmap_lock_write(t, vma);
		spend(t, t->k->cost.file_link);
	}
	vma->i_mmap_next = NULL;
	vma->i_mmap_pprev = m->i_mmap_last;
	*m->i_mmap_last = vma;
	m->i_mmap_last = &vma->i_mmap_next;
	if (t)
		i_mmap_unlock_write(t, vma);
}

void unlink_file_vma(struct task *t, struct vma *vma)
{
	if (!vma->mapping || !vma->i_mmap_pprev)
		return;
	if (t) {
		i_mmap_lock_write(t, vma);
		spend(t, t->k->cost.file_link);
	}
	*vma->i_mmap_pprev = vma->i_mmap_next;
	if (vma->i_mmap_next)
		vma->i_mmap_next->i_mmap_pprev = vma->i_mmap_pprev;
	else
		vma->mapping->i_mmap_last = vma->i_mmap_pprev;
	vma->i_mmap_pprev = NULL;
	if (t)
		i_mmap_unlock_write(t, vma);
}

/* ---- pages ---- */

void folio_add_new_anon_rmap(struct task *t, struct vma *vma, uint64_t addr, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);

	spend(t, t->k->cost.rmap);
	page->mapcount = 1;
	page->flags |= PG_ANON | PG_SWAPBACKED;
	page->mapping = vma->anon_vma;
	page->index = linear_page_index(vma, addr);
}

void folio_add_new_huge_rmap(struct task *t, struct vma *vma, uint64_t addr, uint32_t pfn)
{
	struct page *folio = pfn_page(t->k, pfn);

	spend(t, t->k->cost.rmap);
	folio->pmd_maps = 1;
	for (uint32_t i = 0; i < HPAGE_PAGES; i++) {
		folio[i].flags |= PG_ANON | PG_SWAPBACKED;
		folio[i].mapping = vma->anon_vma;
		folio[i].index = linear_page_index(vma, addr) + i;
	}
}

void folio_dup_rmap(struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);

	page->mapcount++;
	page_folio(page)->refs++;
	page_folio(page)->forked = true;
}

void folio_remove_rmap(struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);

	if (page->mapcount > 1)
		spend(t, t->k->cost.rmap_shared);
	else
		spend(t, t->k->cost.rmap);
	page->mapcount--;
}

void folio_move_anon_rmap(struct task *t, const struct vma *vma, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);

	for (uint32_t i = 0; page->flags & PG_ANON && i < 1u << page->order; i++)
		page[i].mapping = vma->anon_vma;
}

/* ---- the walk ---- */

struct walk {
	struct task *t;
	uint32_t pfn;
	rmap_one_fn *one;
	void *arg;
};

/* True: go on. */
static bool visit(struct walk *w, struct vma *vma, uint64_t index)
{
	uint64_t pages = (vma->end - vma->start) >> PAGE_SHIFT;

	if (index < vma->pgoff || index >= vma->pgoff + pages)
		return true;
	return w->one(w->t, vma, vma->start + ((index - vma->pgoff) << PAGE_SHIFT), w->pfn, w->arg);
}

static bool lock_read(struct task *t, struct rwsem *sem, struct read_hold *hold, bool try_only)
{
	if (try_only)
		return down_read_trylock(t, sem, hold);
	down_read(t, sem, hold);
	return true;
}

static bool rmap_walk_anon(struct walk *w, bool try_only)
{
	struct task *t = w->t;
	struct page *page = pfn_page(t->k, w->pfn);
	struct anon_vma *anon = page->mapping;
	struct read_hold hold;
	bool locked;

	settle(t);
	if (!page->mapcount) /* then its anon_vma may be gone */
		return true;
	anon->refs++;
	locked = lock_read(t, &anon->root->rwsem, &hold, try_only);
	if (locked && page->mapcount && page->mapping == anon) {
		for (struct anon_vma_chain *c = anon->chains; c; c = c->next)
			if (!visit(w, c->vma, page->index))
				break;
	}
	if (locked)
		up_read(t, &anon->root->rwsem, &hold);
	anon_vma_put(t->k, anon);
	return locked;
}

struct anon_vma *folio_get_anon_vma(struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);

	settle(t);
	if ((page->flags & (PG_ANON | PG_KSM)) != PG_ANON || !page->mapcount)
		return NULL;
	((struct anon_vma *)page->mapping)->refs++;
	return page->mapping;
}

void folio_put_anon_vma(struct task *t, struct anon_vma *anon)
{
	if (anon)
		anon_vma_put(t->k, anon);
}

void rmap_walk_anon_vma(struct task *t, struct anon_vma *anon, uint64_t index, rmap_one_fn *one,
			void *arg)
{
	struct walk w = { .t = t, .one = one, .arg = arg };
	struct read_hold hold;

	down_read(t, &anon->root->rwsem, &hold);
	for (struct anon_vma_chain *c = anon->chains; c; c = c->next)
		if (!visit(&w, c->vma, index))
			break;
	up_read(t, &anon->root->rwsem, &hold);
}

static bool rmap_walk_file(struct walk *w, bool try_only)
{
	struct task *t = w->t;
	struct page *page = pfn_page(t->k, w->pfn);
	struct address_space *m = page->mapping;
	struct read_hold hold;
	bool locked;

	if (!m)
		return true;
	m->refs++;
	locked = lock_read(t, &m->i_mmap_rwsem, &hold, try_only);
	if (locked) {
		for (struct vma *vma = m->i_mmap; vma; vma = vma->i_mmap_next)
			if (!visit(w, vma, page->index))
				break;
		up_read(t, &m->i_mmap_rwsem, &hold);
	}
	address_space_put(t->k, m);
	return locked;
}

bool rmap_walk(struct task *t, uint32_t pfn, rmap_one_fn *one, void *arg, bool try_only)
{
	struct walk w = { .t = t, .pfn = pfn, .one = one, .arg = arg };

	if (pfn_page(t->k, pfn)->flags & PG_KSM)
		return false; /* mapped by VMAs of many trees: only ksmd knows them */
	if (pfn_page(t->k, pfn)->flags & PG_ANON)
		return rmap_walk_anon(&w, try_only);
	return rmap_walk_file(&w, try_only);
}
