/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The mmsim command: finds the subcommand among those registered, parses its line and runs it. The
 * only place that prints an error and decides the exit status.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/version.h"
#include "sim/base/text.h"

SECTION_DECLARE(commands);

enum { MAX_COMMANDS = 64 };

static int by_name(const void *a, const void *b)
{
	const struct command *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static const struct command **sorted_commands(size_t *n)
{
	const struct command **all;

	*n = 0;
	section_for_each(commands, pos)
		(*n)++;
	all = calloc(*n + 1, sizeof(*all));
	if (!all)
		abort();
	*n = 0;
	section_for_each(commands, pos)
		all[(*n)++] = *pos;
	qsort(all, *n, sizeof(*all), by_name);
	return all;
}

/* Subcommands, all or those of one group ("trace", "list" and "list machines"). */
static void print_commands(const char *group, FILE *out)
{
	size_t n, width = 0, length = group ? strlen(group) : 0;
	const struct command **all = sorted_commands(&n);

	for (size_t i = 0; i < n; i++)
		if (strlen(all[i]->name) > width)
			width = strlen(all[i]->name);
	for (size_t i = 0; i < n; i++)
		if (!group ||
		    (!strncmp(all[i]->name, group, length) && strchr(" ", all[i]->name[length])))
			fprintf(out, "  %-*s  %s\n", (int)width, all[i]->name, all[i]->summary);
	free(all);
}

static void print_help(FILE *out)
{
	fputs("mmsim: what a change to Linux memory management does on a machine that you may not "
	      "have.\n\nUsage: mmsim COMMAND [OPTION...] [ARGUMENT...]\n\nCommands:\n",
	      out);
	print_commands(NULL, out);
	fputs("\nmmsim COMMAND --help tells about one. Exit status: 0 done, 1 failed while "
	      "running, "
	      "2 wrong\ncommand line or input, 3 a run ended badly or violated an invariant, 130 "
	      "interrupted.\n",
	      out);
}

static bool is_group(const char *word)
{
	size_t length = strlen(word);

	section_for_each(commands, pos) {
		const struct command *c = *pos;

		if (!strncmp(c->name, word, length) && c->name[length] == ' ')
			return true;
	}
	return false;
}

/* "list machines", or "list" alone: a word behind it that is no option must name one of the group.
 */
static const struct command *find_command(const char *first, const char *second)
{
	const struct command *alone = NULL;
	char both[128];

	snprintf(both, sizeof(both), "%s %s", first, second ? second : "");
	section_for_each(commands, pos) {
		const struct command *c = *pos;

		if (second && !strcmp(c->name, both))
			return c;
		if (!strcmp(c->name, first))
			alone = c;
	}
	return alone && second && *second != '-' && is_group(first) ? NULL : alone;
}

static void print_group(const char *group, FILE *out)
{
	fprintf(out, "Usage: mmsim %s COMMAND [OPTION...] [ARGUMENT...]\n\nCommands:\n", group);
	print_commands(group, out);
}

/* "trace" alone: a group whose commands all need their second word. */
static void group_alone(const char *group, struct err *err)
{
	size_t n, length = strlen(group), used = 0;
	const struct command **all = sorted_commands(&n);
	char words[200] = "";

	for (size_t i = 0; i < n && used < sizeof(words); i++)
		if (!strncmp(all[i]->name, group, length) && all[i]->name[length] == ' ')
			used += (size_t)snprintf(words + used, sizeof(words) - used, "%s%s",
						 used ? ", " : "", all[i]->name + length + 1);
	err_set(err, "%s: what? One of: %s (see: mmsim %s --help)", group, words, group);
	free(all);
}

static void no_command(const char *first, const char *second, struct err *err)
{
	bool group = is_group(first);
	static char names[MAX_COMMANDS][64]; /* nearest_result refers to one of them */
	struct nearest near;
	char wanted[128];
	size_t n = 0;

	snprintf(wanted, sizeof(wanted), "%s%s%s", first, group && second ? " " : "",
		 group && second ? second : "");
	nearest_init(&near, wanted);
	section_for_each(commands, pos) {
		const struct command *c = *pos;

		/* An unknown first word is most like a command or a group, a second one like the
		 * rest. */
		snprintf(names[n], sizeof(names[n]), "%.*s",
			 (int)(group ? strlen(c->name) : strcspn(c->name, " ")), c->name);
		nearest_offer(&near, names[n]);
		n = n + 1 < MAX_COMMANDS ? n + 1 : n;
	}
	if (group && !second)
		group_alone(first, err);
	else if (nearest_result(&near))
		err_set(err, "no command '%s'; did you mean '%s'?", wanted, nearest_result(&near));
	else
		err_set(err, "no command '%s' (see: mmsim --help)", wanted);
}

static int run_command(const struct command *command, int argc, char **argv, struct err *err)
{
	struct invocation inv;
	int code = EXIT_USAGE;
	bool help;

	if (options_parse(&inv, command, argc, argv, &help, err)) {
		if (help)
			options_help(command, stdout);
		code = help ? EXIT_OK : command->run(&inv, err);
	}
	options_free(&inv);
	return code;
}

static bool is_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help");
}

static int dispatch(int argc, char **argv, struct err *err)
{
	const char *first = argc > 1 ? argv[1] : NULL, *second = argc > 2 ? argv[2] : NULL;
	const struct command *command;

	if (!first) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (is_help(first)) {
		print_help(stdout);
		return EXIT_OK;
	}
	if (!strcmp(first, "--version")) {
		printf("mmsim %s (%s)\n", mmsim_version(), mmsim_revision());
		return EXIT_OK;
	}
	command = find_command(first, second);
	if (command && !(second && is_help(second) && is_group(first))) {
		int words = strchr(command->name, ' ') ? 3 : 2;

		return run_command(command, argc - words, argv + words, err);
	}
	if (second && is_help(second) && is_group(first)) {
		print_group(first, stdout);
		return EXIT_OK;
	}
	no_command(first, second, err);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	int code = dispatch(argc, argv, &err);

	if (err_is_set(&err))
		fprintf(stderr, "mmsim: %s\n", err.msg);
	if (fflush(stdout) || ferror(stdout)) {
		perror("mmsim: cannot write the output");
		return code ? code : EXIT_RUN;
	}
	return code;
}
