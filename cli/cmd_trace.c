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
#include "sim/base/text.h"
#include "workloads/program.h"
#include "workloads/trace_summary.h"

struct trace_command {
	bool json, replay;
	uint32_t limit;
};

static const struct param info_options[] = {
	{ .name = "json",
	  .type = PARAM_BOOL,
	  .def = "false",
	  .offset = offsetof(struct trace_command, json),
	  .help = "print JSON" },
	{ .name = "replay",
	  .type = PARAM_BOOL,
	  .def = "false",
	  .offset = offsetof(struct trace_command, replay),
	  .help = "also say what a replay of it rests on (reads it twice)" },
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

static void print_threads(const struct trace_summary *s)
{
	struct table *t = table_new();

	table_column(t, "pid/tid", TABLE_LEFT);
	table_column(t, "task", TABLE_LEFT);
	table_column(t, "events", TABLE_RIGHT);
	table_column(t, "calls", TABLE_RIGHT);
	table_column(t, "faults", TABLE_RIGHT);
	for (size_t i = 0; i < s->n_threads; i++) {
		const struct trace_thread *r = &s->thread[i];

		table_cell(t, "%d/%d", r->pid, r->tid);
		table_cell(t, "%s", r->comm);
		table_cell(t, "%" PRIu64, r->events);
		table_cell(t, "%" PRIu64, r->calls);
		table_cell(t, "%" PRIu64, r->faults);
	}
	table_print(t, stdout, 2);
	table_free(t);
}

static void print_calls(const struct trace_summary *s)
{
	static const double quantiles[] = { 0.5, 0.9, 0.99 };
	struct table *t = table_new();
	char text[64];

	table_column(t, "recorded call", TABLE_LEFT);
	table_column(t, "count", TABLE_RIGHT);
	table_column(t, "failed", TABLE_RIGHT);
	table_column(t, "p50", TABLE_RIGHT);
	table_column(t, "p90", TABLE_RIGHT);
	table_column(t, "p99", TABLE_RIGHT);
	for (size_t i = 0; i < SC_SYSCALLS; i++) {
		const struct trace_call *c = &s->call[i];

		if (!c->count || !trace_syscall_names[i])
			continue;
		table_cell(t, "%s", trace_syscall_names[i]);
		table_cell(t, "%" PRIu64, c->count);
		table_cell(t, "%" PRIu64, c->failed);
		for (size_t q = 0; q < sizeof(quantiles) / sizeof(*quantiles); q++)
			table_cell(t, "%s",
				   text_from_ps(hist_quantile(&c->latency, quantiles[q]) * SIM_NS,
						text, sizeof(text)));
	}
	table_print(t, stdout, 2);
	table_free(t);
}

static void print_counts(const char *title, const char *const *names, const uint64_t *counts,
			 size_t n)
{
	struct table *t = table_new();

	table_column(t, title, TABLE_LEFT);
	table_column(t, "count", TABLE_RIGHT);
	for (size_t i = 0; i < n; i++) {
		if (!counts[i] || !names[i])
			continue;
		table_cell(t, "%s", names[i]);
		table_cell(t, "%" PRIu64, counts[i]);
	}
	table_print(t, stdout, 2);
	table_free(t);
}

/* What a replay makes do without; as record's checks say it before the recording. */
static void print_lacks(const struct trace_summary *s)
{
	static const struct {
		uint8_t type;
		const char *lack;
	} lacks[] = {
		{ TRACE_SYS_ENTER, "system calls: nothing is mapped or unmapped" },
		{ TRACE_PAGE_FAULT, "page faults: memory is never touched" },
		{ TRACE_SWITCH, "context switches: sleep counts as own work" },
		{ TRACE_WAKING, "wake-ups: nobody waits for anybody" },
		{ TRACE_LOCK_START, "mmap_lock events: what recording cost is not known" },
		{ TRACE_IPI_ENTRY, "IPI handlers: their time counts as own work" },
	};

	for (size_t i = 0; i < sizeof(lacks) / sizeof(*lacks); i++)
		if (!s->by_type[lacks[i].type])
			printf("note: no %s\n", lacks[i].lack);
	if (s->ipis.unread)
		printf("note: %" PRIu64 " CPU masks were not printed by this perf: %s\n",
		       s->ipis.unread,
		       s->ipis.received ? "their IPIs are counted as received"
					: "two IPIs are counted for each");
	for (size_t i = 0; i < s->n_threads; i++)
		if (s->thread[i].pid >= 0 && s->thread[i].tid != 0)
			return;
	puts("note: no process numbers: threads are told apart by who made them and by their mm");
}

static void print_summary(const char *path, const struct trace_summary *s)
{
	printf("%s: %s, %" PRIu64 " events in %.6f s, %u CPUs, %zu processes, %zu threads\n", path,
	       s->format, s->stats.events, (double)(s->last_ns - s->first_ns) / 1e9, s->cpus,
	       s->n_processes, s->n_threads);
	if (s->stats.lost || s->stats.clock_steps)
		printf("%" PRIu64 " events lost by the recorder, %" PRIu64
		       " steps back of its clock\n",
		       s->stats.lost, s->stats.clock_steps);
	print_lacks(s);
	print_threads(s);
	print_calls(s);
	print_counts("event", trace_type_names, s->by_type, TRACE_TYPES);
	print_counts("TLB flush", program_flush_names, s->flushes, PROGRAM_FLUSH_REASONS);
	print_counts("IPI", program_ipi_names, s->ipis.sent, PROGRAM_IPIS);
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

static void json_threads(struct json *j, const struct trace_summary *s)
{
	json_array(j, "threads");
	for (size_t i = 0; i < s->n_threads; i++) {
		json_object(j, NULL);
		json_double(j, "pid", s->thread[i].pid);
		json_double(j, "tid", s->thread[i].tid);
		json_string(j, "comm", s->thread[i].comm);
		json_u64(j, "events", s->thread[i].events);
		json_u64(j, "calls", s->thread[i].calls);
		json_u64(j, "faults", s->thread[i].faults);
		json_end_object(j);
	}
	json_end_array(j);
}

static void json_calls(struct json *j, const struct trace_summary *s)
{
	json_array(j, "calls");
	for (size_t i = 0; i < SC_SYSCALLS; i++) {
		const struct trace_call *c = &s->call[i];

		if (!c->count || !trace_syscall_names[i])
			continue;
		json_object(j, NULL);
		json_string(j, "call", trace_syscall_names[i]);
		json_u64(j, "count", c->count);
		json_u64(j, "failed", c->failed);
		json_u64(j, "recorded_p50_ns", hist_quantile(&c->latency, 0.5));
		json_u64(j, "recorded_p90_ns", hist_quantile(&c->latency, 0.9));
		json_u64(j, "recorded_p99_ns", hist_quantile(&c->latency, 0.99));
		json_end_object(j);
	}
	json_end_array(j);
}

/* What of a program is the recording's, and what was made up for want of it. */
struct basis {
	const char *name;
	double value;
};

enum { BASIS = 13 };

static void take_basis(const struct program *p, struct basis out[BASIS])
{
	const struct basis all[BASIS] = {
		{ "tasks", (double)p->n_tasks },
		{ "background_tasks", (double)p->n_background },
		{ "address_spaces", (double)p->n_spaces },
		{ "operations", (double)p->n_ops },
		{ "inferred_mappings", (double)p->inferred_ranges },
		{ "inferred_bytes", (double)p->inferred_bytes },
		{ "inferred_by_faults", (double)p->inferred_pages },
		{ "inferred_in_the_middle", (double)p->inferred_late },
		{ "failed_calls", (double)p->failed_calls },
		{ "skipped_calls", (double)p->skipped_calls },
		{ "lost_calls", (double)p->lost_calls },
		{ "sleeps_not_woken_by_a_task", (double)p->sleeps },
		{ "recorder_ns_an_event", (double)p->tracer_ps / SIM_NS },
	};

	memcpy(out, all, sizeof(all));
}

static void print_basis(const struct program *p)
{
	struct basis rows[BASIS];
	struct table *t = table_new();

	take_basis(p, rows);
	table_column(t, "replay", TABLE_LEFT);
	table_column(t, "", TABLE_RIGHT);
	for (int i = 0; i < BASIS; i++) {
		table_cell(t, "%s", rows[i].name);
		table_cell(t, "%.0f", rows[i].value);
	}
	table_print(t, stdout, 2);
	table_free(t);
}

static void json_basis(struct json *j, const struct program *p)
{
	struct basis rows[BASIS];

	take_basis(p, rows);
	json_object(j, "replay");
	for (int i = 0; i < BASIS; i++)
		json_double(j, rows[i].name, rows[i].value);
	json_end_object(j);
}

static void json_summary(const char *path, const struct trace_summary *s, const struct program *p)
{
	struct json j;

	json_init(&j, stdout);
	json_object(&j, NULL);
	json_string(&j, "file", path);
	json_string(&j, "format", s->format);
	json_u64(&j, "events", s->stats.events);
	json_u64(&j, "lost", s->stats.lost);
	json_u64(&j, "ignored", s->stats.ignored);
	json_u64(&j, "clock_steps", s->stats.clock_steps);
	json_double(&j, "seconds", (double)(s->last_ns - s->first_ns) / 1e9);
	json_u64(&j, "cpus", s->cpus);
	json_u64(&j, "processes", s->n_processes);
	json_threads(&j, s);
	json_calls(&j, s);
	json_counts(&j, "by_type", trace_type_names, s->by_type, TRACE_TYPES);
	json_counts(&j, "flushes", program_flush_names, s->flushes, PROGRAM_FLUSH_REASONS);
	json_counts(&j, "ipis", program_ipi_names, s->ipis.sent, PROGRAM_IPIS);
	if (p)
		json_basis(&j, p);
	json_end_object(&j);
}

static int run_info(const struct invocation *inv, struct err *err)
{
	const struct trace_command *o = inv->options;
	struct program *p = NULL;
	struct trace_summary s;
	bool ok;

	if (!trace_summarise(inv->args[0], &s, err))
		return EXIT_USAGE;
	if (o->replay)
		p = program_load(inv->args[0], err);
	ok = p || !o->replay;
	if (ok && o->json)
		json_summary(inv->args[0], &s, p);
	else if (ok)
		print_summary(inv->args[0], &s);
	if (ok && p && !o->json)
		print_basis(p);
	program_free(p);
	trace_summary_free(&s);
	return ok ? EXIT_OK : EXIT_USAGE;
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
