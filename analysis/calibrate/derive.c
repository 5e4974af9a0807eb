// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * From figures to constants: the arithmetic within a round, and the table of what becomes what.
 * docs/calibrate.md explains each line of it. What needs the models is in fit.c.
 */
#include <gsl/gsl_multifit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/calibrate/calibrate.h"
#include "analysis/calibrate/probe_mm.h"
#include "analysis/calibrate/tlb_curve.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* The value of the latest round that has one; false if there is none at all. */
static bool last_of(const struct figures *f, double *v, const char *fmt, const char *name,
		    unsigned int n)
{
	const struct figure *fig;
	char full[64];

	snprintf(full, sizeof(full), "%s%s.%u", fmt, name, n);
	fig = figure_find(f, full);
	if (fig)
		*v = figure_last(fig);
	return fig != NULL;
}

static bool last_named(const struct figures *f, double *v, const char *name)
{
	const struct figure *fig = figure_find(f, name);

	if (fig)
		*v = figure_last(fig);
	return fig != NULL;
}

static void add(struct figures *f, const char *unit, const char *name, double v, double resolution)
{
	struct figure *fig = figure_get(f, unit, 0.5, "%s", name);

	fig->resolution = resolution;
	figure_add_round(fig, v);
}

/* ---- caches ---- */

static void derive_caches(struct figures *f, const struct cache_sizes *s)
{
	unsigned int n = cache_rings(s);
	struct cache_levels c;
	double ns[CACHE_RINGS];

	for (unsigned int i = 0; i < n; i++) {
		char name[48];

		cache_ring_name(cache_ring(s, i), name, sizeof(name));
		if (!last_named(f, &ns[i], name))
			return;
	}
	if (!n)
		return;
	c = cache_steps(s, ns);
	add(f, "ns", "cache.l1d_hit", c.l1d_ns, 0);
	add(f, "ns", "cache.l2_hit", c.l2_ns, 0);
	add(f, "ns", "line.memory", c.memory_ns, 0);
	if (!c.l3)
		return;
	add(f, "ns", "cache.l3_hit", c.l3_ns, 0);
	add(f, "KiB", "cache.l3_size", c.l3_bytes / 1024, c.l3_bytes / 1024 / 8);
}

/* ---- TLB ---- */

static void derive_tlb(struct figures *f)
{
	double extra[TLB_POINTS];
	struct tlb_levels t;

	for (unsigned int i = 0; i < TLB_POINTS; i++) {
		double sparse, dense;

		if (!last_of(f, &sparse, "tlb.", "sparse", tlb_point(i)) ||
		    !last_of(f, &dense, "tlb.", "dense", tlb_point(i)))
			return;
		extra[i] = sparse - dense;
	}
	t = tlb_steps(extra);
	/* A step of the grid is an eighth to a sixteenth of a size. */
	if (t.l1) {
		add(f, "entries", "tlb.l1d_entries", t.l1_entries, t.l1_entries / 8.0);
		add(f, "ns", "tlb.l2_hit", t.l2_hit_ns, 0.1);
	}
	if (t.l2) {
		add(f, "entries", "tlb.l2_entries", t.l2_entries, t.l2_entries / 8.0);
		add(f, "ns", "tlb.walk", t.walk_ns, 0.1);
	}
}

/* ---- flushes ---- */

enum { FLUSH_TERMS = 4, CEILING = 33 };

/*
 * T(N) = base + zap N + invlpg N [N <= 33] + step [N > 33], by least squares of relative errors:
 * the kernel flushes page by page up to 33 pages and all at once beyond. `step` is not the cost of
 * a full flush: it is less by what the first INVLPG costs more (it empties the walk caches, too).
 */
static bool fit_flush(const double *ns, double term[FLUSH_TERMS])
{
	gsl_matrix *x = gsl_matrix_alloc(DONTNEED_POINTS, FLUSH_TERMS);
	gsl_matrix *cov = gsl_matrix_alloc(FLUSH_TERMS, FLUSH_TERMS);
	gsl_vector *y = gsl_vector_alloc(DONTNEED_POINTS), *w = gsl_vector_alloc(DONTNEED_POINTS);
	gsl_vector_view c = gsl_vector_view_array(term, FLUSH_TERMS);
	gsl_multifit_linear_workspace *work = gsl_multifit_linear_alloc(DONTNEED_POINTS,
									FLUSH_TERMS);
	double chisq;
	int ret;

	for (unsigned int i = 0; i < DONTNEED_POINTS; i++) {
		unsigned int n = dontneed_pages[i];

		gsl_matrix_set(x, i, 0, 1);
		gsl_matrix_set(x, i, 1, n);
		gsl_matrix_set(x, i, 2, n <= CEILING ? n : 0);
		gsl_matrix_set(x, i, 3, n > CEILING);
		gsl_vector_set(y, i, ns[i]);
		gsl_vector_set(w, i, 1 / (ns[i] * ns[i]));
	}
	ret = gsl_multifit_wlinear(x, w, y, &c.vector, cov, &chisq, work);
	gsl_multifit_linear_free(work);
	gsl_matrix_free(x);
	gsl_matrix_free(cov);
	gsl_vector_free(y);
	gsl_vector_free(w);
	return ret == 0;
}

static void derive_flush(struct figures *f)
{
	double ns[DONTNEED_POINTS], term[FLUSH_TERMS];

	for (int i = 0; i < DONTNEED_POINTS; i++)
		if (!last_of(f, &ns[i], "", "dontneed", dontneed_pages[i]) || ns[i] <= 0)
			return;
	if (!fit_flush(ns, term))
		return;
	add(f, "ns", "dontneed.per_page", term[1], 1);
	/* No step down at 34 pages: this kernel does not flush page by page (INVLPGB, or another
	 * architecture), and nothing can be told apart. */
	if (term[2] > 0)
		add(f, "ns", "flush.invlpg", term[2], 1);
}

/*
 * mprotect beyond the ceiling is its calls and VMAs, a full flush, and so much a page. What the
 * same call costs where there is no page leaves the flush, with the kernel code around it, which
 * fit.c takes out.
 */
static void derive_full_flush(struct figures *f)
{
	double few, many, empty;

	if (!last_named(f, &few, "mprotect_ro.64") || !last_named(f, &many, "mprotect_ro.512") ||
	    !last_named(f, &empty, "mprotect_empty.64"))
		return;
	few -= (many - few) * 64 / (512 - 64);
	if (few > empty)
		add(f, "ns", "flush.full", few - empty, 20);
}

/* ---- interrupts ---- */

static void derive_ipi_round(struct figures *f, const char *d)
{
	static const char *const names[] = {
		"signal",           "signal_blocked", "delivery",
		"membarrier_alone", "madvise",        "madvise_alone"
	};
	double v[6], syscall;
	char name[64];

	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "ipi.%s.%s", names[i], d);
		if (!last_named(f, &v[i], name))
			return;
	}
	if (!last_named(f, &syscall, "syscall"))
		return;
	/* What the signal to a running thread costs more is the interrupt alone. */
	snprintf(name, sizeof(name), "ipi.send.%s", d);
	add(f, "ns", name, v[0] - v[1], 0);
	/* The way to the ICR write is membarrier without it, less the way back out. */
	snprintf(name, sizeof(name), "ipi.transit.%s", d);
	add(f, "ns", name, v[2] - (v[3] - syscall / 2), 0);
	snprintf(name, sizeof(name), "ipi.shootdown.%s", d);
	add(f, "ns", name, v[4] - v[5], 0);
}

void derive_round(struct figures *f, const struct topology *topo)
{
	derive_caches(f, &topo->caches);
	derive_tlb(f);
	derive_flush(f);
	derive_full_flush(f);
	for (int d = 0; d < DISTANCES; d++)
		derive_ipi_round(f, distance_names[d]);
}

/* ---- constants ---- */

void constant_add(struct calibration *c, const char *key, const char *text,
		  enum constant_source source, const struct summary *summary, const char *note)
{
	struct constant *k;

	c->constant = realloc(c->constant, (c->n_constants + 1) * sizeof(*c->constant));
	if (!c->constant)
		abort();
	k = &c->constant[c->n_constants++];
	*k = (struct constant){ .source = source };
	snprintf(k->key, sizeof(k->key), "%s", key);
	snprintf(k->text, sizeof(k->text), "%s", text);
	snprintf(k->note, sizeof(k->note), "%s", note);
	if (summary)
		k->summary = *summary;
}

void constant_remove(struct calibration *c, const char *key)
{
	for (size_t i = 0; i < c->n_constants; i++)
		if (!strcmp(c->constant[i].key, key))
			c->constant[i--] = c->constant[--c->n_constants];
}

const struct constant *constant_find(const struct calibration *c, const char *key)
{
	for (size_t i = 0; i < c->n_constants; i++)
		if (!strcmp(c->constant[i].key, key))
			return &c->constant[i];
	return NULL;
}

static const struct {
	const char *key, *figure, *note;
} direct[] = {
	{ "line.hit", "line.hit", "load of an own line, each needing the one before" },
	{ "line.atomic", "line.atomic", "locked addition to an own line" },
	{ "line.same_core", "line.same_core", "half a round trip of compare-and-swap" },
	{ "line.same_l3", "line.same_l3", "half a round trip of compare-and-swap" },
	{ "line.same_socket", "line.same_socket", "half a round trip of compare-and-swap" },
	{ "line.cross_socket", "line.cross_socket", "half a round trip of compare-and-swap" },
	{ "line.memory", "line.memory", "ring of four times the L3" },
	{ "cache.l1d_hit", "cache.l1d_hit", "ring of half of it" },
	{ "cache.l2_hit", "cache.l2_hit", "ring of half of it" },
	{ "cache.l3_hit", "cache.l3_hit", "ring that L2 cannot hold" },
	{ "cache.l3_size", "cache.l3_size",
	  "ring of which half misses: what its other users leave" },
	{ "tlb.l1d_entries", "tlb.l1d_entries", "first step of the curve over pages" },
	{ "tlb.l2_entries", "tlb.l2_entries", "second step of the curve over pages" },
	{ "tlb.l2_hit", "tlb.l2_hit", "height of the first step" },
	{ "tlb.walk", "tlb.walk", "height of both steps at 8192 pages" },
	{ "flush.invlpg", "flush.invlpg", "DONTNEED: slope to 33 pages less slope beyond" },
	{ "flush.cr3_write", "flush.full",
	  "mprotect of 64 pages, less its share a page, one of no page, and flush code" },
};

const char *constant_time(double ns, char *buf, size_t size)
{
	snprintf(buf, size, ns < 1000 ? "%.4gns" : "%.4gus", ns < 1000 ? ns : ns / 1000);
	return buf;
}

static const char *exact(const struct figure *fig, double v, char *buf, size_t size)
{
	if (strcmp(fig->unit, "ns") == 0)
		return constant_time(v, buf, size);
	snprintf(buf, size, strcmp(fig->unit, "KiB") == 0 ? "%.0fKiB" : "%.0f", v);
	return buf;
}

static void add_direct(struct calibration *c)
{
	for (size_t i = 0; i < sizeof(direct) / sizeof(direct[0]); i++) {
		const struct figure *fig = figure_find(&c->figures, direct[i].figure);
		struct summary s;
		char text[64];

		if (!fig)
			continue;
		s = figure_summary(fig);
		if (s.median > 0)
			constant_add(c, direct[i].key, exact(fig, s.median, text, sizeof(text)),
				     CONSTANT_MEASURED, &s, direct[i].note);
	}
}

static void add_clock(struct calibration *c)
{
	const struct figure *cycle = figure_find(&c->figures, "cpu.cycle");
	struct summary s;
	char text[64];

	if (!cycle)
		return;
	s = figure_summary(cycle);
	/* Tens of MHz: the rest is the clock's own wandering. */
	snprintf(text, sizeof(text), "%.0fMHz", round(1e3 / s.median / 10) * 10);
	constant_add(c, "clock", text, CONSTANT_MEASURED, &s, "a chain of additions, one a cycle");
}

static void add_number(struct calibration *c, const char *key, uint32_t v, const char *note)
{
	char text[32];

	snprintf(text, sizeof(text), "%u", v);
	constant_add(c, key, text, CONSTANT_READ, NULL, note);
}

static void add_flag(struct calibration *c, const char *key, bool v, const char *note)
{
	constant_add(c, key, v ? "true" : "false", CONSTANT_READ, NULL, note);
}

static void add_topology(struct calibration *c)
{
	const struct topology *t = &c->topo;
	const char *note = t->even ? "hwloc" : "hwloc; groups differ in size, the largest counts";

	add_number(c, "topology.sockets", t->sockets, note);
	add_number(c, "topology.l3_per_socket", t->l3_per_socket, note);
	add_number(c, "topology.cores_per_l3", t->cores_per_l3, note);
	add_number(c, "topology.threads_per_core",
		   t->threads_per_core > 2 ? 2 : t->threads_per_core, note);
}

static void add_size(struct calibration *c, const char *key, uint64_t bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%lluKiB", (unsigned long long)(bytes >> 10));
	if (bytes)
		constant_add(c, key, text, CONSTANT_READ, NULL, "hwloc");
}

static void add_caches(struct calibration *c)
{
	const struct cache_sizes *s = &c->topo.caches;

	add_size(c, "cache.l1d_size", s->l1d);
	add_size(c, "cache.l2_size", s->l2);
	if (!figure_find(&c->figures, "cache.l3_size"))
		add_size(c, "cache.l3_size", s->l3);
	if (s->l1d_ways)
		add_number(c, "cache.l1d_ways", s->l1d_ways, "hwloc");
	if (s->l2_ways)
		add_number(c, "cache.l2_ways", s->l2_ways, "hwloc");
	if (s->l3_ways)
		add_number(c, "cache.l3_ways", s->l3_ways, "hwloc");
}

#if defined(__x86_64__)
static void add_cpuid(struct calibration *c)
{
	unsigned int a, b, cx, d, kvm = 0;
	bool invlpgb = false;

	if (!__get_cpuid(1, &a, &b, &cx, &d))
		return;
	add_flag(c, "tlb.pcid", cx >> 17 & 1, "CPUID 1");
	add_flag(c, "idle_mwait", cx >> 3 & 1, "CPUID 1 (MONITOR)");
	add_flag(c, "virt.guest", c->topo.guest, "CPUID 1 (hypervisor)");
	if (__get_cpuid(0x80000008, &a, &b, &cx, &d))
		invlpgb = b >> 3 & 1;
	add_flag(c, "flush.has_invlpgb", invlpgb, "CPUID 0x80000008");
	if (invlpgb)
		add_number(c, "flush.invlpgb_max_pages", (d & 0xffff) + 1, "CPUID 0x80000008");
	if (c->topo.guest) {
		char vendor[13] = "";

		__cpuid(0x40000000, a, b, cx, d);
		memcpy(vendor, &b, 4);
		memcpy(vendor + 4, &cx, 4);
		memcpy(vendor + 8, &d, 4);
		if (!strncmp(vendor, "KVMKVMKVM", 9)) {
			__cpuid(0x40000001, kvm, b, cx, d);
			add_flag(c, "virt.pv_ipi", kvm >> 11 & 1, "CPUID 0x40000001");
		}
	}
}
#else
static void add_cpuid(struct calibration *c)
{
	(void)c;
}
#endif

static void add_pti(struct calibration *c)
{
	FILE *in = fopen("/sys/devices/system/cpu/vulnerabilities/meltdown", "r");
	char line[128] = "";

	if (!in)
		return;
	if (fgets(line, sizeof(line), in))
		add_flag(c, "flush.pti", strstr(line, "PTI") != NULL,
			 "/sys/devices/system/cpu/vulnerabilities/meltdown");
	fclose(in);
}

void derive_constants(struct calibration *c)
{
	add_topology(c);
	add_caches(c);
	add_cpuid(c);
	add_pti(c);
	add_clock(c);
	add_direct(c);
}

/* ---- constants of interrupts ---- */

static void add_ns(struct calibration *c, const char *key, double ns, const struct summary *s,
		   const char *note)
{
	char text[64];

	/* The base machine's value is better than none at all. */
	if (ns <= 0)
		return;
	constant_add(c, key, constant_time(ns, text, sizeof(text)), CONSTANT_MEASURED, s, note);
}

static bool summary_of(const struct calibration *c, struct summary *s, const char *what,
		       const char *distance)
{
	const struct figure *fig;
	char name[64];

	snprintf(name, sizeof(name), "ipi.%s.%s", what, distance);
	fig = figure_find(&c->figures, name);
	if (fig)
		*s = figure_summary(fig);
	return fig != NULL;
}

/* The target: what a gap holds beside the constants is the handler's way to its request. */
static void add_target(struct calibration *c, const struct machine_desc *base, const char *distance,
		       double line_ns)
{
	double code = c->irq_ns + 3 * line_ns, entry = (double)base->ipi.entry / 1e3,
	       exit = (double)base->ipi.exit / 1e3;
	struct summary gap;

	if (!summary_of(c, &gap, "gap", distance))
		return;
	if (c->topo.guest) {
		add_ns(c, "virt.receive", gap.median - code - entry - exit, &gap,
		       "the target's gap, less ipi.entry, ipi.exit, kernel.irq, three lines");
	} else if (entry + exit > 0) {
		add_ns(c, "ipi.entry", (gap.median - code) * entry / (entry + exit), &gap,
		       "the target's gap less kernel.irq and three lines, base's share of it");
		add_ns(c, "ipi.exit", (gap.median - code) * exit / (entry + exit), &gap,
		       "the target's gap less kernel.irq and three lines, base's share of it");
	}
}

void derive_ipi(struct calibration *c, const struct machine_desc *base)
{
	bool first = true;

	for (int d = 0; d < DISTANCES; d++) {
		struct summary send, transit;
		char key[64], line[64];
		const struct figure *fig;

		if (!summary_of(c, &send, "send", distance_names[d]) ||
		    !summary_of(c, &transit, "transit", distance_names[d]))
			continue;
		snprintf(key, sizeof(key), "ipi.%s", distance_names[d]);
		add_ns(c, key, transit.median, &transit,
		       "from the ICR write to the gap of the target's user code");
		if (!first)
			continue;
		first = false;
		if (c->topo.guest)
			add_ns(c, "virt.icr_exit",
			       send.median - (double)base->virt.icr_target / 1e3, &send,
			       "signal to a running thread less one that it blocks");
		else
			add_ns(c, "ipi.icr_write", send.median, &send,
			       "signal to a running thread less one that it blocks");
		snprintf(line, sizeof(line), "line.%s", distance_names[d]);
		fig = figure_find(&c->figures, line);
		add_target(c, base, distance_names[d], fig ? figure_summary(fig).median : 0);
	}
}
