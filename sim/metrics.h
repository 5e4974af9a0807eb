/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a run measures. A layer describes each metric once, in a static row that registers itself
 * (METRIC); a run holds values of a metric by label ("op.latency" / "munmap"). The database, the
 * printed tables and `mmsim list metrics` all work from this registry and know no model.
 */
#ifndef SIM_METRICS_H
#define SIM_METRICS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/base/err.h"
#include "sim/base/section.h"
#include "sim/hist.h"
#include "sim/series.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_SERIES };

struct metric_desc {
	const char *name; /* dotted, lower case: "ipi.sent" */
	enum metric_kind kind;
	const char *unit; /* "1", "ps", "bytes", "pages" */
	const char
		*label; /* what the label distinguishes: "reason", "operation"; NULL = no label */
	const char *help;
};

/* METRIC(tlb_flushes, "tlb.flushes", METRIC_COUNTER, "1", "reason", "TLB flushes done") */
#define METRIC(var, name_, kind_, unit_, label_, help_)                                            \
	static const struct metric_desc var = { .name = (name_),                                   \
						.kind = (kind_),                                   \
						.unit = (unit_),                                   \
						.label = (label_),                                 \
						.help = (help_) };                                 \
	SECTION_ROW(metrics, &var)

struct metric {
	const struct metric_desc *desc;
	char *label;           /* "" = none */
	uint64_t value;        /* METRIC_COUNTER */
	double gauge;          /* METRIC_GAUGE */
	struct hist hist;      /* METRIC_HISTOGRAM */
	struct series *series; /* METRIC_SERIES */
};

struct metrics;

struct metrics *metrics_create(void);
void metrics_free(struct metrics *m);
/* Finds or makes one; the pointer stays good as long as the registry: keep it on hot paths. */
struct metric *metric_get(struct metrics *m, const struct metric_desc *desc, const char *label);
/* By name, for readers; NULL if this run has no such value. */
const struct metric *metric_find(const struct metrics *m, const char *name, const char *label);

/* All values, sorted by name then label (the order is part of "same seed, same database"). */
size_t metrics_sorted(const struct metrics *m, const struct metric ***sorted); /* caller frees */
/* All registered descriptions, sorted by name. */
size_t metric_descs(const struct metric_desc ***sorted); /* caller frees */

/* Values from worker to parent process; reading adds to counters and histograms that m already has.
 */
bool metrics_write(const struct metrics *m, FILE *out, struct err *err);
bool metrics_read(struct metrics *m, FILE *in, struct err *err);

#endif
