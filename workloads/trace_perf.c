/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf script text, a line at a time: comments, lost-event lines, call chains, and events with
 * their prefix "COMM PID/TID [CPU] SECONDS.FRACTION: EVENT: ARGS". A task's name may hold anything,
 * so the prefix is recognised by the part behind it. What follows EVENT is trace_perf_args.c's.
 */
#define _GNU_SOURCE /* memmem */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "workloads/trace_perf.h"
#include "workloads/xalloc.h"

enum {
	LINE_MAX_BYTES = 64 << 10,
	FOREIGN_BYTES = 64 << 10, /* so much without one event is not perf's text */
	PERF_COMM_COLUMNS = 16,   /* perf right-aligns names in so many */
};

struct perf_state {
	struct perf_events events;
	uint64_t bytes;   /* of lines read */
	struct err first; /* the first bad line, while no event was seen yet */
};

static bool perf_detect(const unsigned char *head, size_t n)
{
	(void)head;
	(void)n;
	return true;
}

static void *perf_open(struct trace_reader *reader, struct err *err)
{
	struct perf_state *state = xcalloc(1, sizeof(*state));

	(void)reader;
	(void)err;
	perf_events_init(&state->events);
	return state;
}

static struct where here(const struct trace_reader *reader)
{
	return (struct where){ reader->in.name, (unsigned int)reader->stats.lines, 0 };
}

/* Prefixes what the byte source said (it names the file) by the line. */
static int input_failed(struct trace_reader *reader, struct err *err)
{
	struct err what = *err;
	const char *text = what.msg;
	size_t n = strlen(reader->in.name);

	if (!strncmp(text, reader->in.name, n) && !strncmp(text + n, ": ", 2))
		text += n + 2;
	reader->stats.lines++;
	err_at(err, here(reader), "%s", text);
	return -1;
}

/*
 * The next line without its newline: 1, 0 at the end, -1 after an error. An unread line is looked
 * for a newline once only, whatever the size of the pieces that it comes in.
 */
static int next_line(struct trace_reader *reader, const char **line, size_t *n, struct err *err)
{
	struct trace_input *in = &reader->in;
	size_t seen = 0;

	for (;;) {
		const unsigned char *p = in->buf + in->pos;
		const unsigned char *nl = memchr(p + seen, '\n', input_left(in) - seen);

		if (nl && nl - p <= LINE_MAX_BYTES) {
			*line = (const char *)p;
			*n = (size_t)(nl - p);
			input_skip(in, *n + 1);
			reader->stats.lines++;
			return 1;
		}
		seen = input_left(in);
		if (nl || seen > LINE_MAX_BYTES) {
			reader->stats.lines++;
			err_at(err, here(reader), "line of more than %d bytes", LINE_MAX_BYTES);
			return -1;
		}
		if (in->eof)
			break;
		if (!input_fill(in, seen + 1, err))
			return input_failed(reader, err);
	}
	if (!seen)
		return 0;
	reader->stats.lines++;
	err_at(err, here(reader), "truncated: the last line has no newline");
	return -1;
}

static const char *skip_spaces(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/* A task number, which perf prints as -1 where it knows none. */
static const char *task_number(const char *p, const char *end, int32_t *value)
{
	bool minus = p < end && *p == '-';
	const char *start = p += minus;
	int32_t v = 0;

	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		if (p - start > 8)
			return NULL;
		v = v * 10 + (*p - '0');
	}
	*value = minus ? -v : v;
	return p > start ? p : NULL;
}

/* "SECONDS.FRACTION:"; the fraction has 1 to 9 digits. */
static const char *parse_time(const char *p, const char *end, uint64_t *ns)
{
	uint64_t s = 0, fraction = 0;
	const char *start = p;

	for (; p < end && *p >= '0' && *p <= '9'; p++)
		s = s * 10 + (uint64_t)(*p - '0');
	if (p == start || p - start > 10 || p == end || *p != '.')
		return NULL;
	start = ++p;
	for (; p < end && *p >= '0' && *p <= '9'; p++)
		fraction = fraction * 10 + (uint64_t)(*p - '0');
	if (p == start || p - start > 9 || p == end || *p != ':')
		return NULL;
	for (long digits = p - start; digits < 9; digits++)
		fraction *= 10;
	*ns = s * 1000000000u + fraction;
	return p + 1;
}

/* "PID/TID [CPU] TIME:" or with TID alone, or without [CPU]: what follows it, or NULL. */
static const char *parse_tail(const char *p, const char *end, struct trace_event *event)
{
	int32_t pid, tid, cpu = TRACE_CPU_UNKNOWN;

	p = task_number(p, end, &tid);
	if (!p)
		return NULL;
	pid = -1;
	if (p < end && *p == '/') {
		pid = tid;
		p = task_number(p + 1, end, &tid);
	}
	if (!p || p == end || *p != ' ')
		return NULL;
	p = skip_spaces(p, end);
	if (p < end && *p == '[') {
		p = task_number(p + 1, end, &cpu);
		if (!p || p == end || *p != ']' || cpu < 0 || cpu >= TRACE_CPUS_MAX)
			return NULL;
		p = skip_spaces(p + 1, end);
	}
	p = parse_time(p, end, &event->time_ns);
	if (!p)
		return NULL;
	event->pid = pid;
	event->tid = tid;
	event->cpu = (uint16_t)cpu;
	return p;
}

/* Finds the tail where perf puts it, or at the first number behind a space that starts one. */
static const char *parse_prefix(const char *line, const char *end, struct trace_event *event,
				const char **comm_end)
{
	const char *p = line + PERF_COMM_COLUMNS, *rest;

	if (end - line > PERF_COMM_COLUMNS && *p == ' ') {
		*comm_end = p;
		rest = parse_tail(skip_spaces(p, end), end, event);
		if (rest)
			return rest;
	}
	for (p = line; p < end; p++) {
		if ((p > line && p[-1] != ' ') || (*p != '-' && !isdigit((unsigned char)*p)))
			continue;
		*comm_end = p;
		rest = parse_tail(p, end, event);
		if (rest)
			return rest;
	}
	return NULL;
}

/* perf's and ftrace's ways to say so: "PERF_RECORD_LOST lost 12", "[LOST 12 EVENTS]". */
static bool parse_lost(const char *line, const char *end, uint64_t *count)
{
	static const char *const ways[] = { "PERF_RECORD_LOST lost ",
					    "PERF_RECORD_LOST_SAMPLES lost ", "LOST " };

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		size_t n = strlen(ways[i]);
		const char *p = memmem(line, (size_t)(end - line), ways[i], n);

		p = p ? perf_number(p + n, end, count) : NULL;
		if (!p)
			continue;
		if (i < 2)
			return true;
		p = skip_spaces(p, end);
		if (end - p >= 5 && !strncasecmp(p, "event", 5))
			return true;
	}
	return false;
}

/* A frame of a call chain, below its event: "\t  ffffffff8104a2b4 native_write_msr ([k])". */
static bool is_frame(const char *line, const char *end)
{
	const char *p = skip_spaces(line, end), *start = p;

	while (p < end && isxdigit((unsigned char)*p))
		p++;
	return start > line && p - start >= 4 && p < end && *p == ' ' && end[-1] == ')';
}

static int lost_event(struct trace_reader *reader, struct trace_event *event, uint64_t count)
{
	event->type = TRACE_LOST;
	event->arg[0] = count;
	event->comm = strtab_add(&reader->names, "", 0, NULL);
	reader->stats.lost += count;
	return 1;
}

static int bad_line(struct trace_reader *reader, struct err *err, const char *expected,
		    const char *at, const char *end)
{
	int n = end - at > 40 ? 40 : (int)(end - at);
	char found[41];

	for (int i = 0; i < n; i++)
		found[i] = isprint((unsigned char)at[i]) ? at[i] : '?';
	found[n] = '\0';
	err_at(err, here(reader), "expected %s, found '%s'", expected, found);
	return -1;
}

/* What follows the prefix: [period] EVENT: ARGS. 1 = event, 0 = one that we do not read. */
static int parse_event(struct trace_reader *reader, const char *p, const char *end,
		       struct trace_event *event, struct err *err)
{
	const struct perf_state *state = reader->state;
	const struct perf_event_row *row;
	const char *name, *expected, *at;
	char what[48];
	uint64_t count;

	name = p = skip_spaces(p, end);
	while (p < end && isdigit((unsigned char)*p))
		p++;
	if (p > name && p < end && *p == ' ')
		name = p = skip_spaces(p, end); /* a sample period */
	while (p < end && *p != ' ' && *p != '\t')
		p++;
	if (p == name || p[-1] != ':') {
		if (parse_lost(name, end, &count))
			return lost_event(reader, event, count);
		return bad_line(reader, err, "'event:'", name, end);
	}
	row = perf_events_find(&state->events, name, (size_t)(p - 1 - name));
	if (!row) {
		reader->stats.ignored++;
		return 0;
	}
	if (perf_parse_args(row, skip_spaces(p, end), end, &reader->names, event, &expected, &at))
		return 1;
	if (!*expected)
		return bad_line(reader, err, "a return value", at, end);
	snprintf(what, sizeof(what), "'%s' and its value", expected);
	return bad_line(reader, err, what, at, end);
}

/* 1 = *event filled in, 0 = a line without one, -1 = a bad line. */
static int parse_line(struct trace_reader *reader, const char *line, size_t n,
		      struct trace_event *event, struct err *err)
{
	const char *end = line + n, *comm_end, *rest;
	uint64_t count;
	int got;

	while (end > line && (end[-1] == '\r' || end[-1] == ' '))
		end--;
	if (end == line || *line == '#')
		return 0;
	memset(event, 0, sizeof(*event));
	rest = memchr(line, '\0', (size_t)(end - line)) ? NULL
							: parse_prefix(line, end, event, &comm_end);
	if (rest) {
		got = parse_event(reader, rest, end, event, err);
		if (got != 1)
			return got;
		line = skip_spaces(line, comm_end);
		while (comm_end > line && comm_end[-1] == ' ')
			comm_end--;
		event->comm = strtab_add(&reader->names, line, (size_t)(comm_end - line), NULL);
		return 1;
	}
	event->time_ns = reader->last_ns;
	event->pid = event->tid = -1;
	event->cpu = TRACE_CPU_UNKNOWN;
	if (parse_lost(line, end, &count))
		return lost_event(reader, event, count);
	if (reader->stats.events && is_frame(line, end))
		return 0;
	return bad_line(reader, err, "'comm pid/tid [cpu] time: event: ...'", line, end);
}

static int not_perf(struct trace_reader *reader, struct err *err)
{
	err_at(err, (struct where){ reader->in.name, 1, 0 },
	       "not perf script text: expected 'comm pid/tid [cpu] time: event: ...'");
	return -1;
}

/*
 * A bad line before the first event may be the first line of something else altogether: what is
 * said about it waits until an event shows that this is perf's text.
 */
static int perf_next(struct trace_reader *reader, struct trace_event *event, struct err *err)
{
	struct perf_state *state = reader->state;
	const char *line = NULL;
	size_t n = 0;
	int got;

	for (;;) {
		bool started = reader->stats.events + reader->stats.ignored;

		got = next_line(reader, &line, &n, err);
		if (got < 0)
			return state->bytes || reader->in.zstd || started ? -1
									  : not_perf(reader, err);
		if (got == 0)
			return started ? 0 : not_perf(reader, err);
		state->bytes += n + 1;
		if (!started && state->bytes > FOREIGN_BYTES)
			return not_perf(reader, err);
		got = parse_line(reader, line, n, event, err);
		if (got < 0 && started)
			return -1;
		if (got < 0 && !err_is_set(&state->first))
			state->first = *err;
		if (got >= 0 && err_is_set(&state->first) &&
		    reader->stats.events + reader->stats.ignored + (unsigned int)got) {
			*err = state->first;
			return -1;
		}
		if (got == 1)
			break;
	}
	trace_clock(reader, event);
	reader->stats.events++;
	return 1;
}

static void perf_close(void *state)
{
	free(state);
}

const struct trace_format trace_format_perf = {
	.name = "perf script text",
	.detect = perf_detect,
	.open = perf_open,
	.next = perf_next,
	.close = perf_close,
};
