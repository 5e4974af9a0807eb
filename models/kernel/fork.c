// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * New tasks: clone, vfork and fork with the copy of an mm, as kernel/fork.c has their steps. What
 * tasks do afterwards is in process.c.
 */
#include "models/kernel/khugepaged.h"
#include "models/kernel/ksm.h"
#include "models/kernel/mmu_notifier.h"
#include "models/kernel/process.h"
#include "models/kernel/rmap.h"
#include "models/kernel/swap.h"

void link_task(struct task *t)
{
	spin_lock_irq(t, &t->k->tasklist_lock);
	spend(t, t->k->cost.tasklist);
	spin_unlock_irq(t, &t->k->tasklist_lock);
}

/*
 * copy_process in three stretches, in shares as fork1's fastest forks have them: task_struct,
 * stack, credentials, files and signals; the mm comes here; namespaces, pid, cgroups and lists.
 * Each is more code than a loop goes over, and is cold by itself.
 */
static sim_ps before_mm(sim_ps all)
{
	return all / 3;
}

static void copy_process_begins(struct task *t, sim_ps all)
{
	spend(t, before_mm(all));
	spend(t, before_mm(all));
}

static void copy_process_ends(struct task *t, sim_ps all)
{
	spend(t, all - 2 * before_mm(all));
	link_task(t);
	tracepoint(t);
}

static struct task *wake_up_new_task(struct task *t, const struct task_attr *attr, struct mm *mm)
{
	struct task *child = sched_fork(t, attr, mm);

	/* The queue's clock is read before: this is the parent's, and a child beside it is owed it.
	 */
	spend(t, t->k->cost.wakeup);
	return child;
}

static struct task *copy_sharing_mm(struct task *t, const struct task_attr *attr, sim_ps cost)
{
	copy_process_begins(t, cost);
	touch_line(t, &t->mm->rss_line, LINE_ATOMIC);
	settle(t);
	t->mm->users++;
	copy_process_ends(t, cost);
	return wake_up_new_task(t, attr, t->mm);
}

struct task *sys_clone_thread(struct task *t, const struct task_attr *attr)
{
	struct task *child;

	syscall_enter(t);
	child = copy_sharing_mm(t, attr, t->k->cost.clone);
	syscall_exit(t);
	return child;
}

struct task *sys_vfork(struct task *t, const struct task_attr *attr)
{
	struct task *child;

	syscall_enter(t);
	child = copy_sharing_mm(t, attr, t->k->cost.fork);
	if (!child->exited && child->mm == t->mm) {
		child->vfork_parent = t;
		while (child->vfork_parent)
			sched_block(t, "a child of vfork");
	}
	syscall_exit(t);
	return child;
}

void complete_vfork_done(struct task *t)
{
	struct task *parent = t->vfork_parent;

	if (!parent)
		return;
	t->vfork_parent = NULL;
	sched_wake(t, parent);
}

/* ---- the copy of an mm ---- */

static void copy_ptes(struct task *t, struct mm *to, struct vma *vma, struct page_table *from,
		      uint64_t addr, uint64_t end)
{
	struct page_table *table = pt_alloc(t, to, addr);
	struct spinlock *dst = pte_lockptr(t, to, table);
	struct spinlock *src = pte_lockptr(t, t->mm, from);
	bool cow = !(vma->flags & MAP_SHARED);
	int copied[NR_MM_COUNTERS] = { 0 };

	spin_lock(t, dst);
	if (src != dst)
		spin_lock(t, src);
	for (; addr < end; addr += PAGE_SIZE) {
		uint64_t pte = from->slot.pte[pt_index(addr, PT_PTE)];

		if (!pte) {
			spend(t, t->k->cost.pte_skip);
			continue;
		}
		spend(t, t->k->cost.pte_read + t->k->cost.pte_set);
		if (pte & (PTE_SWAP | PTE_MIGRATION)) { /* nobody has it alone any more */
			if (cow)
				pte &= ~PTE_WRITE;
			pt_set(from, addr, pte);
			if (pte & PTE_SWAP)
				swap_duplicate(t, pte_pfn(pte));
			else
				copied[pte & PTE_FILE ? MM_FILEPAGES : MM_ANONPAGES]++;
			pt_set(table, addr, pte);
			continue;
		}
		if (cow && pte & PTE_WRITE) {
			spend(t, t->k->cost.wrprotect_pte);
			pte &= ~PTE_WRITE;
			pt_set(from, addr, pte);
		}
		if (!(pte & PTE_ZERO)) {
			spend(t, t->k->cost.copy_page);
			folio_dup_rmap(t, pte_pfn(pte));
			copied[pte & PTE_FILE ? MM_FILEPAGES : MM_ANONPAGES]++;
		}
		pt_set(table, addr, pte & ~PTE_ACCESSED);
	}
	for (unsigned int c = 0; c < NR_MM_COUNTERS; c++)
		rss_add_bulk(t, to, c, copied[c]);
	if (src != dst)
		spin_unlock(t, src);
	spin_unlock(t, dst);
}

static void copy_page_range(struct task *t, struct mm *to, struct vma *vma)
{
	for (uint64_t addr = vma->start, next; addr < vma->end; addr = next) {
		struct page_table *from;

		next = (addr & ~(PMD_SIZE - 1)) + PMD_SIZE;
		next = next < vma->end ? next : vma->end;
		spend(t, t->k->cost.pte_read);
		if (copy_huge_pmd(t, to, vma, addr))
			continue;
		from = pt_lookup(t->mm, addr);
		if (from && from->nr)
			copy_ptes(t, to, vma, from, addr, next);
		cond_resched(t);
	}
}

/* Both mmap_locks for writing; one full flush of the parent at the end. */
static void dup_mmap(struct task *t, struct mm *to, struct mm *from)
{
	mmap_write_lock(t, from);
	mmap_write_lock(t, to);
	notifier_range_start(t, from, 0, TASK_SIZE); /* pages become read-only */
	from->changing++;
	to->mmap_base = from->mmap_base;
	to->brk_start = from->brk_start;
	to->brk = from->brk;
	for (size_t i = 0; i < from->nr_vmas; i++) {
		struct vma *vma = from->vmas[i], *copy;

		vma_start_write(t, from, vma);
		if (vma->flags & VM_DONTCOPY)
			continue;
		spend(t, t->k->cost.dup_vma);
		copy = vma_insert_copy(t, to, vma->start, vma->end, vma->pgoff, vma);
		if (vma->flags & VM_WIPEONFORK)
			continue;
		anon_vma_fork(t, copy, vma);
		khugepaged_enter_vma(t, copy);
		if (copy->anon_vma)
			copy_page_range(t, to, vma);
	}
	ksm_fork(t, to, from);
	mmap_write_unlock(t, to);
	flush_tlb_mm(t, from);
	from->changing--;
	notifier_range_end(t, from, 0, TASK_SIZE);
	mmap_write_unlock(t, from);
}

struct task *sys_fork(struct task *t, const struct task_attr *attr)
{
	struct mm *mm = mm_create(t->k);
	struct task *child;

	syscall_enter(t);
	copy_process_begins(t, t->k->cost.fork);
	mm_init_counters(t, mm);
	dup_mmap(t, mm, t->mm);
	copy_process_ends(t, t->k->cost.fork);
	child = wake_up_new_task(t, attr, mm);
	syscall_exit(t);
	return child;
}
