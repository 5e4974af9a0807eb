/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads and processes that work on the same pages at the same time: no oracle can say in which
 * order, so the simulator's own checks must stay silent, frames and tables must agree, and nothing
 * may leak. Under every policy set, and on machines of every size. Also where mmap finds room.
 */
#include "tests/models/mm_test.h"

#include <errno.h>

struct proc {
	unsigned int threads, ops, forks;
	uint64_t seed;
};

struct chaos {
	struct proc *p;
	struct rng rng;
};

static bool aging; /* pages are paged out, moved, cleaned and made inaccessible meanwhile */

static void aging_op(struct task *t, struct rng *rng, uint64_t addr, uint64_t len)
{
	switch (rng_below(rng, 6)) {
	case 0:
		sys_madvise(t, addr, len, MADV_PAGEOUT);
		break;
	case 1:
		sys_madvise(t, addr, len, MADV_COLD);
		break;
	case 2:
		sys_move_pages(t, addr, len / PAGE_SIZE, 0);
		break;
	case 3:
		sys_compact_memory(t, 1 + rng_below(rng, 100));
		break;
	case 4:
		sys_msync(t, addr, len);
		break;
	default:
		sys_clear_refs(t, rng_below(rng, 2));
	}
}

static void chaos_op(struct task *t, struct rng *rng)
{
	/* Two tables, and the odd page next to them. */
	uint64_t pages = rng_below(rng, 3) ? TABLE : 1 + rng_below(rng, 40);
	uint64_t first = pages == TABLE ? TABLE * rng_below(rng, 2) : rng_below(rng, 2 * TABLE + 8);
	uint64_t addr = addr_of((unsigned int)first), len = pages * PAGE_SIZE;
	uint64_t to = addr_of((unsigned int)rng_below(rng, 2 * TABLE));
	unsigned int prot = rng_below(rng, 4) ? PROT_READ | PROT_WRITE : PROT_NONE;
	static const unsigned int kinds[] = { MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED,
					      MAP_SHARED | MAP_ANONYMOUS };
	unsigned int flags = kinds[rng_below(rng, 4) ? 0 : 1 + rng_below(rng, 2)];
	static const int advice[] = { MADV_COLLAPSE, MADV_HUGEPAGE, MADV_REMOVE, MADV_POPULATE_READ,
				      MADV_POPULATE_WRITE };

	if (aging && rng_below(rng, 4) == 0) {
		aging_op(t, rng, addr, len);
		return;
	}
	switch (rng_below(rng, 16)) {
	case 0:
		sys_mmap(t, addr, len, prot, flags | MAP_FIXED);
		break;
	case 1:
		sys_munmap(t, addr, len);
		break;
	case 2:
		sys_mprotect(t, addr, len, prot);
		break;
	case 3:
		sys_mremap(t, addr, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to);
		break;
	case 4:
		sys_brk(t, HEAP + rng_below(rng, HEAP_PAGES * PAGE_SIZE));
		break;
	case 5:
		sys_madvise(t, addr, len, MADV_FREE);
		break;
	case 6:
		sys_munmap(t, (uint64_t)sys_mmap(t, 0, len, prot, flags), len);
		break;
	case 7:
		sys_madvise(t, addr, len, advice[rng_below(rng, 5)]);
		break;
	case 10:
		sys_madvise(t, addr, len, rng_below(rng, 8) ? MADV_MERGEABLE : MADV_UNMERGEABLE);
		for (unsigned int i = 0; i < 12; i++)
			user_fill(t, addr + rng_below(rng, pages) * PAGE_SIZE,
				  1 + rng_below(rng, 3));
		break;
	case 8:
	case 9:
		sys_madvise(t, addr, len, MADV_DONTNEED);
		break;
	default:
		for (unsigned int i = 0; i < 6; i++)
			user_access(t, addr + rng_below(rng, pages) * PAGE_SIZE,
				    (enum user_access)rng_below(rng, 2));
	}
}

static void chaos_body(struct task *t, void *arg);

static struct chaos *new_chaos(struct proc *p, unsigned int index)
{
	struct chaos *c = calloc(1, sizeof(*c));

	c->p = p;
	rng_init(&c->rng, p->seed, "mm.chaos", index);
	return c;
}

static void chaos_body(struct task *t, void *arg)
{
	struct chaos *c = arg;
	struct proc *p = c->p;

	sys_mmap(t, addr_of(0), 2 * TABLE * PAGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
	for (unsigned int i = 0; i < p->ops; i++) {
		chaos_op(t, &c->rng);
		if (i % 32 == 0)
			check_frames(t->k, true);
		if (p->forks && rng_below(&c->rng, 20) == 0) {
			struct task_attr attr = { .comm = "child",
						  .cpu = NO_CPU,
						  .initial_cpu = NO_CPU,
						  .fn = chaos_body };

			p->forks--;
			attr.arg = new_chaos(p, 100 + p->forks);
			sys_fork(t, &attr);
		}
	}
	free(c);
}

static void chaos_leader(struct task *t, void *arg)
{
	struct proc *p = arg;

	for (unsigned int i = 1; i < p->threads; i++) {
		struct task_attr attr = { .comm = "thread",
					  .cpu = NO_CPU,
					  .initial_cpu = (int)(i * 211 % t->k->nr_cpus),
					  .fn = chaos_body,
					  .arg = new_chaos(p, i) };

		sys_clone_thread(t, &attr);
	}
	chaos_body(t, new_chaos(p, 0));
}

static void chaos(const char *policy)
{
	for (uint64_t seed = 300; seed < 310; seed++) {
		struct model_spec spec = {
			.machine = machine, .policy = policy, .set = settings, .seed = seed
		};
		struct proc *p = calloc(1, sizeof(*p));
		struct model m;

		model_start(&m, &spec);
		model_preempt_by(&m, seed);
		*p = (struct proc){ .threads = 2 + (unsigned int)seed % 9,
				    .ops = 80,
				    .forks = seed % 3 ? 0 : 4,
				    .seed = seed };
		spawn(&m, "leader", NO_CPU, chaos_leader, p);
		model_run_clean(&m, policy, seed);
		model_end(&m);
		free(p);
	}
}

/* Huge pages come, go and are split under others' feet. */
static void test_huge_pages(void **state)
{
	static const char *const busy[] = { FOUR_CORES, "huge-pages=always",
					    "collapse.scan_sleep=20us", "ksm.sleep=20us", NULL };

	(void)state;
	settings = huge_pages;
	chaos("linux-6.18");
	chaos("ipi-table-sync");
	settings = busy;
	for_all_policies(chaos);
	settings = four_cores;
}

/* Memory for a half of what is used, pages that move between two nodes, huge pages. */
static void test_aging(void **state)
{
	static const char *const roomy[] = { TWO_NODES,
					     "numa-balancing=scan",
					     "numa-balancing.delay=1us",
					     "numa-balancing.period=200us",
					     "memory.writeback=300us",
					     "huge-pages=always",
					     NULL };
	static const char *const tight[] = { TWO_NODES,
					     "numa-balancing=scan",
					     "numa-balancing.delay=1us",
					     "numa-balancing.period=200us",
					     "memory.size=4MiB",
					     "memory.writeback=300us",
					     NULL };

	(void)state;
	aging = true;
	settings = roomy;
	for_all_policies(chaos);
	settings = tight;
	for_all_policies(chaos);
	settings = four_cores;
	aging = false;
}

static void test_chaos(void **state)
{
	(void)state;
	for_all_policies(chaos);
}

/* Locks apart from their tables, and somebody who must be told of every change. */
static void test_secondary_tlbs(void **state)
{
	static const char *const told[] = { FOUR_CORES, "table-locks=allocated",
					    "secondary-tlbs=notifiers", NULL };
	static const char *const device[] = { FOUR_CORES, "secondary-tlbs=iommu", NULL };

	(void)state;
	settings = told;
	chaos("linux-6.18");
	chaos("rcu-table-sync");
	settings = device;
	chaos("linux-6.18");
	settings = four_cores;
}

static void test_few_locks(void **state)
{
	(void)state;
	settings = few_locks();
	chaos("linux-6.18");
	settings = four_cores;
}

/* Masks of many words, sharers beyond 64 cores; and a guest. */
static void test_machines(void **state)
{
	(void)state;
	settings = NULL;
	machine = "hypothetical-1024";
	chaos("linux-6.18");
	chaos("broadcast-flush");
	machine = "zen5-vm2";
	chaos("linux-6.18");
	machine = "kunpeng920-128";
	chaos("arm64-6.18");
	machine = NULL;
	settings = four_cores;
}

/* Microcode that flushes, a host that takes CPUs away, idle states that lose the TLB, and siblings
 * that share one. */
static void test_hardware(void **state)
{
	static const char *const rar[] = { "topology.cores_per_l3=4", "shootdown.min_active_cpus=2",
					   "shootdown.sample=1",      "ipi.deep_exit=20us",
					   "ipi.deep_residency=30us", NULL };
	static const char *const stolen[] = {
		"topology.cores_per_l3=6",      "virt.steal_interval=200us",
		"virt.steal_mean=50us",         "virt.steal_min=5us",
		"virt.pv_flush=true",           "virt.posted=true",
		"virt.ipi_virtualization=avic", NULL
	};
	static const char *const pti[] = { "topology.cores_per_l3=6", "flush.pti=true",
					   "mitigations.pti_cr3=70ns", "tlb.kernel_pages=30",
					   NULL };

	(void)state;
	machine = "sapphirerapids-1s64";
	settings = rar;
	chaos("rar");
	machine = "zen5-vm2";
	settings = stolen;
	chaos("linux-6.18");
	machine = "skylake-4c";
	settings = pti;
	chaos("linux-6.18");
	machine = NULL;
	settings = four_cores;
}

/* A stack above the base of mmap does not use up what lies below; gaps are found between others,
 * and there is an end to them. */
static void finds_gaps(struct task *t, void *arg)
{
	const uint64_t stack = UINT64_C(0x7ffffffde000), big = TASK_SIZE - MMAP_BASE;
	int64_t a, b, c, d;

	(void)arg;
	mm_infer_mapping(t, stack, 16 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS);
	a = sys_mmap(t, 0, 4 * PAGE_SIZE, PROT_READ, MAP_PRIVATE);
	expect(t->k, a == (int64_t)(MMAP_BASE - 4 * PAGE_SIZE), "first at %llx", (long long)a);
	b = sys_mmap(t, 0, 2 * PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
	expect(t->k, b == a - (int64_t)(2 * PAGE_SIZE), "then at %llx", (long long)b);
	c = sys_mmap(t, 0, PMD_SIZE, PROT_READ, MAP_PRIVATE);
	expect(t->k, c % (int64_t)PMD_SIZE == 0 && c < b, "2 MiB at %llx", (long long)c);
	sys_munmap(t, (uint64_t)a, PAGE_SIZE);
	d = sys_mmap(t, 0, PAGE_SIZE, PROT_WRITE, MAP_PRIVATE);
	expect(t->k, d == a, "the hole is at %llx, got %llx", (long long)a, (long long)d);
	d = sys_mmap(t, (uint64_t)b - 8 * PAGE_SIZE, PAGE_SIZE, PROT_READ, MAP_PRIVATE);
	expect(t->k, d == b - (int64_t)(8 * PAGE_SIZE), "by a hint at %llx", (long long)d);
	d = sys_mmap(t, (uint64_t)b, PAGE_SIZE, PROT_READ, MAP_PRIVATE);
	expect(t->k, d != b && d < a, "by a hint to what is there: %llx", (long long)d);
	mm_set_mmap_base(t, MMAP_BASE - PMD_SIZE);
	d = sys_mmap(t, 0, PAGE_SIZE, PROT_READ, MAP_PRIVATE);
	expect(t->k, d < (int64_t)(MMAP_BASE - PMD_SIZE), "above the base: %llx", (long long)d);
	mm_set_mmap_base(t, 64 * PAGE_SIZE);
	d = sys_mmap(t, 0, 64 * PAGE_SIZE, PROT_READ, MAP_PRIVATE);
	expect(t->k, d > (int64_t)PMD_SIZE, "no room below the base: %llx", (long long)d);
	d = sys_mmap(t, 0, TASK_SIZE - big, PROT_READ, MAP_PRIVATE);
	expect(t->k, d == -ENOMEM, "all of it: %llx", (long long)d);
}

static void test_gaps(void **state)
{
	struct model_spec spec = { .set = four_cores };
	struct model m;

	(void)state;
	model_start(&m, &spec);
	spawn(&m, "finds", 0, finds_gaps, NULL);
	model_run_clean(&m, "gaps", 0);
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gaps),       cmocka_unit_test(test_chaos),
		cmocka_unit_test(test_huge_pages), cmocka_unit_test(test_secondary_tlbs),
		cmocka_unit_test(test_few_locks),  cmocka_unit_test(test_aging),
		cmocka_unit_test(test_machines),   cmocka_unit_test(test_hardware),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
