/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bytes of a recording: from a file or standard input, plain or zstd (told by content), through
 * one sliding buffer. It knows nothing of what the bytes mean.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

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

/* Decompresses once into buf[end..cap). */
static bool zstd_some(struct trace_input *in, struct err *err)
{
	ZSTD_outBuffer out = { in->buf, in->cap, in->end };
	ZSTD_inBuffer src;
	size_t rc;

	if (!raw_fill(in, err))
		return false;
	if (in->raw_pos == in->raw_end && !in->frame_open) {
		in->eof = true;
		return true;
	}
	src = (ZSTD_inBuffer){ in->raw, in->raw_end, in->raw_pos };
	rc = ZSTD_decompressStream(in->dctx, &out, &src);
	if (ZSTD_isError(rc))
		return err_set(err, "%s: damaged zstd data: %s", in->name, ZSTD_getErrorName(rc));
	if (in->raw_eof && rc && out.pos == in->end)
		return err_set(err, "%s: truncated: the zstd frame does not end", in->name);
	in->frame_open = rc != 0;
	in->raw_pos = src.pos;
	in->end = out.pos;
	return true;
}

static bool plain_some(struct trace_input *in, struct err *err)
{
	ssize_t got = read_some(in, in->buf + in->end, in->cap - in->end, err);

	if (got < 0)
		return false;
	in->eof = got == 0;
	in->end += (size_t)got;
	return true;
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
		if (!(in->zstd ? zstd_some(in, err) : plain_some(in, err)))
			return false;
	return true;
}

/* What was read so far is zstd: it becomes the raw bytes, and buf starts anew. */
static void start_zstd(struct trace_input *in)
{
	in->zstd = true;
	in->dctx = ZSTD_createDCtx();
	if (!in->dctx)
		abort();
	in->raw = in->buf;
	in->raw_end = in->end;
	in->raw_eof = in->eof;
	in->buf = NULL;
	in->cap = in->end = 0;
	in->eof = false;
}

bool input_open(struct trace_input *in, const char *path, struct err *err)
{
	static const unsigned char magic[4] = { 0x28, 0xb5, 0x2f, 0xfd };
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
	while (!in->eof && in->end < sizeof(magic)) /* a pipe may give less at first */
		if (!plain_some(in, err))
			return false;
	if (in->end >= sizeof(magic) && !memcmp(in->buf, magic, sizeof(magic)))
		start_zstd(in);
	return true;
}

void input_close(struct trace_input *in)
{
	if (in->fd > STDIN_FILENO)
		close(in->fd);
	ZSTD_freeDCtx(in->dctx);
	free(in->raw);
	free(in->buf);
	free(in->name);
}
