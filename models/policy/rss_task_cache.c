// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * rss-counters: task-cache, the counters of an mm are atomics on one line; a task keeps what its
 * faults add, and hands it over every so many faults and before it unmaps.
 */
#include "models/kernel/mm.h"

struct params {
	uint32_t events;
};

static const struct param params[] = { { .name = "events",
					 .type = PARAM_U32,
					 .offset = offsetof(struct params, events),
					 .def = "64",
					 .min = 1,
					 .max = 1e6,
					 .help = "TASK_RSS_EVENTS_THRESH: faults between two" },
				       PARAM_END };

static void nothing(const void *p, struct task *t, struct mm *mm)
{
	(void)p, (void)t, (void)mm;
}

static void sync_mm_rss(struct task *t, struct mm *mm)
{
	for (unsigned int c = 0; c < NR_MM_COUNTERS; c++) {
		if (t->rss_cache[c])
			touch_line(t, &mm->rss_line, LINE_ATOMIC);
		t->rss_cache[c] = 0;
	}
	t->rss_events = 0;
}

static void fault(const void *arg, struct task *t, struct mm *mm, enum mm_counter c, int n)
{
	const struct params *p = arg;

	if (mm != t->mm) {
		touch_line(t, &mm->rss_line, LINE_ATOMIC);
		return;
	}
	t->rss_cache[c] += n;
	if (++t->rss_events >= p->events)
		sync_mm_rss(t, mm);
}

static void unmap(const void *p, struct task *t, struct mm *mm, enum mm_counter c, int n)
{
	(void)p, (void)c, (void)n;
	if (mm == t->mm)
		sync_mm_rss(t, mm);
	touch_line(t, &mm->rss_line, LINE_ATOMIC);
}

static const struct rss_ops ops = { nothing, nothing, fault, unmap };
static const struct policy_choice choice = {
	.axis = AXIS_RSS_COUNTERS,
	.name = "task-cache",
	.summary = "atomics on one line of the mm, behind a cache in each task",
	.source = "SPLIT_RSS_COUNTING of Linux 2.6.34 to 6.1",
	.params = params,
	.params_size = sizeof(struct params),
	.ops = &ops,
};
POLICY(choice);
