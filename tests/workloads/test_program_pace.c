/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pace of the recorded machine, told by what its recorder costs: a recording whose machine is a
 * quarter slower for a while, one in which it only seems so. If cold calls, or the length of calls,
 * are taken for a slow machine, it shows here.
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

static void say(struct recording *r, uint64_t ns, const char *what)
{
	r->n += (size_t)snprintf(r->text + r->n, LINE, "%16s %5d/%-5d [%03d] %5d.%09llu: %s\n",
				 "prog", 10, 10, 0, 1, (unsigned long long)ns, what);
}

/* Calls with `gap` from each event to the next, `work` before each, `more` at its end.
 */
static void window(struct recording *r, unsigned int i, uint64_t gap, uint64_t work, uint64_t more)
{
	uint64_t ns = 20000000 * (uint64_t)i;

	for (unsigned int c = 0; c < CALLS; c++) {
		ns += work;
		say(r, ns += 1000, "syscalls:sys_enter_brk: brk: 0x0");
		say(r, ns += gap,
		    "mmap_lock:mmap_lock_start_locking: mm=0x1 memcg_id=0 write=true");
		say(r, ns += gap,
		    "mmap_lock:mmap_lock_acquire_returned: mm=0x1 memcg_id=0 write=true "
		    "success=true");
		say(r, ns += gap, "mmap_lock:mmap_lock_released: mm=0x1 memcg_id=0 write=true");
		say(r, ns += gap + more, "syscalls:sys_exit_brk: 0x555500000000");
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

/* Windows from first to last differ. */
static struct program *recorded(uint64_t gap, uint64_t work, uint64_t more, unsigned int first,
				unsigned int last)
{
	struct recording r = { .text = calloc(WINDOWS * CALLS * 5 + 1, LINE + 32) };

	for (unsigned int i = 0; i < WINDOWS; i++) {
		bool slow = i >= first && i <= last;

		window(&r, i, slow ? gap : 800, slow ? work : 0, slow ? more : 0);
	}
	return load(&r);
}

static unsigned int pace_of(const struct program *p, unsigned int i)
{
	return p->task[0].op[i * CALLS + CALLS / 2].pace;
}

static void test_slow_for_a_while(void **state)
{
	struct program *p = recorded(1000, 0, 0, 5, 9);

	(void)state;
	assert_int_equal(p->tracer_ps, 800 * SIM_NS);
	for (unsigned int i = 0; i < WINDOWS; i++)
		assert_int_equal(pace_of(p, i), i >= 5 && i <= 9 ? PACE_UNIT / 4 : 0);
	program_free(p);
}

static void test_not_slow(void **state)
{
	static const struct {
		uint64_t gap, work, more;
		unsigned int first, last;
	} cases[] = {
		{ 840, 0, 0, 5, 9 },      /* as much as CPUs differ */
		{ 1000, 0, 0, 6, 6 },     /* one window alone */
		{ 1000, 50000, 0, 5, 9 }, /* after own work: cold */
		{ 800, 0, 5000, 5, 9 },   /* calls that take longer */
	};

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		struct program *p = recorded(cases[c].gap, cases[c].work, cases[c].more,
					     cases[c].first, cases[c].last);

		for (unsigned int i = 0; i < WINDOWS; i++)
			assert_int_equal(pace_of(p, i), 0);
		program_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slow_for_a_while),
		cmocka_unit_test(test_not_slow),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
