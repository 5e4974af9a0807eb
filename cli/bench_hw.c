// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Simulated user accesses a second through TLB and caches, cross calls a second on small and large
 * machines, and what a machine of 1,024 CPUs costs before anything runs on it.
 */
#include "cli/bench_hw.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "analysis/json.h"
#include "cli/command.h"
#include "models/hw/usermem.h"
#include "models/hw/walk.h"
#include "models/kernel/kernel.h"
#include "sim/base/text.h"
#include "sim/rng.h"

static const char machine_name[] = "hypothetical-1024", policy_name[] = "linux-6.18";
static const double least_seconds = 0.3; /* of each measurement */

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double now_s(void)
{
	return seconds(CLOCK_MONOTONIC);
}

/* What others do on this computer should not count. */
static double cpu_s(void)
{
	return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

/* ---- a machine to measure on ---- */

struct rig {
	struct sim *sim;
	struct kernel *k;
};

struct shape {
	const char *sockets, *l3_per_socket, *cores_per_l3, *threads;
};

static bool reshape(struct machine_desc *d, const struct shape *s, struct err *err)
{
	const struct where where = { .file = machine_name };

	return param_set(d, machine_params, "topology.sockets", s->sockets, where, err) &&
	       param_set(d, machine_params, "topology.l3_per_socket", s->l3_per_socket, where,
			 err) &&
	       param_set(d, machine_params, "topology.cores_per_l3", s->cores_per_l3, where, err) &&
	       param_set(d, machine_params, "topology.threads_per_core", s->threads, where, err);
}

/* shape NULL: as the file has it. */
static bool rig_make(struct rig *rig, const struct shape *shape, struct err *err)
{
	struct sim_options opt = { .seed = 1 };
	struct machine_desc desc = { 0 };
	struct kernel_costs costs;
	struct policy_set policy = { 0 };

	*rig = (struct rig){ 0 };
	if (machine_load(machine_name, &desc, NULL, err) &&
	    (!shape || reshape(&desc, shape, err)) && param_init(&costs, kernel_cost_params, err) &&
	    policy_set_load(policy_name, &policy, err))
		rig->sim = sim_create(&opt, err);
	if (rig->sim)
		rig->k = kernel_create(rig->sim, &desc, &costs, &policy);
	machine_desc_free(&desc);
	policy_set_free(&policy);
	return rig->sim != NULL;
}

static void rig_free(struct rig *rig)
{
	if (rig->k)
		kernel_free(rig->k);
	if (rig->sim)
		sim_destroy(rig->sim);
}

static bool rig_run(struct rig *rig, task_fn *fn, void *arg, struct err *err)
{
	struct task_attr attr = { .comm = "bench", .fn = fn, .arg = arg };

	kernel_spawn(rig->k, &attr);
	return sim_run(rig->sim, SIM_NEVER, err) == SIM_END_FINISHED;
}

/* ---- accesses ---- */

enum {
	ADDRESSES = 1 << 14,
	SLICE = 16, /* rounds */
	LINES = 4   /* of each page: the whole fits the L1D where TLB L1 does */
};

struct access_result {
	const char *name;
	double rate;
};

/* Page numbers and frames are the same here; tables lie above them. */
static void walk_to(struct cpu *cpu, uint32_t context, uint64_t vpn)
{
	struct walk_path path = { .leaf = 0 };
	struct tlb_entry from, entry = { .pte = vpn << PAGE_SHIFT, .dirty = true };
	bool known;

	for (unsigned int level = 0; level < WALK_LEVELS; level++)
		path.table[level].frame = (UINT64_C(1) << 30) * (level + 1) +
					  (vpn >> (9 * (level + 1)));
	walk_tables(cpu, context, vpn, &path, &from, &known);
	tlb_fill_page(&cpu->tlb, TLB_DATA, TLB_4K, context, vpn, entry);
}

static uint64_t one_round(struct cpu *cpu, uint32_t context, const uint64_t *address)
{
	uint64_t near = 0;

	for (unsigned int i = 0; i < ADDRESSES; i++) {
		uint64_t vpn = address[i] >> PAGE_SHIFT, offset = address[i] & (PAGE_SIZE - 1);
		struct tlb_entry *e;

		while (tlb_lookup(&cpu->tlb, context, vpn, &e) == TLB_MISS)
			walk_to(cpu, context, vpn);
		near += usermem_access(cpu->m, cpu->core, (e->pte & ~(PAGE_SIZE - 1)) | offset) ==
			MEM_L1;
	}
	return near;
}

static double measure_accesses(struct cpu *cpu, uint64_t pages, uint64_t *address)
{
	uint32_t context = tlb_flush_slot(&cpu->tlb, 0);
	double start, best = 1e9;
	struct rng rng;

	rng_init(&rng, 1, "addresses", pages);
	for (unsigned int i = 0; i < ADDRESSES; i++)
		address[i] = (rng_below(&rng, pages) << PAGE_SHIFT) +
			     rng_below(&rng, LINES) * CACHE_LINE;
	/* Pages start in different sets, so that few lines of many pages do not fight for one. */
	for (unsigned int i = 0; i < ADDRESSES; i++)
		address[i] += (address[i] >> PAGE_SHIFT) % (PAGE_SIZE / CACHE_LINE / LINES) *
			      LINES * CACHE_LINE;
	one_round(cpu, context, address);
	cpu->tlb.l1_hits = cpu->tlb.l2_hits = cpu->tlb.misses = 0;
	/* The best of many slices: a busy neighbour slows most of them. */
	for (start = cpu_s(); cpu_s() - start < least_seconds;) {
		double begin = cpu_s(), elapsed;

		for (unsigned int i = 0; i < SLICE; i++)
			one_round(cpu, context, address);
		elapsed = cpu_s() - begin;
		best = elapsed < best ? elapsed : best;
	}
	return (double)SLICE * ADDRESSES / best;
}

enum { ACCESSES = 3 };

static bool accesses(struct access_result r[ACCESSES], struct err *err)
{
	uint64_t *address = calloc(ADDRESSES, sizeof(*address));
	struct rig rig;
	bool ok = rig_make(&rig, NULL, err);

	if (ok) {
		struct cpu *cpu = &rig.k->m->cpus[0];
		const struct machine_desc *d = &rig.k->m->desc;

		r[0] = (struct access_result){
			"L1 TLB hits", measure_accesses(cpu, d->tlb.l1d_entries / 2, address)
		};
		if (cpu->tlb.l2_hits || cpu->tlb.misses)
			ok = err_set(err, "L1 TLB misses where all pages fit it");
		r[1] = (struct access_result){
			"L2 TLB hits", measure_accesses(cpu, d->tlb.l2_entries / 2, address)
		};
		if (cpu->tlb.l2_hits < cpu->tlb.l1_hits)
			ok = err_set(err, "few L2 TLB hits where all pages fit it");
		r[2] = (struct access_result){
			"page walks",
			measure_accesses(cpu, UINT64_C(16) * d->tlb.l2_entries, address)
		};
		if (cpu->tlb.misses < cpu->tlb.l2_hits)
			ok = err_set(err, "few walks where pages do not fit the TLB");
	}
	rig_free(&rig);
	free(address);
	return ok;
}

/* ---- interrupts ---- */

static const struct shape shapes[] = { { "1", "1", "2", "1" },
				       { "1", "8", "8", "1" },
				       { "8", "16", "8", "1" } };
enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

struct ipi_result {
	struct kernel *k;
	unsigned int cpus;
	uint64_t ipis, events;
	double seconds, simulated_us; /* of one call to all */
	bool done;
};

static void compute(struct task *t, void *arg)
{
	const struct ipi_result *r = arg;

	while (!r->done)
		user_compute(t, SIM_MS);
}

static uint64_t ipis_sent(const struct ipi_result *r)
{
	return r->k->metric.ipi[IPI_CALL]->value;
}

static void call_all(struct task *t, void *arg)
{
	struct ipi_result *r = arg;
	uint64_t ipis, events, calls = 0;
	sim_ps since;
	double start;

	for (unsigned int cpu = 1; cpu < r->cpus; cpu++) {
		struct task_attr attr = {
			.comm = "compute", .cpu = (int)cpu, .fn = compute, .arg = r
		};

		kernel_spawn(r->k, &attr);
	}
	for (unsigned int i = 0; i < 3; i++) /* queues are made at their first use */
		kernel_cross_call(t, 0, r->cpus);
	ipis = ipis_sent(r);
	events = sim_events(task_sim(t));
	since = sim_now(task_sim(t));
	start = cpu_s();
	do {
		kernel_cross_call(t, 0, r->cpus);
		calls++;
		r->seconds = cpu_s() - start;
	} while (r->seconds < least_seconds);
	r->ipis = ipis_sent(r) - ipis;
	r->events = sim_events(task_sim(t)) - events;
	r->simulated_us = (double)(sim_now(task_sim(t)) - since) / 1e6 / (double)calls;
	r->done = true;
}

static bool interrupts(const struct shape *shape, struct ipi_result *r, struct err *err)
{
	struct rig rig;
	bool ok = rig_make(&rig, shape, err);

	*r = (struct ipi_result){ .k = rig.k };
	if (ok) {
		r->cpus = kernel_nr_cpus(rig.k);
		ok = rig_run(&rig, call_all, r, err);
	}
	if (ok && !r->ipis)
		ok = err_set(err, "cross calls to %u CPUs sent no IPI", r->cpus);
	rig_free(&rig);
	return ok;
}

/* ---- a machine at rest ---- */

struct rest_result {
	unsigned int cpus;
	double make_s, events_per_s;
};

enum { LONG_S = 100 };

static void rest(struct task *t, void *arg)
{
	struct rest_result *r = arg;
	uint64_t events[3];

	/* The sleeper's own wake-ups are the same in both: what is more comes of idle time. */
	task_sleep(t, SIM_S);
	events[0] = sim_events(task_sim(t));
	task_sleep(t, SIM_S);
	events[1] = sim_events(task_sim(t));
	task_sleep(t, LONG_S * SIM_S);
	events[2] = sim_events(task_sim(t));
	r->events_per_s = ((double)(events[2] - events[1]) - (double)(events[1] - events[0])) /
			  (LONG_S - 1);
}

static bool at_rest(struct rest_result *r, struct err *err)
{
	double start = now_s();
	struct rig rig;
	bool ok = rig_make(&rig, NULL, err);

	*r = (struct rest_result){ .make_s = now_s() - start };
	if (ok) {
		r->cpus = kernel_nr_cpus(rig.k);
		ok = rig_run(&rig, rest, r, err);
	}
	rig_free(&rig);
	return ok;
}

/* ---- the report ---- */

struct results {
	struct access_result access[ACCESSES];
	struct ipi_result ipi[SHAPES];
	struct rest_result rest;
};

static void print(const struct results *r, FILE *out)
{
	char a[32], b[32];

	fprintf(out, "user accesses through TLB and caches, one core\n");
	for (unsigned int i = 0; i < ACCESSES; i++)
		fprintf(out, "  %-12s %10s/s  %6.1f ns each\n", r->access[i].name,
			text_from_count(r->access[i].rate, a, sizeof(a)), 1e9 / r->access[i].rate);
	fprintf(out, "cross calls to all other CPUs, all of them busy\n");
	for (unsigned int i = 0; i < SHAPES; i++) {
		const struct ipi_result *p = &r->ipi[i];
		double ipis = (double)p->ipis;

		fprintf(out,
			"  %4u CPUs %10s IPIs/s  %6.0f ns each  %10s events/s  "
			"%9.2f us simulated a call\n",
			p->cpus, text_from_count(ipis / p->seconds, a, sizeof(a)),
			1e9 * p->seconds / ipis,
			text_from_count((double)p->events / p->seconds, b, sizeof(b)),
			p->simulated_us);
	}
	fprintf(out,
		"a machine of %u CPUs: loaded and made in %.1f ms, %.1f events a simulated "
		"second while idle\n",
		r->rest.cpus, 1e3 * r->rest.make_s, r->rest.events_per_s);
}

static void print_json(const struct results *r, FILE *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_array(&j, "accesses");
	for (unsigned int i = 0; i < ACCESSES; i++) {
		json_object(&j, NULL);
		json_string(&j, "kind", r->access[i].name);
		json_double(&j, "accesses_per_s", r->access[i].rate);
		json_end_object(&j);
	}
	json_end_array(&j);
	json_array(&j, "ipis");
	for (unsigned int i = 0; i < SHAPES; i++) {
		const struct ipi_result *p = &r->ipi[i];

		json_object(&j, NULL);
		json_u64(&j, "cpus", p->cpus);
		json_double(&j, "ipis_per_s", (double)p->ipis / p->seconds);
		json_double(&j, "events_per_s", (double)p->events / p->seconds);
		json_double(&j, "simulated_us_per_call", p->simulated_us);
		json_end_object(&j);
	}
	json_end_array(&j);
	json_object(&j, "machine");
	json_string(&j, "name", machine_name);
	json_u64(&j, "cpus", r->rest.cpus);
	json_double(&j, "load_and_create_s", r->rest.make_s);
	json_double(&j, "idle_events_per_simulated_s", r->rest.events_per_s);
	json_end_object(&j);
	json_end_object(&j);
}

int bench_hw(bool json, FILE *out, struct err *err)
{
	struct results r = { 0 };

	if (!at_rest(&r.rest, err) || !accesses(r.access, err))
		return EXIT_RUN;
	for (unsigned int i = 0; i < SHAPES; i++)
		if (!interrupts(&shapes[i], &r.ipi[i], err))
			return EXIT_RUN;
	if (json)
		print_json(&r, out);
	else
		print(&r, out);
	return EXIT_OK;
}
