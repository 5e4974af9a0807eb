/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the list commands share: their options, parameters, and how each is registered.
 */
#ifndef CLI_LIST_H
#define CLI_LIST_H

#include "analysis/json.h"
#include "analysis/table.h"
#include "cli/command.h"

struct list_command {
	bool json;
};

extern const struct param list_options[];

/* A table of parameters, a line each, names behind the prefix; the same as "params" in JSON. */
void list_params_print(const char *prefix, const struct param *params);
void list_params_json(struct json *j, const struct param *params);

/* Registers "list NAME", run by list_NAME. */
#define LIST_COMMAND(kind, summary_)                                                               \
	static const struct command command_##kind = {                                             \
		.name = "list " #kind,                                                             \
		.args = "",                                                                        \
		.summary = summary_,                                                               \
		.options = list_options,                                                           \
		.options_size = sizeof(struct list_command),                                       \
		.run = list_##kind,                                                                \
	};                                                                                         \
	COMMAND(command_##kind)

#endif
