// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * rss-counters: percpu, each counter of an mm is a percpu_counter: a CPU adds to a number of its
 * own, and to the shared one, under a lock, when its own has grown to a batch.
 */
#include <stdlib.h>

#include "models/kernel/mm.h"

struct params {
	uint32_t batch;
};

static const struct param params[] = {
	{ .name = "batch",
	  .type = PARAM_U32,
	  .offset = offsetof(struct params, batch),
	  .def = "0",
	  .max = 1e6,
	  .help = "percpu_counter_batch; 0: 32 or twice the CPUs, if that is more" },
	PARAM_END
};

static int32_t batch_of(const struct params *p, const struct kernel *k)
{
	if (p->batch)
		return (int32_t)p->batch;
	return k->nr_cpus > 16 ? 2 * (int32_t)k->nr_cpus : 32;
}

/* All percpu memory comes from one allocator, and all percpu counters are on one list. */
static void allocator(struct task *t)
{
	spin_lock_irq(t, &t->k->pcpu_lock);
	spend(t, t->k->cost.percpu);
	spin_unlock_irq(t, &t->k->pcpu_lock);
}

static void born(const void *p, struct task *t, struct mm *mm)
{
	(void)p, (void)mm;
	allocator(t);
}

static void gone(const void *p, struct task *t, struct mm *mm)
{
	(void)p;
	allocator(t);
	free(mm->rss_percpu);
	mm->rss_percpu = NULL;
}

static void add(const void *arg, struct task *t, struct mm *mm, enum mm_counter c, int n)
{
	const struct params *p = arg;
	int32_t *own;

	if (!mm->rss_percpu)
		mm->rss_percpu = calloc(t->k->nr_cpus, sizeof(*mm->rss_percpu));
	preempt_disable(t);
	own = &mm->rss_percpu[t->cpu][c];
	*own += n;
	if (abs(*own) >= batch_of(p, t->k)) {
		*own = 0;
		spin_lock_irq(t, &mm->rss_lock[c]);
		spin_unlock_irq(t, &mm->rss_lock[c]);
	}
	preempt_enable(t);
}

static const struct rss_ops ops = { born, gone, add, add };
static const struct policy_choice choice = {
	.axis = AXIS_RSS_COUNTERS,
	.name = "percpu",
	.summary = "percpu counters, one a kind of page and mm",
	.source = "mm: convert mm's rss stats into percpu_counter, Linux 6.2",
	.params = params,
	.params_size = sizeof(struct params),
	.ops = &ops,
};
POLICY(choice);
