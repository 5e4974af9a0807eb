/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is written stays written: each page of a map holds a number, and while khugepaged and ksmd
 * make huge pages of small ones and one page of many, and the program forks, protects, splits,
 * moves and drops, every page must hold the number that was written to it last. A merge of unequal
 * pages, a copy that takes the wrong page or a move that loses one would show.
 */
#include "tests/models/model.h"

#include "models/kernel/huge_memory.h"

#define AREA UINT64_C(0x7fff00000000)
#define RW   (PROT_READ | PROT_WRITE)

enum { TABLES = 3, TABLE = 512, PAGES = TABLES * TABLE, KINDS = 6 };

struct map {
	uint64_t number[PAGES]; /* 0: never written, or dropped */
	struct rng rng;
	unsigned int ops, forks;
};

static uint64_t at(unsigned int page)
{
	return AREA + page * PAGE_SIZE;
}

static void check(struct task *t, const struct map *m, unsigned int page)
{
	uint64_t pte = 0;
	bool has;

	if (!m->number[page])
		return;
	/* While a collapse or a merge is under way there is no PTE: an access waits for its end, or
	 * still goes through the TLB. */
	for (unsigned int tries = 0; tries < 1000; tries++) {
		expect(t->k, user_access(t, at(page), USER_READ), "page %u cannot be read", page);
		pte = leaf_read(t->mm, at(page));
		if (pte)
			break;
		user_compute(t, SIM_US);
	}
	has = pte && !(pte & PTE_ZERO);
	expect(t->k, has && pfn_page(t->k, pte_pfn(pte))->contents == m->number[page],
	       "page %u: PTE %#llx holds %llu, not %llu", page, (unsigned long long)pte,
	       has ? (unsigned long long)pfn_page(t->k, pte_pfn(pte))->contents : 0,
	       (unsigned long long)m->number[page]);
}

static void check_all(struct task *t, const struct map *m)
{
	for (unsigned int i = 0; i < PAGES; i++)
		check(t, m, i);
}

static void body(struct task *t, void *arg);

static void fork_child(struct task *t, struct map *m)
{
	struct task_attr attr = {
		.comm = "child", .cpu = NO_CPU, .initial_cpu = NO_CPU, .fn = body
	};
	struct map *copy = malloc(sizeof(*copy));

	m->forks--;
	*copy = *m;
	copy->ops /= 2;
	rng_init(&copy->rng, rng_u64(&m->rng), "contents.child", 0);
	attr.arg = copy;
	sys_fork(t, &attr);
}

static void write_some(struct task *t, struct map *m, unsigned int first, unsigned int n)
{
	for (unsigned int i = first; i < first + n; i++) {
		m->number[i] = 1 + rng_below(&m->rng, KINDS);
		expect(t->k, user_fill(t, at(i), m->number[i]), "page %u cannot be written", i);
	}
}

/* Two tables change places by way of a third, wherever that is. */
static void swap_tables(struct task *t, struct map *m, unsigned int a, unsigned int b)
{
	const uint64_t size = TABLE * PAGE_SIZE, away = AREA + UINT64_C(64) * size;
	const uint64_t moves[3][2] = { { at(a * TABLE), away },
				       { at(b * TABLE), at(a * TABLE) },
				       { away, at(b * TABLE) } };

	/* mremap takes what lies in one VMA. */
	if (vma_lookup(t->mm, at(a * TABLE))->end < at(a * TABLE) + size ||
	    vma_lookup(t->mm, at(b * TABLE))->end < at(b * TABLE) + size)
		return;
	for (unsigned int i = 0; i < 3; i++) {
		int64_t ret = sys_mremap(t, moves[i][0], size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
					 moves[i][1]);

		expect(t->k, ret == (int64_t)moves[i][1], "mremap: %lld", (long long)ret);
	}
	for (unsigned int i = 0; i < TABLE; i++) {
		uint64_t n = m->number[a * TABLE + i];

		m->number[a * TABLE + i] = m->number[b * TABLE + i];
		m->number[b * TABLE + i] = n;
	}
}

static void one_op(struct task *t, struct map *m)
{
	unsigned int table = (unsigned int)rng_below(&m->rng, TABLES);
	unsigned int n = 1 + (unsigned int)rng_below(&m->rng, 40);
	unsigned int first = table * TABLE + (unsigned int)rng_below(&m->rng, TABLE - n);
	uint64_t whole = at(table * TABLE), size = TABLE * PAGE_SIZE;

	switch (rng_below(&m->rng, 12)) {
	case 0:
		sys_madvise(t, whole, size, MADV_COLLAPSE);
		break;
	case 1:
		sys_madvise(t, whole, size,
			    rng_below(&m->rng, 4) ? MADV_MERGEABLE : MADV_UNMERGEABLE);
		break;
	case 2:
		sys_madvise(t, at(first), n * PAGE_SIZE, MADV_DONTNEED);
		memset(&m->number[first], 0, n * sizeof(m->number[0]));
		break;
	case 3:
		sys_mprotect(t, at(first), n * PAGE_SIZE, PROT_READ);
		sys_mprotect(t, at(first), n * PAGE_SIZE, RW);
		break;
	case 4:
		swap_tables(t, m, table, (table + 1) % TABLES);
		break;
	case 5:
		if (m->forks)
			fork_child(t, m);
		break;
	case 6:
		task_sleep(t, rng_below(&m->rng, 4 * SIM_MS));
		break;
	case 7: /* a write that says nothing: unlike all others from now on */
		expect(t->k, user_access(t, at(first), USER_WRITE), "write");
		m->number[first] = 0;
		break;
	default:
		write_some(t, m, first, n);
	}
}

static void body(struct task *t, void *arg)
{
	struct map *m = arg;

	for (unsigned int i = 0; i < m->ops; i++) {
		one_op(t, m);
		for (unsigned int j = 0; j < 8; j++)
			check(t, m, (unsigned int)rng_below(&m->rng, PAGES));
		if (i % 16 == 0)
			check_all(t, m);
	}
	check_all(t, m);
	free(m);
}

static void leader(struct task *t, void *arg)
{
	sys_mmap(t, AREA, PAGES * PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
	body(t, arg);
}

static uint64_t collapses, merges;

static void run(const char *huge, const char *policy, uint64_t seed)
{
	const char *const set[] = {
		"topology.l3_per_socket=2",  "topology.cores_per_l3=2", "huge-pages", huge,
		"collapse.scan_sleep=100us", "ksm.sleep=50us",          NULL
	};
	struct model_spec spec = { .policy = policy, .set = set, .seed = seed };
	struct map *m = calloc(1, sizeof(*m));
	struct model model;

	model_start(&model, &spec);
	m->ops = 150;
	m->forks = seed % 2 ? 3 : 0;
	rng_init(&m->rng, seed, "contents", 0);
	spawn(&model, "leader", 0, leader, m);
	model_run_clean(&model, policy, seed);
	collapses += counter(&model, "mm.collapse", "succeeded");
	merges += counter(&model, "ksm.pages", "merged");
	model_end(&model);
}

static void test_contents(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 12; seed++) {
		run("always", "linux-6.18", seed);
		run("madvise", "linux-6.15", seed + 100);
		run("always", "no-batching", seed + 200);
	}
	/* It was about something. */
	assert_true(collapses > 100);
	assert_true(merges > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
