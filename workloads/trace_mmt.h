/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The .mmt file, as docs/trace-format.md describes it: constants, and the codec that turns a block
 * of events into bytes and back. Files, checksums and compression are trace_mmt_read.c's and
 * trace_mmt_write.c's.
 */
#ifndef WORKLOADS_TRACE_MMT_H
#define WORKLOADS_TRACE_MMT_H

#include "workloads/trace_reader.h"

#define MMT_MAGIC   "\x89MMT\r\n\x1a\n" /* text-mode copies and 7-bit paths damage it */
#define MMT_VERSION 1u

enum {
	MMT_HEADER = 16,         /* magic 8, version 4, CRC-32 of these 12 */
	MMT_BLOCK_HEADER = 24,   /* kind, stored, raw, events, CRC of payload, CRC of these 20 */
	MMT_TRAILER = 52,        /* 6 counts of 8 bytes, CRC of the file up to here */
	MMT_BLOCK = 0x4b4c4258u, /* "XBLK" */
	MMT_END = 0x444e4558u,   /* "XEND" */
	MMT_BLOCK_EVENTS = 65536,
	MMT_RAW_MAX = 8 << 20, /* bytes of one block before compression */
};

/* Symbols: one for each type, SYS_ENTER and SYS_EXIT one for each call. */
enum {
	MMT_CALLS = 32,
	MMT_SYMBOLS = 2 * MMT_CALLS + 64,
	MMT_COLUMNS = 10, /* of a symbol: time low and high, arg[0..5], text, text2 */
};

/* Streams of the whole block, after those of the symbols. */
enum {
	MMT_CPU = MMT_SYMBOLS * MMT_COLUMNS,
	MMT_SYMBOL,
	MMT_WHO,
	MMT_NEW_WHO,
	MMT_NAMES,
	MMT_STREAMS
};

struct mmt_stream {
	unsigned char *p; /* encoder: owned; decoder: into the block */
	size_t n, cap, pos;
	bool any; /* a byte that is not 0; a stream of zeros is left out */
};

struct mmt_who {
	int32_t pid, tid;
	uint32_t comm;
};

/* What was last seen on one CPU: everything is stored as a difference to it. */
struct mmt_cpu {
	uint64_t time;
	uint32_t who;
	uint64_t arg[MMT_SYMBOLS][6];
};

/* Numbers of an event's names: the table's index + 1, 0 = none. */
struct mmt_ids {
	uint32_t comm, text, text2;
};

struct mmt_codec {
	struct mmt_stream stream[MMT_STREAMS];
	struct mmt_cpu **cpu; /* by number, the last for TRACE_CPU_UNKNOWN; NULL = not seen */
	struct strtab *names; /* a name's number in the file is its index here */
	uint32_t n_names;     /* of them already written (encoder) */
	struct mmt_who *who;  /* by number, in the order of first use */
	uint32_t n_who, cap_who;
	uint32_t *who_slot, who_mask;                /* encoder: hash of who, number + 1 */
	uint32_t *next, *head, *tail, *seen, n_seen; /* a block's events by CPU */
	unsigned char *out;                          /* encoder: the block's bytes */
	size_t out_cap;
};

void mmt_codec_init(struct mmt_codec *codec, struct strtab *names);
void mmt_codec_free(struct mmt_codec *codec);
/* events[0..n), n <= MMT_BLOCK_EVENTS -> bytes in codec->out; their number. */
size_t mmt_encode(struct mmt_codec *codec, const struct trace_event *events,
		  const struct mmt_ids *ids, size_t n);
/* The other way; false: not what mmt_encode writes. */
bool mmt_decode(struct mmt_codec *codec, const unsigned char *p, size_t size,
		struct trace_event *events, size_t n);

static inline void mmt_put32(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

static inline uint32_t mmt_get32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void mmt_put64(unsigned char *p, uint64_t v)
{
	mmt_put32(p, (uint32_t)v);
	mmt_put32(p + 4, (uint32_t)(v >> 32));
}

static inline uint64_t mmt_get64(const unsigned char *p)
{
	return mmt_get32(p) | (uint64_t)mmt_get32(p + 4) << 32;
}

#endif
