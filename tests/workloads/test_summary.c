/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The summary of recordings, whose counts can be had from the text by other means, the dump of
 * events, and the registry that turns names into workloads.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "trace_test.h"
#include "workloads/trace_summary.h"
#include "workloads/workload.h"

static const char *shipped(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/workloads/recorded/%s.mmt", MMSIM_SOURCE_DIR, name);
	return path;
}

/* The numbers are `grep -c` of the recording's text. */
static void test_shipped(void **state)
{
	struct trace_summary s;
	struct err err = { 0 };
	const struct trace_call *madvise = &s.call[SC_MADVISE];
	uint64_t events = 0;

	(void)state;
	assert_true(trace_summarise(shipped("tlb_flush2-2t"), &s, &err));
	assert_string_equal(s.format, ".mmt");
	assert_int_equal(s.version, 1);
	assert_int_equal(s.stats.events, 307942);
	assert_int_equal(s.stats.lines, 307942);
	assert_int_equal(s.stats.lost, 0);
	assert_int_equal(s.cpus, 2);
	assert_int_equal(s.by_type[TRACE_PAGE_FAULT], 67417);
	assert_int_equal(s.faults[0] + s.faults[1] + s.faults[2], 67417);
	assert_int_equal(s.by_type[TRACE_TLB_FLUSH], 69676);
	assert_int_equal(s.flushes[4], 33610);
	assert_int_equal(s.full_flushes[4], 25035);
	assert_int_equal(s.ipis.sent[PROGRAM_IPI_SHOOTDOWN], 33490);
	assert_int_equal(s.ipis.sent[PROGRAM_IPI_WAKEUP], 7);
	assert_int_equal(madvise->count, 33505);
	assert_int_equal(madvise->latency.count, 33505);
	assert_in_range(hist_quantile(&madvise->latency, .5), 10000, 40000);
	for (size_t i = 0; i < s.n_threads; i++) {
		events += s.thread[i].events;
		if (s.thread[i].tid == 3353)
			assert_string_equal(s.thread[i].comm, "tlb_flush2_thre");
	}
	assert_int_equal(events, 307942);
	trace_summary_free(&s);
}

/* Masks that were not printed: by the interrupts that came, less those of the masks that were. */
static void test_unread_masks(void **state)
{
#define AT(time) "  x 1/1 [000] 1.00000000" #time ": "
#define LOST     "ipi:ipi_send_cpumask: [FAILED TO PARSE] cpumask=524320 callsite=0xf81 callback=0x0\n"
#define READ                                                                                       \
	"ipi:ipi_send_cpumask: cpumask=2,5-6 callsite=smp_call_function_many_cond+0x1 "            \
	"callback=y\n"
#define ENTRY "irq_vectors:call_function_entry: vector=252\n"
	static const struct {
		const char *text;
		uint64_t unread, shootdowns;
	} rows[] = {
		{ AT(1) READ AT(2) ENTRY, 0, 3 },
		{ AT(1) LOST AT(2) LOST, 2, 4 },
		{ AT(1) LOST AT(2) READ AT(3) ENTRY AT(4) ENTRY AT(5) ENTRY AT(6) ENTRY AT(7)
			  ENTRY AT(8) ENTRY,
		  1, 3 + 3 },
	};
	struct trace_summary s;
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_true(trace_summarise(write_text("masks", rows[i].text), &s, &err));
		assert_int_equal(s.ipis.unread, rows[i].unread);
		assert_int_equal(s.ipis.sent[PROGRAM_IPI_SHOOTDOWN], rows[i].shootdowns);
		trace_summary_free(&s);
	}
}

static void test_bad_file(void **state)
{
	struct trace_summary s;
	struct err err = { 0 };

	(void)state;
	assert_false(trace_summarise(write_text("bad", "huh\n"), &s, &err));
	assert_non_null(strstr(err.msg, "bad:1: not perf script or ftrace text"));
	assert_false(trace_summarise("/no/such", &s, &err));
}

static void test_dump(void **state)
{
	const struct trace_event events[] = {
		{ .time_ns = 5000000001,
		  .pid = 1,
		  .tid = 2,
		  .type = TRACE_SYS_ENTER,
		  .nr = SC_MADVISE,
		  .arg = { 0x1000, 0x2000, 4 },
		  .comm = "a b" },
		{ .time_ns = 6,
		  .pid = -1,
		  .tid = -1,
		  .cpu = TRACE_CPU_UNKNOWN,
		  .type = TRACE_SWITCH,
		  .arg = { 3, 'R' | '+' << 8, 4 },
		  .comm = "x",
		  .text = "next one" },
	};
	char line[256], *end;
	FILE *f = fmemopen(line, sizeof(line), "w");

	(void)state;
	for (size_t i = 0; i < 2; i++)
		trace_print_event(f, &events[i]);
	fclose(f);
	end = strchr(line, '\n');
	*end++ = '\0';
	assert_string_equal(line,
			    "5.000000001 [000] 1/2 a b sys_enter_madvise start=0x1000 len=0x2000 "
			    "behavior=4");
	*strchr(end, '\n') = '\0';
	assert_string_equal(end, "0.000000006 [  ?] -1/-1 x sched_switch prev=3 state=R+ next=4 "
				 "next one");
}

static void test_find(void **state)
{
	struct err err = { 0 };
	const struct workload_type **types;
	size_t n = workload_types(&types);

	(void)state;
	assert_true(n >= 1);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(workload_find(types[i]->name, &err), types[i]);
		assert_true(!i || strcmp(types[i - 1]->name, types[i]->name) < 0);
	}
	free(types);
	assert_string_equal(workload_find(shipped("mmap1-2t"), &err)->name, "replay");
	assert_string_equal(workload_find("mmap1-2t", &err)->name, "replay");
	assert_string_equal(workload_find("mmap1-2t.mmt", &err)->name, "replay");
	assert_null(workload_find("mmap1-2", &err));
	assert_non_null(strstr(err.msg, "no workload or recording 'mmap1-2'"));
	assert_non_null(strstr(err.msg, "did you mean 'mmap1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped),  cmocka_unit_test(test_unread_masks),
		cmocka_unit_test(test_bad_file), cmocka_unit_test(test_dump),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
