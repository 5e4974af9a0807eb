// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Lock order: which class was ever taken while which other was held. A cycle in this relation is a
 * deadlock that waits for the right moment, and is told even if the moment never comes in this run.
 * Classes, not locks; two of one class are the code's own business. Interrupts begin anew.
 */
#include "models/kernel/kernel.h"

/* Has `to` been taken, at whatever remove, under `from`? */
static bool reaches(const struct kernel *k, unsigned int from, unsigned int to)
{
	uint64_t seen = UINT64_C(1) << from, next = k->taken_under[from];

	while (next & ~seen) {
		unsigned int id = (unsigned int)__builtin_ctzll(next & ~seen);

		seen |= UINT64_C(1) << id;
		next |= k->taken_under[id];
	}
	return next >> to & 1;
}

static const char *class_name(const struct kernel *k, unsigned int id)
{
	const struct lock_class *c = k->lock_classes;

	while (c->id != id)
		c = c->next;
	return c->name;
}

static void check_order(struct task *t, unsigned int held, unsigned int id)
{
	struct kernel *k = t->k;

	if (held == id || k->taken_under[held] >> id & 1)
		return;
	sim_check(k->sim, !reaches(k, id, held), "lock-order",
		  "%s takes %s under %s, which elsewhere is taken the other way round", t->comm,
		  class_name(k, id), class_name(k, held));
	k->taken_under[held] |= UINT64_C(1) << id;
}

void lock_acquired(struct task *t, const struct lock_class *class, bool trylock)
{
	if (class->id >= LOCK_CLASSES || t->nr_held == LOCKS_HELD)
		return;
	for (unsigned int i = t->held_base; !trylock && i < t->nr_held; i++)
		check_order(t, t->held[i], class->id);
	t->held[t->nr_held++] = (uint8_t) class->id;
}

void lock_released(struct task *t, const struct lock_class *class)
{
	unsigned int i = t->nr_held;

	while (i && t->held[i - 1] != class->id)
		i--;
	if (!i)
		return;
	for (t->nr_held--; i <= t->nr_held; i++)
		t->held[i - 1] = t->held[i];
}
