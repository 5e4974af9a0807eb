// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A garbage collector as virtual machines have it: mutators fill a heap page by page; when it is
 * full, the collector protects the page that they poll, waits until all of them have faulted on it
 * and stopped, works, gives the dead part of the heap back region by region, and lets them go on. A
 * loop is one pause.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "workloads/synthetic/bench.h"

struct params {
	uint64_t heap, region, buffer;
	double live;
	bool unmap;
	sim_ps work, mark, signal;
};

#define P(field) offsetof(struct params, field)

static const struct param params[] = {
	{ .name = "heap",
	  .type = PARAM_BYTES,
	  .offset = P(heap),
	  .def = "8MiB",
	  .min = 1 << 20,
	  .multiple = PAGE_BYTES,
	  .max = 1e12,
	  .help = "filled between two collections" },
	{ .name = "region",
	  .type = PARAM_BYTES,
	  .offset = P(region),
	  .def = "256KiB",
	  .min = PAGE_BYTES,
	  .multiple = PAGE_BYTES,
	  .max = 1e12,
	  .help = "given back by one call" },
	{ .name = "buffer",
	  .type = PARAM_BYTES,
	  .offset = P(buffer),
	  .def = "64KiB",
	  .min = PAGE_BYTES,
	  .multiple = PAGE_BYTES,
	  .max = 1e9,
	  .help = "that a mutator takes from the heap at a time" },
	{ .name = "live",
	  .type = PARAM_DOUBLE,
	  .offset = P(live),
	  .def = "0.25",
	  .max = 0.95,
	  .help = "share of the heap that survives" },
	{ .name = "unmap",
	  .type = PARAM_BOOL,
	  .offset = P(unmap),
	  .def = "false",
	  .help = "give back by munmap and map anew, not by MADV_DONTNEED" },
	{ .name = "work",
	  .type = PARAM_PS,
	  .offset = P(work),
	  .def = "2us",
	  .max = 1e12,
	  .help = "a mutator's own work for one page" },
	{ .name = "mark",
	  .type = PARAM_PS,
	  .offset = P(mark),
	  .def = "100us",
	  .max = 1e12,
	  .help = "the collector's own work in a pause" },
	/* An estimate: delivery of SIGSEGV and its handler's way to the safepoint. */
	{ .name = "signal",
	  .type = PARAM_PS,
	  .offset = P(signal),
	  .def = "2us",
	  .max = 1e12,
	  .help = "from the fault on the polling page to the stop" },
	PARAM_END
};

struct state {
	struct bench b;
	struct task *collector;
	struct task **stopped; /* mutators at the safepoint */
	uint32_t mutators, nr_stopped;
	uint64_t heap, used, poll;
	bool full, armed;
};

/* ---- mutators ---- */

static void stop_here(struct task *t, struct state *s)
{
	s->stopped[s->nr_stopped++] = t;
	if (s->nr_stopped == s->mutators)
		task_wake(t, s->collector);
	task_block(t);
}

/* The polling page is read between any two pages; protected, it is a signal. */
static void poll(struct task *t, struct state *s)
{
	const struct params *p = s->b.params;

	if (user_access(t, s->poll, USER_READ) || !s->armed)
		return;
	user_compute(t, p->signal);
	if (s->armed)
		stop_here(t, s);
}

static void mutator(struct task *t, void *arg)
{
	struct state *s = arg;
	const struct params *p = s->b.params;

	while (!s->b.done) {
		uint64_t at = s->used;

		if (at + p->buffer > p->heap) {
			if (!s->full) {
				s->full = true; /* before it can look */
				task_wake(t, s->collector);
			}
			poll(t, s);
			user_compute(t, p->work);
			continue;
		}
		s->used += p->buffer;
		for (uint64_t end = at + p->buffer; at < end; at += PAGE_BYTES) {
			bench_touch(t, s->heap + at, 1, USER_WRITE);
			user_compute(t, p->work);
			poll(t, s);
		}
	}
	/* Who waits for all to stop must not wait for this one. */
	s->mutators--;
	if (s->armed && s->nr_stopped == s->mutators)
		task_wake(t, s->collector);
}

/* ---- the collector ---- */

static void give_back(struct task *t, struct state *s)
{
	const struct params *p = s->b.params;
	uint64_t at = (uint64_t)((double)p->heap * p->live) / p->region * p->region;

	s->used = at;
	for (; at < p->heap; at += p->region) {
		uint64_t len = p->heap - at < p->region ? p->heap - at : p->region;

		if (!p->unmap) {
			sys_madvise(t, s->heap + at, len, MADV_DONTNEED);
			continue;
		}
		sys_munmap(t, s->heap + at, len);
		sys_mmap(t, s->heap + at, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
	}
}

static void collect(struct task *t, struct state *s)
{
	const struct params *p = s->b.params;

	s->armed = true;
	sys_mprotect(t, s->poll, PAGE_BYTES, PROT_NONE);
	while (s->nr_stopped < s->mutators)
		task_block(t);
	user_compute(t, p->mark);
	give_back(t, s);
	sys_mprotect(t, s->poll, PAGE_BYTES, PROT_READ);
	s->armed = false;
	s->full = false;
	while (s->nr_stopped)
		task_wake(t, s->stopped[--s->nr_stopped]);
}

static void set_up(struct task *t, struct state *s)
{
	const struct params *p = s->b.params;

	s->collector = t;
	s->stopped = calloc(s->b.threads, sizeof(struct task *));
	s->heap = (uint64_t)sys_mmap(t, 0, p->heap, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS);
	s->poll = (uint64_t)sys_mmap(t, 0, PAGE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
	s->mutators = s->b.threads > 1 ? s->b.threads - 1 : 1;
	for (uint32_t i = 1; i <= s->mutators; i++) {
		struct task_attr attr = { .comm = "mutator",
					  .cpu = (int)kernel_nth_core_cpu(s->b.k, i),
					  .fn = mutator,
					  .arg = s };

		sys_clone_thread(t, &attr);
	}
}

static void measured(struct task *t, void *arg)
{
	struct state *s = arg;

	set_up(t, s);
	while (bench_goes_on(&s->b)) {
		sim_ps begin;

		while (!s->full)
			task_block(t);
		begin = sim_now(s->b.sim);
		collect(t, s);
		bench_sample(&s->b, begin);
	}
	while (s->mutators) /* a stopped one would never end */
		task_sleep(t, 10 * SIM_US);
	free(s->stopped);
}

static const struct bench_load gc_heap = {
	.type = { BENCH_FRAME, .name = "gc_heap",
		  .summary = "mutators fill a heap; a collector stops them and gives memory back",
		  .source = "safepoints by a polling page: HotSpot; uncommit by madvise: Go, V8",
		  .params = params, .params_size = sizeof(struct params) },
	.measured = measured,
	.warm_up = 1,
	.threads = 4,
	.cpu_each = true,
	.state = sizeof(struct state),
};
WORKLOAD(gc_heap.type);
