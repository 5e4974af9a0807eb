/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a subcommand is: one file that registers a struct command. Its options are a parameter table
 * (sim/base/param.h), from which parsing, --help and defaults come. main.c finds the command,
 * parses the line, calls it, and prints the error if there is one.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "sim/base/err.h"
#include "sim/base/param.h"
#include "sim/base/section.h"

enum exit_code {
	EXIT_OK = 0,
	EXIT_RUN = 1,       /* something failed while it ran */
	EXIT_USAGE = 2,     /* a wrong command line or bad input: nothing was run */
	EXIT_VIOLATION = 3, /* a run ended badly, or an invariant was violated */
	EXIT_INTERRUPTED = 130,
};

struct command;

/* A command line that was understood. */
struct invocation {
	const struct command *command;
	void *options; /* by the command's table; the defaults where nothing was given */
	char **given;  /* by row of the table: the text given, NULL if not; repeats joined */
	char **args;   /* NULL-terminated */
	size_t n_args;
};

/* The text that was given for an option, NULL if it was not. */
const char *invocation_given(const struct invocation *inv, const char *option);

struct command {
	const char *name;    /* one or two words: "run", "trace info" */
	const char *args;    /* for the usage line: "[SCENARIO]"; "" = none */
	const char *summary; /* one line */
	const char *details; /* more for --help, or NULL */
	size_t min_args, max_args;
	const struct param *options; /* NULL = none */
	size_t options_size;
	const char *output_option; /* the option that -o stands for, or NULL */
	/* Returns an exit code; if that is not 0, *err may say why. */
	int (*run)(const struct invocation *inv, struct err *err);
};

#define COMMAND(var) SECTION_ROW(commands, &(var))

/* ---- options.c ---- */

/* argv after the command's name. False and *err on a wrong line; *help if --help was asked for. */
bool options_parse(struct invocation *inv, const struct command *command, int argc, char **argv,
		   bool *help, struct err *err);
void options_free(struct invocation *inv);
void options_help(const struct command *command, FILE *out);

#endif
