/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace.dat: a file made here byte by byte (version 6, two CPUs), so that each event is known, and
 * its damage. If fields are read from the wrong place, CPUs are not merged by time, or a crash of
 * libtracecmd takes mmsim with it, it shows here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "trace_test.h"

enum { PAGE_BYTES = 4096, FILE_BYTES = 8 * PAGE_BYTES };

struct bytes {
	unsigned char v[FILE_BYTES];
	size_t n;
};

static void put(struct bytes *b, const void *p, size_t n)
{
	assert_true(b->n + n <= sizeof(b->v));
	memcpy(b->v + b->n, p, n);
	b->n += n;
}

static void put_num(struct bytes *b, uint64_t v, size_t size)
{
	put(b, &v, size); /* little-endian, as this computer */
}

static void set_num(struct bytes *b, size_t at, uint64_t v)
{
	memcpy(b->v + at, &v, sizeof(v));
}

/* With its size before it. */
static void put_sized(struct bytes *b, const char *text, size_t size_bytes)
{
	put_num(b, strlen(text), size_bytes);
	put(b, text, strlen(text));
}

#define COMMON                                                                                     \
	"format:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"            \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"                     \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"             \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
#define FIELD(type, name, at, size, sign)                                                          \
	"\tfield:" type " " name ";\toffset:" #at ";\tsize:" #size ";\tsigned:" #sign ";\n"
#define PRINT "\nprint fmt: \"x\"\n"

static const struct {
	const char *system, *format;
} formats[] = {
	{ "sched",
	  "name: sched_switch\nID: 301\n" COMMON FIELD("char", "prev_comm[16]", 8, 16, 0)
		  FIELD("pid_t", "prev_pid", 24, 4, 1) FIELD("long", "prev_state", 32, 8, 1)
			  FIELD("char", "next_comm[16]", 40, 16, 0)
				  FIELD("pid_t", "next_pid", 56, 4, 1) PRINT },
	{ "sched", "name: sched_process_fork\nID: 302\n" COMMON FIELD("__data_loc char[]",
								      "parent_comm", 8, 4, 0)
			   FIELD("pid_t", "parent_pid", 12, 4, 1)
				   FIELD("__data_loc char[]", "child_comm", 16, 4, 0)
					   FIELD("pid_t", "child_pid", 20, 4, 1) PRINT },
	{ "ipi", "name: ipi_send_cpumask\nID: 303\n" COMMON FIELD("__data_loc cpumask_t", "cpumask",
								  8, 4, 0)
			 FIELD("void *", "callsite", 16, 8, 0) PRINT },
	{ "syscalls",
	  "name: sys_exit_munmap\nID: 304\n" COMMON FIELD("int", "__syscall_nr", 8, 4, 1)
		  FIELD("long", "ret", 16, 8, 1) PRINT },
	{ "tlb", "name: tlb_flush\nID: 305\n" COMMON FIELD("int", "reason", 8, 4, 1)
			 FIELD("unsigned long", "pages", 16, 8, 0) PRINT },
	{ "block", "name: block_rq_issue\nID: 306\n" COMMON FIELD("int", "x", 8, 4, 1) PRINT },
};

static void put_formats(struct bytes *b)
{
	size_t n = sizeof(formats) / sizeof(*formats);

	put_num(b, n, 4);
	for (size_t i = 0; i < n; i++) {
		put(b, formats[i].system, strlen(formats[i].system) + 1);
		put_num(b, 1, 4);
		put_sized(b, formats[i].format, 8);
	}
}

/* ---- ring-buffer pages ---- */

static void start_page(struct bytes *b, uint64_t ns)
{
	b->n = (b->n + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	put_num(b, ns, 8);
	put_num(b, 0, 8); /* how much is in it: set by each event */
}

/* delta_ns after the last one in this page; n is a multiple of 4. */
static void put_event(struct bytes *b, size_t page, uint32_t delta_ns, const void *data, size_t n)
{
	put_num(b, delta_ns << 5 | n / 4, 4);
	put(b, data, n);
	set_num(b, page + 8, b->n - page - 16);
}

struct common {
	uint16_t type;
	uint8_t flags, preempt;
	int32_t pid;
};

static void put_cpu0(struct bytes *b, size_t page)
{
	struct {
		struct common c;
		char prev_comm[16];
		int32_t prev_pid, pad;
		int64_t prev_state;
		char next_comm[16];
		int32_t next_pid, prio;
	} sw = { { 301, 0, 0, 7 }, "loop", 7, 0, 0x101, "a b\nc", 9, 0 };
	struct {
		struct common c;
		uint32_t parent;
		int32_t parent_pid;
		uint32_t child;
		int32_t child_pid;
		char text[16];
	} fork = { { 302, 0, 0, 7 }, 24 | 5 << 16, 7, 29 | 6 << 16, 9, "loop\0child" };
	struct {
		struct common c;
		int32_t reason, pad;
		uint64_t pages;
	} flush = { { 305, 0, 0, 7 }, 4, 0, UINT64_MAX };

	put_event(b, page, 0, &fork, sizeof(fork));
	put_event(b, page, 1000, &flush, sizeof(flush));
	put_event(b, page, 1000, &sw, sizeof(sw));
}

static void put_cpu1(struct bytes *b, size_t page)
{
	struct {
		struct common c;
		uint32_t where, pad;
		uint64_t callsite, mask;
	} ipi = { { 303, 0, 0, 8 }, 24 | 8 << 16, 0, 0xffffffff81000010, 0x10000000f };
	struct {
		struct common c;
		int32_t nr, pad;
		int64_t ret;
	} leave = { { 304, 0, 0, 8 }, 11, 0, -12 };
	struct {
		struct common c;
		int32_t x;
	} other = { { 306, 0, 0, 8 }, 1 };

	put_event(b, page, 500, &ipi, sizeof(ipi));
	put_event(b, page, 1000, &leave, sizeof(leave));
	put_event(b, page, 10, &other, sizeof(other));
}

static struct bytes *make_file(void)
{
	struct bytes *b = calloc(1, sizeof(*b));
	size_t offsets, page[2];

	put(b, "\x17\x08\x44tracing6\0\0\x08", 14);
	put_num(b, PAGE_BYTES, 4);
	put(b, "header_page", 12);
	put_sized(b,
		  FIELD("u64", "timestamp", 0, 8, 0) FIELD("local_t", "commit", 8, 8, 1)
			  FIELD("int", "overwrite", 8, 1, 1) FIELD("char", "data", 16, 4080, 0),
		  8);
	put(b, "header_event", 13);
	put_sized(b,
		  "# compressed entry header\n\ttype_len    :    5 bits\n\ttime_delta  :   27 bits"
		  "\n\tarray       :   32 bits\n\n\tpadding     : type == 29\n\ttime_extend : type"
		  " == 30\n\ttime_stamp : type == 31\n\tdata max type_len  == 28\n",
		  8);
	put_num(b, 0, 4); /* ftrace's own events */
	put_formats(b);
	put_sized(b, "ffffffff81000000 T smp_call_function_many_cond\nffffffff81000400 T next\n",
		  4);
	put_num(b, 0, 4); /* printk */
	put_sized(b, "7 loop\n8 other loop\n", 8);
	put_num(b, 2, 4); /* CPUs */
	put(b, "flyrecord", 10);
	offsets = b->n;
	b->n += 32;
	for (int cpu = 0; cpu < 2; cpu++) {
		start_page(b, 5000000000);
		page[cpu] = b->n - 16;
		(cpu ? put_cpu1 : put_cpu0)(b, page[cpu]);
		set_num(b, offsets + 16 * (size_t)cpu, page[cpu]);
		set_num(b, offsets + 16 * (size_t)cpu + 8, PAGE_BYTES);
	}
	b->n = page[1] + PAGE_BYTES;
	return b;
}

static void test_events(void **state)
{
	static const struct trace_event want[] = {
		{ .time_ns = 5000000000,
		  .pid = -1,
		  .tid = 7,
		  .cpu = 0,
		  .type = TRACE_FORK,
		  .arg = { 9 },
		  .comm = "loop",
		  .text = "child" },
		{ .time_ns = 5000000500,
		  .pid = -1,
		  .tid = 8,
		  .cpu = 1,
		  .type = TRACE_IPI_SEND_CPUMASK,
		  .arg = { 0x10000000f, 5 },
		  .comm = "other loop",
		  .text = "ARRAY[0f,00,00,00,01,00,00,00]",
		  .text2 = "smp_call_function_many_cond" },
		{ .time_ns = 5000001000,
		  .pid = -1,
		  .tid = 7,
		  .cpu = 0,
		  .type = TRACE_TLB_FLUSH,
		  .arg = { UINT64_MAX, 4 },
		  .comm = "loop" },
		{ .time_ns = 5000001500,
		  .pid = -1,
		  .tid = 8,
		  .cpu = 1,
		  .type = TRACE_SYS_EXIT,
		  .nr = SC_MUNMAP,
		  .arg = { (uint64_t)-12 },
		  .comm = "other loop" },
		{ .time_ns = 5000002000,
		  .pid = -1,
		  .tid = 7,
		  .cpu = 0,
		  .type = TRACE_SWITCH,
		  .arg = { 7, 'S' | '+' << 8, 9 },
		  .comm = "loop",
		  .text = "a b?c" },
	};
	struct bytes *b = make_file();
	struct err err = { 0 };
	struct trace_reader *reader = trace_open(write_file("some.dat", b->v, b->n), &err);
	struct trace_event e;
	struct trace_stats stats;

	(void)state;
	assert_non_null(reader);
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		if (trace_next(reader, &e, &err) != 1)
			fail_msg("%s", err.msg);
		if (!same_event(&e, &want[i])) {
			trace_print_event(stderr, &e);
			fail_msg("event %zu is not what was written", i);
		}
	}
	assert_int_equal(trace_next(reader, &e, &err), 0);
	trace_get_stats(reader, &stats);
	assert_int_equal(stats.ignored, 1);
	trace_close(reader);
	free(b);
}

/* Cut anywhere, it is an error, never a shorter recording. */
static void test_cut(void **state)
{
	struct bytes *b = make_file();

	(void)state;
	for (size_t n = 10; n < b->n; n += 1 + n / 40) {
		struct err err = { 0 };

		if (count_events(write_file("cut.dat", b->v, n), &err) != -1)
			fail_msg("cut at %zu of %zu it is read", n, b->n);
		assert_int_not_equal(err.msg[0], 0);
	}
	free(b);
}

/* Damaged anywhere, it is read or refused, and mmsim lives on. */
static void test_damage(void **state)
{
	struct bytes *b = make_file();
	struct rng rng;

	(void)state;
	rng_init(&rng, 1, "dat", 0);
	for (int round = 0; round < 300; round++) {
		size_t at = 10 + rng_below(&rng, b->n - 10);
		unsigned char old = b->v[at];
		struct err err = { 0 };

		b->v[at] ^= (unsigned char)(1 + rng_below(&rng, 255));
		if (count_events(write_file("bad.dat", b->v, b->n), &err) == -1)
			assert_int_not_equal(err.msg[0], 0);
		b->v[at] = old;
	}
	free(b);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_damage),
	};

	if (argc > 1) { /* for the fuzzer's corpus */
		struct bytes *b = make_file();
		FILE *f = fopen(argv[1], "wb");

		return !f || fwrite(b->v, 1, b->n, f) != b->n || fclose(f);
	}
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
