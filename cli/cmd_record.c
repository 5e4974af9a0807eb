/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mmsim record: runs a command under perf with the events that the importer reads, and imports what
 * came out. It has no recorder of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/import_file.h"
#include "cli/record_checks.h"

struct record_command {
	char *output, *keep, *tracefs;
	uint32_t buffer;
	bool check;
};

static const struct param options[] = {
	{ .name = "output",
	  .type = PARAM_STRING,
	  .def = "",
	  .offset = offsetof(struct record_command, output),
	  .help = "the .mmt file to write" },
	{ .name = "keep",
	  .type = PARAM_STRING,
	  .def = "",
	  .offset = offsetof(struct record_command, keep),
	  .help = "keep perf's own file here" },
	{ .name = "buffer",
	  .type = PARAM_U32,
	  .def = "0",
	  .max = 1 << 20,
	  .offset = offsetof(struct record_command, buffer),
	  .help = "perf's buffer for each CPU in MiB, a power of two; 0 = by the size of memory" },
	{ .name = "tracefs",
	  .type = PARAM_STRING,
	  .def = "",
	  .offset = offsetof(struct record_command, tracefs),
	  .help = "where tracefs is mounted, if not in one of the usual places" },
	{ .name = "check",
	  .type = PARAM_BOOL,
	  .def = "false",
	  .offset = offsetof(struct record_command, check),
	  .help = "only say what recording would need that is not there" },
	PARAM_END,
};

static volatile sig_atomic_t signalled;

static void on_signal(int sig)
{
	signalled = sig;
}

/* perf record ... -- COMMAND; NULL-terminated, to be freed. */
static const char **perf_argv(const struct record_command *o, const struct record_events *events,
			      const char *data, char *const *command)
{
	static char size[32];
	size_t n = 0, words = 0;
	const char **argv;

	while (command[words])
		words++;
	argv = calloc(16 + 2 * events->n + words, sizeof(*argv));
	if (!argv)
		return NULL;
	snprintf(size, sizeof(size), "%luK", o->buffer ? o->buffer * 1024ul : record_buffer_kb());
	argv[n++] = "perf";
	argv[n++] = "record";
	argv[n++] = "-q";
	argv[n++] = "-a"; /* also whom the command wakes, and who takes its CPUs */
	argv[n++] = "-m";
	argv[n++] = size;
	argv[n++] = "-o";
	argv[n++] = data;
	for (size_t i = 0; i < events->n; i++) {
		argv[n++] = "-e";
		argv[n++] = events->name[i];
	}
	argv[n++] = "--";
	memcpy(argv + n, command, words * sizeof(*argv));
	return argv;
}

/*
 * Ctrl-C ends the recording, not us. perf has got it, too, if it came from the terminal, and does
 * not mind another one. Returns the status of wait(), -1 if perf could not be started.
 */
static int run_perf(const char **argv)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
		if (signalled)
			kill(pid, signalled);
	}
	return pid > 0 ? status : -1;
}

static int record(const struct record_command *o, const struct record_events *events,
		  const char *data, char *const *command, struct err *err)
{
	const char **argv = perf_argv(o, events, data, command);
	struct sigaction act = { .sa_handler = on_signal }, old_int, old_term;
	struct trace_stats stats;
	int status, ended;
	bool ok;

	if (!argv)
		return EXIT_RUN;
	sigaction(SIGINT, &act, &old_int);
	sigaction(SIGTERM, &act, &old_term);
	status = run_perf(argv);
	free(argv);
	ended = signalled;
	signalled = 0; /* from now on it ends the import */
	if (status == -1 || access(data, R_OK)) {
		err_set(err, "record: perf recorded nothing");
		return EXIT_RUN;
	}
	ok = import_file(data, o->output, &signalled, &stats, err);
	sigaction(SIGINT, &old_int, NULL);
	sigaction(SIGTERM, &old_term, NULL);
	if (!ok)
		return signalled ? EXIT_INTERRUPTED : EXIT_RUN;
	if (stats.lost)
		fprintf(stderr, "note: perf could not keep up; try --buffer %lu\n",
			2 * (o->buffer ? o->buffer : record_buffer_kb() / 1024));
	if (ended)
		return EXIT_INTERRUPTED;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The output can be written? Known before the command runs, not after. */
static bool can_write(const char *path, struct err *err)
{
	struct trace_writer *w = trace_create(path, err);

	trace_abandon(w);
	return w != NULL;
}

static int check_only(int missing)
{
	if (!missing)
		puts("nothing is missing");
	return missing ? EXIT_RUN : EXIT_OK;
}

static int run(const struct invocation *inv, struct err *err)
{
	const struct record_command *o = inv->options;
	struct record_events events = { 0 };
	char data[4096];
	int code = EXIT_USAGE, missing;

	if (!*o->output && !o->check) {
		err_set(err, "record: where to? (-o FILE.mmt)");
		return EXIT_USAGE;
	}
	if (o->buffer & (o->buffer - 1)) {
		err_set(err, "record: --buffer %u is not a power of two", o->buffer);
		return EXIT_USAGE;
	}
	missing = record_check(inv->args[0], o->tracefs, &events, stderr);
	snprintf(data, sizeof(data), "%s", o->keep);
	if (!*o->keep)
		snprintf(data, sizeof(data), "%s.perf.data-%d", o->output, (int)getpid());
	if (o->check)
		code = check_only(missing);
	else if (missing)
		err_set(err, "record: nothing was run, since %d thing%s missing", missing,
			missing == 1 ? " is" : "s are");
	else if (can_write(o->output, err))
		code = record(o, &events, data, inv->args, err);
	if (!*o->keep && !o->check)
		unlink(data);
	free(events.name);
	return code;
}

static const struct command command = {
	.name = "record",
	.args = "-- COMMAND [ARGUMENT...]",
	.summary = "Record a command's use of memory (by perf) into a .mmt file",
	.details =
		"perf records the whole machine while the command runs, so it takes root or\n"
		"kernel.perf_event_paranoid=-1. What is missing is said before anything is run.\n"
		"Ctrl-C ends the recording, and what was recorded is imported. The exit status is\n"
		"the command's; 130: Ctrl-C; 2: nothing was run; 1: nothing was recorded or "
		"imported.",
	.min_args = 1,
	.max_args = 4096,
	.options = options,
	.options_size = sizeof(struct record_command),
	.output_option = "output",
	.run = run,
};
COMMAND(command);
