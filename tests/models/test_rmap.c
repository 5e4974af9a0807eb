/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reverse mapping against the page tables: processes that fork, split, merge, move and unmap
 * what they share, one operation at a time; after each, every PTE of every mm must be found from
 * its page, exactly once, and mapcounts must be exact. Page locks with waiters.
 */
#include "tests/models/mm_test.h"

#include "models/kernel/filemap.h"
#include "models/kernel/rmap.h"

enum { WINDOW = 160, MAX_PROCS = 7 };

struct scene {
	struct model m;
	struct rng rng;
	unsigned int procs, turn, steps, next_id;
	bool alive[MAX_PROCS];
};

struct member {
	struct scene *s;
	unsigned int id;
};

static uint64_t window(unsigned int page)
{
	return MMAP_BASE - (WINDOW - page) * PAGE_SIZE;
}

/* ---- what the page tables say, page by page ---- */

static bool count_mapping(struct task *t, struct vma *vma, uint64_t addr, uint32_t pfn, void *arg)
{
	struct page_table *table = pt_lookup(vma->mm, addr);
	uint64_t pte = table ? table->slot.pte[pt_index(addr, PT_PTE)] : 0;

	(void)t;
	if (pte & PTE_PRESENT && !(pte & PTE_ZERO) && pte_pfn(pte) == pfn)
		++*(unsigned int *)arg;
	return true;
}

static bool found_by_rmap(struct task *t)
{
	uint32_t *mapped = calloc(t->k->pages->nr, 4);
	bool all = true;

	for (const struct mm *each = t->k->mms; each; each = each->next)
		for (unsigned int i = 0; i < WINDOW; i++) {
			struct page_table *table = pt_lookup(each, window(i));
			uint64_t pte = table ? table->slot.pte[pt_index(window(i), PT_PTE)] : 0;

			if (pte && !(pte & PTE_ZERO))
				mapped[pte_pfn(pte)]++;
		}
	for (uint32_t pfn = 1; pfn < t->k->pages->nr; pfn++) {
		unsigned int found = 0;

		if (!mapped[pfn] && pfn_page(t->k, pfn)->free)
			continue;
		rmap_walk(t, pfn, count_mapping, &found, false);
		all &= found == mapped[pfn] && pfn_page(t->k, pfn)->mapcount == mapped[pfn];
	}
	free(mapped);
	return all;
}

/* ---- random operations ---- */

static void member_main(struct task *t, void *arg);

static void op_fork(struct task *t, struct scene *s)
{
	struct task_attr attr = {
		.comm = "child", .cpu = NO_CPU, .initial_cpu = NO_CPU, .fn = member_main
	};
	struct member *child;
	unsigned int id = 0;

	while (id < MAX_PROCS && s->alive[id])
		id++;
	if (id == MAX_PROCS)
		return;
	child = malloc(sizeof(*child));
	*child = (struct member){ s, id };
	s->alive[id] = true;
	attr.arg = child;
	sys_fork(t, &attr);
}

static void one_op(struct task *t, struct scene *s)
{
	static const unsigned int flags[] = { MAP_PRIVATE | MAP_ANONYMOUS, MAP_PRIVATE,
					      MAP_PRIVATE | MAP_ANONYMOUS,
					      MAP_SHARED | MAP_ANONYMOUS };
	unsigned int at = (unsigned int)rng_below(&s->rng, WINDOW - 8);
	unsigned int n = 1 + (unsigned int)rng_below(&s->rng, 8), to;
	uint64_t start, end;

	switch (rng_below(&s->rng, 8)) {
	case 0:
		op_fork(t, s);
		break;
	case 1:
		sys_mmap(t, window(at), n * PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_FIXED | flags[rng_below(&s->rng, 4)]);
		break;
	case 2:
		sys_munmap(t, window(at), n * PAGE_SIZE);
		break;
	case 3:
		sys_mprotect(t, window(at), n * PAGE_SIZE,
			     PROT_READ | (rng_below(&s->rng, 3) ? PROT_WRITE : 0));
		break;
	case 4:
		to = (unsigned int)rng_below(&s->rng, WINDOW - 8);
		if (mm_find_vma(t, window(at), &start, &end) && start <= window(at) &&
		    window(at + n) <= end && (to + n <= at || at + n <= to))
			sys_mremap(t, window(at), n * PAGE_SIZE, n * PAGE_SIZE,
				   MREMAP_MAYMOVE | MREMAP_FIXED, window(to));
		break;
	default:
		for (unsigned int i = at; i < at + n; i++)
			user_access(t, window(i), rng_below(&s->rng, 2) ? USER_READ : USER_WRITE);
	}
}

static unsigned int next_alive(struct scene *s)
{
	unsigned int id;

	do
		id = (unsigned int)rng_below(&s->rng, MAX_PROCS);
	while (!s->alive[id]);
	return id;
}

static void member_main(struct task *t, void *arg)
{
	struct member *me = arg;
	struct scene *s = me->s;

	while (s->steps) {
		unsigned int left = 0;

		if (s->turn != me->id) {
			task_sleep(t, 20 * SIM_US);
			continue;
		}
		one_op(t, s);
		expect(t->k, found_by_rmap(t), "page tables and rmap differ, %u steps left",
		       s->steps);
		if (!--s->steps)
			break;
		for (unsigned int i = 0; i < MAX_PROCS; i++)
			left += s->alive[i];
		if (left > 1 && rng_below(&s->rng, 12) == 0)
			break;
		s->turn = next_alive(s);
	}
	sys_munmap(t, window(0), WINDOW * PAGE_SIZE); /* before another looks: exit takes time */
	s->alive[me->id] = false;
	if (s->steps)
		s->turn = next_alive(s);
	free(me);
}

static void run_random(uint64_t seed)
{
	struct model_spec spec = { .machine = machine, .set = settings, .seed = seed };
	struct scene s = { .steps = 400, .alive = { true } };
	struct member *first = malloc(sizeof(*first));

	*first = (struct member){ &s, 0 };
	rng_init(&s.rng, seed, "rmap", 0);
	model_start(&s.m, &spec);
	spawn(&s.m, "first", NO_CPU, member_main, first);
	model_run_clean(&s.m, "random", seed);
	model_end(&s.m);
}

static void test_random(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++)
		run_random(seed);
}

/* ---- small cases ---- */

static uint32_t pfn_at(const struct mm *mm, uint64_t addr)
{
	return pte_pfn(pt_lookup(mm, addr)->slot.pte[pt_index(addr, PT_PTE)]);
}

/* A page that the check cannot find is told. */
static void loses_index(struct task *t, void *arg)
{
	uint64_t at = window(0);
	struct page *page;

	(void)arg;
	sys_mmap(t, at, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS);
	user_access(t, at, USER_WRITE);
	expect(t->k, found_by_rmap(t), "not found");
	page = pfn_page(t->k, pfn_at(t->mm, at));
	page->index++;
	expect(t->k, !found_by_rmap(t), "found at a wrong index");
	page->index--;
}

static void child_writes(struct task *t, void *arg)
{
	uint32_t shared = *(uint32_t *)arg;

	user_access(t, window(1), USER_WRITE);
	/* The new page hangs on the child's own anon_vma, the shared one on its parent's. */
	expect(t->k, pfn_page(t->k, pfn_at(t->mm, window(1)))->mapping == t->mm->vmas[0]->anon_vma,
	       "not the child's anon_vma");
	expect(t->k, pfn_page(t->k, shared)->mapping != t->mm->vmas[0]->anon_vma,
	       "the shared page moved");
	expect(t->k,
	       t->mm->vmas[0]->anon_vma->root ==
		       ((struct anon_vma *)pfn_page(t->k, shared)->mapping)->root,
	       "two roots");
}

static void forks_once(struct task *t, void *arg)
{
	struct task_attr attr = {
		.comm = "child", .cpu = 1, .initial_cpu = NO_CPU, .fn = child_writes, .arg = arg
	};

	sys_mmap(t, window(0), 4 * PAGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS);
	user_access(t, window(0), USER_WRITE);
	user_access(t, window(1), USER_WRITE);
	*(uint32_t *)arg = pfn_at(t->mm, window(0));
	sys_fork(t, &attr);
	task_sleep(t, SIM_MS);
}

static void test_small(void **state)
{
	struct model_spec spec = { .machine = machine, .set = settings };
	uint32_t pfn;
	struct model m;

	(void)state;
	model_start(&m, &spec);
	spawn(&m, "one", 0, loses_index, NULL);
	model_run_clean(&m, "index", 0);
	model_end(&m);
	model_start(&m, &spec);
	spawn(&m, "parent", 0, forks_once, &pfn);
	model_run_clean(&m, "fork", 0);
	model_end(&m);
}

/* ---- what removing a mapping costs ---- */

static void zaps(struct task *t, void *arg)
{
	sim_ps begin = sim_now(t->k->sim);

	sys_madvise(t, window(0), 16 * PAGE_SIZE, MADV_DONTNEED);
	settle(t);
	*(sim_ps *)arg = sim_now(t->k->sim) - begin;
}

static void forks_and_zaps(struct task *t, void *arg)
{
	struct task_attr attr = { .comm = "child", .cpu = 1, .fn = zaps, .arg = arg };

	sys_mmap(t, window(0), 16 * PAGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS);
	for (unsigned int i = 0; i < 16; i++)
		user_access(t, window(i), USER_WRITE);
	sys_fork(t, &attr);
	task_sleep(t, SIM_MS);
}

static sim_ps zap_of_shared(const char *last, const char *one_of_several)
{
	const char *const set[] = { "ipi.jitter=0", "cache.code_line=0ps", "kernel.scale=1",
				    last,           one_of_several,        NULL };
	struct model_spec spec = { .set = set };
	struct model m;
	sim_ps took;

	model_start(&m, &spec);
	spawn(&m, "parent", 0, forks_and_zaps, &took);
	model_run_clean(&m, "zap", 0);
	model_end(&m);
	return took;
}

/* Sixteen pages that the parent has, too: none of these mappings is the last. */
static void test_shared_cost(void **state)
{
	sim_ps base = zap_of_shared("kernel.rmap=20ns", "kernel.rmap_shared=0ns");

	(void)state;
	assert_int_equal(zap_of_shared("kernel.rmap=90ns", "kernel.rmap_shared=0ns"), base);
	assert_int_equal(zap_of_shared("kernel.rmap=20ns", "kernel.rmap_shared=50ns"),
			 base + 16 * 50 * SIM_NS);
}

/* ---- page lock ---- */

struct locked {
	uint32_t pfn;
	unsigned int inside, entered;
};

static void locks_page(struct task *t, void *arg)
{
	struct locked *l = arg;

	for (unsigned int i = 0; i < 50; i++) {
		folio_lock(t, l->pfn);
		expect(t->k, l->inside++ == 0, "two hold the lock");
		if (i % 4)
			user_compute(t, SIM_US);
		else
			task_sleep(t, 30 * SIM_US);
		l->inside--;
		l->entered++;
		folio_unlock(t, l->pfn);
		user_compute(t, (t->cpu + i) % 3 * SIM_US);
	}
}

static void spawns_lockers(struct task *t, void *arg)
{
	struct locked *l = arg;
	struct task_attr attr = {
		.comm = "locker", .initial_cpu = NO_CPU, .fn = locks_page, .arg = l
	};

	l->pfn = alloc_page(t);
	for (attr.cpu = 0; attr.cpu < 6; attr.cpu++)
		sys_clone_thread(t, &attr);
	while (l->entered < 300)
		task_sleep(t, 100 * SIM_US);
	expect(t->k, !(pfn_page(t->k, l->pfn)->flags & (PG_LOCKED | PG_WAITERS)), "still locked");
	free_page(t, l->pfn);
}

static void test_page_lock(void **state)
{
	struct model_spec spec = { .machine = machine, .set = settings };
	struct locked l = { 0 };
	struct model m;

	(void)state;
	model_start(&m, &spec);
	spawn(&m, "leader", 7, spawns_lockers, &l);
	model_run_clean(&m, "page lock", 0);
	assert_int_equal(l.entered, 300);
	assert_true(histogram(&m, "mm.page_lock_waits", "")->count > 50);
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_shared_cost),
		cmocka_unit_test(test_page_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
