// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Holes in shared memory and shared files: MADV_REMOVE, in the order of steps of shmem_fallocate
 * and truncate_inode_pages_range of Linux 6.12 to 6.18. Every mapping of the range is zapped,
 * whoever's it is; then the pages leave their cache, locked, many at a time where nobody has their
 * locks. A fault that comes later fills the hole (filemap.c).
 */
#include <errno.h>
#include <sys/mman.h>

#include "models/kernel/fault.h"
#include "models/kernel/filemap.h"
#include "models/kernel/mmu_notifier.h"
#include "models/kernel/writeback.h"

METRIC(desc_pages, "mm.truncated", METRIC_COUNTER, "pages", NULL,
       "pages of files and shared memory that holes were punched through");

#define FOLIO_BATCH 31 /* the kernel's PAGEVEC_SIZE */

struct hole {
	struct address_space *m;
	uint64_t first, end; /* pages of the file */
};

/* ---- mappings ---- */

/* zap_page_range_single, of a VMA of any mm. */
static void zap_part(struct task *t, struct vma *vma, uint64_t start, uint64_t end)
{
	struct mmu_gather tlb;

	lru_drain_for_zap(t);
	notifier_range_start(t, vma->mm, start, end);
	tlb_gather_mmu(t, &tlb, vma->mm);
	zap_range(t, &tlb, vma, start, end, false);
	tlb_finish_mmu(t, &tlb);
	notifier_range_end(t, vma->mm, start, end);
}

/* All VMAs of a file share it: a mapping call makes a file, and private ones are refused. */
static void unmap_mapping_pages(struct task *t, struct address_space *m, uint64_t first,
				uint64_t end)
{
	struct read_hold hold;

	down_read(t, &m->i_mmap_rwsem, &hold);
	for (struct vma *vma = m->i_mmap; vma; vma = vma->i_mmap_next) {
		uint64_t last = vma->pgoff + ((vma->end - vma->start) >> PAGE_SHIFT);
		uint64_t from = first > vma->pgoff ? first : vma->pgoff;
		uint64_t to = end < last ? end : last;

		if (from < to)
			zap_part(t, vma, vma->start + ((from - vma->pgoff) << PAGE_SHIFT),
				 vma->start + ((to - vma->pgoff) << PAGE_SHIFT));
	}
	up_read(t, &m->i_mmap_rwsem, &hold);
}

/* ---- pages ---- */

/* The page, or the whole folio, is locked and held: its last mappings go. */
static void cleanup_folio(struct task *t, const struct hole *h, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);

	if (page->mapcount || (page->order && page->refs > HPAGE_PAGES + 1))
		unmap_mapping_pages(t, h->m, page->index, page->index + (1u << page->order));
	file_cancel_dirty(t, h->m, pfn);
}

static void delete_batch(struct task *t, const struct hole *h, uint32_t *pfn, unsigned int n)
{
	unsigned int pages = 0;

	if (!n)
		return;
	for (unsigned int i = 0; i < n; i++)
		cleanup_folio(t, h, pfn[i]);
	filemap_delete(t, h->m, pfn, n);
	for (unsigned int i = 0; i < n; i++) {
		folio_unlock(t, pfn[i]);
		pages += 1u << pfn_page(t->k, pfn[i])->order;
	}
	release_pages(t, pfn, n);
	kernel_metric(t->k, &t->k->metric.truncated, &desc_pages)->value += pages;
}

/* Takes page i of the file, unless somebody else has its lock or it went while we asked for it. */
static bool find_lock_entry(struct task *t, const struct hole *h, uint64_t i, uint32_t pfn)
{
	pfn_page(t->k, pfn)->refs++; /* before the lock: whoever has that lets go of the page */
	if (folio_trylock(t, pfn)) {
		if (filemap_peek(h->m, i) == pfn)
			return true;
		folio_unlock(t, pfn);
	}
	release_pages(t, &pfn, 1);
	return false;
}

/* find_lock_entries: those whose lock is free and that nothing is written of. */
static void delete_unlocked(struct task *t, const struct hole *h)
{
	uint32_t batch[FOLIO_BATCH];
	unsigned int n = 0;

	for (uint64_t i = h->first; i < h->end; i = filemap_next(h->m, i)) {
		uint32_t pfn = filemap_peek(h->m, i);
		struct page *page = pfn_page(t->k, pfn);

		spend(t, t->k->cost.pte_read);
		if (!pfn || page_folio(page)->order || page->flags & (PG_LOCKED | PG_WRITEBACK) ||
		    !find_lock_entry(t, h, i, pfn))
			continue;
		batch[n++] = pfn;
		if (n == FOLIO_BATCH) {
			delete_batch(t, h, batch, n);
			n = 0;
		}
	}
	delete_batch(t, h, batch, n);
}

/* A huge page that the hole cuts stays, and that part of it is zeroed. Returns what lies behind. */
static uint64_t zero_part(struct task *t, const struct hole *h, uint64_t i)
{
	uint64_t next = (i / HPAGE_PAGES + 1) * HPAGE_PAGES;

	next = next < h->end ? next : h->end;
	for (; i < next; i++) {
		uint32_t pfn = filemap_peek(h->m, i);

		if (pfn)
			spend_on_pages(t, page_move_time(t, PFN_ZERO, pfn));
	}
	settle(t);
	return next;
}

/* The others, one by one, as their locks come. */
static void delete_rest(struct task *t, const struct hole *h)
{
	for (uint64_t i = h->first; i < h->end;) {
		uint32_t pfn = filemap_peek(h->m, i);
		struct page *page = pfn_page(t->k, pfn);
		uint64_t next = filemap_next(h->m, i);

		if (!pfn) {
			i = next;
			continue;
		}
		if (page_folio(page)->order) {
			next = i + HPAGE_PAGES;
			if (page->tail || next > h->end) {
				i = zero_part(t, h, i);
				continue;
			}
		}
		page->refs++;
		folio_lock(t, pfn);
		folio_wait_writeback(t, pfn);
		if (filemap_peek(h->m, i) == pfn) {
			delete_batch(t, h, &pfn, 1);
			i = next;
		} else { /* another one came meanwhile */
			folio_unlock(t, pfn);
			release_pages(t, &pfn, 1);
		}
	}
}

/* ---- the hole ---- */

struct hole_waiter {
	struct task *task;
	bool woken;
	struct hole_waiter *next;
};

static bool in_hole(const struct address_space *m, uint64_t index)
{
	return m->punched && index >= m->punched->first && index < m->punched->end;
}

/* Without this, faults would map what is being unmapped again, and the hole might never be done. */
bool fault_waits_for_hole(struct task *t, struct fault *f, uint64_t index)
{
	struct address_space *m = f->vma->mapping;
	struct hole_waiter w = { .task = t };

	if (!in_hole(m, index))
		return false;
	m->refs++;
	release_fault_lock(t, f);
	spin_lock(t, &m->i_lock);
	w.woken = !in_hole(m, index);
	if (!w.woken) {
		w.next = m->hole_waiters;
		m->hole_waiters = &w;
	}
	spin_unlock(t, &m->i_lock);
	while (!w.woken)
		sched_block(t, "a hole being punched");
	address_space_put(t->k, m);
	return true;
}

/* NULL: it is done, and who waited goes on. */
static void set_punched(struct task *t, struct address_space *m, const struct hole *h)
{
	struct hole_waiter *woken = NULL, *w;

	spin_lock(t, &m->i_lock);
	m->punched = h;
	if (!h) {
		woken = m->hole_waiters;
		m->hole_waiters = NULL;
	}
	spin_unlock(t, &m->i_lock);
	while ((w = woken)) {
		woken = w->next;
		w->woken = true;
		sched_wake(t, w->task);
	}
}

/* The file's own lock orders those who punch; mmap_lock is not held. */
static void punch_hole(struct task *t, const struct hole *h)
{
	down_write(t, &h->m->i_rwsem);
	set_punched(t, h->m, h);
	unmap_mapping_pages(t, h->m, h->first, h->end);
	delete_unlocked(t, h);
	delete_rest(t, h);
	set_punched(t, h->m, NULL);
	up_write(t, &h->m->i_rwsem);
}

int madvise_remove(struct task *t, struct mm *mm, uint64_t addr, uint64_t end)
{
	struct read_hold hold;
	int ret = 0;

	mmap_read_lock(t, mm, &hold);
	while (addr < end && !ret) {
		size_t i = vma_index(mm, addr);
		struct vma *vma = i < mm->nr_vmas ? mm->vmas[i] : NULL;
		struct hole h;
		uint64_t stop;

		if (!vma || vma->start > addr) {
			ret = -ENOMEM;
			break;
		}
		if (!vma->mapping || !(vma->flags & MAP_SHARED) || !(vma->prot & PROT_WRITE)) {
			ret = vma->mapping ? -EACCES : -EINVAL;
			break;
		}
		stop = vma->end < end ? vma->end : end;
		h = (struct hole){ vma->mapping, linear_page_index(vma, addr), 0 };
		h.end = h.first + ((stop - addr) >> PAGE_SHIFT);
		h.m->refs++; /* get_file */
		mmap_read_unlock(t, mm, &hold);
		punch_hole(t, &h);
		address_space_put(t->k, h.m);
		mmap_read_lock(t, mm, &hold);
		addr = stop;
	}
	mmap_read_unlock(t, mm, &hold);
	return ret;
}
