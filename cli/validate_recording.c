/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Replays a recording for some seeds and hands their metrics to analysis/recording.h.
 */
#include "cli/validate_recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/recording.h"
#include "cli/command.h"
#include "cli/workers.h"

static bool add(void *arg, const struct planned_run *run, struct outcome *o, struct err *err)
{
	bool ok = true;

	if (o->end != SIM_END_FINISHED)
		ok = err_set(err, "%s: the replay with seed %llu ended badly: %s", run->workload,
			     (unsigned long long)run->spec.seed, o->message);
	else if (o->n_violations)
		ok = err_set(err, "%s: the replay with seed %llu violates %s: %s", run->workload,
			     (unsigned long long)run->spec.seed, o->violations[0].kind,
			     o->violations[0].text);
	ok = ok && recording_add(arg, o->metrics, err);
	outcome_free(o);
	return ok;
}

static bool set(struct scenario *s, const char *key, const char *value, struct err *err)
{
	struct where where = { .file = "--recording" };

	return param_set(s, scenario_params, key, value, where, err);
}

static bool make_scenario(struct scenario *s, const struct recording_options *o, struct err *err)
{
	if (!scenario_init(s, err))
		return false;
	s->seeds = o->seeds;
	return set(s, "workload", o->file, err) && set(s, "machines", o->machine, err) &&
	       set(s, "policies", o->policy, err) && set(s, "threads", "0", err);
}

static bool plot(const struct recording_report *r, const struct recording_options *o,
		 const struct planned_run *run, struct err *err)
{
	char path[4096], title[512];

	if (mkdir(o->plot, 0777) && errno != EEXIST)
		return err_set(err, "%s: %s", o->plot, strerror(errno));
	snprintf(path, sizeof(path), "%s/recording-%s.svg", o->plot, run->workload);
	snprintf(title, sizeof(title), "%s on %s, %s", run->workload, run->machine, run->policy);
	return recording_plot(r, title, path, err);
}

static bool show(const struct recording_report *r, const struct recording_options *o,
		 const struct planned_run *run, struct err *err)
{
	if (*o->plot && !plot(r, o, run, err))
		return false;
	if (o->json) {
		recording_json(r, stdout);
		return true;
	}
	printf("%s on %s, %s, %u seed%s\n\n", run->workload, run->machine, run->policy, r->runs,
	       r->runs == 1 ? "" : "s");
	recording_print(r, stdout);
	return true;
}

int validate_recording(const struct recording_options *o, struct err *err)
{
	struct recording_report report;
	struct workers_options w = {
		.jobs = o->jobs, .done = add, .arg = &report, .progress = isatty(STDERR_FILENO)
	};
	struct plan plan = { 0 };
	struct scenario s = { 0 };
	int code = EXIT_USAGE;

	recording_init(&report);
	if (make_scenario(&s, o, err) && plan_make(&plan, &s, err))
		code = workers_run(&plan, &w, err);
	if (code == EXIT_OK && !show(&report, o, &plan.runs[0], err))
		code = EXIT_RUN;
	plan_free(&plan);
	scenario_free(&s);
	recording_free(&report);
	return code;
}
