// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Cross calls of an empty function to idle CPUs, one target or all of them, each waited for: the
 * interrupt by itself, without a flush.
 */
#include <stdlib.h>

#include "workloads/synthetic/bench.h"

METRIC(desc_handler, "workload.to_handler", METRIC_HISTOGRAM, "ps", NULL,
       "from asking for a cross call to the first handler's beginning");

#define WARM_UP 20

struct params {
	bool broadcast;
};

static const struct param params[] = { { .name = "broadcast",
					 .type = PARAM_BOOL,
					 .offset = offsetof(struct params, broadcast),
					 .def = "false",
					 .help = "call all other CPUs, not only the next one" },
				       PARAM_END };

struct workload {
	struct bench b;
	const struct params *p;
	struct metric *handler;
};

static void measured(struct task *t, void *arg)
{
	struct workload *w = arg;
	unsigned int first = w->p->broadcast ? 0 : 1;
	unsigned int n = w->p->broadcast ? kernel_nr_cpus(w->b.k) : 1;

	while (bench_goes_on(&w->b)) {
		sim_ps begin = sim_now(w->b.sim), handler = kernel_cross_call(t, first, n);

		if (w->b.loops >= w->b.warm_up)
			hist_add(&w->handler->hist, handler);
		bench_sample(&w->b, begin);
	}
}

static struct workload *start(const struct workload_type *type, struct kernel *k, const void *p,
			      const char *file, uint32_t threads, sim_ps duration, struct err *err)
{
	struct workload *w;

	(void)type, (void)file;
	if (kernel_nr_cpus(k) < 2) {
		err_set(err, "an interrupt to another CPU: there is only one");
		return NULL;
	}
	w = calloc(1, sizeof(*w));
	w->p = p;
	bench_init(&w->b, k, threads, 1, duration, WARM_UP);
	w->handler = metric_get(sim_metrics(w->b.sim), &desc_handler, NULL);
	bench_spawn(&w->b, "caller", 0, measured, w);
	return w;
}

static const struct workload_type ipi_call = {
	.name = "ipi_call",
	.summary = "cross calls of an empty function to one idle CPU or to all",
	.source = "Yury Norov, IPI benchmark, 2017",
	.params = params,
	.params_size = sizeof(struct params),
	.start = start,
	.finish = bench_workload_finish,
	.free = bench_workload_free,
};
WORKLOAD(ipi_call);
