/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory operations at random, from one task, from threads of one mm and from processes that fork,
 * against a flat map of pages: which accesses are allowed, where VMAs are, which frame holds what
 * was written. Under every policy set; no check may be hit and nothing may leak.
 */
#include "tests/models/mm_test.h"

#include <errno.h>

enum { MAX_THREADS = 6 };

/* ---- the flat map ---- */

struct toy_page {
	bool mapped, written; /* written: frame is what a write left there */
	unsigned int prot, flags;
	uint32_t frame;
};

struct proc { /* one mm and what should be in it */
	struct model *m;
	struct toy_page page[PAGES], heap[HEAP_PAGES];
	uint64_t brk;
	unsigned int threads, block, ended, forks;
	unsigned int ops;
	uint64_t seed;
};

struct actor { /* one thread of it */
	struct proc *p;
	unsigned int index;
	struct rng rng;
};

struct range {
	unsigned int first, n;
};

static struct range pick(struct actor *a)
{
	struct proc *p = a->p;
	unsigned int blocks = PAGES / p->block, room;
	unsigned int own = (blocks - a->index + p->threads - 1) / p->threads;
	struct range r;

	r.first = ((unsigned int)rng_below(&a->rng, own) * p->threads + a->index) * p->block;
	if (rng_below(&a->rng, 8) == 0 && p->block >= TABLE) { /* whole tables */
		r.first += (unsigned int)rng_below(&a->rng, p->block / TABLE) * TABLE;
		r.n = TABLE;
		return r;
	}
	r.first += (unsigned int)rng_below(&a->rng, p->block);
	room = p->block - r.first % p->block;
	r.n = 1 + (unsigned int)rng_below(&a->rng, rng_below(&a->rng, 3) ? 8 : 150);
	if (r.n > room)
		r.n = room;
	return r;
}

static bool all_mapped(const struct proc *p, struct range r)
{
	for (unsigned int i = r.first; i < r.first + r.n; i++)
		if (!p->page[i].mapped)
			return false;
	return true;
}

static bool may(const struct toy_page *page, enum user_access how)
{
	if (!page->mapped)
		return false;
	if (how == USER_READ) /* x86 cannot forbid reading what may be written or run */
		return page->prot & RWX;
	return page->prot & (how == USER_WRITE ? PROT_WRITE : PROT_EXEC);
}

/* ---- one access, and what the page table must say right after it ---- */

static uint64_t pte_at(const struct mm *mm, uint64_t addr)
{
	return leaf_read(mm, addr);
}

static void access_page(struct task *t, struct actor *a, struct toy_page *page, uint64_t addr,
			enum user_access how)
{
	struct kernel *k = a->p->m->k;
	bool should = may(page, how), did = user_access(t, addr + 8 * rng_below(&a->rng, 512), how);
	uint64_t pte = pte_at(t->mm, addr);

	expect(k, did == should, "access %d to %#llx: %d, expected %d (prot %u)", (int)how,
	       (unsigned long long)addr, did, should, page->prot);
	if (!did)
		return;
	expect(k, pte & PTE_PRESENT && !(pte & PTE_PROTNONE) && pte & PTE_ACCESSED,
	       "PTE %#llx after an access to %#llx", (unsigned long long)pte,
	       (unsigned long long)addr);
	if (how == USER_WRITE) {
		expect(k, pte & PTE_DIRTY && pte & PTE_WRITE, "PTE %#llx after a write to %#llx",
		       (unsigned long long)pte, (unsigned long long)addr);
		expect(k, page->flags & MAP_SHARED || !(pte & (PTE_ZERO | PTE_FILE)),
		       "a private write at %#llx went to a shared page", (unsigned long long)addr);
		page->written = !(page->flags & MAP_SHARED);
		page->frame = pte_pfn(pte);
	} else if (page->written) {
		expect(k, pte_pfn(pte) == page->frame, "%#llx lost what was written to it",
		       (unsigned long long)addr);
	}
}

static void touch_range(struct task *t, struct actor *a, struct range r)
{
	for (unsigned int i = 0; i < r.n && i < 12; i++) {
		unsigned int page = r.first + (unsigned int)rng_below(&a->rng, r.n);
		enum user_access how = (enum user_access)rng_below(&a->rng, 3);

		if (how == USER_EXEC && rng_below(&a->rng, 2))
			how = USER_WRITE;
		access_page(t, a, &a->p->page[page], addr_of(page), how);
	}
}

/* ---- operations, each with its effect on the map ---- */

static unsigned int random_prot(struct actor *a)
{
	static const unsigned int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_EXEC, RWX,
					      PROT_READ | PROT_WRITE };

	return rng_below(&a->rng, 2) ? PROT_READ | PROT_WRITE : prots[rng_below(&a->rng, 5)];
}

static void toy_map(struct proc *p, struct range r, unsigned int prot, unsigned int flags)
{
	for (unsigned int i = r.first; i < r.first + r.n; i++)
		p->page[i] = (struct toy_page){ .mapped = true, .prot = prot, .flags = flags };
}

static void toy_unmap(struct proc *p, struct range r)
{
	for (unsigned int i = r.first; i < r.first + r.n; i++)
		p->page[i] = (struct toy_page){ 0 };
}

static unsigned int random_flags(struct actor *a)
{
	switch (rng_below(&a->rng, 8)) {
	case 0:
		return MAP_PRIVATE; /* of a file */
	case 1:
		return MAP_SHARED;
	case 2:
		return MAP_SHARED | MAP_ANONYMOUS;
	default:
		return MAP_PRIVATE | MAP_ANONYMOUS;
	}
}

static void op_mmap(struct task *t, struct actor *a, struct range r)
{
	unsigned int prot = random_prot(a), flags = random_flags(a);
	int64_t ret = sys_mmap(t, addr_of(r.first), r.n * PAGE_SIZE, prot, flags | MAP_FIXED);

	expect(t->k, ret == (int64_t)addr_of(r.first), "mmap gave %lld", (long long)ret);
	toy_map(a->p, r, prot, flags & (MAP_SHARED | MAP_ANONYMOUS));
}

/* Where the kernel likes: only alone, since the whole map is the caller's then. */
static void op_mmap_anywhere(struct task *t, struct actor *a, struct range r)
{
	unsigned int prot = random_prot(a), flags = random_flags(a);
	int64_t ret;
	struct range got;

	if (a->p->threads > 1)
		return;
	ret = sys_mmap(t, 0, r.n * PAGE_SIZE - rng_below(&a->rng, PAGE_SIZE), prot, flags);
	expect(t->k, ret > 0 && ret % (int64_t)PAGE_SIZE == 0, "mmap gave %lld", (long long)ret);
	if (ret < (int64_t)BASE) { /* did not fit into the window */
		sys_munmap(t, (uint64_t)ret, r.n * PAGE_SIZE);
		return;
	}
	got = (struct range){ (unsigned int)(((uint64_t)ret - BASE) / PAGE_SIZE), r.n };
	expect(t->k, got.first + got.n <= PAGES, "mmap above its base: %#llx",
	       (unsigned long long)ret);
	for (unsigned int i = got.first; i < got.first + got.n && i < PAGES; i++)
		expect(t->k, !a->p->page[i].mapped, "mmap gave what was mapped: page %u", i);
	toy_map(a->p, got, prot, flags & (MAP_SHARED | MAP_ANONYMOUS));
}

static void op_munmap(struct task *t, struct actor *a, struct range r)
{
	int ret = sys_munmap(t, addr_of(r.first), r.n * PAGE_SIZE - 1);

	expect(t->k, ret == 0, "munmap: %d", ret);
	toy_unmap(a->p, r);
}

/* Stops at the first hole, with what lies before it changed. */
static void op_mprotect(struct task *t, struct actor *a, struct range r)
{
	unsigned int prot = random_prot(a);
	int want = all_mapped(a->p, r) ? 0 : -ENOMEM;
	int ret = sys_mprotect(t, addr_of(r.first), r.n * PAGE_SIZE, prot);

	expect(t->k, ret == want, "mprotect: %d, expected %d", ret, want);
	for (unsigned int i = r.first; i < r.first + r.n && a->p->page[i].mapped; i++)
		a->p->page[i].prot = prot;
}

static void op_dontneed(struct task *t, struct actor *a, struct range r)
{
	int want = all_mapped(a->p, r) ? 0 : -ENOMEM;
	int ret = sys_madvise(t, addr_of(r.first), r.n * PAGE_SIZE, MADV_DONTNEED);

	expect(t->k, ret == want, "DONTNEED: %d, expected %d", ret, want);
	for (unsigned int i = r.first; i < r.first + r.n; i++) {
		a->p->page[i].written = false;
		expect(t->k, pte_at(t->mm, addr_of(i)) == 0, "page %u still there", i);
	}
}

/* The pages stay until memory is short, which it never is here. */
static void op_free(struct task *t, struct actor *a, struct range r)
{
	(void)a;
	sys_madvise(t, addr_of(r.first), r.n * PAGE_SIZE, MADV_FREE);
	for (unsigned int i = r.first; i < r.first + r.n; i++) {
		uint64_t pte = pte_at(t->mm, addr_of(i));

		expect(t->k, !(pte & PTE_DIRTY) || pte & PTE_FILE,
		       "page %u is dirty after FREE: %#llx, range %u %u, prot %u flags %#x", i,
		       (unsigned long long)pte, r.first, r.n, a->p->page[i].prot,
		       a->p->page[i].flags);
	}
	touch_range(t, a, r); /* read, then written: D must come back though the entry is cached */
	touch_range(t, a, r);
}

/* Within one VMA, to an own range that may be mapped. */
static void op_mremap(struct task *t, struct actor *a, struct range r)
{
	uint64_t start, end, old = addr_of(r.first);
	struct range to = pick(a), from = r;
	int64_t ret;

	if (!mm_find_vma(t, old, &start, &end) || start > old)
		return;
	if (old + from.n * PAGE_SIZE > end)
		from.n = (unsigned int)((end - old) / PAGE_SIZE);
	ret = sys_mremap(t, old, from.n * PAGE_SIZE, to.n * PAGE_SIZE,
			 MREMAP_MAYMOVE | MREMAP_FIXED, addr_of(to.first));
	if (to.first < from.first + from.n && from.first < to.first + to.n) {
		expect(t->k, ret == -EINVAL, "mremap onto itself: %lld", (long long)ret);
		return;
	}
	expect(t->k, ret == (int64_t)addr_of(to.first), "mremap: %lld", (long long)ret);
	for (unsigned int i = 0; i < to.n; i++) {
		a->p->page[to.first + i] = a->p->page[from.first];
		a->p->page[to.first + i].written = false;
		if (i < from.n)
			a->p->page[to.first + i] = a->p->page[from.first + i];
	}
	toy_unmap(a->p, from);
}

static void op_shrink(struct task *t, struct actor *a, struct range r)
{
	uint64_t start, end, old = addr_of(r.first);
	unsigned int keep;
	int64_t ret;

	if (!mm_find_vma(t, old, &start, &end) || start > old || end < old + r.n * PAGE_SIZE)
		return;
	keep = 1 + (unsigned int)rng_below(&a->rng, r.n);
	ret = sys_mremap(t, old, r.n * PAGE_SIZE, keep * PAGE_SIZE, 0, 0);
	expect(t->k, ret == (int64_t)old, "mremap to %u of %u pages: %lld", keep, r.n,
	       (long long)ret);
	toy_unmap(a->p, (struct range){ r.first + keep, r.n - keep });
}

static void op_brk(struct task *t, struct actor *a, struct range r)
{
	struct proc *p = a->p;
	uint64_t brk = HEAP + rng_below(&a->rng, HEAP_PAGES * PAGE_SIZE);
	unsigned int from = (unsigned int)((p->brk - HEAP + PAGE_SIZE - 1) / PAGE_SIZE);
	unsigned int to = (unsigned int)((brk - HEAP + PAGE_SIZE - 1) / PAGE_SIZE);
	int64_t ret;

	(void)r;
	if (a->index)
		return;
	ret = sys_brk(t, brk);
	expect(t->k, ret == (int64_t)brk, "brk: %#llx", (unsigned long long)ret);
	p->brk = brk;
	for (unsigned int i = to; i < from; i++)
		p->heap[i] = (struct toy_page){ 0 };
	for (unsigned int i = from; i < to; i++)
		p->heap[i] = (struct toy_page){ .mapped = true,
						.prot = PROT_READ | PROT_WRITE,
						.flags = MAP_ANONYMOUS };
	for (unsigned int i = 0; i < 8; i++) {
		unsigned int page = (unsigned int)rng_below(&a->rng, HEAP_PAGES);

		access_page(t, a, &p->heap[page], HEAP + page * PAGE_SIZE,
			    (enum user_access)rng_below(&a->rng, 2));
	}
}

static void op_fork(struct task *t, struct actor *a, struct range r);

static void op_wait(struct task *t, struct actor *a, struct range r)
{
	(void)r;
	if (rng_below(&a->rng, 2))
		task_sleep(t, rng_below(&a->rng, 300 * SIM_US));
	else
		user_compute(t, rng_below(&a->rng, 20 * SIM_US));
}

typedef void op_fn(struct task *t, struct actor *a, struct range r);

static op_fn *const ops[] = {
	op_mmap,     op_mmap,     op_mmap_anywhere, op_munmap,   op_munmap,
	op_mprotect, op_mprotect, op_dontneed,      op_dontneed, op_dontneed,
	op_free,     op_mremap,   op_shrink,        op_brk,      op_fork,
	op_wait,     touch_range, touch_range,      touch_range, touch_range
};

/* ---- whole maps ---- */

static bool same_kind(const struct toy_page *a, const struct toy_page *b)
{
	return a->mapped == b->mapped && a->prot == b->prot && a->flags == b->flags;
}

/* Every VMA lies in the map with its protection, and all that is mapped is in some VMA. */
static void check_vmas(struct task *t, const struct proc *p)
{
	unsigned int in_vmas = 0, in_map = 0;

	for (size_t i = 0; i < t->mm->nr_vmas; i++) {
		const struct vma *v = t->mm->vmas[i];
		struct toy_page want = { .mapped = true, .prot = v->prot, .flags = v->flags };

		expect(t->k, v->start < v->end && (!i || t->mm->vmas[i - 1]->end <= v->start),
		       "VMAs out of order");
		for (uint64_t at = v->start; at < v->end; at += PAGE_SIZE) {
			bool heap = at < BASE;
			const struct toy_page *page = heap ? &p->heap[(at - HEAP) / PAGE_SIZE]
							   : &p->page[(at - BASE) / PAGE_SIZE];

			expect(t->k, same_kind(page, &want),
			       "VMA at %#llx: prot %u flags %#x, "
			       "expected mapped %d prot %u flags %#x",
			       (unsigned long long)at, v->prot, v->flags, page->mapped, page->prot,
			       page->flags);
			in_vmas++;
		}
	}
	for (unsigned int i = 0; i < PAGES + HEAP_PAGES; i++)
		in_map += i < PAGES ? p->page[i].mapped : p->heap[i - PAGES].mapped;
	expect(t->k, in_vmas == in_map, "%u pages in VMAs, %u mapped", in_vmas, in_map);
}

/* What is present lies in a VMA. */
static void check_ptes(struct task *t, const struct proc *p)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		uint64_t pte = pte_at(t->mm, addr_of(i));

		expect(t->k, !pte || p->page[i].mapped, "page %u present, not mapped", i);
		expect(t->k, !p->page[i].written || pte_pfn(pte) == p->page[i].frame,
		       "page %u holds another frame than was written", i);
	}
}

static void body(struct task *t, void *arg)
{
	struct actor *a = arg;
	struct proc *p = a->p;

	for (unsigned int i = 0; i < p->ops; i++) {
		op_fn *op = ops[rng_below(&a->rng, sizeof(ops) / sizeof(*ops))];

		op(t, a, pick(a));
		if (p->threads == 1 && i % 16 == 0) {
			check_vmas(t, p);
			check_ptes(t, p);
		}
		if (i % 32 == 0)
			check_frames(t->k, true);
	}
	if (++p->ended == p->threads) {
		check_vmas(t, p);
		check_ptes(t, p);
	}
	free(a);
	if (p->ended == p->threads)
		free(p);
}

static struct actor *new_actor(struct proc *p, unsigned int index, uint64_t seed)
{
	struct actor *a = calloc(1, sizeof(*a));

	a->p = p;
	a->index = index;
	rng_init(&a->rng, seed, "mm.actor", index);
	return a;
}

/* The child goes on with a map of its own. Only processes of one thread fork. */
static void op_fork(struct task *t, struct actor *a, struct range r)
{
	struct proc *p = a->p, *child;
	struct task_attr attr = {
		.comm = "child", .cpu = NO_CPU, .initial_cpu = NO_CPU, .fn = body
	};

	(void)r;
	if (p->threads > 1 || p->forks == 0)
		return;
	p->forks--;
	child = malloc(sizeof(*child));
	*child = *p;
	child->ops = p->ops / 2;
	child->seed = rng_u64(&a->rng);
	attr.arg = new_actor(child, 0, child->seed);
	sys_fork(t, &attr);
}

static void leader(struct task *t, void *arg)
{
	struct proc *p = arg;
	unsigned int threads = p->threads;

	for (unsigned int i = 1; i < threads; i++) {
		struct task_attr attr = { .comm = "thread", .initial_cpu = NO_CPU, .fn = body };

		attr.cpu = i % 2 ? (int)(i % t->k->nr_cpus) : NO_CPU;
		attr.arg = new_actor(p, i, p->seed);
		sys_clone_thread(t, &attr);
	}
	body(t, new_actor(p, 0, p->seed));
}

static void run_random(const char *policy, uint64_t seed, unsigned int threads, unsigned int block,
		       unsigned int n_ops, unsigned int forks)
{
	struct model_spec spec = {
		.machine = machine, .policy = policy, .set = settings, .seed = seed
	};
	struct proc *p = calloc(1, sizeof(*p));
	struct model m;

	model_start(&m, &spec);
	*p = (struct proc){ .m = &m,
			    .brk = HEAP,
			    .threads = threads,
			    .block = block,
			    .ops = n_ops,
			    .forks = forks,
			    .seed = seed };
	spawn(&m, "leader", NO_CPU, leader, p);
	model_run_clean(&m, policy, seed);
	model_end(&m);
}

static void alone(const char *policy)
{
	for (uint64_t seed = 0; seed < 12; seed++)
		run_random(policy, seed, 1, PAGES, 300, 0);
}

static void forking(const char *policy)
{
	for (uint64_t seed = 100; seed < 110; seed++)
		run_random(policy, seed, 1, PAGES, 200, 5);
}

/* Blocks of 64 pages share page tables and VMA neighbours between threads; blocks of a table
 * let whole tables go. */
static void threads(const char *policy)
{
	for (uint64_t seed = 200; seed < 212; seed++)
		run_random(policy, seed, 2 + (unsigned int)seed % (MAX_THREADS - 1),
			   seed % 2 ? 64 : TABLE, 150, 0);
}

static void test_alone(void **state)
{
	(void)state;
	for_all_policies(alone);
}

static void test_forking(void **state)
{
	(void)state;
	for_all_policies(forking);
}

static void test_threads(void **state)
{
	(void)state;
	for_all_policies(threads);
}

static void test_few_locks(void **state)
{
	(void)state;
	settings = few_locks();
	alone("linux-6.18");
	forking("linux-6.18");
	threads("linux-6.18");
	settings = four_cores;
}

static void test_guest(void **state)
{
	(void)state;
	settings = NULL;
	machine = "zen5-vm2";
	forking("linux-6.18");
	threads("linux-6.18");
	machine = NULL;
	settings = four_cores;
}

/* The same with a huge page wherever one fits. */
static void test_huge_pages(void **state)
{
	static const char *const unsplit[] = { "table-locks=unsplit", "huge-pages=always",
					       "collapse.khugepaged=false", NULL };
	static const char *const anywhere[] = { HUGE_PAGES, NULL };

	(void)state;
	settings = huge_pages;
	alone("linux-6.18");
	forking("linux-6.18");
	threads("ipi-table-sync");
	settings = unsplit;
	forking("no-batching");
	machine = "zen5-vm2";
	settings = anywhere;
	threads("broadcast-flush");
	machine = NULL;
	settings = four_cores;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),   cmocka_unit_test(test_forking),
		cmocka_unit_test(test_threads), cmocka_unit_test(test_few_locks),
		cmocka_unit_test(test_guest),   cmocka_unit_test(test_huge_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
