/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opens a recording by looking at its first bytes and hands the rest to the format that knows them.
 * Files that are often given by mistake are named for what they are.
 */
#include <limits.h>
#include <string.h>

#include "workloads/recorded.h"
#include "workloads/trace_reader.h"
#include "workloads/xalloc.h"

/* Tried in this order; text has no magic and comes last. */
static const struct trace_format *const formats[] = { &trace_format_mmt, &trace_format_perfdata,
						      &trace_format_dat, &trace_format_text };

static const struct {
	const char *magic;
	size_t n;
	const char *what;
} foreign[] = {
	{ "\x7f"
	  "ELF",
	  4, "a program, not a recording" },
	{ "SQLite format 3", 15, "a result database, not a recording" },
};

static bool choose(struct trace_reader *reader, struct err *err)
{
	const unsigned char *head;
	size_t n;

	if (!input_fill(&reader->in, 64, err))
		return false;
	head = reader->in.buf + reader->in.pos;
	n = input_left(&reader->in);
	if (!n)
		return err_set(err, "%s: empty, expected a recording", reader->in.name);
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		if (n >= foreign[i].n && !memcmp(head, foreign[i].magic, foreign[i].n))
			return err_set(err, "%s: %s", reader->in.name, foreign[i].what);
	for (size_t i = 0; !reader->format; i++)
		if (formats[i]->detect(head, n))
			reader->format = formats[i];
	reader->state = reader->format->open(reader, err);
	return reader->state;
}

struct trace_reader *trace_open(const char *path, struct err *err)
{
	struct trace_reader *reader = xcalloc(1, sizeof(*reader));
	char found[PATH_MAX];

	if (recorded_find(path, found, sizeof(found)))
		path = found;
	if (input_open(&reader->in, path, err) && choose(reader, err))
		return reader;
	trace_close(reader);
	return NULL;
}

int trace_next(struct trace_reader *reader, struct trace_event *event, struct err *err)
{
	return reader->format->next(reader, event, err);
}

double trace_progress(const struct trace_reader *reader)
{
	if (!reader->in.size)
		return -1;
	return (double)reader->in.consumed / (double)reader->in.size;
}

void trace_get_stats(const struct trace_reader *reader, struct trace_stats *stats)
{
	*stats = reader->stats;
}

void trace_close(struct trace_reader *reader)
{
	if (!reader)
		return;
	if (reader->state)
		reader->format->close(reader->state);
	input_close(&reader->in);
	strtab_free(&reader->names);
	free(reader);
}
