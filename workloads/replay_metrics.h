/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a replay reports besides the operations that it did: what the recording says of the same,
 * and what had to be inferred.
 */
#ifndef WORKLOADS_REPLAY_METRICS_H
#define WORKLOADS_REPLAY_METRICS_H

#include "workloads/replay.h"

/* A call has ended that took so long between its tracepoints. */
void replay_note_call(struct replay *r, enum op_kind kind, const struct program_op *op,
		      sim_ps took);
void replay_report(struct replay *r, uint32_t processes);

#endif
