/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the parts of the program builder share: threads and address spaces while a recording is
 * read. program_build.c reads events, program_space.c follows mappings, program_finish.c makes the
 * program of it all.
 */
#ifndef WORKLOADS_PROGRAM_BUILD_H
#define WORKLOADS_PROGRAM_BUILD_H

#include "models/kernel/ops.h"
#include "workloads/program.h"
#include "workloads/xalloc.h"

#define PAGE 4096ull

/* ---- sets of addresses: sorted, disjoint, never touching intervals ---- */

struct span {
	uint64_t start, end;
};

struct spans {
	struct span *v;
	size_t n, cap;
};

void spans_add(struct spans *s, uint64_t start, uint64_t end);
void spans_remove(struct spans *s, uint64_t start, uint64_t end);
bool spans_meet(const struct spans *s, uint64_t start, uint64_t end);
/* The first part of [start, end) that is not in the set; false if all of it is. */
bool spans_gap(const struct spans *s, uint64_t start, uint64_t end, struct span *gap);
void spans_copy(struct spans *to, const struct spans *from);

/* ---- address spaces ---- */

struct guess { /* something must have been mapped here */
	uint64_t start, end;
	uint8_t access; /* bits 1 << enum user_access */
	bool touched;   /* by a fault, else named by a call */
};

enum { BUILD_FRESH = 8 };

struct build_space {
	int32_t pid;
	struct spans live;    /* known to be mapped now */
	struct spans ever;    /* mapped by a recorded call at some time */
	struct spans removed; /* known to have been unmapped */
	struct guess *guess;
	size_t n_guesses, cap_guesses;
	uint64_t brk_start, brk, lowest_brk;
	uint64_t mmap_end; /* of the highest range that mmap chose */
	struct span
		fresh[BUILD_FRESH]; /* anonymous memory that nobody touched yet, the newest last */
	size_t n_fresh;
	uint64_t mm;     /* what mmap_lock calls it; 0 = not known */
	bool whole;      /* it began within the recording */
	bool copies_brk; /* a copy, whose original's break was known */
	int32_t copy_of; /* fork() made it of this one; -1 = it was not */
};

/* What a call that succeeded did; ret is its result. Guesses what it shows to have been there. */
struct builder;
struct build_task;
void space_mapped(struct build_space *s, uint64_t addr, uint64_t len);
/* The kernel chose that place for a mapping. */
void space_chosen(struct build_space *s, uint64_t addr, uint64_t len);
void space_unmapped(struct build_space *s, uint64_t addr, uint64_t len);
void space_brk(struct build_space *s, uint64_t asked, uint64_t result);
/* [addr, addr + len) was there: what is not known of it is guessed, or, if it is known to have been
 * unmapped, put into *late (true) to be inferred at this point of the program. */
bool space_need(struct build_space *s, uint64_t addr, uint64_t len, unsigned int access,
		bool touched, struct span *late);
/* Memory that appeared, and that went or was touched (program_copies.c). */
void space_fresh(struct build_space *s, uint64_t start, uint64_t end);
void space_stale(struct build_space *s, uint64_t start, uint64_t end);
void space_touched(struct build_space *s, uint64_t addr);
/* A call that may also name what is not mapped: guesses what is not known either way. */
void space_meant(struct build_space *s, uint64_t addr, uint64_t len);
/* What a copy needs without having mapped it was in the original when it was copied. */
void space_inherit(struct build_space *original, const struct build_space *copy);
/* Two turn out to be one: what is known of the second is known of the first. */
void space_merge(struct build_space *into, const struct build_space *from);
/* The guesses as ranges. */
void space_infer(struct build_space *s, struct program_space *out);
void build_space_free(struct build_space *s);

/* ---- threads ---- */

enum task_state { TASK_RUNNING, TASK_PREEMPTED, TASK_BLOCKED, TASK_IN_CALL, TASK_DEAD };

enum { NO_TASK = -1, NO_FAULT = 255 };
enum { FAULT_CLASSES = 3, GAP_SEND = FAULT_CLASSES, GAP_CLASSES }; /* by enum user_access; an IPI */
#define NO_OP UINT32_MAX

/* What an operation needs besides itself until the program is made of it. */
struct build_note {
	uint64_t at_ns;  /* when it began */
	int64_t gap_ns;  /* from the end of the last one, less what is known to be not its own */
	uint32_t events; /* of the recorder in the gap */
	uint32_t service_ns; /* of a fault before the gap: known part */
	uint8_t fault;       /* class of what the gap begins with, or NO_FAULT */
	int64_t after_ns;    /* WAIT: from the way in to the first event of its own */
	int16_t cpu;         /* where it began */
	int16_t wake_cpu;    /* WAIT: where its wake-up was */
	int32_t peer;        /* WAIT: who wakes it; WAKE: whom */
	uint32_t peer_op;    /* its operation */
};

#define PACE_LOCK SC_SYSCALLS

struct pace_sample {
	uint64_t at_ns; /* since the start */
	uint32_t gap_ns;
	uint16_t cpu;
	uint8_t kind; /* the call, or PACE_LOCK */
};

struct pace_samples {
	struct pace_sample *v;
	size_t n, cap;
};

struct gaps { /* lengths of time between events, ns */
	uint32_t *v;
	size_t n, cap;
};

enum { FEW_GAPS = 16 }; /* fewer samples than this say nothing */
/* ns is cut off at UINT32_MAX. */
void gaps_add(struct gaps *g, uint64_t ns);
/* Sorts the samples; the q-th of a hundred, 0 if there are none. */
sim_ps gaps_percentile(struct gaps *g, unsigned int q);
/* For qsort of sim_ps. */
int by_ps(const void *a, const void *b);

/* One end of a sleep: an operation, or one that is none (within a call; by whom is not replayed).
 */
struct wake_ref {
	int32_t task;
	uint32_t op;
};

struct build_run { /* of a task on a CPU, from switch to switch */
	uint64_t in_ns, out_ns;
	uint64_t wake_ns; /* before it: when it was woken; 0 = not seen */
	uint64_t irq_ns;  /* handlers in it */
	uint32_t events;  /* of the recorder, outside of handlers */
	int16_t cpu;
	int16_t wake_cpu; /* where wake_ns was seen */
	char state;       /* that it was left in */
};

/* What an execve that has begun did so far. */
struct build_exec {
	uint64_t mm;     /* the new one, of its first use of a lock; 0 = none yet */
	uint32_t writes; /* how often that was locked for writing */
	bool switched;   /* it is the thread's: the old one was locked, to leave it */
	/* sleeps for a file, before the switch and after */
	uint32_t reads[2];
	uint64_t wait_ns[2];
	bool moves;  /* it asked the stopper for another CPU: the next sleep is for that */
	bool asleep; /* for a file, since out_ns */
};

struct build_task {
	int32_t tid, pid, proc;
	const char *comm;
	int32_t creator;
	int16_t cpu;      /* where it was first */
	int16_t at_cpu;   /* where it was last */
	int16_t exec_cpu; /* where it got its new name, and mm, in the exec that goes on */
	uint64_t first_ns;
	struct program_op *op;
	struct build_note *note;
	size_t n_ops, cap_ops, cap_notes;
	uint64_t mm_ops;
	uint32_t n_releases; /* munmaps, and mremaps elsewhere, among its operations */
	bool unmapping;      /* stands in the builder's list of those */
	int32_t first_space;
	bool created; /* an operation of its creator makes it */
	bool by_call; /* its creator was in a recorded call then: its kind says who shares an mm */
	bool exiting, seen;
	bool touched;    /* stands in the builder's list of those */
	bool from_sleep; /* its first operation is a wait since before the recording */

	enum task_state state;
	/* the stretch of own work that goes on: since when, with what in it */
	uint64_t mark_ns;
	int64_t minus_ns;
	uint32_t events;
	uint8_t fault;
	uint32_t service_ns;
	bool fault_served; /* the last fault has let go of mmap_lock */
	bool copying;      /* the kernel takes a fault in it */
	/* off the CPU */
	uint64_t out_ns, in_ns;
	bool by_unseen;     /* TASK_PREEMPTED, by a process whose events the recorder drops */
	bool resumed;       /* in_ns is set, and nothing of its own came since */
	uint32_t in_events; /* of the recorder on the way in */
	bool woken;
	bool deep; /* for a device: not everything that ends such a sleep is recorded */
	uint64_t wake_ns;
	int32_t early_waker; /* woke it while it was still going to sleep */
	uint32_t early_op;
	struct wake_ref *sleep, *waking; /* all but deep ones, in order */
	size_t n_sleeps, cap_sleeps, n_wakings, cap_wakings, unwoken;
	/* an interrupt handler in it */
	uint64_t irq_ns;
	bool in_irq;
	/* all of its runs, for tasks that are only that (program_background.c) */
	struct build_run *run;
	size_t n_runs, cap_runs;
	uint64_t run_wake_ns, run_irq_ns;
	int16_t run_wake_cpu;
	bool run_open, run_irq;
	bool user; /* something showed that it has an mm */
	/* a call that has begun */
	uint8_t call;
	uint64_t call_ns, arg[6];
	int32_t child;
	struct program_op pending;
	struct build_note pending_note;
	/* mmap_lock */
	uint64_t lock_mm, lock_ns;
	bool lock_wait, lock_alone;
	uint64_t got_ns; /* acquire_returned, 0 = not seen */
	struct gaps waits, holds;
	bool last_was_start; /* its last event was LOCK_START */
	bool last_was_enter; /* its last event began the call */
	struct build_exec exec;

	struct gaps gaps[GAP_CLASSES];
};

struct build_proc { /* a process: its number, and its address space now */
	int32_t pid, space, parent_proc;
	uint64_t mm; /* what mmap_lock calls it, where there is no pid; 0 = not known */
};

struct lock_users {  /* who is at one mm's lock */
	uint64_t mm; /* 0 = free slot */
	uint32_t users;
	int32_t first_tid; /* to use it */
	bool shared;       /* others did, too */
};

enum { BUILD_RELEASES = 1024 }; /* that are looked through for who had a range before */

struct build_mapping { /* an operation that mapped a range */
	uint64_t start, end;
	int32_t task, proc;
	uint32_t op;
};

struct build_release {
	uint64_t start, end;
	int32_t task, proc;
	uint32_t number; /* of the task's */
};

struct builder {
	struct program *p;
	struct build_release release[BUILD_RELEASES]; /* the last ones, in a ring */
	size_t n_releases;
	struct build_mapping mapping[BUILD_RELEASES]; /* likewise */
	size_t n_mappings;
	int32_t *unmapping; /* tasks in munmap, and some that were until lately */
	size_t n_unmapping, cap_unmapping;
	struct build_task *task;
	size_t n_tasks, cap_tasks;
	int32_t *touched; /* tasks that were since the last loss of events */
	size_t n_touched, cap_touched;
	int32_t *heir; /* threads that went into execve without being leaders */
	size_t n_heirs, cap_heirs;
	int32_t *slot; /* hash of tids: the newest task of each, or NO_TASK */
	size_t mask;
	struct build_proc *proc;
	size_t n_procs, cap_procs;
	struct build_space *space;
	size_t n_spaces, cap_spaces;
	int32_t on_cpu[TRACE_CPUS_MAX + 1];    /* task, or NO_TASK */
	uint8_t cpu_state[TRACE_CPUS_MAX + 1]; /* program_background.c's */
	struct build_run *unseen;              /* of processes whose events the recorder drops */
	size_t n_unseen, cap_unseen;
	uint32_t idle_runs[TRACE_CPUS_MAX]; /* of a CPU's idle task, and events in its context */
	uint32_t idle_events[TRACE_CPUS_MAX];
	uint64_t switches, odd_switches; /* odd: in twice, or out without in */
	struct lock_users *lock;         /* hash by mm */
	size_t n_locks, lock_mask;
	/* ns from LOCK_START to LOCK_ACQUIRED: of an mm that one thread alone uses so far; of a
	 * lock where nobody else was */
	struct gaps tracer_alone, tracer_free;
	struct gaps wake_latency; /* ns from a wake-up to the way in on an idle CPU, where seen */
	uint64_t usual_latency_ns;
	struct gaps tick_wakes; /* when timers of the kernel ended (program_ticks.c) */
	struct pace_samples pace_samples;
	uint8_t *pace[TRACE_CPUS_MAX]; /* by CPU and window; NULL: not known */
	size_t n_paces;
	uint64_t pace_window_ns;
	uint64_t start_ns, end_ns;
	bool started;
};

/* What the kernel took in walks through memory is no own work (program_walks.c). */
void walks_even_out(struct program_op *op, size_t n);
/* When the kernel's clock ticked (program_ticks.c): notes a wake-up; what follows from all; was a
 * wake-up at that time by a tick? */
void ticks_note(struct builder *b, const struct trace_event *e);
void ticks_find(struct builder *b);
bool ticks_at(const struct builder *b, uint64_t ns);
/* How fast a CPU was (program_pace.c): in 1/PACE_UNIT slower than at full speed. */
void pace_of_call(struct builder *b, const struct build_task *t, const struct trace_event *e);
void pace_of_lock(struct builder *b, const struct build_task *t, const struct trace_event *e);
void pace_finish(struct builder *b);
uint8_t pace_at(const struct builder *b, int cpu, uint64_t ns);
void pace_free(struct builder *b);
/* Events within an execve (program_exec.c): call each before the task's own state changes. */
void exec_begins(struct build_task *t);
void exec_lock(struct build_task *t, const struct trace_event *e);
void exec_wakes(struct build_task *t, const struct trace_event *e);
void exec_sleeps(struct build_task *t, char state);
void exec_goes_on(struct build_task *t, uint64_t in_ns);
void exec_ends(const struct build_task *t, struct program_op *op);
/* The space that a thread's process has now; made if need be. */
struct build_space *builder_space(struct builder *b, struct build_task *t);
int32_t builder_new_space(struct builder *b, int32_t pid, int32_t copy_of);
/* A WAIT and the WAKE that ends it. */
void builder_pair(struct builder *b, int32_t sleeper, uint32_t wait, int32_t waker, uint32_t wake);
/* Do a WAIT and a WAKE that name each other stand here and there, both in tasks with keep >= 0? */
bool builder_paired(const struct builder *b, const int32_t *keep, int32_t task, uint32_t op);
/* Where clocks disagree: who woke whom by order instead of by time. */
void builder_match(struct builder *b, const int32_t *keep);
/* Takes away waits that could never end. */
void builder_unlock(struct builder *b, const int32_t *keep);
/* Notes runs on CPUs; after b->on_cpu has followed the event. */
void background_event(struct builder *b, int32_t self, const struct trace_event *e);
/* A process of which nothing is recorded had the CPU. */
void background_unseen(struct builder *b, int16_t cpu, uint64_t in_ns, uint64_t out_ns);
/* Makes b->p->background of all that ran but is not kept. */
void background_finish(struct builder *b, const int32_t *keep);
/* Turns what was gathered into b->p. */
void builder_finish(struct builder *b);

#endif
