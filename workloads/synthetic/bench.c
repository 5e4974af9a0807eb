// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Sampling of loops, and the few steps that all micro-benchmarks share.
 */
#include "workloads/synthetic/bench.h"

#include <stdlib.h>
#include <sys/mman.h>

METRIC(desc_loop, "workload.loop_time", METRIC_HISTOGRAM, "ps", NULL,
       "one loop of a micro-benchmark, warm-up left out");

#define DEFAULT_DURATION (20 * SIM_MS)
static bool enough_cpus(const struct bench_load *load, struct kernel *k, uint32_t threads,
			struct err *err)
{
	unsigned int nr_cpus = kernel_nr_cpus(k);

	if (nr_cpus < load->min_cpus)
		return err_set(err, "%s needs %u CPUs: there is %u", load->type.name,
			       load->min_cpus, nr_cpus);
	if (load->cpu_each && threads > nr_cpus)
		return err_set(err, "%s: %u threads, each with a CPU of its own: there are %u",
			       load->type.name, threads, nr_cpus);
	return true;
}

struct workload *bench_start(const struct workload_type *type, struct kernel *k, const void *params,
			     const char *file, uint32_t threads, sim_ps duration, struct err *err)
{
	const struct bench_load *load = (const void *)((const char *)type -
						       offsetof(struct bench_load, type));
	struct bench *b;

	(void)file;
	threads = threads ? threads : load->threads ? load->threads : 1;
	if (!enough_cpus(load, k, threads, err))
		return NULL;
	b = calloc(1, load->state_of ? load->state_of(threads)
		      : load->state  ? load->state
				     : sizeof(*b));
	b->load = load;
	b->params = params;
	b->k = k;
	b->sim = kernel_sim(k);
	b->threads = threads;
	b->duration = duration ? duration : DEFAULT_DURATION;
	b->warm_up = load->warm_up;
	op_metrics_init(&b->m, b->sim);
	b->loop = metric_get(sim_metrics(b->sim), &desc_loop, NULL);
	bench_spawn(b, "measured", 0, load->measured, b);
	return (struct workload *)b;
}

struct task *bench_spawn(struct bench *b, const char *comm, unsigned int cpu, task_fn *fn,
			 void *arg)
{
	struct task_attr attr = { .comm = comm, .cpu = (int)cpu, .fn = fn, .arg = arg };

	return kernel_spawn(b->k, &attr);
}

void bench_spread(struct task *t, struct bench *b, const char *comm, bench_make_fn *make,
		  task_fn *fn, void *arg)
{
	for (uint32_t i = 1; i < b->threads; i++) {
		struct task_attr attr = {
			.comm = comm, .cpu = (int)kernel_nth_core_cpu(b->k, i), .fn = fn, .arg = arg
		};

		make(t, &attr);
	}
}

/* The time runs from the first loop that counts, so that set-up costs no loops. */
bool bench_goes_on(struct bench *b)
{
	sim_ps now = sim_now(b->sim);

	if (b->loops == b->warm_up)
		b->begin = now;
	if (b->loops > b->warm_up && now >= b->begin + b->duration)
		b->done = true;
	return !b->done;
}

void bench_sample(struct bench *b, sim_ps begin)
{
	if (b->loops++ < b->warm_up)
		return;
	hist_add(&b->loop->hist, sim_now(b->sim) - begin);
	op_count(&b->m, 1);
}

uint64_t bench_mmap(struct task *t, uint64_t pages)
{
	uint64_t len = pages * PAGE_BYTES;
	int64_t addr = sys_mmap(t, 0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	sim_check(task_sim(t), addr > 0, "workload", "mmap of %llu bytes failed: %lld",
		  (unsigned long long)len, (long long)addr);
	return (uint64_t)addr;
}

uint64_t bench_map(struct task *t, uint64_t pages, enum user_access access)
{
	uint64_t addr = bench_mmap(t, pages);

	bench_touch(t, addr, pages, access);
	return addr;
}

void bench_touch(struct task *t, uint64_t addr, uint64_t pages, enum user_access access)
{
	for (uint64_t i = 0; i < pages; i++)
		sim_check(task_sim(t), user_access(t, addr + i * PAGE_BYTES, access), "workload",
			  "access to %#llx is a SIGSEGV",
			  (unsigned long long)(addr + i * PAGE_BYTES));
}

uint32_t bench_threads(const struct workload *w)
{
	return ((const struct bench *)w)->threads;
}

void bench_finish(struct workload *w)
{
	struct bench *b = (struct bench *)w;

	op_metrics_finish(&b->m, sim_now(b->sim) - b->begin);
}

void bench_free(struct workload *w)
{
	free(w);
}
