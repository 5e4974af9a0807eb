/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mmsim bench engine, bench hw and bench replay: how fast the simulator itself is on this computer.
 */
#include <inttypes.h>
#include <stdio.h>

#include "analysis/json.h"
#include "cli/bench_engine.h"
#include "cli/bench_hw.h"
#include "cli/command.h"
#include "cli/scenario.h"
#include "cli/workers.h"
#include "sim/base/text.h"

struct bench_command {
	bool json;
};

static const struct param options[] = {
	{ .name = "json",
	  .type = PARAM_BOOL,
	  .def = "false",
	  .offset = offsetof(struct bench_command, json),
	  .help = "print JSON" },
	PARAM_END,
};

static int run_engine(const struct invocation *inv, struct err *err)
{
	const struct bench_command *o = inv->options;

	return bench_engine(o->json, stdout, err);
}

static const struct command engine_command = {
	.name = "bench engine",
	.args = "",
	.summary = "Measure the engines' timed wake-ups a second",
	.options = options,
	.options_size = sizeof(struct bench_command),
	.run = run_engine,
};
COMMAND(engine_command);

static int run_hw(const struct invocation *inv, struct err *err)
{
	const struct bench_command *o = inv->options;

	return bench_hw(o->json, stdout, err);
}

static const struct command hw_command = {
	.name = "bench hw",
	.args = "",
	.summary = "Measure simulated accesses and IPIs a second, and a machine of 1,024 CPUs",
	.options = options,
	.options_size = sizeof(struct bench_command),
	.run = run_hw,
};
COMMAND(hw_command);

static const char recording[] = "tlb_flush2-2t", machine[] = "zen5-vm2", policy[] = "linux-6.18";

struct replay {
	bool json;
};

static void print_replay(const struct outcome *o)
{
	double wall = o->wall_s > 0 ? o->wall_s : 1e-9, sim = (double)o->sim_time / 1e12;
	char rate[32];

	printf("%s on %s under %s\n", recording, machine, policy);
	printf("  %.3f s simulated in %.3f s real: %.2f times as fast as the machine\n", sim,
	       o->wall_s, sim / wall);
	printf("  %" PRIu64 " events, %s/s\n", o->events,
	       text_from_count((double)o->events / wall, rate, sizeof(rate)));
	printf("  peak resident size %.1f MiB\n", (double)o->rss_bytes / (1 << 20));
}

static void json_replay(const struct outcome *o)
{
	double wall = o->wall_s > 0 ? o->wall_s : 1e-9, sim = (double)o->sim_time / 1e12;
	struct json j;

	json_init(&j, stdout);
	json_object(&j, NULL);
	json_string(&j, "workload", recording);
	json_string(&j, "machine", machine);
	json_string(&j, "policy", policy);
	json_double(&j, "simulated_s", sim);
	json_double(&j, "wall_s", o->wall_s);
	json_double(&j, "speed_simulated_per_real", sim / wall);
	json_u64(&j, "events", o->events);
	json_double(&j, "events_per_s", (double)o->events / wall);
	json_u64(&j, "rss_bytes", o->rss_bytes);
	json_end_object(&j);
}

static bool show_replay(void *arg, const struct planned_run *run, struct outcome *o,
			struct err *err)
{
	struct replay *r = arg;

	(void)run;
	if (o->end == SIM_END_DEADLOCK || o->end == SIM_END_DIED)
		err_set(err, "the replay ended badly: %s", o->message);
	else if (r->json)
		json_replay(o);
	else
		print_replay(o);
	outcome_free(o);
	return !err_is_set(err);
}

static bool set(struct scenario *s, const char *key, const char *text, struct err *err)
{
	return param_set(s, scenario_params, key, text, (struct where){ .file = key }, err);
}

/* In a worker process, so that the resident size is the run's alone. */
static int run_replay(const struct invocation *inv, struct err *err)
{
	const struct bench_command *o = inv->options;
	struct replay replay = { .json = o->json };
	struct workers_options w = { .jobs = 1, .done = show_replay, .arg = &replay };
	struct plan plan = { 0 };
	struct scenario s;
	int code = EXIT_RUN;

	if (scenario_init(&s, err) && set(&s, "workload", recording, err) &&
	    set(&s, "machines", machine, err) && set(&s, "policies", policy, err) &&
	    plan_make(&plan, &s, err))
		code = workers_run(&plan, &w, err);
	plan_free(&plan);
	scenario_free(&s);
	return code;
}

static const struct command replay_command = {
	.name = "bench replay",
	.args = "",
	.summary = "Measure the replay of a recording against real time",
	.options = options,
	.options_size = sizeof(struct bench_command),
	.run = run_replay,
};
COMMAND(replay_command);
