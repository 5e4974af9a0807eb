/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Remote action requests: microcode that works with interrupts off, one request after the other, on
 * time that its CPU loses; CPUs that leave mm_cpumask and come back; and a kernel that forgets to
 * flush them.
 */
#include "tests/models/flush_scene.h"

#include "models/hw/rar.h"
#include "models/kernel/rar.h"
#include "models/kernel/tlb_batch.h"
#include "models/policy/global_asid.h"

#define NS SIM_NS

#define SIX                                                                                        \
	"topology.cores_per_l3", "6", "topology.threads_per_core", "1", "ipi.jitter", "0", "hz",   \
		"100", "shootdown.min_active_cpus", "2", "shootdown.sample", "1",                  \
		"cache.code_line", "0ps"
static const char *const six[] = { SIX, "flush.rar_base", "200ns", "flush.rar_page", "50ns", NULL };

static void start(struct model *m, const char *const *set)
{
	struct model_spec spec = {
		.machine = "sapphirerapids-1s64", .policy = "rar", .set = set, .seed = 3
	};

	model_start(m, &spec);
}

/* ---- the target ---- */

static void idles(struct task *t, void *arg)
{
	(void)arg;
	task_sleep(t, SIM_US);
}

static void test_requests_queue(void **state)
{
	struct model m;
	struct cpu *cpu;

	(void)state;
	start(&m, six);
	spawn(&m, "idles", 0, idles, NULL);
	model_run_clean(&m, "idles", 3);
	model_end(&m);
	start(&m, six);
	cpu = &m.k->m->cpus[2];
	cpu->busy = true;
	assert_int_equal(rar_arrive(cpu, 1000 * NS, 2), (1000 + 200 + 2 * 50) * NS);
	assert_int_equal(rar_arrive(cpu, 1100 * NS, 1), (1300 + 200 + 50) * NS); /* waits */
	assert_int_equal(rar_arrive(cpu, 5000 * NS, 63), (5000 + 200 + 63 * 50) * NS);
	assert_int_equal(cpu->owed, 3 * 200 * NS + 66 * 50 * NS);
	cpu->busy = false; /* halted: leaves its idle state, and nobody loses time */
	cpu->owed = 0;
	assert_int_equal(rar_arrive(cpu, 20000 * NS, 0), 20000 * NS + m.k->m->desc.ipi.idle_exit +
								 200 * NS +
								 m.k->m->desc.flush.cr3_write);
	assert_int_equal(cpu->owed, 0);
	cpu->rar_free = 0;
	model_end(&m);
}

/* ---- a whole request ---- */

struct play {
	uint64_t area, rar, received;
	bool irqs_off, ready, go, stop;
	sim_ps took, work;
};

static void target(struct task *t, void *arg)
{
	struct play *p = arg;
	sim_ps begin;

	user_access(t, p->area, USER_READ);
	p->ready = true;
	while (!p->go)
		user_compute(t, US);
	settle(t);
	if (p->irqs_off)
		irq_disable(t);
	begin = sim_now(t->k->sim);
	spend(t, 300 * US);
	settle(t);
	p->work = sim_now(t->k->sim) - begin;
	if (p->irqs_off)
		irq_enable(t);
	while (!p->stop)
		user_compute(t, US);
}

static void source(struct task *t, void *arg)
{
	struct play *p = arg;
	struct task_attr attr = {
		.comm = "target", .cpu = 1, .initial_cpu = NO_CPU, .fn = target, .arg = p
	};
	struct kernel *k = t->k;
	sim_ps begin;

	p->area = (uint64_t)sys_mmap(t, 0, PMD_SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS);
	for (unsigned int i = 0; i < 8; i++)
		user_access(t, p->area + i * PAGE_SIZE, USER_WRITE);
	sys_clone_thread(t, &attr);
	while (!p->ready)
		user_compute(t, US);
	for (unsigned int i = 0; i < 3; i++) /* grants the ASID, and both take it over */
		sys_madvise(t, p->area + i * PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED);
	expect(k, t->mm->global_asid && !t->mm->asid_transition, "no global ASID");
	p->go = true;
	user_compute(t, 50 * US);
	p->rar = metric_find(sim_metrics(k->sim), "tlb.rar", "")->value;
	p->received = k->metric.ipi_received->value;
	settle(t);
	begin = sim_now(k->sim);
	sys_madvise(t, p->area + 4 * PAGE_SIZE, 4 * PAGE_SIZE, MADV_DONTNEED);
	p->took = sim_now(k->sim) - begin;
	p->rar = metric_find(sim_metrics(k->sim), "tlb.rar", "")->value - p->rar;
	p->received = k->metric.ipi_received->value - p->received;
	user_compute(t, 400 * US);
	p->stop = true;
}

/* One request of four pages; the target works on, and its work takes so much longer. */
static void test_lost_time(void **state)
{
	(void)state;
	for (unsigned int off = 0; off < 2; off++) {
		struct play p = { .irqs_off = off };
		struct model m;

		start(&m, six);
		spawn(&m, "source", 0, source, &p);
		model_run_clean(&m, "source", off);
		model_end(&m);
		assert_int_equal(p.rar, 1);
		assert_int_equal(p.received, 0);
		assert_int_equal(p.work, 300 * US + 200 * NS + 4 * 50 * NS);
		assert_true(p.took < 5 * US); /* whether interrupts are on or off */
	}
}

static void test_ipis_wait(void **state)
{
	static const char *const ipi[] = { SIX, "flush.has_rar", "false", NULL };
	struct model_spec spec = {
		.machine = "sapphirerapids-1s64", .policy = "rar", .set = ipi, .seed = 3
	};
	struct model m;

	(void)state;
	model_start(&m, &spec);
	assert_null(m.k->rar);
	assert_false(m.k->asid_by_mask);
	spawn(&m, "idles", 0, idles, NULL);
	model_run_clean(&m, "idles", 3);
	model_end(&m);
}

/* ---- out of mm_cpumask and back ---- */

struct strand {
	uint64_t area;
	unsigned int step;
	bool stop;
	struct task *guest;
};

static void guest(struct task *t, void *arg)
{
	struct strand *s = arg;

	user_access(t, s->area, USER_READ);
	task_block(t);
	user_access(t, s->area + 8 * PAGE_SIZE, USER_READ); /* under the global ASID */
	task_block(t);
	user_access(t, s->area + 8 * PAGE_SIZE, USER_READ); /* zapped meanwhile */
}

static void stays(struct task *t, void *arg)
{
	struct strand *s = arg;

	user_access(t, s->area, USER_READ);
	while (!s->stop)
		task_sleep(t, 100 * SIM_MS);
}

static void stranger(struct task *t, void *arg)
{
	struct strand *s = arg;

	while (s->step < 1)
		task_sleep(t, 20 * US);
	while (!s->stop)
		user_compute(t, 10 * SIM_MS);
}

static void strands(struct task *t, void *arg)
{
	struct strand *s = arg;
	struct task_attr attr = {
		.comm = "guest", .cpu = 4, .initial_cpu = NO_CPU, .fn = guest, .arg = s
	};
	struct mm *mm = t->mm;

	s->area = (uint64_t)sys_mmap(t, 0, PMD_SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS);
	for (unsigned int i = 0; i < 16; i++)
		user_access(t, s->area + i * PAGE_SIZE, USER_WRITE);
	s->guest = sys_clone_thread(t, &attr);
	attr = (struct task_attr){
		.comm = "stays", .cpu = 2, .initial_cpu = NO_CPU, .fn = stays, .arg = s
	};
	sys_clone_thread(t, &attr);
	while (!mm->global_asid) {
		sys_madvise(t, s->area, PAGE_SIZE, MADV_DONTNEED);
		user_compute(t, 100 * US);
	}
	task_wake(t, s->guest);
	task_sleep(t, 200 * US);
	s->step = 1; /* a stranger runs on CPU 4 now */
	task_sleep(t, 2500 * SIM_MS);
	for (unsigned int i = 1; i < 4; i++) { /* one of them trims */
		sys_madvise(t, s->area + i * PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED);
		user_access(t, s->area + i * PAGE_SIZE, USER_WRITE);
	}
	expect(t->k, !cpumask_test(&mm->cpumask, 4), "still in mm_cpumask");
	sys_madvise(t, s->area + 8 * PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED);
	lru_add_drain(t);
	s->stop = true;
	task_wake(t, s->guest);
	task_sleep(t, 200 * US);
}

static uint64_t play_strand(const char *const *set, const char *kind)
{
	struct strand s = { 0 };
	struct model m;
	uint64_t n;

	start(&m, set);
	spawn(&m, "strands", 0, strands, &s);
	spawn(&m, "stranger", 4, stranger, &s);
	if (!kind)
		model_run_clean(&m, "strands", 3);
	else
		model_run(&m);
	n = kind ? violations_of(&m, kind) : 0;
	model_end(&m);
	return n;
}

static void test_back_in_the_mask(void **state)
{
	(void)state;
	play_strand(six, NULL);
}

/* The same policy, in a kernel that takes the ASID for up to date wherever it is. */
static void flush_by_rar(const void *p, struct task *t, struct mm *mm,
			 const struct flush_tlb_info *info)
{
	static const struct {
		struct global_asid_params asid;
		uint32_t ceiling;
	} params = { { 2, 1 }, 33 };
	const struct shootdown_ops *rar = policy_find(AXIS_SHOOTDOWN, "rar")->ops;

	(void)p;
	rar->flush(&params, t, mm, info);
}

static const struct shootdown_ops careless_ops = { .flush = flush_by_rar };
static const struct policy_choice careless = { .axis = AXIS_SHOOTDOWN,
					       .name = "planted-rar",
					       .summary = "wrong on purpose",
					       .source = "tests",
					       .ops = &careless_ops };
POLICY(careless);

static void test_planted(void **state)
{
	static const char *const set[] = { "shootdown=planted-rar", "topology.cores_per_l3=6",
					   "topology.threads_per_core=1", NULL };

	(void)state;
	assert_true(play_strand(set, "stale-translation") > 0);
}

/* ---- reclaim's batches ---- */

struct batch_play {
	uint64_t area;
	bool ready, stop;
	uint32_t before, after;
};

static void holds(struct task *t, void *arg)
{
	struct batch_play *p = arg;

	while (!p->stop) {
		for (unsigned int i = 0; i < 8; i++)
			user_access(t, p->area + i * PAGE_SIZE, USER_READ);
		p->ready = true;
		user_compute(t, 100 * US);
	}
}

static void batches(struct task *t, void *arg)
{
	struct batch_play *p = arg;
	struct task_attr attr = {
		.comm = "holds", .cpu = 1, .initial_cpu = NO_CPU, .fn = holds, .arg = p
	};
	const struct kcpu *c = &t->k->cpus[1];

	p->area = (uint64_t)sys_mmap(t, 0, PMD_SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS);
	sys_clone_thread(t, &attr);
	for (unsigned int i = 0; i < 5 || !t->mm->global_asid; i++) {
		user_access(t, p->area + 20 * PAGE_SIZE, USER_WRITE);
		sys_madvise(t, p->area + 20 * PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED);
		user_compute(t, 150 * US);
	}
	p->before = tlb_count(&c->cpu->tlb, tlb_context(&c->cpu->tlb, GLOBAL_ASID_SLOT));
	set_tlb_ubc_flush_pending(t, t->mm, p->area, 0);
	try_to_unmap_flush(t);
	p->after = tlb_count(&c->cpu->tlb, tlb_context(&c->cpu->tlb, GLOBAL_ASID_SLOT));
	p->stop = true;
}

static void test_batch(void **state)
{
	struct batch_play p = { 0 };
	struct model m;

	(void)state;
	start(&m, six);
	spawn(&m, "batches", 0, batches, &p);
	model_run_clean(&m, "batches", 3);
	model_end(&m);
	assert_true(p.before >= 8);
	assert_int_equal(p.after, 0);
}

static void test_scene(void **state)
{
	static const char *const pti[] = {
		SIX, "flush.pti", "true", "flush.rar_payloads", "2", NULL
	};
	static const char *const *const sets[] = { six, pti };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct flush_scene s = { .machine = "sapphirerapids-1s64",
					 .policy = "rar",
					 .set = sets[i],
					 .users = 5,
					 .seed = 70 + i };

		scene_play(&s);
		check_clean(&s.m, "scene", i);
		assert_true(counter(&s.m, "tlb.rar", "") > 20);
		model_end(&s.m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_queue), cmocka_unit_test(test_lost_time),
		cmocka_unit_test(test_ipis_wait),      cmocka_unit_test(test_back_in_the_mask),
		cmocka_unit_test(test_planted),        cmocka_unit_test(test_batch),
		cmocka_unit_test(test_scene),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
