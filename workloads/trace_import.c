/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From any recording that trace_open reads to a .mmt file, in constant memory.
 */
#include <string.h>

#include "workloads/trace.h"

enum { PROGRESS_EVENTS = 65536 };

static bool copy_events(struct trace_reader *reader, struct trace_writer *writer,
			trace_progress_fn *progress, void *arg, struct err *err)
{
	struct trace_event event;
	uint64_t n = 0;
	int got;

	while ((got = trace_next(reader, &event, err)) == 1) {
		if (!trace_write(writer, &event, err))
			return false;
		if (++n % PROGRESS_EVENTS == 0 && progress &&
		    !progress(arg, trace_progress(reader), n))
			return err_set(err, "stopped after %llu events", (unsigned long long)n);
	}
	if (got == 0 && progress)
		progress(arg, 1, n);
	return got == 0;
}

bool trace_import(const char *in, const char *out, trace_progress_fn *progress, void *arg,
		  struct trace_stats *stats, struct err *err)
{
	struct trace_reader *reader = trace_open(in, err);
	struct trace_writer *writer = reader ? trace_create(out, err) : NULL;
	struct trace_stats seen;
	bool ok;

	if (!writer) {
		trace_close(reader);
		return false;
	}
	ok = copy_events(reader, writer, progress, arg, err);
	trace_get_stats(reader, &seen);
	trace_set_stats(writer, &seen);
	if (ok)
		ok = trace_finish(writer, err);
	else
		trace_abandon(writer);
	if (stats)
		*stats = seen;
	trace_close(reader);
	return ok;
}
