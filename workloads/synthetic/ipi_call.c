// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Cross calls of an empty function to idle CPUs, one target or all of them, each waited for: the
 * interrupt by itself, without a flush.
 */
#include "workloads/synthetic/bench.h"

METRIC(desc_handler, "workload.to_handler", METRIC_HISTOGRAM, "ps", NULL,
       "from asking for a cross call to the first handler's beginning");

struct params {
	bool broadcast;
};

static const struct param params[] = { { .name = "broadcast",
					 .type = PARAM_BOOL,
					 .offset = offsetof(struct params, broadcast),
					 .def = "false",
					 .help = "call all other CPUs, not only the next one" },
				       PARAM_END };

static void measured(struct task *t, void *arg)
{
	struct bench *b = arg;
	const struct params *p = b->params;
	unsigned int first = p->broadcast ? 0 : 1;
	unsigned int n = p->broadcast ? kernel_nr_cpus(b->k) : 1;
	struct metric *to_handler = metric_get(sim_metrics(b->sim), &desc_handler, NULL);

	while (bench_goes_on(b)) {
		sim_ps begin = sim_now(b->sim), handler = kernel_cross_call(t, first, n);

		if (b->loops >= b->warm_up)
			hist_add(&to_handler->hist, handler);
		bench_sample(b, begin);
	}
}

static const struct bench_load ipi_call = {
	.type = { BENCH_FRAME, .name = "ipi_call",
		  .summary = "cross calls of an empty function to one idle CPU or to all",
		  .source = "Yury Norov, IPI benchmark, 2017", .params = params,
		  .params_size = sizeof(struct params) },
	.measured = measured,
	.warm_up = 20,
	.min_cpus = 2,
};
WORKLOAD(ipi_call.type);
