// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The life of an mm, and mmap_lock with the tracepoints and the sequence count around it.
 */
#include <stdlib.h>

#include "models/kernel/mmu_notifier.h"
#include "models/kernel/init.h"
#include "models/kernel/khugepaged.h"
#include "models/kernel/ksm.h"
#include "models/kernel/rmap.h"
#include "models/kernel/userfaultfd.h"

struct mm *mm_create(struct kernel *k)
{
	struct mm *mm = calloc(1, sizeof(*mm));

	mm->k = k;
	mm->next = k->mms;
	k->mms = mm;
	mm->ctx_id = ++k->next_ctx_id;
	mm->users = 1;
	mm->lock_seq = 2; /* even: not write-locked; a new VMA's 0 never equals it */
	mm->tlb_gen = 1;
	mm->mmap_base = MMAP_BASE;
	mm->brk_start = mm->brk = UINT64_C(0x555555800000);
	rwsem_init(k, &mm->mmap_lock, lock_class_get(k, "mmap_lock"));
	line_init(&mm->tlb_gen_line, line_class_get(k->m, "tlb_gen"));
	line_init(&mm->pending_line, line_class_get(k->m, "tlb_flush_pending"));
	line_init(&mm->rss_line, line_class_get(k->m, "rss_stat"));
	for (unsigned int i = 0; i < NR_CPUS / 512; i++)
		line_init(&mm->cpumask_line[i], line_class_get(k->m, "mm_cpumask"));
	spin_lock_init(k, &mm->page_table_lock, lock_class_get(k, "page_table_lock"));
	spin_lock_init(k, &mm->notifier_lock, lock_class_get(k, "notifier_lock"));
	for (unsigned int c = 0; c < NR_MM_COUNTERS; c++)
		spin_lock_init(k, &mm->rss_lock[c], lock_class_get(k, "percpu_counter"));
	mm->next_trim = to_jiffies(k, sim_now(k->sim) + SIM_S);
	return mm;
}

void mm_destroy(struct mm *mm)
{
	struct kernel *k = mm->k;

	sim_check(k->sim, mm->nr_vmas == 0, "vma-leak", "%zu VMAs at the end of an mm",
		  mm->nr_vmas);
	sim_check(k->sim, mm->nr_tables == 0, "table-leak", "%llu page tables at the end of an mm",
		  (unsigned long long)mm->nr_tables);
	sim_check(k->sim, mm->tlb_flush_pending == 0, "gather-leak", "%u gathers never finished",
		  mm->tlb_flush_pending);
	userfaultfd_free(mm);
	rwsem_free(k, &mm->mmap_lock);
	line_free(&mm->tlb_gen_line, k->m);
	line_free(&mm->pending_line, k->m);
	line_free(&mm->rss_line, k->m);
	for (unsigned int i = 0; i < NR_CPUS / 512; i++)
		line_free(&mm->cpumask_line[i], k->m);
	spin_lock_free(k, &mm->page_table_lock);
	spin_lock_free(k, &mm->notifier_lock);
	sim_check(k->sim, mm->notifier_ranges == 0, "notifier-balance",
		  "%u notifier ranges never ended", mm->notifier_ranges);
	for (unsigned int c = 0; c < NR_MM_COUNTERS; c++)
		spin_lock_free(k, &mm->rss_lock[c]);
	free(mm->rss_percpu);
	free(mm->vmas);
	free(mm);
}

/* ---- page counters ---- */

static const struct rss_ops *rss_ops(const struct task *t, const void **params)
{
	const struct policy_pick *p = &t->k->policy.pick[AXIS_RSS_COUNTERS];

	*params = p->params;
	return p->choice->ops;
}

void rss_add_fault(struct task *t, struct mm *mm, enum mm_counter c, int n)
{
	const void *params;
	const struct rss_ops *ops = rss_ops(t, &params);

	mm->rss += (uint64_t)(int64_t)n;
	ops->fault(params, t, mm, c, n);
}

void rss_add_bulk(struct task *t, struct mm *mm, enum mm_counter c, int n)
{
	const void *params;
	const struct rss_ops *ops = rss_ops(t, &params);

	if (!n)
		return;
	mm->rss += (uint64_t)(int64_t)n;
	ops->bulk(params, t, mm, c, n);
}

void mm_init_counters(struct task *t, struct mm *mm)
{
	const void *params;

	rss_ops(t, &params)->born(params, t, mm);
}

static void check_counters(struct task *t, struct mm *mm)
{
	const void *params;
	const struct rss_ops *ops = rss_ops(t, &params);

	sim_check(t->k->sim, mm->rss == 0, "rss-leak", "an mm ends with %lld pages counted",
		  (long long)mm->rss);
	ops->gone(params, t, mm);
}

/* The last user tears the address space down, lazily loaded as the kernel has it by then. */
static void exit_mmap(struct task *t, struct mm *mm)
{
	struct mmu_gather tlb;
	struct read_hold hold;

	mmu_notifier_release(t, mm);
	mmap_read_lock(t, mm, &hold);
	lru_drain_for_zap(t);
	tlb_gather_mmu_fullmm(t, &tlb, mm);
	for (size_t i = 0; i < mm->nr_vmas; i++)
		zap_range(t, &tlb, mm->vmas[i], mm->vmas[i]->start, mm->vmas[i]->end, false);
	mmap_read_unlock(t, mm, &hold);
	mmap_write_lock(t, mm);
	for (size_t i = 0; i < mm->nr_vmas; i++) {
		unlink_anon_vmas(t, mm->vmas[i]);
		unlink_file_vma(t, mm->vmas[i]);
	}
	free_pgtables(t, &tlb, 0, TASK_SIZE, 0, TASK_SIZE);
	tlb_finish_mmu(t, &tlb);
	while (mm->nr_vmas) {
		struct vma *vma = mm->vmas[mm->nr_vmas - 1];

		mm->nr_vmas--;
		vma_mark_detached(t, mm, vma);
		vma_free(t, mm, vma);
	}
	mmap_write_unlock(t, mm);
}

void mm_drop(struct task *t, struct mm *mm)
{
	touch_line(t, &mm->rss_line, LINE_ATOMIC); /* mm_users shares its line */
	settle(t);
	if (--mm->users)
		return;
	ksm_exit(t, mm);
	khugepaged_exit(t, mm);
	exit_mmap(t, mm);
	check_counters(t, mm);
	if (mm->pgd) {
		struct page_table *pgd = mm->pgd;

		mm->pgd = NULL;
		free_page(t, pgd->pfn);
		pt_free_table(t->k, mm, pgd);
	}
	/* The struct stays until the end of the run: lazy CPUs may still have it loaded. */
}

/* ---- mmap_lock, its tracepoints, and what a recorder makes of them ---- */

METRIC(desc_traced_wait, "mmap_lock.traced_wait", METRIC_HISTOGRAM, "ps", NULL,
       "mmap_lock_start_locking to mmap_lock_acquire_returned, as a recorder sees them");
METRIC(desc_traced_hold, "mmap_lock.traced_hold", METRIC_HISTOGRAM, "ps", NULL,
       "mmap_lock_acquire_returned to mmap_lock_released; a downgrade is part of it");

void mmap_lock_metrics_init(struct kernel *k)
{
	k->metric.traced_wait = metric_get(sim_metrics(k->sim), &desc_traced_wait, "");
	k->metric.traced_hold = metric_get(sim_metrics(k->sim), &desc_traced_hold, "");
}

static sim_ps trace_start_locking(struct task *t)
{
	sim_ps now = task_time(t);

	tracepoint(t);
	return now;
}

static sim_ps trace_acquire_returned(struct task *t, sim_ps asked, bool success)
{
	sim_ps now = task_time(t);

	if (success)
		hist_add(&t->k->metric.traced_wait->hist, now - asked);
	tracepoint(t);
	return now;
}

static void trace_released(struct task *t, sim_ps got)
{
	hist_add(&t->k->metric.traced_hold->hist, task_time(t) - got);
	tracepoint(t);
}

void mmap_write_lock(struct task *t, struct mm *mm)
{
	sim_ps asked = trace_start_locking(t);

	down_write(t, &mm->mmap_lock);
	post_store(t, mm_lock_seq_line(mm));
	mm->lock_seq++;
	mm->lock_traced = trace_acquire_returned(t, asked, true);
}

bool mmap_write_trylock(struct task *t, struct mm *mm)
{
	sim_ps asked = trace_start_locking(t), got;
	bool ok = down_write_trylock(t, &mm->mmap_lock);

	if (ok) {
		post_store(t, mm_lock_seq_line(mm));
		mm->lock_seq++;
	}
	got = trace_acquire_returned(t, asked, ok);
	if (ok)
		mm->lock_traced = got;
	return ok;
}

/* One store lets go of every VMA that was marked under this hold. */
static void vma_end_write_all(struct task *t, struct mm *mm)
{
	post_store(t, mm_lock_seq_line(mm));
	mm->lock_seq++;
}

void mmap_write_unlock(struct task *t, struct mm *mm)
{
	trace_released(t, mm->lock_traced);
	vma_end_write_all(t, mm);
	up_write(t, &mm->mmap_lock);
}

void mmap_write_downgrade(struct task *t, struct mm *mm, struct read_hold *hold)
{
	sim_ps got = mm->lock_traced;

	tracepoint(t);
	vma_end_write_all(t, mm);
	downgrade_write(t, &mm->mmap_lock, hold);
	hold->traced = got;
}

void mmap_read_lock(struct task *t, struct mm *mm, struct read_hold *hold)
{
	sim_ps asked = trace_start_locking(t);

	down_read(t, &mm->mmap_lock, hold);
	hold->traced = trace_acquire_returned(t, asked, true);
}

bool mmap_read_trylock(struct task *t, struct mm *mm, struct read_hold *hold)
{
	sim_ps asked = trace_start_locking(t);
	bool ok = down_read_trylock(t, &mm->mmap_lock, hold);

	hold->traced = trace_acquire_returned(t, asked, ok);
	return ok;
}

bool mmap_upgrade_trylock(struct task *t, struct mm *mm, struct read_hold *hold)
{
	if (!upgrade_read_trylock(t, &mm->mmap_lock, hold))
		return false;
	post_store(t, mm_lock_seq_line(mm));
	mm->lock_seq++;
	return true;
}

void mmap_read_unlock(struct task *t, struct mm *mm, const struct read_hold *hold)
{
	trace_released(t, hold->traced);
	up_read(t, &mm->mmap_lock, hold);
}
