/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `mmsim calibrate`: measures the computer that it runs on and derives a machine file from it.
 * Figures (what was measured) and constants (what a machine file holds) are apart:
 * docs/calibrate.md says how each constant follows. Prints nothing; progress is told through a
 * function.
 */
#ifndef ANALYSIS_CALIBRATE_CALIBRATE_H
#define ANALYSIS_CALIBRATE_CALIBRATE_H

#include <stdio.h>

#include "analysis/calibrate/figure.h"
#include "analysis/calibrate/topology.h"

enum constant_source {
	CONSTANT_BASE,     /* of the base machine */
	CONSTANT_MEASURED, /* follows from figures */
	CONSTANT_READ,     /* asked of the system: topology, CPUID */
};

/* One key of the machine file that does not come from the base machine. */
struct constant {
	char key[64]; /* "flush.invlpg", "kernel.scale" */
	char text[64];
	enum constant_source source;
	struct summary summary; /* CONSTANT_MEASURED */
	char note[160];         /* how it follows */
};

/* A step as measured and as the models have it with the constants found. */
struct model_check {
	char name[48];
	double measured_ns, model_ns;
};

struct calibration {
	struct topology topo;
	struct figures figures;
	char base[128]; /* the machine that the rest comes from */
	char date[16];
	double seconds;
	size_t rounds;
	struct constant *constant;
	size_t n_constants;
	struct model_check *check;
	size_t n_checks;
	double irq_ns; /* kernel.irq at the scale found */
	double misfit; /* root mean square of ln(measured / model) over the fitted steps */
	char *skipped; /* what could not be measured and why, a line each; "" = nothing */
};

struct calibrate_options {
	const char *base; /* NULL: chosen by vendor and guest */
	double seconds;   /* of measuring, all in all */
	void (*progress)(void *arg, double share, const char *what);
	void *arg;
};

/* False and *err: nothing could be measured, or the base machine is bad. */
bool calibrate_run(const struct calibrate_options *opt, struct calibration *out, struct err *err);
void calibration_free(struct calibration *c);

/* ---- derive.c ---- */

/* What follows within the round that has just ended, as figures of their own. */
void derive_round(struct figures *f, const struct topology *topo);
/* The constants that follow from the figures alone. */
void derive_constants(struct calibration *c);
/* virt.* or ipi.*: those that need kernel.scale and the base machine's shares. */
struct machine_desc;
void derive_ipi(struct calibration *c, const struct machine_desc *base);
void constant_add(struct calibration *c, const char *key, const char *text,
		  enum constant_source source, const struct summary *summary, const char *note);
/* Four digits and a unit, as machine files have it; returns buf. */
const char *constant_time(double ns, char *buf, size_t size);
const struct constant *constant_find(const struct calibration *c, const char *key);
void constant_remove(struct calibration *c, const char *key);

/* ---- derive_fork.c ---- */

/* kernel.fork and its like, for a kernel whose steps are `base` times `scale`. */
struct kernel_costs;
void derive_forks(struct calibration *c, const struct kernel_costs *base, double scale);

/* ---- fit.c ---- */

/* kernel.scale and what hangs on it, by running the models with the constants so far. */
bool fit_scale(struct calibration *c, struct err *err);
/* Compares a shootdown as the models have it with the measured one: after all constants. */
bool fit_check_shootdown(struct calibration *c, struct err *err);

/* ---- machine_file.c ---- */

/* The whole machine file, to a temporary file beside it, then by rename. */
bool machine_file_save(const struct calibration *c, const char *path, struct err *err);

/* What an earlier calibration measured. */
struct earlier {
	struct {
		char name[48], unit[16];
		struct summary s;
	} * v;
	size_t n;
	char base[128], date[16];
};

/* Of a file that machine_file_save wrote; a machine file without figures is an error. */
bool earlier_load(const char *path, struct earlier *e, struct err *err);
void earlier_free(struct earlier *e);

#endif
