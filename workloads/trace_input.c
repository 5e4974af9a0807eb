/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bytes of a recording: from a file or standard input, plain or compressed (told by content),
 * through one sliding buffer. It knows nothing of what the bytes mean.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workloads/trace_codec.h"
#include "workloads/trace_reader.h"
#include "workloads/xalloc.h"

enum { RAW_SIZE = 1 << 17, STEP = 1 << 16 };

/* Reads once into p; 0 at the end, -1 after an error. */
static ssize_t read_some(struct trace_input *in, void *p, size_t n, struct err *err)
{
	ssize_t got;

	do {
		got = read(in->fd, p, n);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		err_set(err, "%s: cannot read: %s", in->name, strerror(errno));
	else
		in->consumed += (size_t)got;
	return got;
}

static bool raw_fill(struct trace_input *in, struct err *err)
{
	ssize_t got;

	if (in->raw_pos < in->raw_end || in->raw_eof)
		return true;
	got = read_some(in, in->raw, RAW_SIZE, err);
	if (got < 0)
		return false;
	in->raw_eof = got == 0;
	in->raw_pos = 0;
	in->raw_end = (size_t)got;
	return true;
}

/* Between two frames: skips padding. 1: another one follows, 0: the file ends, -1: error. */
static int more_frames(struct trace_input *in, struct err *err)
{
	for (;;) {
		if (!raw_fill(in, err))
			return -1;
		if (in->raw_pos == in->raw_end)
			return 0;
		if (in->raw[in->raw_pos] || !in->codec->zeros_between)
			return 1;
		in->raw_pos++;
	}
}

/* Decompresses once into buf[end..cap). */
static bool packed_some(struct trace_input *in, struct err *err)
{
	struct trace_piece piece;
	const char *wrong;
	int more = in->frame_open ? 1 : more_frames(in, err);

	if (more <= 0) {
		in->eof = more == 0;
		return more == 0;
	}
	if (!raw_fill(in, err))
		return false;
	piece = (struct trace_piece){ in->raw + in->raw_pos, in->raw + in->raw_end,
				      in->buf + in->end, in->buf + in->cap };
	wrong = in->codec->step(in->packed, &piece, &in->frame_open);
	if (wrong)
		return err_set(err, "%s: damaged %s data: %s", in->name, in->codec->name, wrong);
	if (in->raw_eof && in->frame_open && piece.dst == in->buf + in->end)
		return err_set(err, "%s: truncated: the %s %s does not end", in->name,
			       in->codec->name, in->codec->unit);
	in->raw_pos = (size_t)(piece.src - in->raw);
	in->end = (size_t)(piece.dst - in->buf);
	return true;
}

static bool plain_some(struct trace_input *in, struct err *err)
{
	ssize_t got = read_some(in, in->buf + in->end, in->cap - in->end, err);

	if (got < 0)
		return false;
	in->eof = got == 0;
	in->end += (size_t)got;
	return !in->eof || trace_child_end(&in->child, in->name, err);
}

bool input_fill(struct trace_input *in, size_t want, struct err *err)
{
	if (in->eof || input_left(in) >= want)
		return true;
	if (in->pos) {
		memmove(in->buf, in->buf + in->pos, input_left(in));
		in->end -= in->pos;
		in->pos = 0;
	}
	if (want + STEP > in->cap) {
		in->cap = want + 2 * STEP;
		in->buf = xrealloc(in->buf, in->cap);
	}
	while (!in->eof && input_left(in) < want)
		if (!(in->codec ? packed_some(in, err) : plain_some(in, err)))
			return false;
	return true;
}

/* What was read so far is compressed: it becomes the raw bytes, and buf starts anew. */
static void start_packed(struct trace_input *in, const struct trace_codec *codec)
{
	in->codec = codec;
	in->packed = codec->open();
	in->raw = in->buf;
	in->raw_end = in->end;
	in->raw_eof = in->eof;
	in->buf = NULL;
	in->cap = in->end = 0;
	in->eof = false;
}

bool input_open(struct trace_input *in, const char *path, struct err *err)
{
	const struct trace_codec *codec;
	struct stat st;

	memset(in, 0, sizeof(*in));
	in->name = xstrdup(strcmp(path, "-") ? path : "<stdin>");
	in->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (in->fd < 0)
		return err_set(err, "%s: cannot open: %s", path, strerror(errno));
	if (fstat(in->fd, &st))
		return err_set(err, "%s: cannot stat: %s", in->name, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return err_set(err, "%s: is a directory, expected a recording", in->name);
	in->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	in->cap = RAW_SIZE;
	in->buf = xmalloc(in->cap);
	while (!in->eof && in->end < TRACE_MAGIC_MAX) /* a pipe may give less at first */
		if (!plain_some(in, err))
			return false;
	codec = trace_codec_find(in->buf, in->end);
	if (codec)
		start_packed(in, codec);
	return true;
}

/* All that is left, in a file that can be read again from its start; -1 after an error. */
static int spool(struct trace_input *in, struct err *err)
{
	int fd = trace_temp_file(err);

	while (fd >= 0 && input_left(in)) {
		ssize_t n = write(fd, in->buf + in->pos, input_left(in));

		if (n > 0)
			input_skip(in, (size_t)n);
		else if (n < 0 && errno != EINTR)
			err_set(err, "%s: cannot keep it in a temporary file: %s", in->name,
				strerror(errno));
		if (err_is_set(err) || (!input_left(in) && !input_fill(in, 1, err))) {
			close(fd);
			fd = -1;
		}
	}
	return fd;
}

static void forget_packed(struct trace_input *in)
{
	if (in->codec)
		in->codec->close(in->packed);
	in->codec = NULL;
}

bool input_through(struct trace_input *in, const char *what, char *const *argv, trace_child_fn *fn,
		   struct err *err)
{
	int from = in->size && !in->codec ? in->fd : spool(in, err), out;
	bool ok = from >= 0 && trace_child_start(&in->child, what, argv, fn, from, &out, err);

	if (from >= 0 && from != in->fd)
		close(from);
	if (!ok)
		return false;
	if (in->fd > STDIN_FILENO)
		close(in->fd);
	forget_packed(in);
	in->fd = out;
	in->size = in->consumed = 0; /* how much it will be, nobody knows */
	in->pos = in->end = 0;
	in->offset = 0;
	in->eof = false;
	return true;
}

void input_close(struct trace_input *in)
{
	if (in->fd > STDIN_FILENO)
		close(in->fd);
	trace_child_stop(&in->child);
	forget_packed(in);
	free(in->raw);
	free(in->buf);
	free(in->name);
}
