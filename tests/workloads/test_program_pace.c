/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pace of the recorded machine, told by what its recorder costs: a recording whose machine is a
 * quarter slower for a while, or one CPU of which is, and some in which it only seems so. If cold
 * calls, lines of others, or the length of calls are taken for a slow machine, it shows here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tape.h"
#include "models/kernel/ops.h"

enum { WINDOWS = 12, CALLS = 40, LINE = 160 };

struct recording {
	char *text;
	size_t n;
};

/* Of calls in a window: from entry to the lock's start, from there to its being taken, to the
 * next event of the rest, and more at the end. */
struct speed {
	uint64_t entry, lock, rest, more;
	int cpu;
};

static void say(struct recording *r, int cpu, uint64_t ns, const char *what)
{
	r->n += (size_t)snprintf(r->text + r->n, LINE, "%16s %5d/%-5d [%03d] %5d.%09llu: %s\n",
				 "prog", 10, 10, cpu, 1, (unsigned long long)ns, what);
}

static void window(struct recording *r, unsigned int i, const struct speed *s)
{
	uint64_t ns = 20000000 * (uint64_t)i;

	for (unsigned int c = 0; c < CALLS; c++) {
		say(r, s->cpu, ns += 1000, "syscalls:sys_enter_brk: brk: 0x0");
		say(r, s->cpu, ns += s->entry,
		    "mmap_lock:mmap_lock_start_locking: mm=0x1 memcg_id=0 write=true");
		say(r, s->cpu, ns += s->lock,
		    "mmap_lock:mmap_lock_acquire_returned: mm=0x1 memcg_id=0 write=true "
		    "success=true");
		say(r, s->cpu, ns += s->rest,
		    "mmap_lock:mmap_lock_released: mm=0x1 memcg_id=0 write=true");
		say(r, s->cpu, ns += s->rest + s->more, "syscalls:sys_exit_brk: 0x555500000000");
	}
}

static struct program *load(const struct recording *r)
{
	struct err err = { 0 };
	struct program *p = program_load(write_file("pace", r->text, r->n), &err);

	if (!p)
		fail_msg("%s", err.msg);
	free(r->text);
	return p;
}

static const struct speed full = { 800, 800, 800, 0, 0 };

/* Windows from first to last differ. */
static struct program *recorded(const struct speed *s, unsigned int first, unsigned int last)
{
	struct recording r = { .text = calloc(WINDOWS * CALLS * 5 + 1, LINE + 32) };

	for (unsigned int i = 0; i < WINDOWS; i++)
		window(&r, i, i >= first && i <= last ? s : &full);
	return load(&r);
}

static unsigned int pace_of(const struct program *p, unsigned int i)
{
	return p->task[0].op[i * CALLS + CALLS / 2].pace;
}

static void expect_slow(struct speed s, unsigned int first, unsigned int last)
{
	struct program *p = recorded(&s, first, last);

	assert_int_equal(p->tracer_ps, 800 * SIM_NS);
	for (unsigned int i = 0; i < WINDOWS; i++)
		assert_int_equal(pace_of(p, i), i >= first && i <= last ? PACE_UNIT / 4 : 0);
	program_free(p);
}

static void test_slow_for_a_while(void **state)
{
	struct speed slow = { 1000, 1000, 1000, 0, 0 };

	(void)state;
	expect_slow(slow, 5, 9);
	expect_slow(slow, 6, 6);
	slow.cpu = 1; /* which is slower throughout */
	expect_slow(slow, 3, 10);
}

/* The lesser of two signs counts. */
static void test_not_slow(void **state)
{
	static const struct speed cases[] = {
		{ 830, 830, 830, 0, 0 },   /* as much as recorders differ */
		{ 1400, 800, 900, 0, 0 },  /* cold after own work */
		{ 800, 1600, 800, 0, 0 },  /* the lock's line is another CPU's */
		{ 800, 800, 800, 5000, 0 } /* calls that take longer */
	};

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		struct program *p = recorded(&cases[c], 5, 9);

		for (unsigned int i = 0; i < WINDOWS; i++)
			assert_int_equal(pace_of(p, i), 0);
		program_free(p);
	}
}

/* A few calls in the middle of slow windows say nothing themselves. */
static void test_between(void **state)
{
	struct recording r = { .text = calloc(WINDOWS * CALLS * 5 + 1, LINE + 32) };
	const struct speed slow = { 1000, 1000, 1000, 0, 0 };
	const uint64_t ns = 20000000;
	struct program *p;

	(void)state;
	for (unsigned int i = 0; i < 7; i++)
		window(&r, i, i >= 5 ? &slow : &full);
	say(&r, 0, 7 * ns, "syscalls:sys_enter_brk: brk: 0x0");
	say(&r, 0, 7 * ns + 800, "syscalls:sys_exit_brk: 0x555500000000");
	for (unsigned int i = 8; i < WINDOWS; i++)
		window(&r, i, &slow);
	p = load(&r);
	assert_int_equal(p->task[0].op[7 * CALLS].pace, PACE_UNIT / 4);
	program_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slow_for_a_while),
		cmocka_unit_test(test_not_slow),
		cmocka_unit_test(test_between),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
