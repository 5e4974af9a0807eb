/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Calls by number: of 64-bit threads, of 32-bit ones once they are known for it, and of both under
 * one number. If a 32-bit chdir() passes for a brk(), it shows here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "trace_test.h"

#define ENTER(tid, what) "a " tid " [001] 5.5: raw_syscalls:sys_enter: NR " what "\n"
#define EXIT(tid, what)  "a " tid " [001] 5.5: raw_syscalls:sys_exit: NR " what "\n"

struct want {
	int tid, type, nr;
	uint64_t arg0, arg5;
};

static void expect(const char *text, const struct want *want, size_t n, uint64_t ignored)
{
	struct err err = { 0 };
	struct trace_reader *reader = trace_open(write_text("raw", text), &err);
	struct trace_stats stats;
	struct trace_event e;

	assert_non_null(reader);
	for (size_t i = 0; i < n; i++) {
		if (trace_next(reader, &e, &err) != 1)
			fail_msg("event %zu: %s", i, err.msg);
		assert_int_equal(e.tid, want[i].tid);
		assert_int_equal(e.type, want[i].type);
		assert_int_equal(e.nr, want[i].nr);
		assert_int_equal(e.arg[0], want[i].arg0);
		assert_int_equal(e.arg[5], want[i].arg5);
	}
	assert_int_equal(trace_next(reader, &e, &err), 0);
	trace_get_stats(reader, &stats);
	assert_int_equal(stats.ignored, ignored);
	trace_close(reader);
}

static void test_64(void **state)
{
	static const struct want want[] = {
		{ 7, TRACE_SYS_ENTER, SC_MMAP, 0, 0x3000 },
		{ 7, TRACE_SYS_EXIT, SC_MMAP, 0x7f0000000000, 0 },
		{ 7, TRACE_SYS_ENTER, SC_MUNMAP, 0x7f0000000000, 0 },
		{ 7, TRACE_SYS_EXIT, SC_MUNMAP, (uint64_t)-22, 0 },
		{ 7, TRACE_SYS_ENTER, SC_BRK, 0, 0 },
		{ 7, TRACE_SYS_EXIT, SC_BRK, 0x55550000, 0 },
	};

	(void)state;
	expect(ENTER("7", "9 (0, 2000, 3, 22, ffffffff, 3000)") EXIT("7", "9 = 139637976727552")
		       ENTER("7", "11 (7f0000000000, 2000, 0, 0, 0, 0)") EXIT("7", "11 = -22")
			       ENTER("7", "12 (0, 0, 0, 0, 0, 7ffc00000000)")
				       EXIT("7", "12 = 1431633920")
	       /* read(), lgetxattr(), and an exit whose entry is not there */
	       ENTER("7", "0 (3, 7ffc00000000, 10, 0, 0, 0)") EXIT("7", "0 = 16")
		       ENTER("7", "192 (7ffc00000000, 7ffc00001000, 0, 2, 0, 0)")
			       EXIT("7", "192 = 0") EXIT("8", "11 = 0"),
	       want, 6, 5);
}

static void test_32(void **state)
{
	static const struct want want[] = {
		/* it might be one of brk(), which never comes back from it */
		{ 7, TRACE_SYS_ENTER, SC_BRK, 0x8048123, 0 },
		{ 7, TRACE_SYS_ENTER, SC_MMAP, 0, 0x10000 },
		{ 7, TRACE_SYS_EXIT, SC_MMAP, 0xf7000000, 0 },
		{ 7, TRACE_SYS_ENTER, SC_MUNMAP, 0xf7000000, 0 },
		{ 7, TRACE_SYS_EXIT, SC_MUNMAP, 0, 0 },
		{ 7, TRACE_SYS_ENTER, SC_EXECVE, 0x8048123, 0 },
		{ 7, TRACE_SYS_EXIT, SC_EXECVE, 0, 0 },
		{ 7, TRACE_SYS_ENTER, SC_MUNMAP, 0x7f0000000000, 0 },
		{ 9, TRACE_PAGE_FAULT, 0, 0x7f0000000000, 0 },
	};

	(void)state;
	/* before it is known for one: chdir (12), unlink (10), execve (11) are none of ours */
	expect(ENTER("7", "12 (8048123, 0, 0, 0, 0, 0)") EXIT("7", "12 = 0") ENTER(
		       "7", "10 (8048123, 0, 0, 0, 0, 0)") EXIT("7", "10 = 0")
		       ENTER("7", "11 (8048123, ffd01000, ffd02000, 0, 0, 0)") EXIT("7", "11 = -2")
			       ENTER("7", "192 (0, 2000, 3, 22, ffffffff, 10)")
				       EXIT("7", "192 = 4143972352")
					       ENTER("7", "91 (f7000000, 2000, 0, 0, 0, 0)")
						       EXIT("7", "91 = 0")
	       /* a 64-bit program after execve */
	       ENTER("7", "11 (8048123, ffd01000, ffd02000, 0, 0, 0)") EXIT("7", "11 = 0")
		       ENTER("7", "91 (3, 1b6, 7f0000000000, 0, 0, 0)")
			       ENTER("7", "11 (7f0000000000, 1000, 0, 0, 0, 0)")
	       /* a 64-bit thread that has not shown a pointer yet, but faulted above 4 GiB */
	       "a 9 [001] 5.5: exceptions:page_fault_user: address=0x7f0000000000 ip=0x1 "
	       "error_code=0x4\n" ENTER("9", "192 (1, 1000, 3, 2, 0, 0)"),
	       want, 9, 7);
}

static void test_bad(void **state)
{
	static const char *const lines[] = { ENTER("7", "x (1)"),   ENTER("7", "9 1, 2)"),
					     ENTER("7", "9 (1, 2"), EXIT("7", "9"),
					     EXIT("7", "9 = "),     ENTER("7", "9 (zz)") };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct err err = { 0 };
		char text[256];

		snprintf(text, sizeof(text), "%s%s", ENTER("7", "9 (0, 1, 2)"), lines[i]);
		assert_int_equal(count_events(write_text("bad", text), &err), -1);
		assert_non_null(strstr(err.msg, "bad:2: expected 'NR' and its value"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_64),
		cmocka_unit_test(test_32),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
