/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The events of a recording, whatever file they came from. An importer turns a file into a stream
 * of these, the .mmt file stores them losslessly and compactly, the program builder (program.h)
 * turns them into what each thread does. Times are the recorder's; only the builder and reports see
 * them, and a recorded duration of an operation never reaches a model.
 */
#ifndef WORKLOADS_TRACE_H
#define WORKLOADS_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/base/err.h"

/* The numbers are stored in .mmt files: append, never renumber. */
enum trace_type {
	TRACE_NONE = 0,
	TRACE_SYS_ENTER = 1,        /* nr, arg[0..5] */
	TRACE_SYS_EXIT = 2,         /* nr, ret */
	TRACE_PAGE_FAULT = 3,       /* arg[0] address, arg[1] ip, arg[2] error code */
	TRACE_TLB_FLUSH = 4,        /* arg[0] pages (-1 = all), arg[1] reason */
	TRACE_IPI_SEND_CPU = 5,     /* arg[0] cpu, text = callsite without offset */
	TRACE_IPI_SEND_CPUMASK = 6, /* arg[0] low 64 CPUs, arg[1] number of CPUs in the mask (0:
				       the recorder did not print it), text = mask, text2 =
				       callsite without offset */
	TRACE_IPI_ENTRY = 7,        /* arg[0] vector, arg[1] 1 = call_function, 0 = _single */
	TRACE_IPI_EXIT = 8,         /* as TRACE_IPI_ENTRY */
	TRACE_SWITCH = 9,           /* arg[0] prev tid, arg[1] prev state letters (first in the low
				       byte), arg[2] next tid; text = next comm */
	TRACE_WAKING = 10,          /* arg[0] tid, arg[1] target cpu; text = comm */
	TRACE_FORK = 11,            /* arg[0] child tid; text = child comm */
	TRACE_EXIT = 12,            /* arg[0] tid, arg[1] group dead */
	TRACE_MIGRATE = 13,         /* arg[0] tid, arg[1] from cpu, arg[2] to cpu */
	TRACE_LOCK_START = 14,      /* arg[0] mm, arg[1] write */
	TRACE_LOCK_ACQUIRED = 15,   /* arg[0] mm, arg[1] write, arg[2] success */
	TRACE_LOCK_RELEASED = 16,   /* arg[0] mm, arg[1] write */
	TRACE_COLLAPSE = 17,        /* arg[0] mm, arg[1] success */
	TRACE_LOST = 18,            /* arg[0] events lost here */
	TRACE_TYPES
};

enum trace_syscall {
	SC_MMAP = 1,
	SC_MUNMAP,
	SC_MPROTECT,
	SC_MADVISE,
	SC_PROCESS_MADVISE,
	SC_MREMAP,
	SC_BRK,
	SC_EXECVE,
	SC_CLONE,
	SC_CLONE3,
	SC_VFORK,
	SC_SYSCALLS
};

/* How the tables name them; indexes are the enums above. */
extern const char *const trace_type_names[TRACE_TYPES];
extern const char *const trace_syscall_names[SC_SYSCALLS];

#define TRACE_CPU_UNKNOWN 0xffff
#define TRACE_CPUS_MAX    8192 /* as many as Linux can have */

struct trace_event {
	uint64_t time_ns;  /* never less than that of the event before */
	int32_t pid, tid;  /* -1 where the recorder did not know */
	uint16_t cpu;      /* TRACE_CPU_UNKNOWN where the recording has none */
	uint8_t type;      /* enum trace_type */
	uint8_t nr;        /* enum trace_syscall for SYS_ENTER/SYS_EXIT */
	uint64_t arg[6];   /* by type, as listed above; SYS_EXIT: arg[0] = return value */
	const char *comm;  /* task name; owned by the reader, good until the trace is closed */
	const char *text;  /* by type, or NULL; as comm */
	const char *text2; /* by type, or NULL; as comm */
};

/* A source of events in file order, from an importer or a .mmt file. */
struct trace_reader;

/* Opens by content, not by name: .mmt, text of perf script or ftrace, perf.data (by perf script),
 * trace.dat; plain or compressed with zstd, gzip or xz. "-" = standard input; where no such file
 * is, the name of a recording that comes with mmsim. Constant memory whatever the size (but for the
 * distinct names, which are kept). */
struct trace_reader *trace_open(const char *path, struct err *err);
/* 1 = *event filled in; 0 = end of a sound trace; -1 = error in *err ("FILE:LINE: ..."). */
int trace_next(struct trace_reader *reader, struct trace_event *event, struct err *err);
/* 0..1 for a progress bar; < 0 where the size is not known (a pipe). */
double trace_progress(const struct trace_reader *reader);
void trace_close(struct trace_reader *reader);

struct trace_stats {
	uint64_t lines, events, ignored, lost, clock_steps;
};
/* So far; of a .mmt file at its end: those of the import that made it. */
void trace_get_stats(const struct trace_reader *reader, struct trace_stats *stats);

struct trace_writer;
/* Writes PATH by way of a temporary file in the same folder: PATH appears whole or not at all. */
struct trace_writer *trace_create(const char *path, struct err *err);
bool trace_write(struct trace_writer *writer, const struct trace_event *event, struct err *err);
/* What the import saw, kept in the file's trailer; `events` is the writer's own count. */
void trace_set_stats(struct trace_writer *writer, const struct trace_stats *stats);
bool trace_finish(struct trace_writer *writer, struct err *err); /* frees it, success or not */
void trace_abandon(struct trace_writer *writer);                 /* no file appears; NULL is fine */

/* Called now and then with 0..1 (< 0: size unknown) and the events so far; false = stop. */
typedef bool trace_progress_fn(void *arg, double part, uint64_t events);
/* Reads `in` (see trace_open) and writes the .mmt file `out`. stats and progress may be NULL. */
bool trace_import(const char *in, const char *out, trace_progress_fn *progress, void *arg,
		  struct trace_stats *stats, struct err *err);

/* One line of a dump: "TIME CPU PID/TID COMM TYPE ARGS". */
void trace_print_event(FILE *out, const struct trace_event *event);

#endif
