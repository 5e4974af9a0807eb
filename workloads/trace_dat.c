/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace.dat, by libtracecmd in a process of its own: it turns the events that we read into text of
 * perf's kind, fields by their names in the file's own formats. The rows are trace_fields.c's, the
 * text goes to trace_text.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <trace-cmd/trace-cmd.h>
#include <traceevent/event-parse.h>
#include <unistd.h>

#include "workloads/trace_child.h"
#include "workloads/trace_text.h"
#include "workloads/xalloc.h"

/* However well a file is compressed; one that has more leads the library round in circles. */
enum { RECORDS_A_BYTE = 16 };
enum { EVENT_IDS = 1 << 16, OUT_BYTES = 1 << 16, OUT_LINE = 8 << 10, COMM_MAX = 64, STUCK_S = 60 };

struct dat_source { /* one CPU of one buffer */
	struct tracecmd_input *handle;
	int cpu;
	struct tep_record *next; /* NULL: no more */
};

struct dat_event {                   /* what a number stands for in this file */
	const struct trace_row *row; /* NULL: not read here */
	struct tep_format_field *field[TRACE_ROW_FIELDS];
	bool known;
};

struct dat {
	struct tep_handle *tep;
	struct trace_rows rows;
	struct dat_source *source;
	size_t n_sources, cap_sources;
	struct dat_event *event; /* by number */
	int fd;
	bool failed;
	size_t used;
	char out[OUT_BYTES];
};

/* ---- text; a line that is begun has OUT_LINE bytes, which is more than any needs ---- */

static void flush(struct dat *d)
{
	size_t done = 0;

	alarm(0); /* our reader may take its time */
	while (done < d->used && !d->failed) {
		ssize_t n = write(d->fd, d->out + done, d->used - done);

		if (n > 0)
			done += (size_t)n;
		else
			d->failed = n == 0 || errno != EINTR;
	}
	d->used = 0;
	alarm(STUCK_S);
}

static void put(struct dat *d, const char *s, size_t n)
{
	memcpy(d->out + d->used, s, n);
	d->used += n;
}

static void put_text(struct dat *d, const char *s)
{
	put(d, s, strlen(s));
}

static void put_decimal(struct dat *d, uint64_t v, int width)
{
	char digits[20];
	int n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	for (; width > n; width--)
		d->out[d->used++] = '0';
	while (n)
		d->out[d->used++] = digits[--n];
}

static void put_hex_digits(struct dat *d, uint64_t v)
{
	int shift = 60;

	while (shift && !(v >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		d->out[d->used++] = "0123456789abcdef"[v >> shift & 15];
}

static void put_hex(struct dat *d, uint64_t v)
{
	put(d, "0x", 2);
	put_hex_digits(d, v);
}

/* A task's name: whatever would end the line or the text becomes '?'. */
static void put_comm(struct dat *d, const char *s, size_t n)
{
	n = n > COMM_MAX ? COMM_MAX : n;
	for (size_t i = 0; i < n && s[i]; i++)
		d->out[d->used++] = s[i] == '\n' || s[i] == '\r' ? '?' : s[i];
}

/* ---- fields ---- */

static bool inside(const struct tep_record *r, uint64_t offset, uint64_t size)
{
	return offset <= (uint64_t)r->size && size <= (uint64_t)r->size - offset;
}

static uint64_t number(const struct tep_format_field *f, const struct tep_record *r)
{
	unsigned long long v = 0;

	if (!inside(r, (uint64_t)f->offset, (uint64_t)f->size) ||
	    tep_read_number_field((struct tep_format_field *)f, r->data, &v))
		return 0;
	if (f->flags & TEP_FIELD_IS_SIGNED && f->size < 8 && v >> (8 * f->size - 1) & 1)
		v |= ~0ull << (8 * f->size);
	return v;
}

/* Text and masks lie in the record, or where the field says that they lie. */
static const char *bytes(const struct tep_format_field *f, const struct tep_record *r, size_t *n)
{
	uint64_t offset = (uint64_t)f->offset, size = (uint64_t)f->size;

	if (f->flags & TEP_FIELD_IS_DYNAMIC) {
		uint64_t where = number(f, r);

		offset = where & 0xffff;
		size = where >> 16 & 0xffff;
		if (f->flags & TEP_FIELD_IS_RELATIVE)
			offset += (uint64_t)f->offset + (uint64_t)f->size;
	}
	*n = size;
	return inside(r, offset, size) ? (const char *)r->data + offset : NULL;
}

static void put_mask(struct dat *d, const struct tep_format_field *f, const struct tep_record *r)
{
	size_t n;
	const char *mask = bytes(f, r, &n);

	put_text(d, "ARRAY[");
	for (size_t i = 0; mask && i < n && i < TRACE_CPUS_MAX / 8; i++) {
		unsigned int byte = (unsigned char)mask[i];
		char text[4] = { "0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15],
				 i + 1 < n && i + 1 < TRACE_CPUS_MAX / 8 ? ',' : ']', '\0' };

		put_text(d, text);
	}
	if (!mask || !n)
		put_text(d, "00]");
}

/* "9 (0, 2000, 3, 22, ffffffff, 0)" or "9 = -12", from the fields that follow the number. */
static void put_call(struct dat *d, bool enter, const struct tep_format_field *id, uint64_t nr,
		     const struct tep_record *r)
{
	const struct tep_format_field *f = tep_find_field(id->event, enter ? "args" : "ret");
	size_t each = f && f->elementsize ? f->elementsize : 8;
	size_t n = f && enter && f->elementsize ? (size_t)f->size / each : 0;

	put_decimal(d, nr, 1);
	put_text(d, enter ? " (" : " = ");
	for (size_t i = 0; i < n && i < 6; i++) {
		size_t at = (size_t)f->offset + i * each;

		put_text(d, i ? ", " : "");
		put_hex_digits(d, inside(r, at, each)
					  ? tep_read_number(d->tep, (char *)r->data + at, (int)each)
					  : 0);
	}
	if (enter)
		put_text(d, ")");
	else
		put_hex(d, f ? number(f, r) : 0);
}

static void put_value(struct dat *d, const struct trace_field *want,
		      const struct tep_format_field *f, const struct tep_record *r)
{
	const char *s = NULL;
	uint64_t v;
	size_t n;

	if (want->how == HOW_NAME) {
		s = bytes(f, r, &n);
		put_comm(d, s && n && *s ? s : "-", s && n && *s ? n : 1);
		return;
	}
	if (want->how == HOW_MASK) {
		put_mask(d, f, r);
		return;
	}
	v = number(f, r);
	if (want->how >= HOW_CALL) {
		put_call(d, want->how == HOW_CALL, f, v, r);
		return;
	}
	if (want->how == HOW_SYMBOL)
		s = tep_find_function(d->tep, v);
	if (want->how == HOW_OKAY)
		s = v == 1 ? "succeeded" : "failed"; /* SCAN_SUCCEED */
	if (s)
		put(d, s, strnlen(s, 512));
	else if (want->how == HOW_STATE || want->how == HOW_REASON)
		put_decimal(d, v, 1);
	else
		put_hex(d, v);
}

/* ---- events ---- */

static const struct dat_event *event_of(struct dat *d, int id)
{
	struct dat_event *e;
	struct tep_event *format;
	char name[128];

	if (id < 0 || id >= EVENT_IDS)
		return NULL;
	e = &d->event[id];
	if (e->known)
		return e->row ? e : NULL;
	e->known = true;
	format = tep_find_event(d->tep, id);
	if (!format || !format->system || !format->name)
		return NULL;
	snprintf(name, sizeof(name), "%s:%s", format->system, format->name);
	e->row = trace_rows_find(&d->rows, name, strlen(name));
	for (int i = 0; e->row && i < TRACE_ROW_FIELDS && e->row->field[i].name; i++)
		e->field[i] = tep_find_field(
			format, e->row->field[i].how >= HOW_CALL ? "id" : e->row->field[i].name);
	return e->row ? e : NULL;
}

static void put_head(struct dat *d, const struct tep_record *r)
{
	int tid = tep_data_pid(d->tep, (struct tep_record *)r);
	const char *comm = tep_data_comm_from_pid(d->tep, tid);
	size_t n = comm && strcmp(comm, "<...>") ? strnlen(comm, COMM_MAX) : 0;

	for (size_t i = n; i < 16; i++)
		d->out[d->used++] = ' ';
	put_comm(d, comm, n);
	put_text(d, tid < 0 ? " -" : " ");
	put_decimal(d, (uint64_t)(tid < 0 ? -(int64_t)tid : tid), 1);
	put_text(d, " [");
	put_decimal(d, (uint64_t)r->cpu, 3);
	put_text(d, "] ");
	put_decimal(d, r->ts / 1000000000, 1);
	put_text(d, ".");
	put_decimal(d, r->ts % 1000000000, 9);
	put_text(d, ": ");
}

static void put_lost(struct dat *d, const struct tep_record *r)
{
	put_text(d, "CPU:");
	put_decimal(d, (uint64_t)r->cpu, 1);
	put_text(d, " [LOST ");
	if (r->missed_events > 0) {
		put_decimal(d, (uint64_t)r->missed_events, 1);
		put_text(d, " ");
	}
	put_text(d, "EVENTS]\n");
}

static void put_event(struct dat *d, const struct tep_record *r)
{
	const struct dat_event *e = event_of(d, tep_data_type(d->tep, (struct tep_record *)r));

	if (d->used + OUT_LINE > OUT_BYTES)
		flush(d);
	if (r->missed_events)
		put_lost(d, r);
	put_head(d, r);
	put_text(d, e ? e->row->name : "other");
	put_text(d, ":");
	for (int i = 0; e && i < TRACE_ROW_FIELDS && e->row->field[i].name; i++) {
		const struct trace_field *want = &e->row->field[i];

		if (!e->field[i])
			continue;
		put_text(d, " ");
		if (want->how != HOW_RET) {
			put_text(d, want->name);
			put_text(d, want->how >= HOW_CALL ? " " : "=");
		}
		put_value(d, want, e->field[i], r);
	}
	put_text(d, "\n");
}

/* ---- the file ---- */

static void add_sources(struct dat *d, struct tracecmd_input *handle)
{
	int cpus = tep_get_cpus(d->tep);

	for (int cpu = 0; handle && cpu < cpus && cpu < TRACE_CPUS_MAX; cpu++) {
		xgrow(d->source, d->n_sources, d->cap_sources);
		d->source[d->n_sources++] = (struct dat_source){ handle, cpu,
								 tracecmd_read_data(handle, cpu) };
	}
}

static struct dat_source *earliest(const struct dat *d)
{
	struct dat_source *first = NULL;

	for (size_t i = 0; i < d->n_sources; i++) {
		struct dat_source *s = &d->source[i];

		if (s->next && (!first || s->next->ts < first->next->ts))
			first = s;
	}
	return first;
}

/* Runs in the child, which ends after it: nothing is freed. */
static int dat_to_text(int in, int out)
{
	struct dat *d = xcalloc(1, sizeof(*d));
	struct tracecmd_input *handle;
	struct dat_source *s;
	struct stat file = { 0 };
	uint64_t records;

	fstat(in, &file);
	records = 1000000 + (uint64_t)file.st_size * RECORDS_A_BYTE;
	alarm(STUCK_S); /* a damaged file may make the library go round in circles */
	tracecmd_set_loglevel(TEP_LOG_NONE);
	tep_set_loglevel(TEP_LOG_NONE);
	handle = tracecmd_open_fd(in, TRACECMD_FL_LOAD_NO_PLUGINS);
	if (!handle) {
		fputs("not a file that it can read\n", stderr);
		return 1;
	}
	d->tep = tracecmd_get_tep(handle);
	d->event = xcalloc(EVENT_IDS, sizeof(*d->event));
	d->fd = out;
	trace_rows_init(&d->rows);
	add_sources(d, handle);
	for (int i = 0; i < tracecmd_buffer_instances(handle); i++)
		add_sources(d, tracecmd_buffer_instance_handle(handle, i));
	while (!d->failed && (s = earliest(d))) {
		if (!records--) {
			fputs("more records than it can hold\n", stderr);
			return 1;
		}
		put_event(d, s->next);
		tracecmd_free_record(s->next);
		s->next = tracecmd_read_data(s->handle, s->cpu);
	}
	flush(d);
	return d->failed;
}

static bool dat_detect(const unsigned char *head, size_t n)
{
	return n >= 10 && !memcmp(head, "\x17\x08\x44tracing", 10);
}

static void *dat_open(struct trace_reader *reader, struct err *err)
{
	if (!input_through(&reader->in, "libtracecmd", NULL, dat_to_text, err))
		return NULL;
	return trace_format_text.open(reader, err);
}

const struct trace_format trace_format_dat = {
	.name = "trace.dat",
	.detect = dat_detect,
	.open = dat_open,
	.next = trace_text_next,
	.close = trace_text_close,
};
