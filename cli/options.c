/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command line by a command's parameter table: "--name VALUE", "--name=VALUE", "--flag",
 * "--no-flag". A list may be given as commas or by repeating the option. Knows no command.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "sim/base/text.h"

static size_t count_rows(const struct param *table)
{
	size_t n = 0;

	while (table && table[n].name)
		n++;
	return n;
}

const char *invocation_given(const struct invocation *inv, const char *option)
{
	const struct param *row = param_find(inv->command->options, option);

	return row ? inv->given[row - inv->command->options] : NULL;
}

static bool is_list(const struct param *row)
{
	return row->type == PARAM_LIST || row->type == PARAM_U32_LIST;
}

static bool unknown_option(const struct command *c, const char *name, struct err *err)
{
	struct nearest near;

	nearest_init(&near, name);
	nearest_offer(&near, "help");
	for (const struct param *row = c->options; row && row->name; row++)
		nearest_offer(&near, row->name);
	if (nearest_result(&near))
		return err_set(err, "%s: no option --%s; did you mean --%s?", c->name, name,
			       nearest_result(&near));
	return err_set(err, "%s: no option --%s (see: mmsim %s --help)", c->name, name, c->name);
}

/* Repeats of a list add to it; of anything else the last one counts. */
static bool set_option(struct invocation *inv, const struct param *row, const char *text,
		       struct err *err)
{
	char **given = &inv->given[row - inv->command->options];
	char *all;
	int n;

	if (*given && is_list(row))
		n = asprintf(&all, "%s,%s", *given, text);
	else
		n = asprintf(&all, "%s", text);
	if (n < 0)
		return err_set(err, "out of memory");
	free(*given);
	*given = all;
	return param_set(inv->options, inv->command->options, row->name, all,
			 (struct where){ .file = "command line" }, err);
}

/* "name" or "name=value" at *argv; may take the next word. Returns the number of words, 0 = error.
 */
static int take_option(struct invocation *inv, const char *word, char **next, struct err *err)
{
	const struct command *c = inv->command;
	const char *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : strlen(word);
	char name[64];
	const struct param *row;
	bool negated;

	snprintf(name, sizeof(name), "%.*s", (int)n, word);
	row = c->options ? param_find(c->options, name) : NULL;
	negated = !row && !strncmp(name, "no-", 3) && c->options &&
		  (row = param_find(c->options, name + 3)) && row->type == PARAM_BOOL;
	if (!row || (row->type != PARAM_BOOL && !strncmp(name, "no-", 3) && !negated)) {
		unknown_option(c, name, err);
		return 0;
	}
	if (row->type == PARAM_BOOL && !equals)
		return set_option(inv, row, negated ? "false" : "true", err) ? 1 : 0;
	if (equals)
		return set_option(inv, row, equals + 1, err) ? 1 : 0;
	if (!*next) {
		char expects[160];

		err_set(err, "--%s: a value is missing, expected %s", row->name,
			param_expects(row, expects, sizeof(expects)));
		return 0;
	}
	return set_option(inv, row, *next, err) ? 2 : 0;
}

static bool check_args(const struct invocation *inv, struct err *err)
{
	const struct command *c = inv->command;

	if (inv->n_args < c->min_args)
		return err_set(err, "%s: too few arguments, expected: mmsim %s %s", c->name,
			       c->name, c->args);
	if (inv->n_args > c->max_args)
		return err_set(err, "%s: unexpected argument '%s', expected: mmsim %s%s%s%s",
			       c->name, inv->args[c->max_args], c->name,
			       c->options ? " [OPTION...]" : "", *c->args ? " " : "", c->args);
	return true;
}

static bool parse_words(struct invocation *inv, int argc, char **argv, bool *help, struct err *err)
{
	bool only_args = false;

	for (int i = 0; i < argc;) {
		const char *word = argv[i];
		int taken = 1;

		if (!only_args && (!strcmp(word, "--help") || !strcmp(word, "-h"))) {
			*help = true;
			return true;
		}
		if (!only_args && !strcmp(word, "--")) {
			only_args = true;
		} else if (!only_args && !strcmp(word, "-o") && inv->command->output_option) {
			taken = take_option(inv, inv->command->output_option, &argv[i + 1], err);
		} else if (!only_args && !strncmp(word, "--", 2)) {
			taken = take_option(inv, word + 2, &argv[i + 1], err);
		} else if (!only_args && word[0] == '-' && word[1]) {
			return err_set(err, "%s: no option %s (see: mmsim %s --help)",
				       inv->command->name, word, inv->command->name);
		} else {
			inv->args[inv->n_args++] = argv[i];
		}
		if (!taken)
			return false;
		i += taken;
	}
	return check_args(inv, err);
}

bool options_parse(struct invocation *inv, const struct command *command, int argc, char **argv,
		   bool *help, struct err *err)
{
	*inv = (struct invocation){ .command = command };
	*help = false;
	inv->options = calloc(1, command->options_size + 1);
	inv->given = calloc(count_rows(command->options) + 1, sizeof(*inv->given));
	inv->args = calloc((size_t)argc + 1, sizeof(*inv->args));
	if (!inv->options || !inv->given || !inv->args)
		return err_set(err, "out of memory");
	if (command->options && !param_init(inv->options, command->options, err))
		return false;
	return parse_words(inv, argc, argv, help, err);
}

void options_free(struct invocation *inv)
{
	if (inv->options && inv->command->options)
		param_free(inv->options, inv->command->options);
	for (size_t i = 0; inv->given && i < count_rows(inv->command->options); i++)
		free(inv->given[i]);
	free(inv->options);
	free(inv->given);
	free(inv->args);
}

static void help_row(const struct command *c, const struct param *row, FILE *out)
{
	bool short_o = c->output_option && !strcmp(c->output_option, row->name);
	char expects[200];

	fprintf(out, "  %s--%s%s\n      %s", short_o ? "-o, " : "", row->name,
		row->type == PARAM_BOOL ? "" : " VALUE", row->help);
	if (row->type != PARAM_BOOL)
		fprintf(out, " (%s)", param_expects(row, expects, sizeof(expects)));
	if (row->def && *row->def && row->type != PARAM_BOOL)
		fprintf(out, "; default %s", row->def);
	fputc('\n', out);
}

void options_help(const struct command *command, FILE *out)
{
	fprintf(out, "Usage: mmsim %s%s%s%s\n\n%s.\n", command->name,
		command->options ? " [OPTION...]" : "", *command->args ? " " : "", command->args,
		command->summary);
	if (command->details)
		fprintf(out, "\n%s\n", command->details);
	if (!command->options)
		return;
	fputs("\nOptions:\n", out);
	for (const struct param *row = command->options; row->name; row++)
		help_row(command, row, out);
	fputs("  --help\n      this text\n", out);
}
