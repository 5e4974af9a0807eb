// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Lock order: which class was ever taken while which other was held. A cycle in this relation is a
 * deadlock that waits for the right moment, and is told even if the moment never comes in this run,
 * with both chains: what is held now, and who took the locks in the other order first. Classes, not
 * locks; two of one class are the code's own business. Interrupts begin anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/kernel/kernel.h"

/* The first time that a class was taken under another. */
struct lock_edge {
	char comm[24];
	unsigned int nr_held;
	uint8_t held[LOCKS_HELD];
};

static const char *class_name(const struct kernel *k, unsigned int id)
{
	const struct lock_class *c = k->lock_classes;

	while (c->id != id)
		c = c->next;
	return c->name;
}

/*
 * Has `to` been taken, at whatever remove, under `from`? A shortest way there is left in `via`: for
 * each class on it, the one that it was taken under.
 */
static bool reaches(const struct kernel *k, unsigned int from, unsigned int to,
		    uint8_t via[LOCK_CLASSES])
{
	uint64_t seen = UINT64_C(1) << from, edge = seen;

	while (edge && !(seen >> to & 1)) {
		uint64_t next = 0;

		for (; edge; edge &= edge - 1) {
			unsigned int id = (unsigned int)__builtin_ctzll(edge);
			uint64_t found = k->taken_under[id] & ~seen;

			for (uint64_t f = found; f; f &= f - 1)
				via[__builtin_ctzll(f)] = (uint8_t)id;
			seen |= found;
			next |= found;
		}
		edge = next;
	}
	return seen >> to & 1;
}

/* "a > b > c": each was taken while those before it were held. */
static void put_chain(FILE *out, const struct kernel *k, const uint8_t *held, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		fprintf(out, "%s%s", i ? " > " : "", class_name(k, held[i]));
}

/* From the far end of the way back to `from`. */
static void put_way(FILE *out, const struct kernel *k, unsigned int from, unsigned int to,
		    const uint8_t via[LOCK_CLASSES])
{
	for (unsigned int id = to; id != from; id = via[id]) {
		const struct lock_edge *e = k->lock_edges[via[id]][id];

		fprintf(out, "%s%s under %s by %s (", id == to ? "" : ", ", class_name(k, id),
			class_name(k, via[id]), e->comm);
		put_chain(out, k, e->held, e->nr_held);
		fputc(')', out);
	}
}

static void report(struct task *t, unsigned int held, unsigned int id,
		   const uint8_t via[LOCK_CLASSES])
{
	const struct kernel *k = t->k;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "%s takes %s under %s (", t->comm, class_name(k, id), class_name(k, held));
	put_chain(out, k, t->held + t->held_base, t->nr_held - t->held_base);
	fprintf(out, " > %s); first the other way round: ", class_name(k, id));
	put_way(out, k, id, held, via);
	fclose(out);
	sim_violate(k->sim, __FILE__, __LINE__, "lock-order", "%s", text);
	free(text);
}

static void note_edge(struct task *t, unsigned int held, unsigned int id)
{
	struct kernel *k = t->k;
	struct lock_edge *e = calloc(1, sizeof(*e));

	snprintf(e->comm, sizeof(e->comm), "%s", t->comm);
	e->nr_held = t->nr_held - t->held_base;
	memcpy(e->held, t->held + t->held_base, e->nr_held);
	if (e->nr_held < LOCKS_HELD)
		e->held[e->nr_held++] = (uint8_t)id;
	k->taken_under[held] |= UINT64_C(1) << id;
	k->lock_edges[held][id] = e;
}

static void check_order(struct task *t, unsigned int held, unsigned int id)
{
	uint8_t via[LOCK_CLASSES];

	if (held == id || t->k->taken_under[held] >> id & 1)
		return;
	if (reaches(t->k, id, held, via))
		report(t, held, id, via);
	note_edge(t, held, id);
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

void lockdep_free(struct kernel *k)
{
	for (unsigned int i = 0; i < LOCK_CLASSES; i++)
		for (unsigned int j = 0; j < LOCK_CLASSES; j++)
			free(k->lock_edges[i][j]);
}
