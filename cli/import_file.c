/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Imports one file and says so. The bar shows how much of the file was read; where its size is not
 * known (a pipe, perf.data), there are only the events.
 */
#include "cli/import_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 30 };

struct watch {
	const volatile sig_atomic_t *stop;
	bool terminal;
	double start;
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool show(void *arg, double part, uint64_t events)
{
	static const char full[] = "##############################";
	const struct watch *w = arg;
	double rate = (double)events / (seconds() - w->start + 1e-9) / 1e6;
	int n = part < 0 ? 0 : part > 1 ? BAR : (int)(part * BAR);

	if (w->stop && *w->stop)
		return false;
	if (!w->terminal)
		return true;
	if (part >= 0)
		fprintf(stderr, "\r\033[K[%.*s%*s] %3.0f%%", n, full, BAR - n, "", 100 * part);
	else
		fputs("\r\033[K", stderr);
	fprintf(stderr, " %" PRIu64 " events, %.1f million a second", events, rate);
	return true;
}

static void say(const char *out, const struct trace_stats *stats)
{
	printf("%s: %" PRIu64 " events of %" PRIu64 " lines", out, stats->events, stats->lines);
	if (stats->ignored)
		printf(", %" PRIu64 " of no use here", stats->ignored);
	if (stats->lost)
		printf(", %" PRIu64 " lost by the recorder", stats->lost);
	if (stats->clock_steps)
		printf(", %" PRIu64 " steps back of the clock", stats->clock_steps);
	putchar('\n');
}

bool import_file(const char *in, const char *out, const volatile sig_atomic_t *stop,
		 struct trace_stats *stats, struct err *err)
{
	struct watch w = { stop, isatty(STDERR_FILENO), seconds() };
	bool ok = trace_import(in, out, show, &w, stats, err);

	if (w.terminal)
		fputs("\r\033[K", stderr);
	if (ok)
		say(out, stats);
	return ok;
}
