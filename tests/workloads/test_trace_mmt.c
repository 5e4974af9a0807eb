/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The .mmt file: what is written is read back exactly, whatever the events; and no damage, be it
 * one bit anywhere or a cut at any length, goes unnoticed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <zlib.h>

#include "trace_test.h"

static struct trace_event random_event(struct rng *rng, uint64_t *time)
{
	static const char *const names[] = { "node", "GC Thread#0", "", "kworker/1:2H-kb", "a b" };
	struct trace_event e = { 0 };

	*time += rng_below(rng, 3) ? rng_below(rng, 3000)
				   : rng_u64(rng) >> (20 + rng_below(rng, 40));
	e.time_ns = *time;
	e.pid = rng_below(rng, 50) ? (int32_t)rng_below(rng, 9) - 1 : INT32_MIN;
	e.tid = rng_below(rng, 50) ? (int32_t)rng_below(rng, 9) - 1 : INT32_MAX;
	e.cpu = (uint16_t)(rng_below(rng, 20) ? rng_below(rng, 3) : TRACE_CPU_UNKNOWN);
	e.type = (uint8_t)(1 + rng_below(rng, TRACE_TYPES - 1));
	if (e.type == TRACE_SYS_ENTER || e.type == TRACE_SYS_EXIT)
		e.nr = (uint8_t)(1 + rng_below(rng, SC_SYSCALLS - 1));
	for (int i = 0; i < 6; i++)
		e.arg[i] = rng_below(rng, 2) ? rng_u64(rng) >> rng_below(rng, 64) : 0;
	e.comm = names[rng_below(rng, 5)];
	e.text = rng_below(rng, 3) ? NULL : names[rng_below(rng, 5)];
	e.text2 = rng_below(rng, 9) ? NULL : names[rng_below(rng, 5)];
	return e;
}

static const char *write_random(const char *name, unsigned int n, uint64_t seed)
{
	const char *path = in_dir(name);
	struct err err = { 0 };
	struct trace_writer *w = trace_create(path, &err);
	struct trace_stats stats = { .lines = 7, .ignored = 5, .lost = 3, .clock_steps = 2 };
	struct rng rng;
	uint64_t time = 0;

	assert_non_null(w);
	rng_init(&rng, seed, "events", 0);
	for (unsigned int i = 0; i < n; i++) {
		struct trace_event e = random_event(&rng, &time);

		assert_true(trace_write(w, &e, &err));
	}
	trace_set_stats(w, &stats);
	assert_true(trace_finish(w, &err));
	return path;
}

/* 150,000 events: three blocks, the last not full. */
static void test_random_events(void **state)
{
	static const unsigned int sizes[] = { 0, 1, 65535, 65536, 65537, 150000 };

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		struct err err = { 0 };
		const char *path = write_random("random.mmt", sizes[s], s);
		struct trace_reader *reader = trace_open(path, &err);
		struct trace_stats stats;
		struct trace_event got;
		struct rng rng;
		uint64_t time = 0;

		assert_non_null(reader);
		rng_init(&rng, s, "events", 0);
		for (unsigned int i = 0; i < sizes[s]; i++) {
			struct trace_event want = random_event(&rng, &time);

			assert_int_equal(trace_next(reader, &got, &err), 1);
			if (!same_event(&want, &got))
				fail_msg("event %u of %u differs", i, sizes[s]);
		}
		assert_int_equal(trace_next(reader, &got, &err), 0);
		assert_int_equal(trace_next(reader, &got, &err), 0);
		trace_get_stats(reader, &stats);
		assert_int_equal(stats.events, sizes[s]);
		assert_int_equal(stats.lines, 7);
		assert_int_equal(stats.ignored, 5);
		assert_int_equal(stats.lost, 3);
		assert_int_equal(stats.clock_steps, 2);
		trace_close(reader);
	}
}

static void test_import_is_lossless(void **state)
{
	static const char text[] =
		"  node 10/11 [001] 5.000000001: tlb:tlb_flush: pages:1 reason:x (1)\n"
		"  node 10/11 [001] 5.000000901: ipi:ipi_send_cpu: cpu=1 callsite=f+0x1 "
		"callback=x\n"
		" a b 10/12 [000] 5.000000902: x:y: z\n"
		" a b 10/12 [000] 5.000000902: sched:sched_waking: comm=q pid=7 prio=1 "
		"target_cpu=0\n"
		"[LOST 5 EVENTS]\n"
		"  node 10/11 3.5: syscalls:sys_exit_brk: 0xfffffffffffffff4\n";
	const char *in = write_text("in.txt", text), *out = in_dir("out.mmt");
	struct err err = { 0 };
	struct trace_stats a, b;
	struct trace_reader *text_reader, *mmt_reader;
	struct trace_event e, f;

	(void)state;
	assert_true(trace_import(in, out, NULL, NULL, NULL, &err));
	text_reader = trace_open(in, &err);
	mmt_reader = trace_open(out, &err);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(trace_next(text_reader, &e, &err), 1);
		assert_int_equal(trace_next(mmt_reader, &f, &err), 1);
		assert_true(same_event(&e, &f));
	}
	assert_int_equal(trace_next(text_reader, &e, &err), 0);
	assert_int_equal(trace_next(mmt_reader, &e, &err), 0);
	trace_get_stats(text_reader, &a);
	trace_get_stats(mmt_reader, &b);
	assert_memory_equal(&a, &b, sizeof(a));
	trace_close(text_reader);
	trace_close(mmt_reader);
}

static void must_fail(const char *data, size_t n, const char *what, size_t at)
{
	struct err err = { 0 };

	if (count_events(write_file("damaged", data, n), &err) != -1)
		fail_msg("%s %zu goes unnoticed", what, at);
	if (!err.msg[0])
		fail_msg("%s %zu: no message", what, at);
}

static void test_every_byte(void **state)
{
	size_t n;
	char *data = read_whole(write_random("small.mmt", 40, 9), &n);

	(void)state;
	for (size_t at = 0; at < n; at++) {
		char kept = data[at];

		must_fail(data, at, "cut at", at);
		for (int bit = 0; bit < 8; bit++) {
			data[at] = (char)(kept ^ 1 << bit);
			must_fail(data, n, "flip at", at);
		}
		data[at] = (char)~kept;
		must_fail(data, n, "inversion at", at);
		data[at] = kept;
	}
	data[n] = 0;
	must_fail(data, n + 1, "more bytes after", n);
	free(data);
}

/* Blocks are whole in themselves: leaving one out, or putting one twice, must show in the trailer.
 */
static void test_blocks_missing(void **state)
{
	size_t n, first = 16, second;
	char *data = read_whole(write_random("three.mmt", 150000, 3), &n), *other;

	(void)state;
	memcpy(&second, data + first + 4, 4);
	second = first + 24 + (size_t) * (uint32_t *)(void *)(data + first + 4);
	other = malloc(2 * n);
	memcpy(other, data, first);
	memcpy(other + first, data + second, n - second);
	must_fail(other, n - (second - first), "without block", 0);
	memcpy(other, data, second);
	memcpy(other + second, data + first, n - first);
	must_fail(other, n + second - first, "block twice", 0);
	must_fail(data, second, "cut at a block's end", second);
	free(other);
	free(data);
}

static void test_random_flips(void **state)
{
	size_t n;
	char *data = read_whole(write_random("large.mmt", 600, 4), &n);
	struct rng rng;

	(void)state;
	rng_init(&rng, 2, "flips", 0);
	for (size_t i = 0; i < 10000; i++) {
		size_t at = rng_below(&rng, n);
		char bit = (char)(1 << rng_below(&rng, 8));

		data[at] ^= bit;
		must_fail(data, n, "flip at", at);
		data[at] ^= bit;
	}
	free(data);
}

/* Whoever repairs the checksums by hand meets the decoder: it may find the data sound or not, but
 * must stay within its bounds (the sanitizers look). */
static void test_fuzz_behind_checksums(void **state)
{
	size_t n;
	char *data = read_whole(write_random("fuzz.mmt", 200, 5), &n), *copy = malloc(n);
	uint32_t stored = *(uint32_t *)(void *)(data + 20), crc;
	struct rng rng;
	int sound = 0;

	(void)state;
	rng_init(&rng, 3, "fuzz", 0);
	for (int i = 0; i < 4000; i++) {
		struct err err = { 0 };

		memcpy(copy, data, n);
		for (uint64_t edits = 1 + rng_below(&rng, 4); edits--;)
			copy[40 + rng_below(&rng, stored)] = (char)rng_below(&rng, 256);
		if (!memcmp(copy, data, n))
			continue; /* each byte became what it was */
		crc = (uint32_t)crc32(0, (unsigned char *)copy + 40, stored);
		memcpy(copy + 32, &crc, 4);
		crc = (uint32_t)crc32(0, (unsigned char *)copy + 16, 20);
		memcpy(copy + 36, &crc, 4);
		sound += count_events(write_file("fuzz", copy, n), &err) >= 0;
	}
	assert_int_equal(sound, 0); /* the checksum of the whole file still tells */
	free(copy);
	free(data);
}

static void test_newer_version(void **state)
{
	size_t n;
	char *data = read_whole(write_random("new.mmt", 5, 6), &n);
	struct err err = { 0 };

	(void)state;
	data[8] = 2;
	assert_int_equal(count_events(write_file("new", data, n), &err), -1);
	assert_non_null(strstr(err.msg, "version 2, this mmsim reads up to version 1"));
	free(data);
}

/* The file is there whole or not at all, and nothing else is left behind. */
static void test_all_or_nothing(void **state)
{
	const char *bad = write_text("bad.txt",
				     "a 1/1 [0] 1.5: tlb:tlb_flush: pages:1 reason:x (1)\nhuh\n");
	const char *out = in_dir("never.mmt");
	struct err err = { 0 };
	struct stat st;
	char command[160];

	(void)state;
	assert_false(trace_import(bad, out, NULL, NULL, NULL, &err));
	assert_int_equal(stat(out, &st), -1);
	snprintf(command, sizeof(command), "! ls %s | grep -q never", test_dir);
	assert_int_equal(system(command), 0);
	assert_null(trace_create("/nonexistent/x.mmt", &err));
	assert_non_null(strstr(err.msg, "/nonexistent/x.mmt: cannot create"));
}

static void test_writer_refuses(void **state)
{
	struct err err = { 0 };
	struct trace_writer *w = trace_create(in_dir("refuse.mmt"), &err);
	struct trace_event e = { .time_ns = 5, .type = TRACE_TLB_FLUSH, .comm = "x" };

	(void)state;
	assert_true(trace_write(w, &e, &err));
	e.time_ns = 4;
	assert_false(trace_write(w, &e, &err));
	assert_non_null(strstr(err.msg, "time goes back from 5 to 4 ns"));
	e.time_ns = 6;
	e.type = TRACE_TYPES;
	assert_false(trace_write(w, &e, &err));
	trace_abandon(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_events),  cmocka_unit_test(test_import_is_lossless),
		cmocka_unit_test(test_every_byte),     cmocka_unit_test(test_blocks_missing),
		cmocka_unit_test(test_random_flips),   cmocka_unit_test(test_fuzz_behind_checksums),
		cmocka_unit_test(test_newer_version),  cmocka_unit_test(test_all_or_nothing),
		cmocka_unit_test(test_writer_refuses),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
