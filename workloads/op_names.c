/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What operations and their size classes are called, and which class a call is in.
 */
#include "workloads/op_metrics.h"

const char *const op_kind_names[OP_KINDS] = {
	[OP_MMAP] = "mmap",       [OP_MUNMAP] = "munmap", [OP_MPROTECT] = "mprotect",
	[OP_MADVISE] = "madvise", [OP_MREMAP] = "mremap", [OP_BRK] = "brk",
	[OP_FAULT] = "fault",     [OP_FORK] = "fork",     [OP_CLONE] = "clone",
	[OP_EXEC] = "exec",       [OP_VFORK] = "vfork",
};

const char *const op_size_names[OP_SIZES] = {
	[OP_SIZE_NONE] = "-", [OP_SIZE_4K] = "4K",     [OP_SIZE_64K] = "64K",
	[OP_SIZE_2M] = "2M",  [OP_SIZE_MORE] = "more",
};

enum op_size op_size_of(enum op_kind kind, uint64_t bytes)
{
	if (kind >= OP_BRK || !bytes)
		return OP_SIZE_NONE;
	if (bytes <= 4096)
		return OP_SIZE_4K;
	if (bytes <= 65536)
		return OP_SIZE_64K;
	return bytes <= 2u << 20 ? OP_SIZE_2M : OP_SIZE_MORE;
}
