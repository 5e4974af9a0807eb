/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a scenario to its single runs. All of them are checked here, so that nobody waits an hour
 * for a slip in the last line.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/scenario.h"
#include "workloads/recorded.h"
#include "workloads/workload.h"

/* The name in results: no folder, no ending, so that it is the same on every machine. */
static char *short_name(const char *name, const char *suffix)
{
	const char *base = strrchr(name, '/');
	char *copy = strdup(base ? base + 1 : name);
	size_t n = copy ? strlen(copy) : 0, s = strlen(suffix);

	if (n > s && !strcmp(copy + n - s, suffix))
		copy[n - s] = '\0';
	return copy;
}

/* A synthetic load by name, a file by path, or a recording that comes with mmsim. */
static bool find_workload(const char *name, char *path, size_t size, struct err *err)
{
	const struct workload_type *type = workload_find(name, err);

	if (!type)
		return false;
	if (!strcmp(type->name, name) || !recorded_find(name, path, size))
		snprintf(path, size, "%s", name);
	return true;
}

static char *settings_text(const struct scenario *s)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < s->n_set; i++)
		fprintf(out, "%s%s=%s", i ? " " : "", s->set[i].key, s->set[i].value);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static bool check_lists(const struct scenario *s, struct err *err)
{
	if (!*s->workload)
		return err_set(err,
			       "no workload: give --workload NAME or a scenario (see: mmsim list "
			       "workloads)");
	if (!s->machines || !*s->machines)
		return err_set(err, "no machine: give --machine NAME (see: mmsim list machines)");
	if (!s->policies || !*s->policies)
		return err_set(err, "no policy: give --policy NAME (see: mmsim list policies)");
	if (!s->threads.n)
		return err_set(err, "no number of threads: give --threads N");
	return true;
}

static size_t count(char *const *list)
{
	size_t n = 0;

	while (list[n])
		n++;
	return n;
}

static size_t count_seeds(const struct scenario *s)
{
	return s->seed.n ? s->seed.n : s->seeds;
}

static bool fill(struct plan *plan, const struct scenario *s, size_t machine, size_t threads,
		 size_t policy, struct err *err)
{
	for (size_t i = 0; i < count_seeds(s); i++) {
		struct planned_run *r = &plan->runs[plan->n++];

		r->spec = (struct experiment){
			.workload = plan->workload_path,
			.machine = s->machines[machine],
			.policy = s->policies[policy],
			.engine = s->engine,
			.threads = s->threads.v[threads],
			.duration = s->duration,
			.seed = s->seed.n ? s->seed.v[i] : i + 1,
			.set = s->set,
			.n_set = s->n_set,
		};
		r->workload = short_name(s->workload, ".mmt");
		r->machine = short_name(s->machines[machine], ".yaml");
		r->policy = short_name(s->policies[policy], ".yaml");
		if (!r->workload || !r->machine || !r->policy)
			return err_set(err, "out of memory");
		/* Seeds change nothing that could be wrong: one check a combination. */
		if (!i && !experiment_check(&r->spec, err))
			return false;
	}
	return true;
}

bool plan_make(struct plan *plan, const struct scenario *s, struct err *err)
{
	size_t machines, policies;

	memset(plan, 0, sizeof(*plan));
	if (!check_lists(s, err) ||
	    !find_workload(s->workload, plan->workload_path, sizeof(plan->workload_path), err))
		return false;
	machines = count(s->machines);
	policies = count(s->policies);
	plan->settings = settings_text(s);
	plan->runs = calloc(machines * policies * s->threads.n * count_seeds(s),
			    sizeof(*plan->runs));
	if (!plan->runs || !plan->settings)
		return err_set(err, "out of memory");
	for (size_t m = 0; m < machines; m++)
		for (size_t t = 0; t < s->threads.n; t++)
			for (size_t p = 0; p < policies; p++)
				if (!fill(plan, s, m, t, p, err))
					return false;
	return true;
}

void plan_free(struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		free(plan->runs[i].workload);
		free(plan->runs[i].machine);
		free(plan->runs[i].policy);
	}
	free(plan->runs);
	free(plan->settings);
	memset(plan, 0, sizeof(*plan));
}
