/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What operations and their size classes are called, and which class a call is in.
 */
#include "workloads/op_metrics.h"

const char *const op_kind_names[OP_KINDS] = {
	[OP_MMAP] = "mmap",       [OP_MUNMAP] = "munmap", [OP_MPROTECT] = "mprotect",
	[OP_MADVISE] = "madvise", [OP_MREMAP] = "mremap", [OP_BRK] = "brk",
	[OP_FAULT] = "fault",     [OP_FORK] = "fork",     [OP_CLONE] = "clone",
	[OP_EXEC] = "exec",
};

const char *const op_size_names[OP_SIZES] = {
	[OP_SIZE_NONE] = "-",     [OP_SIZE_1] = "1",       [OP_SIZE_33] = "2-33",
	[OP_SIZE_512] = "34-512", [OP_SIZE_MORE] = "513+",
};

enum op_size op_size_of(enum op_kind kind, uint64_t bytes)
{
	uint64_t pages = bytes / 4096 + (bytes % 4096 != 0);

	if (kind >= OP_BRK || !pages)
		return OP_SIZE_NONE;
	if (pages == 1)
		return OP_SIZE_1;
	if (pages <= 33)
		return OP_SIZE_33;
	return pages <= 512 ? OP_SIZE_512 : OP_SIZE_MORE;
}
