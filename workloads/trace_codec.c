/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * zstd, gzip and xz by their libraries. Several compressed files one after the other are one, as
 * for the commands of these names.
 */
#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "workloads/trace_codec.h"
#include "workloads/xalloc.h"

/* xz -9 takes 65 MiB; a file that asks for much more than that is none of ours */
static const uint64_t xz_memory = 256u << 20;

static void *zstd_open(void)
{
	ZSTD_DCtx *z = ZSTD_createDCtx();

	if (!z)
		abort();
	return z;
}

static const char *zstd_step(void *state, struct trace_piece *piece, bool *inside)
{
	ZSTD_outBuffer out = { piece->dst, (size_t)(piece->dst_end - piece->dst), 0 };
	ZSTD_inBuffer in = { piece->src, (size_t)(piece->src_end - piece->src), 0 };
	size_t rc = ZSTD_decompressStream(state, &out, &in);

	if (ZSTD_isError(rc))
		return ZSTD_getErrorName(rc);
	*inside = rc != 0;
	piece->src += in.pos;
	piece->dst += out.pos;
	return NULL;
}

static void zstd_close(void *state)
{
	ZSTD_freeDCtx(state);
}

static void *gzip_open(void)
{
	z_stream *z = xcalloc(1, sizeof(*z));

	if (inflateInit2(z, 16 + MAX_WBITS) != Z_OK) /* 16: gzip's header and checksum */
		abort();
	return z;
}

static const char *gzip_step(void *state, struct trace_piece *piece, bool *inside)
{
	z_stream *z = state;
	int rc;

	z->next_in = (unsigned char *)piece->src; /* not const in zlib's old interface */
	z->avail_in = (unsigned int)(piece->src_end - piece->src);
	z->next_out = piece->dst;
	z->avail_out = (unsigned int)(piece->dst_end - piece->dst);
	rc = inflate(z, Z_NO_FLUSH);
	piece->src = z->next_in;
	piece->dst = z->next_out;
	*inside = rc != Z_STREAM_END;
	if (rc == Z_STREAM_END && inflateReset(z) != Z_OK)
		return "cannot start the next member";
	if (rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR)
		return NULL;
	return z->msg ? z->msg : "not a gzip stream";
}

static void gzip_close(void *state)
{
	inflateEnd(state);
	free(state);
}

static void xz_start(lzma_stream *z)
{
	if (lzma_stream_decoder(z, xz_memory, 0) != LZMA_OK)
		abort();
}

static void *xz_open(void)
{
	lzma_stream *z = xcalloc(1, sizeof(*z));

	xz_start(z);
	return z;
}

static const char *xz_step(void *state, struct trace_piece *piece, bool *inside)
{
	lzma_stream *z = state;
	lzma_ret rc;

	z->next_in = piece->src;
	z->avail_in = (size_t)(piece->src_end - piece->src);
	z->next_out = piece->dst;
	z->avail_out = (size_t)(piece->dst_end - piece->dst);
	rc = lzma_code(z, LZMA_RUN);
	piece->src = z->next_in;
	piece->dst = z->next_out;
	*inside = rc != LZMA_STREAM_END;
	switch (rc) {
	case LZMA_STREAM_END:
		xz_start(z);
		return NULL;
	case LZMA_OK:
	case LZMA_BUF_ERROR:
		return NULL;
	case LZMA_MEMLIMIT_ERROR:
		return "needs more than 256 MiB of memory";
	case LZMA_FORMAT_ERROR:
		return "not an xz stream";
	default:
		return "corrupt";
	}
}

static void xz_close(void *state)
{
	lzma_end(state);
	free(state);
}

static const struct trace_codec codecs[] = {
	{ "zstd", "\x28\xb5\x2f\xfd", 4, "frame", false, zstd_open, zstd_step, zstd_close },
	{ "gzip", "\x1f\x8b", 2, "stream", true, gzip_open, gzip_step, gzip_close },
	{ "xz",
	  "\xfd"
	  "7zXZ",
	  6, "stream", true, xz_open, xz_step, xz_close },
};

const struct trace_codec *trace_codec_find(const unsigned char *head, size_t n)
{
	for (size_t i = 0; i < sizeof(codecs) / sizeof(*codecs); i++)
		if (n >= codecs[i].n_magic && !memcmp(head, codecs[i].magic, codecs[i].n_magic))
			return &codecs[i];
	return NULL;
}
