/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The metrics of a replay. Those called recorded are for comparison with op.* and the kernel's own
 * counters; they come from the recording and from nothing that was simulated.
 */
#include "workloads/replay_metrics.h"

#include <stdio.h>

METRIC(recorded_ipis, "workload.recorded_ipis", METRIC_GAUGE, "1", "kind",
       "IPIs that the recorder saw on the whole machine, by what their call site sends");
METRIC(recorded_flushes, "workload.recorded_flushes", METRIC_GAUGE, "1", "reason",
       "TLB flushes that the recorder saw on the whole machine");
METRIC(recorded_full_flushes, "workload.recorded_full_flushes", METRIC_GAUGE, "1", "reason",
       "of workload.recorded_flushes: of everything");
METRIC(recorded_calls, "workload.recorded_calls", METRIC_GAUGE, "1", "operation",
       "successful calls of the replayed tasks in the recording");
METRIC(recorded_latency, "workload.recorded_latency", METRIC_HISTOGRAM, "ps", "operation",
       "time from entry to exit of a call in the recording, recorder's cost included");
METRIC(recorded_latency_by_size, "workload.recorded_latency_by_size", METRIC_HISTOGRAM, "ps",
       "operation and length",
       "workload.recorded_latency, apart by the length that the call names");
METRIC(recorded_lock_wait, "workload.recorded_lock_wait", METRIC_HISTOGRAM, "ps", NULL,
       "mmap_lock_start_locking to mmap_lock_acquire_returned in the recording");
METRIC(recorded_lock_hold, "workload.recorded_lock_hold", METRIC_HISTOGRAM, "ps", NULL,
       "mmap_lock_acquire_returned to mmap_lock_released in the recording");
METRIC(traced_latency, "replay.traced_latency", METRIC_HISTOGRAM, "ps", "operation and length",
       "sys_enter to sys_exit of the calls whose time is in workload.recorded_latency, as the "
       "recorder would see it");
METRIC(recorded_op_time, "workload.recorded_op_time", METRIC_GAUGE, "ps", NULL,
       "sum of workload.recorded_latency");
METRIC(recorded_span, "workload.recorded_span", METRIC_GAUGE, "ps", NULL,
       "from the first to the last event of the recording");
METRIC(replay_span, "replay.span", METRIC_GAUGE, "ps", NULL,
       "from the start to the end of the last replayed task");
METRIC(replay_tracer, "replay.tracer", METRIC_GAUGE, "ps", NULL,
       "the recorder's cost of one event, estimated from the recording");
METRIC(replay_tasks, "replay.tasks", METRIC_GAUGE, "1", "kind",
       "tasks: recorded (those with memory operations), workers among them, copies, programs (how "
       "often all of that runs), background, "
       "left out (never ran, or background that is switched off)");
METRIC(replay_inferred_ranges, "replay.inferred_ranges", METRIC_GAUGE, "1", NULL,
       "mappings that no recorded call explains, put there at the start");
METRIC(replay_inferred_bytes, "replay.inferred_bytes", METRIC_GAUGE, "bytes", NULL, "their size");
METRIC(replay_inferred_pages, "replay.inferred_pages", METRIC_GAUGE, "pages", NULL,
       "pages whose recorded faults showed them");
METRIC(replay_inferred_late, "replay.inferred_late", METRIC_GAUGE, "1", NULL,
       "mappings inferred in the middle: lost calls, or another order of threads");
METRIC(replay_inferred_reads, "replay.inferred_disk_waits", METRIC_GAUGE, "1", NULL,
       "sleeps within execve for pages of a file: taken from the recording");
METRIC(replay_inferred_wait, "replay.inferred_disk_wait_us", METRIC_GAUGE, "us", NULL,
       "how long they were in all: part of recorded and simulated times of exec");
METRIC(replay_segv, "replay.segv", METRIC_GAUGE, "1", NULL,
       "accesses that ended in SIGSEGV, as they should have in the recording");
METRIC(replay_errors, "replay.errors", METRIC_GAUGE, "1", NULL,
       "calls that succeeded in the recording and failed in the simulated kernel");
METRIC(replay_failed_calls, "replay.failed_calls", METRIC_GAUGE, "1", NULL,
       "calls that failed in the recording: replayed as a way into the kernel and out again");
METRIC(replay_skipped_calls, "replay.skipped_calls", METRIC_GAUGE, "1", NULL,
       "calls whose arguments the recording does not hold (process_madvise): not replayed");
METRIC(replay_lost_events, "replay.lost_events", METRIC_GAUGE, "1", NULL,
       "events that the recorder lost, as far as it knew: their time counts as own work");
METRIC(replay_lost_calls, "replay.lost_calls", METRIC_GAUGE, "1", NULL,
       "calls of which the recording holds only one end: not replayed");

static void gauge(struct replay *r, const struct metric_desc *desc, const char *label, double value)
{
	metric_get(sim_metrics(r->sim), desc, label)->gauge = value;
}

static void report_calls(struct replay *r)
{
	const struct program_recorded *rec = &r->program->recorded;
	struct metrics *m = sim_metrics(r->sim);
	char label[32];

	for (int kind = 0; kind < OP_KINDS; kind++)
		for (int size = 0; size < OP_SIZES; size++) {
			const struct hist *h = &rec->latency[kind][size];

			if (!h->count)
				continue;
			snprintf(label, sizeof(label), "%s %s", op_kind_names[kind],
				 op_size_names[size]);
			hist_merge(&metric_get(m, &recorded_latency, op_kind_names[kind])->hist, h);
			hist_merge(&metric_get(m, &recorded_latency_by_size, label)->hist, h);
		}
	for (int i = 0; i < SC_SYSCALLS; i++)
		if (rec->calls[i])
			gauge(r, &recorded_calls, trace_syscall_names[i], (double)rec->calls[i]);
	gauge(r, &recorded_calls, "fault", (double)rec->faults);
	gauge(r, &recorded_op_time, NULL, rec->op_time_ps);
	hist_merge(&metric_get(m, &recorded_lock_wait, NULL)->hist, &rec->lock_wait);
	hist_merge(&metric_get(m, &recorded_lock_hold, NULL)->hist, &rec->lock_hold);
}

void replay_note_call(struct replay *r, enum op_kind kind, const struct program_op *op, sim_ps took)
{
	enum op_size size = op_size_of(kind, op->len);
	char label[32];

	if (!op->recorded_ns)
		return; /* its recorded time is not known, so there is nothing to compare */
	if (!r->traced[kind][size]) {
		snprintf(label, sizeof(label), "%s %s", op_kind_names[kind], op_size_names[size]);
		r->traced[kind][size] = metric_get(sim_metrics(r->sim), &traced_latency, label);
	}
	hist_add(&r->traced[kind][size]->hist, took);
}

void replay_report(struct replay *r, uint32_t processes)
{
	const struct program *p = r->program;
	const struct program_recorded *rec = &p->recorded;

	report_calls(r);
	for (int i = 0; i < PROGRAM_IPIS; i++)
		gauge(r, &recorded_ipis, program_ipi_names[i], (double)rec->ipis.sent[i]);
	for (int i = 0; i < PROGRAM_FLUSH_REASONS; i++) {
		gauge(r, &recorded_flushes, program_flush_names[i], (double)rec->flushes[i]);
		gauge(r, &recorded_full_flushes, program_flush_names[i],
		      (double)rec->full_flushes[i]);
	}
	gauge(r, &recorded_span, NULL, (double)rec->span);
	gauge(r, &replay_span, NULL, (double)r->end);
	gauge(r, &replay_tracer, NULL, (double)p->tracer_ps);
	gauge(r, &replay_tasks, "recorded", (double)p->n_tasks);
	gauge(r, &replay_tasks, "workers", (double)r->n_workers);
	gauge(r, &replay_tasks, "copies", (double)r->n_copies);
	gauge(r, &replay_tasks, "programs", (double)processes);
	gauge(r, &replay_tasks, "background", r->background ? (double)p->n_background : 0);
	gauge(r, &replay_tasks, "left_out",
	      (double)(p->left_out + (r->background ? 0 : p->n_background)));
	gauge(r, &replay_inferred_ranges, NULL, (double)p->inferred_ranges);
	gauge(r, &replay_inferred_bytes, NULL, (double)p->inferred_bytes);
	gauge(r, &replay_inferred_pages, NULL, (double)p->inferred_pages);
	gauge(r, &replay_inferred_late, NULL, (double)r->inferred_late);
	gauge(r, &replay_inferred_reads, NULL, (double)p->file_reads);
	gauge(r, &replay_inferred_wait, NULL, (double)p->file_wait / SIM_US);
	gauge(r, &replay_segv, NULL, (double)r->segvs);
	gauge(r, &replay_errors, NULL, (double)r->errors);
	gauge(r, &replay_failed_calls, NULL, (double)p->failed_calls);
	gauge(r, &replay_skipped_calls, NULL, (double)p->skipped_calls);
	gauge(r, &replay_lost_events, NULL, (double)rec->lost);
	gauge(r, &replay_lost_calls, NULL, (double)p->lost_calls);
}
