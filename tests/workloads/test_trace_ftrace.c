/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ftrace text: the kernel's trace file with and without process numbers, and trace-cmd report,
 * whose fields and calls look different from perf's. If the same event does not come out the same
 * from all of them, it shows here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "trace_test.h"

#define KERNEL_TITLE                                                                               \
	"# tracer: nop\n#\n# entries-in-buffer/entries-written: 2/2   #P:2\n#\n"                   \
	"#           TASK-PID       TGID    CPU#  |||||  TIMESTAMP  FUNCTION\n"

static const char *one_event(const char *text, struct trace_event *event)
{
	static struct err err;
	static char comm[64], name[64], name2[64];
	struct trace_reader *reader;

	memset(&err, 0, sizeof(err));
	reader = trace_open(write_text("one", text), &err);
	if (!reader || trace_next(reader, event, &err) != 1) {
		trace_close(reader);
		return err.msg;
	}
	snprintf(comm, sizeof(comm), "%s", event->comm);
	snprintf(name, sizeof(name), "%s", event->text ? event->text : "");
	snprintf(name2, sizeof(name2), "%s", event->text2 ? event->text2 : "");
	event->comm = comm;
	event->text = name;
	event->text2 = name2;
	assert_int_equal(trace_next(reader, &(struct trace_event){ 0 }, &err), 0);
	trace_close(reader);
	return NULL;
}

static void test_heads(void **state)
{
	static const struct {
		const char *line, *comm;
		int pid, tid, cpu;
		uint64_t ns;
	} cases[] = {
		{ "            bash-23372   (  23372) [001] .....   694.826298: ", "bash", 23372,
		  23372, 1, 694826298000 },
		{ "          <idle>-0       (-------) [000] d.h1.   694.826437: ", "<idle>", 0, 0,
		  0, 694826437000 },
		{ "            loop-23376 [001]   694.826270: ", "loop", -1, 23376, 1,
		  694826270000 },
		{ "            loop-23376 [001] d..2.   694.826270: ", "loop", -1, 23376, 1,
		  694826270000 },
		{ "            loop-23376 [001]   694.826270123: ", "loop", -1, 23376, 1,
		  694826270123 },
		{ " GC Thread-1 [0] 5.5: x-23376 [001]   694.826270: ", "GC Thread-1 [0] 5.5: x",
		  -1, 23376, 1, 694826270000 },
		{ "           <...>-77      [012] ....   694.826270: ", "", -1, 77, 12,
		  694826270000 },
		{ "     kworker/1:2-77      [001] ....   694.826270: ", "kworker/1:2", -1, 77, 1,
		  694826270000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct trace_event e = { 0 };
		char text[512];
		const char *wrong;

		snprintf(text, sizeof(text),
			 KERNEL_TITLE "%stlb_flush: pages:1 reason:remote IPI send (4)\n",
			 cases[i].line);
		wrong = one_event(text, &e);
		if (i == 5) { /* the part of the name that looks like an event is taken for one */
			assert_non_null(wrong);
			continue;
		}
		if (wrong)
			fail_msg("%s: %s", cases[i].line, wrong);
		assert_string_equal(e.comm, cases[i].comm);
		assert_int_equal(e.pid, cases[i].pid);
		assert_int_equal(e.tid, cases[i].tid);
		assert_int_equal(e.cpu, cases[i].cpu);
		assert_int_equal(e.time_ns, cases[i].ns);
		assert_int_equal(e.type, TRACE_TLB_FLUSH);
		assert_int_equal(e.arg[1], 4);
	}
}

/* One event in the ways that tools print it. */
static void test_same_event(void **state)
{
	static const char *const lines[][4] = {
		{ "syscalls:sys_enter_mmap: addr: 0x00000000, len: 0x00002000, prot: 0x00000003, "
		  "flags: 0x00000022, fd: 0xffffffff, off: 0x00000000",
		  "sys_enter_mmap:       addr: 0x00000000, len: 0x00002000, prot: 0x00000003, "
		  "flags: 0x00000022, fd: 0xffffffff, off: 0x00000000",
		  "sys_mmap(addr: 0, len: 0x2000, prot: 3, flags: 0x22, fd: 0xffffffff, off: 0)",
		  "sys_mmap(addr: 0, len: 2000, prot: 3, flags: 22, fd: ffffffff, off: 0)" },
		{ "syscalls:sys_exit_mmap: 0x7f2e31c10000", "sys_exit_mmap:  0x7f2e31c10000",
		  "sys_mmap -> 0x7f2e31c10000", NULL },
		{ "syscalls:sys_exit_munmap: 0xfffffffffffffff4",
		  "sys_exit_munmap: 0xfffffffffffffff4", "sys_munmap -> 0xfffffffffffffff4", NULL },
		{ "syscalls:sys_enter_vfork:", "sys_enter_vfork: ", "sys_vfork()", NULL },
		{ "syscalls:sys_enter_execve: filename: 0x55af, argv: 0x10, envp: 0x20",
		  "sys_execve(filename: 0x55af \"/bin/ls\", argv: 0x10, envp: 0x20)", NULL, NULL },
		{ "tlb:tlb_flush: pages:-1 reason:local MM shootdown (3)",
		  "tlb_flush:            pages=-1 reason=local mm shootdown (3)",
		  "tlb_flush: pages:-1 reason:local MM shootdown (3)", NULL },
		{ "mmap_lock:mmap_lock_released: mm=0x00000000e3d78ad1 memcg_id=4193 write=true",
		  "mmap_lock_released: mm=00000000e3d78ad1 memcg_id=4193 write=true", NULL, NULL },
		{ "ipi:ipi_send_cpu: cpu=0 callsite=on_each_cpu_cond_mask+0x20 callback=g+0x0",
		  "ipi_send_cpu: cpu=0 callsite=on_each_cpu_cond_mask+0x20/0x60 "
		  "callback=g+0x0/0x10",
		  NULL, NULL },
		{ "sched:sched_switch: prev_comm=a b prev_pid=7 prev_prio=120 prev_state=S ==> "
		  "next_comm=c:1 [2] next_pid=9 next_prio=0",
		  "sched_switch: prev_comm=a b prev_pid=7 prev_prio=120 prev_state=S ==> "
		  "next_comm=c:1 [2] next_pid=9 next_prio=0",
		  "sched_switch:         a b:7 [120] S ==> c:1 [2]:9 [0]", NULL },
	};
	static const char *const heads[] = { "loop 7 [001] 5.5: ", "loop-7 [001] 5.5: ",
					     "loop-7 (      3) [001] d..1. 5.5: ",
					     "loop-7 [001] ..... 5.5: " };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct trace_event first = { 0 };

		for (size_t j = 0; j < 4 && lines[i][j]; j++) {
			struct trace_event e = { 0 };
			char text[512], text1[64], text2[64];
			const char *wrong;

			snprintf(text, sizeof(text), "%s%s\n", heads[j], lines[i][j]);
			wrong = one_event(text, &e);
			if (wrong)
				fail_msg("%s: %s", text, wrong);
			e.pid = -1;
			if (!j) {
				first = e;
				snprintf(text1, sizeof(text1), "%s", e.text);
				snprintf(text2, sizeof(text2), "%s", e.text2);
				first.text = text1;
				first.text2 = text2;
			} else if (!same_event(&first, &e)) {
				fail_msg("not the same: %s", text);
			}
		}
	}
}

/* The reports of lost events of the kernel and of trace-cmd, titles, and what is no event of ours.
 */
static void test_stream(void **state)
{
	struct err err = { 0 };
	struct trace_reader *reader;
	struct trace_event e;
	struct trace_stats stats;
	static const int cpus[] = { 1, 0, 1, 1 };
	static const uint64_t lost[] = { 17, 5, 1, 1 };

	(void)state;
	reader = trace_open(write_text("stream", "version = 7\ncpus=2\nCPU 0 is empty\n"
						 "a-5 [001] 5.5: tlb_flush: pages:1 reason:x (1)\n"
						 "CPU:1 [LOST 17 EVENTS]\n"
						 "CPU:0 [5 EVENTS DROPPED]\n"
						 "CPU:1 [LOST EVENTS]\n"
						 "CPU:1 [EVENTS DROPPED]\n"
						 "a-5 [001] 5.6: block_rq_issue: 8,0 WS 4096\n"
						 "a-5 [001] 5.6: sys_write(fd: 1, buf: 2)\n"
						 "a-5 [001] 5.6: sys_write -> 0x1\n"),
			    &err);
	assert_non_null(reader);
	assert_int_equal(trace_next(reader, &e, &err), 1);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(trace_next(reader, &e, &err), 1);
		assert_int_equal(e.type, TRACE_LOST);
		assert_int_equal(e.cpu, cpus[i]);
		assert_int_equal(e.arg[0], lost[i]);
		assert_int_equal(e.time_ns, 5500000000);
	}
	assert_int_equal(trace_next(reader, &e, &err), 0);
	trace_get_stats(reader, &stats);
	assert_int_equal(stats.events, 5);
	assert_int_equal(stats.ignored, 3);
	assert_int_equal(stats.lost, 24);
	trace_close(reader);
}

/* A recording is of one kind: a line of the other in the middle is damage. */
static void test_mixed(void **state)
{
	struct err err = { 0 };
	const char *path = write_text("mixed", "a-5 [001] 5.5: tlb_flush: pages:1 reason:x (1)\n"
					       "a 5 [001] 5.5: tlb_flush: pages:1 reason:x (1)\n");

	(void)state;
	assert_int_equal(count_events(path, &err), -1);
	assert_non_null(strstr(err.msg, "mixed:2: expected 'comm-tid [cpu] time: event: ...'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_same_event),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_mixed),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
