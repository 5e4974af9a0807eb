/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TLB flushes counted by hand: how many instructions, interrupts and full flushes a known small
 * case takes under each policy. One task acts on CPU 0; helpers of the same mm compute, sleep or
 * keep interrupts off on the others.
 */
#include "tests/models/model.h"

#define US SIM_US

enum { CPUS = 6, WARM_PAGES = 4 };

struct scene {
	struct model m;
	unsigned int helpers; /* on CPUs 1 to helpers */
	task_fn *act, *help;
	uint64_t area, pages;
	bool stop, go;
	unsigned int ready;
	/* what a step took: after minus before */
	uint64_t invlpg, full_local, full_remote, local, remote, ipis, skipped, flushes, wrong;
	uint64_t switch_full, table_sync, calls;
};

static const char *const six[] = { "ipi.jitter=0", "topology.l3_per_socket=1",
				   "topology.threads_per_core=1", "hz=100", NULL };

/* ---- counting ---- */

static void counts(struct scene *s, struct kernel *k, bool minus)
{
	const struct kernel_metrics *m = &k->metric;
	const struct {
		uint64_t *into, value;
	} all[] = {
		{ &s->invlpg, m->invlpg->value },
		{ &s->full_local, m->flush_full[TLB_LOCAL_MM_SHOOTDOWN]->value },
		{ &s->full_remote, m->flush_full[TLB_REMOTE_SHOOTDOWN]->value },
		{ &s->local, m->flush[TLB_LOCAL_MM_SHOOTDOWN]->value },
		{ &s->remote, m->flush[TLB_REMOTE_SHOOTDOWN]->value },
		{ &s->wrong, m->flush[TLB_REMOTE_WRONG_CPU]->value },
		{ &s->switch_full, m->flush_full[TLB_FLUSH_ON_TASK_SWITCH]->value },
		{ &s->ipis, m->ipi[IPI_SHOOTDOWN]->value },
		{ &s->table_sync, m->ipi[IPI_TABLE_SYNC]->value },
		{ &s->skipped, m->ipi_skipped_lazy->value },
		{ &s->flushes, m->flush_latency->hist.count },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		*all[i].into = minus ? all[i].value - *all[i].into : all[i].value;
}

static void step_begins(struct scene *s, struct task *t)
{
	settle(t);
	counts(s, t->k, false);
}

static void step_ends(struct scene *s, struct task *t)
{
	settle(t);
	counts(s, t->k, true);
}

/* ---- the cast ---- */

static void wait_until(struct task *t, const unsigned int *what, unsigned int value)
{
	while (*(volatile const unsigned int *)what < value)
		user_compute(t, US);
}

/* Uses the mm, then computes until it is told to stop. */
static void helper_computes(struct task *t, void *arg)
{
	struct scene *s = arg;

	user_access(t, s->area, USER_READ);
	s->ready++;
	while (!s->stop)
		user_compute(t, US);
}

/* Uses the mm, then sleeps: its CPU idles with the mm loaded, lazily. */
static void helper_sleeps(struct task *t, void *arg)
{
	struct scene *s = arg;

	user_access(t, s->area, USER_READ);
	s->ready++;
	while (!s->stop)
		task_sleep(t, 5 * SIM_MS);
}

/* The middle of a page table, so that no table goes; all pages present. */
static void actor(struct task *t, void *arg)
{
	struct scene *s = arg;
	struct task_attr attr = {
		.comm = "helper", .initial_cpu = NO_CPU, .fn = s->help, .arg = s
	};
	uint64_t len = (s->pages + 64) * PAGE_SIZE;

	s->area = (uint64_t)sys_mmap(t, 0, (len + 2 * PMD_SIZE) & ~(PMD_SIZE - 1),
				     PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS) +
		  32 * PAGE_SIZE;
	for (uint64_t i = 0; i < s->pages; i++)
		user_access(t, s->area + i * PAGE_SIZE, USER_WRITE);
	for (unsigned int i = 1; i <= s->helpers; i++) {
		attr.cpu = (int)i;
		sys_clone_thread(t, &attr);
	}
	wait_until(t, &s->ready, s->helpers);
	user_compute(t, 100 * US); /* let them settle down */
	s->act(t, s);
	s->stop = true;
}

static void play(struct scene *s, const char *policy, const char *const *set)
{
	struct model_spec spec = { .policy = policy, .set = set ? set : six, .seed = 4 };

	model_start(&s->m, &spec);
	assert_true(s->m.k->nr_cpus == CPUS);
	spawn(&s->m, "actor", 0, actor, s);
	model_run_clean(&s->m, policy ? policy : "linux-6.18", spec.seed);
	model_end(&s->m);
}

static void dontneed_all(struct task *t, void *arg)
{
	struct scene *s = arg;

	step_begins(s, t);
	sys_madvise(t, s->area, s->pages * PAGE_SIZE, MADV_DONTNEED);
	step_ends(s, t);
}

/* ---- the ceiling ---- */

static void test_ceiling(void **state)
{
	struct scene at = {
		.helpers = 1, .help = helper_computes, .act = dontneed_all, .pages = 33
	};
	struct scene above = at;

	(void)state;
	above.pages = 34;
	play(&at, NULL, NULL);
	assert_int_equal(at.ipis, 1);
	assert_int_equal(at.invlpg, 2 * 33); /* each page on both CPUs */
	assert_int_equal(at.local, 1);
	assert_int_equal(at.remote, 1);
	assert_int_equal(at.full_local + at.full_remote, 0);
	play(&above, NULL, NULL);
	assert_int_equal(above.ipis, 1);
	assert_int_equal(above.invlpg, 0);
	assert_int_equal(above.full_local, 1);
	assert_int_equal(above.full_remote, 1);
}

static void test_ceiling_is_a_parameter(void **state)
{
	static const char *const set[] = { "ipi.jitter=0", "topology.l3_per_socket=1",
					   "topology.threads_per_core=1", "shootdown.ceiling=7",
					   NULL };
	struct scene at = {
		.helpers = 1, .help = helper_computes, .act = dontneed_all, .pages = 7
	};
	struct scene above = at;

	(void)state;
	above.pages = 8;
	play(&at, NULL, set);
	play(&above, NULL, set);
	assert_int_equal(at.invlpg, 14);
	assert_int_equal(above.invlpg, 0);
}

/* ---- lazy CPUs ---- */

static void lazy_then_tables(struct task *t, void *arg)
{
	struct scene *s = arg;

	step_begins(s, t);
	sys_madvise(t, s->area, PAGE_SIZE, MADV_DONTNEED);
	step_ends(s, t);
	expect(t->k, s->ipis == 0 && s->skipped == s->helpers, "%llu IPIs, %llu skipped",
	       (unsigned long long)s->ipis, (unsigned long long)s->skipped);
	/* Tables go: lazy CPUs must hear of it, and load init_mm. */
	step_begins(s, t);
	sys_munmap(t, s->area - 32 * PAGE_SIZE, 4 * PMD_SIZE);
	step_ends(s, t);
	expect(t->k, s->ipis == s->helpers, "%llu IPIs for freed tables",
	       (unsigned long long)s->ipis);
	expect(t->k, s->remote == 0, "a lazy CPU flushed instead of leaving the mm");
	for (unsigned int i = 1; i <= s->helpers; i++)
		expect(t->k, t->k->cpus[i].tlbstate.loaded_mm == NULL, "CPU %u still has it", i);
	/* They are in mm_cpumask still, and left out: they run another mm. */
	s->area = (uint64_t)sys_mmap(t, 0, 16 * PAGE_SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS);
	user_access(t, s->area, USER_WRITE);
	step_begins(s, t);
	sys_madvise(t, s->area, PAGE_SIZE, MADV_DONTNEED);
	step_ends(s, t);
	expect(t->k, s->ipis == 0 && s->skipped == s->helpers, "%llu IPIs to init_mm",
	       (unsigned long long)s->ipis);
}

static void test_lazy(void **state)
{
	struct scene s = {
		.helpers = 3, .help = helper_sleeps, .act = lazy_then_tables, .pages = 8
	};

	(void)state;
	play(&s, NULL, NULL);
}

static void forked(struct task *t, void *arg)
{
	(void)t, (void)arg;
}

/* fork's flush is one of those that may have freed tables. Would break: lazy CPUs left out. */
static void lazy_then_fork(struct task *t, void *arg)
{
	struct task_attr attr = { .comm = "child", .cpu = 0, .fn = forked };
	struct scene *s = arg;

	step_begins(s, t);
	sys_fork(t, &attr);
	step_ends(s, t);
	expect(t->k, s->ipis == s->helpers, "%llu IPIs", (unsigned long long)s->ipis);
}

static void test_lazy_fork(void **state)
{
	struct scene s = { .helpers = 3, .help = helper_sleeps, .act = lazy_then_fork, .pages = 8 };

	(void)state;
	play(&s, NULL, NULL);
}

/* A lazy CPU that missed a flush makes up for it when it comes back; one that missed none does
 * not. */
static void comes_back(struct task *t, void *arg)
{
	struct scene *s = arg;

	task_sleep(t, 12 * SIM_MS); /* the helper has slept again and is lazy */
	step_begins(s, t);
	task_sleep(t, 12 * SIM_MS); /* it comes and goes */
	step_ends(s, t);
	expect(t->k, s->switch_full == 0, "%llu full flushes for nothing",
	       (unsigned long long)s->switch_full);
	step_begins(s, t);
	sys_madvise(t, s->area, PAGE_SIZE, MADV_DONTNEED);
	task_sleep(t, 12 * SIM_MS);
	step_ends(s, t);
	expect(t->k, s->ipis == 0 && s->switch_full == 1, "%llu full flushes at the switch",
	       (unsigned long long)s->switch_full);
}

static void test_back_from_lazy(void **state)
{
	struct scene s = { .helpers = 1, .help = helper_sleeps, .act = comes_back, .pages = 8 };

	(void)state;
	play(&s, NULL, NULL);
}

/* ---- nested gathers ---- */

static void helper_unmaps_too(struct task *t, void *arg)
{
	struct scene *s = arg;

	user_access(t, s->area, USER_READ);
	s->ready++;
	while (!s->go)
		user_compute(t, 100 * SIM_NS);
	sys_madvise(t, s->area + 16 * PAGE_SIZE, 16 * PAGE_SIZE, MADV_DONTNEED);
	while (!s->stop)
		user_compute(t, US);
}

/* Both at the same time: each must take what the other cleared for its own, and flush all. */
static void both_unmap(struct task *t, void *arg)
{
	struct scene *s = arg;

	step_begins(s, t);
	s->go = true;
	sys_madvise(t, s->area, 16 * PAGE_SIZE, MADV_DONTNEED);
	user_compute(t, 200 * US);
	step_ends(s, t);
	expect(t->k, s->full_local + s->full_remote >= 1, "no full flush of nested gathers");
	step_begins(s, t);
	sys_madvise(t, s->area, 16 * PAGE_SIZE, MADV_DONTNEED); /* alone, and nothing there */
	step_ends(s, t);
	expect(t->k, s->flushes == 0, "a flush of nothing");
}

static void test_nested_gathers(void **state)
{
	struct scene s = {
		.helpers = 1, .help = helper_unmaps_too, .act = both_unmap, .pages = 32
	};

	(void)state;
	play(&s, NULL, NULL);
}

/* ---- generations ---- */

static void helper_flushes(struct task *t, void *arg)
{
	struct scene *s = arg;
	const struct kcpu *c = this_cpu(t);

	user_access(t, s->area, USER_READ);
	s->ready++;
	if (c->id == 1) { /* deaf until both requests are in its queue */
		irq_disable(t);
		while (!c->call_queue || !c->call_queue->next) {
			spend(t, US);
			settle(t);
		}
		irq_enable(t);
		return;
	}
	while (!s->go)
		user_compute(t, 100 * SIM_NS);
	user_compute(t, 10 * US);
	flush_tlb_mm_range(t, t->mm, s->area + PAGE_SIZE, s->area + 2 * PAGE_SIZE, false);
}

/*
 * Two flushes of one page each reach CPU 1, which has interrupts off. It finds itself two
 * generations behind: one full flush serves both, and the second request has nothing left to do.
 * CPUs 0 and 2 flush one page for themselves and one for each other.
 */
static void coalesce(struct task *t, void *arg)
{
	struct scene *s = arg;

	step_begins(s, t);
	s->calls = t->k->metric.ipi_received->value;
	s->go = true;
	flush_tlb_mm_range(t, t->mm, s->area, s->area + PAGE_SIZE, false);
	user_compute(t, 100 * US);
	step_ends(s, t);
	s->calls = t->k->metric.ipi_received->value - s->calls;
}

static void test_generations(void **state)
{
	struct scene s = { .helpers = 2, .help = helper_flushes, .act = coalesce, .pages = 8 };

	(void)state;
	play(&s, NULL, NULL);
	assert_int_equal(s.calls, 4);
	assert_int_equal(s.remote, 3);
	assert_int_equal(s.full_remote, 1);
	assert_int_equal(s.local, 2);
	assert_int_equal(s.full_local, 0);
	assert_int_equal(s.invlpg, 4);
}

/* ---- a small case under each policy ---- */

static void test_small_case(void **state)
{
	static const struct {
		const char *policy;
		uint64_t ipis, flushes, invlpg;
	} rows[] = {
		{ "linux-6.18", 3, 1, 4 * 16 },
		{ "linux-6.14", 3, 1, 4 * 16 },
		{ "ipi-table-sync", 3, 1, 4 * 16 },
		{ "no-batching", 16 * 3, 16, 4 * 16 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct scene s = {
			.helpers = 3, .help = helper_computes, .act = dontneed_all, .pages = 16
		};

		play(&s, rows[i].policy, NULL);
		assert_int_equal(s.ipis, rows[i].ipis);
		assert_int_equal(s.flushes, rows[i].flushes);
		assert_int_equal(s.invlpg, rows[i].invlpg);
		assert_int_equal(s.table_sync, 0);
	}
}

/* munmap of a whole area frees its page tables: an interrupt to every CPU for each of them if they
 * are freed at once, none if RCU does it. */
static void unmap_all(struct task *t, void *arg)
{
	struct scene *s = arg;

	step_begins(s, t);
	sys_munmap(t, s->area - 32 * PAGE_SIZE, 2 * PMD_SIZE);
	step_ends(s, t);
}

static void test_table_sync(void **state)
{
	struct scene s = { .helpers = 1, .help = helper_computes, .act = unmap_all, .pages = 8 };
	struct scene rcu = s;

	(void)state;
	play(&s, "ipi-table-sync", NULL);
	assert_true(s.table_sync > 0);
	assert_int_equal(s.table_sync % (CPUS - 1), 0);
	play(&rcu, "linux-6.18", NULL);
	assert_int_equal(rcu.table_sync, 0);
	assert_int_equal(rcu.ipis, 1);
}

/* After the first flush the mm has a global ASID; when all have taken it over, no interrupts. */
static void broadcast(struct task *t, void *arg)
{
	struct scene *s = arg;
	uint64_t invlpgb;

	for (unsigned int i = 0; i < 4; i++) {
		sys_madvise(t, s->area + i * PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED);
		user_compute(t, 20 * US);
	}
	expect(t->k, t->mm->global_asid && !t->mm->asid_transition, "no global ASID");
	invlpgb = metric_find(sim_metrics(t->k->sim), "tlb.invlpgb", "")->value;
	step_begins(s, t);
	sys_madvise(t, s->area + 4 * PAGE_SIZE, 20 * PAGE_SIZE, MADV_DONTNEED);
	step_ends(s, t);
	invlpgb = metric_find(sim_metrics(t->k->sim), "tlb.invlpgb", "")->value - invlpgb;
	expect(t->k, invlpgb == 3, "%llu INVLPGB of 8 pages each for 20",
	       (unsigned long long)invlpgb);
	expect(t->k, s->ipis == 0 && s->invlpg == 0, "%llu IPIs with a global ASID",
	       (unsigned long long)s->ipis);
}

static void test_broadcast(void **state)
{
	struct scene s = { .helpers = 3, .help = helper_computes, .act = broadcast, .pages = 24 };

	(void)state;
	play(&s, "broadcast-flush", NULL);
}

/* INVLPGB reaches every CPU, also one that left mm_cpumask while it ran something else: when the mm
 * comes back there under the same global ASID, nothing stale may be left. */
static void comes_and_goes(struct task *t, void *arg)
{
	struct scene *s = arg;

	user_access(t, s->area, USER_READ);
	s->ready++;
	task_block(t);
	user_access(t, s->area + 8 * PAGE_SIZE, USER_READ); /* under the global ASID */
	task_block(t);
	user_access(t, s->area + 8 * PAGE_SIZE, USER_READ); /* zapped meanwhile */
}

static void stranger(struct task *t, void *arg)
{
	struct scene *s = arg;

	while (!s->stop)
		user_compute(t, 10 * US);
}

static void strand(struct task *t, void *arg)
{
	struct scene *s = arg;
	struct task_attr attr = {
		.comm = "guest", .cpu = 4, .initial_cpu = NO_CPU, .fn = comes_and_goes, .arg = s
	};
	struct task *guest = sys_clone_thread(t, &attr);

	wait_until(t, &s->ready, s->helpers + 1);
	task_sleep(t, 100 * US);
	sys_madvise(t, s->area, PAGE_SIZE, MADV_DONTNEED); /* grants the ASID */
	expect(t->k, t->mm->global_asid && t->mm->asid_transition, "no global ASID");
	task_wake(t, guest);
	task_sleep(t, 100 * US); /* it adopts the ASID, uses the page, sleeps */
	s->go = true;            /* now the stranger runs there */
	task_sleep(t, 100 * US);
	sys_madvise(t, s->area + PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED);
	expect(t->k, !cpumask_test(&t->mm->cpumask, 4), "still in mm_cpumask");
	sys_madvise(t, s->area + 8 * PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED);
	lru_add_drain(t);
	s->stop = true;
	task_wake(t, guest);
	task_sleep(t, 100 * US);
}

static void stranger_waits(struct task *t, void *arg)
{
	struct scene *s = arg;

	while (!s->go)
		task_sleep(t, 20 * US);
	stranger(t, arg);
}

static void test_stranded_translation(void **state)
{
	struct scene s = { .helpers = 2, .help = helper_computes, .act = strand, .pages = 16 };
	struct model_spec spec = { .policy = "broadcast-flush", .set = six, .seed = 4 };

	(void)state;
	model_start(&s.m, &spec);
	spawn(&s.m, "actor", 0, actor, &s);
	spawn(&s.m, "stranger", 4, stranger_waits, &s);
	model_run_clean(&s.m, "stranded", 4);
	model_end(&s.m);
}

/* ---- the gather's batches ---- */

static void test_batches(void **state)
{
	/* 7 + 19 * 509 pages a batch of batches */
	static const struct {
		uint64_t pages, flushes;
	} rows[] = { { 9677, 1 }, { 9678, 1 }, { 9679, 2 }, { 2 * 9678, 2 }, { 20000, 3 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct scene s = { .helpers = 1,
				   .help = helper_computes,
				   .act = dontneed_all,
				   .pages = rows[i].pages };

		play(&s, "ipi-table-sync", NULL); /* no tables in the way */
		assert_int_equal(s.flushes, rows[i].flushes);
		assert_int_equal(s.ipis, rows[i].flushes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_ceiling_is_a_parameter),
		cmocka_unit_test(test_lazy),
		cmocka_unit_test(test_lazy_fork),
		cmocka_unit_test(test_back_from_lazy),
		cmocka_unit_test(test_nested_gathers),
		cmocka_unit_test(test_generations),
		cmocka_unit_test(test_small_case),
		cmocka_unit_test(test_table_sync),
		cmocka_unit_test(test_broadcast),
		cmocka_unit_test(test_stranded_translation),
		cmocka_unit_test(test_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
