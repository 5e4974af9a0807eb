/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every workload, recorded or synthetic, measures of its own operations: latency by operation
 * and size, their number and rate. op_begin and op_end enclose one call of models/kernel/ops.h.
 */
#ifndef WORKLOADS_OP_METRICS_H
#define WORKLOADS_OP_METRICS_H

#include "sim/metrics.h"
#include "sim/sim.h"

enum op_kind {
	OP_MMAP,
	OP_MUNMAP,
	OP_MPROTECT,
	OP_MADVISE,
	OP_MREMAP,
	OP_BRK,
	OP_FAULT,
	OP_FORK,
	OP_CLONE,
	OP_EXEC,
	OP_VFORK, /* lasts until the child's exec or exit */
	OP_KINDS
};

/* Size classes: length that a call names; calls that name none are OP_SIZE_NONE. */
enum op_size {
	OP_SIZE_NONE,
	OP_SIZE_4K,  /* one page */
	OP_SIZE_64K, /* up to it: flushed page by page */
	OP_SIZE_2M,  /* up to one page table */
	OP_SIZE_MORE,
	OP_SIZES
};

extern const char *const op_kind_names[OP_KINDS];
extern const char *const op_size_names[OP_SIZES];
enum op_size op_size_of(enum op_kind kind, uint64_t bytes);

struct op_metrics {
	struct sim *sim;
	struct metric *latency[OP_KINDS], *by_size[OP_KINDS][OP_SIZES], *ops;
};

void op_metrics_init(struct op_metrics *m, struct sim *sim);

static inline sim_ps op_begin(const struct op_metrics *m)
{
	return sim_now(m->sim);
}

/* The operation that began at `begin` has ended; bytes = 0 where it names no range. */
void op_end(struct op_metrics *m, enum op_kind kind, uint64_t bytes, sim_ps begin);
/* One unit of what the workload is rated by (a loop of a synthetic load; an operation of a replay).
 */
void op_count(struct op_metrics *m, uint64_t n);
/* workload.ops_per_s over `span` of simulated time. */
void op_metrics_finish(struct op_metrics *m, sim_ps span);

#endif
