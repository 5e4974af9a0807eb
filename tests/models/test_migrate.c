/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pages that move while others use, fork, protect and unmap them: nothing may be lost or leak, and
 * a batch that is not flushed before the copy must be told. NUMA balancing brings pages to those
 * who use them, and leaves alone what is where it should be.
 */
#include "tests/models/forgotten_unmap.h"
#include "tests/models/mm_test.h"

#include "models/kernel/migrate.h"
#include "models/kernel/numa.h"

enum { N = 512, USERS = 3 };

static const char *const two_sockets[] = { TWO_NODES, NULL };

struct scene {
	struct model m;
	uint64_t area, moved, compacted;
	unsigned int flags, running;
	struct rng rng;
	bool stop, forks;
};

static uint64_t pte_at(const struct mm *mm, uint64_t addr)
{
	struct page_table *table = pt_lookup(mm, addr);

	return table ? table->slot.pte[pt_index(addr, PT_PTE)] : 0;
}

/* ---- moving under use ---- */

static void user(struct task *t, void *arg)
{
	struct scene *s = arg;

	s->running++;
	while (!s->stop) {
		uint64_t at = s->area + rng_below(&s->rng, N) * PAGE_SIZE;

		user_access(t, at, rng_below(&s->rng, 2) ? USER_READ : USER_WRITE);
		user_compute(t, rng_below(&s->rng, SIM_US));
		switch (rng_below(&s->rng, 300)) {
		case 0:
			sys_madvise(t, at, PAGE_SIZE, MADV_DONTNEED);
			break;
		case 1:
			sys_mprotect(t, at, PAGE_SIZE, PROT_READ);
			sys_mprotect(t, at, PAGE_SIZE, PROT_READ | PROT_WRITE);
			break;
		}
	}
	s->running--;
}

static void mover(struct task *t, void *arg)
{
	struct scene *s = arg;
	struct task_attr attr = { .comm = "user", .fn = user, .arg = s };

	s->area = (uint64_t)sys_mmap(t, 0, N * PAGE_SIZE, PROT_READ | PROT_WRITE, s->flags);
	for (unsigned int i = 0; i < N; i++)
		user_access(t, s->area + i * PAGE_SIZE, USER_WRITE);
	for (attr.cpu = 1; attr.cpu <= USERS; attr.cpu++)
		sys_clone_thread(t, &attr);
	for (unsigned int i = 0; i < 30; i++) {
		s->moved += sys_move_pages(t, s->area + i % 8 * 64 * PAGE_SIZE, 64, i % 2);
		if (i % 3 == 0)
			s->compacted += sys_compact_memory(t, 100);
		if (s->forks && i % 8 == 0) {
			attr.cpu = (int)(4 + i / 8 % 4);
			sys_fork(t, &attr);
		}
		user_compute(t, 3 * SIM_US);
	}
	s->stop = true;
	while (s->running)
		task_sleep(t, 10 * SIM_US);
	for (unsigned int i = 0; i < N; i++)
		expect(t->k, !(pte_at(t->mm, s->area + i * PAGE_SIZE) & PTE_MIGRATION),
		       "page %u never arrived", i);
}

static void run_moves(const char *policy, uint64_t seed, unsigned int flags, bool forks)
{
	struct model_spec spec = {
		.machine = machine, .policy = policy, .set = settings, .seed = seed
	};
	struct scene s = { .flags = flags, .forks = forks };

	rng_init(&s.rng, seed, "migrate", 0);
	model_start(&s.m, &spec);
	spawn(&s.m, "mover", 0, mover, &s);
	model_run_clean(&s.m, policy, seed);
	assert_true(s.moved > 100);
	assert_true(s.compacted > 50);
	assert_int_equal(s.moved + s.compacted, counter(&s.m, "migrate.pages", ""));
	model_end(&s.m);
}

static void every_policy(const char *policy)
{
	run_moves(policy, 1, MAP_PRIVATE | MAP_ANONYMOUS, false);
}

static void test_moves(void **state)
{
	(void)state;
	settings = two_sockets;
	for_all_policies(every_policy);
	for (uint64_t seed = 10; seed < 18; seed++)
		run_moves("linux-6.18", seed, MAP_PRIVATE | MAP_ANONYMOUS, true);
}

/* ---- planted ---- */

static void test_planted(void **state)
{
	static const char *const set[] = { "batched-unmap=planted-no-flush", NULL };
	struct model_spec spec = { .set = set, .seed = 1 };
	struct scene s = { .flags = MAP_PRIVATE | MAP_ANONYMOUS };

	(void)state;
	rng_init(&s.rng, 1, "migrate", 0);
	model_start(&s.m, &spec);
	spawn(&s.m, "mover", 0, mover, &s);
	model_run(&s.m);
	assert_true(violations_of(&s.m, "stale-translation") > 0);
	model_end(&s.m);
}

/* ---- NUMA balancing ---- */

struct numa {
	struct model m;
	uint64_t area;
	unsigned int here; /* pages on the user's node at the end */
};

static void far_user(struct task *t, void *arg)
{
	struct numa *s = arg;

	while (sim_now(t->k->sim) < 40 * SIM_MS) {
		for (unsigned int i = 0; i < N; i++)
			user_access(t, s->area + i * PAGE_SIZE, USER_WRITE);
		user_compute(t, 50 * SIM_US);
	}
	for (unsigned int i = 0; i < N; i++) {
		uint64_t pte = pte_at(t->mm, s->area + i * PAGE_SIZE);

		s->here += pfn_page(t->k, pte_pfn(pte))->node == cpu_node(t->k, t->cpu);
	}
}

static void first_toucher(struct task *t, void *arg)
{
	struct numa *s = arg;
	struct task_attr attr = { .comm = "far", .cpu = 5, .fn = far_user, .arg = s };

	s->area = (uint64_t)sys_mmap(t, 0, N * PAGE_SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS);
	for (unsigned int i = 0; i < N; i++)
		user_access(t, s->area + i * PAGE_SIZE, USER_WRITE);
	lru_add_drain(t);
	sys_clone_thread(t, &attr);
	task_sleep(t, 50 * SIM_MS); /* two threads: nobody's pages are left alone */
}

static unsigned int run_numa(const char *choice, struct numa *s)
{
	bool scan = choice[0] == 's';
	const char *const set[] = { TWO_NODES,
				    "numa-balancing",
				    choice,
				    scan ? "numa-balancing.delay=2ms" : NULL,
				    "numa-balancing.period=5ms",
				    NULL };
	struct model_spec spec = { .set = set, .seed = 2 };

	*s = (struct numa){ 0 };
	model_start(&s->m, &spec);
	spawn(&s->m, "first", 0, first_toucher, s);
	model_run_clean(&s->m, choice, 2);
	return s->here;
}

static void test_numa(void **state)
{
	struct numa s;

	(void)state;
	assert_int_equal(run_numa("off", &s), 0);
	assert_int_equal(counter(&s.m, "mm.faults", "numa"), 0);
	model_end(&s.m);
	assert_int_equal(run_numa("scan", &s), N);
	assert_int_equal(counter(&s.m, "migrate.pages", ""), N);
	/* Each page: a fault that says who, one that moves it, and then local ones. */
	assert_int_equal(counter(&s.m, "numa.hint_faults", "remote"), 2 * N);
	assert_true(counter(&s.m, "numa.hint_faults", "local") >= 2 * N);
	model_end(&s.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_planted),
		cmocka_unit_test(test_numa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
