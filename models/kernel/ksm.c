// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The address spaces that KSM scans, and its thread ksmd: pages_to_scan pages, a sleep, and so on
 * round the list. What it does with a page is in ksm_merge.c.
 */
#include "models/kernel/ksm.h"

#include <stdlib.h>

#include "models/kernel/ksm_merge.h"
#include "models/kernel/kworker.h"

METRIC(desc_scans, "ksm.full_scans", METRIC_COUNTER, "1", NULL,
       "times that ksmd has seen all mergeable pages");
METRIC(desc_scanned, "ksm.pages_scanned", METRIC_COUNTER, "pages", NULL, "pages it looked at");

struct ksm_slot {
	struct mm *mm;
	struct ksm_rmap_item *items; /* by address */
	struct ksm_slot *next;
};

struct ksm {
	struct spinlock mmlist_lock;
	struct task *task;
	struct ksm_slot *head, *at; /* at: being scanned; NULL: a new round begins */
	uint64_t address;           /* where to go on in it */
	struct ksm_rmap_item **rmap_list;
	struct ksm_trees *trees;
};

static const struct ksm_settings *settings(const struct task *t)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_KSM];

	return ((const struct ksm_ops *)p->choice->ops)->settings(p->params);
}

/* ---- the list of address spaces ---- */

static void ksmd_main(struct task *t, void *arg);

static struct ksm *get_ksm(struct kernel *k)
{
	struct ksm *ksm = k->ksm;

	if (!ksm) {
		ksm = k->ksm = calloc(1, sizeof(*ksm));
		ksm->trees = ksm_trees_create();
		spin_lock_init(k, &ksm->mmlist_lock, lock_class_get(k, "ksm_mmlist_lock"));
	}
	return ksm;
}

static void slot_free(struct ksm_slot *slot)
{
	while (slot->items) {
		struct ksm_rmap_item *item = slot->items;

		slot->items = item->next;
		free(item);
	}
	free(slot);
}

void ksm_free(struct kernel *k)
{
	struct ksm *ksm = k->ksm;

	if (!ksm)
		return;
	while (ksm->head) {
		struct ksm_slot *slot = ksm->head;

		ksm->head = slot->next;
		slot_free(slot);
	}
	ksm_trees_free(ksm->trees);
	spin_lock_free(k, &ksm->mmlist_lock);
	free(ksm);
}

static void ksm_enter(struct task *t, struct mm *mm)
{
	struct ksm_slot *slot, **link;
	struct ksm *ksm;

	if (mm->ksm || !settings(t))
		return;
	slot = calloc(1, sizeof(*slot));
	slot->mm = mm;
	mm->ksm = slot;
	ksm = get_ksm(t->k);
	spin_lock(t, &ksm->mmlist_lock);
	for (link = &ksm->head; *link; link = &(*link)->next)
		;
	*link = slot;
	spin_unlock(t, &ksm->mmlist_lock);
	if (!ksm->task)
		ksm->task = kthread_spawn(t->k, "ksmd", ksmd_main, ksm);
	else
		sched_wake(t, ksm->task);
}

void ksm_fork(struct task *t, struct mm *mm, const struct mm *from)
{
	mm->contents = from->contents;
	if (from->ksm)
		ksm_enter(t, mm);
}

/* Under the list's lock. */
static void remove_slot(struct ksm *ksm, struct ksm_slot *slot)
{
	struct ksm_slot **link = &ksm->head;

	while (*link != slot)
		link = &(*link)->next;
	*link = slot->next;
	slot->mm->ksm = NULL;
	slot_free(slot);
}

void ksm_exit(struct task *t, struct mm *mm)
{
	struct ksm *ksm = t->k->ksm;
	bool scanned;

	if (!mm->ksm)
		return;
	spin_lock(t, &ksm->mmlist_lock);
	scanned = ksm->at == mm->ksm;
	if (!scanned && mm->ksm)
		remove_slot(ksm, mm->ksm);
	spin_unlock(t, &ksm->mmlist_lock);
	if (scanned) { /* it sees that the mm has no users when it has the lock next */
		mmap_write_lock(t, mm);
		mmap_write_unlock(t, mm);
	}
}

int ksm_madvise(struct task *t, struct mm *mm, uint64_t addr, uint64_t end, int advice)
{
	bool on = advice == MADV_MERGEABLE;

	if (!on)
		ksm_unmerge(t, mm, addr, end);
	else
		ksm_enter(t, mm);
	return vma_change_flags(t, mm, addr, end, on ? VM_MERGEABLE : 0, on ? 0 : VM_MERGEABLE);
}

/* ---- scanning ---- */

/* The item of an address; those of addresses that have gone are dropped on the way. */
static struct ksm_rmap_item *next_rmap_item(struct ksm *ksm, uint64_t addr)
{
	struct ksm_rmap_item *item;

	while ((item = *ksm->rmap_list) && item->addr < addr) {
		*ksm->rmap_list = item->next;
		free(item);
	}
	if (!item || item->addr > addr) {
		item = calloc(1, sizeof(*item));
		item->mm = ksm->at->mm;
		item->addr = addr;
		item->next = *ksm->rmap_list;
		*ksm->rmap_list = item;
	}
	ksm->rmap_list = &item->next;
	return item;
}

/* The next page of the mm, with a reference; 0 at its end. Under mmap_lock for reading. */
static uint32_t next_page(struct task *t, struct ksm *ksm, struct mm *mm)
{
	size_t i;

	while ((i = vma_index(mm, ksm->address)) < mm->nr_vmas && mm->users) {
		struct vma *vma = mm->vmas[i];

		if (!(vma->flags & VM_MERGEABLE) || !vma->anon_vma) {
			ksm->address = vma->end;
			continue;
		}
		if (ksm->address < vma->start)
			ksm->address = vma->start;
		while (ksm->address < vma->end) {
			uint32_t pfn = ksm_get_page(t, mm, ksm->address);

			ksm->address += PAGE_SIZE;
			if (pfn)
				return pfn;
		}
	}
	return 0;
}

/* The mm is done, or has ended. */
static void advance(struct task *t, struct ksm *ksm)
{
	struct ksm_slot *done = ksm->at;

	spin_lock(t, &ksm->mmlist_lock);
	while (*ksm->rmap_list) {
		struct ksm_rmap_item *item = *ksm->rmap_list;

		*ksm->rmap_list = item->next;
		free(item);
	}
	ksm->at = done->next;
	ksm->address = 0;
	ksm->rmap_list = ksm->at ? &ksm->at->items : NULL;
	if (!done->mm->users)
		remove_slot(ksm, done);
	spin_unlock(t, &ksm->mmlist_lock);
	if (!ksm->at)
		metric_get(sim_metrics(t->k->sim), &desc_scans, "")->value++;
}

static void begin_round(struct task *t, struct ksm *ksm)
{
	lru_add_drain_all(t);
	ksm_trees_new_round(ksm->trees);
	ksm->at = ksm->head;
	ksm->address = 0;
	ksm->rmap_list = ksm->at ? &ksm->at->items : NULL;
}

/* mmap_lock is taken and let go of for each page. NULL: a round has ended. */
static struct ksm_rmap_item *next_item(struct task *t, struct ksm *ksm, uint32_t *pfn)
{
	if (!ksm->at)
		begin_round(t, ksm);
	while (ksm->at) {
		struct ksm_rmap_item *item = NULL;
		struct mm *mm = ksm->at->mm;
		struct read_hold hold;

		mmap_read_lock(t, mm, &hold);
		*pfn = next_page(t, ksm, mm);
		if (*pfn)
			item = next_rmap_item(ksm, ksm->address - PAGE_SIZE);
		mmap_read_unlock(t, mm, &hold);
		if (item)
			return item;
		advance(t, ksm);
	}
	return NULL;
}

static void do_scan(struct task *t, struct ksm *ksm)
{
	for (uint32_t n = settings(t)->pages_to_scan; n; n--) {
		struct ksm_rmap_item *item;
		uint32_t pfn;

		cond_resched(t);
		item = next_item(t, ksm, &pfn);
		settle(t);
		if (!item)
			return;
		metric_get(sim_metrics(t->k->sim), &desc_scanned, "")->value++;
		cmp_and_merge_page(t, ksm->trees, item, pfn);
		release_pages(t, &pfn, 1);
	}
}

static void ksmd_main(struct task *t, void *arg)
{
	struct ksm *ksm = arg;

	for (;;) {
		sim_ps until;

		while (!ksm->head)
			sched_block(t, "mergeable memory");
		if (!kthread_busy(t))
			kthread_stopped(t);
		do_scan(t, ksm);
		kthread_idle(t);
		until = sim_now(t->k->sim) + settings(t)->sleep;
		while (sim_now(t->k->sim) < until)
			sched_sleep(t, until - sim_now(t->k->sim), "its next scan");
	}
}
