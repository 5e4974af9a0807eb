/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Compressed recordings: zstd, gzip and xz, as they are and in pieces.
 */
#include <unistd.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char path[64];
	int fd = fuzz_file(data, n, path);

	fuzz_read(path);
	close(fd);
	return 0;
}
