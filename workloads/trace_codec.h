/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Compressed recordings: one row a compression, told by its magic, that turns stored bytes into
 * plain ones piece by piece. Where bytes come from and go to is trace_input.c's.
 */
#ifndef WORKLOADS_TRACE_CODEC_H
#define WORKLOADS_TRACE_CODEC_H

#include <stdbool.h>
#include <stddef.h>

struct trace_piece { /* both pointers move on by what was used and made */
	const unsigned char *src, *src_end;
	unsigned char *dst, *dst_end;
};

struct trace_codec {
	const char *name;
	const char *magic;
	size_t n_magic;
	const char *unit;   /* what ends: "frame", "stream" */
	bool zeros_between; /* zero bytes between two of these are padding */
	void *(*open)(void);
	/*
	 * Decompresses what it can; *inside becomes false at the end of a unit, and nothing after
	 * that was read. NULL, or what is wrong.
	 */
	const char *(*step)(void *state, struct trace_piece *piece, bool *inside);
	void (*close)(void *state);
};

enum { TRACE_MAGIC_MAX = 6 };

/* NULL: not compressed, as far as we know. */
const struct trace_codec *trace_codec_find(const unsigned char *head, size_t n);

#endif
