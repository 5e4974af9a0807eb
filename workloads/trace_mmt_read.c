/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads .mmt files a block at a time. Nothing of a block is believed before its checksum, and the
 * file is sound only with its trailer: the counts, the checksum of all bytes, and nothing behind
 * it.
 */
#include <inttypes.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "workloads/trace_mmt.h"
#include "workloads/xalloc.h"

struct mmt_state {
	struct mmt_codec codec;
	struct trace_event *events;
	size_t n, pos, cap; /* of events */
	uint64_t blocks;
	uint32_t crc; /* of the file so far */
	bool ended;
	ZSTD_DCtx *dctx;
	unsigned char *raw;
};

static bool mmt_detect(const unsigned char *head, size_t n)
{
	return n >= 8 && !memcmp(head, MMT_MAGIC, 8);
}

static bool damaged(const struct trace_reader *r, struct err *err, const char *what)
{
	const struct mmt_state *m = r->state;

	return err_set(err, "%s: damaged .mmt file: %s (block %" PRIu64 ", byte %" PRIu64 ")",
		       r->in.name, what, m->blocks, r->in.offset);
}

/* n bytes at once, or false. */
static const unsigned char *need(struct trace_reader *r, size_t n, struct err *err)
{
	if (!input_fill(&r->in, n, err))
		return NULL;
	if (input_left(&r->in) < n) {
		damaged(r, err, "truncated");
		return NULL;
	}
	return r->in.buf + r->in.pos;
}

static void take(struct trace_reader *r, size_t n)
{
	struct mmt_state *m = r->state;

	m->crc = (uint32_t)crc32(m->crc, r->in.buf + r->in.pos, (uInt)n);
	input_skip(&r->in, n);
}

static void mmt_close(void *state)
{
	struct mmt_state *m = state;

	mmt_codec_free(&m->codec);
	ZSTD_freeDCtx(m->dctx);
	free(m->events);
	free(m->raw);
	free(m);
}

static bool read_header(struct trace_reader *r, struct err *err)
{
	const unsigned char *p = need(r, MMT_HEADER, err);
	uint32_t version;

	if (!p)
		return false;
	version = mmt_get32(p + 8);
	if (version > MMT_VERSION)
		return err_set(err, "%s: .mmt version %u, this mmsim reads up to version %u",
			       r->in.name, version, MMT_VERSION);
	if (mmt_get32(p + 12) != (uint32_t)crc32(0, p, 12))
		return damaged(r, err, "header checksum");
	if (version != MMT_VERSION)
		return damaged(r, err, "version 0");
	take(r, MMT_HEADER);
	return true;
}

static void *mmt_open(struct trace_reader *r, struct err *err)
{
	struct mmt_state *m = xcalloc(1, sizeof(*m));

	mmt_codec_init(&m->codec, &r->names);
	m->dctx = ZSTD_createDCtx();
	if (!m->dctx)
		abort();
	r->state = m;
	if (read_header(r, err))
		return m;
	mmt_close(m);
	r->state = NULL;
	return NULL;
}

static bool read_trailer(struct trace_reader *r, uint32_t file_crc, struct err *err)
{
	struct mmt_state *m = r->state;
	const unsigned char *p = r->in.buf + r->in.pos;

	if (mmt_get32(p + 48) != file_crc)
		return damaged(r, err, "checksum of the whole file");
	if (mmt_get64(p) != r->stats.events || mmt_get64(p + 8) != m->blocks)
		return damaged(r, err, "events or blocks are missing");
	r->stats.lines = mmt_get64(p + 16);
	r->stats.ignored = mmt_get64(p + 24);
	r->stats.lost = mmt_get64(p + 32);
	r->stats.clock_steps = mmt_get64(p + 40);
	take(r, MMT_TRAILER);
	if (!input_fill(&r->in, 1, err))
		return false;
	if (input_left(&r->in))
		return damaged(r, err, "data behind the trailer");
	m->ended = true;
	return true;
}

static bool unpack(struct trace_reader *r, size_t stored, size_t raw, size_t n, struct err *err)
{
	struct mmt_state *m = r->state;
	const unsigned char *p = r->in.buf + r->in.pos;
	size_t got;

	m->raw = xrealloc(m->raw, raw);
	got = ZSTD_decompressDCtx(m->dctx, m->raw, raw, p, stored);
	if (ZSTD_isError(got) || got != raw)
		return damaged(r, err, "compressed data");
	if (n > m->cap) {
		m->events = xrealloc(m->events, n * sizeof(*m->events));
		m->cap = n;
	}
	if (!mmt_decode(&m->codec, m->raw, raw, m->events, n))
		return damaged(r, err, "events");
	for (size_t i = 0; i < n; i++) {
		if (m->events[i].time_ns < r->last_ns)
			return damaged(r, err, "time goes back");
		r->last_ns = m->events[i].time_ns;
	}
	take(r, stored);
	m->n = n;
	m->pos = 0;
	m->blocks++;
	return true;
}

static bool read_block(struct trace_reader *r, struct err *err)
{
	struct mmt_state *m = r->state;
	const unsigned char *p = need(r, MMT_BLOCK_HEADER, err);
	uint32_t kind, stored, raw, n, crc, before = m->crc;
	bool sound;

	if (!p)
		return false;
	kind = mmt_get32(p);
	stored = mmt_get32(p + 4);
	raw = mmt_get32(p + 8);
	n = mmt_get32(p + 12);
	crc = mmt_get32(p + 16);
	if (mmt_get32(p + 20) != (uint32_t)crc32(0, p, 20))
		return damaged(r, err, "block header checksum");
	if (kind == MMT_END)
		sound = stored == MMT_TRAILER && raw == MMT_TRAILER && !n;
	else
		sound = kind == MMT_BLOCK && raw && raw <= MMT_RAW_MAX && n &&
			n <= MMT_BLOCK_EVENTS && stored <= ZSTD_COMPRESSBOUND((size_t)MMT_RAW_MAX);
	if (!sound)
		return damaged(r, err, "block header");
	take(r, MMT_BLOCK_HEADER);
	p = need(r, stored, err);
	if (!p)
		return false;
	if (crc != (uint32_t)crc32(0, p, stored))
		return damaged(r, err, "block checksum");
	if (kind == MMT_BLOCK)
		return unpack(r, stored, raw, n, err);
	return read_trailer(r, before, err);
}

static int mmt_next(struct trace_reader *r, struct trace_event *event, struct err *err)
{
	struct mmt_state *m = r->state;

	if (m->pos == m->n) {
		if (!m->ended && !read_block(r, err))
			return -1;
		if (m->ended)
			return 0;
	}
	*event = m->events[m->pos++];
	r->stats.events++;
	return 1;
}

const struct trace_format trace_format_mmt = {
	.name = ".mmt",
	.detect = mmt_detect,
	.open = mmt_open,
	.next = mmt_next,
	.close = mmt_close,
};
