/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The checks that every fuzzer makes: of events, of errors, of programs.
 */
#define _GNU_SOURCE /* memfd_create */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

void fuzz_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("fuzz: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

int fuzz_file(const uint8_t *data, size_t n, char path[64])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		fuzz_fail("cannot write the input");
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static bool good_text(const char *s)
{
	return !s || strlen(s) <= 64 << 10;
}

void fuzz_check_event(const struct trace_event *e, uint64_t *last_ns)
{
	bool call = e->type == TRACE_SYS_ENTER || e->type == TRACE_SYS_EXIT;

	if (e->type == TRACE_NONE || e->type >= TRACE_TYPES)
		fuzz_fail("an event of type %u", e->type);
	if (call && (!e->nr || e->nr >= SC_SYSCALLS))
		fuzz_fail("a call of number %u", e->nr);
	if (e->time_ns < *last_ns)
		fuzz_fail("time goes back");
	if (e->cpu >= TRACE_CPUS_MAX && e->cpu != TRACE_CPU_UNKNOWN)
		fuzz_fail("CPU %u", e->cpu);
	if (!e->comm || !good_text(e->comm) || !good_text(e->text) || !good_text(e->text2))
		fuzz_fail("a bad text");
	*last_ns = e->time_ns;
}

/* One line that names the file. */
static void check_error(const struct err *err, const char *path)
{
	if (strncmp(err->msg, path, strlen(path)) && !strstr(err->msg, "no task of the recording"))
		fuzz_fail("an error that does not name the file: '%s'", err->msg);
	if (strchr(err->msg, '\n'))
		fuzz_fail("an error of several lines: '%s'", err->msg);
}

void fuzz_read(const char *path)
{
	struct err err = { 0 };
	struct trace_reader *reader = trace_open(path, &err);
	struct trace_event e;
	struct trace_stats stats;
	uint64_t last = 0, n = 0;
	int got = -1;

	while (reader && (got = trace_next(reader, &e, &err)) == 1) {
		fuzz_check_event(&e, &last);
		n++;
	}
	if (got < 0)
		check_error(&err, path);
	if (got == 0) {
		trace_get_stats(reader, &stats);
		if (stats.events != n)
			fuzz_fail("%llu events counted, %llu read",
				  (unsigned long long)stats.events, (unsigned long long)n);
	}
	trace_close(reader);
}

/* ---- programs ---- */

struct walk {
	const struct program *p;
	size_t *pc;
	uint64_t *wakes;
	bool *started, *let_go;
};

static bool step(struct walk *w, size_t i)
{
	const struct program_op *op = &w->p->task[i].op[w->pc[i]];

	switch (op->kind) {
	case PROGRAM_WAIT:
		if (!w->wakes[i])
			return false;
		w->wakes[i]--;
		break;
	case PROGRAM_WAKE:
		w->wakes[op->other]++;
		break;
	case PROGRAM_FORK:
	case PROGRAM_CLONE:
		w->started[op->other] = true;
		if (op->flags & CLONE_VFORK_FLAG && !w->let_go[op->other])
			return false;
		break;
	case PROGRAM_EXEC:
		w->let_go[i] = true;
		break;
	default:
		break;
	}
	w->pc[i]++;
	return true;
}

/* Run without time, each task comes to its end. */
static void check_ends(const struct program *p)
{
	struct walk w = { p, calloc(p->n_tasks, sizeof(*w.pc)),
			  calloc(p->n_tasks, sizeof(*w.wakes)),
			  calloc(p->n_tasks, sizeof(*w.started)),
			  calloc(p->n_tasks, sizeof(*w.let_go)) };
	bool moved = true;

	for (size_t i = 0; i < p->n_tasks; i++)
		w.started[i] = p->task[i].parent < 0;
	while (moved) {
		moved = false;
		for (size_t i = 0; i < p->n_tasks; i++) {
			while (w.started[i] && w.pc[i] < p->task[i].n_ops && step(&w, i))
				moved = true;
			if (w.pc[i] == p->task[i].n_ops && !w.let_go[i])
				w.let_go[i] = moved = true;
		}
	}
	for (size_t i = 0; i < p->n_tasks; i++)
		if (w.pc[i] != p->task[i].n_ops)
			fuzz_fail("task %zu hangs at operation %zu", i, w.pc[i]);
	free(w.pc);
	free(w.wakes);
	free(w.started);
	free(w.let_go);
}

static void check_task(const struct program *p, size_t i)
{
	const struct program_task *t = &p->task[i];
	size_t steps = 0;
	bool gone = false;

	if (t->space >= p->n_spaces)
		fuzz_fail("task %zu has no address space", i);
	for (int32_t up = t->parent; up >= 0; up = p->task[up].parent)
		if (++steps >= p->n_tasks)
			fuzz_fail("task %zu is its own forefather", i);
	for (size_t j = 0; j < t->n_ops; j++) {
		const struct program_op *op = &t->op[j];
		bool peer = op->kind == PROGRAM_WAIT || op->kind == PROGRAM_WAKE ||
			    op->kind == PROGRAM_FORK || op->kind == PROGRAM_CLONE;

		if (op->kind >= PROGRAM_KINDS || (peer && op->other >= p->n_tasks))
			fuzz_fail("task %zu has a bad operation %zu", i, j);
		if (gone && op->kind != PROGRAM_WAKE)
			fuzz_fail("task %zu goes on after its exit", i);
		gone |= op->kind == PROGRAM_EXIT;
		if (op->kind == PROGRAM_EXEC && op->other >= p->n_spaces)
			fuzz_fail("task %zu executes into nowhere", i);
	}
}

void fuzz_check_program(const struct program *p)
{
	for (size_t i = 0; i < p->n_tasks; i++)
		check_task(p, i);
	for (size_t i = 0; i < p->n_spaces; i++)
		for (size_t j = 0; j < p->space[i].n_ranges; j++)
			if (p->space[i].range[j].start >= p->space[i].range[j].end)
				fuzz_fail("space %zu has an empty range", i);
	check_ends(p);
}

struct program *fuzz_build(const char *path)
{
	struct err err = { 0 };
	struct program *p = program_load(path, &err);

	if (p)
		fuzz_check_program(p);
	else
		check_error(&err, path);
	return p;
}
