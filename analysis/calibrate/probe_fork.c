// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * New tasks: a thread, a process that shares the mm, forks by VMAs and pages; and growth of the
 * heap. Children run on the same CPU after the call and end at once.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analysis/calibrate/probe.h"
#include "analysis/calibrate/probe_mm.h"

#define STACK_BYTES (64ul << 10)
#define AREA_BYTES  (FORK_PAGES * PAGE_BYTES)
#define BRK_BYTES   (32 * PAGE_BYTES)

struct timed {
	struct calib *c;
	struct guard guard;
	uint64_t begin;
};

static void timed_begin(struct timed *m, struct calib *c)
{
	m->c = c;
	m->guard = guard_begin();
	m->begin = clock_ticks();
}

static void timed_end(struct timed *m, const char *name)
{
	uint64_t end = clock_ticks();
	struct figure *fig = figure_get(&m->c->figures, "ns", LOW_QUANTILE, "%s", name);

	if (guard_undisturbed(&m->guard))
		samples_add(&fig->now, clock_ns(&m->c->clock, m->begin, end));
	else
		fig->now.discarded++;
}

static bool fork_once(struct calib *c, const char *name, struct err *err)
{
	struct timed m;
	pid_t child;

	timed_begin(&m, c);
	child = fork();
	if (child == 0)
		_exit(0);
	timed_end(&m, name);
	if (child < 0)
		return err_set(err, "fork: %s", strerror(errno));
	waitpid(child, NULL, 0);
	return true;
}

/* ---- without a copy of the mm ---- */

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

static bool clone_process(struct calib *c, char *stack_top, struct err *err)
{
	struct timed m;
	pid_t child;

	timed_begin(&m, c);
	child = clone(nothing, stack_top, CLONE_VM | SIGCHLD, NULL);
	timed_end(&m, "task.process");
	if (child < 0)
		return err_set(err, "clone of a process: %s", strerror(errno));
	waitpid(child, NULL, 0);
	return true;
}

static bool clone_thread(struct calib *c, char *stack_top, struct err *err)
{
	static const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
				 CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;
	_Atomic int alive = 1; /* cleared, and woken at, by the kernel */
	struct timed m;
	pid_t child;

	timed_begin(&m, c);
	child = clone(nothing, stack_top, flags, NULL, NULL, NULL, (int *)&alive);
	timed_end(&m, "task.thread");
	if (child < 0)
		return err_set(err, "clone of a thread: %s", strerror(errno));
	while (alive)
		syscall(SYS_futex, &alive, FUTEX_WAIT, 1, NULL, NULL, 0);
	return true;
}

/* ---- with one ---- */

/* A page each, with a hole between: nothing merges. */
static bool map_vmas(char *area)
{
	for (size_t i = 0; i < FORK_VMAS; i++)
		if (mmap(area + 2 * i * PAGE_BYTES, PAGE_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			return false;
	return true;
}

static void write_each(char *area, size_t n, size_t stride)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)area)[i * stride * PAGE_BYTES] = 1;
}

static bool fork_by_vmas(struct calib *c, char *area, struct err *err)
{
	bool ok = fork_once(c, "fork.base", err);

	if (!map_vmas(area))
		return err_set(err, "mmap: %s", strerror(errno));
	ok = ok && fork_once(c, "fork.vmas", err);
	write_each(area, FORK_VMAS, 2);
	ok = ok && fork_once(c, "fork.touched", err);
	munmap(area, AREA_BYTES);
	return ok;
}

static bool fork_by_pages(struct calib *c, char *area, struct err *err)
{
	bool ok = mmap(area, AREA_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == area;

	if (!ok)
		return err_set(err, "mmap: %s", strerror(errno));
	madvise(area, AREA_BYTES, MADV_NOHUGEPAGE);
	write_each(area, FORK_PAGES, 1);
	ok = fork_once(c, "fork.pages_rw", err) && fork_once(c, "fork.pages_ro", err);
	munmap(area, AREA_BYTES);
	return ok;
}

/* ---- the heap: by the calls themselves, there and back before anybody allocates ---- */

static bool grow_heap(struct calib *c, struct err *err)
{
	unsigned long at = (unsigned long)syscall(SYS_brk, 0), to = at + BRK_BYTES;
	struct timed m;
	bool ok;

	for (int warm = 0; warm < 2; warm++) {
		syscall(SYS_brk, to);
		syscall(SYS_brk, at);
	}
	timed_begin(&m, c);
	ok = (unsigned long)syscall(SYS_brk, to) == to;
	timed_end(&m, "brk.grow");
	syscall(SYS_brk, at);
	return ok || err_set(err, "brk: there is no room to grow");
}

static bool run_fork(struct calib *c, struct err *err)
{
	char *area = mmap(NULL, AREA_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *stack_top = area + AREA_BYTES + STACK_BYTES;
	bool ok = true;

	if (area == MAP_FAILED)
		return err_set(err, "mmap: %s", strerror(errno));
	munmap(area, AREA_BYTES);
	if (!clock_bind(c->home))
		ok = err_set(err, "not allowed to run on CPU %u", c->home);
	for (size_t i = 0; ok && probe_goes_on(c, i, 4); i++)
		ok = clone_process(c, stack_top, err) && clone_thread(c, stack_top, err) &&
		     fork_by_vmas(c, area, err) && fork_by_pages(c, area, err) && grow_heap(c, err);
	munmap(area, AREA_BYTES + STACK_BYTES);
	return ok;
}

const struct probe probe_fork = { .name = "new tasks", .weight = 1, .run = run_fork };
