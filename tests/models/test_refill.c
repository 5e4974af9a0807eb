/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a flush costs a program's own work: to the picosecond in the cases that can be told by hand.
 * And the bits that a walk sets, and the check that catches a walk through a freed table.
 */
#include "tests/models/model.h"

enum { WALK = 10000, L1 = 1000, PAGES = 64 };
#define TAU (100 * SIM_US) /* the whole working set is used within this much work */

static const char *const set[] = { "tlb.walk=10ns", "cache.l1d_hit=1ns", "hz=100",
				   "tlb.refill=true", NULL };
static const char *const set_off[] = { "tlb.walk=10ns", "cache.l1d_hit=1ns", "hz=100",
				       "tlb.refill=false", NULL };

struct load {
	struct model *m;
	uint64_t area;
	bool refill;
};

static uint64_t map_pages(struct task *t, uint64_t n, enum user_access access)
{
	uint64_t area = (uint64_t)sys_mmap(t, 0, n * PAGE_SIZE, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS);

	for (uint64_t i = 0; i < n; i++)
		expect(t->k, user_access(t, area + i * PAGE_SIZE, access), "access %llu",
		       (unsigned long long)i);
	return area;
}

/* How much longer than `work` it took. */
static sim_ps extra(struct task *t, sim_ps work)
{
	sim_ps start;

	settle(t);
	start = sim_now(t->k->sim);
	user_compute(t, work);
	return sim_now(t->k->sim) - start - work;
}

static void expect_extra(struct task *t, sim_ps work, sim_ps want, const char *what)
{
	sim_ps got = extra(t, work);

	expect(t->k, got == want, "%s: %llu ps, not %llu", what, (unsigned long long)got,
	       (unsigned long long)want);
}

/* Interrupts off: a tick would add its own time. */
static void costs(struct task *t, void *arg)
{
	struct load *l = arg;
	sim_ps all = l->refill ? PAGES * WALK + 3 * L1 : 0;

	l->area = map_pages(t, PAGES, USER_WRITE);
	irq_disable(t);
	expect_extra(t, TAU, 0, "nothing was flushed");
	flush_slot_all(t, this_cpu(t)->tlbstate.loaded_asid);
	expect_extra(t, TAU, all, "all is flushed; the first walk has no walk caches");
	expect_extra(t, TAU, 0, "and came back");
	flush_slot_all(t, this_cpu(t)->tlbstate.loaded_asid);
	expect_extra(t, TAU / 4, all ? PAGES / 2 * WALK + 3 * L1 : 0, "half in a quarter");
	expect_extra(t, TAU / 4 * 3, all ? PAGES / 2 * WALK : 0, "the rest later");
	flush_slot_range(t, this_cpu(t)->tlbstate.loaded_asid, l->area, l->area + 2 * PAGE_SIZE);
	expect_extra(t, TAU, all ? 2 * WALK + 3 * L1 : 0, "two pages");
	flush_slot_range(t, this_cpu(t)->tlbstate.loaded_asid, l->area + PAGES * PAGE_SIZE,
			 l->area + (PAGES + 1) * PAGE_SIZE);
	expect_extra(t, TAU, 0, "a page that was not used");
	irq_enable(t);
	/* What is no longer mapped is not used again. */
	sys_munmap(t, l->area + PAGE_SIZE, (PAGES - 1) * PAGE_SIZE);
	irq_disable(t);
	expect_extra(t, TAU, all ? WALK + 3 * L1 : 0, "only one is left");
	irq_enable(t);
}

static void run_costs(const char *const *settings, bool refill)
{
	struct model m;
	struct load l = { .m = &m, .refill = refill };

	model_start(&m, &(struct model_spec){ .set = settings });
	spawn(&m, "load", 0, costs, &l);
	model_run_clean(&m, "refill", 0);
	if (refill)
		assert_true(counter(&m, "tlb.refill_walks", "") == 2 * PAGES + 2 + 1);
	else
		assert_int_equal(counter(&m, "tlb.refill_walks", ""), 0);
	model_end(&m);
}

static void test_costs(void **state)
{
	(void)state;
	run_costs(set, true);
	run_costs(set_off, false);
}

static uint64_t *pte_of(struct task *t, uint64_t addr)
{
	return &pt_lookup(t->mm, addr)->slot.pte[pt_index(addr, PT_PTE)];
}

static void dirty(struct task *t, void *arg)
{
	const struct metric *walks = t->k->metric.dirty_walks;
	uint64_t area = map_pages(t, 1, USER_WRITE), *pte = pte_of(t, area);

	(void)arg;
	*pte &= ~(PTE_DIRTY | PTE_ACCESSED); /* as reclaim and writeback leave it */
	flush_tlb_mm_range(t, t->mm, area, area + PAGE_SIZE, false);
	user_access(t, area, USER_READ);
	expect(t->k, *pte & PTE_ACCESSED && !(*pte & PTE_DIRTY), "a read sets A only");
	user_access(t, area, USER_READ);
	expect(t->k, walks->value == 0, "reads walk for D");
	user_access(t, area, USER_WRITE);
	expect(t->k, *pte & PTE_DIRTY && walks->value == 1, "the first write sets D by a walk");
	user_access(t, area, USER_WRITE);
	expect(t->k, walks->value == 1, "the second needs none");
	/* Write-protected meanwhile and not flushed yet: the walk for D must see it, and fault. */
	*pte &= ~PTE_DIRTY;
	flush_tlb_mm_range(t, t->mm, area, area + PAGE_SIZE, false);
	user_access(t, area, USER_READ);
	*pte &= ~PTE_WRITE;
	t->mm->tlb_flush_pending++; /* the flush is under way */
	user_access(t, area, USER_WRITE);
	t->mm->tlb_flush_pending--;
	expect(t->k, *pte & PTE_WRITE && t->k->metric.faults[4]->value == 1,
	       "a write through a clean translation must fault: %llu",
	       (unsigned long long)t->k->metric.faults[4]->value);
}

static void test_dirty_bit(void **state)
{
	struct model m;

	(void)state;
	model_start(&m, &(struct model_spec){ .set = set });
	spawn(&m, "load", 0, dirty, NULL);
	model_run_clean(&m, "dirty", 0);
	model_end(&m);
}

static void ahead(struct task *t, void *arg)
{
	uint64_t area = map_pages(t, 8, USER_WRITE);
	struct tlb *tlb = &this_cpu(t)->cpu->tlb;
	uint64_t misses;

	(void)arg;
	flush_tlb_mm_range(t, t->mm, area, area + 8 * PAGE_SIZE, false);
	*pte_of(t, area + 3 * PAGE_SIZE) &= ~PTE_ACCESSED;
	misses = tlb->misses;
	for (uint64_t i = 0; i < 8; i++)
		user_access(t, area + i * PAGE_SIZE, USER_READ);
	/* 0 brings 1; 2 must not bring 3, whose A is clear; 3 brings 4, 5 brings 6; 7 */
	expect(t->k, tlb->misses - misses == 5, "%llu misses",
	       (unsigned long long)(tlb->misses - misses));
}

static void test_prefetch(void **state)
{
	const char *const with[] = { "tlb.prefetch=true", NULL };
	struct model m;

	(void)state;
	model_start(&m, &(struct model_spec){ .set = with });
	spawn(&m, "load", 0, ahead, NULL);
	model_run_clean(&m, "prefetch", 0);
	model_end(&m);
}

static void walk_through_freed_table(struct task *t, void *arg)
{
	uint64_t area = map_pages(t, 2, USER_WRITE);
	struct page_table *table = pt_lookup(t->mm, area);
	struct tlb *tlb = &this_cpu(t)->cpu->tlb;

	(void)arg;
	tlb_forget(tlb, 0, 0);
	flush_tlb_mm_range(t, t->mm, area, area + 2 * PAGE_SIZE, false);
	user_access(t, area, USER_READ);
	pfn_page(t->k, table->pfn)->life++; /* as if it had been freed without a flush */
	user_access(t, area + PAGE_SIZE, USER_READ);
	pfn_page(t->k, table->pfn)->life--;
}

static void test_stale_table_is_caught(void **state)
{
	struct model m;

	(void)state;
	model_start(&m, &(struct model_spec){ .set = set });
	spawn(&m, "load", 0, walk_through_freed_table, NULL);
	model_run(&m);
	model_finish(&m);
	assert_int_equal(violations_of(&m, "stale-table"), 1);
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_costs),
		cmocka_unit_test(test_dirty_bit),
		cmocka_unit_test(test_prefetch),
		cmocka_unit_test(test_stale_table_is_caught),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
