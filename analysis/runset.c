/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Grouping of runs by their dimensions; see runset.h.
 */
#include "analysis/runset.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/text.h"

const char *const run_dim_names[RUN_DIMS + 1] = {
	[DIM_POLICY] = "policy",     [DIM_MACHINE] = "machine",   [DIM_THREADS] = "threads",
	[DIM_WORKLOAD] = "workload", [DIM_SETTINGS] = "settings", [DIM_DURATION] = "duration",
};

const char *run_dim_value(const struct run_row *row, enum run_dim dim, char buf[RUN_DIM_SIZE])
{
	switch (dim) {
	case DIM_POLICY:
		return row->policy;
	case DIM_MACHINE:
		return row->machine;
	case DIM_WORKLOAD:
		return row->workload;
	case DIM_SETTINGS:
		return row->settings;
	case DIM_THREADS:
		snprintf(buf, RUN_DIM_SIZE, "%" PRIu32, row->threads);
		return buf;
	default:
		return text_from_ps(row->duration, buf, RUN_DIM_SIZE);
	}
}

bool run_same_but(const struct run_row *a, const struct run_row *b, unsigned int except)
{
	char x[RUN_DIM_SIZE], y[RUN_DIM_SIZE];

	for (unsigned int d = 0; d < RUN_DIMS; d++)
		if (!(except & 1u << d) && strcmp(run_dim_value(a, d, x), run_dim_value(b, d, y)))
			return false;
	return true;
}

char *run_title(const struct run_row *row, unsigned int except)
{
	/* How each dimension reads in a title, in this order. */
	static const struct {
		enum run_dim dim;
		const char *fmt;
	} parts[] = {
		{ DIM_WORKLOAD, "%s" },        { DIM_MACHINE, "on %s" },
		{ DIM_THREADS, "%s threads" }, { DIM_POLICY, "under %s" },
		{ DIM_DURATION, "for %s" },    { DIM_SETTINGS, "with %s" },
	};
	char *text = NULL, buf[RUN_DIM_SIZE];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool first = true;

	if (!out)
		return NULL;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		const char *v = run_dim_value(row, parts[i].dim, buf);

		if (except & 1u << parts[i].dim || !*v ||
		    (parts[i].dim == DIM_DURATION && !row->duration))
			continue;
		fputs(first ? "" : parts[i].dim == DIM_MACHINE ? " " : ", ", out);
		if (parts[i].dim == DIM_THREADS && row->threads == 1)
			fputs("1 thread", out);
		else
			fprintf(out, parts[i].fmt, v);
		first = false;
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
