// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The khugepaged thread: a list of address spaces, a place in it, pages_to_scan PTEs a pass, a
 * sleep. It is made when the first mm enters, so that runs without huge pages never see it.
 */
#include "models/kernel/huge_file.h"

#include <stdlib.h>

#include "models/kernel/kworker.h"

METRIC(desc_scans, "mm.khugepaged_scans", METRIC_COUNTER, "1", NULL,
       "times that khugepaged has seen all address spaces");

struct khugepaged_slot {
	struct mm *mm;
	struct khugepaged_slot *next;
};

struct khugepaged {
	struct spinlock mm_lock;
	struct task *task;
	struct khugepaged_slot *head, *at; /* at: being scanned; NULL: begin at the head */
	uint64_t address;                  /* where to go on in it */
};

const struct collapse_settings *collapse_settings(const struct task *t)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_COLLAPSE];

	return ((const struct collapse_ops *)p->choice->ops)->settings(p->params);
}

static bool may_have_huge_page(const struct task *t, const struct vma *vma)
{
	uint64_t first = (vma->start + PMD_SIZE - 1) & ~(PMD_SIZE - 1);

	if (vma->mapping)
		return shmem_suitable(vma, first) && shmem_wants_huge_pages(t, vma);
	return thp_suitable(t, vma, first);
}

/* ---- the list of address spaces ---- */

static void khugepaged_main(struct task *t, void *arg);

static struct khugepaged *get_khugepaged(struct kernel *k)
{
	struct khugepaged *kh = k->khugepaged;

	if (!kh) {
		kh = k->khugepaged = calloc(1, sizeof(*kh));
		spin_lock_init(k, &kh->mm_lock, lock_class_get(k, "khugepaged_mm_lock"));
	}
	return kh;
}

void khugepaged_free(struct kernel *k)
{
	struct khugepaged *kh = k->khugepaged;

	if (!kh)
		return;
	while (kh->head) {
		struct khugepaged_slot *slot = kh->head;

		kh->head = slot->next;
		free(slot);
	}
	spin_lock_free(k, &kh->mm_lock);
	free(kh);
}

void khugepaged_enter_vma(struct task *t, struct vma *vma)
{
	struct khugepaged_slot *slot, **link;
	struct mm *mm = vma->mm;
	struct khugepaged *kh;
	bool first;

	if (mm->khugepaged || !may_have_huge_page(t, vma) || !collapse_settings(t)->khugepaged)
		return;
	slot = calloc(1, sizeof(*slot));
	slot->mm = mm;
	mm->khugepaged = slot;
	kh = get_khugepaged(t->k);
	spin_lock(t, &kh->mm_lock);
	first = !kh->head;
	for (link = &kh->head; *link; link = &(*link)->next)
		;
	*link = slot;
	spin_unlock(t, &kh->mm_lock);
	if (!kh->task)
		kh->task = kthread_spawn(t->k, "khugepaged", khugepaged_main, kh);
	else if (first)
		sched_wake(t, kh->task);
}

/* Under its lock. */
static void remove_slot(struct khugepaged *kh, struct khugepaged_slot *slot)
{
	struct khugepaged_slot **link = &kh->head;

	while (*link != slot)
		link = &(*link)->next;
	*link = slot->next;
	slot->mm->khugepaged = NULL;
	free(slot);
}

void khugepaged_exit(struct task *t, struct mm *mm)
{
	struct khugepaged *kh = t->k->khugepaged;
	bool scanned;

	if (!mm->khugepaged)
		return;
	spin_lock(t, &kh->mm_lock);
	scanned = kh->at == mm->khugepaged;
	if (!scanned && mm->khugepaged)
		remove_slot(kh, mm->khugepaged);
	spin_unlock(t, &kh->mm_lock);
	if (scanned) { /* it sees that the mm has no users when it has the lock next */
		mmap_write_lock(t, mm);
		mmap_write_unlock(t, mm);
	}
}

/* ---- scanning ---- */

/* From kh->address on, under mmap_lock for reading. False: the mm is done. *locked: it may come
 * back without the lock, and then knows nothing about VMAs any more. */
static bool scan_vmas(struct task *t, struct khugepaged *kh, struct mm *mm, struct read_hold *hold,
		      unsigned int *progress, unsigned int pages, bool *locked)
{
	static const struct collapse_control cc = { .is_khugepaged = true };
	size_t i;

	while ((i = vma_index(mm, kh->address)) < mm->nr_vmas && mm->users) {
		struct vma *vma = mm->vmas[i];
		uint64_t start = (vma->start + PMD_SIZE - 1) & ~(PMD_SIZE - 1);
		uint64_t end = vma->end & ~(PMD_SIZE - 1);

		settle(t);
		cond_resched(t);
		if (!may_have_huge_page(t, vma) || kh->address >= end) {
			kh->address = vma->end;
			++*progress;
			continue;
		}
		if (kh->address < start)
			kh->address = start;
		while (kh->address < end) {
			uint64_t addr = kh->address;

			cond_resched(t);
			kh->address += PMD_SIZE;
			*progress += HPAGE_PAGES;
			hpage_collapse_scan_pmd(t, &cc, mm, vma, addr, hold, locked);
			if (!*locked || *progress >= pages)
				return true;
		}
	}
	return false;
}

static unsigned int scan_mm_slot(struct task *t, struct khugepaged *kh, unsigned int pages)
{
	bool locked, more = false;
	unsigned int progress = 1;
	struct read_hold hold;
	struct mm *mm;

	spin_lock(t, &kh->mm_lock);
	if (!kh->at) {
		kh->at = kh->head;
		kh->address = 0;
	}
	mm = kh->at ? kh->at->mm : NULL;
	spin_unlock(t, &kh->mm_lock);
	if (!mm) /* the last one ended while we came */
		return pages;
	locked = mmap_read_trylock(t, mm, &hold);
	if (locked) {
		more = scan_vmas(t, kh, mm, &hold, &progress, pages, &locked);
		if (locked)
			mmap_read_unlock(t, mm, &hold);
	}
	spin_lock(t, &kh->mm_lock);
	if (!more || !mm->users) {
		struct khugepaged_slot *done = kh->at;

		kh->at = done->next;
		kh->address = 0;
		if (!kh->at)
			metric_get(sim_metrics(t->k->sim), &desc_scans, "")->value++;
		if (!mm->users)
			remove_slot(kh, done);
	}
	spin_unlock(t, &kh->mm_lock);
	return progress;
}

static void do_scan(struct task *t, struct khugepaged *kh)
{
	unsigned int pages = collapse_settings(t)->pages_to_scan, progress = 0, begun = 0;

	lru_add_drain_all(t);
	while (progress < pages) {
		begun += !kh->at;
		if (!kh->head || begun >= 2)
			break;
		progress += scan_mm_slot(t, kh, pages - progress);
		settle(t);
	}
}

static void khugepaged_main(struct task *t, void *arg)
{
	struct khugepaged *kh = arg;

	for (;;) {
		sim_ps until;

		while (!kh->head)
			sched_block(t, "an mm with huge pages");
		if (!kthread_busy(t))
			kthread_stopped(t);
		do_scan(t, kh);
		kthread_idle(t);
		until = sim_now(t->k->sim) + collapse_settings(t)->scan_sleep;
		while (sim_now(t->k->sim) < until)
			sched_sleep(t, until - sim_now(t->k->sim), "its next scan");
	}
}
