/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a page walk costs: which levels it loads after which flush, and from where, by hand; and
 * against a naive walker that keeps the walk caches as plain sets.
 */
#include "tests/models/model.h"

#include "models/hw/usermem.h"
#include "models/hw/walk.h"

enum { WALK = 10000, L1 = 1000, L3 = 15000, MEMORY = 90000, TRACE = 30000 };

static void start(struct model *m, const char *pde)
{
	const char *const set[] = { "tlb.walk=10ns",
				    "cache.l1d_hit=1ns",
				    "cache.l2_hit=4ns",
				    "cache.l1d_size=1MiB",
				    "cache.l3_hit=15ns",
				    "line.memory=90ns",
				    "tlb.pde_entries",
				    pde,
				    "tlb.pdpte_entries",
				    pde,
				    "tlb.pml4e_entries",
				    pde,
				    NULL };

	model_start(m, &(struct model_spec){ .set = set });
}

/* Tables as a kernel might have them: one frame for each, by what it covers. */
static struct walk_path path_to(uint64_t vpn)
{
	struct walk_path path = { .leaf = 0 };

	for (unsigned int level = 0; level < WALK_LEVELS; level++) {
		path.table[level].frame = 1000 * (level + 1) + (vpn >> (9 * (level + 1)));
		path.table[level].life = 1;
	}
	return path;
}

static sim_ps walk(struct cpu *cpu, uint64_t vpn)
{
	struct walk_path path = path_to(vpn);
	struct tlb_entry from;
	bool known;

	return walk_tables(cpu, tlb_context(&cpu->tlb, 0), vpn, &path, &from, &known);
}

static void test_by_hand(void **state)
{
	struct model m;
	struct cpu *cpu, *other;

	(void)state;
	start(&m, "16");
	cpu = &m.k->m->cpus[0];
	other = &m.k->m->cpus[1];
	tlb_flush_slot(&cpu->tlb, 0);
	tlb_flush_slot(&other->tlb, 0);
	assert_int_equal(walk(cpu, 8), WALK + 4 * MEMORY - L1); /* nothing is cached */
	assert_int_equal(walk(cpu, 9), WALK); /* PDE known, the PTE's line is there */
	assert_int_equal(walk(cpu, 16), WALK + MEMORY - L1); /* the next line of the table */
	assert_int_equal(walk(cpu, 512), WALK + 1 * L1 + MEMORY - L1); /* its PDE is beside */
	assert_int_equal(walk(other, 8), WALK + 4 * L3 - L1);
	/* INVLPG of any page takes all upper levels of the context: 4 loads, all of them hits. */
	tlb_invalidate(&cpu->tlb, tlb_context(&cpu->tlb, 0), 12345);
	assert_int_equal(walk(cpu, 8), WALK + 3 * L1);
	assert_int_equal(walk(cpu, 8), WALK);
	tlb_flush_slot(&cpu->tlb, 1); /* another context */
	assert_int_equal(walk(cpu, 8), WALK);
	tlb_flush_slot(&cpu->tlb, 0);
	assert_int_equal(walk(cpu, 8), WALK + 3 * L1);
	model_end(&m);
}

/* A walk ends where the tables do, and remembers no level that is not there. */
static void test_missing_tables(void **state)
{
	struct walk_path path = path_to(8);
	struct tlb_entry from;
	struct model m;
	struct cpu *cpu;
	bool known;

	(void)state;
	start(&m, "16");
	cpu = &m.k->m->cpus[0];
	tlb_flush_slot(&cpu->tlb, 0);
	path.leaf = WALK_LEVELS;
	assert_int_equal(walk_tables(cpu, tlb_context(&cpu->tlb, 0), 8, &path, &from, &known),
			 WALK);
	path.leaf = 2;
	assert_int_equal(walk_tables(cpu, tlb_context(&cpu->tlb, 0), 8, &path, &from, &known),
			 WALK + 2 * MEMORY - L1);
	assert_false(known);
	/* PML4E known: three loads, of which the first was done before */
	assert_int_equal(walk(cpu, 8), WALK + 2 * MEMORY);
	/* Unhooked and made again elsewhere, before any flush: from the top, by the new table. */
	path = path_to(8);
	path.table[0].frame = 77;
	assert_int_equal(walk_tables(cpu, tlb_context(&cpu->tlb, 0), 8, &path, &from, &known),
			 WALK + 3 * L1 + MEMORY - L1);
	assert_true(known);
	assert_int_equal(from.pte, path_to(8).table[0].frame);
	/* Unhooked for good: found out once, then the walk begins where there is something. */
	path.leaf = 1;
	walk_tables(cpu, tlb_context(&cpu->tlb, 0), 8, &path, &from, &known);
	assert_int_equal(from.pte, 77);
	walk_tables(cpu, tlb_context(&cpu->tlb, 0), 8, &path, &from, &known);
	assert_int_equal(from.pte, path.table[1].frame);
	model_end(&m);
}

static void test_no_walk_caches(void **state)
{
	struct model m;

	(void)state;
	start(&m, "0");
	tlb_flush_slot(&m.k->m->cpus[0].tlb, 0);
	walk(&m.k->m->cpus[0], 8);
	assert_int_equal(walk(&m.k->m->cpus[0], 8), WALK + 3 * L1);
	model_end(&m);
}

/* With walk caches and data caches that hold all: a level is loaded if and only if its entry was
 * not loaded since the last flush of the context, and costs memory the first time of its line. */
static void test_against_oracle(void **state)
{
	enum { SPAN = 64 };
	static bool known[2][WALK_LEVELS][SPAN], line[WALK_LEVELS][SPAN * 512 / 8];
	struct model m;
	struct cpu *cpu;
	struct rng rng;

	(void)state;
	start(&m, "1024");
	cpu = &m.k->m->cpus[0];
	rng_init(&rng, 5, "walk", 0);
	memset(known, 0, sizeof(known));
	memset(line, 0, sizeof(line));
	for (unsigned int i = 0; i < 2; i++)
		tlb_flush_slot(&cpu->tlb, i);
	for (unsigned int n = 0; n < TRACE; n++) {
		uint64_t vpn = rng_below(&rng, SPAN) << 9 | rng_below(&rng, 512);
		unsigned int slot = (unsigned int)rng_below(&rng, 2), level = 0;
		struct walk_path path = path_to(vpn);
		sim_ps want = WALK, got;
		struct tlb_entry from;
		bool hit;

		if (!rng_below(&rng, 40)) {
			tlb_flush_slot(&cpu->tlb, slot);
			memset(known[slot], 0, sizeof(known[slot]));
		}
		while (level < WALK_LEVELS - 1 && !known[slot][level + 1][vpn >> (9 * (level + 1))])
			level++;
		for (unsigned int at = 0; at <= level; at++) {
			bool *had = &line[at][(vpn >> (9 * at)) / 8];

			want += *had ? L1 : MEMORY;
			*had = true;
			if (at)
				known[slot][at][vpn >> (9 * at)] = true;
		}
		got = walk_tables(cpu, tlb_context(&cpu->tlb, slot), vpn, &path, &from, &hit);
		assert_int_equal(got, want - L1);
	}
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_missing_tables),
		cmocka_unit_test(test_no_walk_caches),
		cmocka_unit_test(test_against_oracle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
