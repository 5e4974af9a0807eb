/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Timed wake-ups a second of both engines by number of actors, and an M/M/1 queue. Sleeps are
 * pseudo- random, so that the event order is really computed and no actor wakes twice in a row for
 * free.
 */
#include "cli/bench_engine.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "analysis/json.h"
#include "cli/bench_queue.h"
#include "cli/command.h"
#include "sim/base/text.h"
#include "sim/rng.h"
#include "sim/sim.h"

enum { SIZES = 4, CUSTOMERS = 1000000 };

static const unsigned int sizes[SIZES] = { 2, 64, 512, 4096 };
static const double least_seconds = 0.35; /* of each measurement */

/* Events between two looks at the real clock: few enough that the slowest ends in time. */
static const struct {
	const char *name;
	uint64_t events;
} engines[] = { { "native", 100000 }, { "simgrid", 10000 } };

enum { ENGINES = sizeof(engines) / sizeof(engines[0]), SLEEP_MASK = 0xffff };

struct load {
	struct sim *sim;
	sim_ps slice;
	uint64_t *random; /* state, by actor */
	unsigned int started;
	double rate;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void sleeper(void *arg)
{
	struct load *l = arg;
	uint64_t x = l->random[l->started++];

	for (;;) {
		/* xorshift: cheap beside what is measured */
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		sim_sleep_until(l->sim, sim_now(l->sim) + 1 + (x & SLEEP_MASK));
	}
}

/* Counts once every sleeper has run a few times and its stack is in memory. */
static void meter(void *arg)
{
	struct load *l = arg;
	double start, elapsed;
	uint64_t events;

	sim_sleep_until(l->sim, sim_now(l->sim) + l->slice + 8 * SLEEP_MASK);
	start = now_s();
	events = sim_events(l->sim);
	do {
		sim_sleep_until(l->sim, sim_now(l->sim) + l->slice);
		elapsed = now_s() - start;
	} while (elapsed < least_seconds);
	l->rate = (double)(sim_events(l->sim) - events) / elapsed;
	sim_stop(l->sim);
}

static bool run_load(struct load *l, unsigned int actors, struct err *err)
{
	for (unsigned int i = 0; i < actors; i++) {
		struct rng rng;
		char name[32];

		rng_init(&rng, 1, "sleeper", i);
		l->random[i] = rng_u64(&rng) | 1;
		snprintf(name, sizeof(name), "sleeper/%u", i);
		sim_spawn(l->sim, name, i, true, sleeper, l);
	}
	sim_spawn(l->sim, "meter", 0, false, meter, l);
	return sim_run(l->sim, SIM_NEVER, err) == SIM_END_FINISHED && l->rate > 0;
}

static bool measure(size_t engine, unsigned int actors, double *rate, struct err *err)
{
	struct sim_options opt = { .engine = engines[engine].name,
				   .platform = { .hosts = actors, .hosts_per_group = 64 } };
	struct load l = { .slice = engines[engine].events * (SLEEP_MASK / 2) / actors };
	bool ok = false;

	l.random = calloc(actors, sizeof(*l.random));
	l.sim = l.random ? sim_create(&opt, err) : NULL;
	if (l.sim)
		ok = run_load(&l, actors, err);
	else if (!l.random)
		err_set(err, "out of memory");
	*rate = l.rate;
	sim_destroy(l.sim);
	free(l.random);
	return ok;
}

struct answer {
	double rate;
	struct err err;
};

/* In a process of its own, so that no measurement inherits another's heap or SimGrid's clock. */
static bool measure_apart(size_t engine, unsigned int actors, double *rate, struct err *err)
{
	struct answer a = { 0 };
	int pipe_fd[2];
	ssize_t n;
	pid_t pid;

	if (pipe(pipe_fd) != 0)
		return err_set(err, "cannot make a pipe");
	pid = fork();
	if (pid == 0) {
		measure(engine, actors, &a.rate, &a.err);
		n = write(pipe_fd[1], &a, sizeof(a));
		_exit(n == sizeof(a) ? 0 : 1);
	}
	close(pipe_fd[1]);
	n = pid > 0 ? read(pipe_fd[0], &a, sizeof(a)) : -1;
	close(pipe_fd[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (n != sizeof(a))
		return err_set(err, "engine %s with %u actors: its process ended early",
			       engines[engine].name, actors);
	*err = a.err;
	*rate = a.rate;
	return !err_is_set(err);
}

static void print_rates(FILE *out, double rates[ENGINES][SIZES])
{
	char buf[2][32];

	fprintf(out, "timed wake-ups a second\n  %8s  %10s  %10s  %6s\n", "actors", engines[0].name,
		engines[1].name, "ratio");
	for (int i = 0; i < SIZES; i++)
		fprintf(out, "  %8u  %10s  %10s  %6.1f\n", sizes[i],
			text_from_count(rates[0][i], buf[0], sizeof(buf[0])),
			text_from_count(rates[1][i], buf[1], sizeof(buf[1])),
			rates[0][i] / rates[1][i]);
}

static void print_queue(FILE *out, const struct queue_result *q)
{
	fprintf(out,
		"M/M/1 queue, utilisation 0.9, %llu customers, engine %s\n"
		"  %.3f s, %.1f million events/s\n"
		"  mean time in the system %.3f us +- %.3f (99.9%%), theory %.3f us\n"
		"  mean number in the system %.3f, theory %.3f\n",
		(unsigned long long)q->customers, engines[0].name, q->seconds,
		(double)q->events / q->seconds / 1e6, q->system_us, q->bound_us, q->theory_us,
		q->length, q->theory_length);
}

static void json_queue(struct json *j, const struct queue_result *q)
{
	json_object(j, NULL);
	json_string(j, "benchmark", "mm1");
	json_string(j, "engine", engines[0].name);
	json_u64(j, "customers", q->customers);
	json_double(j, "utilisation", 0.9);
	json_double(j, "seconds", q->seconds);
	json_u64(j, "events", q->events);
	json_double(j, "mean_time_in_system_us", q->system_us);
	json_double(j, "mean_time_bound_us", q->bound_us);
	json_double(j, "mean_time_theory_us", q->theory_us);
	json_double(j, "mean_number_in_system", q->length);
	json_double(j, "mean_number_theory", q->theory_length);
	json_end_object(j);
}

static void print_json(FILE *out, double rates[ENGINES][SIZES], const struct queue_result *q)
{
	struct json j;

	json_init(&j, out);
	json_array(&j, NULL);
	for (size_t e = 0; e < ENGINES; e++) {
		for (int i = 0; i < SIZES; i++) {
			json_object(&j, NULL);
			json_string(&j, "engine", engines[e].name);
			json_u64(&j, "actors", sizes[i]);
			json_double(&j, "wakeups_per_s", rates[e][i]);
			json_end_object(&j);
		}
	}
	json_queue(&j, q);
	json_end_array(&j);
}

int bench_engine(bool json, FILE *out, struct err *err)
{
	double rates[ENGINES][SIZES];
	struct queue_result q = { 0 };

	for (size_t e = 0; e < ENGINES; e++) {
		for (int i = 0; i < SIZES; i++) {
			if (!measure_apart(e, sizes[i], &rates[e][i], err))
				return EXIT_RUN;
		}
	}
	if (!bench_queue(engines[0].name, CUSTOMERS, &q, err))
		return EXIT_RUN;
	if (json) {
		print_json(out, rates, &q);
	} else {
		print_rates(out, rates);
		print_queue(out, &q);
	}
	return EXIT_OK;
}
