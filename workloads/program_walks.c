/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Walks: a thread that touches page after page, each for the first time, works as long on one as on
 * the next. A fault of a walk that takes microseconds more than its neighbours has met the kernel's
 * batches (31 new folios that go to the LRU list together), the page-table lock of another thread
 * that has, or an interrupt: that is the simulated kernel's business, and no work of the thread's.
 */
#include <stdlib.h>

#include "workloads/program_build.h"

enum { WALK_MIN = 8 };
static const sim_ps regular = 300 * SIM_NS; /* between the quartiles */
static const sim_ps slow_path = 12 * SIM_US;

/* op[i] goes on with what op[i - 1] was at, one page up or down. */
static bool goes_on(const struct program_op *op, size_t i)
{
	int64_t step = (int64_t)(op[i].addr / PAGE) - (int64_t)(op[i - 1].addr / PAGE);

	return op[i].kind == PROGRAM_ACCESS && op[i - 1].kind == PROGRAM_ACCESS &&
	       op[i].access == op[i - 1].access && (step == 1 || step == -1);
}

/* The own work before each of n operations. */
static void even_out(struct program_op *op, size_t n)
{
	sim_ps *think = xmalloc(n * sizeof(*think)), quartile[4];

	for (size_t i = 0; i < n; i++)
		think[i] = op[i].think;
	qsort(think, n, sizeof(*think), by_ps);
	for (size_t q = 1; q < 4; q++)
		quartile[q] = think[(n - 1) * q / 4];
	free(think);
	if (quartile[3] - quartile[1] > regular)
		return;
	for (size_t i = 0; i < n; i++)
		if (op[i].think > quartile[3] + regular && op[i].think < quartile[2] + slow_path)
			op[i].think = quartile[2];
}

void walks_even_out(struct program_op *op, size_t n)
{
	size_t start = 1;

	for (size_t i = 1; i <= n; i++) {
		if (i < n && goes_on(op, i))
			continue;
		if (i - start >= WALK_MIN)
			even_out(op + start, i - start);
		start = i + 1;
	}
}
