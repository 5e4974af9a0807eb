// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A server that forks its workers ahead and never execs: a request goes to the oldest worker, which
 * writes to some of the memory that it shares with the server, and exits; the server forks the next
 * and writes to its own memory meanwhile. Every such write is a copy, for as long as any worker
 * still has the page. A loop is one request.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "workloads/synthetic/threads.h"

struct params {
	struct loop_params loop;
	uint32_t workers, touched, dirtied;
	sim_ps request;
};

#define P(field) offsetof(struct params, field)

static const struct param params[] = {
	LOOP_SIZE("4MiB"),
	LOOP_THINK,
	{ .name = "processes",
	  .type = PARAM_BOOL,
	  .offset = offsetof(struct loop_params, processes),
	  .def = "true",
	  .help = "each of --threads is a server of its own, not a thread of one" },
	{ .name = "workers",
	  .type = PARAM_U32,
	  .offset = P(workers),
	  .def = "2",
	  .min = 1,
	  .max = 4096,
	  .help = "forked ahead, per server" },
	{ .name = "touched",
	  .type = PARAM_U32,
	  .offset = P(touched),
	  .def = "32",
	  .max = 1e6,
	  .help = "pages that a worker writes to" },
	{ .name = "dirtied",
	  .type = PARAM_U32,
	  .offset = P(dirtied),
	  .def = "8",
	  .max = 1e6,
	  .help = "pages that the server writes to, a request" },
	{ .name = "request",
	  .type = PARAM_PS,
	  .offset = P(request),
	  .def = "20us",
	  .max = 1e12,
	  .help = "a worker's own work" },
	PARAM_END
};

struct server {
	const struct params *p;
	uint64_t area, pages, cursor;
	bool over; /* workers that are woken now have nothing to do */
};

/* n pages spread over the memory, each from where the last call ended. */
static void write_pages(struct task *t, const struct server *s, uint64_t from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint64_t page = (from + i) % s->pages;

		sim_check(task_sim(t), user_access(t, s->area + page * PAGE_BYTES, USER_WRITE),
			  "workload", "page %llu is a SIGSEGV", (unsigned long long)page);
	}
}

static void worker(struct task *t, void *arg)
{
	struct server *s = arg;

	task_block(t);
	if (s->over)
		return;
	user_compute(t, s->p->request);
	write_pages(t, s, s->cursor, s->p->touched);
}

static void loop(struct task *t, struct loop_thread *self)
{
	struct server s = { .p = self->params };
	struct task **idle = calloc(s.p->workers, sizeof(struct task *));
	uint32_t oldest = 0;

	s.pages = s.p->loop.size / PAGE_BYTES;
	s.area = loop_mmap(t, self, s.p->loop.size, MAP_PRIVATE | MAP_ANONYMOUS);
	write_pages(t, &s, 0, (uint32_t)s.pages);
	for (uint32_t i = 0; i < s.p->workers; i++)
		idle[i] = loop_fork(t, self, FORK_ANYWHERE, worker, &s);
	while (!loop_done(self)) {
		struct task *busy = idle[oldest];

		user_compute(t, s.p->loop.think);
		task_wake(t, busy);
		idle[oldest] = loop_fork(t, self, FORK_ANYWHERE, worker, &s);
		oldest = (oldest + 1) % s.p->workers;
		write_pages(t, &s, s.cursor + s.pages / 2, s.p->dirtied);
		sys_wait4(t, busy);
		s.cursor += s.p->touched;
		loop_count(self, 1);
	}
	s.over = true;
	for (uint32_t i = 0; i < s.p->workers; i++) {
		task_wake(t, idle[i]);
		sys_wait4(t, idle[i]);
	}
	free(idle);
}

static const struct loop_load fork_server = {
	.type = { LOOP_FRAME, .name = "fork_server",
		  .summary = "workers forked ahead, requests that copy on write, no exec",
		  .source = "situations of mm concurrency", .params = params,
		  .params_size = sizeof(struct params) },
	.loop = loop,
};
WORKLOAD(fork_server.type);
