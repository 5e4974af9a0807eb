/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * More or fewer threads than were recorded: finds the workers of the main process, finds which
 * addresses are a worker's own, and lays out copies of them where nothing else is. How copies run
 * is replay.c's.
 */
#include <string.h>

#include "sim/rng.h"
#include "workloads/program_build.h"
#include "workloads/replay.h"

enum { TENTH = 10 };
static const uint64_t chunk = 2 << 20;         /* alignment that relocation keeps */
static const uint64_t user_start = 1ull << 32; /* copies go into a gap of the user addresses */
static const uint64_t user_end = 0x7f0000000000;
static const sim_ps start_spread = 10 * SIM_US; /* copies start within this */

static uint64_t down(uint64_t addr)
{
	return addr & ~(chunk - 1);
}

static uint64_t up(uint64_t addr)
{
	return down(addr + chunk - 1);
}

static int by_pid(const void *a, const void *b)
{
	const struct program_task *const *x = a, *const *y = b;

	if ((*x)->pid != (*y)->pid)
		return (*x)->pid < (*y)->pid ? -1 : 1;
	return *x < *y ? -1 : *x > *y;
}

/* The process with the most operations; of several, the first. */
static int32_t main_process(const struct program *p)
{
	const struct program_task **v = xmalloc(p->n_tasks * sizeof(*v)), *first = NULL;
	uint64_t best = 0, sum = 0;

	for (size_t i = 0; i < p->n_tasks; i++)
		v[i] = &p->task[i];
	qsort(v, p->n_tasks, sizeof(*v), by_pid);
	for (size_t i = 0, from = 0; i < p->n_tasks; i++) {
		sum += v[i]->mm_ops;
		if (i + 1 < p->n_tasks && v[i + 1]->pid == v[i]->pid)
			continue;
		if (sum > best || (sum && sum == best && v[from] < first)) {
			best = sum;
			first = v[from];
		}
		sum = 0;
		from = i + 1;
	}
	free(v);
	return first ? first->pid : -1;
}

static void find_workers(struct replay *r)
{
	const struct program *p = r->program;
	int32_t pid = main_process(p);
	uint64_t most = 0;

	for (size_t i = 0; i < p->n_tasks; i++)
		if (p->task[i].pid == pid && p->task[i].mm_ops > most)
			most = p->task[i].mm_ops;
	r->worker = xcalloc(p->n_tasks, sizeof(*r->worker));
	for (size_t i = 0; i < p->n_tasks; i++)
		if (p->task[i].pid == pid && most && p->task[i].mm_ops * TENTH >= most)
			r->worker[r->n_workers++].task = (uint32_t)i;
}

/* ---- which addresses are a worker's own ---- */

struct touch {
	uint64_t page;
	uint32_t task;
	uint8_t access;
};

static int by_page(const void *a, const void *b)
{
	const struct touch *x = a, *y = b;

	return x->page < y->page ? -1 : x->page > y->page;
}

/* All faults of the process, by page. */
static struct touch *touches(const struct program *p, int32_t pid, size_t *n)
{
	struct touch *v = NULL;
	size_t cap = 0;

	*n = 0;
	for (uint32_t i = 0; i < p->n_tasks; i++)
		for (size_t j = 0; p->task[i].pid == pid && j < p->task[i].n_ops; j++) {
			const struct program_op *op = &p->task[i].op[j];

			if (op->kind != PROGRAM_ACCESS)
				continue;
			xgrow(v, *n, cap);
			v[(*n)++] = (struct touch){ op->addr & ~(PAGE - 1), i, op->access };
		}
	if (*n)
		qsort(v, *n, sizeof(*v), by_page);
	return v;
}

/* Pages that only this task faults in, code apart: code is shared whoever runs it first. */
static void own_pages(const struct touch *v, size_t n, uint32_t task, struct spans *own)
{
	size_t next;

	for (size_t i = 0; i < n; i = next) {
		bool mine = true;

		for (next = i; next < n && v[next].page == v[i].page; next++)
			mine &= v[next].task == task && v[next].access != USER_EXEC;
		if (mine)
			spans_add(own, v[i].page, v[i].page + PAGE);
	}
}

static void own_mappings(const struct program_task *t, struct spans *own)
{
	for (size_t i = 0; i < t->n_ops; i++) {
		const struct program_op *op = &t->op[i];

		if (op->kind == PROGRAM_MMAP)
			spans_add(own, op->addr & ~(PAGE - 1),
				  (op->addr + op->len + PAGE - 1) & ~(PAGE - 1));
		else if (op->kind == PROGRAM_MREMAP)
			spans_add(own, op->new_addr & ~(PAGE - 1),
				  (op->new_addr + op->new_len + PAGE - 1) & ~(PAGE - 1));
	}
}

/* Keeps distances between areas that share a chunk of 2 MiB; others move together. */
static void add_areas(struct replay_worker *w, const struct spans *all, const struct spans *mapped)
{
	uint64_t shift = 0, end = 0;

	w->area = xmalloc(all->n * sizeof(*w->area));
	for (size_t i = 0; i < all->n; i++) {
		const struct span *s = &all->v[i];

		if (!i || down(s->start) > end)
			shift = down(s->start) - w->block;
		end = up(s->end);
		w->block = end - shift;
		w->area[w->n_areas++] = (struct replay_area){
			.start = s->start,
			.end = s->end,
			.offset = s->start - shift,
			.infer = !spans_meet(mapped, s->start, s->end),
		};
	}
}

static void find_areas(struct replay *r)
{
	const struct program_task *task = r->program->task;
	size_t n;
	struct touch *v = touches(r->program, task[r->worker[0].task].pid, &n);

	for (size_t i = 0; i < r->n_workers; i++) {
		struct replay_worker *w = &r->worker[i];
		struct spans all = { 0 }, mapped = { 0 };

		own_mappings(&task[w->task], &mapped);
		own_mappings(&task[w->task], &all);
		own_pages(v, n, w->task, &all);
		add_areas(w, &all, &mapped);
		free(all.v);
		free(mapped.v);
	}
	free(v);
}

/* ---- where copies go ---- */

static void add_used(struct spans *used, uint64_t start, uint64_t len)
{
	if (start < user_end && len < user_end)
		spans_add(used, down(start), up(start + len));
}

/* The largest range of addresses that nothing in the program names. */
static struct span largest_gap(const struct program *p)
{
	struct span best = { 0, 0 };
	struct spans used = { 0 };
	uint64_t at = user_start;

	for (size_t i = 0; i < p->n_spaces; i++)
		for (size_t j = 0; j < p->space[i].n_ranges; j++)
			add_used(&used, p->space[i].range[j].start,
				 p->space[i].range[j].end - p->space[i].range[j].start);
	for (size_t i = 0; i < p->n_tasks; i++)
		for (size_t j = 0; j < p->task[i].n_ops; j++) {
			const struct program_op *op = &p->task[i].op[j];

			if (op->kind == PROGRAM_SLEEP || op->kind == PROGRAM_WAIT ||
			    op->kind == PROGRAM_EXEC)
				continue; /* lengths of time */
			add_used(&used, op->addr, op->len + PAGE);
			add_used(&used, op->new_addr, op->new_len + PAGE);
		}
	for (size_t i = 0; i <= used.n; i++) {
		uint64_t end = i < used.n && used.v[i].start < user_end ? used.v[i].start
									: user_end;

		if (end > at && end - at > best.end - best.start)
			best = (struct span){ at, end };
		if (i < used.n && used.v[i].end > at)
			at = used.v[i].end;
	}
	free(used.v);
	return best;
}

static bool place_copies(struct replay *r, struct err *err)
{
	struct span gap = largest_gap(r->program);
	uint64_t at = up(gap.start);

	for (size_t j = 0; j < r->n_copies; j++) {
		struct replay_worker *w = &r->worker[j % r->n_workers];
		struct replay_task *t = &r->task[r->program->n_tasks + j];

		*t = (struct replay_task){
			.r = r,
			.program = &r->program->task[w->task],
			.index = w->task,
			.copy = (uint32_t)(j / r->n_workers + 1),
			.worker = w,
			.base = at,
		};
		if (w->block > gap.end - at)
			return err_set(
				err,
				"threads: %zu copies do not fit into the address space: each "
				"has %llu MiB of its own",
				r->n_copies, (unsigned long long)(w->block >> 20));
		at += w->block;
	}
	return true;
}

bool replay_scale(struct replay *r, uint32_t threads, struct err *err)
{
	struct program *p = r->program;

	find_workers(r);
	if (threads && !r->n_workers)
		return err_set(err, "threads: the recording has no worker threads to copy");
	r->n_copies = threads > r->n_workers ? threads - r->n_workers : 0;
	r->n_tasks = p->n_tasks + r->n_copies;
	r->task = xcalloc(r->n_tasks, sizeof(*r->task));
	for (uint32_t i = 0; i < p->n_tasks; i++)
		r->task[i] = (struct replay_task){ .r = r, .program = &p->task[i], .index = i };
	for (size_t i = 0; i < r->n_workers; i++) {
		r->task[r->worker[i].task].worker = &r->worker[i];
		r->task[r->worker[i].task].dropped = threads && i >= threads;
	}
	for (uint32_t i = 0; i < p->n_tasks; i++)
		for (int32_t t = (int32_t)i; t >= 0; t = p->task[t].parent)
			r->task[i].dropped |= r->task[t].dropped;
	if (!r->n_copies)
		return true;
	find_areas(r);
	return place_copies(r, err);
}

void replay_offsets(struct replay *r, uint64_t seed)
{
	for (size_t j = 0; j < r->n_copies; j++) {
		struct rng rng;

		rng_init(&rng, seed, "replay.start", j);
		r->task[r->program->n_tasks + j].offset = rng_below(&rng, start_spread);
	}
}

void replay_speed(struct program *p, double speed)
{
	for (size_t i = 0; i < p->n_tasks; i++)
		for (size_t j = 0; j < p->task[i].n_ops; j++) {
			struct program_op *op = &p->task[i].op[j];

			op->think = (sim_ps)((double)op->think / speed);
			op->kernel_ns = (uint32_t)((double)op->kernel_ns / speed);
		}
}

void replay_scale_free(struct replay *r)
{
	for (size_t i = 0; i < r->n_workers; i++)
		free(r->worker[i].area);
	free(r->worker);
	free(r->task);
}

uint64_t replay_relocate(const struct replay_task *t, uint64_t addr)
{
	size_t lo = 0, hi;

	if (!t->copy)
		return addr;
	for (hi = t->worker->n_areas; lo < hi;) {
		size_t mid = (lo + hi) / 2;

		if (t->worker->area[mid].end > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	if (lo < t->worker->n_areas && t->worker->area[lo].start <= addr)
		return t->base + t->worker->area[lo].offset + (addr - t->worker->area[lo].start);
	return addr;
}

/* Copies are dealt out to the workers in turn, so number and worker tell the place. */
struct replay_task *replay_copy(const struct replay *r, uint32_t task, uint32_t copy)
{
	const struct replay_task *t = &r->task[task];
	size_t j;

	if (!copy)
		return &r->task[task];
	if (!t->worker)
		return NULL;
	j = (size_t)(copy - 1) * r->n_workers + (size_t)(t->worker - r->worker);
	return j < r->n_copies ? &r->task[r->program->n_tasks + j] : NULL;
}
