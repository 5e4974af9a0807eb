/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What each thread of a recording does, made from its events: operations in order, each with the
 * thread's own work before it, who wakes whom, and the mappings that must have been there. Recorded
 * durations of operations are kept beside for comparison; nothing that is replayed comes from them.
 *
 * How the parts are found (docs/trace-format.md tells it at length):
 * - think: from the end of the thread's last operation to the start of the next, less the time off
 *   the CPU, less interrupt handlers, less the recorder's own cost (events in between x tracer_ps).
 * - tracer_ps: the 25th percentile of the time from mmap_lock_start_locking to
 *   mmap_lock_acquire_returned, of an mm that only one thread used so far (else: of a lock where
 *   nobody else was): two events with nearly nothing between them. The 95th percentile is taken
 *   for one with cold caches.
 * - a page fault has no recorded end, nor has the sending of an IPI. The 1st percentile of the
 *   times from a fault to the thread's next operation, by thread and kind of access, stands for
 *   fault and recorder, and what is longer is think.
 */
#ifndef WORKLOADS_PROGRAM_H
#define WORKLOADS_PROGRAM_H

#include "models/kernel/ops.h"
#include "sim/base/err.h"
#include "sim/hist.h"
#include "sim/sim.h"
#include "workloads/op_metrics.h"
#include "workloads/trace.h"

/* Nothing is ever mapped below (vm.mmap_min_addr). */
#define PROGRAM_LOWEST 65536u

enum program_kind {
	PROGRAM_NONE,
	PROGRAM_MMAP,     /* addr = the recorded result, len, prot, flags; after */
	PROGRAM_MUNMAP,   /* addr, len */
	PROGRAM_MPROTECT, /* addr, len, prot */
	PROGRAM_MADVISE,  /* addr, len, flags = advice */
	PROGRAM_MREMAP,   /* addr, len -> new_addr = the recorded result, new_len; flags; after */
	PROGRAM_BRK,      /* addr = the break asked for */
	PROGRAM_ACCESS,   /* addr, access: what faulted in the recording; flags */
	PROGRAM_FORK,     /* other = the child, which starts with a copy of the mm */
	PROGRAM_CLONE, /* other = the child, which shares the mm; flags = 0 or CLONE_VFORK_FLAG */
	/* other = the new space; len = how often mmap_lock was taken to map segments, 0 = not
	 * known; prot = sleeps for the file before it has the new mm, new_len = their ps in all;
	 * flags and new_addr: those after (docs/trace-format.md) */
	PROGRAM_EXEC,
	PROGRAM_EXIT, /* only wake-ups follow */
	PROGRAM_WAIT, /* other = who wakes it; len = recorded ps off the CPU, for when it is gone */
	PROGRAM_SLEEP,   /* len = ps: timer, device, or a task that is not replayed; other = the CPU
			    where that came in, NO_CPU = not known */
	PROGRAM_WAKE,    /* other = whom; each has its WAIT; flags: program_wake_flags */
	PROGRAM_MOVE,    /* other = the CPU that it was moved to, while it waited for one */
	PROGRAM_REFUSED, /* a call that ended in an error */
	PROGRAM_INFER,   /* addr, len, prot, flags: a mapping that appeared unrecorded */
	PROGRAM_KINDS
};

enum program_wake_flags {
	PROGRAM_PREEMPTS = 1,      /* whom it woke went before who ran on that CPU, at once */
	PROGRAM_FOUND_ASLEEP = 2,  /* it came after whom it woke had gone to sleep */
	PROGRAM_FOUND_LEAVING = 4, /* it came when that one was on its way to sleep */
};

/* Of a background task's SLEEP: a timer of the kernel ended it, which goes by ticks. */
#define PROGRAM_BY_TICK 1u

/* Of an ACCESS: the kernel copies there, it does not fault in the thread's own code. */
#define PROGRAM_BY_KERNEL 1u

extern const char *const program_kind_names[PROGRAM_KINDS];

/* Its parent sleeps until it executes a program or exits. */
#define CLONE_VFORK_FLAG 0x4000u

struct program_op {
	uint8_t kind;   /* enum program_kind */
	uint8_t access; /* enum user_access */
	bool handed;    /* MMAP, MREMAP: another thread gets the range later */
	uint8_t pace; /* so much slower than at its best the machine was, in 1/PACE_UNIT (ops.h) */
	int16_t cpu;  /* where it began: where the sleep before it ended, if that was a sleep */
	uint32_t other; /* a task, a space, or a CPU */
	sim_ps think;   /* own work before it */
	uint64_t addr, len, new_addr, new_len;
	uint32_t prot, flags;
	uint32_t after; /* MMAP, MREMAP: task `other` had let go of the range by so many releases of
			   its own (munmaps, and mremaps elsewhere); 0 = nobody had it */
	uint32_t recorded_ns; /* how long it took then; for comparison only, 0 = not known */
	uint32_t kernel_ns;   /* of think: most likely the rest of a fault before it */
};

/* What `other` of a SLEEP or MOVE says. */
static inline int program_other_cpu(const struct program_op *op)
{
	return (int)op->other;
}

struct program_range {
	uint64_t start, end;
	uint32_t prot, flags; /* MAP_PRIVATE, and MAP_ANONYMOUS unless of a file */
};

/* An address space: what is in it before its first operation. */
struct program_space {
	int32_t pid;
	uint64_t brk; /* where the break starts, 0 = no brk call, or as the original has it */
	uint64_t lowest_brk;         /* that a call left */
	uint64_t mmap_base;          /* the kernel gave out places below this; 0 = not known */
	struct program_range *range; /* inferred, sorted, apart from each other */
	size_t n_ranges;
	uint64_t bytes, pages; /* in the ranges; pages that made us think so */
};

struct program_task {
	int32_t tid, pid;
	char *comm;
	int32_t parent;  /* its FORK or CLONE creates this one; -1: there at the start */
	int32_t leader;  /* at the start: another of the same process, -1 = itself */
	uint32_t space;  /* that it starts in */
	int initial_cpu; /* NO_CPU = not known */
	struct program_op *op;
	size_t n_ops;
	uint64_t mm_ops; /* of them: mmap to brk, access */
	/* of background tasks */
	bool kthread; /* no mm of its own */
	bool bound;   /* to initial_cpu */
	bool unseen;  /* the recorder saw none of its events */
	bool rcu;     /* runs grace periods, as a thread of the simulated kernel does */
};

enum program_ipi {
	PROGRAM_IPI_SHOOTDOWN,
	PROGRAM_IPI_WAKEUP,
	PROGRAM_IPI_RESCHEDULE,
	PROGRAM_IPI_OTHER,
	PROGRAM_IPIS
};
extern const char *const program_ipi_names[PROGRAM_IPIS];
enum { PROGRAM_FLUSH_REASONS = 6 };
extern const char *const program_flush_names[PROGRAM_FLUSH_REASONS];
/* Of a TRACE_IPI_SEND_*: by the function that sent it. */
enum program_ipi program_ipi_kind(const struct trace_event *e);

/* IPIs of the whole machine, one a target. */
struct program_ipis {
	uint64_t sent[PROGRAM_IPIS]; /* complete after program_ipis_end */
	uint64_t unread;             /* masks that the recorder did not print */
	uint64_t by_mask, received;  /* of the CALL_FUNCTION vector, which masks are sent by */
};
void program_ipis_count(struct program_ipis *ipis, const struct trace_event *e);
void program_ipis_end(struct program_ipis *ipis);

/* What the recorder saw: of the tasks that are replayed, and (machine) of all. */
struct program_recorded {
	sim_ps span;
	struct program_ipis ipis;
	uint64_t flushes[PROGRAM_FLUSH_REASONS]; /* machine */
	uint64_t full_flushes[PROGRAM_FLUSH_REASONS];
	uint64_t calls[SC_SYSCALLS], faults, events, lost;
	struct hist latency[OP_KINDS][OP_SIZES]; /* ps, enter to exit */
	double op_time_ps;                       /* their sum */
	/* mmap_lock, ps: start_locking to acquire_returned, acquire_returned to released */
	struct hist lock_wait, lock_hold;
};

struct program {
	struct program_task *task;
	size_t n_tasks;
	/* All others that ran: they compute and sleep, and end in WAIT (for ever) or EXIT. */
	struct program_task *background;
	size_t n_background;
	struct program_space *space;
	size_t n_spaces;
	sim_ps tracer_ps;        /* cost of one event to the task that it hits */
	sim_ps tracer_cold_ps;   /* what one costs more where none came lately */
	uint64_t tracer_samples; /* that this rests on; 0 = not known, tracer_ps is 0 */
	sim_ps fault_ps[3];      /* estimate by enum user_access over all threads, with tracer */
	sim_ps send_ps;          /* likewise of sending the IPI of a wake-up */
	struct program_recorded recorded;
	sim_ps tick_period, tick_phase; /* of the recorded kernel, from the start; 0 = not known */
	unsigned int cpus;              /* that events came from: the highest number and one */
	bool *idle_unseen;              /* by CPU: its idle task ran, but no event came from it */
	uint64_t n_ops, inferred_ranges, inferred_bytes, inferred_pages, inferred_late;
	uint64_t failed_calls;  /* recorded with an error: the way in and out is all of them */
	uint64_t skipped_calls; /* process_madvise: its ranges are not in the recording */
	uint64_t lost_calls;    /* of which the recording holds only one end: left out */
	uint64_t left_out;      /* tasks that never ran */
	uint64_t sleeps;        /* waits on nobody who is replayed */
	uint64_t file_reads;    /* sleeps within execve for pages of a file */
	sim_ps file_wait;       /* how long in all */
};

/* From any recording that trace_open reads. NULL and *err. */
struct program *program_load(const char *path, struct err *err);
struct program *program_build(struct trace_reader *reader, struct err *err);
void program_free(struct program *p);
/* A line for each operation, for tests and people. */
void program_dump(FILE *out, const struct program *p);

#endif
