// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The flusher thread, msync, and folio_mkclean. One request a page: how the block layer would merge
 * them is not modelled.
 */
#include "models/kernel/writeback.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "models/kernel/blk.h"
#include "models/kernel/shrink.h"

METRIC(desc_written, "writeback.pages", METRIC_COUNTER, "pages", NULL, "dirty file pages written");
METRIC(desc_cleaned, "writeback.ptes_cleaned", METRIC_COUNTER, "1", NULL,
       "PTEs that were write-protected, each with a flush, before their page was written");

struct writeback {
	struct task *flusher;
	struct address_space *dirty; /* mappings with dirty pages */
	uint64_t nr_dirty;           /* pages of all of them */
	bool asked;                  /* to start before its time */
};

void writeback_init(struct kernel *k)
{
	k->writeback = calloc(1, sizeof(*k->writeback));
}

void writeback_free(struct kernel *k)
{
	free(k->writeback);
}

/* ---- folio_mkclean ---- */

static bool mkclean_one(struct task *t, struct vma *vma, uint64_t addr, uint32_t pfn, void *arg)
{
	struct spinlock *ptl;
	struct page_table *table;
	uint64_t pte;

	(void)arg;
	spend(t, t->k->cost.rmap_visit);
	table = pte_offset_map_lock(t, vma->mm, addr, &ptl);
	if (!table)
		return true;
	pte = table->slot.pte[pt_index(addr, PT_PTE)];
	spend(t, t->k->cost.pte_read);
	if (pte & PTE_PRESENT && pte_pfn(pte) == pfn && pte & (PTE_WRITE | PTE_DIRTY)) {
		vma->mm->changing++;
		spend(t, t->k->cost.pte_clear + t->k->cost.pte_set);
		pt_set(table, addr, pte & ~(uint64_t)(PTE_WRITE | PTE_DIRTY));
		flush_tlb_mm_range(t, vma->mm, addr, addr + PAGE_SIZE, false);
		vma->mm->changing--;
		metric_get(sim_metrics(t->k->sim), &desc_cleaned, "")->value++;
	}
	pte_unmap_unlock(t, table, ptl);
	return true;
}

/* ---- writing ---- */

static void write_end(struct kernel *k, struct task *t, uint32_t pfn)
{
	struct page *page = pfn_page(k, pfn);

	page->flags &= (uint16_t)~PG_WRITEBACK;
	k->pages->nr_writeback--;
	if (t)
		reclaim_writeback_ended(t);
	if (t)
		release_pages(t, &pfn, 1);
	else
		put_page_quietly(k, pfn);
}

static void write_page(struct task *t, struct address_space *m, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);

	page->refs++;
	folio_lock(t, pfn);
	if (page->mapping == m && page->flags & PG_DIRTY && !(page->flags & PG_WRITEBACK)) {
		file_cancel_dirty(t, m, pfn);
		rmap_walk(t, pfn, mkclean_one, NULL, false);
		page->flags |= PG_WRITEBACK;
		page->refs++;
		t->k->pages->nr_writeback++;
		metric_get(sim_metrics(t->k->sim), &desc_written, "")->value++;
		blk_submit(t, DISK_WRITE, pfn, write_end);
	}
	folio_unlock(t, pfn);
	release_pages(t, &pfn, 1);
}

/* Pages [first, end) of a file that the caller holds. */
static void write_range(struct task *t, struct address_space *m, uint64_t first, uint64_t end)
{
	for (uint64_t i = first; i < end && m->nr_dirty; i++) {
		uint32_t pfn = filemap_peek(m, i);

		if (!pfn) {
			i = filemap_next(m, i) - 1;
			continue;
		}
		if (pfn_page(t->k, pfn)->flags & PG_DIRTY)
			write_page(t, m, pfn);
		cond_resched(t);
	}
}

/* ---- the flusher ---- */

static void flusher_main(struct task *t, void *arg)
{
	struct writeback *w = arg;

	for (;;) {
		struct address_space *m;
		sim_ps until;

		while (!w->nr_dirty)
			sched_block(t, "dirty pages");
		until = sim_now(t->k->sim) + t->k->m->desc.memory.writeback;
		while (!w->asked && sim_now(t->k->sim) < until)
			sched_sleep(t, until - sim_now(t->k->sim), "the writeback interval");
		w->asked = false;
		if (!kthread_busy(t))
			kthread_stopped(t);
		for (m = w->dirty; m; m = m->next_dirty)
			m->refs++;
		for (struct address_space *next = w->dirty; (m = next);) {
			write_range(t, m, 0, UINT64_MAX);
			next = m->next_dirty;
			address_space_put(t->k, m);
		}
		kthread_idle(t);
	}
}

void file_mark_dirty(struct task *t, const struct vma *vma, uint32_t pfn)
{
	struct writeback *w = t->k->writeback;
	struct address_space *m = vma->mapping;
	struct page *page = pfn_page(t->k, pfn);

	if (!m || page_folio(page)->order || page->mapping != m || page->flags & PG_DIRTY ||
	    vma->flags & MAP_ANONYMOUS)
		return;
	page->flags |= PG_DIRTY;
	if (!m->on_dirty_list) {
		m->on_dirty_list = true;
		m->next_dirty = w->dirty;
		w->dirty = m;
	}
	m->nr_dirty++;
	touch_line(t, &m->i_pages_line, LINE_ATOMIC); /* the tag in its tree */
	if (w->nr_dirty++)
		return;
	if (!w->flusher)
		w->flusher = kthread_spawn(t->k, "flush", flusher_main, w);
	sched_wake(t, w->flusher);
}

void file_cancel_dirty(struct task *t, struct address_space *m, uint32_t pfn)
{
	struct page *page = pfn_page(t->k, pfn);

	if (!(page->flags & PG_DIRTY))
		return;
	page->flags &= (uint16_t)~PG_DIRTY;
	if (!m->on_dirty_list) /* shmem's, dirty since reclaim unmapped it: not counted */
		return;
	m->nr_dirty--;
	t->k->writeback->nr_dirty--;
}

/* Nobody is woken by a write's end: how long one takes, looked at four times. */
static void sleep_a_while(struct task *t)
{
	sched_sleep(t, t->k->m->desc.disk.write / 4 + SIM_US, "writeback");
}

void folio_wait_writeback(struct task *t, uint32_t pfn)
{
	settle(t);
	while (pfn_page(t->k, pfn)->flags & PG_WRITEBACK)
		sleep_a_while(t);
}

bool wakeup_flusher(struct task *t)
{
	struct writeback *w = t->k->writeback;

	if (!w->nr_dirty)
		return false;
	w->asked = true;
	sched_wake(t, w->flusher);
	return true;
}

void writeback_forget(struct kernel *k, struct address_space *m)
{
	struct address_space **link = &k->writeback->dirty;

	if (!m->on_dirty_list)
		return;
	while (*link != m)
		link = &(*link)->next_dirty;
	*link = m->next_dirty;
	k->writeback->nr_dirty -= m->nr_dirty;
}

/* ---- msync ---- */

static void wait_for_writeback(struct task *t)
{
	while (t->k->pages->nr_writeback)
		sleep_a_while(t);
}

int sys_msync(struct task *t, uint64_t addr, uint64_t len)
{
	struct read_hold hold;

	spend(t, t->k->cost.syscall / 2);
	mmap_read_lock(t, t->mm, &hold);
	for (uint64_t end = addr + len; addr < end;) {
		size_t i = vma_index(t->mm, addr);
		struct vma *vma = i < t->mm->nr_vmas ? t->mm->vmas[i] : NULL;
		uint64_t to;

		if (!vma || vma->start >= end)
			break;
		addr = vma->start > addr ? vma->start : addr;
		to = vma->end < end ? vma->end : end;
		if (vma->mapping && vma->flags & MAP_SHARED) { /* vfs_fsync_range, unlocked */
			struct address_space *m = vma->mapping;
			uint64_t first = linear_page_index(vma, addr);

			m->refs++;
			mmap_read_unlock(t, t->mm, &hold);
			write_range(t, m, first, first + ((to - addr) >> PAGE_SHIFT));
			address_space_put(t->k, m);
			mmap_read_lock(t, t->mm, &hold);
		}
		addr = to;
	}
	mmap_read_unlock(t, t->mm, &hold);
	wait_for_writeback(t);
	spend(t, t->k->cost.syscall / 2);
	settle(t);
	return 0;
}
