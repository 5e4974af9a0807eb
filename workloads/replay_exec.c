/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The image of a replayed execve. What was inferred of the new address space is what the program
 * and its interpreter mapped; the recording says how many mappings that were, and inference joins
 * neighbours, so ranges of files are cut up until there are as many.
 */
#include <sys/mman.h>

#include "workloads/replay.h"
#include "workloads/xalloc.h"

static size_t longest(const struct exec_segment *s, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (s[i].end - s[i].start > s[best].end - s[best].start)
			best = i;
	return best;
}

/* The longest in two; if all are single pages, parts that nobody used lie behind the last. */
static void cut(struct exec_segment *s, size_t n)
{
	size_t i = longest(s, n);
	uint64_t pages = (s[i].end - s[i].start) / PAGE_BYTES;

	s[n] = s[i];
	if (pages > 1) {
		s[i].end = s[n].start = s[i].start + pages / 2 * PAGE_BYTES;
		return;
	}
	for (size_t j = 0; j < n; j++)
		s[n].end = s[j].end > s[n].end ? s[j].end : s[n].end;
	s[n].start = s[n].end;
	s[n].end += PAGE_BYTES;
}

void replay_exec(struct task *task, const struct replay *r, const struct program_op *op)
{
	const struct program_space *space = &r->program->space[op->other];
	struct exec_segment *s = xcalloc(space->n_ranges + op->len + 1, sizeof(*s));
	struct exec_image image = {
		.segment = s,
		.file_reads = op->prot,
		.file_wait = op->new_len,
		.late_reads = op->flags,
		.late_wait = op->new_addr,
	};
	size_t n = 0;

	for (size_t i = 0; i < space->n_ranges && (!op->len || n < op->len); i++) {
		const struct program_range *g = &space->range[i];

		if (!(g->flags & MAP_ANONYMOUS)) /* the stack, which is no segment */
			s[n++] = (struct exec_segment){ g->start, g->end, g->prot, g->flags };
	}
	while (n && n < op->len)
		cut(s, n++);
	image.n_segments = n;
	sys_execve(task, &image);
	free(s);
}
