/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rows of metrics that all workloads share, and their bookkeeping.
 */
#include "workloads/op_metrics.h"

#include <stdio.h>

METRIC(op_latency, "op.latency", METRIC_HISTOGRAM, "ps", "operation",
       "time that an operation took its caller, recorder's cost included");
METRIC(op_latency_by_size, "op.latency_by_size", METRIC_HISTOGRAM, "ps", "operation and length",
       "op.latency, apart by the length that the call names, up to 4K, 64K, 2M or more");
METRIC(workload_ops, "workload.ops", METRIC_COUNTER, "1", NULL,
       "loops of a synthetic load, operations of a replay");
METRIC(workload_ops_per_s, "workload.ops_per_s", METRIC_GAUGE, "1/s", NULL,
       "workload.ops by simulated time");

void op_metrics_init(struct op_metrics *m, struct sim *sim)
{
	*m = (struct op_metrics){ .sim = sim };
	m->ops = metric_get(sim_metrics(sim), &workload_ops, NULL);
}

/* Made at the first sample, so that a run shows only the operations that it did. */
static struct metric *by_size(struct op_metrics *m, enum op_kind kind, enum op_size size)
{
	char label[32];

	if (!m->by_size[kind][size]) {
		snprintf(label, sizeof(label), "%s %s", op_kind_names[kind], op_size_names[size]);
		m->by_size[kind][size] = metric_get(sim_metrics(m->sim), &op_latency_by_size,
						    label);
	}
	return m->by_size[kind][size];
}

void op_end(struct op_metrics *m, enum op_kind kind, uint64_t bytes, sim_ps begin)
{
	sim_ps took = sim_now(m->sim) - begin;

	if (!m->latency[kind])
		m->latency[kind] = metric_get(sim_metrics(m->sim), &op_latency,
					      op_kind_names[kind]);
	hist_add(&m->latency[kind]->hist, took);
	hist_add(&by_size(m, kind, op_size_of(kind, bytes))->hist, took);
}

void op_count(struct op_metrics *m, uint64_t n)
{
	m->ops->value += n;
}

void op_metrics_finish(struct op_metrics *m, sim_ps span)
{
	struct metric *rate = metric_get(sim_metrics(m->sim), &workload_ops_per_s, NULL);

	rate->gauge = span ? (double)m->ops->value / ((double)span / (double)SIM_S) : 0;
}
