// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Tasks as workloads see them: spawning, clone, fork, exec, exit, their own work, blocking and
 * waking.
 */
#include <stdlib.h>

#include "models/kernel/khugepaged.h"
#include "models/kernel/ksm.h"
#include "models/kernel/numa.h"
#include "models/kernel/mmu_notifier.h"
#include "models/kernel/rmap.h"
#include "models/kernel/swap.h"

struct task *kernel_spawn(struct kernel *k, const struct task_attr *attr)
{
	return sched_spawn(k, attr, mm_create(k), false);
}

/* An mm that it never touches: its switches load CR3 as those of any process do. */
struct task *kernel_spawn_daemon(struct kernel *k, const struct task_attr *attr)
{
	return sched_spawn(k, attr, mm_create(k), true);
}

struct task *kernel_spawn_kthread(struct kernel *k, const struct task_attr *attr)
{
	return sched_spawn(k, attr, NULL, true);
}

/* Every birth and death of a task writes to the lists of all tasks. */
static void link_task(struct task *t)
{
	spin_lock_irq(t, &t->k->tasklist_lock);
	spend(t, t->k->cost.tasklist);
	spin_unlock_irq(t, &t->k->tasklist_lock);
}

struct task *sys_clone_thread(struct task *t, const struct task_attr *attr)
{
	struct task *child;

	syscall_enter(t);
	spend(t, t->k->cost.clone);
	touch_line(t, &t->mm->rss_line, LINE_ATOMIC);
	settle(t);
	t->mm->users++;
	link_task(t);
	tracepoint(t);
	child = sched_fork(t, attr, t->mm);
	syscall_exit(t);
	return child;
}

/* ---- fork ---- */

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
			spend(t, t->k->cost.pte_clear);
			pte &= ~PTE_WRITE;
			pt_set(from, addr, pte);
		}
		if (!(pte & PTE_ZERO)) {
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
	}
}

/* Both mmap_locks for writing; one full flush of the parent at the end. */
void dup_mmap(struct task *t, struct mm *to, struct mm *from)
{
	mmap_write_lock(t, from);
	mmap_write_lock(t, to);
	notifier_range_start(t, from, 0, TASK_SIZE); /* pages become read-only */
	from->changing++;
	to->brk_start = from->brk_start;
	to->brk = from->brk;
	for (size_t i = 0; i < from->nr_vmas; i++) {
		struct vma *vma = from->vmas[i], *copy;

		vma_start_write(t, from, vma);
		if (vma->flags & VM_DONTCOPY)
			continue;
		spend(t, t->k->cost.vma_alloc + t->k->cost.vma_store);
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
	flush_tlb_mm_range(t, from, 0, TLB_FLUSH_ALL, false);
	from->changing--;
	notifier_range_end(t, from, 0, TASK_SIZE);
	mmap_write_unlock(t, from);
}

struct task *sys_fork(struct task *t, const struct task_attr *attr)
{
	struct mm *mm = mm_create(t->k);
	struct task *child;

	syscall_enter(t);
	spend(t, t->k->cost.fork);
	mm_init_counters(t, mm);
	dup_mmap(t, mm, t->mm);
	link_task(t);
	tracepoint(t);
	child = sched_fork(t, attr, mm);
	syscall_exit(t);
	return child;
}

void sys_execve(struct task *t)
{
	struct mm *old = t->mm, *mm = mm_create(t->k);

	syscall_enter(t);
	spend(t, t->k->cost.exec);
	mm_init_counters(t, mm);
	irq_disable(t);
	switch_mm_irqs_off(t, mm);
	t->mm = mm;
	irq_enable(t);
	mm_drop(t, old);
	syscall_exit(t);
}

static void exit_mm(struct task *t)
{
	struct mm *mm = t->mm;
	struct read_hold hold;

	mmap_read_lock(t, mm, &hold);
	irq_disable(t);
	t->mm = NULL;
	enter_lazy_tlb(t);
	irq_enable(t);
	mmap_read_unlock(t, mm, &hold);
	mm_drop(t, mm);
}

static void exit_notify(struct task *t)
{
	link_task(t);
	t->exited = true;
	if (t->reaper)
		sched_wake(t, t->reaper);
}

void sys_wait4(struct task *t, struct task *child)
{
	syscall_enter(t);
	settle(t);
	child->reaper = t;
	while (!child->exited)
		sched_block(t, "a child's exit");
	spend(t, t->k->cost.wait4);
	link_task(t);
	syscall_exit(t);
}

void task_exit_mm(struct task *t)
{
	if (t->exiting)
		return;
	t->exiting = true;
	spend(t, t->k->cost.exit);
	tracepoint(t);
	if (t->mm)
		exit_mm(t);
	settle(t);
}

void sys_exit(struct task *t)
{
	task_exit_mm(t);
	sim_check(t->k->sim, !t->held_mutex, "lock-leak", "%s exits while it holds %s", t->comm,
		  t->held_mutex->class->name);
	sim_check(t->k->sim, !t->held_write, "lock-leak", "%s exits while it holds %s", t->comm,
		  t->held_write->class->name);
	free(t->working_set);
	t->working_set = NULL;
	exit_notify(t);
	if (!t->kthread && --t->k->live_tasks == 0)
		kthreads_finish(t);
	t->state = TASK_DEAD;
	schedule(t);
	longjmp(*t->exit_jump, 1);
}

/* ---- the task's own time ---- */

void user_compute(struct task *t, sim_ps work)
{
	if (t->numa_work)
		task_numa_work(t);
	rcu_user(t, true);
	code_cache_user(t, work);
	spend_time(t, work + refill_time(t, work));
	t->in_user = true;
	settle(t);
	t->in_user = false;
	rcu_user(t, false);
}

void task_block(struct task *t)
{
	while (!t->user_wake)
		sched_block(t, "a wake-up of its workload");
	t->user_wake = false;
}

void task_wake(struct task *waker, struct task *sleeper)
{
	sleeper->user_wake = true;
	sched_wake(waker, sleeper);
}

void sys_event_write(struct task *waker, struct task *sleeper)
{
	syscall_enter(waker);
	spend(waker, waker->k->cost.event_file);
	task_wake(waker, sleeper);
	syscall_exit(waker);
}

void sys_event_read(struct task *t)
{
	syscall_enter(t);
	spend(t, t->k->cost.event_file);
	task_block(t);
	syscall_exit(t);
}

void task_sleep(struct task *t, sim_ps duration)
{
	sim_ps end;

	settle(t);
	end = sim_now(t->k->sim) + duration;
	while (sim_now(t->k->sim) < end)
		sched_sleep(t, end - sim_now(t->k->sim), "a timer");
}

void task_bind(struct task *t, int cpu)
{
	t->bound = cpu;
	if (cpu >= 0 && t->cpu != (unsigned int)cpu)
		sched_migrate(t, (unsigned int)cpu);
}

void task_bind_at_wakeup(struct task *t, int cpu)
{
	t->bound = cpu;
}

void sys_sched_setaffinity(struct task *t, int cpu)
{
	syscall_enter(t);
	spend(t, t->k->cost.set_affinity);
	settle(t);
	t->bound = cpu;
	if (cpu >= 0 && t->cpu != (unsigned int)cpu)
		stop_and_migrate(t);
	syscall_exit(t);
}

void task_yield(struct task *t)
{
	settle(t);
	if (this_cpu(t)->nr_queued)
		schedule(t);
}

struct sim *task_sim(const struct task *t)
{
	return t->k->sim;
}

struct kernel *task_kernel(const struct task *t)
{
	return t->k;
}

unsigned int task_cpu(const struct task *t)
{
	return t->cpu;
}

struct sim *kernel_sim(const struct kernel *k)
{
	return k->sim;
}

unsigned int kernel_nr_cpus(const struct kernel *k)
{
	return k->nr_cpus;
}

/* CPUs are numbered with one thread of every core first. */
unsigned int kernel_nth_core_cpu(const struct kernel *k, unsigned int i)
{
	return i % k->nr_cpus;
}

void kernel_set_tracing(struct kernel *k, sim_ps per_event, sim_ps cold)
{
	k->tracer_ps = per_event;
	k->tracer_cold_ps = cold;
}
