// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The order of things: topology, rounds of probes, constants, the fit against the models.
 */
#define _GNU_SOURCE
#include "analysis/calibrate/calibrate.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analysis/calibrate/probe.h"
#include "sim/base/datadir.h"
#include "sim/rng.h"

#define ROUND_SECONDS 4.0

enum { LEAST_ROUNDS = 3, MOST_ROUNDS = 40, ALL_PAIRS = 120, PAIRS_OF_CLASS = 12 };

static const struct probe *const probes[] = { &probe_cpu, &probe_cache, &probe_line,
					      &probe_tlb, &probe_ipi,   &probe_flush,
					      &probe_map, &probe_zero,  &probe_fork };

enum { PROBES = sizeof(probes) / sizeof(probes[0]) };

/* ---- the base machine ---- */

/* The first that is there; the last row fits any. */
static const struct {
	const char *vendor;
	int guest; /* -1 = either */
	const char *machine;
} bases[] = {
	{ "GenuineIntel", 0, "icelake-2s80" },
	{ "GenuineIntel", 0, "skylake-2s56" },
	{ "AuthenticAMD", 0, "milan-1s72" },
	{ "AuthenticAMD", 0, "zen2-2s128" },
	{ "GenuineIntel", 1, "skylake-vm80" },
	{ NULL, 1, "zen5-vm2" },
	{ NULL, -1, "milan-1s72" },
};

static void choose_base(const struct topology *t, char *base, size_t size)
{
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		struct err ignored = { 0 };
		char path[4096];

		if ((bases[i].vendor && strcmp(bases[i].vendor, t->vendor) != 0) ||
		    (bases[i].guest >= 0 && bases[i].guest != t->guest))
			continue;
		snprintf(base, size, "%s", bases[i].machine);
		if (datadir_find("configs/machines", base, ".yaml", path, sizeof(path), &ignored))
			return;
	}
}

/* ---- pairs ---- */

static void add_pair(struct calib *c, size_t i, size_t j)
{
	const struct topo_cpu *a = &c->topo.cpu[i], *b = &c->topo.cpu[j];

	c->pair[c->n_pairs++] = (struct cpu_pair){ .a = a->os_index,
						   .b = b->os_index,
						   .distance = topology_distance(a, b) };
}

/* All pairs of a small machine; of a large one some of each distance, always the same. */
static bool choose_pairs(struct calib *c, struct err *err)
{
	size_t n = c->topo.n, all = n * (n - 1) / 2, of[DISTANCES] = { 0 };
	struct rng rng;

	c->pair = calloc(all <= ALL_PAIRS ? all + 1 : DISTANCES * PAIRS_OF_CLASS, sizeof(*c->pair));
	if (!c->pair)
		return err_set(err, "out of memory");
	rng_init(&rng, 1, "calibrate.pairs", 0);
	for (size_t i = 0; all <= ALL_PAIRS && i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			add_pair(c, i, j);
	for (size_t tries = 0; all > ALL_PAIRS && tries < 1000 * n; tries++) {
		size_t i = rng_below(&rng, n), j = rng_below(&rng, n);
		enum distance d = topology_distance(&c->topo.cpu[i], &c->topo.cpu[j]);

		if (i != j && of[d] < PAIRS_OF_CLASS) {
			of[d]++;
			add_pair(c, i, j);
		}
	}
	for (size_t i = c->n_pairs; i-- > 0;)
		c->by_distance[c->pair[i].distance] = &c->pair[i];
	return true;
}

/* ---- rounds ---- */

static void note_skipped(struct calib *c, const char *why)
{
	char *text;

	if (c->skipped && strstr(c->skipped, why))
		return;
	if (asprintf(&text, "%s%s\n", c->skipped ? c->skipped : "", why) < 0)
		return;
	free(c->skipped);
	c->skipped = text;
}

struct round {
	struct calib *c;
	const struct calibrate_options *opt;
	double begin, length;
};

static void *run_probes(void *arg)
{
	const struct round *r = arg;
	const struct calibrate_options *opt = r->opt;
	struct calib *c = r->c;
	double weights = 0;

	for (int i = 0; i < PROBES; i++)
		weights += probes[i]->weight;
	for (int i = 0; i < PROBES; i++) {
		struct err why = { 0 };

		if (opt->progress)
			opt->progress(opt->arg, (clock_wall_s() - r->begin) / opt->seconds,
				      probes[i]->name);
		c->deadline = clock_wall_s() + r->length * probes[i]->weight / weights;
		if (!probes[i]->run(c, &why))
			note_skipped(c, why.msg);
	}
	return NULL;
}

/* In a thread of its own: where its kernel stack and descriptors lie changes what a fault costs by
 * some percent, and must change from round to round to show in the spread. */
static void run_round(struct calib *c, const struct calibrate_options *opt, double begin,
		      double length)
{
	struct round r = { .c = c, .opt = opt, .begin = begin, .length = length };
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_probes, &r) == 0)
		pthread_join(thread, NULL);
	else
		run_probes(&r);
	figures_end_round(&c->figures);
	derive_round(&c->figures, &c->topo);
}

static size_t run_rounds(struct calib *c, const struct calibrate_options *opt)
{
	double begin = clock_wall_s();
	size_t rounds = (size_t)(opt->seconds / ROUND_SECONDS), done = 0;

	rounds = rounds < LEAST_ROUNDS ? LEAST_ROUNDS : rounds > MOST_ROUNDS ? MOST_ROUNDS : rounds;
	/* Each gets its share of what is left: least repeats may take longer than their share. */
	for (; done < rounds; done++) {
		double left = opt->seconds - (clock_wall_s() - begin);

		if (left < 0 && done >= LEAST_ROUNDS)
			break;
		run_round(c, opt, begin, fmax(left, 0) / (double)(rounds - done));
	}
	return done;
}

static bool measure(struct calibration *out, const struct calibrate_options *opt, struct err *err)
{
	struct calib c = { .topo = out->topo };

	c.home = c.topo.cpu[0].os_index;
	if (!choose_pairs(&c, err))
		return false;
	clock_init(&c.clock);
	out->rounds = run_rounds(&c, opt);
	out->figures = c.figures;
	out->skipped = c.skipped ? c.skipped : strdup("");
	free(c.pair);
	return out->figures.n > 0 || err_set(err, "nothing could be measured: %s", out->skipped);
}

bool calibrate_run(const struct calibrate_options *opt, struct calibration *out, struct err *err)
{
	struct machine_desc base = { 0 };
	time_t now = time(NULL);
	struct tm tm;
	bool ok;

	*out = (struct calibration){ .seconds = opt->seconds };
	strftime(out->date, sizeof(out->date), "%Y-%m-%d", localtime_r(&now, &tm));
	if (!topology_read(&out->topo, err))
		return false;
	if (opt->base)
		snprintf(out->base, sizeof(out->base), "%s", opt->base);
	else
		choose_base(&out->topo, out->base, sizeof(out->base));
	if (!machine_load(out->base, &base, NULL, err))
		return false;
	ok = measure(out, opt, err);
	if (ok) {
		derive_constants(out);
		ok = fit_scale(out, err);
	}
	if (ok) {
		derive_ipi(out, &base);
		ok = fit_check_shootdown(out, err);
	}
	if (opt->progress)
		opt->progress(opt->arg, 1, "done");
	machine_desc_free(&base);
	return ok;
}

void calibration_free(struct calibration *c)
{
	topology_free(&c->topo);
	figures_free(&c->figures);
	free(c->constant);
	free(c->check);
	free(c->skipped);
	*c = (struct calibration){ 0 };
}
