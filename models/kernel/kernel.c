// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Making the kernel of a run, and taking it down: leak checks and the metrics that are known only
 * at the end.
 */
#include "models/kernel/kernel.h"

#include <stdlib.h>

#include "models/hw/steal.h"
#include "models/kernel/entry.h"
#include "models/kernel/blk.h"
#include "models/kernel/fair.h"
#include "models/kernel/init.h"
#include "models/kernel/mmu_notifier.h"
#include "models/kernel/khugepaged.h"
#include "models/kernel/ksm.h"
#include "models/kernel/mm.h"
#include "models/kernel/rar.h"
#include "models/kernel/rcu.h"
#include "models/kernel/runqueue.h"
#include "models/kernel/reclaim.h"
#include "models/kernel/smp.h"
#include "models/kernel/swap.h"
#include "models/kernel/tlb_batch.h"
#include "models/kernel/writeback.h"
#include "models/kernel/tlbi.h"

METRIC(desc_ipi, "ipi.sent", METRIC_COUNTER, "1", "kind", "interrupts sent to other CPUs");
METRIC(desc_ipi_isolated, "ipi.sent_to_isolated", METRIC_COUNTER, "1", "kind",
       "those of ipi.sent that interrupted an isolated CPU");
METRIC(desc_ipi_unseen, "ipi.sent_unseen", METRIC_COUNTER, "1", "kind",
       "those of ipi.sent that the recorder of the replayed recording did not see: by idle tasks");
METRIC(desc_ipi_received, "ipi.calls_run", METRIC_COUNTER, "1", NULL,
       "cross calls run on their targets");
METRIC(desc_flush_wait, "ipi.wait", METRIC_HISTOGRAM, "ps", NULL,
       "time a sender spins for acknowledgements, after its own part");
METRIC(desc_alloc, "mm.pages_allocated", METRIC_COUNTER, "pages", NULL, "frames taken");
METRIC(desc_freed, "mm.pages_freed", METRIC_COUNTER, "pages", NULL, "frames given back");
METRIC(desc_tables, "mm.tables_freed", METRIC_COUNTER, "1", NULL, "page tables freed");
METRIC(desc_table_delay, "mm.table_free_delay", METRIC_HISTOGRAM, "ps", NULL,
       "from unhooking a page table to freeing it");
METRIC(desc_switches, "sched.context_switches", METRIC_COUNTER, "1", NULL, "task switches");
METRIC(desc_ticks, "sched.ticks", METRIC_COUNTER, "1", NULL, "periodic ticks taken");
METRIC(desc_line_moves, "line.transfers", METRIC_COUNTER, "1", "line",
       "times a kernel cache line moved between cores");
METRIC(desc_line_wait, "line.wait", METRIC_COUNTER, "ps", "line",
       "time that accesses queued behind others for the line");
METRIC(desc_line_time, "line.transfer_time", METRIC_COUNTER, "ps", "line",
       "time spent moving the line");
METRIC(desc_steal, "cpu.steal_time", METRIC_COUNTER, "ps", NULL,
       "time for which a host had taken virtual CPUs that had work");
METRIC(desc_stolen, "cpu.preempted", METRIC_COUNTER, "1", NULL, "times that it took one");
METRIC(desc_host_flush, "tlb.host_flush", METRIC_COUNTER, "1", NULL,
       "flushes of preempted CPUs that their host did when it gave them back");
METRIC(desc_tlb_misses, "tlb.user_misses", METRIC_COUNTER, "1", NULL,
       "page walks by user accesses");

static const char *const ipi_names[NR_IPI_KINDS] = { "shootdown", "table-sync", "reschedule",
						     "wakeup",    "call",       "rcu",
						     "membarrier" };

void count_ipis(struct task *t, enum ipi_kind kind, uint64_t n, uint64_t isolated)
{
	struct kernel *k = t->k;

	k->metric.ipi[kind]->value += n;
	k->metric.ipi_isolated[kind]->value += isolated;
	if (t->unseen)
		metric_get(sim_metrics(k->sim), &desc_ipi_unseen, ipi_names[kind])->value += n;
}

static void metrics_init(struct kernel *k)
{
	struct metrics *m = sim_metrics(k->sim);
	struct kernel_metrics *km = &k->metric;

	for (unsigned int i = 0; i < NR_IPI_KINDS; i++) {
		km->ipi[i] = metric_get(m, &desc_ipi, ipi_names[i]);
		km->ipi_isolated[i] = metric_get(m, &desc_ipi_isolated, ipi_names[i]);
	}
	km->ipi_received = metric_get(m, &desc_ipi_received, "");
	km->flush_wait = metric_get(m, &desc_flush_wait, "");
	km->pages_allocated = metric_get(m, &desc_alloc, "");
	km->pages_freed = metric_get(m, &desc_freed, "");
	km->tables_freed = metric_get(m, &desc_tables, "");
	km->table_free_delay = metric_get(m, &desc_table_delay, "");
	km->context_switches = metric_get(m, &desc_switches, "");
	km->ticks = metric_get(m, &desc_ticks, "");
	flush_metrics_init(k);
	tlbflush_init(k);
	fault_init(k);
	mmap_lock_metrics_init(k);
	user_access_init(k);
}

static void cpu_start(struct kernel *k, unsigned int id)
{
	struct kcpu *c = &k->cpus[id];

	c->k = k;
	c->id = id;
	c->preempt = k->m->desc.preempt;
	c->cpu = &k->m->cpus[id];
	c->next_tick = SIM_NEVER;
	c->idle = calloc(1, sizeof(*c->idle));
	c->idle->k = k;
	c->idle->kthread = true;
	c->idle->bound = (int)id;
	c->idle->cpu = id;
	c->idle->on_cpu = true;
	c->idle->timer = SIM_NEVER;
	task_lines_init(c->idle);
	c->curr = c->idle;
	c->idle_halted = !k->m->desc.idle_polls;
	cpumask_set(&k->idle_mask, id);
	spin_lock_init(k, &c->rq_lock, lock_class_get(k, "rq_lock"));
	c->isolated = c->cpu->core + k->m->desc.isolated_cores >= k->m->nr_cores;
	line_init(&c->curr_line, line_class_get(k->m, "rq_curr"));
	line_init(&c->mcs_line, line_class_get(k->m, "mcs_node"));
	line_init(&c->osq_line, line_class_get(k->m, "osq_node"));
	line_init(&c->tlbstate.line, line_class_get(k->m, "cpu_tlbstate"));
	line_init(&c->tlbstate.shared_line, line_class_get(k->m, "cpu_tlbstate_shared"));
	line_init(&c->tlbstate.steal_line, line_class_get(k->m, "kvm_steal_time"));
	if (c->cpu->steal)
		c->cpu->steal->line = &c->tlbstate.steal_line;
	line_init(&c->tlbstate.info_line, line_class_get(k->m, "flush_tlb_info"));
	c->tlbstate.ctxs[0].ctx_id = INIT_MM_CTX_ID;
	c->tlbstate.ctxs[0].tlb_gen = 1;
	c->tlbstate.next_asid = 1;
	smp_init_cpu(c);
}

struct kernel *kernel_create(struct sim *sim, struct machine_desc *desc,
			     const struct kernel_costs *costs, struct policy_set *policy)
{
	struct kernel *k = calloc(1, sizeof(*k));
	const struct shootdown_ops *shootdown;
	struct rng rng;

	k->sim = sim;
	k->cost = *costs;
	k->policy = *policy;
	*policy = (struct policy_set){ 0 };
	k->m = machine_create(sim, desc);
	k->nr_cpus = k->m->nr_cpus;
	k->next_ctx_id = INIT_MM_CTX_ID;
	shootdown = k->policy.pick[AXIS_SHOOTDOWN].choice->ops;
	k->tlb_broadcast = shootdown->hardware_broadcast &&
			   shootdown->hardware_broadcast(&k->m->desc);
	k->jiffy = SIM_S / k->m->desc.hz_tick;
	/* A run starts anywhere between two ticks. */
	rng_init(&rng, sim_seed(sim), "tick.phase", 0);
	k->tick_phase = rng_below(&rng, k->jiffy);
	fair_init(k);
	k->asid_by_mask = shootdown->asid_by_mask && k->m->desc.flush.has_rar;
	rng_init(&k->idle_rng, sim_seed(sim), "virt.idle", 0);
	rng_init(&k->mask_rng, sim_seed(sim), "irq.masked", 0);
	metrics_init(k);
	entry_init(k);
	k->csd_line_class = line_class_get(k->m, "csd");
	k->cpus = calloc(k->nr_cpus, sizeof(*k->cpus));
	spin_lock_init(k, &k->tasklist_lock, lock_class_get(k, "tasklist_lock"));
	spin_lock_init(k, &k->pcpu_lock, lock_class_get(k, "pcpu_lock"));
	pages_init(k);
	lru_init(k);
	page_lock_init(k);
	blk_init(k);
	swap_init(k);
	reclaim_init(k);
	writeback_init(k);
	for (unsigned int i = 0; i < k->nr_cpus; i++)
		cpu_start(k, i);
	rar_init(k);
	code_cache_init(k);
	rcu_init(k);
	secondary_init(k);
	mutex_init(k, &k->membarrier_ipi_mutex, lock_class_get(k, "membarrier_ipi_mutex"));
	return k;
}

static void line_metrics(struct kernel *k)
{
	struct metrics *m = sim_metrics(k->sim);

	for (struct line_class *c = k->m->line_classes; c; c = c->next) {
		if (!c->transfers)
			continue;
		metric_get(m, &desc_line_moves, c->name)->value += c->transfers;
		metric_get(m, &desc_line_wait, c->name)->value += c->wait_ps;
		metric_get(m, &desc_line_time, c->name)->value += c->transfer_ps;
	}
}

/* What is under way when the run ends comes to its end at no cost. */
static void drain_quietly(struct kernel *k)
{
	rcu_drain(k);
	blk_drain(k);
	lru_drain_quietly(k);
	swap_drain(k);
}

static void steal_metrics(struct kernel *k)
{
	struct metrics *m = sim_metrics(k->sim);

	for (unsigned int i = 0; i < k->nr_cpus; i++) {
		const struct steal *s = k->cpus[i].cpu->steal;

		if (!s)
			continue;
		metric_get(m, &desc_steal, "")->value += s->total;
		metric_get(m, &desc_stolen, "")->value += s->times;
		metric_get(m, &desc_host_flush, "")->value += s->flushes;
	}
}

void kernel_finish(struct kernel *k)
{
	uint64_t misses = 0;

	line_metrics(k);
	steal_metrics(k);
	for (unsigned int i = 0; i < k->nr_cpus; i++)
		misses += k->cpus[i].cpu->tlb.misses;
	metric_get(sim_metrics(k->sim), &desc_tlb_misses, "")->value = misses;
	drain_quietly(k);
	sim_check(k->sim, k->live_tasks == 0, "task-leak", "%u tasks at the end", k->live_tasks);
	k->finished = true;
}

static void free_mms(struct kernel *k)
{
	while (k->mms) {
		struct mm *mm = k->mms;

		k->mms = mm->next;
		mm_destroy(mm);
	}
}

static void free_cpu(struct kernel *k, struct kcpu *c)
{
	smp_free_cpu(c);
	tlbi_free_cpu(c);
	spin_lock_free(k, &c->rq_lock);
	line_free(&c->curr_line, k->m);
	line_free(&c->mcs_line, k->m);
	line_free(&c->osq_line, k->m);
	line_free(&c->tlbstate.line, k->m);
	line_free(&c->tlbstate.shared_line, k->m);
	line_free(&c->tlbstate.steal_line, k->m);
	line_free(&c->tlbstate.info_line, k->m);
	free(c->pcp);
	free(c->stopper);
	free(c->kworker);
}

static void free_task(struct task *t)
{
	free(t->working_set);
	tlb_batch_free(t);
	task_lines_free(t);
	free(t);
}

/* Tasks go after all locks: the run's end cuts idle tasks and kernel threads off while they hold
 * some.
 */
static void free_lists(struct kernel *k)
{
	while (k->condemned) {
		struct page_table *table = k->condemned;

		k->condemned = table->slot.child[0];
		free(table);
	}
	while (k->tasks) {
		struct task *t = k->tasks;

		k->tasks = t->next;
		free_task(t);
	}
	for (unsigned int i = 0; i < k->nr_cpus; i++)
		free_task(k->cpus[i].idle);
	while (k->lock_classes) {
		struct lock_class *c = k->lock_classes;

		k->lock_classes = c->next;
		free(c);
	}
}

void kernel_free(struct kernel *k)
{
	/* A run that was cut short: what waits for RCU is no leak of the simulator's own. */
	if (!k->finished)
		drain_quietly(k);
	code_cache_free(k);
	for (unsigned int i = 0; i < k->nr_cpus; i++)
		free_cpu(k, &k->cpus[i]);
	free_mms(k);
	entry_free(k);
	pipes_free(k);
	spin_lock_free(k, &k->tasklist_lock);
	khugepaged_free(k);
	ksm_free(k);
	rar_free(k);
	spin_lock_free(k, &k->pcpu_lock);
	rcu_free(k);
	secondary_free(k);
	mutex_free(k, &k->membarrier_ipi_mutex);
	lru_free(k);
	page_lock_free(k);
	reclaim_free(k);
	writeback_free(k);
	swap_free(k);
	blk_free(k);
	pages_free(k);
	lockdep_free(k);
	free_lists(k);
	machine_free(k->m);
	policy_set_free(&k->policy);
	free(k->cpus);
	free(k);
}
