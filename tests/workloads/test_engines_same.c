/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Both engines give the same results: every synthetic load, on machines and policies in turn, is
 * run on each, and every value of every metric must be equal to the last bit. Would break: results
 * that depend on an engine's order of ties, on addresses, or on what ran before in the process.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workloads/experiment.h"
#include "workloads/workload.h"

static const char *const machines[] = { "zen5-vm2", "milan-1s72", "numa-4s48", "skylake-4c",
					"skylake-vm80" };
static const char *const policies[] = { "linux-6.18",     "broadcast-flush", "no-batching",
					"ipi-table-sync", "linux-6.14",      "linux-5.3-async",
					"linux-5.10",     "linux-6.1",       "linux-6.12" };
static const uint32_t thread_counts[] = { 2, 1, 5, 3, 7 };

#ifdef MMSIM_ASAN /* SimGrid is slow under it */
enum { TURNS = 1 };
#else
enum { TURNS = 3 };
#endif
enum { REFUSED = 2 };

struct result {
	uint32_t end;
	sim_ps sim_time;
	uint64_t events, violations;
};

/* In a child: a SimGrid engine cannot be made twice in one process. */
static void run_child(const struct experiment *spec, FILE *out)
{
	struct err err = { "" };
	struct outcome outcome;
	struct result r;

	if (!experiment_run(spec, &outcome, &err))
		_exit(REFUSED);
	r = (struct result){ outcome.end, outcome.sim_time, outcome.events, outcome.n_violations };
	if (outcome.n_violations)
		fprintf(stderr, "%s: %s\n", outcome.violations[0].kind, outcome.violations[0].text);
	if (fwrite(&r, sizeof(r), 1, out) != 1 || !metrics_write(outcome.metrics, out, &err))
		_exit(3);
	_exit(0);
}

/* NULL: the load does not run like this (so many threads on so few CPUs). */
static struct metrics *run(const struct experiment *spec, struct result *r)
{
	FILE *file = tmpfile();
	struct metrics *m = metrics_create();
	struct err err = { "" };
	int status;
	pid_t pid;

	assert_non_null(file);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		run_child(spec, file);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == REFUSED) {
		fclose(file);
		metrics_free(m);
		return NULL;
	}
	if (status)
		fail_msg("%s %s %s: child ended with %#x", spec->workload, spec->machine,
			 spec->engine, status);
	rewind(file);
	assert_int_equal(fread(r, sizeof(*r), 1, file), 1);
	if (!metrics_read(m, file, &err))
		fail_msg("%s", err.msg);
	fclose(file);
	return m;
}

static bool same_value(const struct metric *a, const struct metric *b)
{
	size_t na, nb;
	void *da, *db;
	bool same;

	if (a->series)
		return !memcmp(a->series, b->series, sizeof(*a->series));
	if (a->desc->kind != METRIC_HISTOGRAM)
		return a->value == b->value && a->gauge == b->gauge;
	da = hist_encode(&a->hist, &na);
	db = hist_encode(&b->hist, &nb);
	same = na == nb && !memcmp(da, db, na);
	free(da);
	free(db);
	return same;
}

static size_t same_metrics(const struct experiment *spec, struct metrics *a, struct metrics *b)
{
	const struct metric **va, **vb;
	size_t na = metrics_sorted(a, &va), nb = metrics_sorted(b, &vb);

	assert_int_equal(na, nb);
	for (size_t i = 0; i < na; i++)
		if (va[i]->desc != vb[i]->desc || strcmp(va[i]->label, vb[i]->label) != 0 ||
		    !same_value(va[i], vb[i]))
			fail_msg("%s on %s under %s, %u threads, seed %llu: %s(%s) differs",
				 spec->workload, spec->machine, spec->policy, spec->threads,
				 (unsigned long long)spec->seed, va[i]->desc->name, va[i]->label);
	free(va);
	free(vb);
	return na;
}

static bool compare(struct experiment *spec)
{
	struct result native, simgrid;
	struct metrics *a, *b;

	spec->engine = "native";
	a = run(spec, &native);
	spec->engine = "simgrid";
	b = run(spec, &simgrid);
	assert_int_equal(a == NULL, b == NULL);
	if (!a)
		return false;
	assert_int_equal(native.end, SIM_END_FINISHED);
	assert_int_equal(native.violations, 0);
	assert_int_equal(simgrid.end, native.end);
	assert_int_equal(simgrid.violations, native.violations);
	assert_int_equal(simgrid.sim_time, native.sim_time);
	assert_int_equal(simgrid.events, native.events);
	assert_true(same_metrics(spec, a, b) > 30);
	metrics_free(a);
	metrics_free(b);
	return true;
}

#define TURN(list, i) (list)[(i) % (sizeof(list) / sizeof(*(list)))]

static void test_engines(void **state)
{
	const struct workload_type **types;
	size_t n = workload_types(&types), turn = 0;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		unsigned int compared = 0;

		if (!strcmp(types[i]->name, "replay"))
			continue;
		for (unsigned int j = 0; j < TURNS; j++, turn++) {
			struct experiment spec = {
				.workload = types[i]->name,
				.machine = TURN(machines, turn),
				.policy = TURN(policies, turn + turn / 9),
				.threads = TURN(thread_counts, turn / 2),
				.duration = 150 * SIM_US,
				.seed = turn,
			};

			if (!compare(&spec)) {
				spec.machine = "milan-1s72";
				spec.threads = 2;
				if (!compare(&spec))
					continue;
			}
			compared++;
		}
		if (compared * 2 < TURNS)
			fail_msg("%s: only %u runs to compare", types[i]->name, compared);
	}
	assert_true(n >= 3);
	free(types);
}

/* The comparison can fail: another seed gives other values. */
static void test_seeds_differ(void **state)
{
	struct experiment spec = { .workload = "tlb_flush2",
				   .machine = "zen5-vm2",
				   .policy = "linux-6.18",
				   .engine = "native",
				   .threads = 2,
				   .duration = SIM_MS,
				   .seed = 1 };
	struct result a, b;

	(void)state;
	metrics_free(run(&spec, &a));
	spec.seed = 2;
	metrics_free(run(&spec, &b));
	assert_true(a.sim_time != b.sim_time || a.events != b.events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seeds_differ),
		cmocka_unit_test(test_engines),
	};

	setenv("MMSIM_PLUGIN_DIR", MMSIM_BINARY_DIR, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
