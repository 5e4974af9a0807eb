/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recordings as text, a line at a time: events, reports of lost ones, comments, call chains, and
 * what is no recording at all. The first event decides whose text it is (perf script's or
 * ftrace's); their lines differ in how they begin.
 */
#define _GNU_SOURCE /* memmem */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "workloads/trace_text.h"
#include "workloads/xalloc.h"

enum {
	LINE_MAX_BYTES = 64 << 10,
	FOREIGN_BYTES = 64 << 10, /* so much without one event is no recording */
};

struct text_state {
	struct trace_rows rows;
	struct raw_calls *raw;
	text_head_fn *head; /* NULL until the first event */
	uint64_t bytes;     /* of lines read */
	bool binary;        /* it begins with what no text has */
	struct err first;   /* the first bad line, while no event was seen yet */
};

/* Its own tool's name for a line, for messages. */
static const char *const layout = "'comm pid/tid [cpu] time: event: ...'";

static bool text_detect(const unsigned char *head, size_t n)
{
	(void)head;
	(void)n;
	return true;
}

static bool is_binary(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < ' ' && !(p[i] >= '\t' && p[i] <= '\r'))
			return true;
	return false;
}

static void *text_open(struct trace_reader *reader, struct err *err)
{
	struct text_state *state = xcalloc(1, sizeof(*state));

	(void)err;
	state->binary = is_binary(reader->in.buf + reader->in.pos, input_left(&reader->in));
	trace_rows_init(&state->rows);
	state->raw = raw_new();
	return state;
}

static struct where here(const struct trace_reader *reader)
{
	return (struct where){ reader->in.name, (unsigned int)reader->stats.lines, 0 };
}

/* Prefixes what the byte source said (it names the file) by the line. */
static void input_failed(struct trace_reader *reader, struct err *err)
{
	struct err what = *err;
	const char *text = what.msg;
	size_t n = strlen(reader->in.name);

	if (reader->in.child.what)
		return; /* its lines are not the file's */
	if (!strncmp(text, reader->in.name, n) && !strncmp(text + n, ": ", 2))
		text += n + 2;
	reader->stats.lines++;
	err_at(err, here(reader), "%s", text);
}

enum line { LINE_END, LINE_READ, LINE_BAD, LINE_UNREADABLE };

/*
 * The next line without its newline; LINE_BAD and LINE_UNREADABLE (the file, not the line, is bad)
 * say why. An unread line is looked for a newline once only, whatever the size of the pieces that
 * it comes in.
 */
static enum line next_line(struct trace_reader *reader, const char **line, size_t *n,
			   struct err *err)
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
			return LINE_READ;
		}
		seen = input_left(in);
		if (nl || seen > LINE_MAX_BYTES) {
			reader->stats.lines++;
			err_at(err, here(reader), "line of more than %d bytes", LINE_MAX_BYTES);
			return LINE_BAD;
		}
		if (in->eof)
			break;
		if (!input_fill(in, seen + 1, err)) {
			input_failed(reader, err);
			return LINE_UNREADABLE;
		}
	}
	if (!seen)
		return LINE_END;
	reader->stats.lines++;
	err_at(err, here(reader), "truncated: the last line has no newline");
	return LINE_BAD;
}

const char *text_task(const char *p, const char *end, int32_t *value)
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

const char *text_cpu(const char *p, const char *end, uint16_t *cpu)
{
	int32_t value;

	p = p < end && *p == '[' ? text_task(p + 1, end, &value) : NULL;
	if (!p || p == end || *p != ']' || value < 0 || value >= TRACE_CPUS_MAX)
		return NULL;
	*cpu = (uint16_t)value;
	return p + 1;
}

const char *text_time(const char *p, const char *end, uint64_t *ns)
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

/* ---- lines that are no events ---- */

static const char *after(const char *line, const char *end, const char *text)
{
	size_t n = strlen(text);
	const char *p = memmem(line, (size_t)(end - line), text, n);

	return p ? p + n : NULL;
}

/* perf's, the kernel's and trace-cmd's ways to say so; without a number it is at least one. */
static bool parse_lost(const char *line, const char *end, uint64_t *count)
{
	static const struct {
		const char *before, *behind;
	} ways[] = {
		{ "PERF_RECORD_LOST lost ", "" },
		{ "PERF_RECORD_LOST_SAMPLES lost ", "" },
		{ "[LOST ", "EVENTS]" },
		{ "[", "EVENTS DROPPED]" },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const char *p = after(line, end, ways[i].before), *q;
		size_t n = strlen(ways[i].behind);

		if (!p)
			continue;
		q = trace_number(p, end, count);
		if (!q)
			*count = 1;
		p = text_spaces(q ? q : p, end);
		if ((size_t)(end - p) >= n && !memcmp(p, ways[i].behind, n))
			return q || n;
	}
	return false;
}

static int lost_event(struct trace_reader *reader, struct trace_event *event, uint64_t count)
{
	event->type = TRACE_LOST;
	event->arg[0] = count;
	event->comm = strtab_add(&reader->names, "", 0, NULL);
	reader->stats.lost += count;
	return 1;
}

/* "CPU:1 [LOST 17 EVENTS]": a line of its own, without a time. */
static int lost_line(struct trace_reader *reader, const char *line, const char *end,
		     struct trace_event *event)
{
	uint64_t count;
	int32_t cpu;

	if (!parse_lost(line, end, &count))
		return 0;
	event->time_ns = reader->last_ns - reader->shift_ns;
	event->pid = event->tid = -1;
	event->cpu = TRACE_CPU_UNKNOWN;
	if (end - line > 4 && !memcmp(line, "CPU:", 4) && text_task(line + 4, end, &cpu) &&
	    cpu >= 0 && cpu < TRACE_CPUS_MAX)
		event->cpu = (uint16_t)cpu;
	return lost_event(reader, event, count);
}

/* A frame of a call chain, below its event: "\t  ffffffff8104a2b4 native_write_msr ([k])". */
static bool is_frame(const char *line, const char *end)
{
	const char *p = text_spaces(line, end), *start = p;

	while (p < end && isxdigit((unsigned char)*p))
		p++;
	return start > line && p - start >= 4 && p < end && *p == ' ' && end[-1] == ')';
}

/* What trace-cmd report says about a file. */
static bool is_title(const char *line, const char *end)
{
	static const char *const starts[] = { "version = ", "cpus=", "CPU ", "Buffer: " };

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		size_t n = strlen(starts[i]);

		if ((size_t)(end - line) > n && !memcmp(line, starts[i], n))
			return i != 2 || after(line, end, " is empty") == end;
	}
	return false;
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

/* ---- events ---- */

/*
 * The kernel's own text of calls: "sys_mmap(addr: 0, ...)" and "sys_mmap -> 0x7f...", where numbers
 * are hexadecimal with or without 0x. NULL if it is not one, else the row or &no_row.
 */
static const struct trace_row no_row;

static const struct trace_row *kernel_call(const struct text_state *state, const char *name,
					   const char *end, struct trace_args *args)
{
	const char *p = name, *arrow = " -> ";
	char full[64] = "syscalls:sys_enter_";
	const struct trace_row *row;
	bool enter;
	size_t n;

	if (end - name < 5 || memcmp(name, "sys_", 4))
		return NULL;
	while (p < end && *p != ' ' && *p != '(' && *p != ':')
		p++;
	enter = p < end && *p == '(' && end[-1] == ')';
	if (!enter && (end - p < 5 || memcmp(p, arrow, 4)))
		return NULL;
	n = (size_t)(p - name) - 4;
	if (n > 32)
		return &no_row;
	if (!enter)
		strcpy(full, "syscalls:sys_exit_");
	strncat(full, name + 4, n);
	row = trace_rows_find(&state->rows, full, strlen(full));
	args->start = enter ? p + 1 : p + 4;
	args->end = enter ? end - 1 : end;
	args->hex = true;
	return row ? row : &no_row;
}

/* A sample's period, which some fields put before the event. */
static const char *skip_period(const char *p, const char *end)
{
	const char *start = p = text_spaces(p, end);

	while (p < end && isdigit((unsigned char)*p))
		p++;
	return p > start && p < end && *p == ' ' ? text_spaces(p, end) : start;
}

/* What follows the time: [period] EVENT: ARGS. 1 = event, 0 = one that we do not read. */
static int parse_event(struct trace_reader *reader, const char *p, const char *end,
		       struct trace_event *event, struct err *err)
{
	const struct text_state *state = reader->state;
	const char *name = skip_period(p, end);
	struct trace_args args = { 0 };
	const struct trace_row *row;
	char what[48];
	uint64_t count;

	for (p = name; p < end && *p != ' ' && *p != '\t';)
		p++;
	row = kernel_call(state, name, end, &args);
	if (!row && p > name && p[-1] == ':') {
		row = trace_rows_find(&state->rows, name, (size_t)(p - 1 - name));
		args.start = text_spaces(p, end);
		args.end = end;
	} else if (!row && parse_lost(name, end, &count)) {
		return lost_event(reader, event, count);
	} else if (!row && (end - name < 12 || memcmp(name, "PERF_RECORD_", 12))) {
		return bad_line(reader, err, "'event:'", name, end);
	}
	if (!row || row == &no_row) {
		reader->stats.ignored++;
		return 0;
	}
	if (trace_parse_args(row, &args, &reader->names, event)) {
		if (row->type == TRACE_PAGE_FAULT)
			raw_fault(state->raw, event);
		if (!trace_row_is_raw(row) || raw_call(state->raw, args.raw_nr, event))
			return 1;
		reader->stats.ignored++;
		return 0;
	}
	snprintf(what, sizeof(what), "'%s' and its value", args.expected);
	return bad_line(reader, err, strcmp(args.expected, "ret") ? what : "a return value",
			args.at, args.end);
}

/* Whose text this is, by its first event. */
static const char *first_head(struct trace_reader *reader, const char *line, const char *end,
			      struct trace_event *event, struct trace_head *head)
{
	struct text_state *state = reader->state;
	const char *rest = perf_head(line, end, event, head);

	state->head = perf_head;
	if (rest)
		return rest;
	rest = ftrace_head(line, end, event, head);
	state->head = rest ? ftrace_head : NULL;
	if (rest)
		reader->format = &trace_format_ftrace;
	return rest;
}

/* 1 = *event filled in, 0 = a line without one, -1 = a bad line. */
static int parse_line(struct trace_reader *reader, const char *line, size_t n,
		      struct trace_event *event, struct err *err)
{
	const struct text_state *state = reader->state;
	const char *end = line + n, *rest = NULL;
	struct trace_head head;
	int got;

	while (end > line && (end[-1] == '\r' || end[-1] == ' '))
		end--;
	if (end == line || *line == '#')
		return 0;
	memset(event, 0, sizeof(*event));
	if (!memchr(line, '\0', (size_t)(end - line)))
		rest = state->head ? state->head(line, end, event, &head)
				   : first_head(reader, line, end, event, &head);
	if (rest) {
		got = parse_event(reader, rest, end, event, err);
		if (got != 1)
			return got;
		line = text_spaces(head.comm, head.comm_end);
		while (head.comm_end > line && head.comm_end[-1] == ' ')
			head.comm_end--;
		event->comm = strtab_add(&reader->names, line, (size_t)(head.comm_end - line),
					 NULL);
		return 1;
	}
	if (lost_line(reader, line, end, event))
		return 1;
	if (is_title(line, end) ||
	    (reader->stats.events + reader->stats.ignored && is_frame(line, end)))
		return 0;
	return bad_line(reader, err,
			state->head == ftrace_head ? "'comm-tid [cpu] time: event: ...'" : layout,
			line, end);
}

static int not_text(struct trace_reader *reader, struct err *err)
{
	const struct text_state *state = reader->state;

	if (reader->in.child.what) {
		err_set(err, "%s: no events in it", reader->in.name);
		return -1;
	}
	if (state->binary)
		err_set(err,
			"%s: no recording of a known format: expected .mmt, perf.data, trace.dat, "
			"or the text of perf script or ftrace",
			reader->in.name);
	else
		err_at(err, (struct where){ reader->in.name, 1, 0 },
		       "not perf script or ftrace text: expected %s", layout);
	return -1;
}

/*
 * A bad line before the first event may be the first line of something else altogether: what is
 * said about it waits until an event shows that this is a recording.
 */
int trace_text_next(struct trace_reader *reader, struct trace_event *event, struct err *err)
{
	struct text_state *state = reader->state;
	const char *line = NULL;
	size_t n = 0;
	int got;

	for (;;) {
		bool started = reader->stats.events + reader->stats.ignored;
		enum line next = next_line(reader, &line, &n, err);

		if (next == LINE_UNREADABLE || (next == LINE_BAD && started))
			return -1;
		if (next == LINE_END && started)
			return 0;
		if (next != LINE_READ)
			return not_text(reader, err);
		state->bytes += n + 1;
		if (!started && state->bytes > FOREIGN_BYTES)
			return not_text(reader, err);
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

void trace_text_close(void *state)
{
	raw_free(((struct text_state *)state)->raw);
	free(state);
}

const struct trace_format trace_format_text = {
	.name = "perf script text",
	.detect = text_detect,
	.open = text_open,
	.next = trace_text_next,
	.close = trace_text_close,
};

/* The same, once an event has shown who wrote it; trace_open never chooses it. */
const struct trace_format trace_format_ftrace = {
	.name = "ftrace text",
	.detect = text_detect,
	.open = text_open,
	.next = trace_text_next,
	.close = trace_text_close,
};
