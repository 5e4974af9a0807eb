/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The options by which compare and plot choose among stored runs: the same names everywhere.
 */
#ifndef CLI_FILTER_H
#define CLI_FILTER_H

#include "analysis/store.h"
#include "sim/base/param.h"

struct filter_options {
	char **scenario, **workload, **machine, **policy;
	struct u32_list threads;
};

#define FILTER_ROW(owner, field, type_, help_)                                                     \
	{                                                                                          \
		.name = #field, .type = type_, .offset = offsetof(owner, filter.field), .def = "", \
		.help = help_                                                                      \
	}
/* Rows for a struct `owner` with a member `struct filter_options filter`. */
#define FILTER_ROWS(owner)                                                                         \
	FILTER_ROW(owner, scenario, PARAM_LIST, "only runs of these scenarios"),                   \
		FILTER_ROW(owner, workload, PARAM_LIST, "only runs of these workloads"),           \
		FILTER_ROW(owner, machine, PARAM_LIST, "only runs on these machines"),             \
		FILTER_ROW(owner, policy, PARAM_LIST, "only runs under these policy sets"),        \
		FILTER_ROW(owner, threads, PARAM_U32_LIST,                                         \
			   "only runs with these numbers of threads")

static inline struct run_filter run_filter_of(const struct filter_options *f)
{
	return (struct run_filter){ .scenario = f->scenario,
				    .workload = f->workload,
				    .machine = f->machine,
				    .policy = f->policy,
				    .threads = f->threads.v,
				    .n_threads = f->threads.n };
}

#endif
