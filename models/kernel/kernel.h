/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The simulated kernel's own structures: CPUs with their run queues and TLB state, tasks, and what
 * every part of models/kernel shares. Names are the kernel's. Workloads see ops.h only.
 *
 * Time: spend() notes work of the current task without an event; settle() makes it pass, with
 * interrupts coming due in it. Whatever others can see (a contended line, a lock, an IPI, the
 * clock) settles first, so that its order in simulated time is exact.
 */
#ifndef MODELS_KERNEL_KERNEL_H
#define MODELS_KERNEL_KERNEL_H

#include <setjmp.h>

#include "models/hw/cpu.h"
#include "models/hw/line.h"
#include "models/hw/steal.h"
#include "models/kernel/code_cache.h"
#include "models/kernel/costs.h"
#include "models/kernel/lock.h"
#include "models/kernel/ops.h"
#include "models/policy/policy.h"
#include "sim/metrics.h"

#define TLB_NR_DYN_ASIDS 6
#define GLOBAL_ASID_SLOT 6 /* tlb slot of a broadcast mm's ASID */
#define INIT_MM_CTX_ID   1 /* init_mm takes an ASID like any other; its tlb_gen stays 1 */
#define LRU_BATCH_MAX    256
/* Why a folio changes its LRU list, as a batch of each CPU. */
enum lru_move { LRU_DEACTIVATE, LRU_LAZYFREE, NR_LRU_MOVES };

#define MEMCG_LEVELS 2 /* counters that a page is charged to: its cgroup and one above */
#define PAGE_SHIFT   12
#define PAGE_SIZE    (UINT64_C(1) << PAGE_SHIFT)

#define LOCK_CLASSES 64 /* that lock order is kept for */
#define LOCKS_HELD   24 /* by one task at once */

struct csd;
struct tlbi_queue;
struct mm;
struct rar;
struct rcu;
struct pages;
struct rcu_nocb;
struct secondary;
struct working_set;
struct pipe;
struct tlbflush_unmap_batch;
struct blk_request;
struct disk;
struct swap;
struct reclaim;
struct writeback;

enum task_state { TASK_RUNNING, TASK_BLOCKED, TASK_DEAD };

struct task {
	struct kernel *k;
	struct sim_actor *actor;
	char comm[24];
	unsigned int id;
	bool kthread;
	bool unseen; /* the recorder is blind for it: some CPUs' idle tasks, hidden processes */
	struct mm *mm;
	int bound;        /* to a CPU, or NO_CPU */
	unsigned int cpu; /* runs there, or did last */
	enum task_state state;
	bool on_cpu;
	bool queued;            /* on a run queue */
	bool wake_token;        /* woken while it was not blocked */
	bool wake_after_switch; /* woken while it was still leaving its CPU */
	bool wake_on_leave;     /* migrates: to be queued elsewhere as soon as it has left */
	struct line
		state_line; /* of its task_struct: __state, usage, on_cpu, flags of the idle task */
	struct line se_line; /* on_rq and the scheduling entity */
	struct line pi_line; /* pi_lock, which its wakers take, and wake_q */
	bool in_wake_q;
	struct task *wake_q_next;
	unsigned int preempt_off;
	sim_ps debt;                       /* spent but not yet passed */
	sim_ps masked;                     /* of it: with interrupts disabled */
	uint8_t pace;                      /* what it spends takes longer, in 1/PACE_UNIT */
	sim_ps picked_at;                  /* charged up to then */
	int64_t vruntime, deadline, vprot; /* of the fair class; until vprot it keeps the CPU */
	int64_t vlag;                      /* owed to it when it left its queue */
	bool placed, relative_deadline;    /* was on a queue; deadline is counted from vruntime */
	bool delayed;                      /* sleeps, but stays on the queue for what it owes */
	bool stop_class;                   /* goes before all others */
	bool goes_first;                   /* is being woken, and so does this one, once */
	sim_ps timer;                      /* a sleeper wakes by itself then; SIM_NEVER */
	int timer_cpu;                     /* whose interrupt wakes it instead, or NO_CPU */
	sim_ps timer_end, irq_due;         /* when that CPU's handler is to run; its interrupt */
	bool timer_fired;                  /* raised, not taken yet: in kcpu.fired */
	struct task *next_fired;
	sim_ps spin_start, spin_end;     /* of its last spinning wait */
	sim_ps part[HOLD_PARTS];         /* time spent so far on what lock holds are split by */
	struct rwsem *held_write;        /* list by next_held */
	struct mutex *held_mutex;        /* likewise */
	uint8_t held[LOCKS_HELD];        /* classes of the locks that it holds, for lockdep.c */
	unsigned int nr_held, held_base; /* held_base: where an interrupt's begin */
	sim_ps entered, call_time;       /* sys_enter of its last call; from there to sys_exit */
	const char *wait;                /* what it is blocked on */
	task_fn *fn;
	void *arg;
	jmp_buf *exit_jump;                   /* back to the start of the actor, from sys_exit */
	struct task *next;                    /* all tasks */
	struct task *rq_next;                 /* run queue */
	bool user_wake;                       /* task_wake came: for task_block */
	bool exiting;                         /* has given up its mm for good */
	bool exited;                          /* for its parent to reap */
	struct task *reaper;                  /* that waits for it */
	struct task *vfork_parent;            /* that waits until it lets go of the mm */
	bool in_user;                         /* its own work is under way */
	bool copies;                          /* the kernel accesses its memory for it */
	bool numa_work;                       /* a scan of its mm is due */
	bool memalloc;                        /* reclaims: may take the last frames */
	struct tlbflush_unmap_batch *tlb_ubc; /* NULL until the first batch */
	struct working_set *working_set;      /* pages used last; NULL until the first use */
	int rss_cache[NR_MM_COUNTERS];        /* of the rss-counters policy */
	unsigned int rss_events;
};

struct cpu_tlbstate {
	struct mm *loaded_mm; /* NULL = init_mm */
	unsigned int loaded_asid, next_asid;
	bool is_lazy, switching;
	struct {
		uint64_t ctx_id, tlb_gen;
	} ctxs[TLB_NR_DYN_ASIDS + 1];
	struct line line;        /* loaded_mm and the rest */
	struct line shared_line; /* cpu_tlbstate_shared.is_lazy */
	struct line steal_line;  /* kvm_steal_time: preempted, and the flush asked for */
	struct line info_line;   /* its flush_tlb_info, which its targets read */
};

struct rcu_cb_list {
	struct rcu_cb *head, **tail;
	uint64_t gp; /* the grace period that its callbacks wait for */
};

enum { RCU_DONE, RCU_WAIT, RCU_NEXT_READY, RCU_NEXT, RCU_SEGMENTS };

struct rcu_data {
	struct rcu_cb_list seg[RCU_SEGMENTS];
	uint64_t pending;
	uint64_t checked_at;        /* its length when a flood was last looked for */
	bool flooded;               /* batches are not limited until it is short again */
	uint64_t seen_gp, seen_end; /* grace periods whose start and end this CPU knows of */
	bool needs_qs, qs_noted;    /* that one waits for it; it has been quiescent since */
	bool exp_deferred;          /* so does an expedited one, until it schedules */
	bool in_softirq;
	bool offloaded; /* its callbacks are others' business: rcu_nocb.c */
	struct rcu_nocb *nocb;
	bool in_user;                                 /* of a nohz_full CPU: as quiescent as idle */
	uint64_t idle_entries, idle_seen, scanned_gp; /* the scan's look at its idle periods */
};

#define IDLE_INTERVALS 8

struct idle_history {                  /* of a CPU, for cpuidle.c */
	sim_ps recent[IDLE_INTERVALS]; /* the last idle times, in no order */
	unsigned int n, next;
	sim_ps since;
	bool deep; /* the state of the present one */
};

/* rcutree.blimit and others, and softirq's own limits. */
#define RCU_BLIMIT          10
#define RCU_DIVISOR         7
#define RCU_QHIMARK         10000
#define RCU_QLOWMARK        100
#define RCU_BATCH_TIME      (3 * SIM_MS)
#define MAX_SOFTIRQ_RESTART 10
#define MAX_SOFTIRQ_TIME    (2 * SIM_MS)

struct kcpu { /* what the kernel knows of a CPU */
	struct kernel *k;
	enum preemption preempt;
	struct cpu *cpu;
	struct code_cache *code; /* its core's */
	unsigned int id;
	struct task *curr, *idle;
	struct stopper *stopper;          /* made at its first need */
	struct kworker *kworker;          /* likewise */
	struct task *ksoftirqd;           /* likewise */
	struct task *rq_head, *fair_curr; /* who waits, first come first; who runs, NULL = idle */
	struct task *buddy;               /* to be picked next */
	unsigned int nr_queued;           /* who waits and is awake */
	int64_t min_vruntime;
	struct spinlock rq_lock;
	bool need_resched, idle_halted, in_irq;
	bool idle_looks;      /* TIF_POLLING_NRFLAG of its idle task: looks before it halts */
	bool resched_now;     /* lazy preemption: a tick has passed since */
	bool irq_masked;      /* the interrupt at hand came while it could not be taken */
	bool user_pcid_flush; /* the return to a program flushes its PCID (page-table isolation) */
	sim_ps next_tick;     /* SIM_NEVER: stopped */
	bool tick_stopped;    /* by its idle task, which is to start it again */
	struct task *fired;   /* sleepers that its next IRQ_HRTIMER wakes */
	struct idle_history idle_history;
	struct cpu_tlbstate tlbstate;
	bool isolated;         /* takes no part in balancing; with nohz_full no tick for one task */
	struct line curr_line; /* rq->curr, which others may look at */
	struct line context_line; /* its context-tracking state: in idle or not */
	struct line mcs_line;     /* its qspinlock nodes: all four fit on one */
	struct line osq_line;     /* its optimistic_spin_node */
	struct line call_queue_line;
	struct csd *call_queue;  /* newest first */
	bool ttwu_pending;       /* woken tasks stand on that list, too */
	struct tlbi_queue *tlbi; /* TLBIs that no DSB has waited for yet */
	struct csd **csd;        /* this CPU's csd for each target, made at first use */
	/* per-CPU pages and LRU batch */
	uint32_t *pcp;
	unsigned int nr_pcp, pcp_cap, pcp_alloc_factor;
	uint32_t pcp_huge[2];
	unsigned int nr_pcp_huge;
	unsigned int lru_batch; /* folios in lru_pfn */
	uint32_t lru_pfn[LRU_BATCH_MAX];
	unsigned int nr_lru_moves[NR_LRU_MOVES]; /* batches of folios to be moved between lists */
	uint32_t lru_move[NR_LRU_MOVES][LRU_BATCH_MAX];
	struct blk_request *requests; /* to the disk, by the time of their end */
	uint32_t swap_cluster;        /* + 1: from which it takes slots */
	struct rcu_data rcu;
};

/* As the kernel's tlb_flush tracepoint names them. */
enum tlb_flush_reason {
	TLB_FLUSH_ON_TASK_SWITCH,
	TLB_REMOTE_SHOOTDOWN,
	TLB_LOCAL_SHOOTDOWN,
	TLB_LOCAL_MM_SHOOTDOWN,
	TLB_REMOTE_SEND_IPI,
	TLB_REMOTE_WRONG_CPU,
	NR_TLB_FLUSH_REASONS
};

enum ipi_kind {
	IPI_SHOOTDOWN,
	IPI_TABLE_SYNC,
	IPI_RESCHEDULE,
	IPI_WAKEUP,
	IPI_CALL,
	IPI_RCU,
	IPI_MEMBARRIER,
	NR_IPI_KINDS
};

struct kernel_metrics {
	struct metric *flush[NR_TLB_FLUSH_REASONS], *flush_full[NR_TLB_FLUSH_REASONS];
	struct metric *ipi[NR_IPI_KINDS], *ipi_isolated[NR_IPI_KINDS], *ipi_received,
		*ipi_skipped_lazy, *ipi_skipped_preempted;
	struct metric *flush_wait, *flush_latency;
	struct metric *invlpg, *cr3_flush;
	struct metric *faults[16];
	struct metric *dirty_walks, *refill_walks, *refill_time;
	struct metric *pages_allocated, *pages_freed, *tables_freed, *context_switches;
	struct metric *rcu_gp, *rcu_callbacks, *table_free_delay, *ticks;
	struct metric *vma_lock_miss, *vma_lock_hit;
	struct metric *traced_wait, *traced_hold;
	/* made at their first use */
	struct metric *invlpgb, *tlbsync, *tlbi, *dsb, *rar, *rar_wait, *deferred, *truncated;
};

struct kernel {
	struct sim *sim;
	struct machine *m;
	struct kernel_costs cost;
	struct policy_set policy;
	struct kcpu *cpus;
	unsigned int nr_cpus;
	struct task *tasks;
	unsigned int next_task_id, live_tasks, next_place;
	uint64_t next_ctx_id;
	struct rar *rar; /* NULL: the machine has none */
	/* Translations of global ASIDs are kept up to date on the CPUs of mm_cpumask only. */
	bool asid_by_mask;
	bool tlb_broadcast; /* flushes reach every CPU in hardware: no tlb_gen, no mm_cpumask */
	sim_ps tracer_ps, tracer_cold_ps; /* of an event; what a cold one costs more */
	sim_ps jiffy, tick_phase;
	sim_ps rcu_busy_until; /* callbacks that are not simulated: kernel_rcu_busy */
	int64_t base_slice;    /* of the fair class */
	sim_ps entry_ps, exit_ps, user_flush_ps; /* of mitigations: see entry.h */
	uint64_t *kernel_page;    /* page numbers that every entry touches, or NULL */
	struct code_cache **code; /* by core */
	struct code_cache_model code_model;
	struct rng mask_rng, idle_rng;
	struct lock_class *lock_classes;
	uint64_t taken_under[LOCK_CLASSES]; /* by held class: classes taken under it */
	struct lock_edge
		*lock_edges[LOCK_CLASSES][LOCK_CLASSES]; /* [held][taken]: the first time */
	struct mm *mms;
	struct pipe *pipes;
	struct spinlock tasklist_lock, pcpu_lock;
	struct pages *pages;
	struct reclaim *reclaim;
	struct writeback *writeback;
	struct disk *disk;
	struct swap *swap;
	struct page_wait *page_wait; /* sleepers on page locks */
	struct secondary *secondary;
	struct mutex membarrier_ipi_mutex;
	struct page_table *condemned; /* freed under a walker: kept, so that the run can go on */
	struct rcu *rcu;
	struct khugepaged *khugepaged; /* made when the first mm enters */
	struct ksm *ksm;               /* likewise */
	struct spinlock lru_lock;
	struct line lruvec_line, lru_size_line, page_counter_line[MEMCG_LEVELS];
	struct cpumask idle_mask; /* CPUs whose current task is idle with nothing queued */
	struct line_class *csd_line_class;
	struct kernel_metrics metric;
	unsigned int busy_kthreads; /* threads that the end of the run waits for */
	struct task *ending;        /* the last task, once it waits for them */
	bool finished;              /* kernel_finish has run: what is left is a leak */
};

/* ---- making and ending (kernel.c) ---- */

/* Takes over *desc and *policy. `costs` already scaled. */
struct kernel *kernel_create(struct sim *sim, struct machine_desc *desc,
			     const struct kernel_costs *costs, struct policy_set *policy);
/* After the run: leak checks (sim_check) and final metrics. */
void kernel_finish(struct kernel *k);
void kernel_free(struct kernel *k);

/* ---- time (time.c) ---- */

static inline struct kcpu *this_cpu(const struct task *t)
{
	return &t->k->cpus[t->cpu];
}
/* Runs, on a CPU that no host has preempted: worth spinning for. */
static inline bool owner_on_cpu(const struct task *owner)
{
	return owner->on_cpu && !steal_is_preempted(this_cpu(owner)->cpu);
}
/* Takes that long however warm the caches are: instructions that wait, devices, programs. */
static inline void spend_time(struct task *t, sim_ps time)
{
	t->debt += time;
}
/* Has no line come into the core's L1, nor so into its L2, nor into L3 since? */
static inline bool code_is_warm(const struct task *t, const char *place)
{
	const struct code_cache *code = this_cpu(t)->code;
	size_t i = (size_t)(place - __start_mmsim_spend);

	return code->used[i].l1 == code->l1 && code->l3->used[i] == code->l3->lines;
}
/* Since the code at this place ran last; it runs now. */
static inline struct code_age code_age(const struct task *t, const char *place)
{
	struct code_cache *code = this_cpu(t)->code;
	size_t i = (size_t)(place - __start_mmsim_spend);
	struct code_age age = { code->l1 - code->used[i].l1, code->l2 - code->used[i].l2,
				code->l3->lines - code->l3->used[i] };

	code->used[i] = (struct code_use){ code->l1, code->l2 };
	code->l3->used[i] = code->l3->lines;
	return age;
}
static inline void spend_code(struct task *t, sim_ps work, const char *place)
{
	t->debt += work;
	if (!code_is_warm(t, place)) {
		struct code_age age = code_age(t, place);

		if (age.l1 > t->k->code_model.negligible)
			t->debt += code_cache_miss(&t->k->code_model, work, age);
	}
}
/* Kernel code that takes `work` with warm caches. Each call is a place of its own. */
#define spend(t, work)                                                                             \
	do {                                                                                       \
		CODE_PLACE(code_place);                                                            \
		spend_code(t, work, &code_place);                                                  \
	} while (0)
/* The host's code runs on the same core, and is as cold as it: for the ICR write that follows. */
static inline void exit_to_host(struct task *t)
{
	struct cpu *cpu = this_cpu(t)->cpu;
	struct code_age age;

	CODE_PLACE(exit_place);
	age = code_age(t, &exit_place);
	if (cpu->m->desc.virt.guest && age.l1 > t->k->code_model.negligible)
		cpu->host_cold = code_cache_miss(&t->k->code_model, cpu->m->desc.virt.icr_exit,
						 age);
}
/* Code that is a part of what runs at `whole`: as warm as the one of both that ran last. */
static inline void spend_part(struct task *t, sim_ps work, const char *place, const char *whole)
{
	struct code_cache *code = this_cpu(t)->code;
	size_t i = (size_t)(place - __start_mmsim_spend),
	       all = (size_t)(whole - __start_mmsim_spend);

	if (code->used[i].l1 < code->used[all].l1)
		code->used[i] = code->used[all];
	if (code->l3->used[i] < code->l3->used[all])
		code->l3->used[i] = code->l3->used[all];
	spend_code(t, work, place);
}
/* The same for work on pages, which lock holds tell apart. */
static inline void spend_on_pages(struct task *t, sim_ps work)
{
	t->debt += work;
	t->part[HOLD_PAGES] += work;
}
void settle(struct task *t);
void schedule(struct task *t);
void trace_at(struct task *t, const char *place);
/* One tracepoint fires in the context of t. */
#define tracepoint(t)                                                                              \
	do {                                                                                       \
		CODE_PLACE(trace_place);                                                           \
		if ((t)->k->tracer_ps)                                                             \
			trace_at(t, &trace_place);                                                 \
	} while (0)
/* The clock as a tracepoint reads it. Settles, but only if somebody traces: so that it costs the
 * simulator nothing else. */
static inline sim_ps task_time(struct task *t)
{
	if (t->k->tracer_ps)
		settle(t);
	return sim_now(t->k->sim) + t->debt;
}
/* An access to a kernel line by the task's CPU. Settles, except for a hit. */
void touch_line(struct task *t, struct line *line, enum line_access how);
/* As touch_line, but the CPU goes on before it is complete: a store that nobody waits for. Returns
 * when it completes. */
sim_ps post_store(struct task *t, struct line *line);
/* The task waits on its CPU, executing, until unparked or t; interrupts are handled meanwhile. May
 * return early: look again. */
void spin_wait(struct task *t, sim_ps until, const char *why);
void irq_disable(struct task *t);
void irq_enable(struct task *t);
static inline void preempt_disable(struct task *t)
{
	t->preempt_off++;
}
void preempt_enable(struct task *t);
/* The task is asked to give way, and may do so in the kernel. */
static inline bool may_preempt(const struct kcpu *c)
{
	return c->need_resched && (c->preempt == PREEMPT_FULL || c->resched_now);
}
/* A long way through the kernel offers to give way, which it needs where nobody preempts it. */
static inline void cond_resched(struct task *t)
{
	struct kcpu *c = this_cpu(t);

	if (__builtin_expect(c->need_resched, 0) && c->preempt == PREEMPT_NONE && !t->preempt_off)
		schedule(t);
}
/* Handles due interrupts in the context of t, and reschedules if that is called for. */
void handle_irqs(struct task *t);

/* Whole jiffies of a span of time (nsecs_to_jiffies). */
static inline uint64_t to_jiffies(const struct kernel *k, sim_ps span)
{
	return span / k->jiffy;
}
/* Ticks so far, as the kernel counts them. */
static inline uint64_t jiffies(const struct kernel *k)
{
	return to_jiffies(k, sim_now(k->sim) + k->jiffy - k->tick_phase);
}

/* ---- system calls (entry.c) ---- */

/* The way in with its tracepoint, and the way out, which settles. */
void syscall_enter(struct task *t);
void syscall_exit(struct task *t);

/* ---- scheduler (sched.c, wakeup.c, idle.c) ---- */

/* Gives the CPU to the next task; returns when t runs again. A dead task never returns. */
void schedule(struct task *t);
/* Blocks t until sched_wake; the caller has set t->wait. */
void sched_block(struct task *t, const char *why);
/* waker: whose context it is (an interrupt's: the task that it interrupted). False: not asleep. */
bool sched_wake(struct task *waker, struct task *sleeper);
/* wake_q: sleepers to be woken once a lock is let go; { 0 } is an empty one. */
struct wake_q {
	struct task *first, *last;
};
void wake_q_add(struct task *t, struct wake_q *q, struct task *sleeper);
void wake_up_q(struct task *t, struct wake_q *q);
/* Blocks t for a time; other wake-ups end it early. */
void sched_sleep(struct task *t, sim_ps duration, const char *why);
/* Makes the task that stands for a CPU's idle loop, at its first need. */
void ensure_idle(struct kcpu *c);
/* A new task, its actor made and queued on a CPU. */
struct task *sched_spawn(struct kernel *k, const struct task_attr *attr, struct mm *mm,
			 bool kthread);
/* The same by its parent, which pays for it (wake_up_new_task). */
struct task *sched_fork(struct task *parent, const struct task_attr *attr, struct mm *mm);
struct task *kthread_spawn(struct kernel *k, const char *comm, task_fn *fn, void *arg);
void sched_tick(struct task *curr);
/* NO_HZ_IDLE: unless RCU needs it. Takes time, as starting it again on the way out of idle. */
void tick_nohz_idle_stop(struct task *t);
void tick_nohz_idle_exit(struct task *t);
/* A busy CPU without a tick (nohz_full) needs one again. */
void tick_restart(struct kcpu *c);
/* Moves the running task to another CPU, by way of that CPU's run queue. */
void sched_migrate(struct task *t, unsigned int cpu);
/* The same by this CPU's stopper thread, until t runs where it is bound. */
void stop_and_migrate(struct task *t);
/* The same by the RESCHEDULE vector: look who is next. */
void resched_cpu(struct task *t, unsigned int cpu);
/* A store, if that CPU sees it, or an IPI of the CALL_FUNCTION_SINGLE vector: run what was woken
 * for you. */
void send_wakeup(struct task *t, struct kcpu *to);
/* Can the idle task of c be woken by a store instead of an interrupt? */
bool idle_sees_stores(const struct kcpu *c);
/* set_nr_if_polling: that store. Returns when c sees it. */
sim_ps idle_store(struct task *t, struct kcpu *c);

/* ---- kernel threads at the end of the run (kthread_end.c) ---- */

/* What a kernel thread does between these two is not cut short by the end of the run. False: it is
 * ending, and the thread goes to kthread_stopped, which never returns. */
bool kthread_busy(struct task *t);
void kthread_idle(struct task *t);
void kthread_stopped(struct task *t) __attribute__((noreturn));
/* The last task of the run exits. */
void kthreads_finish(struct task *t);

/* ---- context switch (switch_mm.c) ---- */

void switch_mm_irqs_off(struct task *t, struct mm *next);
void enter_lazy_tlb(struct task *t);
/* By the shootdown policy: does a CPU leave mm_cpumask as it switches to another mm? */
bool switch_clears_cpumask(const struct kernel *k);

/* ---- metrics ---- */

/* One of k->metric that a run does not have before it comes so far. */
static inline struct metric *kernel_metric(const struct kernel *k, struct metric **kept,
					   const struct metric_desc *desc)
{
	if (!*kept)
		*kept = metric_get(sim_metrics(k->sim), desc, "");
	return *kept;
}

void trace_tlb_flush(struct task *t, enum tlb_flush_reason reason, bool full, uint64_t pages);
/* n interrupts to other CPUs, of which `isolated` reach isolated ones, sent in the context of t. */
void count_ipis(struct task *t, enum ipi_kind kind, uint64_t n, uint64_t isolated);

#endif
