/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The native engine's heap against an array searched from end to end: pushes, pops, replacements
 * and moves forward in random order, and new sequence numbers in the midst of it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sim/engine/native_heap.h"
#include "sim/rng.h"

enum { IDS = 700 };

struct model {
	event_key key[IDS]; /* by id; KEY_MAX: not in the heap */
	size_t n;
};

static uint32_t model_first(const struct model *m)
{
	uint32_t first = 0;

	for (uint32_t i = 1; i < IDS; i++) {
		if (m->key[i] < m->key[first])
			first = i;
	}
	return first;
}

static void check(const struct heap *h, const struct model *m)
{
	uint32_t first = model_first(m);

	assert_int_equal(h->n, m->n);
	assert_true(h->key[0] == m->key[first]); /* KEY_MAX on both sides if empty */
	if (m->n)
		assert_int_equal(h->pos[first], 0);
}

static void test_against_array(void **state)
{
	struct heap h = { 0 };
	struct model m;
	uint64_t seq = 0;
	struct rng rng;

	(void)state;
	rng_init(&rng, 1, "heap", 0);
	assert_true(heap_reserve(&h, IDS));
	for (int i = 0; i < IDS; i++)
		m.key[i] = KEY_MAX;
	m.n = 0;
	for (int step = 0; step < 100000; step++) {
		uint32_t id = (uint32_t)rng_below(&rng, IDS), first = model_first(&m);
		event_key key = key_make(rng_below(&rng, 50), ++seq, id);

		check(&h, &m);
		if (m.key[id] == KEY_MAX) {
			heap_push(&h, key);
			m.key[id] = key;
			m.n++;
		} else if (key < m.key[id] && rng_below(&rng, 2)) {
			heap_advance(&h, key);
			m.key[id] = key;
		} else if (rng_below(&rng, 2)) {
			heap_pop(&h);
			m.key[first] = KEY_MAX;
			m.n--;
		} else {
			key = key_make(key_time(m.key[first]) + rng_below(&rng, 50), seq, first);
			heap_replace_first(&h, key);
			m.key[first] = key;
		}
	}
	while (m.n) {
		check(&h, &m);
		m.key[model_first(&m)] = KEY_MAX;
		m.n--;
		heap_pop(&h);
	}
	check(&h, &m);
	heap_free(&h);
}

static void test_growing_and_renumbering_keep_the_order(void **state)
{
	struct heap h = { 0 };
	event_key last = 0;
	struct rng rng;
	uint32_t ids[IDS], n = 0;

	(void)state;
	rng_init(&rng, 2, "heap", 0);
	for (uint32_t id = 0; id < IDS; id++) {
		assert_true(heap_reserve(&h, id + 1));
		assert_int_equal((uintptr_t)&h.key[1] % 64, 0);
		heap_push(&h,
			  key_make(rng_below(&rng, 9), ((uint64_t)1 << KEY_SEQ_BITS) - 1 - id, id));
	}
	for (uint32_t i = 0; i < IDS; i++) { /* the order, from a copy's point of view */
		event_key best = KEY_MAX;

		for (uint32_t j = 0; j < IDS; j++) {
			if (h.key[j] > last && h.key[j] < best)
				best = h.key[j];
		}
		ids[i] = key_id(best);
		last = best;
	}
	assert_int_equal(heap_renumber(&h), IDS);
	while (h.n) {
		assert_int_equal(key_id(h.key[0]), ids[n++]);
		assert_int_equal(h.pos[key_id(h.key[0])], 0);
		heap_pop(&h);
	}
	assert_int_equal(n, IDS);
	heap_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_array),
		cmocka_unit_test(test_growing_and_renumbering_keep_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
