/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The .mmt file. Checksums and compression would stop nearly every change, so the input is the
 * content of a block (two bytes: events in it, then the streams), and a file is made around it
 * whose checksums are right. The checksums themselves are tested by test_trace_mmt.c.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "fuzz.h"
#include "workloads/trace_mmt.h"

static size_t put_block_header(unsigned char *p, uint32_t kind, uint32_t stored, uint32_t raw,
			       uint32_t events, const unsigned char *payload)
{
	mmt_put32(p, kind);
	mmt_put32(p + 4, stored);
	mmt_put32(p + 8, raw);
	mmt_put32(p + 12, events);
	mmt_put32(p + 16, (uint32_t)crc32(0, payload, stored));
	mmt_put32(p + 20, (uint32_t)crc32(0, p, 20));
	return MMT_BLOCK_HEADER;
}

static size_t put_end(unsigned char *file, size_t n, uint32_t events)
{
	unsigned char trailer[MMT_TRAILER] = { 0 };

	mmt_put64(trailer, events);
	mmt_put64(trailer + 8, 1);
	mmt_put32(trailer + 48, (uint32_t)crc32(0, file, (uInt)n));
	n += put_block_header(file + n, MMT_END, MMT_TRAILER, MMT_TRAILER, 0, trailer);
	memcpy(file + n, trailer, MMT_TRAILER);
	return n + MMT_TRAILER;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint32_t events = n > 2 ? (uint32_t)data[0] | (uint32_t)data[1] << 8 : 0;
	size_t room = ZSTD_compressBound(n) + 256, used = MMT_HEADER, stored;
	unsigned char *file;
	char path[64];
	int fd;

	if (!events)
		return 0;
	file = calloc(1, room);
	memcpy(file, MMT_MAGIC, 8);
	mmt_put32(file + 8, MMT_VERSION);
	mmt_put32(file + 12, (uint32_t)crc32(0, file, 12));
	stored = ZSTD_compress(file + used + MMT_BLOCK_HEADER, room - used - MMT_BLOCK_HEADER,
			       data + 2, n - 2, 1);
	put_block_header(file + used, MMT_BLOCK, (uint32_t)stored, (uint32_t)(n - 2), events,
			 file + used + MMT_BLOCK_HEADER);
	used = put_end(file, used + MMT_BLOCK_HEADER + stored, events);
	fd = fuzz_file(file, used, path);
	free(file);
	fuzz_read(path);
	program_free(fuzz_build(path));
	close(fd);
	return 0;
}
