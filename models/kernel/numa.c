// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * task_numa_work and do_numa_page, in the order of steps of kernel/sched/fair.c and mm/memory.c of
 * Linux 6.12 to 6.18. The scan's pace is the policy's; the kernel's adaption of it is not modelled.
 */
#include "models/kernel/numa.h"

#include "models/kernel/migrate.h"
#include "models/kernel/tlb_batch.h"

METRIC(desc_scans, "numa.scans", METRIC_HISTOGRAM, "ps", NULL,
       "task_numa_work: one part of an mm made inaccessible");
METRIC(desc_ptes, "numa.ptes_protected", METRIC_COUNTER, "1", NULL,
       "PTEs that the scanner made inaccessible");
METRIC(desc_hints, "numa.hint_faults", METRIC_COUNTER, "1", "page",
       "faults on them, by where the page was");

uint8_t cpu_node(const struct kernel *k, unsigned int cpu)
{
	const struct machine_desc *d = &k->m->desc;

	return (uint8_t)(machine_core_of(k->m, cpu) /
			 (d->topo.cores_per_l3 * d->topo.l3_per_socket));
}

static const struct numa_scan *scan_of(const struct task *t)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_NUMA];
	const struct numa_ops *ops = p->choice->ops;

	return t->k->m->desc.topo.sockets > 1 ? ops->scan(p->params) : NULL;
}

void task_tick_numa(struct task *t)
{
	const struct numa_scan *scan = t->mm ? scan_of(t) : NULL;
	sim_ps now = sim_now(t->k->sim);

	if (!scan)
		return;
	if (!t->mm->numa_next_scan)
		t->mm->numa_next_scan = now + scan->delay;
	t->numa_work |= now >= t->mm->numa_next_scan;
}

/* ---- the scanner ---- */

/* One of a single-threaded process that is where it should be stays as it is. */
static bool leave_alone(const struct task *t, const struct page *page, uint64_t pte)
{
	if (!(pte & PTE_PRESENT) || pte & (PTE_ZERO | PTE_PROTNONE) || page->mapcount != 1 ||
	    page->flags & PG_KSM)
		return true;
	return t->mm->users == 1 && page->node == cpu_node(t->k, t->cpu);
}

static uint64_t protect_table(struct task *t, struct mmu_gather *tlb, uint64_t addr, uint64_t end)
{
	struct spinlock *ptl;
	struct page_table *table = pte_offset_map_lock(t, t->mm, addr, &ptl);
	uint64_t changed = 0;

	if (!table)
		return 0;
	flush_tlb_batched_pending(t, t->mm);
	for (; addr < end; addr += PAGE_SIZE) {
		uint64_t pte = table->slot.pte[pt_index(addr, PT_PTE)];

		spend(t, t->k->cost.pte_read);
		if (leave_alone(t, pfn_page(t->k, pte & PTE_PRESENT ? pte_pfn(pte) : 0), pte))
			continue;
		spend(t, t->k->cost.pte_clear + t->k->cost.pte_set);
		pt_set(table, addr, (pte & ~(uint64_t)PTE_PRESENT) | PTE_PROTNONE);
		tlb_remove_entry(tlb, addr);
		changed++;
	}
	pte_unmap_unlock(t, table, ptl);
	return changed;
}

/* change_prot_numa: a gather of its own for each VMA. */
static uint64_t protect_vma(struct task *t, uint64_t addr, uint64_t end)
{
	struct mmu_gather tlb;
	uint64_t changed = 0;

	tlb_gather_mmu(t, &tlb, t->mm);
	for (uint64_t next; addr < end; addr = next) {
		next = (addr & ~(PMD_SIZE - 1)) + PMD_SIZE;
		next = next < end ? next : end;
		changed += protect_table(t, &tlb, addr, next);
		cond_resched(t);
	}
	tlb_finish_mmu(t, &tlb);
	return changed;
}

/* Up to scan->size of address space from where the last scan ended, and round again. */
static uint64_t scan_mm(struct task *t, const struct numa_scan *scan)
{
	struct mm *mm = t->mm;
	uint64_t left = scan->size, changed = 0;
	size_t i = vma_index(mm, mm->numa_scan_offset);

	if (i == mm->nr_vmas)
		i = 0;
	for (; i < mm->nr_vmas && left; i++) {
		uint64_t from = mm->vmas[i]->start, to = mm->vmas[i]->end;

		if (from < mm->numa_scan_offset && to > mm->numa_scan_offset)
			from = mm->numa_scan_offset;
		if (!mm->vmas[i]->prot || mm->vmas[i]->flags & MAP_SHARED)
			continue; /* nobody may use it; or who uses it says little */
		to = to - from > left ? from + left : to;
		left -= to - from;
		changed += protect_vma(t, from, to);
		mm->numa_scan_offset = to;
	}
	if (i == mm->nr_vmas)
		mm->numa_scan_offset = 0;
	return changed;
}

void task_numa_work(struct task *t)
{
	const struct numa_scan *scan = scan_of(t);
	struct metrics *m = sim_metrics(t->k->sim);
	sim_ps begin = sim_now(t->k->sim);
	struct read_hold hold;

	t->numa_work = false;
	if (begin < t->mm->numa_next_scan)
		return; /* another thread was faster */
	t->mm->numa_next_scan = begin + scan->period;
	if (!mmap_read_trylock(t, t->mm, &hold))
		return;
	metric_get(m, &desc_ptes, "")->value += scan_mm(t, scan);
	mmap_read_unlock(t, t->mm, &hold);
	settle(t);
	hist_add(&metric_get(m, &desc_scans, "")->hist, sim_now(t->k->sim) - begin);
}

/* ---- the fault ---- */

/* Twice in a row from this node: not a passer-by (the kernel's two-stage filter). */
static bool should_move(struct task *t, struct page *page, uint8_t here)
{
	uint8_t last = page->last_node;

	page->last_node = here;
	return page->node != here && page->mapcount == 1 &&
	       (!scan_of(t) || !scan_of(t)->two_stage || last == here);
}

static void make_accessible(struct task *t, struct fault *f)
{
	uint64_t pte = f->table->slot.pte[pt_index(f->addr, PT_PTE)];

	spend(t, t->k->cost.pte_set);
	if (pte & PTE_PROTNONE)
		pt_set(f->table, f->addr, pte_allow_vma(pte, f->vma));
}

void do_numa_page(struct task *t, struct fault *f)
{
	uint8_t here = cpu_node(t->k, t->cpu);
	struct page *page;
	uint32_t pfn;
	bool move = false;

	f->table = pte_offset_map_lock(t, f->mm, f->addr, &f->ptl);
	if (!f->table)
		return;
	pfn = pte_pfn(f->table->slot.pte[pt_index(f->addr, PT_PTE)]);
	if (f->table->slot.pte[pt_index(f->addr, PT_PTE)] & PTE_PROTNONE) {
		page = pfn_page(t->k, pfn);
		metric_get(sim_metrics(t->k->sim), &desc_hints,
			   page->node == here ? "local" : "remote")
			->value++;
		move = should_move(t, page, here) && folio_isolate_lru(t, pfn);
		if (!move)
			make_accessible(t, f);
	}
	pte_unmap_unlock(t, f->table, f->ptl);
	if (!move || migrate_pages(t, &pfn, 1, here))
		return;
	f->table = pte_offset_map_lock(t, f->mm, f->addr, &f->ptl);
	if (f->table) {
		make_accessible(t, f);
		pte_unmap_unlock(t, f->table, f->ptl);
	}
}
