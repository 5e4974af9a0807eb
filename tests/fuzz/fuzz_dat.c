/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace.dat: libtracecmd may crash on what it reads, mmsim may not. Under libFuzzer, the process
 * around libtracecmd leaves a crash-* file when it dies; only a fuzzer that ends early has found a
 * fault of ours.
 */
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char path[64];
	int fd;

	if (n < 10 || memcmp(data, "\x17\x08\x44tracing", 10))
		return 0; /* text, or nothing */
	fd = fuzz_file(data, n, path);
	fuzz_read(path);
	close(fd);
	return 0;
}
