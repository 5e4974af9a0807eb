// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * NUMA hinting against unmap: a producer writes blocks on its node, consumers on others read them
 * and memory that stays, and the producer unmaps each block in the end. With numa-balancing: scan,
 * consumers meanwhile make parts of the mm inaccessible, fault, and move pages to their node. A
 * loop is one munmap: it meets their gathers, their locks, and pages under way.
 */
#include <sys/mman.h>

#include "sim/rng.h"
#include "workloads/synthetic/bench.h"

struct params {
	uint64_t size, held;
	sim_ps stay, think;
};

#define P(field) offsetof(struct params, field)

static const struct param params[] = { { .name = "size",
					 .type = PARAM_BYTES,
					 .offset = P(size),
					 .def = "128KiB",
					 .min = PAGE_BYTES,
					 .multiple = PAGE_BYTES,
					 .max = 1e12,
					 .help = "of a block" },
				       { .name = "held",
					 .type = PARAM_BYTES,
					 .offset = P(held),
					 .def = "512KiB",
					 .min = PAGE_BYTES,
					 .multiple = PAGE_BYTES,
					 .max = 1e12,
					 .help = "memory that consumers use and nobody unmaps" },
				       { .name = "stay",
					 .type = PARAM_PS,
					 .offset = P(stay),
					 .def = "500us",
					 .max = 1e12,
					 .help = "that a block is there for consumers" },
				       { .name = "think",
					 .type = PARAM_PS,
					 .offset = P(think),
					 .def = "500ns",
					 .max = 1e12,
					 .help = "a consumer's own work between two accesses" },
				       PARAM_END };

struct state {
	struct bench b;
	uint64_t held, block; /* block: 0 while there is none */
	uint32_t readers;     /* consumers that are in the block */
	struct task *producer;
};

static void read_block(struct task *t, struct state *s, struct rng *rng)
{
	const struct params *p = s->b.params;

	s->readers++;
	bench_touch(t, s->block + rng_below(rng, p->size / PAGE_BYTES) * PAGE_BYTES, 1, USER_READ);
	if (!--s->readers && !s->block)
		task_wake(t, s->producer);
}

static void consumer(struct task *t, void *arg)
{
	struct state *s = arg;
	const struct params *p = s->b.params;
	struct rng rng;

	rng_init(&rng, sim_seed(s->b.sim), "numa_unmap.consumer", task_cpu(t));
	while (!s->b.done) {
		user_compute(t, p->think);
		if (s->block && rng_below(&rng, 2))
			read_block(t, s, &rng);
		else
			bench_touch(t, s->held + rng_below(&rng, p->held / PAGE_BYTES) * PAGE_BYTES,
				    1, USER_READ);
	}
}

/* Consumers are spread over the machine, so that the first of them is half of it away. */
static void spawn_consumers(struct task *t, struct state *s)
{
	unsigned int nr_cpus = kernel_nr_cpus(s->b.k);

	for (uint32_t i = 1; i < s->b.threads; i++) {
		struct task_attr attr = { .comm = "consumer",
					  .cpu = (int)(i * (nr_cpus / s->b.threads)),
					  .fn = consumer,
					  .arg = s };

		sys_clone_thread(t, &attr);
	}
}

static void measured(struct task *t, void *arg)
{
	struct state *s = arg;
	const struct params *p = s->b.params;

	s->producer = t;
	s->held = bench_map(t, p->held / PAGE_BYTES, USER_WRITE);
	spawn_consumers(t, s);
	while (bench_goes_on(&s->b)) {
		uint64_t block = bench_map(t, p->size / PAGE_BYTES, USER_WRITE);
		sim_ps begin;

		s->block = block;
		task_sleep(t, p->stay);
		s->block = 0;
		while (s->readers)
			task_block(t);
		begin = sim_now(s->b.sim);
		sys_munmap(t, block, p->size);
		bench_sample(&s->b, begin);
	}
}

static const struct bench_load numa_unmap = {
	.type = { BENCH_FRAME, .name = "numa_unmap",
		  .summary = "munmap of memory that other nodes use, while balancing scans it",
		  .source = "situations of mm concurrency: NUMA hinting against unmap",
		  .params = params, .params_size = sizeof(struct params) },
	.measured = measured,
	.warm_up = 2,
	.threads = 2,
	.cpu_each = true,
	.state = sizeof(struct state),
};
WORKLOAD(numa_unmap.type);
