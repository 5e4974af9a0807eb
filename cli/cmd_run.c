/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mmsim run: a scenario file, or one made from options, or both; runs it, stores it, prints it.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analysis/store.h"
#include "cli/command.h"
#include "cli/report.h"
#include "cli/scenario.h"
#include "cli/version.h"
#include "cli/workers.h"

struct run_options {
	char *workload, *engine, *db;
	char **machine, **policy, **set;
	struct u32_list threads, seed;
	uint32_t seeds, jobs;
	sim_ps duration;
	bool json, all;
};

#define ROW(field) .name = #field, .offset = offsetof(struct run_options, field)

static const struct param options[] = {
	{ ROW(workload), .type = PARAM_STRING, .def = "",
	  .help = "a synthetic load (mmsim list workloads), or a recording (.mmt)" },
	{ ROW(machine), .type = PARAM_LIST, .def = "", .help = "machines to run it on" },
	{ ROW(policy), .type = PARAM_LIST, .def = "", .help = "policy sets to run it under" },
	{ ROW(threads), .type = PARAM_U32_LIST, .def = "0", .max = 65536,
	  .help = "numbers of threads; 0 = the workload's own" },
	{ ROW(duration), .type = PARAM_PS, .def = "0",
	  .help = "simulated time of a run; 0 = until the work ends" },
	{ ROW(seeds), .type = PARAM_U32, .def = "1", .min = 1, .max = 10000,
	  .help = "run each combination with the seeds 1 to N" },
	{ ROW(seed), .type = PARAM_U32_LIST, .def = "", .max = 4294967295.0,
	  .help = "run each combination with these seeds" },
	{ ROW(set), .type = PARAM_LIST, .def = "",
	  .help = "KEY=VALUE: change one value of the machine, policy or workload" },
	{ ROW(engine), .type = PARAM_STRING, .def = "native", .choices = sim_engine_names,
	  .help = "what runs it; the results are the same" },
	{ ROW(jobs), .type = PARAM_U32, .def = "0", .max = 256,
	  .help = "runs at once; 0 = one for each CPU of this computer" },
	{ ROW(db), .type = PARAM_STRING, .def = "", .help = "database to store the runs in" },
	{ ROW(all), .type = PARAM_BOOL, .def = "false", .help = "print every figure of a run" },
	{ ROW(json), .type = PARAM_BOOL, .def = "false", .help = "print JSON" },
	PARAM_END,
};

/* Options that stand for a key of the scenario. */
static const struct {
	const char *option, *key;
} scenario_keys[] = {
	{ "workload", "workload" }, { "machine", "machines" },  { "policy", "policies" },
	{ "threads", "threads" },   { "duration", "duration" }, { "seeds", "seeds" },
	{ "seed", "seed" },         { "engine", "engine" },
};

/* A piece without '=' is the rest of a value that itself holds commas. */
static bool add_sets(struct scenario *s, char *const *set, struct err *err)
{
	struct where where = { .file = "--set" };
	char text[2048] = "";

	for (; set && *set; set++) {
		size_t used = strlen(text);

		if (strchr(*set, '=') && used) {
			if (!scenario_add_setting(s, text, where, err))
				return false;
			used = 0;
		}
		if ((size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? "," : "",
				     *set) >= sizeof(text) - used)
			return err_at(err, where, "'%.40s...' is longer than %zu bytes", text,
				      sizeof(text) - 1);
	}
	return !*text || scenario_add_setting(s, text, where, err);
}

static bool make_scenario(struct scenario *s, const struct invocation *inv, struct err *err)
{
	const struct run_options *o = inv->options;

	if (!scenario_init(s, err) || (inv->n_args && !scenario_load(s, inv->args[0], err)))
		return false;
	for (size_t i = 0; i < sizeof(scenario_keys) / sizeof(*scenario_keys); i++) {
		const char *text = invocation_given(inv, scenario_keys[i].option);
		char where[32];

		snprintf(where, sizeof(where), "--%s", scenario_keys[i].option);
		if (text && !param_set(s, scenario_params, scenario_keys[i].key, text,
				       (struct where){ .file = where }, err))
			return false;
	}
	/* --seeds N must win over the file's list of seeds. */
	if (invocation_given(inv, "seeds") && !invocation_given(inv, "seed"))
		s->seed.n = 0;
	return add_sets(s, o->set, err);
}

/* Outcomes that were stored, kept for printing. */
struct results {
	const struct plan *plan;
	const char *scenario;
	struct store *store;
	struct outcome *outcomes;
	struct run_record *records;
	int64_t *ids;
	size_t n;
	char host[65];
	time_t begun;
};

static void fill_record(const struct results *res, const struct planned_run *run,
			const struct outcome *o, struct run_record *r)
{
	*r = (struct run_record){
		.scenario = res->scenario,
		.workload = run->workload,
		.machine = run->machine,
		.policy = run->policy,
		.engine = run->spec.engine,
		.settings = res->plan->settings,
		.seed = run->spec.seed,
		.threads = o->threads,
		.cpus = o->cpus,
		.duration = run->spec.duration,
		.end = run_end_name(o->end),
		.message = o->message,
		.sim_time = o->sim_time,
		.events = o->events,
		.metrics = o->metrics,
		.config = (const struct run_pair *)o->config,
		.n_config = o->n_config,
		.violations = o->violations,
		.n_violations = o->n_violations,
		.host = { .name = res->host,
			  .revision = mmsim_revision(),
			  .version = mmsim_version(),
			  .started = res->begun,
			  .wall_s = o->wall_s,
			  .rss_bytes = o->rss_bytes },
	};
}

_Static_assert(sizeof(struct run_pair) == sizeof(struct config_pair) &&
		       offsetof(struct run_pair, value) == offsetof(struct config_pair, value),
	       "fill_record passes one for the other");

static bool keep_result(void *arg, const struct planned_run *run, struct outcome *o,
			struct err *err)
{
	struct results *res = arg;
	size_t i = res->n;

	res->outcomes[i] = *o;
	fill_record(res, run, &res->outcomes[i], &res->records[i]);
	res->n++;
	return !res->store || store_add_run(res->store, &res->records[i], &res->ids[i], err);
}

static void print_results(const struct results *res, const struct run_options *o)
{
	const char *db = res->store ? store_path(res->store) : NULL;
	struct json j;

	if (!o->json) {
		if (res->plan->n == 1 && res->n)
			report_run(&res->records[0], o->all, stdout);
		else
			report_runs(res->records, res->n, stdout);
		if (db && res->plan->n > 1)
			printf("\nStored in %s; see: mmsim compare %s\n", db, db);
		else if (!db)
			puts("\nNot stored (--db FILE keeps it)");
		return;
	}
	json_init(&j, stdout);
	if (res->plan->n > 1)
		json_array(&j, NULL);
	for (size_t i = 0; i < res->n; i++)
		report_json(&res->records[i], db, res->ids[i], &j);
	if (res->plan->n > 1)
		json_end_array(&j);
}

static int run_plan(const struct plan *plan, const char *scenario, const struct run_options *o,
		    struct err *err)
{
	struct results res = { .plan = plan, .scenario = scenario, .begun = time(NULL) };
	struct workers_options w = { .jobs = o->jobs,
				     .done = keep_result,
				     .arg = &res,
				     .progress = plan->n > 1 && isatty(STDERR_FILENO) };
	int code = EXIT_RUN;

	/* Before the first run: a database that cannot be written should not cost an hour. */
	if (*o->db && !(res.store = store_open(o->db, STORE_WRITE, err)))
		return EXIT_RUN;
	gethostname(res.host, sizeof(res.host) - 1);
	res.outcomes = calloc(plan->n, sizeof(*res.outcomes));
	res.records = calloc(plan->n, sizeof(*res.records));
	res.ids = calloc(plan->n, sizeof(*res.ids));
	if (!res.outcomes || !res.records || !res.ids)
		err_set(err, "out of memory");
	else
		code = workers_run(plan, &w, err);
	if (res.n && (code == EXIT_OK || code == EXIT_INTERRUPTED))
		print_results(&res, o);
	for (size_t i = 0; i < res.n; i++) {
		if (code == EXIT_OK && run_ended_badly(&res.records[i]))
			code = EXIT_VIOLATION;
		outcome_free(&res.outcomes[i]);
	}
	free(res.outcomes);
	free(res.records);
	free(res.ids);
	store_close(res.store);
	return code;
}

static int run(const struct invocation *inv, struct err *err)
{
	struct scenario s;
	struct plan plan = { 0 };
	int code = EXIT_USAGE;

	if (make_scenario(&s, inv, err) && plan_make(&plan, &s, err))
		code = run_plan(&plan, s.name, inv->options, err);
	plan_free(&plan);
	scenario_free(&s);
	return code;
}

static const struct command command = {
	.name = "run",
	.args = "[SCENARIO]",
	.summary = "Simulate a scenario, or what the options say",
	.details =
		"SCENARIO is a YAML file or a name (mmsim list scenarios). Options go before what "
		"it\n"
		"says. Lists take commas or repeats: every combination is run. Runs go to as many\n"
		"processes as --jobs says; results are the same whatever their number.",
	.max_args = 1,
	.options = options,
	.options_size = sizeof(struct run_options),
	.run = run,
};
COMMAND(command);
