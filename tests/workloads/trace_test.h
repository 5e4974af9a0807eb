/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of recordings share: files made of text in a folder of their own, and events
 * compared by content.
 */
#ifndef TESTS_TRACE_TEST_H
#define TESTS_TRACE_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/rng.h"
#include "workloads/trace.h"

static char test_dir[64];

static inline int make_dir(void **state)
{
	(void)state;
	snprintf(test_dir, sizeof(test_dir), "/tmp/mmsim-test-XXXXXX");
	return mkdtemp(test_dir) ? 0 : -1;
}

static inline int remove_dir(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", test_dir);
	return system(command);
}

static inline const char *in_dir(const char *name)
{
	static char path[4][128];
	static unsigned int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", test_dir, name);
	return path[i];
}

static inline const char *write_file(const char *name, const void *data, size_t n)
{
	const char *path = in_dir(name);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	return path;
}

static inline const char *write_text(const char *name, const char *text)
{
	return write_file(name, text, strlen(text));
}

static inline char *read_whole(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *data;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*n = (size_t)ftell(f);
	rewind(f);
	data = malloc(*n + 1);
	assert_int_equal(fread(data, 1, *n, f), *n);
	data[*n] = '\0';
	fclose(f);
	return data;
}

static inline bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static inline bool same_event(const struct trace_event *a, const struct trace_event *b)
{
	return a->time_ns == b->time_ns && a->pid == b->pid && a->tid == b->tid &&
	       a->cpu == b->cpu && a->type == b->type && a->nr == b->nr &&
	       !memcmp(a->arg, b->arg, sizeof(a->arg)) && same_text(a->comm, b->comm) &&
	       same_text(a->text, b->text) && same_text(a->text2, b->text2);
}

/* Reads to the end: events, or -1 with *err. */
static inline long count_events(const char *path, struct err *err)
{
	struct trace_reader *reader = trace_open(path, err);
	struct trace_event event;
	long n = 0;
	int got;

	if (!reader)
		return -1;
	while ((got = trace_next(reader, &event, err)) == 1)
		n++;
	trace_close(reader);
	return got < 0 ? -1 : n;
}

#endif
