/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf script text: each way that a line may look, each way that a file may be wrong, and a fuzzer
 * that must end in events or in one error line. If a task's name confuses the scanner, or a damaged
 * recording passes for a whole one, it shows here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "trace_test.h"

#define LINE "            node   10/11    [001]   5.000000001: "

static struct trace_event read_one(const char *text)
{
	struct err err = { 0 };
	struct trace_reader *reader = trace_open(write_text("one", text), &err);
	static struct trace_event event;
	static char comm[64], name[64], name2[64];

	if (!reader || trace_next(reader, &event, &err) != 1)
		fail_msg("%s: %s", text, err.msg);
	snprintf(comm, sizeof(comm), "%s", event.comm);
	snprintf(name, sizeof(name), "%s", event.text ? event.text : "");
	snprintf(name2, sizeof(name2), "%s", event.text2 ? event.text2 : "");
	event.comm = comm;
	event.text = name;
	event.text2 = name2;
	assert_int_equal(trace_next(reader, &(struct trace_event){ 0 }, &err), 0);
	trace_close(reader);
	return event;
}

static void test_prefixes(void **state)
{
	static const struct {
		const char *line, *comm;
		int pid, tid, cpu;
		uint64_t ns;
	} cases[] = {
		{ "         swapper     0/0     [000]  2839.234109283: ", "swapper", 0, 0, 0,
		  2839234109283 },
		{ "     GC Thread#0  3468/3471  [001]  2839.286468909: ", "GC Thread#0", 3468, 3471,
		  1, 2839286468909 },
		{ " kworker/1:2H-kb    77/77    [001]     1.000000000: ", "kworker/1:2H-kb", 77, 77,
		  1, 1000000000 },
		{ "              :-1  3468/-1    [001]  2845.102457828: ", ":-1", 3468, -1, 1,
		  2845102457828 },
		{ "  1 2/3 [4] 5.6:  3468/3470  [002]     7.000000008: ", "1 2/3 [4] 5.6:", 3468,
		  3470, 2, 7000000008 },
		{ "     a 12 7.5: b  3468/3470  [002]     7.000000008: ", "a 12 7.5: b", 3468, 3470,
		  2, 7000000008 },
		{ "node 3504/3504 [001] 2848.528305: ", "node", 3504, 3504, 1, 2848528305000 },
		{ "         swapper     0 [000]  2839.234109: ", "swapper", -1, 0, 0,
		  2839234109000 },
		{ "            node  3504/3504   2848.5: ", "node", 3504, 3504, TRACE_CPU_UNKNOWN,
		  2848500000000 },
		{ "            node  3504  2848.528305: ", "node", -1, 3504, TRACE_CPU_UNKNOWN,
		  2848528305000 },
		{ "node 3504 [001] 2848.528305:          1 ", "node", -1, 3504, 1, 2848528305000 },
		{ "3504/3505 [001] 2848.528305: ", "", 3504, 3505, 1, 2848528305000 },
		{ "3505 2848.528305: ", "", -1, 3505, TRACE_CPU_UNKNOWN, 2848528305000 },
		{ "node 3504/3504 [001] GK 2848.528305: ", "node", 3504, 3504, 1, 2848528305000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[256];
		struct trace_event e;

		snprintf(text, sizeof(text), "%s tlb:tlb_flush: pages:-1 reason:local (3)\n",
			 cases[i].line);
		e = read_one(text);
		assert_string_equal(e.comm, cases[i].comm);
		assert_int_equal(e.pid, cases[i].pid);
		assert_int_equal(e.tid, cases[i].tid);
		assert_int_equal(e.cpu, cases[i].cpu);
		assert_int_equal(e.time_ns, cases[i].ns);
		assert_int_equal(e.arg[0], UINT64_MAX);
		assert_int_equal(e.arg[1], 3);
	}
}

/* What perf prints of an event, and what is read out of it. */
static const struct {
	const char *text;
	int type, nr;
	uint64_t arg[6];
	const char *name, *name2;
} arguments[] = {
	{ "syscalls:sys_enter_mmap: addr: 0x00000000, len: 0x00002000, prot: 0x00000003, "
	  "flags: 0x00000022, fd: 0xffffffff, off: 0x00000000",
	  TRACE_SYS_ENTER,
	  SC_MMAP,
	  { 0, 0x2000, 3, 0x22, 0xffffffff, 0 },
	  "",
	  "" },
	{ "syscalls:sys_exit_munmap: 0xfffffffffffffff4",
	  TRACE_SYS_EXIT,
	  SC_MUNMAP,
	  { (uint64_t)-12 },
	  "",
	  "" },
	{ "syscalls:sys_enter_vfork:", TRACE_SYS_ENTER, SC_VFORK, { 0 }, "", "" },
	{ "exceptions:page_fault_user: address=0x7f298f0e2b70 ip=0x10 error_code=0x14",
	  TRACE_PAGE_FAULT,
	  0,
	  { 0x7f298f0e2b70, 0x10, 0x14 },
	  "",
	  "" },
	{ "ipi:ipi_send_cpu: cpu=1 callsite=ttwu_queue_wakelist+0x11d callback=x+0x0",
	  TRACE_IPI_SEND_CPU,
	  0,
	  { 1 },
	  "ttwu_queue_wakelist",
	  "" },
	{ "ipi:ipi_send_cpumask: cpumask=0-3,8 callsite=f+0x1 callback=x",
	  TRACE_IPI_SEND_CPUMASK,
	  0,
	  { 0x10f, 5 },
	  "0-3,8",
	  "f" },
	{ "ipi:ipi_send_cpumask: cpumask=1,00000000,0000000f callsite=f callback=x",
	  TRACE_IPI_SEND_CPUMASK,
	  0,
	  { 0xf, 5 },
	  "1,00000000,0000000f",
	  "f" },
	/* as a perf prints it that knows no masks */
	{ "ipi:ipi_send_cpumask: [FAILED TO PARSE] cpumask=ARRAY[0f, 00, 00, 80, 00, 00, "
	  "00, 00, 01] callsite=0xffffffff81 callback=0x1",
	  TRACE_IPI_SEND_CPUMASK,
	  0,
	  { 0x8000000f, 6 },
	  "ARRAY[0f, 00, 00, 80, 00, 00, 00, 00, 01]",
	  "0xffffffff81" },
	/* and one that prints where in the record the mask is: 8 bytes at byte 32 */
	{ "ipi:ipi_send_cpumask: [FAILED TO PARSE] cpumask=524320 callsite=0xffffffff81 "
	  "callback=0x0",
	  TRACE_IPI_SEND_CPUMASK,
	  0,
	  { 0, 0 },
	  "524320",
	  "0xffffffff81" },
	{ "tlb:tlb_flush: pages=-1 reason= (4)", TRACE_TLB_FLUSH, 0, { -1, 4 }, "", "" },
	{ "tlb:tlb_flush: [FAILED TO PARSE] reason=2 pages=7",
	  TRACE_TLB_FLUSH,
	  0,
	  { 7, 2 },
	  "",
	  "" },
	{ "tlb:tlb_flush: pages:3 reason:remote (9) shootdown (1)  ffffffff81 f ([kernel])",
	  TRACE_TLB_FLUSH,
	  0,
	  { 3, 1 },
	  "",
	  "" },
	{ "sched:sched_switch:k: prev_comm=a prev_pid=1 prev_prio=0 prev_state=257 ==> "
	  "next_comm=b next_pid=2 next_prio=120",
	  TRACE_SWITCH,
	  0,
	  { 1, 'S' | '+' << 8, 2 },
	  "b",
	  "" },
	/* 32-bit kernels: offsets in pages, errors of 32 bits; brk returns addresses only
	 */
	{ "syscalls:sys_enter_mmap_pgoff: addr: 0x0, len: 0x2000, prot: 0x3, flags: 0x22, "
	  "fd: 0xffffffff, pgoff: 0x00000010",
	  TRACE_SYS_ENTER,
	  SC_MMAP,
	  { 0, 0x2000, 3, 0x22, 0xffffffff, 0x10000 },
	  "",
	  "" },
	{ "syscalls:sys_exit_mmap_pgoff: 0xfffffff4",
	  TRACE_SYS_EXIT,
	  SC_MMAP,
	  { (uint64_t)-12 },
	  "",
	  "" },
	{ "syscalls:sys_exit_mmap: 0xfffff000", TRACE_SYS_EXIT, SC_MMAP, { 0xfffff000 }, "", "" },
	{ "syscalls:sys_exit_brk: 0xfffff800", TRACE_SYS_EXIT, SC_BRK, { 0xfffff800 }, "", "" },
	{ "irq_vectors:call_function_single_entry: vector=251",
	  TRACE_IPI_ENTRY,
	  0,
	  { 251, 0 },
	  "",
	  "" },
	{ "irq_vectors:call_function_exit: vector=252", TRACE_IPI_EXIT, 0, { 252, 1 }, "", "" },
	{ "sched:sched_switch: prev_comm=a prev_pid=1 b prev_pid=18 prev_prio=0 "
	  "prev_state=R+ ==> next_comm=swapper/0 next_pid=0 next_prio=120",
	  TRACE_SWITCH,
	  0,
	  { 18, 'R' | '+' << 8, 0 },
	  "swapper/0",
	  "" },
	{ "sched:sched_waking: comm=C2 pid= x pid=3 prio=120 target_cpu=010",
	  TRACE_WAKING,
	  0,
	  { 3, 10 },
	  "C2 pid= x",
	  "" },
	{ "sched:sched_process_fork: comm=javac pid=1 child_comm=a b child_pid=3470",
	  TRACE_FORK,
	  0,
	  { 3470 },
	  "a b",
	  "" },
	{ "sched:sched_process_exit: comm=VM pid=9 prio=120 group_dead=true",
	  TRACE_EXIT,
	  0,
	  { 9, 1 },
	  "",
	  "" },
	{ "sched:sched_process_exit: comm=VM pid=9 prio=120", TRACE_EXIT, 0, { 9, 0 }, "", "" },
	{ "sched:sched_migrate_task: comm=perf pid=3467 prio=120 orig_cpu=0 dest_cpu=1",
	  TRACE_MIGRATE,
	  0,
	  { 3467, 0, 1 },
	  "",
	  "" },
	{ "mmap_lock:mmap_lock_acquire_returned: mm=0xffff888102a1c4c0 memcg_path=/x "
	  "write=true success=false",
	  TRACE_LOCK_ACQUIRED,
	  0,
	  { 0xffff888102a1c4c0, 1, 0 },
	  "",
	  "" },
	{ "huge_memory:mm_collapse_huge_page: mm=0x1, isolated=1, status=succeeded",
	  TRACE_COLLAPSE,
	  0,
	  { 1, 1 },
	  "",
	  "" },
};

static void test_arguments(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(arguments) / sizeof(*arguments); i++) {
		char text[512];
		struct trace_event e;

		snprintf(text, sizeof(text), LINE "%s\n", arguments[i].text);
		e = read_one(text);
		assert_int_equal(e.type, arguments[i].type);
		assert_int_equal(e.nr, arguments[i].nr);
		assert_memory_equal(e.arg, arguments[i].arg, sizeof(e.arg));
		assert_string_equal(e.text, arguments[i].name);
		assert_string_equal(e.text2, arguments[i].name2);
	}
}

static void test_stream(void **state)
{
	struct err err = { 0 };
	struct trace_reader *reader;
	struct trace_event e;
	struct trace_stats stats;

	(void)state;
	reader = trace_open(
		write_text("stream",
			   "# a comment\n\n" LINE "tlb:tlb_flush: pages:1 reason:x (1)\r\n"
			   "\t    ffffffff8104a2b4 native_write_msr ([kernel.kallsyms])\n\n" LINE
			   "block:block_rq_issue: 8,0 WS 4096\n"
			   "CPU:1 [LOST 17 EVENTS]\n"
			   "  node 10/11 [001] 4.5: tlb:tlb_flush: pages:2 reason:x (1)\n"
			   "  node 10/11 [001] 6.5: PERF_RECORD_LOST lost 3\n"),
		&err);
	assert_non_null(reader);
	assert_int_equal(trace_next(reader, &e, &err), 1);
	assert_int_equal(trace_next(reader, &e, &err), 1);
	assert_int_equal(e.type, TRACE_LOST);
	assert_int_equal(e.arg[0], 17);
	assert_int_equal(trace_next(reader, &e, &err), 1); /* its clock stepped back */
	assert_int_equal(e.arg[0], 2);
	assert_int_equal(e.time_ns, 5000000001);
	assert_int_equal(trace_next(reader, &e, &err), 1);
	assert_int_equal(e.type, TRACE_LOST);
	assert_int_equal(e.time_ns, 6500000000);
	assert_int_equal(trace_next(reader, &e, &err), 0);
	trace_get_stats(reader, &stats);
	assert_int_equal(stats.lines, 9);
	assert_int_equal(stats.events, 4);
	assert_int_equal(stats.ignored, 1);
	assert_int_equal(stats.lost, 20);
	assert_int_equal(stats.clock_steps, 1);
	trace_close(reader);
}

/* What perf script can be told to show besides: counted, not an error. */
static void test_other_records(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(
		count_events(write_text("other", LINE
					"PERF_RECORD_COMM exec: ls:10/11\n" LINE
					"PERF_RECORD_MMAP2 10/11: [0x1(0x2) @ 0]: r-xp /bin/ls\n"
					"\t    ffffffff8104a2b4 native_write_msr ([k])\n" LINE
					"tlb:tlb_flush: pages:1 reason:x (1)\n"),
			     &err),
		1);
}

/* Out of order by less than a second: that event alone is moved. More: the clock was set back, and
 * what comes keeps its distances. */
static void test_clock(void **state)
{
	static const uint64_t want[] = { 5000000000, 5000000000, 5100000000, 5100000000,
					 5100000700, 5100000700, 5199999000 };
	static const char *const at[] = { "5.0",      "4.2", "5.1",      "1.000000300",
					  "1.000001", "0.9", "1.0999993" };
	char text[2048] = "";
	struct err err = { 0 };
	struct trace_reader *reader;
	struct trace_stats stats;
	struct trace_event e;

	(void)state;
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++)
		snprintf(text + strlen(text), 128,
			 "node 10/11 [001] %s: tlb:tlb_flush: pages:1 reason:x (1)\n", at[i]);
	reader = trace_open(write_text("clock", text), &err);
	assert_non_null(reader);
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		assert_int_equal(trace_next(reader, &e, &err), 1);
		assert_int_equal(e.time_ns, want[i]);
	}
	trace_get_stats(reader, &stats);
	assert_int_equal(stats.clock_steps, 3);
	trace_close(reader);
}

#define GOOD LINE "tlb:tlb_flush: pages:1 reason:x (1)\n"

static void test_errors(void **state)
{
	static const struct {
		const char *text, *where, *what;
	} cases[] = {
		{ "", "", "empty" },
		{ "hello\nworld\n",
		  ":1: ", "not perf script or ftrace text: expected 'comm pid/tid [cpu]" },
		{ "# only\n# comments\n", ":1: ", "not perf script or ftrace text" },
		{ GOOD "garbage\n" GOOD, ":2: ", "expected 'comm pid/tid [cpu] time: event: ...'" },
		{ "garbage\n" GOOD, ":1: ", "expected 'comm pid/tid [cpu] time: event: ...'" },
		{ GOOD GOOD LINE "tlb:tlb_flush: pages:1", ":3: ", "truncated" },
		{ GOOD LINE "tlb:tlb_flush: pages:1\n", ":2: ", "expected 'reason' and its value" },
		{ GOOD LINE "tlb:tlb_flush: pages:x reason:x (1)\n", ":2: ", "expected 'pages'" },
		{ GOOD LINE "syscalls:sys_exit_brk: huh\n", ":2: ", "expected a return value" },
		{ GOOD LINE "nonsense\n", ":2: ", "expected 'event:'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err err = { 0 };
		const char *path = write_text("bad", cases[i].text);
		char start[160];

		assert_int_equal(count_events(path, &err), -1);
		snprintf(start, sizeof(start), "%s%s", path, cases[i].where);
		if (strncmp(err.msg, start, strlen(start)) || !strstr(err.msg, cases[i].what))
			fail_msg("case %zu says: %s", i, err.msg);
	}
}

static void test_long_lines(void **state)
{
	size_t n = 70000;
	char *text = malloc(2 * n);
	struct err err = { 0 };

	(void)state;
	strcpy(text, GOOD LINE "block:x: ");
	memset(text + strlen(text), 'y', 60000);
	strcpy(text + sizeof(GOOD LINE "block:x: ") - 1 + 60000, "\n");
	assert_int_equal(count_events(write_text("long", text), &err), 1);
	strcpy(text, GOOD LINE "block:x: ");
	memset(text + sizeof(GOOD LINE "block:x: ") - 1, 'y', n);
	strcpy(text + sizeof(GOOD LINE "block:x: ") - 1 + n, "\n");
	assert_int_equal(count_events(write_text("long", text), &err), -1);
	assert_non_null(strstr(err.msg, ":2: line of more than"));
	free(text);
}

/* Damages good lines in every way that comes to mind: it must end, with an error that names a line
 * or with events that are within bounds. */
static void test_fuzz(void **state)
{
	static const char *const seeds[] = {
		GOOD,
		LINE "syscalls:sys_enter_mmap: addr: 0x0, len: 0x20, prot: 0x3, flags: 0x22, fd: "
		     "0xffffffff, off: 0x0\n",
		LINE "sched:sched_switch: prev_comm=a prev_pid=18 prev_prio=0 prev_state=S ==> "
		     "next_comm=b next_pid=0 next_prio=120\n",
		LINE "ipi:ipi_send_cpumask: cpumask=0-3,8 callsite=f+0x1 callback=x\n",
		"[LOST 5 EVENTS]\n",
	};
	static const char bits[] = " \t:/[]=,-+#0x9f\n";
	struct rng rng;
	char text[2048];

	(void)state;
	rng_init(&rng, 1, "fuzz", 0);
	for (int round = 0; round < 6000; round++) {
		size_t n = 0, edits = 1 + rng_below(&rng, 6);
		struct err err = { 0 };
		const char *path;

		for (int i = 0; i < 4; i++) {
			const char *s = seeds[rng_below(&rng, 5)];

			memcpy(text + n, s, strlen(s));
			n += strlen(s);
		}
		while (edits--) {
			size_t at = rng_below(&rng, n), len = 1 + rng_below(&rng, 8);

			switch (rng_below(&rng, 4)) {
			case 0:
				text[at] = (char)rng_below(&rng, 256);
				break;
			case 1:
				text[at] = bits[rng_below(&rng, sizeof(bits) - 1)];
				break;
			case 2: /* cut out */
				len = len < n - at ? len : n - at;
				memmove(text + at, text + at + len, n - at - len);
				n -= len;
				n += !n;
				break;
			default: /* double */
				len = len < n - at ? len : n - at;
				memmove(text + at + len, text + at, n - at);
				n += len;
			}
		}
		path = write_file("fuzz", text, n);
		if (count_events(path, &err) < 0)
			assert_true(!strncmp(err.msg, path, strlen(path)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes),      cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_stream),        cmocka_unit_test(test_errors),
		cmocka_unit_test(test_long_lines),    cmocka_unit_test(test_fuzz),
		cmocka_unit_test(test_other_records), cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
