// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The memory system calls, each in the order of locks, walks and flushes of Linux 6.18.
 */
#include <errno.h>
#include <stdlib.h>

#include "models/kernel/huge_memory.h"
#include "models/kernel/mmu_notifier.h"
#include "models/kernel/rmap.h"
#include "models/kernel/tlb_batch.h"

static int64_t end_call(struct task *t, int64_t ret)
{
	syscall_exit(t);
	return ret;
}

void sys_refused(struct task *t)
{
	syscall_enter(t);
	syscall_exit(t);
}

static uint64_t page_up(uint64_t v)
{
	return (v + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

static bool bad_range(uint64_t addr, uint64_t len)
{
	return addr % PAGE_SIZE || len == 0 || len > TASK_SIZE || addr > TASK_SIZE - len;
}

/* ---- munmap ---- */

struct unmapping {
	struct vma **vmas;
	size_t n;
	uint64_t floor, ceiling;
	bool below_stack; /* the next VMA grows down */
};

/* Splits at the edges, marks and detaches what lies between. Whoever calls stores to the tree. */
static void gather_vmas(struct task *t, struct mm *mm, uint64_t start, uint64_t end,
			struct unmapping *u)
{
	size_t first;

	/* The tree's node is written anew once, by the first to change it. */
	vma_split_unstored(t, mm, start);
	vma_split_unstored(t, mm, end);
	first = vma_index(mm, start);
	u->n = 0;
	while (first + u->n < mm->nr_vmas && mm->vmas[first + u->n]->start < end)
		u->n++;
	u->vmas = calloc(u->n ? u->n : 1, sizeof(*u->vmas));
	for (size_t i = 0; i < u->n; i++) {
		u->vmas[i] = mm->vmas[first + i];
		vma_mark_detached(t, mm, u->vmas[i]);
	}
	u->floor = first ? mm->vmas[first - 1]->end : 0;
	u->ceiling = first + u->n < mm->nr_vmas ? mm->vmas[first + u->n]->start : TASK_SIZE;
	u->below_stack = first + u->n < mm->nr_vmas &&
			 mm->vmas[first + u->n]->flags & MAP_GROWSDOWN;
	vma_remove_range(mm, first, u->n);
}

/* Zap, free tables, flush, free pages; then the VMAs. */
static void unmap_gathered(struct task *t, struct mm *mm, struct unmapping *u)
{
	uint64_t start = 0, end = 0;
	struct mmu_gather tlb;

	lru_drain_for_zap(t);
	if (u->n) {
		start = u->vmas[0]->start;
		end = u->vmas[u->n - 1]->end;
	}
	notifier_range_start(t, mm, start, end);
	tlb_gather_mmu(t, &tlb, mm);
	for (size_t i = 0; i < u->n; i++)
		zap_range(t, &tlb, u->vmas[i], u->vmas[i]->start, u->vmas[i]->end, false);
	for (size_t i = 0; i < u->n; i++) {
		unlink_anon_vmas(t, u->vmas[i]);
		unlink_file_vma(t, u->vmas[i]);
	}
	if (u->n)
		free_pgtables(t, &tlb, u->vmas[0]->start, u->vmas[u->n - 1]->end, u->floor,
			      u->ceiling);
	tlb_finish_mmu(t, &tlb);
	notifier_range_end(t, mm, start, end);
	for (size_t i = 0; i < u->n; i++)
		vma_free(t, mm, u->vmas[i]);
	free(u->vmas);
}

static bool downgrades(const struct task *t, const struct unmapping *u)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_MMAP_LOCKING];
	const struct mmap_lock_ops *ops = p->choice->ops;

	return !ops->munmap_downgrades || ops->munmap_downgrades(p->params, u->below_stack);
}

void do_munmap_downgrade(struct task *t, struct mm *mm, uint64_t start, uint64_t end)
{
	struct unmapping u;
	struct read_hold hold;

	gather_vmas(t, mm, start, end, &u);
	spend(t, t->k->cost.vma_store);
	if (!u.n || !downgrades(t, &u)) {
		if (u.n)
			unmap_gathered(t, mm, &u);
		else
			free(u.vmas);
		mmap_write_unlock(t, mm);
		return;
	}
	mmap_write_downgrade(t, mm, &hold);
	unmap_gathered(t, mm, &u);
	mmap_read_unlock(t, mm, &hold);
}

void do_munmap_locked(struct task *t, struct mm *mm, uint64_t start, uint64_t end)
{
	struct unmapping u;

	gather_vmas(t, mm, start, end, &u);
	spend(t, t->k->cost.vma_store);
	unmap_gathered(t, mm, &u);
}

/* For a mapping that will be there instead, and is stored over the old one (Linux 6.12). */
static void replace_mapping(struct task *t, struct mm *mm, uint64_t start, uint64_t end)
{
	struct unmapping u;

	gather_vmas(t, mm, start, end, &u);
	unmap_gathered(t, mm, &u);
}

int sys_munmap(struct task *t, uint64_t addr, uint64_t len)
{
	syscall_enter(t);
	if (bad_range(addr, len))
		return (int)end_call(t, -EINVAL);
	mmap_write_lock(t, t->mm);
	spend(t, t->k->cost.munmap_base);
	do_munmap_downgrade(t, t->mm, addr, addr + page_up(len));
	return (int)end_call(t, 0);
}

/* ---- mmap ---- */

/* do_mmap's way. What brk and mprotect do besides is a part of it: limits, neighbours, what could
 * merge. */
CODE_PLACE(mmap_place);

void spend_mmap_base(struct task *t)
{
	spend_code(t, t->k->cost.mmap_base, &mmap_place);
}

static void spend_part_of_mmap(struct task *t, sim_ps work, const char *place)
{
	spend_part(t, work, place, &mmap_place);
}

/* A recorder notes mappings of code, too, with the file's path: as long as three events
 * (tlb_flush2-2t: mmap of code holds the lock 2.5 us longer than of data, an event is 0.8 us). */
void record_mapping(struct task *t)
{
	for (int i = 0; i < 3; i++)
		tracepoint(t);
}

/* At the hint, if that is free. */
static uint64_t get_unmapped_area(struct mm *mm, uint64_t hint, uint64_t len)
{
	size_t i;

	hint = page_up(hint);
	if (hint && !bad_range(hint, len)) {
		i = vma_index(mm, hint);
		if (i == mm->nr_vmas || mm->vmas[i]->start >= hint + len)
			return hint;
	}
	return vma_find_gap(mm, len);
}

int64_t sys_mmap(struct task *t, uint64_t addr, uint64_t len, unsigned int prot, unsigned int flags)
{
	struct mm *mm = t->mm;

	syscall_enter(t);
	len = page_up(len);
	if (!len || len > TASK_SIZE || (flags & MAP_FIXED && bad_range(addr, len)))
		return end_call(t, len ? -ENOMEM : -EINVAL);
	mmap_write_lock(t, mm);
	spend_mmap_base(t);
	settle(t);
	if (flags & MAP_FIXED) {
		size_t i = vma_index(mm, addr);

		/* Replacing never downgrades: the old is zapped under the write lock. */
		if (i < mm->nr_vmas && mm->vmas[i]->start < addr + len)
			replace_mapping(t, mm, addr, addr + len);
	} else {
		addr = get_unmapped_area(mm, addr, len);
	}
	if (addr)
		vma_insert(t, mm, addr, addr + len, prot & (PROT_READ | PROT_WRITE | PROT_EXEC),
			   flags & (MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN));
	if (addr && prot & PROT_EXEC && !(flags & MAP_ANONYMOUS))
		record_mapping(t);
	mmap_write_unlock(t, mm);
	if (addr && (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
		mm_populate(t, mm, addr, addr + len);
	return end_call(t, addr ? (int64_t)addr : -ENOMEM);
}

void mm_infer_mapping(struct task *t, uint64_t addr, uint64_t len, unsigned int prot,
		      unsigned int flags)
{
	struct mm *mm = t->mm;
	uint64_t end = addr + page_up(len), debt = t->debt;
	/* Not under the feet of a writer, who has places in the tree in its hands, nor into the
	 * hole whose tables a downgraded munmap is about to free. */
	bool wait = mm->lock_seq & 1 || mm->mmap_lock.readers;

	if (wait)
		mmap_write_lock(t, mm);
	addr &= ~(PAGE_SIZE - 1);
	while (addr < end) {
		size_t i = vma_index(mm, addr);
		uint64_t gap_end = end;

		if (i < mm->nr_vmas && mm->vmas[i]->start <= addr) {
			addr = mm->vmas[i]->end;
			continue;
		}
		if (i < mm->nr_vmas && mm->vmas[i]->start < end)
			gap_end = mm->vmas[i]->start;
		vma_insert_quietly(mm, addr, gap_end, prot, flags);
		addr = gap_end;
	}
	if (wait)
		mmap_write_unlock(t, mm);
	else
		t->debt = debt;
}

void mm_set_brk(struct task *t, uint64_t lowest, uint64_t brk)
{
	t->mm->brk_start = lowest;
	t->mm->brk = brk;
}

void mm_set_mmap_base(struct task *t, uint64_t base)
{
	t->mm->mmap_base = base < TASK_SIZE ? base : TASK_SIZE;
}

bool mm_find_vma(struct task *t, uint64_t addr, uint64_t *start, uint64_t *end)
{
	size_t i = vma_index(t->mm, addr);

	if (i == t->mm->nr_vmas)
		return false;
	*start = t->mm->vmas[i]->start;
	*end = t->mm->vmas[i]->end;
	return true;
}

/* ---- mprotect ---- */

/* Changes the PTEs of one table; true if any change must be flushed. */
static void change_ptes(struct task *t, struct mmu_gather *tlb, struct page_table *table,
			uint64_t addr, uint64_t end, unsigned int prot)
{
	for (; addr < end; addr += PAGE_SIZE) {
		uint64_t old = table->slot.pte[pt_index(addr, PT_PTE)], pte = old;

		if (!(old & (PTE_PRESENT | PTE_PROTNONE))) {
			spend(t, t->k->cost.pte_skip);
			continue;
		}
		spend(t, t->k->cost.pte_clear + t->k->cost.pte_set);
		pte &= ~(PTE_WRITE | PTE_EXEC | PTE_PROTNONE);
		if (!prot)
			pte = (pte & ~PTE_PRESENT) | PTE_PROTNONE;
		else
			pte |= PTE_PRESENT;
		if (prot & PROT_EXEC)
			pte |= PTE_EXEC;
		/* A dirty private page may be written at once; others take a fault first. */
		if (prot & PROT_WRITE && old & PTE_DIRTY && !(old & (PTE_ZERO | PTE_FILE)) &&
		    page_is_exclusive(pfn_page(t->k, pte_pfn(old))))
			pte |= PTE_WRITE;
		pt_set(table, addr, pte);
		if (pte != old && old & PTE_PRESENT)
			tlb_remove_entry(tlb, addr);
	}
}

static void change_range(struct task *t, struct mmu_gather *tlb, uint64_t addr, uint64_t end,
			 unsigned int prot)
{
	while (addr < end) {
		uint64_t next = (addr & ~(PMD_SIZE - 1)) + PMD_SIZE;
		struct page_table *table;

		next = next < end ? next : end;
		spend(t, t->k->cost.pte_read);
		table = change_huge_pmd(t, tlb, addr, next, prot) ? NULL : pt_lookup(tlb->mm, addr);
		if (table) {
			struct spinlock *ptl = pte_lockptr(t, tlb->mm, table);

			spin_lock(t, ptl);
			flush_tlb_batched_pending(t, tlb->mm);
			change_ptes(t, tlb, table, addr, next, prot);
			spin_unlock(t, ptl);
		}
		cond_resched(t);
		addr = next;
	}
}

static bool mprotect_flushes_vma(const struct task *t)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_FLUSH_GATHERING];
	const struct gather_ops *ops = p->choice->ops;

	return ops->mprotect_flushes_vma && ops->mprotect_flushes_vma(p->params);
}

/* Into the gather of the whole call; or, if that is NULL, with a flush of the whole range, if
 * anything of it changed. */
static void change_protection(struct task *t, struct mmu_gather *shared, struct mm *mm,
			      uint64_t start, uint64_t end, unsigned int prot)
{
	struct mmu_gather own;

	if (shared) {
		change_range(t, shared, start, end, prot);
		return;
	}
	tlb_gather_mmu(t, &own, mm);
	change_range(t, &own, start, end, prot);
	if (own.cleared)
		flush_tlb_mm_range(t, mm, start, end, false);
	dec_tlb_flush_pending(t, mm);
}

/* Splits at the edges and changes each VMA. */
static void change_vmas(struct task *t, struct mmu_gather *shared, struct mm *mm, uint64_t addr,
			uint64_t end, unsigned int prot)
{
	vma_split(t, mm, addr);
	vma_split(t, mm, end);
	for (size_t i = vma_index(mm, addr); i < mm->nr_vmas && mm->vmas[i]->start < end; i++) {
		struct vma *vma = mm->vmas[i];

		if (vma->prot == prot)
			continue;
		vma_start_write(t, mm, vma);
		vma->prot = prot;
		change_protection(t, shared, mm, vma->start, vma->end, prot);
	}
}

/* What has become alike. */
static void merge_vmas(struct task *t, struct mm *mm, uint64_t addr, uint64_t end)
{
	size_t first = vma_index(mm, addr);

	for (size_t i = vma_index(mm, end - 1); i + 1 > first && i < mm->nr_vmas; i--) {
		vma_try_merge(t, mm, i);
		if (!i)
			break;
	}
	if (first)
		vma_try_merge(t, mm, first - 1);
}

static int do_mprotect(struct task *t, struct mm *mm, uint64_t addr, uint64_t end,
		       unsigned int prot)
{
	bool by_vma = mprotect_flushes_vma(t);
	struct mmu_gather tlb;
	uint64_t at = addr;
	struct vma *to;
	int ret = 0;

	/* Up to the first hole, which is told when the rest is done. */
	for (size_t i = vma_index(mm, addr); at < end; at = mm->vmas[i++]->end)
		if (i == mm->nr_vmas || mm->vmas[i]->start > at)
			break;
	if (at < end) {
		ret = -ENOMEM;
		end = at;
	}
	if (addr == end)
		return ret;
	notifier_range_start(t, mm, addr, end);
	if (!by_vma)
		tlb_gather_mmu(t, &tlb, mm);
	to = vma_shift_boundary(t, mm, addr, end, prot);
	if (to)
		change_protection(t, by_vma ? NULL : &tlb, mm, addr, end, prot);
	else
		change_vmas(t, by_vma ? NULL : &tlb, mm, addr, end, prot);
	if (!by_vma)
		tlb_finish_mmu(t, &tlb);
	notifier_range_end(t, mm, addr, end);
	if (!to)
		merge_vmas(t, mm, addr, end);
	return ret;
}

int sys_mprotect(struct task *t, uint64_t addr, uint64_t len, unsigned int prot)
{
	CODE_PLACE(place);
	int ret;

	syscall_enter(t);
	if (bad_range(addr, page_up(len)))
		return (int)end_call(t, len ? -EINVAL : 0);
	mmap_write_lock(t, t->mm);
	/* Mprotect's alone are the fixup of a VMA and its walk's setup: a quarter (node-gc). */
	spend_part_of_mmap(t, t->k->cost.mprotect_base * 3 / 4, &place);
	spend(t, t->k->cost.mprotect_base / 4);
	ret = do_mprotect(t, t->mm, addr, addr + page_up(len),
			  prot & (PROT_READ | PROT_WRITE | PROT_EXEC));
	mmap_write_unlock(t, t->mm);
	return (int)end_call(t, ret);
}

/* ---- brk ---- */

int64_t sys_brk(struct task *t, uint64_t brk)
{
	CODE_PLACE(place);
	struct mm *mm = t->mm;
	uint64_t from, to = page_up(brk);
	size_t next;

	syscall_enter(t);
	mmap_write_lock(t, mm);
	settle(t);
	from = page_up(mm->brk);
	next = vma_index(mm, from);
	if (brk < mm->brk_start || brk >= TASK_SIZE ||
	    (to > from && next < mm->nr_vmas && mm->vmas[next]->start < to)) {
		mmap_write_unlock(t, mm);
		return end_call(t, (int64_t)mm->brk);
	}
	mm->brk = brk;
	if (to != from)
		spend_part_of_mmap(t, t->k->cost.brk_base, &place);
	if (to < from) {
		do_munmap_downgrade(t, mm, to, from);
		return end_call(t, (int64_t)brk);
	}
	if (to > from)
		vma_insert(t, mm, from, to, PROT_READ | PROT_WRITE, MAP_ANONYMOUS);
	mmap_write_unlock(t, mm);
	return end_call(t, (int64_t)brk);
}
