/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the importers share and their users do not see: the byte source (plain or compressed, file
 * or pipe), the table of known names, and the operations that one file format implements. A new
 * format is one new file with a struct trace_format and one row in trace_open.c.
 */
#ifndef WORKLOADS_TRACE_READER_H
#define WORKLOADS_TRACE_READER_H

#include "workloads/trace.h"
#include "workloads/trace_child.h"

/* ---- names: each distinct string is kept once, in memory that never moves ---- */

struct strtab {
	char **chunk;                /* storage */
	size_t n_chunks, used, room; /* used of room bytes in the last chunk */
	const char **v;              /* by index, in the order of first use */
	uint32_t *hash_of;           /* by index */
	uint32_t *slot;              /* open addressing: index + 1, 0 = free */
	uint32_t n, cap, mask;
};

void strtab_free(struct strtab *tab);
/* The kept copy of s[0..n), which holds no NUL; its index in *index if that is not NULL. */
const char *strtab_add(struct strtab *tab, const char *s, size_t n, uint32_t *index);

/* ---- bytes ---- */

struct trace_input {
	int fd;
	char *name;              /* for messages */
	uint64_t size, consumed; /* of the file as stored; size 0 = not known */
	unsigned char *raw;      /* as stored, if compressed */
	size_t raw_pos, raw_end;
	bool raw_eof, frame_open;
	const struct trace_codec *codec; /* NULL = plain */
	void *packed;                    /* its state */
	unsigned char *buf;              /* plain bytes: buf[pos..end) is unread */
	size_t pos, end, cap;
	bool eof;                 /* nothing follows buf[end) */
	struct trace_child child; /* that fd comes from; how it ends belongs to the input */
	uint64_t offset;          /* of buf[pos] in the plain bytes */
};

bool input_open(struct trace_input *in, const char *path, struct err *err);
void input_close(struct trace_input *in);
/* Makes at least `want` bytes unread in buf, or all that are left. */
bool input_fill(struct trace_input *in, size_t want, struct err *err);
/*
 * From here on the bytes are those that a child makes of all of the input (see trace_child_start).
 * The child gets a file that it can seek in, whatever the input was.
 */
bool input_through(struct trace_input *in, const char *what, char *const *argv, trace_child_fn *fn,
		   struct err *err);
/* A file without a name, for this process; -1 after an error. */
int trace_temp_file(struct err *err);
static inline size_t input_left(const struct trace_input *in)
{
	return in->end - in->pos;
}
static inline void input_skip(struct trace_input *in, size_t n)
{
	in->pos += n;
	in->offset += n;
}

/* ---- readers ---- */

struct trace_format {
	const char *name;
	bool (*detect)(const unsigned char *head, size_t n);
	void *(*open)(struct trace_reader *reader, struct err *err); /* its own state */
	int (*next)(struct trace_reader *reader, struct trace_event *event, struct err *err);
	void (*close)(void *state);
};

extern const struct trace_format trace_format_text, trace_format_ftrace, trace_format_mmt;
extern const struct trace_format trace_format_perfdata, trace_format_dat;

struct trace_reader {
	const struct trace_format *format;
	void *state;
	struct trace_input in;
	struct strtab names;
	struct trace_stats stats;
	uint64_t last_ns;
	uint64_t shift_ns; /* added to the recorder's clock since it was set back */
};

/*
 * The event's time becomes one that does not decrease; a step back is counted. Small ones come from
 * clocks of CPUs that differ, and from recorders that sort only so far: that event alone gets the
 * time of the one before. A large one shows that the clock was set back: it goes on from there.
 */
static inline void trace_clock(struct trace_reader *reader, struct trace_event *event)
{
	static const uint64_t set_back_ns = 1000000000; /* estimate: no sorting is off by so much */
	uint64_t now = event->time_ns + reader->shift_ns;

	if (now < reader->last_ns) {
		reader->stats.clock_steps++;
		if (reader->last_ns - now > set_back_ns)
			reader->shift_ns += reader->last_ns - now;
		now = reader->last_ns;
	}
	event->time_ns = reader->last_ns = now;
}

#endif
