/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Small recordings that tests write line by line, and the programs made of them.
 */
#ifndef TESTS_TAPE_H
#define TESTS_TAPE_H

#include "trace_test.h"
#include "workloads/program.h"

/* A recording under construction; times in ns. */
struct tape {
	char text[1 << 16];
	size_t n;
};

static inline void event(struct tape *t, uint64_t ns, int pid, int tid, int cpu, const char *what)
{
	t->n += (size_t)snprintf(t->text + t->n, sizeof(t->text) - t->n,
				 "%16s %5d/%-5d [%03d] %5llu.%09llu: %s\n", "prog", pid, tid, cpu,
				 1 + (unsigned long long)ns / 1000000000,
				 (unsigned long long)ns % 1000000000, what);
}

/* Eight uncontended uses of mmap_lock, 700 ns each: what an event costs. */
static inline void calibration(struct tape *t)
{
	for (uint64_t i = 0; i < 8; i++) {
		event(t, 100 + 3000 * i, 90, 90, 3,
		      "mmap_lock:mmap_lock_start_locking: mm=0x90 memcg_id=0 write=true");
		event(t, 800 + 3000 * i, 90, 90, 3,
		      "mmap_lock:mmap_lock_acquire_returned: mm=0x90 memcg_id=0 write=true "
		      "success=true");
		event(t, 1800 + 3000 * i, 90, 90, 3,
		      "mmap_lock:mmap_lock_released: mm=0x90 memcg_id=0 write=true");
	}
}

static inline void munmap_call(struct tape *t, uint64_t enter, uint64_t leave, int pid, int tid,
			       int cpu)
{
	event(t, enter, pid, tid, cpu,
	      "syscalls:sys_enter_munmap: addr: 0x700000000000, len: 0x1000");
	event(t, leave, pid, tid, cpu, "syscalls:sys_exit_munmap: 0x0");
}

static inline int by_time(const void *a, const void *b)
{
	return strncmp(strchr(*(char *const *)a, ']'), strchr(*(char *const *)b, ']'), 20);
}

/* As perf prints it: all CPUs' events by time. */
static inline void sort(struct tape *t)
{
	char *lines[1024], *sorted = malloc(sizeof(t->text)), *at = t->text;
	size_t n = 0, len = 0;

	for (; *at; at = strchr(at, '\n') + 1)
		lines[n++] = at;
	qsort(lines, n, sizeof(*lines), by_time);
	for (size_t i = 0; i < n; i++) {
		size_t one = (size_t)(strchr(lines[i], '\n') - lines[i]) + 1;

		memcpy(sorted + len, lines[i], one);
		len += one;
	}
	memcpy(t->text, sorted, len);
	free(sorted);
}

static inline struct program *build(const struct tape *t)
{
	struct err err = { 0 };
	struct program *p = program_load(write_file("tape", t->text, t->n), &err);

	if (!p)
		fail_msg("%s", err.msg);
	return p;
}

static inline const struct program_task *task_of(const struct program *p, int tid)
{
	for (size_t i = 0; i < p->n_tasks; i++)
		if (p->task[i].tid == tid)
			return &p->task[i];
	fail_msg("no task %d", tid);
	return NULL;
}

/* The first operation of a kind, from `from` on. */
static inline const struct program_op *op_of(const struct program_task *t, int kind, size_t from)
{
	for (size_t i = from; i < t->n_ops; i++)
		if (t->op[i].kind == kind)
			return &t->op[i];
	fail_msg("task %d has no %s", t->tid, program_kind_names[kind]);
	return NULL;
}

#endif
