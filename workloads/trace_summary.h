/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a recording holds, in one pass and in memory that follows the number of threads: for
 * `mmsim trace info`. Recorded times are reported as they are.
 */
#ifndef WORKLOADS_TRACE_SUMMARY_H
#define WORKLOADS_TRACE_SUMMARY_H

#include "sim/hist.h"
#include "workloads/program.h"
#include "workloads/trace.h"

struct trace_thread {
	int32_t pid, tid;
	char comm[64]; /* the last one seen */
	uint64_t events, calls, faults;
};

struct trace_call {
	uint64_t count, failed; /* exits seen; of them with an error */
	struct hist latency;    /* ns from entry to exit */
};

struct trace_summary {
	const char *format; /* ".mmt", "perf script text" */
	uint32_t version;   /* of a .mmt file, else 0 */
	struct trace_stats stats;
	uint64_t first_ns, last_ns, by_type[TRACE_TYPES];
	uint32_t cpus;               /* that events came from */
	struct trace_thread *thread; /* by pid, then by tid; numbers that are used again are one */
	size_t n_threads, n_processes;
	struct trace_call call[SC_SYSCALLS];
	uint64_t faults[3]; /* by enum user_access */
	uint64_t flushes[PROGRAM_FLUSH_REASONS], full_flushes[PROGRAM_FLUSH_REASONS];
	uint64_t flushed_pages[PROGRAM_FLUSH_REASONS]; /* of those that are not full */
	struct program_ipis ipis;
};

/* False and *err; *out needs trace_summary_free after success only. */
bool trace_summarise(const char *path, struct trace_summary *out, struct err *err);
void trace_summary_free(struct trace_summary *s);

#endif
