// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The block layer, as far as one page at a time goes: each CPU has its own queue pair, as NVMe, so
 * a request ends on the CPU where it began.
 */
#include "models/kernel/blk.h"

#include <stdlib.h>

METRIC(desc_read, "disk.reads", METRIC_COUNTER, "1", NULL, "pages read from the disk");
METRIC(desc_write, "disk.writes", METRIC_COUNTER, "1", NULL, "pages written to the disk");
METRIC(desc_latency, "disk.latency", METRIC_HISTOGRAM, "ps", NULL,
       "of requests, from submission to completion at the disk");

struct blk_request {
	sim_ps done;
	uint32_t pfn;
	blk_end_fn *end;
	struct blk_request *next;
};

void blk_init(struct kernel *k)
{
	k->disk = disk_create(&k->m->desc);
}

/* zram: compressed or decompressed before the call returns. */
static void do_it_now(struct task *t, enum disk_op op, uint32_t pfn, blk_end_fn *end)
{
	spend(t, t->k->disk->latency[op]);
	settle(t);
	hist_add(&metric_get(sim_metrics(t->k->sim), &desc_latency, "")->hist,
		 t->k->disk->latency[op]);
	end(t->k, t, pfn);
}

void blk_submit(struct task *t, enum disk_op op, uint32_t pfn, blk_end_fn *end)
{
	struct metrics *m = sim_metrics(t->k->sim);
	struct blk_request *r, **link;
	struct kcpu *c;
	sim_ps now;

	metric_get(m, op == DISK_READ ? &desc_read : &desc_write, "")->value++;
	spend(t, t->k->cost.io_submit);
	if (t->k->m->desc.disk.sync) {
		do_it_now(t, op, pfn, end);
		return;
	}
	settle(t);
	r = malloc(sizeof(*r));
	c = this_cpu(t);
	now = sim_now(t->k->sim);
	*r = (struct blk_request){ disk_submit(t->k->disk, op, PAGE_SIZE, now), pfn, end, NULL };
	for (link = &c->requests; *link && (*link)->done <= r->done; link = &(*link)->next)
		;
	r->next = *link;
	*link = r;
	cpu_raise(c->cpu, IRQ_DISK, c->requests->done);
	hist_add(&metric_get(m, &desc_latency, "")->hist, r->done - now);
}

void blk_done(struct task *t)
{
	struct kcpu *c = this_cpu(t);
	struct blk_request *r;

	/* The run does not end in the middle of this; nor does this begin when it ends. */
	if (t->k->ending && !t->k->busy_kthreads)
		return;
	t->k->busy_kthreads++;
	while ((r = c->requests) && r->done <= sim_now(t->k->sim)) {
		c->requests = r->next;
		spend(t, t->k->cost.io_complete);
		r->end(t->k, t, r->pfn);
		settle(t);
		free(r);
	}
	if (c->requests)
		cpu_raise(c->cpu, IRQ_DISK, c->requests->done);
	kthread_idle(t);
}

void blk_drain(struct kernel *k)
{
	for (unsigned int i = 0; i < k->nr_cpus; i++) {
		struct blk_request *r;

		while ((r = k->cpus[i].requests)) {
			k->cpus[i].requests = r->next;
			r->end(k, NULL, r->pfn);
			free(r);
		}
	}
}

void blk_free(struct kernel *k)
{
	disk_free(k->disk);
}
