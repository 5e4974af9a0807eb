// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * VMAs: the sorted set of an mm, splitting and merging, and the per-VMA lock as Linux 6.15 to 6.18
 * has it (vm_refcnt and vm_lock_seq on one line, mm_lock_seq on another).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "models/kernel/filemap.h"
#include "models/kernel/khugepaged.h"
#include "models/kernel/rmap.h"

#define MMAP_MIN (16 * PAGE_SIZE)

size_t vma_index(const struct mm *mm, uint64_t addr)
{
	size_t low = 0, high = mm->nr_vmas;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (mm->vmas[mid]->end > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

struct vma *vma_lookup(const struct mm *mm, uint64_t addr)
{
	size_t i = vma_index(mm, addr);

	return i < mm->nr_vmas && mm->vmas[i]->start <= addr ? mm->vmas[i] : NULL;
}

static void array_insert(struct mm *mm, size_t at, struct vma *vma)
{
	if (mm->nr_vmas == mm->cap_vmas) {
		mm->cap_vmas = mm->cap_vmas ? 2 * mm->cap_vmas : 16;
		mm->vmas = realloc(mm->vmas, mm->cap_vmas * sizeof(*mm->vmas));
	}
	memmove(&mm->vmas[at + 1], &mm->vmas[at], (mm->nr_vmas - at) * sizeof(*mm->vmas));
	mm->vmas[at] = vma;
	mm->nr_vmas++;
}

void vma_remove_range(struct mm *mm, size_t first, size_t n)
{
	if (n)
		memmove(&mm->vmas[first], &mm->vmas[first + n],
			(mm->nr_vmas - first - n) * sizeof(*mm->vmas));
	mm->nr_vmas -= n;
}

static struct vma *new_vma(struct mm *mm, uint64_t start, uint64_t end, unsigned int prot,
			   unsigned int flags)
{
	struct vma *vma = calloc(1, sizeof(*vma));

	vma->mm = mm;
	vma->start = start;
	vma->end = end;
	vma->prot = prot;
	vma->flags = flags;
	vma->attached = true;
	/* Nobody reads it before its maker is done: marked before it can be found. */
	if (mm->lock_seq & 1)
		vma->lock_seq = mm->lock_seq;
	line_init(&vma->ref_line, line_class_get(mm->k->m, "vm_refcnt"));
	return vma;
}

static bool private_anon(unsigned int flags)
{
	return (flags & (MAP_ANONYMOUS | MAP_SHARED)) == MAP_ANONYMOUS;
}

/* What it maps: memory of its own, or a file (shared anonymous memory is one of shmem). */
static void map_object(struct vma *vma)
{
	if (private_anon(vma->flags))
		vma->pgoff = vma->start >> PAGE_SHIFT;
	else
		vma->mapping = address_space_create(vma->mm->k);
}

struct vma *vma_insert_quietly(struct mm *mm, uint64_t start, uint64_t end, unsigned int prot,
			       unsigned int flags)
{
	struct vma *vma = new_vma(mm, start, end, prot, flags);

	map_object(vma);
	vma_link_file(NULL, vma);
	array_insert(mm, vma_index(mm, start), vma);
	return vma;
}

/* The same code, and as warm as it, whoever calls: one place each. */
void spend_vma_alloc(struct task *t)
{
	spend(t, t->k->cost.vma_alloc);
}

void spend_vma_store(struct task *t)
{
	spend(t, t->k->cost.vma_store);
}

static void spend_vma_merge(struct task *t)
{
	spend(t, t->k->cost.vma_merge);
}

struct vma *vma_insert_copy(struct task *t, struct mm *mm, uint64_t start, uint64_t end,
			    uint64_t pgoff, const struct vma *of)
{
	/* Without UFFD_FEATURE_EVENT_*, copies and moves are not registered. */
	struct vma *vma = new_vma(mm, start, end, of->prot, of->flags & ~VM_UFFD_MISSING);

	vma->pgoff = pgoff;
	vma->mapping = of->mapping;
	if (vma->mapping)
		vma->mapping->refs++;
	vma_link_file(t, vma);
	if (mm == t->mm) /* mremap: locked before anybody can find it, for its PTEs come first */
		vma_start_write(t, mm, vma);
	array_insert(mm, vma_index(mm, start), vma);
	return vma;
}

/* One that has no anon_vma may take over the other's if that is on no other one. */
static bool anon_vmas_agree(const struct vma *a, const struct vma *b)
{
	const struct vma *has = a->anon_vma ? a : b;

	if (a->anon_vma && b->anon_vma)
		return a->anon_vma == b->anon_vma;
	return !has->anon_vma || !has->chains->same_vma;
}

static bool mergeable(const struct vma *a, const struct vma *b)
{
	return a->end == b->start && a->prot == b->prot && a->flags == b->flags &&
	       a->mapping == b->mapping && linear_page_index(a, a->end) == b->pgoff &&
	       anon_vmas_agree(a, b);
}

/* vma_prepare: nobody may look up a VMA by its pages while its ends change. */
static void lock_rmap(struct task *t, struct vma *vma)
{
	i_mmap_lock_write(t, vma);
	anon_vma_lock_write(t, vma);
}

static void unlock_rmap(struct task *t, struct vma *vma)
{
	anon_vma_unlock_write(t, vma);
	i_mmap_unlock_write(t, vma);
}

/* Merges [index] with the one above it, if they are alike: it grows, and the other goes. */
void vma_try_merge(struct task *t, struct mm *mm, size_t index)
{
	struct vma *a, *b;

	if (index + 1 >= mm->nr_vmas)
		return;
	a = mm->vmas[index];
	b = mm->vmas[index + 1];
	if (!mergeable(a, b))
		return;
	vma_start_write(t, mm, a);
	vma_start_write(t, mm, b);
	spend_vma_merge(t);
	lock_rmap(t, a->anon_vma ? a : b);
	settle(t);
	a->end = b->end;
	anon_vma_take_over(a, b);
	unlock_rmap(t, a);
	vma_remove_range(mm, index + 1, 1);
	unlink_anon_vmas(t, b);
	unlink_file_vma(t, b);
	vma_mark_detached(t, mm, b);
	vma_free(t, mm, b);
}

/* A part of `from` that becomes as `to` is may go over to it, if its pages stay where rmap looks.
 */
static bool takes_over(const struct vma *to, const struct vma *from, unsigned int prot)
{
	return to->prot == prot && to->flags == from->flags && !to->mapping && !from->mapping &&
	       (!from->anon_vma || from->anon_vma == to->anon_vma);
}

struct vma *vma_shift_boundary(struct task *t, struct mm *mm, uint64_t addr, uint64_t end,
			       unsigned int prot)
{
	size_t i = vma_index(mm, addr);
	struct vma *vma = vma_lookup(mm, addr), *prev, *next, *to;
	uint64_t at;

	if (!vma || vma->prot == prot || end > vma->end || vma->end - vma->start == end - addr)
		return NULL;
	prev = i ? mm->vmas[i - 1] : NULL;
	next = i + 1 < mm->nr_vmas ? mm->vmas[i + 1] : NULL;
	if (addr == vma->start && prev && prev->end == addr && takes_over(prev, vma, prot) &&
	    linear_page_index(prev, addr) == vma->pgoff)
		to = prev;
	else if (end == vma->end && next && next->start == end && takes_over(next, vma, prot) &&
		 linear_page_index(vma, end) == next->pgoff)
		to = next;
	else
		return NULL;
	at = to == prev ? end : addr;
	vma_start_write(t, mm, vma);
	vma_start_write(t, mm, to);
	if (mm->huge_pages && at % PMD_SIZE) /* vma_adjust_trans_huge */
		split_huge_pmd(t, mm, at);
	spend_vma_merge(t);
	spend(t, t->k->cost.vma_shift);
	lock_rmap(t, to);
	settle(t);
	if (to == prev) {
		vma->pgoff = linear_page_index(vma, at);
		prev->end = vma->start = at;
	} else {
		next->pgoff = linear_page_index(vma, at);
		vma->end = next->start = at;
	}
	unlock_rmap(t, to);
	return to;
}

static bool grows_prev(struct task *t, struct mm *mm, size_t at, uint64_t start, uint64_t end,
		       unsigned int prot, unsigned int flags)
{
	struct vma *prev;

	if (!at || !private_anon(flags))
		return false;
	prev = mm->vmas[at - 1];
	if (prev->end != start || prev->prot != prot || prev->flags != flags ||
	    linear_page_index(prev, start) != start >> PAGE_SHIFT)
		return false;
	vma_start_write(t, mm, prev);
	lock_rmap(t, prev);
	prev->end = end;
	unlock_rmap(t, prev);
	return true;
}

static bool grows_next(struct task *t, struct mm *mm, size_t at, uint64_t start, uint64_t end,
		       unsigned int prot, unsigned int flags)
{
	struct vma *next;

	if (at >= mm->nr_vmas || !private_anon(flags))
		return false;
	next = mm->vmas[at];
	if (next->start != end || next->prot != prot || next->flags != flags ||
	    next->pgoff != end >> PAGE_SHIFT)
		return false;
	vma_start_write(t, mm, next);
	lock_rmap(t, next);
	next->start = start;
	next->pgoff = start >> PAGE_SHIFT;
	unlock_rmap(t, next);
	return true;
}

struct vma *vma_insert(struct task *t, struct mm *mm, uint64_t start, uint64_t end,
		       unsigned int prot, unsigned int flags)
{
	size_t at = vma_index(mm, start);
	struct vma *vma;

	if (grows_prev(t, mm, at, start, end, prot, flags)) {
		spend_vma_merge(t);
		spend_vma_store(t);
		vma_try_merge(t, mm, at - 1);
		khugepaged_enter_vma(t, mm->vmas[at - 1]);
		return mm->vmas[at - 1];
	}
	if (grows_next(t, mm, at, start, end, prot, flags)) {
		spend_vma_merge(t);
		spend_vma_store(t);
		khugepaged_enter_vma(t, mm->vmas[at]);
		return mm->vmas[at];
	}
	spend_vma_alloc(t);
	spend_vma_store(t);
	vma = new_vma(mm, start, end, prot, flags);
	map_object(vma);
	array_insert(mm, at, vma);
	vma_start_write(t, mm, vma);
	vma_link_file(t, vma);
	khugepaged_enter_vma(t, vma);
	return vma;
}

bool vma_split_unstored(struct task *t, struct mm *mm, uint64_t addr)
{
	struct vma *low = vma_lookup(mm, addr), *high;

	if (!low || low->start == addr)
		return false;
	vma_start_write(t, mm, low);
	if (mm->huge_pages && addr % PMD_SIZE) /* vma_adjust_trans_huge */
		split_huge_pmd(t, mm, addr);
	spend(t, t->k->cost.vma_alloc); /* vm_area_dup: not mmap's code */
	high = new_vma(mm, addr, low->end, low->prot, low->flags);
	high->pgoff = linear_page_index(low, addr);
	high->mapping = low->mapping;
	if (high->mapping)
		high->mapping->refs++;
	anon_vma_clone(t, high, low);
	vma_link_file(t, high);
	lock_rmap(t, low);
	settle(t);
	low->end = addr;
	unlock_rmap(t, low);
	array_insert(mm, vma_index(mm, addr), high);
	vma_start_write(t, mm, high);
	return true;
}

bool vma_split(struct task *t, struct mm *mm, uint64_t addr)
{
	if (!vma_split_unstored(t, mm, addr))
		return false;
	spend_vma_store(t);
	return true;
}

int vma_change_flags(struct task *t, struct mm *mm, uint64_t addr, uint64_t end, unsigned int set,
		     unsigned int clear)
{
	uint64_t covered = 0;
	size_t first, i;

	vma_split(t, mm, addr);
	vma_split(t, mm, end);
	first = vma_index(mm, addr);
	for (i = first; i < mm->nr_vmas && mm->vmas[i]->start < end; i++) {
		struct vma *vma = mm->vmas[i];

		covered += vma->end - vma->start;
		if ((vma->flags & (set | clear)) == set)
			continue;
		vma_start_write(t, mm, vma);
		vma->flags = (vma->flags & ~clear) | set;
	}
	while (i-- > first)
		vma_try_merge(t, mm, i);
	if (first)
		vma_try_merge(t, mm, first - 1);
	return covered == end - addr ? 0 : -ENOMEM;
}

void vma_free(struct task *t, struct mm *mm, struct vma *vma)
{
	if (t)
		spend(t, t->k->cost.vma_free);
	sim_check(mm->k->sim, !vma->readers, "vma-life", "a VMA with %u readers is freed",
		  vma->readers);
	unlink_anon_vmas(t, vma); /* mostly done before its tables went */
	unlink_file_vma(t, vma);
	if (vma->mapping)
		address_space_put(mm->k, vma->mapping);
	line_free(&vma->ref_line, mm->k->m);
	free(vma);
}

/* Top down, the highest gap below base that fits; multiples of 2 MiB are aligned to it (since Linux
 * 6.7). 0: none. */
static uint64_t gap_below(const struct mm *mm, uint64_t base, uint64_t len)
{
	uint64_t align = len >= PMD_SIZE && len % PMD_SIZE == 0 ? PMD_SIZE : PAGE_SIZE;
	size_t i = vma_index(mm, base);
	uint64_t top = base;

	if (i < mm->nr_vmas && mm->vmas[i]->start < top)
		top = mm->vmas[i]->start;
	for (;; i--) {
		uint64_t bottom = i ? mm->vmas[i - 1]->end : MMAP_MIN;

		if (top >= len && ((top - len) & ~(align - 1)) >= bottom)
			return (top - len) & ~(align - 1);
		if (!i)
			return 0;
		top = mm->vmas[i - 1]->start;
	}
}

uint64_t vma_find_gap(struct mm *mm, uint64_t len)
{
	uint64_t addr = gap_below(mm, mm->mmap_base, len);

	return addr || mm->mmap_base >= MMAP_BASE ? addr : gap_below(mm, MMAP_BASE, len);
}

/* ---- per-VMA lock ---- */

static void wait_for_readers(struct task *t, struct vma *vma, unsigned int readers)
{
	touch_line(t, &vma->ref_line, LINE_ATOMIC);
	settle(t);
	while (vma->readers > readers) {
		vma->writer_waits = t;
		sched_block(t, "readers of a VMA");
	}
	vma->writer_waits = NULL;
	touch_line(t, &vma->ref_line, LINE_ATOMIC);
}

void vma_start_write(struct task *t, struct mm *mm, struct vma *vma)
{
	touch_line(t, &vma->ref_line, LINE_READ);
	if (vma->lock_seq == mm->lock_seq)
		return;
	settle(t);
	vma->lock_seq = mm->lock_seq; /* readers fail from here on */
	wait_for_readers(t, vma, 0);
}

void vma_mark_detached(struct task *t, struct mm *mm, struct vma *vma)
{
	vma_start_write(t, mm, vma);
	vma->attached = false;
	touch_line(t, &vma->ref_line, LINE_ATOMIC);
	if (vma->readers)
		wait_for_readers(t, vma, 0);
}

static bool lock_is_rwsem(const struct task *t)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_MMAP_LOCKING];
	const struct mmap_lock_ops *ops = p->choice->ops;

	return ops->vma_lock_is_rwsem && ops->vma_lock_is_rwsem(p->params);
}

struct vma *vma_start_read(struct task *t, struct mm *mm, uint64_t addr)
{
	struct vma *vma;

	spend(t, t->k->cost.vma_lookup);
	touch_line(t, mm_lock_seq_line(mm), LINE_READ);
	settle(t);
	vma = vma_lookup(mm, addr);
	if (!vma || !vma->attached || vma->lock_seq == mm->lock_seq) {
		t->k->metric.vma_lock_miss->value++;
		return NULL;
	}
	vma->readers++;
	t->k->metric.vma_lock_hit->value++;
	/* The count is read, then exchanged. If it has changed in between, the line is here by now.
	 */
	touch_line(t, &vma->ref_line, LINE_READ);
	touch_line(t, &vma->ref_line, LINE_ATOMIC);
	if (lock_is_rwsem(t)) /* sem->owner, beside it */
		spend_time(t, t->k->m->desc.line.hit);
	touch_line(t, mm_lock_seq_line(mm), LINE_READ);
	return vma;
}

void vma_end_read(struct task *t, struct mm *mm, struct vma *vma)
{
	(void)mm;
	touch_line(t, &vma->ref_line, LINE_ATOMIC);
	settle(t);
	vma->readers--;
	if (vma->writer_waits)
		sched_wake(t, vma->writer_waits);
}
