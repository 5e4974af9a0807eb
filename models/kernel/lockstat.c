// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What is known of a lock class: how long it is waited for and held, and what the holds contain. A
 * task adds up the time that it spends on each part; a hold contains what was added between its
 * beginning and its end. The locks themselves are elsewhere.
 */
#include <stdlib.h>
#include <string.h>

#include "models/kernel/kernel.h"

METRIC(desc_wait, "lock.wait", METRIC_HISTOGRAM, "ps", "class", "time waited for a contended lock");
METRIC(desc_acquired, "lock.acquired", METRIC_COUNTER, "1", "class", "acquisitions");
METRIC(desc_contended, "lock.contended", METRIC_COUNTER, "1", "class",
       "acquisitions that had to wait");

/* A hold goes to the first of these that it contains. */
METRIC(desc_hold_ipi, "lock.hold_ipi", METRIC_HISTOGRAM, "ps", "class",
       "time held, with a wait for an IPI inside");
METRIC(desc_hold_nested, "lock.hold_nested", METRIC_HISTOGRAM, "ps", "class",
       "time held, with a wait for another lock inside, but for no IPI");
METRIC(desc_hold_pages, "lock.hold_pages", METRIC_HISTOGRAM, "ps", "class",
       "time held, with work on pages inside, but no wait");
METRIC(desc_hold, "lock.hold", METRIC_HISTOGRAM, "ps", "class",
       "time held, with neither waits nor work on pages inside");

METRIC(desc_held, "lock.held", METRIC_COUNTER, "ps", "class", "all holds together");
METRIC(desc_held_ipi, "lock.held_ipi", METRIC_COUNTER, "ps", "class",
       "of lock.held: waiting for IPIs");
METRIC(desc_held_nested, "lock.held_nested", METRIC_COUNTER, "ps", "class",
       "of lock.held: waiting for other locks");
METRIC(desc_held_pages, "lock.held_pages", METRIC_COUNTER, "ps", "class",
       "of lock.held: zeroing, copying, taking and freeing pages");
METRIC(desc_held_irq, "lock.held_irq", METRIC_COUNTER, "ps", "class",
       "of lock.held: in interrupts that came meanwhile");

static const struct {
	const struct metric_desc *hold, *held;
} part_descs[HOLD_PARTS] = {
	[HOLD_IPI] = { &desc_hold_ipi, &desc_held_ipi },
	[HOLD_NESTED] = { &desc_hold_nested, &desc_held_nested },
	[HOLD_PAGES] = { &desc_hold_pages, &desc_held_pages },
	[HOLD_IRQ] = { &desc_hold, &desc_held_irq },
};

struct lock_class *lock_class_get(struct kernel *k, const char *name)
{
	struct metrics *m = sim_metrics(k->sim);
	struct lock_class *c;

	for (c = k->lock_classes; c; c = c->next)
		if (c->name == name)
			return c;
	c = calloc(1, sizeof(*c));
	c->name = name;
	c->line_class = line_class_get(k->m, name);
	c->waiter_line_class = line_class_get(k->m, "rwsem_waiter");
	c->wait = metric_get(m, &desc_wait, name);
	c->acquired = metric_get(m, &desc_acquired, name);
	c->contended = metric_get(m, &desc_contended, name);
	c->held = metric_get(m, &desc_held, name);
	for (unsigned int i = 0; i < HOLD_PARTS; i++) {
		c->hold[i] = metric_get(m, part_descs[i].hold, name);
		c->held_part[i] = metric_get(m, part_descs[i].held, name);
	}
	c->next = k->lock_classes;
	c->id = c->next ? c->next->id + 1 : 0;
	k->lock_classes = c;
	return c;
}

void hold_go_on(const struct task *t, struct lock_hold *hold)
{
	hold->since = sim_now(t->k->sim);
	memcpy(hold->part, t->part, sizeof(hold->part));
}

void hold_begin(const struct task *t, struct lock_class *class, struct lock_hold *hold)
{
	class->acquired->value++;
	hold_go_on(t, hold);
}

void hold_end(struct task *t, struct lock_class *class, const struct lock_hold *hold)
{
	sim_ps held = sim_now(t->k->sim) - hold->since;
	unsigned int kind = HOLD_IRQ;

	for (unsigned int i = HOLD_PARTS; i--;) {
		sim_ps in_part = t->part[i] - hold->part[i];

		if (!in_part)
			continue;
		class->held_part[i]->value += in_part;
		kind = i;
	}
	class->held->value += held;
	hist_add(&class->hold[kind]->hist, held);
}

static sim_ps all_parts(const struct task *t)
{
	sim_ps sum = 0;

	for (unsigned int i = 0; i < HOLD_PARTS; i++)
		sum += t->part[i];
	return sum;
}

struct part_timer part_begin(const struct task *t)
{
	return (struct part_timer){ sim_now(t->k->sim), all_parts(t) };
}

void part_end(struct task *t, struct part_timer timer, enum hold_part part)
{
	sim_ps passed = sim_now(t->k->sim) - timer.start, others = all_parts(t) - timer.parts;

	/* Page work counts when it is asked for, which may be before its time passes. */
	if (passed > others)
		t->part[part] += passed - others;
}

void lock_waited(struct task *t, struct lock_class *class, struct part_timer timer)
{
	class->contended->value++;
	hist_add(&class->wait->hist, sim_now(t->k->sim) - timer.start);
	part_end(t, timer, HOLD_NESTED);
}
