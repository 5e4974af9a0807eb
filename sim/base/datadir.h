/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where mmsim's own data lies: configs/machines, configs/policies, configs/scenarios and
 * workloads/recorded. Looked for below $MMSIM_DATA, below the source tree that the binary was built
 * from, and in share/mmsim beside an installed binary, in this order; the first that has the file
 * wins.
 */
#ifndef SIM_BASE_DATADIR_H
#define SIM_BASE_DATADIR_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/base/err.h"

/*
 * The file of a name: `kind` is a folder below the data folder ("configs/machines"), `suffix` its
 * ending (".yaml"). A name that holds a '/' or already ends in the suffix and exists is taken as a
 * path. False and *err (with the nearest existing name) if there is no such file.
 */
bool datadir_find(const char *kind, const char *name, const char *suffix, char *path, size_t size,
		  struct err *err);

/* Names (without suffix) of all files of a kind, sorted, each once. Free with datadir_free_list. */
size_t datadir_list(const char *kind, const char *suffix, char ***names);
void datadir_free_list(char **names, size_t n);

#endif
