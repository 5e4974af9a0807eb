/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs of any events in any order, also impossible ones: each 12 bytes of the input are one
 * event from a small world (few tasks, CPUs and addresses), so that events meet.
 */
#include <string.h>

#include "fuzz.h"

enum { EVENT_BYTES = 12 };

struct input {
	const uint8_t *p, *end;
	uint64_t now;
};

static int next_event(struct trace_reader *reader, struct trace_event *e, struct err *err)
{
	static const uint64_t addresses[] = { 0,        1,          0x400000,       0x401000,
					      0x600000, 0x7f000000, 0x7f0000200000, UINT64_MAX };
	struct input *in = reader->state;
	const uint8_t *b = in->p;

	(void)err;
	if (in->end - in->p < EVENT_BYTES)
		return 0;
	in->p += EVENT_BYTES;
	*e = (struct trace_event){ .comm = "x", .text = b[0] & 1 ? "y" : NULL, .text2 = "z" };
	in->now += (uint64_t)b[1] << (b[2] & 31);
	e->time_ns = in->now;
	e->pid = (b[3] & 3) - 1;
	e->tid = (b[3] >> 2 & 7) - 1;
	e->cpu = b[3] >> 5 == 7 ? TRACE_CPU_UNKNOWN : b[3] >> 5;
	e->type = (uint8_t)(1 + b[4] % (TRACE_TYPES - 1));
	e->nr = (uint8_t)(1 + b[5] % (SC_SYSCALLS - 1));
	for (int i = 0; i < 6; i++) {
		uint8_t v = b[6 + i];

		e->arg[i] = v & 128 ? addresses[v & 7] + ((uint64_t)(v >> 3 & 15) << 12) : v;
	}
	if (e->type == TRACE_SWITCH)
		e->arg[1] = (uint8_t) "SRDXZ"[b[7] % 5];
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct trace_format format = { .name = "fuzz", .next = next_event };
	struct input in = { data, data + n, 0 };
	struct trace_reader reader = { .format = &format, .state = &in };
	struct err err = { 0 };
	struct program *p = program_build(&reader, &err);

	if (p)
		fuzz_check_program(p);
	program_free(p);
	return 0;
}
