/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mmsim trace info and trace dump: what is in a recording, whatever its form.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analysis/json.h"
#include "analysis/table.h"
#include "cli/command.h"
#include "workloads/trace.h"

enum { MAX_TASKS = 4096, MAX_CPUS = 4096 };

/* What `info` counts; one pass, fixed memory. */
struct summary {
	uint64_t first, last, events;
	uint64_t by_type[TRACE_TYPES], by_syscall[SC_SYSCALLS];
	int32_t tids[MAX_TASKS];
	size_t n_tids;
	bool many_tids, cpus[MAX_CPUS];
	size_t n_cpus;
	struct trace_stats stats;
};

struct trace_command {
	bool json;
	uint32_t limit;
};

static const struct param info_options[] = {
	{ .name = "json",
	  .type = PARAM_BOOL,
	  .def = "false",
	  .offset = offsetof(struct trace_command, json),
	  .help = "print JSON" },
	PARAM_END,
};

static const struct param dump_options[] = {
	{ .name = "limit",
	  .type = PARAM_U32,
	  .def = "0",
	  .offset = offsetof(struct trace_command, limit),
	  .help = "at most N events; 0 = all" },
	PARAM_END,
};

static void count_task(struct summary *s, int32_t tid)
{
	if (tid <= 0)
		return;
	for (size_t i = 0; i < s->n_tids; i++)
		if (s->tids[i] == tid)
			return;
	if (s->n_tids < MAX_TASKS)
		s->tids[s->n_tids++] = tid;
	else
		s->many_tids = true;
}

static void count_event(struct summary *s, const struct trace_event *e)
{
	if (!s->events++)
		s->first = e->time_ns;
	s->last = e->time_ns;
	s->by_type[e->type < TRACE_TYPES ? e->type : TRACE_NONE]++;
	if (e->type == TRACE_SYS_ENTER && e->nr < SC_SYSCALLS)
		s->by_syscall[e->nr]++;
	if (e->cpu < MAX_CPUS && !s->cpus[e->cpu]) {
		s->cpus[e->cpu] = true;
		s->n_cpus++;
	}
	count_task(s, e->tid);
}

static bool summarise(const char *path, struct summary *s, struct err *err)
{
	struct trace_reader *reader = trace_open(path, err);
	struct trace_event event;
	int rc;

	memset(s, 0, sizeof(*s));
	if (!reader)
		return false;
	while ((rc = trace_next(reader, &event, err)) > 0)
		count_event(s, &event);
	trace_get_stats(reader, &s->stats);
	trace_close(reader);
	return rc == 0;
}

static void print_counts(const char *title, const char *const *names, const uint64_t *counts,
			 size_t n)
{
	struct table *t = table_new();

	table_column(t, title, TABLE_LEFT);
	table_column(t, "events", TABLE_RIGHT);
	for (size_t i = 0; i < n; i++) {
		if (!counts[i] || !names[i])
			continue;
		table_cell(t, "%s", names[i]);
		table_cell(t, "%" PRIu64, counts[i]);
	}
	table_print(t, stdout, 2);
	table_free(t);
}

static void print_summary(const char *path, const struct summary *s)
{
	printf("%s: %" PRIu64 " events in %.6f s, %zu CPUs, %zu%s tasks, %" PRIu64 " lost\n", path,
	       s->events, (double)(s->last - s->first) / 1e9, s->n_cpus, s->n_tids,
	       s->many_tids ? " or more" : "", s->stats.lost);
	print_counts("event", trace_type_names, s->by_type, TRACE_TYPES);
	print_counts("system call", trace_syscall_names, s->by_syscall, SC_SYSCALLS);
}

static void json_counts(struct json *j, const char *key, const char *const *names,
			const uint64_t *counts, size_t n)
{
	json_object(j, key);
	for (size_t i = 0; i < n; i++)
		if (counts[i] && names[i])
			json_u64(j, names[i], counts[i]);
	json_end_object(j);
}

static void json_summary(const char *path, const struct summary *s)
{
	struct json j;

	json_init(&j, stdout);
	json_object(&j, NULL);
	json_string(&j, "file", path);
	json_u64(&j, "events", s->events);
	json_u64(&j, "lost", s->stats.lost);
	json_u64(&j, "ignored", s->stats.ignored);
	json_u64(&j, "clock_steps", s->stats.clock_steps);
	json_double(&j, "seconds", (double)(s->last - s->first) / 1e9);
	json_u64(&j, "cpus", s->n_cpus);
	json_u64(&j, "tasks", s->n_tids);
	json_counts(&j, "by_type", trace_type_names, s->by_type, TRACE_TYPES);
	json_counts(&j, "by_syscall", trace_syscall_names, s->by_syscall, SC_SYSCALLS);
	json_end_object(&j);
}

static int run_info(const struct invocation *inv, struct err *err)
{
	const struct trace_command *o = inv->options;
	static struct summary s; /* large; one command a process */

	if (!summarise(inv->args[0], &s, err))
		return EXIT_USAGE;
	if (o->json)
		json_summary(inv->args[0], &s);
	else
		print_summary(inv->args[0], &s);
	return EXIT_OK;
}

static int run_dump(const struct invocation *inv, struct err *err)
{
	const struct trace_command *o = inv->options;
	struct trace_reader *reader = trace_open(inv->args[0], err);
	struct trace_event event;
	uint64_t n = 0;
	int rc = 1;

	if (!reader)
		return EXIT_USAGE;
	while ((!o->limit || n < o->limit) && !ferror(stdout) &&
	       (rc = trace_next(reader, &event, err)) > 0) {
		trace_print_event(stdout, &event);
		n++;
	}
	trace_close(reader);
	return rc < 0 ? EXIT_USAGE : EXIT_OK;
}

static const struct command info_command = {
	.name = "trace info",
	.args = "FILE",
	.summary = "Count what is in a recording",
	.min_args = 1,
	.max_args = 1,
	.options = info_options,
	.options_size = sizeof(struct trace_command),
	.run = run_info,
};
COMMAND(info_command);

static const struct command dump_command = {
	.name = "trace dump",
	.args = "FILE",
	.summary = "Print a recording's events, one a line",
	.min_args = 1,
	.max_args = 1,
	.options = dump_options,
	.options_size = sizeof(struct trace_command),
	.run = run_dump,
};
COMMAND(dump_command);
