/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A probe measures some figures for as long as its share of a round lasts. Probes know the kernel's
 * system calls and the CPU, but neither machine files nor models: what a figure means for a machine
 * is decided in derive.c.
 */
#ifndef ANALYSIS_CALIBRATE_PROBE_H
#define ANALYSIS_CALIBRATE_PROBE_H

#include <pthread.h>
#include <stdatomic.h>

#include "analysis/calibrate/clock.h"
#include "analysis/calibrate/figure.h"
#include "analysis/calibrate/topology.h"

/* Two CPUs that stand for a distance. */
struct cpu_pair {
	unsigned int a, b; /* as the kernel counts */
	enum distance distance;
};

struct calib {
	struct topology topo;
	struct clock clock;
	struct figures figures;
	struct cpu_pair *pair; /* what line transfers are measured between */
	size_t n_pairs;
	const struct cpu_pair *by_distance[DISTANCES]; /* one of each for IPIs; NULL = none */
	unsigned int home;                             /* the CPU of whoever measures */
	double deadline;                               /* of the probe under way, by clock_wall_s */
	char *skipped; /* why something could not be measured, one reason a line; NULL */
};

struct probe {
	const char *name;
	double weight; /* share of a round */
	/* False: it cannot be measured here; *err says why. Tried once more in each round. */
	bool (*run)(struct calib *c, struct err *err);
};

extern const struct probe probe_cpu, probe_cache, probe_line, probe_tlb, probe_ipi, probe_flush,
	probe_map, probe_zero, probe_fork;

/* At least `least` repeats, then until the share is used up. */
static inline bool probe_goes_on(const struct calib *c, size_t done, size_t least)
{
	return done < least || clock_wall_s() < c->deadline;
}

#define PAGE_BYTES 4096ul
/* Quantile of a round's repeats: noise only adds, but the very least may be a lucky accident. */
#define LOW_QUANTILE 0.05

/* ---- chase.c: dependent loads; both return where they are after so many ---- */

void **chase(void **p, uint64_t loads);
/* Adds the ns of one load to fig, unless something disturbed them. */
void **chase_timed(struct calib *c, struct figure *fig, void **p, uint64_t loads);

/* ---- partner.c: a second thread of this process, on another CPU ---- */

enum partner_mode {
	PARTNER_SLEEP, /* blocked: its CPU runs others or idles */
	PARTNER_SPIN,  /* in user mode, watching for gaps in its own time */
	PARTNER_DEAF,  /* the same with the signal of partner_signal blocked */
	PARTNER_QUIT,
};

struct partner {
	pthread_t thread;
	unsigned int cpu;
	const struct clock *clock;
	_Atomic int mode, reached, tid;
	bool bound;
	/* The last gap that the spinning partner saw; seq is odd while it changes. */
	_Atomic uint32_t seq;
	_Atomic uint64_t gap_begin, gap_end;
};

struct gap {
	uint32_t seq;
	uint64_t begin, end;
};

bool partner_start(struct partner *p, const struct clock *clock, unsigned int cpu, struct err *err);
void partner_set(struct partner *p, enum partner_mode mode); /* returns once it is in that mode */
struct gap partner_gap(struct partner *p);
int partner_signal(void); /* a real-time signal whose handler does nothing */
void partner_stop(struct partner *p);

#endif
