// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Memory system calls and page faults of one thread: DONTNEED by number of pages, which shows the
 * flush; a cycle of all steps, which workloads/synthetic/mm_cycle.c repeats in simulation; and
 * clearing of pages.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "analysis/calibrate/probe.h"
#include "analysis/calibrate/probe_mm.h"

#define HOLE_BYTES (16ul << 20)
#define TABLE_SPAN (2ul << 20) /* of one page table */

const unsigned int dontneed_pages[DONTNEED_POINTS] = { 1,  2,  4,  8,  12, 16, 20, 24, 28,
						       32, 33, 34, 36, 40, 44, 48, 56, 64 };
const unsigned int cycle_pages[CYCLE_SIZES] = { 1, 16, 64, 512 };
const char *const cycle_steps[CYCLE_STEPS] = { "mmap",       "mprotect_ro", "mprotect_rw", "zap",
					       "fault_read", "fault_write", "munmap" };

struct mm_area {
	char *hole, *at; /* `at` begins a page table that nothing else uses */
};

static bool area_make(struct mm_area *a, struct err *err)
{
	a->hole = mmap(NULL, HOLE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (a->hole == MAP_FAILED)
		return err_set(err, "mmap: %s", strerror(errno));
	a->at = (char *)(((uintptr_t)a->hole + 3 * TABLE_SPAN) & ~(TABLE_SPAN - 1));
	/* Room for the table on both sides. */
	munmap(a->at - PAGE_BYTES, 2 * TABLE_SPAN);
	return true;
}

static void area_free(struct mm_area *a)
{
	munmap(a->hole, HOLE_BYTES);
}

static bool area_map(const struct mm_area *a, size_t pages, struct err *err)
{
	if (mmap(a->at, pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == a->at)
		return true;
	return err_set(err, "mmap of %zu pages: %s", pages, strerror(errno));
}

static void write_pages(char *at, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		((volatile char *)at)[i * PAGE_BYTES] = 1;
}

static void read_pages(const char *at, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		(void)((const volatile char *)at)[i * PAGE_BYTES];
}

/* ---- DONTNEED of 1 to 64 pages ---- */

static void dontneed(struct calib *c, char *at, unsigned int pages)
{
	struct figure *fig = figure_get(&c->figures, "ns", LOW_QUANTILE, "dontneed.%u", pages);
	struct guard g;
	uint64_t begin, end;

	write_pages(at, pages);
	g = guard_begin();
	begin = clock_ticks();
	madvise(at, pages * PAGE_BYTES, MADV_DONTNEED);
	end = clock_ticks();
	if (guard_undisturbed(&g))
		samples_add(&fig->now, clock_ns(&c->clock, begin, end));
	else
		fig->now.discarded++;
}

static bool run_flush(struct calib *c, struct err *err)
{
	struct mm_area a;

	if (!clock_bind(c->home))
		return err_set(err, "not allowed to run on CPU %u", c->home);
	if (!area_make(&a, err))
		return false;
	if (!area_map(&a, TABLE_SPAN / PAGE_BYTES, err)) {
		area_free(&a);
		return false;
	}
	madvise(a.at, TABLE_SPAN, MADV_NOHUGEPAGE);
	for (size_t i = 0; probe_goes_on(c, i, 10); i++)
		for (int k = 0; k < DONTNEED_POINTS; k++)
			dontneed(c, a.at, dontneed_pages[k]);
	munmap(a.at, TABLE_SPAN);
	area_free(&a);
	return true;
}

const struct probe probe_flush = { .name = "flushes", .weight = 1.5, .run = run_flush };

/* ---- the cycle: the first after one of another size finds cold caches and does not count ---- */

struct cycle {
	struct calib *c;
	struct guard guard;
	unsigned int pages;
	uint64_t begin;
	double ns[CYCLE_STEPS + 1]; /* the last: mprotect of nothing, which flushes nothing */
};

static void step_begin(struct cycle *y)
{
	y->begin = clock_ticks();
}

static void step_end(struct cycle *y, unsigned int step)
{
	y->ns[step] = clock_ns(&y->c->clock, y->begin, clock_ticks());
}

static void keep(struct cycle *y)
{
	bool good = guard_undisturbed(&y->guard);

	for (int s = 0; s <= CYCLE_STEPS; s++) {
		const char *name = s < CYCLE_STEPS ? cycle_steps[s] : "mprotect_empty";
		struct figure *fig = figure_get(&y->c->figures, "ns", LOW_QUANTILE, "%s.%u", name,
						y->pages);

		if (good)
			samples_add(&fig->now, y->ns[s]);
		else
			fig->now.discarded++;
	}
}

static bool cycle(struct calib *c, const struct mm_area *a, unsigned int pages, bool warm,
		  struct err *err)
{
	struct cycle y = { .c = c, .pages = pages, .guard = guard_begin() };
	size_t bytes = pages * PAGE_BYTES;
	bool ok;

	step_begin(&y);
	ok = area_map(a, pages, err);
	step_end(&y, CYCLE_MMAP);
	if (!ok)
		return false;
	madvise(a->at, bytes, MADV_NOHUGEPAGE);
	step_begin(&y);
	ok &= mprotect(a->at, bytes, PROT_READ) == 0;
	step_end(&y, CYCLE_STEPS);
	ok &= mprotect(a->at, bytes, PROT_READ | PROT_WRITE) == 0;
	write_pages(a->at, pages);
	step_begin(&y);
	ok &= mprotect(a->at, bytes, PROT_READ) == 0;
	step_end(&y, CYCLE_MPROTECT_RO);
	step_begin(&y);
	ok &= mprotect(a->at, bytes, PROT_READ | PROT_WRITE) == 0;
	step_end(&y, CYCLE_MPROTECT_RW);
	step_begin(&y);
	ok &= madvise(a->at, bytes, MADV_DONTNEED) == 0;
	step_end(&y, CYCLE_ZAP);
	step_begin(&y);
	read_pages(a->at, pages);
	step_end(&y, CYCLE_FAULT_READ);
	ok &= madvise(a->at, bytes, MADV_DONTNEED) == 0;
	step_begin(&y);
	write_pages(a->at, pages);
	step_end(&y, CYCLE_FAULT_WRITE);
	step_begin(&y);
	ok &= munmap(a->at, bytes) == 0;
	step_end(&y, CYCLE_MUNMAP);
	if (!ok)
		return err_set(err, "memory of %u pages: %s", pages, strerror(errno));
	if (warm)
		keep(&y);
	return true;
}

static bool run_map(struct calib *c, struct err *err)
{
	struct mm_area a;
	bool ok = true;

	if (!clock_bind(c->home))
		return err_set(err, "not allowed to run on CPU %u", c->home);
	if (!area_make(&a, err))
		return false;
	for (size_t i = 0; ok && probe_goes_on(c, i, 4); i++)
		for (int k = 0; ok && k < CYCLE_SIZES; k++)
			for (int warm = 0; ok && warm < 3; warm++)
				ok = cycle(c, &a, cycle_pages[k], warm > 0, err);
	area_free(&a);
	return ok;
}

const struct probe probe_map = { .name = "memory calls and faults", .weight = 2, .run = run_map };

/* ---- clearing pages ---- */

enum { WARM_PAGES = 64, COLD_PAGES = 16384 };

/* As the kernel clears: by the string instruction where there is one. */
static void clear(char *at, size_t bytes)
{
#if defined(__x86_64__)
	__asm__ volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(0) : "memory");
#else
	memset(at, 0, bytes);
	__asm__ volatile("" ::"r"(at) : "memory");
#endif
}

static void clear_pages(struct calib *c, char *at, size_t pages, const char *name)
{
	struct figure *fig = figure_get(&c->figures, "ns", LOW_QUANTILE, "%s", name);
	struct guard g = guard_begin();
	uint64_t begin = clock_ticks(), end;

	for (size_t i = 0; i < pages; i++)
		clear(at + i * PAGE_BYTES, PAGE_BYTES);
	end = clock_ticks();
	if (guard_undisturbed(&g))
		samples_add(&fig->now, clock_ns(&c->clock, begin, end) / (double)pages);
	else
		fig->now.discarded++;
}

static bool run_zero(struct calib *c, struct err *err)
{
	size_t bytes = COLD_PAGES * PAGE_BYTES;
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return err_set(err, "mmap: %s", strerror(errno));
	if (!clock_bind(c->home)) {
		munmap(at, bytes);
		return err_set(err, "not allowed to run on CPU %u", c->home);
	}
	memset(at, 1, bytes);
	for (size_t i = 0; probe_goes_on(c, i, 1); i++) {
		/* A piece at a time: 64 MiB in one go never escapes a context switch. */
		for (size_t k = 0; k < COLD_PAGES; k += 1024)
			clear_pages(c, at + k * PAGE_BYTES, 1024, "zero.memory");
		for (int k = 0; k < 20; k++)
			clear_pages(c, at, WARM_PAGES, "zero.cached");
	}
	munmap(at, bytes);
	return true;
}

const struct probe probe_zero = { .name = "page clearing", .weight = 0.5, .run = run_zero };
