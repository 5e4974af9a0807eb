/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text of perf script and of ftrace: lines, heads, fields, lost events; and the program made of it.
 */
#include <unistd.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char path[64];
	int fd = fuzz_file(data, n, path);

	fuzz_read(path);
	program_free(fuzz_build(path));
	close(fd);
	return 0;
}
