/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Arm's broadcast flush: instructions counted by hand, what a DSB waits for to the picosecond, what
 * CPUs that broadcast at once cost each other, and that a policy without the DSB is found out.
 */
#include "tests/models/flush_scene.h"

#include "models/hw/tlbi.h"
#include "models/kernel/tlbi.h"

#define NS SIM_NS

/* Two sockets of two groups of two CPUs; every figure of its own. */
static const char *const eight[] = { "topology.cores_per_l3=2",   "flush.tlbi=10ns",
				     "flush.tlbi_occupancy=30ns", "flush.dsb_base=200ns",
				     "flush.dsb_remote=100ns",    NULL };
#define FARTHEST (200 * NS + 3 * 100 * NS) /* from one socket to the other */

/* ---- instructions ---- */

static void test_ops(void **state)
{
	static const struct {
		uint64_t pages, by_page, by_range;
	} rows[] = {
		{ 1, 1, 1 },
		{ 2, 2, 1 },
		{ 3, 3, 2 },
		{ 62, 62, 1 },         /* 31 pairs: one digit of base 32 */
		{ 64, 64, 1 },         /* 32 pairs: one of the next */
		{ 66, 66, 2 },         /* 1 and 1 */
		{ 511, 511, 3 },       /* 255 pairs are 7 * 32 + 31, and the odd page */
		{ 2 * 1024, 2048, 1 }, /* 32 * 32 pairs */
		{ TLBI_MAX_RANGE_PAGES - 2, TLBI_MAX_RANGE_PAGES - 2, 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(tlbi_ops(rows[i].pages, false), rows[i].by_page);
		assert_int_equal(tlbi_ops(rows[i].pages, true), rows[i].by_range);
	}
}

struct one_flush {
	uint64_t pages, tlbi, dsb, ipis, latency;
};

static void flushes_once(struct task *t, void *arg)
{
	struct one_flush *f = arg;
	struct metrics *m = sim_metrics(t->k->sim);
	uint64_t area = (uint64_t)sys_mmap(t, 0, PMD_SIZE + f->pages * PAGE_SIZE,
					   PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS) +
			PAGE_SIZE;
	const struct metric *latency = metric_find(m, "tlb.flush_latency", "");

	for (uint64_t i = 0; i < f->pages; i++)
		user_access(t, area + i * PAGE_SIZE, USER_WRITE);
	sys_madvise(t, area, f->pages * PAGE_SIZE, MADV_DONTNEED);
	settle(t);
	f->latency = latency->hist.max;
	f->tlbi = metric_find(m, "tlb.tlbi", "")->value;
	f->dsb = metric_find(m, "tlb.dsb", "")->hist.count;
	f->ipis = metric_find(m, "ipi.sent", "shootdown")->value;
}

/* All of a flush: the issue, then what the interconnect and the farthest CPU still need. */
static void test_flush_of_pages(void **state)
{
	static const struct {
		uint64_t pages, tlbi;
		const char *range;
	} rows[] = {
		{ 1, 1, "false" }, { 20, 20, "false" }, { 511, 511, "false" }, { 512, 1, "false" },
		{ 20, 1, "true" }, { 511, 3, "true" },  { 2000, 2, "true" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *set[] = { "flush.has_tlbi_range",
				      rows[i].range,
				      "ipi.jitter=0",
				      "topology.cores_per_l3=2",
				      "flush.tlbi=10ns",
				      "flush.tlbi_occupancy=30ns",
				      "flush.dsb_base=200ns",
				      "flush.dsb_remote=100ns",
				      NULL };
		struct model_spec spec = {
			.machine = "kunpeng920-128", .policy = "arm64-6.18", .set = set, .seed = 1
		};
		struct one_flush f = { .pages = rows[i].pages };
		struct model m;

		model_start(&m, &spec);
		spawn(&m, "flushes", 0, flushes_once, &f);
		model_run_clean(&m, "flush", rows[i].pages);
		assert_int_equal(f.tlbi, rows[i].tlbi);
		assert_int_equal(f.dsb, 1);
		assert_int_equal(f.ipis, 0);
		/* flush_tlb_mm_range, without what comes before the question */
		assert_int_equal(f.latency, rows[i].tlbi * (10 + 30) * NS + FARTHEST);
		model_end(&m);
	}
}

/* ---- who waits for whom ---- */

struct senders {
	unsigned int n, ready;
	struct mm *mm;
	sim_ps begin, took[8];
};

static void sends(struct task *t, void *arg)
{
	struct senders *s = arg;

	settle(t);
	sim_sleep_until(t->k->sim, s->begin);
	tlbi_mm_range(t, s->mm, 0, PAGE_SIZE, false);
	dsb_ish(t);
	s->took[t->cpu] = sim_now(t->k->sim) - s->begin;
	dsb_ish(t); /* nothing is under way: no time */
	expect(t->k, sim_now(t->k->sim) == s->begin + s->took[t->cpu], "a DSB for nothing");
}

/* The interconnect carries one message after the other, so the last of n waits for n of them. */
static void test_senders_queue(void **state)
{
	(void)state;
	for (unsigned int n = 1; n <= 8; n *= 2) {
		struct model_spec spec = {
			.machine = "kunpeng920-128", .policy = "arm64-6.18", .set = eight, .seed = 1
		};
		struct senders s = { .n = n, .begin = 10 * US };
		sim_ps last = 0;
		struct model m;

		model_start(&m, &spec);
		s.mm = mm_create(m.k);
		for (unsigned int cpu = 0; cpu < n; cpu++)
			spawn(&m, "sends", (int)cpu, sends, &s);
		model_run(&m);
		assert_int_equal(violations_of(&m, "test"), 0);
		for (unsigned int cpu = 0; cpu < n; cpu++)
			last = s.took[cpu] > last ? s.took[cpu] : last;
		assert_int_equal(last, 10 * NS + n * 30 * NS + FARTHEST);
		model_end(&m);
	}
}

/* ---- which translations go, and when ---- */

/* Before the DSB everything may be used, after it nothing: on the own CPU, too. Other address
 * spaces keep theirs. */
static void looks(struct task *t, void *arg)
{
	struct tlb *tlb = &this_cpu(t)->cpu->tlb;
	unsigned int slot = this_cpu(t)->tlbstate.loaded_asid;
	struct kcpu *other = &t->k->cpus[5];
	struct mm *stranger = arg;
	const struct tlb_entry *table;
	struct tlb_entry *e;

	other->tlbstate.ctxs[2].ctx_id = t->mm->ctx_id;
	tlb_flush_slot(&other->cpu->tlb, 2);
	other->tlbstate.ctxs[3].ctx_id = stranger->ctx_id;
	tlb_flush_slot(&other->cpu->tlb, 3);
	tlb_walk_fill(tlb, tlb_context(tlb, slot), 16, 1, (struct tlb_entry){ .pte = 7 });
	for (uint64_t vpn = 16; vpn < 20; vpn++) {
		tlb_fill(tlb, tlb_context(tlb, slot), vpn, 1, 1);
		tlb_fill(&other->cpu->tlb, tlb_context(&other->cpu->tlb, 2), vpn, 1, 1);
		tlb_fill(&other->cpu->tlb, tlb_context(&other->cpu->tlb, 3), vpn, 1, 1);
	}
	tlbi_mm_range(t, t->mm, 16 << PAGE_SHIFT, 18 << PAGE_SHIFT, false);
	expect(t->k, tlb_lookup(tlb, tlb_context(tlb, slot), 16, &e) != TLB_MISS, "before the DSB");
	dsb_ish(t);
	for (uint64_t vpn = 16; vpn < 20; vpn++) {
		bool gone = vpn < 18;
		struct tlb *far = &other->cpu->tlb;

		expect(t->k, (tlb_lookup(tlb, tlb_context(tlb, slot), vpn, &e) == TLB_MISS) == gone,
		       "own CPU, page %d", (int)vpn);
		expect(t->k, (tlb_lookup(far, tlb_context(far, 2), vpn, &e) == TLB_MISS) == gone,
		       "other CPU, page %d", (int)vpn);
		expect(t->k, tlb_lookup(far, tlb_context(far, 3), vpn, &e) != TLB_MISS,
		       "another mm's page %d", (int)vpn);
	}
	expect(t->k, tlb_walk_start(tlb, tlb_context(tlb, slot), 16, &table) == 0,
	       "a flush of last-level entries took an upper one");
	tlbi_mm_range(t, t->mm, 16 << PAGE_SHIFT, 18 << PAGE_SHIFT, true);
	dsb_ish(t);
	expect(t->k, tlb_walk_start(tlb, tlb_context(tlb, slot), 16, &table) == 3,
	       "a flush of freed tables left an upper entry");
	tlbi_mm_range(t, t->mm, 0, TLB_FLUSH_ALL, true);
	dsb_ish(t);
	expect(t->k, tlb_count(tlb, tlb_context(tlb, slot)) == 0, "the ASID here");
	expect(t->k, tlb_count(&other->cpu->tlb, tlb_context(&other->cpu->tlb, 2)) == 0, "there");
	expect(t->k, tlb_count(&other->cpu->tlb, tlb_context(&other->cpu->tlb, 3)) == 4,
	       "stranger");
}

static void test_effect(void **state)
{
	struct model_spec spec = {
		.machine = "kunpeng920-128", .policy = "arm64-6.18", .set = eight, .seed = 1
	};
	struct model m;

	(void)state;
	model_start(&m, &spec);
	spawn(&m, "looks", 0, looks, mm_create(m.k));
	model_run(&m);
	if (violations_of(&m, "test"))
		print_violations(&m);
	assert_int_equal(violations_of(&m, "test"), 0);
	model_end(&m);
}

/* A task that is switched out between TLBI and DSB: its CPU waits for it. */
static void switched_out(struct task *t, void *arg)
{
	(void)arg;
	tlbi_mm_range(t, t->mm, 0, PAGE_SIZE, false);
	task_sleep(t, 50 * US);
}

static void test_context_switch_waits(void **state)
{
	struct model_spec spec = {
		.machine = "kunpeng920-128", .policy = "arm64-6.18", .set = eight, .seed = 1
	};
	struct model m;

	(void)state;
	model_start(&m, &spec);
	spawn(&m, "sleeps", 0, switched_out, NULL);
	model_run_clean(&m, "switched out", 1);
	assert_int_equal(histogram(&m, "tlb.dsb", "")->count, 1);
	model_end(&m);
}

/* ---- wrong ones ---- */

/* What a kernel does that forgets the barrier. */
static void no_dsb(const void *p, struct task *t, struct mm *mm, const struct flush_tlb_info *f)
{
	(void)p;
	(void)mm;
	tlbi_flush(t, f);
}

static bool yes(const struct machine_desc *d)
{
	(void)d;
	return true;
}

static unsigned int no_ceiling(const void *p)
{
	(void)p;
	return UINT32_MAX;
}

static const struct shootdown_ops no_dsb_ops = { .flush = no_dsb,
						 .ceiling = no_ceiling,
						 .hardware_broadcast = yes };
static const struct policy_choice no_dsb_choice = { .axis = AXIS_SHOOTDOWN,
						    .name = "planted-no-dsb",
						    .summary = "wrong on purpose",
						    .source = "tests",
						    .ops = &no_dsb_ops };
POLICY(no_dsb_choice);

static void test_scene(void **state)
{
	static const char *const sets[][5] = {
		{ "topology.cores_per_l3=2", NULL },
		{ "flush.has_tlbi_range=true", "shootdown.max_ops=8", NULL },
		{ "flush.has_tlbi=false", NULL }, /* by IPI */
		{ "table-freeing.pt_reclaim=true", NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		struct flush_scene s = { .machine = "kunpeng920-128",
					 .policy = "arm64-6.18",
					 .set = sets[i],
					 .users = 5,
					 .seed = 20 + i };

		scene_play(&s);
		check_clean(&s.m, "scene", i);
		assert_true((counter(&s.m, "ipi.sent", "shootdown") == 0) == (i != 2));
		model_end(&s.m);
	}
}

static void test_planted(void **state)
{
	static const char *const no_dsb_set[] = { "shootdown=planted-no-dsb", "lru.batch=1", NULL };
	struct flush_scene s = { .machine = "kunpeng920-128",
				 .policy = "arm64-6.18",
				 .set = no_dsb_set,
				 .users = 5,
				 .seed = 3 };

	(void)state;
	scene_must_fail(&s, "stale-translation");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ops),
		cmocka_unit_test(test_flush_of_pages),
		cmocka_unit_test(test_senders_queue),
		cmocka_unit_test(test_effect),
		cmocka_unit_test(test_context_switch_waits),
		cmocka_unit_test(test_scene),
		cmocka_unit_test(test_planted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
