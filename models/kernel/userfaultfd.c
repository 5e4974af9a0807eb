// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * userfaultfd: a fault on a missing page of a registered VMA lets go of its lock, stands in a queue
 * and sleeps; a handler reads it, supplies the page by UFFDIO_COPY, and so wakes it. As Linux 6.9
 * to 6.18, with one userfaultfd for an mm; missing anonymous pages only.
 */
#include "models/kernel/userfaultfd.h"

#include <errno.h>
#include <stdlib.h>

#include "models/kernel/rmap.h"

METRIC(desc_wait, "mm.userfaultfd_wait", METRIC_HISTOGRAM, "ps", NULL,
       "faults on missing pages, from queueing to waking");

/* A fault that waits; on the stack of its task. */
struct uffd_wait {
	struct task *task;
	uint64_t addr;
	bool woken;
	struct uffd_wait *next;
};

/* Who sleeps in read(2). */
struct uffd_reader {
	struct task *task;
	bool woken;
	struct uffd_reader *next;
};

struct userfaultfd {
	struct mm *mm;
	struct spinlock fd_lock, pending_lock, fault_lock; /* of its three wait queues */
	struct uffd_reader *readers;
	struct uffd_wait *pending,
		*read; /* faults that nobody has read yet; that wait for a page */
	bool closed;
};

static int64_t leave(struct task *t, int64_t ret)
{
	syscall_exit(t);
	return ret;
}

struct userfaultfd *sys_userfaultfd(struct task *t)
{
	struct userfaultfd *u = calloc(1, sizeof(*u));
	struct kernel *k = t->k;

	syscall_enter(t);
	u->mm = t->mm;
	spin_lock_init(k, &u->fd_lock, lock_class_get(k, "uffd_fd"));
	spin_lock_init(k, &u->pending_lock, lock_class_get(k, "uffd_pending"));
	spin_lock_init(k, &u->fault_lock, lock_class_get(k, "uffd_fault"));
	t->mm->userfaultfd = u;
	syscall_exit(t);
	return u;
}

void userfaultfd_free(struct mm *mm)
{
	struct userfaultfd *u = mm->userfaultfd;

	if (!u)
		return;
	sim_check(mm->k->sim, !u->pending && !u->read, "task-leak",
		  "faults wait for a userfaultfd at the end");
	spin_lock_free(mm->k, &u->fd_lock);
	spin_lock_free(mm->k, &u->pending_lock);
	spin_lock_free(mm->k, &u->fault_lock);
	free(u);
	mm->userfaultfd = NULL;
}

int sys_uffd_register(struct task *t, struct userfaultfd *u, uint64_t addr, uint64_t len)
{
	int ret = -EINVAL;

	syscall_enter(t);
	if (addr % PAGE_SIZE == 0 && len && len % PAGE_SIZE == 0) {
		mmap_write_lock(t, u->mm);
		ret = vma_change_flags(t, u->mm, addr, addr + len, VM_UFFD_MISSING, 0);
		mmap_write_unlock(t, u->mm);
	}
	return (int)leave(t, ret);
}

/* ---- the fault's side ---- */

static void wake_readers(struct task *t, struct userfaultfd *u)
{
	spin_lock_irq(t, &u->fd_lock);
	while (u->readers) {
		struct uffd_reader *r = u->readers;

		u->readers = r->next;
		r->woken = true;
		sched_wake(t, r->task);
	}
	spin_unlock_irq(t, &u->fd_lock);
}

static void append(struct uffd_wait **link, struct uffd_wait *w)
{
	while (*link)
		link = &(*link)->next;
	w->next = NULL;
	*link = w;
}

static bool unlink_wait(struct uffd_wait **link, struct uffd_wait *w)
{
	while (*link && *link != w)
		link = &(*link)->next;
	if (!*link)
		return false;
	*link = w->next;
	return true;
}

static void leave_queues(struct task *t, struct userfaultfd *u, struct uffd_wait *w)
{
	spin_lock_irq(t, &u->pending_lock);
	if (!unlink_wait(&u->pending, w)) {
		spin_lock(t, &u->fault_lock);
		unlink_wait(&u->read, w);
		spin_unlock(t, &u->fault_lock);
	}
	spin_unlock_irq(t, &u->pending_lock);
}

void handle_userfault(struct task *t, struct fault *f)
{
	struct userfaultfd *u = f->mm->userfaultfd;
	struct uffd_wait w = { .task = t, .addr = f->addr & ~(PAGE_SIZE - 1) };
	sim_ps begin = sim_now(t->k->sim);
	bool must_wait;

	spin_lock_irq(t, &u->pending_lock);
	append(&u->pending, &w);
	spin_unlock_irq(t, &u->pending_lock);
	/* Looked at after queueing: a page that came meanwhile may have woken nobody. */
	must_wait = !u->closed && !leaf_read(f->mm, f->addr);
	release_fault_lock(t, f);
	f->retry = true;
	if (must_wait) {
		wake_readers(t, u);
		while (!w.woken)
			sched_block(t, "the handler of its userfaultfd");
		hist_add(&metric_get(sim_metrics(t->k->sim), &desc_wait, "")->hist,
			 sim_now(t->k->sim) - begin);
	} else if (!w.woken) {
		leave_queues(t, u, &w);
	}
}

/* ---- the handler's side ---- */

/* A fault that was read moves to the queue of those that wait for their page. */
static bool read_one(struct task *t, struct userfaultfd *u, uint64_t *addr)
{
	struct uffd_wait *w;

	spin_lock(t, &u->pending_lock);
	w = u->pending;
	if (w) {
		u->pending = w->next;
		*addr = w->addr;
		spin_lock(t, &u->fault_lock);
		append(&u->read, w);
		spin_unlock(t, &u->fault_lock);
	}
	spin_unlock(t, &u->pending_lock);
	return w;
}

bool sys_uffd_read(struct task *t, struct userfaultfd *u, uint64_t *addr)
{
	bool got = false;

	syscall_enter(t);
	spend(t, t->k->cost.event_file);
	spin_lock_irq(t, &u->fd_lock);
	while (!(got = read_one(t, u, addr)) && !u->closed) {
		struct uffd_reader r = { .task = t, .next = u->readers };

		u->readers = &r;
		spin_unlock_irq(t, &u->fd_lock);
		while (!r.woken)
			sched_block(t, "a fault of its userfaultfd");
		spin_lock_irq(t, &u->fd_lock);
	}
	spin_unlock_irq(t, &u->fd_lock);
	syscall_exit(t);
	return got;
}

static void wake_range(struct task *t, struct uffd_wait **link, uint64_t start, uint64_t end)
{
	while (*link) {
		struct uffd_wait *w = *link;

		if (w->addr < start || w->addr >= end) {
			link = &w->next;
			continue;
		}
		*link = w->next;
		w->woken = true;
		sched_wake(t, w->task);
	}
}

static void wake_userfault(struct task *t, struct userfaultfd *u, uint64_t start, uint64_t end)
{
	spin_lock_irq(t, &u->pending_lock);
	wake_range(t, &u->pending, start, end);
	spin_lock(t, &u->fault_lock);
	wake_range(t, &u->read, start, end);
	spin_unlock(t, &u->fault_lock);
	spin_unlock_irq(t, &u->pending_lock);
}

struct mfill {
	struct vma *vma;
	bool vma_locked; /* else mmap_lock */
	struct read_hold hold;
};

/* uffd_mfill_lock: the VMA's lock since Linux 6.9, if faults take it, else mmap_lock. An anon_vma
 * can only be made under the latter. */
static void mfill_lock(struct task *t, struct mm *mm, uint64_t addr, struct mfill *m)
{
	const struct mmap_lock_ops *ops = t->k->policy.pick[AXIS_MMAP_LOCKING].choice->ops;

	m->vma = ops->fault_takes_vma_lock ? vma_start_read(t, mm, addr) : NULL;
	m->vma_locked = m->vma;
	if (m->vma && m->vma->anon_vma)
		return;
	if (m->vma)
		vma_end_read(t, mm, m->vma);
	m->vma_locked = false;
	mmap_read_lock(t, mm, &m->hold);
	spend(t, t->k->cost.vma_lookup);
	settle(t);
	m->vma = vma_lookup(mm, addr);
	if (m->vma && !m->vma->anon_vma)
		anon_vma_create(t, m->vma);
}

static void mfill_unlock(struct task *t, struct mm *mm, struct mfill *m)
{
	if (m->vma_locked)
		vma_end_read(t, mm, m->vma);
	else
		mmap_read_unlock(t, mm, &m->hold);
}

/* mfill_atomic_install_pte. False: a page is there already, or a huge one. */
static bool install_page(struct task *t, struct vma *vma, uint64_t addr, uint32_t pfn)
{
	struct mm *mm = vma->mm;
	struct page_table *table = pt_alloc(t, mm, addr);
	struct spinlock *ptl;
	uint64_t pte = (uint64_t)pfn << PAGE_SHIFT | PTE_PRESENT | PTE_DIRTY | PTE_ACCESSED;
	bool none;

	table = table ? pte_offset_map_lock(t, mm, addr, &ptl) : NULL;
	if (!table)
		return false;
	none = !table->slot.pte[pt_index(addr, PT_PTE)];
	if (none) {
		pte |= (vma->prot & PROT_WRITE ? PTE_WRITE : 0) |
		       (vma->prot & PROT_EXEC ? PTE_EXEC : 0);
		rss_add_bulk(t, mm, MM_ANONPAGES, 1);
		folio_add_new_anon_rmap(t, vma, addr, pfn);
		folio_add_lru(t, pfn);
		spend(t, t->k->cost.pte_set);
		pt_set(table, addr, pte);
	}
	pte_unmap_unlock(t, table, ptl);
	return none;
}

static int64_t mfill_atomic_copy(struct task *t, struct vma *vma, uint64_t addr, uint64_t end)
{
	int64_t done = 0;

	for (; addr < end; addr += PAGE_SIZE) {
		uint32_t pfn = alloc_page(t);

		/* The handler's buffer is in its cache: only the new page's lines have to come. */
		spend(t, page_move_time(t, pfn, pfn) + t->k->cost.memcg_charge);
		settle(t);
		if (!install_page(t, vma, addr, pfn)) {
			free_page(t, pfn);
			return done ? done : -EEXIST;
		}
		done += (int64_t)PAGE_SIZE;
	}
	return done;
}

int64_t sys_uffd_copy(struct task *t, struct userfaultfd *u, uint64_t addr, uint64_t len)
{
	int64_t ret = -ENOENT;
	struct mfill m;

	syscall_enter(t);
	spend(t, t->k->cost.uffd_ioctl);
	if (addr % PAGE_SIZE || !len || len % PAGE_SIZE)
		return leave(t, -EINVAL);
	mfill_lock(t, u->mm, addr, &m);
	if (m.vma && m.vma->end >= addr + len && m.vma->flags & VM_UFFD_MISSING)
		ret = mfill_atomic_copy(t, m.vma, addr, addr + len);
	mfill_unlock(t, u->mm, &m);
	if (ret > 0)
		wake_userfault(t, u, addr, addr + (uint64_t)ret);
	return leave(t, ret);
}

void sys_uffd_close(struct task *t, struct userfaultfd *u)
{
	syscall_enter(t);
	settle(t);
	u->closed = true;
	mmap_write_lock(t, u->mm);
	for (size_t i = 0; i < u->mm->nr_vmas; i++)
		if (u->mm->vmas[i]->flags & VM_UFFD_MISSING) {
			vma_start_write(t, u->mm, u->mm->vmas[i]);
			u->mm->vmas[i]->flags &= ~VM_UFFD_MISSING;
		}
	mmap_write_unlock(t, u->mm);
	wake_userfault(t, u, 0, TASK_SIZE);
	wake_readers(t, u);
	syscall_exit(t);
}
